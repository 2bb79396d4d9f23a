with municipalities as (
    select
        period_code,
        municipality_code,
        on_time_share,
        difference_percentage_points,
        quadrant_code
    from {{ ref('int_timeliness_and_results__municipalities') }}
)

select
    period_code,
    municipality_code,
    on_time_share,
    difference_percentage_points,
    quadrant_code
from municipalities
