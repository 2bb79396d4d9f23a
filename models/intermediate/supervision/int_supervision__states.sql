with recursive statements as (
    select
        scenario_code,
        municipality_code,
        statement_year,
        statement_number,
        municipality_category,
        selects_for_supervision,
        is_run_in,
        is_held_back,
        is_exit_met
    from {{ ref('int_supervision__statements') }}
),

-- One step per statement: what a municipality is now depends on what it was at the statement before.
states as (
    select
        scenario_code,
        municipality_code,
        0 as statement_number,
        cast(null as integer) as statement_year,
        'none' as previous_status,
        'none' as status,
        cast(null as integer) as entered_year
    from statements
    where statement_number = 1

    union all

    select
        statements.scenario_code,
        statements.municipality_code,
        statements.statement_number,
        statements.statement_year,
        states.status as previous_status,
        case
            when statements.municipality_category = 0 then states.status
            when states.status in ('selected', 'in_recovery') and statements.is_exit_met then 'ended'
            when states.status in ('selected', 'in_recovery') then 'in_recovery'
            when statements.selects_for_supervision and statements.is_run_in then 'none'
            when statements.selects_for_supervision and statements.is_held_back then 'held_back'
            when statements.selects_for_supervision then 'selected'
            else 'none'
        end as status,
        case
            when
                statements.selects_for_supervision
                and states.status not in ('selected', 'in_recovery')
                and not statements.is_run_in
                and not statements.is_held_back
                then statements.statement_year
            else states.entered_year
        end as entered_year
    from states
    inner join statements
        on
            states.scenario_code = statements.scenario_code
            and states.municipality_code = statements.municipality_code
            and states.statement_number + 1 = statements.statement_number
)

select
    scenario_code,
    municipality_code,
    statement_year,
    previous_status,
    status,
    entered_year
from states
where statement_number > 0
