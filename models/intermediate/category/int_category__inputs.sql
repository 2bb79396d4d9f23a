with rules as (
    select
        scenario_code,
        period_code,
        period_end_date,
        last_month,
        is_annual_statement,
        comparison_decimals,
        result_margin,
        counts_foertidspension,
        is_offers_in_force,
        is_conversations_in_force,
        passive_limit_percentage,
        few_conversations_limit_percentage,
        order_of_1,
        order_of_2,
        order_of_3,
        order_of_4,
        rule_set_id
    from {{ ref('int_category__rules') }}
),

results as (
    select
        period_code,
        municipality_code,
        counts_foertidspension,
        expected_source,
        difference_percentage_points,
        difference_standard_error,
        missing_da,
        missing_en
    from {{ ref('int_category__results') }}
),

focus_shares as (
    select
        period_code,
        municipality_code,
        passive_percentage,
        passive_mean_person_count,
        few_conversations_percentage,
        few_conversations_mean_person_count
    from {{ ref('int_category__focus_shares') }}
),

populations as (
    select
        quarter_end_month,
        municipality_code,
        population_16_66
    from {{ ref('int_population__quarters') }}
)

select
    rules.scenario_code,
    rules.period_code,
    results.municipality_code,
    rules.period_end_date,
    rules.is_annual_statement,
    rules.comparison_decimals,
    results.difference_percentage_points,
    results.difference_standard_error,
    results.expected_source,
    results.missing_da as result_missing_da,
    results.missing_en as result_missing_en,
    rules.result_margin,
    populations.population_16_66,
    rules.is_offers_in_force,
    focus_shares.passive_percentage,
    focus_shares.passive_mean_person_count,
    rules.passive_limit_percentage,
    rules.is_conversations_in_force,
    focus_shares.few_conversations_percentage,
    focus_shares.few_conversations_mean_person_count,
    rules.few_conversations_limit_percentage,
    rules.order_of_1,
    rules.order_of_2,
    rules.order_of_3,
    rules.order_of_4,
    rules.rule_set_id
from rules
inner join results
    on
        rules.period_code = results.period_code
        and rules.counts_foertidspension = results.counts_foertidspension
left join focus_shares
    on
        rules.period_code = focus_shares.period_code
        and results.municipality_code = focus_shares.municipality_code
left join populations
    on
        rules.last_month = populations.quarter_end_month
        and results.municipality_code = populations.municipality_code
