with figures as (
    select
        table_id,
        vintage,
        month,
        period_end_date,
        municipality_code,
        dimension_label,
        normalised_label_end,
        value
    from {{ ref('int_published__figures') }}
    where is_newest and month is not null
),

tables as (
    select
        table_id,
        content_code,
        benefit_group_code,
        valid_from_date,
        valid_to_date
    from {{ ref('jobindsats_tables') }}
    where benefit_group_code is not null
),

measures as (
    select
        content_code,
        measure_label,
        measure_code
    from {{ ref('jobindsats_measures') }}
),

rule_parameters as (
    select
        parameter_code,
        value,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
    where parameter_code in ('published_tolerance_share', 'published_tolerance_persons')
),

matched as (
    select
        figures.table_id,
        figures.vintage,
        figures.month,
        figures.period_end_date,
        figures.municipality_code,
        tables.benefit_group_code,
        measures.measure_code,
        figures.value
    from figures
    inner join tables
        on
            figures.table_id = tables.table_id
            and {{ in_force_on('figures.period_end_date', 'tables') }}
    inner join measures
        on
            tables.content_code = measures.content_code
            and figures.normalised_label_end = measures.measure_label
    -- Where a table is divided, its total in every dimension: "I alt", "Ydelsesgrupper i alt".
    where
        figures.dimension_label is null
        or regexp_full_match(lower(figures.dimension_label), '([^|]*\b)?i alt( \| ([^|]*\b)?i alt)*')
),

published as (
    select
        table_id,
        vintage,
        month,
        period_end_date,
        municipality_code,
        benefit_group_code,
        max(value) filter (where measure_code = 'person_count') as person_count,
        max(value) filter (where measure_code = 'full_time_persons') as full_time_persons
    from matched
    group by table_id, vintage, month, period_end_date, municipality_code, benefit_group_code
),

tolerances as (
    select
        published.*,
        shares.value as rule_share,
        persons.value as rule_persons
    from published
    left join rule_parameters as shares
        on
            shares.parameter_code = 'published_tolerance_share'
            and {{ in_force_on('published.period_end_date', 'shares') }}
    left join rule_parameters as persons
        on
            persons.parameter_code = 'published_tolerance_persons'
            and {{ in_force_on('published.period_end_date', 'persons') }}
)

select
    table_id,
    vintage,
    month,
    period_end_date,
    municipality_code,
    benefit_group_code,
    person_count,
    full_time_persons,
    {{ required_rule('rule_share', "'published_tolerance_share on ' || period_end_date") }} as tolerance_share,
    {{ required_rule('rule_persons', "'published_tolerance_persons on ' || period_end_date") }} as tolerance_persons
from tolerances
