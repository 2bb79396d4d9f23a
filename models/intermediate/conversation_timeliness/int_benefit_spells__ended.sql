{#- How far back a spell's start can matter: no deadline lies later than 24 months after it (a test holds it). -#}
{% set months_back = 25 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with months as (
    select
        month,
        as_of_date,
        previous_loaded_month,
        spell_gap_days
    from {{ ref('int_months') }}
),

batch_months as (
    select
        month,
        as_of_date,
        previous_loaded_month
    from months
    where month between {{ batch_from() }} and {{ batch_to() }}
),

segments as (
    select
        segments.month,
        segments.person_key,
        segments.from_date,
        segments.to_date,
        segments.municipality_code,
        segments.benefit_group_code,
        segments.target_group_code,
        segments.benefit_spell_start_date,
        segments.is_benefit_left_censored
    from {{ ref('int_benefit_segments') }} as segments
    where
        segments.benefit_spell_start_date >= ({{ batch_from() }} - interval '{{ months_back }} months')::date
        and segments.month <= {{ batch_to() }}
        and segments.month >= (select min(coalesce(previous_loaded_month, month)) from batch_months)
),

-- Few segments begin inside a month, and only those can follow another of the same spell there.
followers as (
    select
        month,
        person_key,
        from_date,
        benefit_group_code,
        benefit_spell_start_date
    from segments
    where from_date > month
),

last_seen as (
    select
        segments.month,
        segments.person_key,
        segments.benefit_group_code,
        segments.benefit_spell_start_date,
        segments.is_benefit_left_censored,
        segments.to_date as last_date,
        segments.municipality_code,
        segments.target_group_code
    from segments
    anti join followers
        on
            segments.month = followers.month
            and segments.person_key = followers.person_key
            and segments.benefit_group_code = followers.benefit_group_code
            and segments.benefit_spell_start_date = followers.benefit_spell_start_date
            and segments.to_date < followers.from_date
),

-- Could the spell still go on in the next month?
judged as (
    select
        last_seen.*,
        last_seen.last_date >= months.as_of_date - months.spell_gap_days as reaches_month_end
    from last_seen
    inner join months on last_seen.month = months.month
),

ended_inside as (
    select
        judged.month,
        judged.person_key,
        judged.benefit_group_code,
        judged.benefit_spell_start_date,
        judged.is_benefit_left_censored,
        judged.last_date,
        judged.municipality_code,
        judged.target_group_code
    from judged
    semi join batch_months
        on judged.month = batch_months.month
    where not judged.reaches_month_end
),

ended_at_month_end as (
    select
        batch_months.month,
        judged.person_key,
        judged.benefit_group_code,
        judged.benefit_spell_start_date,
        judged.is_benefit_left_censored,
        judged.last_date,
        judged.municipality_code,
        judged.target_group_code
    from judged
    inner join batch_months
        on judged.month = batch_months.previous_loaded_month
    anti join segments
        on
            batch_months.month = segments.month
            and judged.person_key = segments.person_key
            and judged.benefit_group_code = segments.benefit_group_code
            and judged.benefit_spell_start_date = segments.benefit_spell_start_date
    where judged.reaches_month_end
)

select
    month,
    person_key,
    benefit_group_code,
    benefit_spell_start_date,
    is_benefit_left_censored,
    last_date,
    municipality_code,
    target_group_code
from ended_inside
union all
select
    month,
    person_key,
    benefit_group_code,
    benefit_spell_start_date,
    is_benefit_left_censored,
    last_date,
    municipality_code,
    target_group_code
from ended_at_month_end
