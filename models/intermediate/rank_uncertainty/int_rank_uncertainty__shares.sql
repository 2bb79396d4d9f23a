with focus_shares as (
    select
        period_code,
        municipality_code,
        passive_percentage,
        passive_mean_person_count,
        few_conversations_percentage,
        few_conversations_mean_person_count
    from {{ ref('int_category__focus_shares') }}
),

timeliness as (
    select
        period_code,
        municipality_code,
        obligation_count,
        on_time_share,
        national_on_time_share
    from {{ ref('int_timeliness_and_results__municipalities') }}
),

focus_countries as (
    select
        period_code,
        passive_percentage,
        few_conversations_percentage
    from focus_shares
    where municipality_code = '0000'
)

select
    period_code,
    municipality_code,
    'conversation_timeliness' as measure_id,
    true as is_high_good,
    on_time_share as measure_value,
    cast(obligation_count as double) as measured_count,
    national_on_time_share as national_value
from timeliness

union all

select
    focus_shares.period_code,
    focus_shares.municipality_code,
    'passive_share' as measure_id,
    false as is_high_good,
    focus_shares.passive_percentage / 100 as measure_value,
    coalesce(focus_shares.passive_mean_person_count, 0) as measured_count,
    focus_countries.passive_percentage / 100 as national_value
from focus_shares
inner join focus_countries
    on focus_shares.period_code = focus_countries.period_code
where focus_shares.municipality_code <> '0000'

union all

select
    focus_shares.period_code,
    focus_shares.municipality_code,
    'few_conversations_share' as measure_id,
    false as is_high_good,
    focus_shares.few_conversations_percentage / 100 as measure_value,
    coalesce(focus_shares.few_conversations_mean_person_count, 0) as measured_count,
    focus_countries.few_conversations_percentage / 100 as national_value
from focus_shares
inner join focus_countries
    on focus_shares.period_code = focus_countries.period_code
where focus_shares.municipality_code <> '0000'
