with facts as (
    select
        period_code,
        municipality_code,
        on_time_share,
        difference_percentage_points,
        quadrant_code
    from {{ ref('fct_timeliness_and_results') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

quadrants as (
    select
        quadrant_code,
        label_da,
        label_en
    from {{ ref('quadrants') }}
    {{ newest_row('quadrant_code') }}
)

select
    facts.period_code,
    facts.municipality_code,
    facts.on_time_share,
    facts.difference_percentage_points,
    facts.quadrant_code,
    municipalities.municipality_name,
    quadrants.label_da as quadrant_name_da,
    quadrants.label_en as quadrant_name_en
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join quadrants
    on facts.quadrant_code = quadrants.quadrant_code
