with group_rows as (
    select
        month,
        municipality_code,
        benefit_group_code
    from {{ ref('int_benefit_group_rows') }}
    where is_in_scope
),

months as (
    select
        month,
        as_of_date,
        is_provisional
    from {{ ref('int_months') }}
),

duration_bands as (
    select
        duration_band_code,
        valid_from_date,
        valid_to_date
    from {{ ref('duration_bands') }}
),

counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        duration_band_code,
        person_count,
        passive_count
    from {{ ref('int_passive_by_duration__counts') }}
),

due_rows as (
    select
        group_rows.month,
        group_rows.municipality_code,
        group_rows.benefit_group_code,
        duration_bands.duration_band_code,
        months.is_provisional
    from group_rows
    inner join months on group_rows.month = months.month
    inner join duration_bands
        on {{ in_force_on('months.as_of_date', 'duration_bands') }}
)

select
    due_rows.month,
    due_rows.municipality_code,
    due_rows.benefit_group_code,
    due_rows.duration_band_code,
    coalesce(counts.person_count, 0) as person_count,
    coalesce(counts.passive_count, 0) as passive_count,
    {{ share('counts.passive_count', 'counts.person_count') }} as passive_share,
    due_rows.is_provisional
from due_rows
left join counts
    on
        due_rows.month = counts.month
        and due_rows.municipality_code = counts.municipality_code
        and due_rows.benefit_group_code = counts.benefit_group_code
        and due_rows.duration_band_code = counts.duration_band_code
