{{ config(severity='warn') }}
{#- Municipalities whose figures differ from the published ones by more than the tolerance, and in how many rows. -#}
select
    municipality_code,
    municipality_name,
    count(*) filter (where not is_within_tolerance) as full_time_persons_rows,
    count(*) filter (where not is_person_count_within_tolerance) as persons_rows,
    max(abs(relative_difference)) as largest_relative_difference
from {{ ref('rpt_published_against_computed') }}
where not is_within_tolerance or not is_person_count_within_tolerance
group by municipality_code, municipality_name
