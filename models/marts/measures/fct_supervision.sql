with states as (
    select
        scenario_code,
        municipality_code,
        statement_year,
        previous_status,
        status,
        entered_year
    from {{ ref('int_supervision__states') }}
),

statements as (
    select
        scenario_code,
        municipality_code,
        statement_year,
        period_code,
        municipality_category,
        selects_for_supervision,
        is_run_in,
        is_held_back,
        review_reason_da,
        review_reason_en,
        is_focus_met
    from {{ ref('int_supervision__statements') }}
),

decision_reasons as (
    select
        scenario_code,
        period_code,
        municipality_code,
        reason_da,
        reason_en
    from {{ ref('int_category__reasons') }}
),

explained as (
    select
        states.scenario_code,
        states.statement_year,
        states.municipality_code,
        states.status,
        states.entered_year,
        case
            when statements.municipality_category = 0
                then 'Kommunen er ikke vurderet i opgørelsen, så status er uændret.'
            when states.status = 'ended' and statements.is_focus_met
                then 'Tilsynet er ophørt, fordi alle fokusmål i kraft er opfyldt.'
            when states.status = 'ended'
                then 'Tilsynet er ophørt, fordi resultatmålet er opfyldt.'
            when states.status = 'in_recovery'
                then
                    'Kommunen er i genopretning (udvalgt i ' || states.entered_year
                    || '), fordi betingelserne for ophør ikke er opfyldt.'
            when states.status = 'selected'
                then
                    'Kommunen er udvalgt til skærpet tilsyn, fordi den er i kategori '
                    || statements.municipality_category || '.'
            when states.status = 'held_back'
                then
                    'Kommunen er i kategori ' || statements.municipality_category
                    || ', men udvælgelsen er holdt tilbage af en kvalitativ vurdering: '
                    || statements.review_reason_da
            when statements.selects_for_supervision
                then
                    'Kommunen er i kategori ' || statements.municipality_category
                    || ', men årets opgørelse er indkøring, så ingen udvælges.'
            else
                'Kommunen er ikke udvalgt, fordi den er i kategori ' || statements.municipality_category || '.'
        end as status_da,
        case
            when statements.municipality_category = 0
                then 'The municipality is not assessed in the statement, so its status is unchanged.'
            when states.status = 'ended' and statements.is_focus_met
                then 'Supervision has ended, because every focus goal in force is met.'
            when states.status = 'ended'
                then 'Supervision has ended, because the result goal is met.'
            when states.status = 'in_recovery'
                then
                    'The municipality is in recovery (selected in ' || states.entered_year
                    || '), because the conditions of exit are not met.'
            when states.status = 'selected'
                then
                    'The municipality is selected for intensified supervision, because it is in category '
                    || statements.municipality_category || '.'
            when states.status = 'held_back'
                then
                    'The municipality is in category ' || statements.municipality_category
                    || ', but a qualitative review holds its selection back: '
                    || statements.review_reason_en
            when statements.selects_for_supervision
                then
                    'The municipality is in category ' || statements.municipality_category
                    || ', but this statement is a run-in, so nobody is selected.'
            else
                'The municipality is not selected, because it is in category '
                || statements.municipality_category || '.'
        end as status_en,
        decision_reasons.reason_da,
        decision_reasons.reason_en
    from states
    inner join statements
        on
            states.scenario_code = statements.scenario_code
            and states.municipality_code = statements.municipality_code
            and states.statement_year = statements.statement_year
    left join decision_reasons
        on
            statements.scenario_code = decision_reasons.scenario_code
            and statements.period_code = decision_reasons.period_code
            and statements.municipality_code = decision_reasons.municipality_code
)

select
    scenario_code,
    statement_year,
    municipality_code,
    status,
    entered_year,
    status_da || ' ' || reason_da as reason_da,
    status_en || ' ' || reason_en as reason_en
from explained
