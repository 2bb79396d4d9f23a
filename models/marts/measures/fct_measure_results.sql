{#-
    A view: it repeats other tables. Each part names the table's columns that are its numerator, denominator and value,
    and where the rule's id comes from: a column of the table, or the scalar rule in force on the month's last day.
-#}
{{ config(materialized='view') }}
{%- set parts = [
    ('conversation_coverage', 'coverage', 'sufficient_count', 'person_count', 'sufficient_share', 'rule_id', none),
    ('conversation_timeliness', 'timeliness', 'on_time_count', 'obligation_count', 'on_time_share', 'rule_id', none),
    (
        'conversation_within_10_days',
        'requests', 'within_10_days_count', 'requested_count', 'within_10_days_share', none, 'request_days',
    ),
    ('passive_share', 'focus_goals', 'passive_count', 'person_count', 'passive_share', 'hours_rule_id', none),
    (
        'few_conversations_share',
        'focus_goals', 'few_conversations_count', 'person_count', 'few_conversations_share',
        none, 'few_conversations_minimum',
    ),
    ('uncontacted_share', 'focus_goals', 'uncontacted_count', 'person_count', 'uncontacted_share', 'hours_rule_id', none),
    ('passive_share_by_duration', 'durations', 'passive_count', 'person_count', 'passive_share', none, none),
    (
        'four_weeks_offer_share',
        'offer_effort', 'four_weeks_count', 'person_count', 'four_weeks_share', none, 'four_weeks_days',
    ),
    (
        'first_offer_by_6_months_share',
        'offer_effort', 'first_offer_in_time_count', 'reached_six_months_count', 'first_offer_in_time_share',
        none, 'first_offer_months',
    ),
    ('full_time_persons', 'recipients', 'full_time_persons', none, 'full_time_persons', none, none),
    (
        'support_share',
        'recipients', 'full_time_persons', 'population_16_66', 'share_of_population_percentage', none, none,
    ),
    ('average_spell_days', 'results', 'spell_days', 'ended_spell_count', 'average_spell_days', none, 'spell_gap_days'),
    ('retention_share', 'results', 'retained_count', 'ended_spell_count', 'retained_share', none, 'retention_months'),
] -%}

with coverage as (
    select
        month,
        municipality_code,
        target_group_code as group_code,
        sufficient_count,
        person_count,
        sufficient_share,
        rule_id,
        is_provisional
    from {{ ref('fct_conversation_coverage') }}
),

timeliness as (
    select
        month,
        municipality_code,
        target_group_code || ':' || sequence_number as group_code,
        on_time_count,
        obligation_count,
        on_time_share,
        rule_id,
        is_provisional
    from {{ ref('fct_conversation_timeliness') }}
),

requests as (
    select
        month,
        municipality_code,
        'all' as group_code,
        within_10_days_count,
        requested_count,
        within_10_days_share,
        is_provisional
    from {{ ref('fct_conversation_requests') }}
),

focus_goals as (
    select
        month,
        municipality_code,
        benefit_group_code as group_code,
        person_count,
        passive_count,
        passive_share,
        few_conversations_count,
        few_conversations_share,
        uncontacted_count,
        uncontacted_share,
        hours_rule_id,
        is_provisional
    from {{ ref('fct_focus_goals') }}
),

durations as (
    select
        month,
        municipality_code,
        benefit_group_code || ':' || duration_band_code as group_code,
        passive_count,
        person_count,
        passive_share,
        is_provisional
    from {{ ref('fct_passive_by_duration') }}
),

offer_effort as (
    select
        month,
        municipality_code,
        benefit_group_code as group_code,
        person_count,
        four_weeks_count,
        four_weeks_share,
        reached_six_months_count,
        first_offer_in_time_count,
        first_offer_in_time_share,
        is_provisional
    from {{ ref('fct_offer_effort') }}
),

recipients as (
    select
        month,
        municipality_code,
        benefit_group_code as group_code,
        full_time_persons,
        population_16_66,
        share_of_population_percentage,
        is_provisional
    from {{ ref('fct_benefit_recipients') }}
),

outcomes as (
    select
        month,
        municipality_code,
        benefit_group_code as group_code,
        ended_spell_count,
        average_spell_days,
        retained_count,
        retained_share,
        is_provisional
    from {{ ref('fct_results') }}
),

ended_counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        spell_days
    from {{ ref('int_results__ended_counts') }}
),

levels as (
    select
        period_code,
        municipality_code,
        benefit_area_code || ':' || expected_source as group_code,
        difference_percentage_points
    from {{ ref('fct_benefit_levels') }}
),

periods as (
    select
        period_code,
        period_start_date,
        period_end_date
    from {{ ref('int_benefit_level__periods') }}
),

measures as (
    select
        measure_id,
        unit
    from {{ ref('measures') }}
),

parameters as (
    select
        parameter_code,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
),

months as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
),

-- The days behind the average are no column of the mart.
results as (
    select
        outcomes.month,
        outcomes.municipality_code,
        outcomes.group_code,
        coalesce(ended_counts.spell_days, 0) as spell_days,
        outcomes.ended_spell_count,
        outcomes.average_spell_days,
        outcomes.retained_count,
        outcomes.retained_share,
        outcomes.is_provisional
    from outcomes
    left join ended_counts
        on
            outcomes.month = ended_counts.month
            and outcomes.municipality_code = ended_counts.municipality_code
            and outcomes.group_code = ended_counts.benefit_group_code
),

month_rules as (
    select
        months.month,
        parameters.parameter_code,
        {{ rule_id_of('parameters.parameter_code', "'all'", 'parameters.valid_from_date') }} as rule_id
    from months
    inner join parameters
        on {{ in_force_on('months.as_of_date', 'parameters') }}
),

monthly as (
    {%- for measure_id, table, numerator, denominator, value, rule_id, parameter_code in parts %}
        select
            '{{ measure_id }}' as measure_id,
            month,
            municipality_code,
            group_code,
            {{ numerator }}::double as numerator_count,
            {{ denominator ~ '::double' if denominator else 'null::double' }} as denominator_count,
            {{ value }} as measure_value,
            {{ rule_id or 'null' }}::varchar as rule_id,
            {{ "'" ~ parameter_code ~ "'" if parameter_code else 'null' }}::varchar as parameter_code,
            is_provisional
        from {{ table }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

periodic as (
    select
        monthly.measure_id,
        monthly.month as period_start_date,
        last_day(monthly.month) as period_end_date,
        monthly.municipality_code,
        monthly.group_code,
        monthly.numerator_count,
        monthly.denominator_count,
        monthly.measure_value,
        coalesce(monthly.rule_id, month_rules.rule_id) as rule_id,
        monthly.is_provisional
    from monthly
    left join month_rules
        on
            monthly.month = month_rules.month
            and monthly.parameter_code = month_rules.parameter_code
    union all
    select
        'benefit_level_difference' as measure_id,
        periods.period_start_date,
        periods.period_end_date,
        levels.municipality_code,
        levels.group_code,
        null::double as numerator_count,
        null::double as denominator_count,
        levels.difference_percentage_points as measure_value,
        null::varchar as rule_id,
        null::boolean as is_provisional
    from levels
    inner join periods on levels.period_code = periods.period_code
)

select
    periodic.measure_id,
    periodic.period_start_date,
    periodic.period_end_date,
    periodic.municipality_code,
    periodic.group_code,
    periodic.numerator_count,
    periodic.denominator_count,
    periodic.measure_value,
    measures.unit,
    periodic.rule_id,
    periodic.is_provisional
from periodic
left join measures on periodic.measure_id = measures.measure_id
