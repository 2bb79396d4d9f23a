with comparisons as (
    select
        round_code,
        municipality_code,
        target_group_code,
        baseline_month,
        follow_up_month,
        baseline_share,
        follow_up_share,
        change_percentage_points,
        national_follow_up_share,
        status,
        is_improved,
        is_on_list
    from {{ ref('int_follow_up__comparisons') }}
)

select
    round_code,
    municipality_code,
    target_group_code,
    baseline_month,
    follow_up_month,
    baseline_share,
    follow_up_share,
    change_percentage_points,
    national_follow_up_share,
    status,
    is_improved,
    is_on_list
from comparisons
