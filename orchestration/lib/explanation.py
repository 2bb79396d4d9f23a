"""Where a figure comes from: its counts, the rules and deliveries behind it, its distance to each line, and its SQL.

`explain` reads the warehouse (deliveries and rules stand there) and returns text; it writes nothing. What it shows is
counts and shares of a municipality, never a person.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from orchestration.lib.figure_sql import category_sql, level_sql, monthly_sql
from orchestration.lib.periods import first_day, period_months
from orchestration.lib.progress import counted
from orchestration.lib.reading_places import NothingToRead, Place

HISTORY = None
"""A window without beginning: every delivered month up to the figure's."""


@dataclass(frozen=True)
class MeasureSource:
    """Where a monthly measure stands: its fact, its columns, the rules it rests on and the data sets it reads."""

    fact: str
    group_columns: tuple[str, ...]
    value: str
    numerator: str | None
    denominator: str | None
    rule_columns: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    inputs: tuple[tuple[str, int | None], ...] = ()
    """(data set, months back that are read; HISTORY = all)."""
    unit: str = "share"
    """`share`, `percentage` (of the denominator), `days` (average) or `persons`."""
    goal_code: str | None = None
    """The focus goal whose limit the measure's mean over a year is held against."""


_SPELLS = ("benefit_periods", HISTORY)
_FOCUS_INPUTS = (_SPELLS, ("conversations", 11), ("active_offers", 11), ("ordinary_hours", 11))
_FOCUS_PARAMETERS = ("passive_minimum_months", "activity_window_months")

MEASURES: dict[str, MeasureSource] = {
    "conversation_coverage": MeasureSource(
        "conversation_coverage",
        ("target_group_code",),
        "sufficient_share",
        "sufficient_count",
        "person_count",
        ("rule_id",),
        ("spell_gap_days",),
        (_SPELLS, ("conversations", HISTORY)),
    ),
    "conversation_timeliness": MeasureSource(
        "conversation_timeliness",
        ("target_group_code", "sequence_number"),
        "on_time_share",
        "on_time_count",
        "obligation_count",
        ("rule_id",),
        ("spell_gap_days",),
        (_SPELLS, ("conversations", HISTORY)),
    ),
    "conversation_within_10_days": MeasureSource(
        "conversation_requests",
        (),
        "within_10_days_share",
        "within_10_days_count",
        "requested_count",
        (),
        ("request_days",),
        (("conversations", 0),),
    ),
    "passive_share": MeasureSource(
        "focus_goals",
        ("benefit_group_code",),
        "passive_share",
        "passive_count",
        "person_count",
        ("hours_rule_id",),
        _FOCUS_PARAMETERS,
        _FOCUS_INPUTS,
        goal_code="offers",
    ),
    "few_conversations_share": MeasureSource(
        "focus_goals",
        ("benefit_group_code",),
        "few_conversations_share",
        "few_conversations_count",
        "person_count",
        (),
        (*_FOCUS_PARAMETERS, "few_conversations_minimum"),
        _FOCUS_INPUTS,
        goal_code="conversations",
    ),
    "uncontacted_share": MeasureSource(
        "focus_goals",
        ("benefit_group_code",),
        "uncontacted_share",
        "uncontacted_count",
        "person_count",
        ("hours_rule_id",),
        _FOCUS_PARAMETERS,
        _FOCUS_INPUTS,
    ),
    "passive_share_by_duration": MeasureSource(
        "passive_by_duration",
        ("benefit_group_code", "duration_band_code"),
        "passive_share",
        "passive_count",
        "person_count",
        (),
        ("spell_gap_days",),
        (_SPELLS, ("active_offers", HISTORY)),
    ),
    "four_weeks_offer_share": MeasureSource(
        "offer_effort",
        ("benefit_group_code",),
        "four_weeks_share",
        "four_weeks_count",
        "person_count",
        (),
        ("four_weeks_days", "passive_minimum_months"),
        (_SPELLS, ("active_offers", 11)),
    ),
    "first_offer_by_6_months_share": MeasureSource(
        "offer_effort",
        ("benefit_group_code",),
        "first_offer_in_time_share",
        "first_offer_in_time_count",
        "reached_six_months_count",
        (),
        ("first_offer_months",),
        (_SPELLS, ("active_offers", HISTORY)),
    ),
    "full_time_persons": MeasureSource(
        "benefit_recipients",
        ("benefit_group_code",),
        "full_time_persons",
        "full_time_persons",
        None,
        (),
        (),
        (("benefit_periods", 0),),
        unit="persons",
    ),
    "support_share": MeasureSource(
        "benefit_recipients",
        ("benefit_group_code",),
        "share_of_population_percentage",
        "full_time_persons",
        "population_16_66",
        (),
        (),
        (("benefit_periods", 0), ("population", 11)),
        unit="percentage",
    ),
    "average_spell_days": MeasureSource(
        "results",
        ("benefit_group_code",),
        "average_spell_days",
        None,
        "ended_spell_count",
        (),
        ("spell_gap_days",),
        (_SPELLS,),
        unit="days",
    ),
    "retention_share": MeasureSource(
        "results",
        ("benefit_group_code",),
        "retained_share",
        "retained_count",
        "ended_spell_count",
        (),
        ("retention_months",),
        (_SPELLS, ("ordinary_hours", 0)),
    ),
}
YEARLY = ("benefit_level_difference", "category")
"""Measures of a rolling year (`YYYYQMATqq`)."""

_HEADINGS = {
    "share": "Figure (share = numerator ÷ denominator)",
    "percentage": "Figure (per cent = 100 × numerator ÷ denominator)",
    "days": "Figure (average = days of the spells ÷ spells)",
    "persons": "Figure (full-time persons)",
}
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_ROLLING_YEAR = re.compile(r"(\d{4})QMAT(02|04)")


def explain(place: Place, municipality: str, period: str, measure: str, group: str | None = None) -> str:
    """Return the explanation of a figure as text.

    `municipality` is a code or a name, `period` a month (`2024-03`) or, for benefit_level_difference and category, a
    rolling year (`2024QMAT02`), `group` a group, area or scenario code where the measure has several. Raises
    NothingToRead that says what could have been asked for instead.
    """
    code, name = _municipality(place, municipality)
    if measure in YEARLY:
        if _ROLLING_YEAR.fullmatch(period) is None:
            raise NothingToRead(
                f"{measure} is a measure of rolling years: give a period such as 2024QMAT02, not {period}."
            )
        if code == "0000":
            raise NothingToRead(f"{measure} is a measure of municipalities: the whole country has none.")
        sections = (
            _category(place, code, period, group) if measure == "category" else _level(place, code, period, group)
        )
        last_month = first_day(period_months(period)[-1])
        # A focus share of the year's first month looks eleven months further back, and spells have no beginning.
        focus = (("conversations", 22), ("active_offers", 22), ("ordinary_hours", 22)) if measure == "category" else ()
        spells = HISTORY if measure == "category" else 11
        sections += _deliveries(
            place, last_month, (("benefit_periods", spells), ("population", 0), ("framework_conditions", 0), *focus)
        )
    elif measure in MEASURES:
        if _MONTH.fullmatch(period) is None:
            raise NothingToRead(f"{measure} is a monthly measure: give a period such as 2024-03, not {period}.")
        source = MEASURES[measure]
        month = date(int(period[:4]), int(period[5:]), 1)
        sections = _monthly(place, measure, source, code, month, group)
        sections += _deliveries(place, month, source.inputs)
    else:
        raise NothingToRead(f"There is no measure {measure}; there are {', '.join((*MEASURES, *YEARLY))}.")
    title = f"{measure} · {name} ({code}) · {period}"
    return "\n".join([title, f"From {place.path}, where no small count is hidden: not for publication.", *sections])


def _municipality(place: Place, municipality: str) -> tuple[str, str]:
    rows = place.rows(
        f"""
        select municipality_code, municipality_name from {place.dimension("municipalities")}
        where is_current and (municipality_code = ? or lower(municipality_name) = lower(?))
        """,
        [municipality, municipality],
    )
    if not rows:
        raise NothingToRead(f"There is no municipality {municipality}: give a four-digit code or a name, e.g. Nyborg.")
    return rows[0]["municipality_code"], rows[0]["municipality_name"]


def _monthly(place: Place, measure: str, source: MeasureSource, code: str, month: date, group: str | None) -> list[str]:
    fact = place.fact(source.fact)
    columns = [
        *source.group_columns,
        *(column for column in (source.numerator, source.denominator, source.value) if column is not None),
        *source.rule_columns,
    ]
    columns = list(dict.fromkeys(columns))
    condition = f"where month = date '{month}' and municipality_code = '{code}'"
    parts: list[str] = []
    if group is not None and source.group_columns:
        parts = group.split(":")
        if len(parts) > len(source.group_columns):
            raise NothingToRead(f"The groups of this measure are {':'.join(source.group_columns)}, not {group}.")
        for column, part in zip(source.group_columns, parts, strict=False):
            condition += f" and {column} = '{_code(part)}'"
    order = f"order by {', '.join(source.group_columns)}" if source.group_columns else ""
    sql = f"select {', '.join(columns)}\nfrom {fact}\n{condition}\n{order}".rstrip()
    rows = place.rows(sql)
    if not rows:
        _require_known(place, fact, source.group_columns, parts)
        months = place.rows(f"select min(month) as first, max(month) as last from {fact}")[0]
        raise NothingToRead(f"{fact} has no such row; its months are {months['first']} to {months['last']}.")
    rebuilt = _Rebuilt(place, measure, source, code, month, dict(zip(source.group_columns, parts, strict=False)))
    lines = ["", _HEADINGS[source.unit]]
    for row in rows:
        label = ":".join(str(row[column]) for column in source.group_columns) or "all"
        # The days behind an average are no column of its mart.
        numerator = row[source.numerator] if source.numerator else rebuilt.cell(row, "spell_days")
        denominator = row[source.denominator] if source.denominator else None
        counts = f" = {_text(numerator)} ÷ {_text(denominator)}" if source.denominator else ""
        percent = f" ({100 * row[source.value]:.2f} per cent)" if source.unit == "share" and row[source.value] else ""
        lines.append(f"  {label:<48} {_text(row[source.value]):>12}{counts}{percent}")
    lines += _monthly_lines(place, source, code, month, rows)
    rule_ids = [row[column] for row in rows for column in source.rule_columns if row[column] is not None]
    lines += _rules(place, rule_ids, source.parameters, month)
    if place.is_release:
        return [*lines, *_sql_lines("SQL that reads it from the release", sql)]
    compared = [column for column in (source.numerator, source.denominator, source.value) if column is not None]
    if rows[0][source.value] is None and _has_hole(place, month):
        lines += ["", "Null, since a month of the twelve that end with this one was never delivered."]
        return [*lines, *_sql_lines("SQL that counts what there is of it", rebuilt.sql)]
    return [*lines, *_sql_section(rebuilt.sql, rebuilt.differences(rows, compared))]


def _require_known(place: Place, fact: str, columns: Sequence[str], parts: Sequence[str]) -> None:
    """Raise NothingToRead with the codes that there are, when the fact has no row of a part of the group asked for."""
    for column, part in zip(columns, parts, strict=False):
        known = [str(row[column]) for row in place.rows(f"select distinct {column} from {fact} order by {column}")]
        if known and part not in known:
            raise NothingToRead(f"There is no {column} {part}; there are {', '.join(known)}.")


def _has_hole(place: Place, month: date) -> bool:
    found = place.rows("select has_hole_in_window from intermediate.int_months where month = ?", [month])
    return bool(found and found[0]["has_hole_in_window"])


class _Rebuilt:
    """The figures once more, from the rows beneath the mart; nothing for a release, which holds no such rows."""

    def __init__(
        self, place: Place, measure: str, source: MeasureSource, code: str, month: date, groups: dict[str, str]
    ) -> None:
        self._columns = source.group_columns
        self._value = source.value
        self.sql = monthly_sql(measure, code, month.isoformat(), groups, source.group_columns)
        found = [] if place.is_release else place.rows(self.sql)
        self._rows = {self._key(row): row for row in found}

    def _key(self, row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[column]) for column in self._columns)

    def cell(self, row: dict[str, Any], column: str) -> Any:
        """The rebuilt value of a column in the row of the same groups; None where nobody is in the group."""
        return self._rows.get(self._key(row), {}).get(column)

    def differences(self, rows: list[dict[str, Any]], columns: list[str]) -> list[str]:
        """A line for each figure of the mart that the rows beneath it do not give. No persons is 0 or null."""
        found = []
        for row in rows:
            for column in columns:
                expected, given = row[column], self.cell(row, column)
                is_empty_group = self._key(row) not in self._rows and not row[self._value]
                if not is_empty_group and not _are_same(expected, given):
                    found.append(f"{':'.join(self._key(row))} {column}: {_text(expected)} stands, {_text(given)} found")
        return found


def _are_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-9)


def _sql_lines(heading: str, sql: str) -> list[str]:
    return ["", heading, *(f"  {line}".rstrip() for line in sql.split("\n"))]


def _sql_section(sql: str, differences: list[str]) -> list[str]:
    result = "It was run: it gives the figure above." if not differences else "It was run, and gives ANOTHER figure:"
    lines = _sql_lines("SQL that rebuilds it from the rows beneath the mart", sql)
    return [*lines, "", result, *(f"  {line}" for line in differences)]


def _monthly_lines(
    place: Place, source: MeasureSource, code: str, month: date, rows: list[dict[str, Any]]
) -> list[str]:
    """Return the lines that a rule or a letter draws for this measure and how far the figure is from each."""
    if source.goal_code is not None:
        row = next((row for row in rows if row["benefit_group_code"] == "all"), None)
        return [] if row is None else _goal_lines(place, source, row, month)
    if source.fact == "conversation_coverage" and code != "0000":
        return _coverage_lines(place, rows, month)
    return ["", "Distance to each line", "  No rule draws a line for this measure."]


def _goal_lines(place: Place, source: MeasureSource, row: dict[str, Any], month: date) -> list[str]:
    lines = ["", "Distance to each line (the goal is held against the mean of twelve months; this is one of them)"]
    column = "passive_limit_percentage" if source.goal_code == "offers" else "few_conversations_limit_percentage"
    limits = place.rows(
        f"""
        select scenarios.scenario_code, coalesce(scenarios.{column}, limits.value) as line
        from {place.dimension("scenarios")} as scenarios
        left join {place.dimension("rules")} as limits
            on limits.rule_code = 'goal_limit' and limits.rule_key = ?
            and limits.valid_from_date <= last_day(cast(? as date))
            and limits.valid_to_date > last_day(cast(? as date))
        where scenarios.valid_from_date <= last_day(cast(? as date))
            and scenarios.valid_to_date > last_day(cast(? as date))
        order by scenarios.sort_order
        """,
        [source.goal_code, month, month, month, month],
    )
    decimals = _comparison_decimals(place, month)
    share, persons = row[source.value], row[source.denominator] if source.denominator else None
    for limit in limits:
        if share is None or limit["line"] is None or persons is None:
            lines.append(f"  {limit['scenario_code']:<24} line {_text(limit['line']):>5}  no distance")
            continue
        distance = float(limit["line"]) - 100 * share
        flip = max(1, math.ceil(abs(distance) / 100 * persons - 1e-9))
        is_met = round(100 * share, decimals) < round(float(limit["line"]), decimals)
        side = "good side" if is_met else "bad side"
        lines.append(
            f"  {limit['scenario_code']:<24} line {_text(limit['line']):>5}  {abs(distance):.2f} percentage points on "
            f"the {side}, {flip} {'person' if flip == 1 else 'persons'} to flip it"
        )
    return lines


def _comparison_decimals(place: Place, month: date) -> int:
    rows = place.rows(
        f"""
        select value from {place.dimension("rules")}
        where rule_code = 'comparison_decimals' and valid_from_date <= last_day(cast(? as date))
            and valid_to_date > last_day(cast(? as date))
        """,
        [month, month],
    )
    if not rows:
        raise NothingToRead(f"No rule comparison_decimals in dim_rules of {place.path} for {month:%Y-%m}.")
    return int(rows[0]["value"])


def _coverage_lines(place: Place, rows: list[dict[str, Any]], month: date) -> list[str]:
    """Return how far each group is from the country's share, and from well below it (the minister's list)."""
    well_below = place.rows(
        f"""
        select value from {place.dimension("rules")}
        where rule_code = 'follow_up_well_below_points' and valid_from_date <= last_day(cast(? as date))
            and valid_to_date > last_day(cast(? as date))
        """,
        [month, month],
    )
    country = {
        row["target_group_code"]: row["sufficient_share"]
        for row in place.rows(
            f"select target_group_code, sufficient_share from {place.fact('conversation_coverage')}"
            " where month = ? and municipality_code = '0000'",
            [month],
        )
    }
    lines = ["", "Distance to each line in percentage points (positive = good side)"]
    for row in rows:
        share, national = row["sufficient_share"], country.get(row["target_group_code"])
        if share is None or national is None:
            lines.append(f"  {row['target_group_code']:<48} no share")
            continue
        distance = 100 * (share - national)
        text = f"  {row['target_group_code']:<48} {distance:+.2f} to the country's share {100 * national:.2f} per cent"
        if well_below:
            points = float(well_below[0]["value"])
            text += f", {distance + points:+.2f} to {points:g} points below it"
        lines.append(text)
    return lines


def _level(place: Place, code: str, period: str, area: str | None) -> list[str]:
    fact = place.fact("benefit_levels")
    area = _code(area or "all")
    sql = (
        f"select * exclude (period_code, municipality_code)\nfrom {fact}\n"
        f"where period_code = '{period}' and municipality_code = '{code}'"
        f" and benefit_area_code = '{area}'\n"
        "order by expected_source"
    )
    rows = place.rows(sql)
    if not rows:
        _require_known(place, fact, ("benefit_area_code",), (area,))
        raise NothingToRead(f"{fact} has no level of {period} and this area. {_lacking(place, period)}".strip())
    lines = []
    for row in rows:
        lines += ["", f"Figure ({row['expected_source']}, area {row['benefit_area_code']})"]
        lines.append(
            f"  difference {_text(row['difference_percentage_points'])} percentage points = actual "
            f"{_text(row['actual_percentage'])} − expected {_text(row['expected_percentage'])}"
        )
        lines.append(
            f"  {_text(row['actual_full_time_persons'])} full-time persons against "
            f"{_text(row['expected_full_time_persons'])} expected: {_text(row['difference_full_time_persons'])}"
            f"{_worth(row['potential_dkk'])}"
        )
        lines.append(f"  rank {_text(row['benchmark_rank'])} (published {_text(row['published_benchmark_rank'])})")
        if row["difference_standard_error"] is not None:
            lines.append(
                f"  standard error {_text(row['difference_standard_error'])}, 95 per cent interval "
                f"{_text(row['difference_lower_95'])} to {_text(row['difference_upper_95'])} (the model's noise only)"
            )
    last_month = date(int(period[:4]), 6 if period.endswith("02") else 12, 1)
    lines += _margin_lines(place, rows, last_month)
    lines += _rules(place, _unit_cost_ids(place, area, last_month), (), last_month)
    if place.is_release:
        return [*lines, *_sql_lines("SQL that reads it from the release", sql)]
    rebuilding = level_sql(code, period, area)
    given = {row["expected_source"]: row["difference_percentage_points"] for row in place.rows(rebuilding)}
    differences = [
        f"{row['expected_source']}: {_text(row['difference_percentage_points'])} stands, "
        f"{_text(given.get(row['expected_source']))} found"
        for row in rows
        if not _are_same(row["difference_percentage_points"], given.get(row["expected_source"]))
    ]
    return [*lines, *_sql_section(rebuilding, differences)]


def _worth(potential_dkk: float | None) -> str:
    if potential_dkk is None:
        return ""
    return f", {abs(potential_dkk):,.0f} kr. a year {'more' if potential_dkk > 0 else 'less'} than expected"


def _margin_lines(place: Place, rows: list[dict[str, Any]], month: date) -> list[str]:
    """Return how far the difference is from each scenario's margin, for the area that the scenario judges."""
    lines = ["", "Distance to each line in percentage points (positive = good side)"]
    scenarios = place.rows(
        f"""
        select scenario_code, result_margin, counts_foertidspension from {place.dimension("scenarios")}
        where valid_from_date <= last_day(cast(? as date)) and valid_to_date > last_day(cast(? as date))
        order by sort_order
        """,
        [month, month],
    )
    found = [
        f"  {scenario['scenario_code']:<24} {row['expected_source']:<9} line {_text(scenario['result_margin']):>4}  "
        f"{float(scenario['result_margin']) - row['difference_percentage_points']:+.4f}"
        for scenario in scenarios
        for row in rows
        if row["difference_percentage_points"] is not None
        and row["benefit_area_code"] == ("all_with_foertidspension" if scenario["counts_foertidspension"] else "all")
    ]
    return [*lines, *(found or ["  No scenario draws a line for this area."])]


def _unit_cost_ids(place: Place, area: str, month: date) -> list[str]:
    rows = place.rows(
        f"""
        select rule_id from {place.dimension("rules")}
        where rule_code = 'unit_cost' and rule_key = ? and valid_from_date <= last_day(cast(? as date))
            and valid_to_date > last_day(cast(? as date))
        """,
        [area, month, month],
    )
    return [row["rule_id"] for row in rows]


def _category(place: Place, code: str, period: str, scenario: str | None) -> list[str]:
    fact = place.fact("category_assignments")
    sql = (
        f"select *\nfrom {fact}\nwhere period_code = '{period}' and municipality_code = '{code}' "
        f"and scenario_code = '{_code(scenario or 'official')}'"
    )
    rows = place.rows(sql)
    if not rows:
        known = [
            found["scenario_code"] for found in place.rows(f"select distinct scenario_code from {fact} order by all")
        ]
        if scenario is not None and scenario not in known:
            raise NothingToRead(f"There is no scenario {scenario}; there are {', '.join(known)}.")
        raise NothingToRead(f"{fact} has no row of {period}: are its twelve months loaded?")
    row = rows[0]
    goals = (
        ("result", "difference_percentage_points", "result_margin", "is_result_met", "result"),
        ("active offers", "passive_percentage", "passive_limit_percentage", "is_offers_met", "passive"),
        (
            "conversations",
            "few_conversations_percentage",
            "few_conversations_limit_percentage",
            "is_conversations_met",
            "few_conversations",
        ),
    )
    lines = ["", f"Figure: category {row['municipality_category']}, {row['category_name_da']} ({row['scenario_code']})"]
    lines += [f"  {row['reason_da']}", f"  {row['reason_en']}", "", "Distance to each line (positive = good side)"]
    for label, value, limit, is_met, prefix in goals:
        lines.append(
            f"  {label:<14} value {_text(row[value]):>10}  line {_text(row[limit]):>8}  met {_text(row[is_met]):<5}  "
            f"distance {_text(row[f'{prefix}_distance']):>10}"
            f"  persons to flip {_text(row[f'{prefix}_persons_to_flip'])}"
        )
    if row["category_probability"] is not None:
        lines.append(
            f"  probability of its side of the result goal {row['category_probability']:.3f} (the model's noise only)"
        )
    lines += _rules(
        place, row["rule_set_id"].split(" + "), (), date(int(period[:4]), 6 if period.endswith("02") else 12, 1)
    )
    if place.is_release:
        return [*lines, *_sql_lines("SQL that reads it from the release", sql)]
    rebuilding = category_sql(code, period, row["scenario_code"])
    given = [found["municipality_category"] for found in place.rows(rebuilding)]
    differences = (
        [] if given == [row["municipality_category"]] else [f"{row['municipality_category']} stands, {given} found"]
    )
    return [*lines, *_sql_section(rebuilding, differences)]


def _rules(place: Place, rule_ids: list[str], parameters: tuple[str, ...], month: date) -> list[str]:
    """Return the rule rows named by the figure, and the parameters in force on the month's last day."""
    if not rule_ids and not parameters:
        return []
    rows = place.rows(
        f"""
        select rule_id, value, unit, detail_en, legal_reference, source_url, evidence
        from {place.dimension("rules")}
        where list_contains(?, rule_id)
            or (list_contains(?, rule_code) and valid_from_date <= last_day(cast(? as date))
                and valid_to_date > last_day(cast(? as date)))
        order by rule_id
        """,
        [sorted(set(rule_ids)), list(parameters), month, month],
    )
    lines = ["", "Rules"]
    for row in rows:
        what = " ".join(
            str(part) for part in (_text(row["value"]), row["unit"], row["detail_en"]) if part not in (None, "–")
        )
        lines.append(f"  {row['rule_id']:<50} {what} · {row['legal_reference']} ({row['evidence']})")
    missing = sorted(set(rule_ids) - {row["rule_id"] for row in rows})
    return [*lines, *(f"  {rule_id:<50} not in dim_rules" for rule_id in missing)]


def _deliveries(place: Place, month: date, inputs: tuple[tuple[str, int | None], ...]) -> list[str]:
    """Return what stands in raw for the data sets and months that the figure reads."""
    if place.is_release:
        return []
    lines = ["", "Deliveries behind it"]
    for dataset, months_back in inputs:
        rows = place.rows(
            """
            select strftime(period, '%Y-%m') as period, delivery, row_count
            from raw.current_batches
            where dataset = ? and period <= cast(? as date)
                and (? is null or period >= cast(? as date) - to_months(cast(? as integer)))
            order by period
            """,
            [dataset, month, months_back, month, months_back or 0],
        )
        if not rows:
            lines.append(f"  {dataset:<22} nothing delivered for these months")
            continue
        rows_read = sum(int(row["row_count"]) for row in rows)
        corrected = [f"{row['period']}/{row['delivery']:03d}" for row in rows if row["delivery"] != 1]
        lines.append(
            f"  {dataset:<22} {counted(len(rows), 'month', 'months')} {rows[0]['period']} … {rows[-1]['period']}, "
            f"{rows_read} rows" + (f"; other than delivery 1: {', '.join(corrected)}" if corrected else "")
        )
    return lines


def _lacking(place: Place, period: str) -> str:
    if place.is_release:
        return ""
    rows = place.rows(
        "select missing_en from intermediate.int_benefit_level__model_status where period_code = ? and not is_complete",
        [period],
    )
    return f"The model lacks {rows[0]['missing_en']}." if rows else ""


def _code(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_]+", text) is None:
        raise NothingToRead(f"{text!r} is not a code.")
    return text


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
