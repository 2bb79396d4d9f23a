with benefit_groups as (
    select
        benefit_group_code,
        label_da,
        label_en,
        benchmark_area_code,
        is_in_supervision_scope,
        overlap_priority,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_groups') }}
),

benefit_areas as (
    select
        benefit_area_code,
        label_da,
        label_en,
        sort_order,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_areas') }}
),

-- The totals that stand beside the groups in the facts are the benefit areas that no group carries as its own.
totals as (
    select
        benefit_areas.benefit_area_code,
        benefit_areas.label_da,
        benefit_areas.label_en,
        benefit_areas.sort_order,
        benefit_areas.valid_from_date,
        benefit_areas.valid_to_date
    from benefit_areas
    left join benefit_groups
        on benefit_areas.benefit_area_code = benefit_groups.benchmark_area_code
    where benefit_groups.benchmark_area_code is null
)

select
    benefit_group_code,
    label_da as benefit_group_name_da,
    label_en as benefit_group_name_en,
    benchmark_area_code,
    is_in_supervision_scope,
    overlap_priority,
    false as is_total,
    overlap_priority as sort_order,
    valid_from_date,
    valid_to_date
from benefit_groups
union all
select
    benefit_area_code as benefit_group_code,
    label_da as benefit_group_name_da,
    label_en as benefit_group_name_en,
    cast(null as varchar) as benchmark_area_code,
    cast(null as boolean) as is_in_supervision_scope,
    cast(null as integer) as overlap_priority,
    true as is_total,
    sort_order + (select max(groups.overlap_priority) from benefit_groups as groups) as sort_order,
    valid_from_date,
    valid_to_date
from totals
