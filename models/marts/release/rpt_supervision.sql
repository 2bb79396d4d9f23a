with facts as (
    select
        scenario_code,
        statement_year,
        municipality_code,
        status,
        entered_year,
        reason_da,
        reason_en
    from {{ ref('fct_supervision') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

scenarios as (
    select
        scenario_code,
        label_da,
        label_en
    from {{ ref('scenarios') }}
    {{ newest_row('scenario_code') }}
)

select
    facts.scenario_code,
    facts.statement_year,
    facts.municipality_code,
    facts.status,
    facts.entered_year,
    facts.reason_da,
    facts.reason_en,
    municipalities.municipality_name,
    scenarios.label_da as scenario_name_da,
    scenarios.label_en as scenario_name_en
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join scenarios
    on facts.scenario_code = scenarios.scenario_code
