with periods as (
    select
        period_code,
        period_end_date
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

municipalities as (
    select
        municipality_code,
        valid_from_date,
        valid_to_date
    from {{ ref('municipalities') }}
),

levels as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        expected_source,
        difference_percentage_points,
        difference_standard_error
    from {{ ref('int_benefit_level__levels') }}
    where is_chosen_source
),

model_status as (
    select
        period_code,
        missing_da,
        missing_en
    from {{ ref('int_benefit_level__model_status') }}
),

-- DISTINCT: a period has one row per municipality.
sources as (
    select distinct
        period_code,
        benefit_area_code,
        expected_source
    from levels
),

-- jobindsats publishes no level with foertidspension, so those scenarios always rest on the model. A period without any
-- level lacks the model's: the reason is said below.
choices as (
    select
        periods.period_code,
        periods.period_end_date,
        scopes.counts_foertidspension,
        scopes.benefit_area_code,
        coalesce(sources.expected_source, 'model') as expected_source
    from periods
    cross join (
        values (false, 'all'), (true, 'all_with_foertidspension')
    ) as scopes (counts_foertidspension, benefit_area_code)
    left join sources
        on
            periods.period_code = sources.period_code
            and scopes.benefit_area_code = sources.benefit_area_code
)

select
    choices.period_code,
    municipalities.municipality_code,
    choices.counts_foertidspension,
    choices.expected_source,
    levels.difference_percentage_points,
    levels.difference_standard_error,
    case
        when levels.difference_percentage_points is not null then null
        when choices.expected_source = 'published' then 'kommunen mangler i den offentliggjorte opgørelse'
        else 'modellen ikke kan beregnes for perioden; der mangler ' || model_status.missing_da
    end as missing_da,
    case
        when levels.difference_percentage_points is not null then null
        when choices.expected_source = 'published' then 'the municipality lacks in the published statement'
        else 'the model can not be computed for the period; what lacks is ' || model_status.missing_en
    end as missing_en
from choices
inner join municipalities
    on {{ in_force_on('choices.period_end_date', 'municipalities') }}
left join levels
    on
        choices.period_code = levels.period_code
        and municipalities.municipality_code = levels.municipality_code
        and choices.benefit_area_code = levels.benefit_area_code
        and choices.expected_source = levels.expected_source
left join model_status
    on choices.period_code = model_status.period_code
