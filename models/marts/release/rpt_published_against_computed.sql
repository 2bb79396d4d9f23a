with published as (
    select
        table_id,
        vintage,
        month,
        period_end_date,
        municipality_code,
        benefit_group_code,
        person_count,
        full_time_persons,
        tolerance_share,
        tolerance_persons
    from {{ ref('int_published__benefit_recipients') }}
),

computed as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count,
        full_time_persons,
        is_provisional
    from {{ ref('fct_benefit_recipients') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

benefit_groups as (
    select
        benefit_group_code,
        label_da,
        label_en
    from {{ ref('benefit_groups') }}
    {{ newest_row('benefit_group_code') }}
),

data_breaks as (
    select
        data_break_code,
        benefit_group_code,
        table_id,
        break_date,
        end_date
    from {{ ref('data_breaks') }}
),

broken as (
    select
        published.table_id,
        published.month,
        -- distinct: a break may touch a table by its id and by its benefit group
        array_to_string(list(distinct data_breaks.data_break_code order by data_breaks.data_break_code), ', ')
            as data_break_codes
    from published
    inner join data_breaks
        on
            (
                published.table_id = data_breaks.table_id
                or published.benefit_group_code = data_breaks.benefit_group_code
            )
            and published.period_end_date >= data_breaks.break_date
            and published.month < data_breaks.end_date
    group by published.table_id, published.month
),

compared as (
    select
        published.*,
        computed.person_count as computed_person_count,
        computed.full_time_persons as computed_full_time_persons,
        computed.is_provisional
    from published
    inner join computed
        on
            published.month = computed.month
            and published.municipality_code = computed.municipality_code
            and published.benefit_group_code = computed.benefit_group_code
),

differences as (
    select
        *,
        computed_full_time_persons - full_time_persons as difference,
        computed_person_count - person_count as person_count_difference
    from compared
)

select
    differences.month,
    differences.municipality_code,
    differences.benefit_group_code,
    differences.computed_full_time_persons as computed,
    differences.full_time_persons as published,
    differences.difference,
    {{ share('differences.difference', 'differences.full_time_persons') }} as relative_difference,
    abs(differences.difference) <= greatest(
        differences.tolerance_share * differences.full_time_persons, differences.tolerance_persons
    ) as is_within_tolerance,
    differences.computed_person_count,
    differences.person_count as published_person_count,
    differences.person_count_difference,
    {{ share('differences.person_count_difference', 'differences.person_count') }} as person_count_relative_difference,
    abs(differences.person_count_difference) <= greatest(
        differences.tolerance_share * differences.person_count, differences.tolerance_persons
    ) as is_person_count_within_tolerance,
    differences.table_id,
    differences.vintage,
    differences.is_provisional,
    municipalities.municipality_name,
    benefit_groups.label_da as benefit_group_name_da,
    benefit_groups.label_en as benefit_group_name_en,
    broken.data_break_codes
from differences
left join municipalities on differences.municipality_code = municipalities.municipality_code
left join benefit_groups on differences.benefit_group_code = benefit_groups.benefit_group_code
left join broken
    on
        differences.table_id = broken.table_id
        and differences.month = broken.month
