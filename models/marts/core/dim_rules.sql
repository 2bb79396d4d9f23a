with parameters as (
    select
        parameter_code,
        value,
        unit,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_parameters') }}
),

conversation_windows as (
    select
        target_group_code,
        from_months,
        to_months,
        required_count,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_conversation_windows') }}
),

conversation_deadlines as (
    select
        target_group_code,
        sequence_number,
        required_count,
        offset_value,
        offset_unit,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_conversation_deadlines') }}
),

goal_limits as (
    select
        goal_code,
        limit_percentage,
        legally_in_force_from_date,
        legally_in_force_to_date,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_goal_limits') }}
),

goal_suspensions as (
    select
        goal_code,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_goal_suspensions') }}
),

excluded_months as (
    select
        month,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_excluded_months') }}
),

category_decisions as (
    select
        result_status,
        offers_status,
        conversations_status,
        municipality_category,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_category_decisions') }}
),

scenarios as (
    select
        scenario_code,
        result_margin,
        rtrim(rtrim(passive_limit_percentage::varchar, '0'), '.') as offers_limit,
        rtrim(rtrim(few_conversations_limit_percentage::varchar, '0'), '.') as conversations_limit,
        counts_foertidspension,
        order_of_1 || ', ' || order_of_2 || ', ' || order_of_3 || ', ' || order_of_4 as category_places,
        exit_rule_code,
        has_run_in,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('scenarios') }}
),

unit_costs as (
    select
        benefit_area_code,
        unit_cost_dkk,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('unit_costs') }}
),

early_effort_benefit_groups as (
    select
        benefit_group_code,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('early_effort_benefit_groups') }}
),

follow_up_rounds as (
    select
        round_code,
        label_da,
        label_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('follow_up_rounds') }}
),

conversation_types as (
    select
        conversation_type_code,
        label_da,
        label_en,
        is_counted,
        valid_from_date,
        valid_to_date,
        legal_reference,
        evidence
    from {{ ref('conversation_types') }}
),

contact_forms as (
    select
        contact_form_code,
        label_da,
        label_en,
        is_counted,
        valid_from_date,
        valid_to_date,
        legal_reference,
        evidence
    from {{ ref('contact_forms') }}
),

threshold_grid as (
    select
        goal_code,
        grid_value,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('rule_threshold_grid') }}
),

rules as (
    select
        parameter_code as rule_code,
        'all' as rule_key,
        value,
        unit,
        cast(null as varchar) as detail_da,
        cast(null as varchar) as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from parameters
    union all
    select
        'conversation_window' as rule_code,
        target_group_code as rule_key,
        cast(required_count as decimal(18, 6)) as value,
        'conversations' as unit,
        'fra ' || from_months || ' til under ' || to_months || ' hele måneder' as detail_da,
        'from ' || from_months || ' to under ' || to_months || ' completed months' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from conversation_windows
    union all
    select
        'conversation_deadline' as rule_code,
        target_group_code || '/' || sequence_number as rule_key,
        cast(required_count as decimal(18, 6)) as value,
        'conversations' as unit,
        'inden for ' || offset_value || case offset_unit when 'day' then ' dage' else ' måneder' end
        || ' fra forløbets begyndelse' as detail_da,
        'within ' || offset_value || ' ' || offset_unit || 's of the spell start' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from conversation_deadlines
    union all
    select
        'goal_limit' as rule_code,
        goal_code as rule_key,
        cast(limit_percentage as decimal(18, 6)) as value,
        'percent' as unit,
        'fastsat ved lov fra ' || legally_in_force_from_date || ' indtil ' || legally_in_force_to_date as detail_da,
        'law from ' || legally_in_force_from_date || ' until ' || legally_in_force_to_date as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from goal_limits
    union all
    select
        'goal_suspension' as rule_code,
        goal_code as rule_key,
        cast(null as decimal(18, 6)) as value,
        cast(null as varchar) as unit,
        'ikke i kraft for perioder, der slutter, mens suspensionen gælder' as detail_da,
        'not in force for periods that end in the validity' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from goal_suspensions
    union all
    select
        'excluded_month' as rule_code,
        strftime(month, '%Y-%m') as rule_key,
        cast(null as decimal(18, 6)) as value,
        cast(null as varchar) as unit,
        'indgår ikke i gennemsnittet af fokusmålenes andele' as detail_da,
        'left out of the mean of the focus shares' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from excluded_months
    union all
    select
        'category_decision' as rule_code,
        result_status || '/' || offers_status || '/' || conversations_status as rule_key,
        cast(municipality_category as decimal(18, 6)) as value,
        'category' as unit,
        'resultat/tilbud/samtaler' as detail_da,
        'result/offers/conversations' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from category_decisions
    union all
    select
        'scenario' as rule_code,
        scenario_code as rule_key,
        cast(result_margin as decimal(18, 6)) as value,
        'percentage_points' as unit,
        'tilbud under ' || coalesce(offers_limit || ' procent', 'den daterede grænse')
        || ', samtaler under ' || coalesce(conversations_limit || ' procent', 'den daterede grænse')
        || ', førtidspension tæller ' || case when counts_foertidspension then 'med' else 'ikke med' end
        || ', kategori 1 til 4 på plads ' || category_places
        || ', tilsyn ophører ved opfyldte fokusmål'
        || case when exit_rule_code = 'focus_goals_or_result' then ' eller opfyldt resultatmål' else '' end
        || case when has_run_in then ', med indkøring' else ', uden indkøring' end as detail_da,
        'offers below ' || coalesce(offers_limit || ' per cent', 'the dated limit')
        || ', conversations below ' || coalesce(conversations_limit || ' per cent', 'the dated limit')
        || ', førtidspension ' || case when counts_foertidspension then 'counts' else 'does not count' end
        || ', categories 1 to 4 in places ' || category_places
        || ', supervision ends when the focus goals are met'
        || case when exit_rule_code = 'focus_goals_or_result' then ' or the result goal is' else '' end
        || case when has_run_in then ', with a run-in' else ', without a run-in' end as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from scenarios
    union all
    select
        'unit_cost' as rule_code,
        benefit_area_code as rule_key,
        cast(unit_cost_dkk as decimal(18, 6)) as value,
        'dkk' as unit,
        'pr. fuldtidsperson og år' as detail_da,
        'per full-time person and year' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from unit_costs
    union all
    select
        'early_effort_benefit_group' as rule_code,
        benefit_group_code as rule_key,
        cast(null as decimal(18, 6)) as value,
        cast(null as varchar) as unit,
        'indgår i opfølgningen på den tidlige indsats' as detail_da,
        'in the early-effort follow-up' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from early_effort_benefit_groups
    union all
    select
        'follow_up_round' as rule_code,
        round_code as rule_key,
        cast(null as decimal(18, 6)) as value,
        cast(null as varchar) as unit,
        label_da as detail_da,
        label_en as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from follow_up_rounds
    union all
    select
        'conversation_type' as rule_code,
        conversation_type_code::varchar as rule_key,
        cast(is_counted::integer as decimal(18, 6)) as value,
        'is_counted' as unit,
        label_da as detail_da,
        label_en as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        cast(null as varchar) as source_url,
        evidence,
        cast(null as varchar) as note
    from conversation_types
    union all
    select
        'contact_form' as rule_code,
        contact_form_code as rule_key,
        cast(is_counted::integer as decimal(18, 6)) as value,
        'is_counted' as unit,
        label_da as detail_da,
        label_en as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        cast(null as varchar) as source_url,
        evidence,
        cast(null as varchar) as note
    from contact_forms
    union all
    select
        'threshold_grid' as rule_code,
        goal_code || '/' || rtrim(rtrim(grid_value::varchar, '0'), '.') as rule_key,
        cast(grid_value as decimal(18, 6)) as value,
        case goal_code when 'result' then 'percentage_points' else 'percent' end as unit,
        'et punkt i følsomhedstabellen, ikke en gældende grænse' as detail_da,
        'a point of the sensitivity table, not a limit in force' as detail_en,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from threshold_grid
)

select
    {{ rule_id_of('rule_code', 'rule_key', 'valid_from_date') }} as rule_id,
    rule_code,
    rule_key,
    value,
    unit,
    detail_da,
    detail_en,
    valid_from_date,
    valid_to_date,
    legal_reference,
    source_url,
    evidence,
    note
from rules
