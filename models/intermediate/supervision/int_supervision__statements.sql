with decisions as (
    select
        scenario_code,
        period_code,
        municipality_code,
        period_end_date,
        is_annual_statement,
        is_result_met,
        offers_status,
        conversations_status,
        municipality_category
    from {{ ref('int_category__decisions') }}
),

scenarios as (
    select
        scenario_code,
        exit_rule_code,
        has_run_in,
        has_qualitative_review,
        valid_from_date,
        valid_to_date
    from {{ ref('scenarios') }}
),

category_names as (
    select
        municipality_category,
        selects_for_supervision,
        valid_from_date,
        valid_to_date
    from {{ ref('category_names') }}
),

qualitative_reviews as (
    select
        municipality_code,
        period_code,
        scenario_code,
        reason_da,
        reason_en
    from {{ ref('qualitative_reviews') }}
    where decision = 'held_back'
),

-- A review without a scenario holds in those that know the step; one that names a scenario holds there and goes first.
held_back as (
    select
        qualitative_reviews.municipality_code,
        qualitative_reviews.period_code,
        scenarios.scenario_code,
        qualitative_reviews.reason_da,
        qualitative_reviews.reason_en
    from qualitative_reviews
    inner join scenarios
        on
            qualitative_reviews.scenario_code = scenarios.scenario_code
            or (qualitative_reviews.scenario_code is null and scenarios.has_qualitative_review)
    qualify
        row_number() over (
            partition by
                qualitative_reviews.municipality_code,
                qualitative_reviews.period_code,
                scenarios.scenario_code
            order by
                qualitative_reviews.scenario_code nulls last,
                scenarios.valid_from_date
        ) = 1
),

statements as (
    select
        scenario_code,
        period_code,
        municipality_code,
        period_end_date,
        cast(year(period_end_date) as integer) as statement_year,
        is_result_met,
        offers_status,
        conversations_status,
        municipality_category,
        dense_rank() over (partition by scenario_code order by period_end_date) as statement_number,
        min(period_end_date) filter (where municipality_category > 0) over (
            partition by scenario_code
        ) as first_assessed_date
    from decisions
    where is_annual_statement
)

select
    statements.scenario_code,
    statements.municipality_code,
    statements.statement_year,
    cast(statements.statement_number as integer) as statement_number,
    statements.period_code,
    statements.municipality_category,
    {{ required_rule(
        'category_names.selects_for_supervision',
        "'category ' || statements.municipality_category || ' on ' || statements.period_end_date"
    ) }} as selects_for_supervision,
    -- Where nothing has been assessed yet there is no first assessment to run in with.
    scenarios.has_run_in
    and statements.first_assessed_date is not null
    and statements.period_end_date = statements.first_assessed_date as is_run_in,
    held_back.municipality_code is not null as is_held_back,
    held_back.reason_da as review_reason_da,
    held_back.reason_en as review_reason_en,
    coalesce(statements.offers_status, 'unknown') in ('met', 'not_in_force')
    and coalesce(statements.conversations_status, 'unknown') in ('met', 'not_in_force') as is_focus_met,
    coalesce(statements.is_result_met, false) as is_result_met,
    case scenarios.exit_rule_code
        when 'focus_goals'
            then
                coalesce(statements.offers_status, 'unknown') in ('met', 'not_in_force')
                and coalesce(statements.conversations_status, 'unknown') in ('met', 'not_in_force')
        when 'focus_goals_or_result'
            then
                coalesce(statements.is_result_met, false)
                or (
                    coalesce(statements.offers_status, 'unknown') in ('met', 'not_in_force')
                    and coalesce(statements.conversations_status, 'unknown') in ('met', 'not_in_force')
                )
        else error('Unknown exit rule of scenario ' || statements.scenario_code || ': ' || scenarios.exit_rule_code)
    end as is_exit_met
from statements
inner join scenarios
    on
        statements.scenario_code = scenarios.scenario_code
        and {{ in_force_on('statements.period_end_date', 'scenarios') }}
left join category_names
    on
        statements.municipality_category = category_names.municipality_category
        and {{ in_force_on('statements.period_end_date', 'category_names') }}
left join held_back
    on
        statements.period_code = held_back.period_code
        and statements.municipality_code = held_back.municipality_code
        and statements.scenario_code = held_back.scenario_code
