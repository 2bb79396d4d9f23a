with facts as (
    select
        period_code,
        municipality_code,
        similarity_rank,
        similar_municipality_code,
        expected_percentage_difference
    from {{ ref('fct_similar_municipalities') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

similar_municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
)

select
    facts.period_code,
    facts.municipality_code,
    facts.similarity_rank,
    facts.similar_municipality_code,
    facts.expected_percentage_difference,
    municipalities.municipality_name,
    similar_municipalities.municipality_name as similar_municipality_name
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join similar_municipalities
    on facts.similar_municipality_code = similar_municipalities.municipality_code
