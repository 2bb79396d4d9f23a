"""SQL that rebuilds a figure of a mart from the rows beneath it: persons, obligations, spells or days of benefits.

It is for reading and for checking, on the warehouse alone: it does not use the counts that the mart was made of, so a
mart that went wrong shows. Thresholds come from the rules in force (`int_months`, seeds), as in the models.
"""

from __future__ import annotations

from collections.abc import Mapping

_FOCUS_GOAL = """
select
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    count(*) filter (where {condition}) as {name}_count,
    count(*) as person_count,
    {name}_count / nullif(person_count, 0) as {name}_share
from intermediate.int_focus_goals__population
where month = {{month}}{{municipality}}
group by rollup (benefit_group_code)
"""

_BENEFIT_DAYS = """
with benefit_days as (
    select
        (to_date - from_date + 1) * benefit_fraction as full_time_days,
        unnest([benefit_group_code, if(is_in_scope, 'all', null), 'all_with_foertidspension']) as benefit_group_code
    from intermediate.int_benefit_segments
    where month = {month}{municipality}
),

levels as (
    select
        benefit_group_code,
        sum(full_time_days)::double / day(last_day({month})) as full_time_persons
    from benefit_days
    where benefit_group_code is not null
    group by benefit_group_code
)
"""

_ENDED_SPELLS = """
select
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    {numerator},
    count(*) as ended_spell_count,
    {value}
from intermediate.int_results__ended_spells
where month = {{month}}{{municipality}}
group by rollup (benefit_group_code)
having count(*) > 0
"""

_MONTHLY: Mapping[str, str] = {
    "conversation_coverage": """
select
    target_group_code,
    count(*) filter (where is_sufficient) as sufficient_count,
    count(*) as person_count,
    sufficient_count / nullif(person_count, 0) as sufficient_share
from intermediate.int_conversation_coverage__population
where month = {month}{municipality}
group by target_group_code
""",
    "conversation_timeliness": """
select
    target_group_code,
    sequence_number,
    count(*) filter (where outcome_code = 'on_time') as on_time_count,
    count(*) as obligation_count,
    on_time_count / nullif(obligation_count, 0) as on_time_share
from intermediate.int_conversation_obligations
where month = {month}{municipality}
    and outcome_code != 'excluded'
group by target_group_code, sequence_number
""",
    "conversation_within_10_days": """
select
    coalesce(sum(within_10_days_count), 0) as within_10_days_count,
    coalesce(sum(requested_count), 0) as requested_count,
    sum(within_10_days_count) / nullif(sum(requested_count), 0) as within_10_days_share
from intermediate.int_conversation_requests__counts
where date_trunc('month', requested_date) = {month}{municipality}
    and due_date <= (select max(newest_as_of_date) from intermediate.int_months)
""",
    "passive_share": _FOCUS_GOAL.format(condition="is_passive", name="passive"),
    "few_conversations_share": _FOCUS_GOAL.format(condition="has_few_conversations", name="few_conversations"),
    "uncontacted_share": _FOCUS_GOAL.format(condition="is_uncontacted", name="uncontacted"),
    "passive_share_by_duration": """
with last_offers as (
    select person_key, max(to_date) as last_offer_date
    from intermediate.int_offer_days
    where month <= {month}
    group by person_key
)

select
    coalesce(stock.benefit_group_code, 'all') as benefit_group_code,
    bands.duration_band_code,
    count(*) filter (
        where coalesce(last_offers.last_offer_date < stock.benefit_spell_start_date, true)
    ) as passive_count,
    count(*) as person_count,
    passive_count / nullif(person_count, 0) as passive_share
from intermediate.int_stock as stock
inner join seeds.duration_bands as bands
    on
        last_day({month}) >= bands.valid_from_date
        and last_day({month}) < bands.valid_to_date
        and stock.benefit_completed_months >= bands.from_months
        and stock.benefit_completed_months < coalesce(bands.to_months, 1000000)
        and last_day({month}) - stock.benefit_spell_start_date + 1 >= coalesce(bands.from_days, 0)
        and last_day({month}) - stock.benefit_spell_start_date + 1 < coalesce(bands.to_days, 1000000)
left join last_offers on stock.person_key = last_offers.person_key
where stock.month = {month}{municipality}
    and stock.is_in_scope
group by bands.duration_band_code, rollup (stock.benefit_group_code)
""",
    "four_weeks_offer_share": """
select
    coalesce(persons.benefit_group_code, 'all') as benefit_group_code,
    count(*) filter (where persons.offer_day_count >= months.four_weeks_days) as four_weeks_count,
    count(*) as person_count,
    four_weeks_count / nullif(person_count, 0) as four_weeks_share
from intermediate.int_focus_goals__population as persons
inner join intermediate.int_months as months on persons.month = months.month
where persons.month = {month}{municipality}
group by rollup (persons.benefit_group_code)
""",
    "first_offer_by_6_months_share": """
select
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    count(*) filter (where has_first_offer) as first_offer_in_time_count,
    count(*) as reached_six_months_count,
    first_offer_in_time_count / nullif(reached_six_months_count, 0) as first_offer_in_time_share
from intermediate.int_offer_effort__six_months_population
where month = {month}{municipality}
group by rollup (benefit_group_code)
""",
    "full_time_persons": f"""{_BENEFIT_DAYS}
select
    benefit_group_code,
    full_time_persons
from levels
""",
    "support_share": f"""{_BENEFIT_DAYS}
select
    levels.benefit_group_code,
    levels.full_time_persons,
    population.population_16_66,
    100 * levels.full_time_persons / population.population_16_66 as share_of_population_percentage
from levels
left join intermediate.int_population__months as population
    on population.month = {{month}} and population.municipality_code = '{{code}}'
""",
    "average_spell_days": _ENDED_SPELLS.format(
        numerator="sum(spell_days)::bigint as spell_days",
        value="sum(spell_days) / nullif(count(*), 0) as average_spell_days",
    ),
    # A sum of nulls is null: not yet known while the month of retention is not loaded.
    "retention_share": _ENDED_SPELLS.format(
        numerator="sum(is_retained::integer)::bigint as retained_count",
        value="retained_count / nullif(ended_spell_count, 0) as retained_share",
    ),
}

_LEVEL = """
with expected as (
    select sum(coefficients.coefficient * coalesce(design.covariate_value, 1)) as expected_percentage
    from intermediate.int_benefit_level__coefficients as coefficients
    left join intermediate.int_benefit_level__design as design
        on
            coefficients.period_code = design.period_code
            and coefficients.term_code = design.covariate_code
            and design.municipality_code = '{code}'
    where
        coefficients.period_code = '{period}'
        and coefficients.benefit_area_code = '{area}'
        and (coefficients.term_code = 'intercept' or design.covariate_value is not null)
)

select
    'model' as expected_source,
    100 * actuals.actual_full_time_persons / actuals.population_16_66 as actual_percentage,
    expected.expected_percentage,
    actual_percentage - expected.expected_percentage as difference_percentage_points
from intermediate.int_benefit_level__actuals as actuals
cross join expected
where
    actuals.period_code = '{period}'
    and actuals.municipality_code = '{code}'
    and actuals.benefit_area_code = '{area}'
    and expected.expected_percentage is not null
union all
select
    'published' as expected_source,
    actual_percentage,
    expected_percentage,
    difference_percentage_points
from staging.stg_jobindsats__y30r21
where
    period_code = '{period}'
    and municipality_code = '{code}'
    and benefit_area_code = '{area}'
order by expected_source
"""

_CATEGORY = """
with goals as (
    select
        *,
        case
            when difference_percentage_points is null then null
            when round(difference_percentage_points, comparison_decimals) <= round(result_margin, comparison_decimals)
                then 'met'
            else 'not_met'
        end as result_status,
        case
            when not is_offers_in_force then 'not_in_force'
            when passive_percentage is null then null
            when round(passive_percentage, comparison_decimals) < round(passive_limit_percentage, comparison_decimals)
                then 'met'
            else 'not_met'
        end as offers_status,
        case
            when not is_conversations_in_force then 'not_in_force'
            when few_conversations_percentage is null then null
            when
                round(few_conversations_percentage, comparison_decimals)
                < round(few_conversations_limit_percentage, comparison_decimals)
                then 'met'
            else 'not_met'
        end as conversations_status
    from intermediate.int_category__inputs
    where
        scenario_code = '{scenario}'
        and period_code = '{period}'
        and municipality_code = '{code}'
)

select
    goals.result_status,
    goals.offers_status,
    goals.conversations_status,
    coalesce(decisions.municipality_category, 0) as municipality_category
from goals
left join seeds.rule_category_decisions as decisions
    on
        goals.result_status = decisions.result_status
        and goals.offers_status = decisions.offers_status
        and goals.conversations_status = decisions.conversations_status
        and goals.period_end_date >= decisions.valid_from_date
        and goals.period_end_date < decisions.valid_to_date
"""


def monthly_sql(measure: str, code: str, month: str, groups: Mapping[str, str], order: tuple[str, ...]) -> str:
    """Return the query of a monthly measure: a row per group that has persons, or the chosen one.

    `month` is `YYYY-MM-DD`, `groups` names the chosen values of the mart's group columns, `order` these columns. All
    values must be codes: they are written into the text. Raises KeyError for an unknown measure.
    """
    figures = (
        _MONTHLY[measure]
        .strip()
        .format(
            month=f"date '{month}'",
            code=code,
            municipality="" if code == "0000" else f" and municipality_code = '{code}'",
        )
    )
    if not order:
        return figures
    conditions = " and ".join(f"{column} = '{value}'" for column, value in groups.items())
    indented = "\n".join(f"    {line}".rstrip() for line in figures.splitlines())
    chosen = f"\nwhere {conditions}" if conditions else ""
    return f"select *\nfrom (\n{indented}\n){chosen}\norder by {', '.join(order)}"


def level_sql(code: str, period: str, area: str) -> str:
    """Return the query of an expected level: the model's from its coefficients, the published as it was staged."""
    return _LEVEL.strip().format(code=code, period=period, area=area)


def category_sql(code: str, period: str, scenario: str) -> str:
    """Return the query of a category: the state of each goal, and the decision of these states."""
    return _CATEGORY.strip().format(code=code, period=period, scenario=scenario)
