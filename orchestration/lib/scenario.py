"""What another set of thresholds would change: categories under them against those of `official`. Writes nothing.

The rules are those of the model int_category__decisions, on the same values and in force on the period's last day; a
test holds the two together. The
function `compare_scenario` takes an open database and parameters, so that the command line and the Dagster job ask
alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from orchestration.lib.reading_places import NothingToRead, Place


@dataclass(frozen=True)
class ScenarioParameters:
    """What may differ from the official rules; None = as official (dated limit, suspended where official suspends it).

    A limit that is given is a constant in force in every period, as in a row of the seed `scenarios`. Raises ValueError
    for a limit that is no percentage and a margin below 0.
    """

    margin: float | None = None
    passive_limit: float | None = None
    conversations_limit: float | None = None
    counts_foertidspension: bool = False

    def __post_init__(self) -> None:
        for name in ("passive_limit", "conversations_limit"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:
                raise ValueError(f"{name} is a percentage from 0 to 100, not {value}.")
        if self.margin is not None and self.margin < 0:
            raise ValueError(f"margin is a number of percentage points of at least 0, not {self.margin}.")


@dataclass(frozen=True)
class CategoryChange:
    """A municipality that stands in another category than under the official rules, and the goals that turn it."""

    period_code: str
    municipality_code: str
    municipality_name: str
    official_category: int
    scenario_category: int
    difference_percentage_points: float | None
    passive_percentage: float | None
    few_conversations_percentage: float | None
    turned_goals: tuple[str, ...]
    """The goals whose state differs, as `result: not met → met`."""


@dataclass(frozen=True)
class ScenarioComparison:
    """The answer: who changes, how many stand where, and who can't be told because the release hides a figure."""

    parameters: ScenarioParameters
    changes: tuple[CategoryChange, ...]
    official_counts: dict[str, dict[int, int]]
    scenario_counts: dict[str, dict[int, int]]
    category_names: dict[int, str]
    hidden: tuple[tuple[str, str], ...]
    """(period_code, municipality_name) whose figures are suppressed in the release that was read."""


def decide_category(
    statuses: tuple[str | None, str | None, str | None], decisions: dict[tuple[str, str, str], int]
) -> int:
    """Return the category of the three goals' states; 0 when one in force has no value.

    Raises KeyError that names the combination when the decision table lacks it.
    """
    result, offers, conversations = statuses
    if result is None or offers is None or conversations is None:
        return 0
    try:
        return decisions[result, offers, conversations]
    except KeyError:
        raise KeyError(f"No category for {result}, {offers}, {conversations} in the decision table.") from None


def result_status(difference: float | None, margin: float, decimals: int) -> str | None:
    """Return met, not_met, or None without a difference; a difference equal to the margin is met.

    Both are rounded to so many decimals before they are compared (rule comparison_decimals).
    """
    if difference is None:
        return None
    return "met" if round(difference, decimals) <= round(margin, decimals) else "not_met"


def focus_status(is_in_force: bool, value: float | None, limit: float | None, decimals: int) -> str | None:
    """Return met, not_met, not_in_force, or None when in force without a value.

    A value equal to the limit, when both are rounded to so many decimals (rule comparison_decimals), is not met.
    """
    if not is_in_force:
        return "not_in_force"
    if value is None or limit is None:
        return None
    return "met" if round(value, decimals) < round(limit, decimals) else "not_met"


def compare_scenario(
    place: Place, parameters: ScenarioParameters, period_code: str | None = None
) -> ScenarioComparison:
    """Compare the categories under `parameters` with the official ones, for one rolling year or all.

    Raises NothingToRead when the place holds no official categories (of that period), or no rule of how exactly
    figures and limits are compared.
    """
    decisions = _decision_tables(place)
    rows = _official_rows(place, parameters.counts_foertidspension, period_code)
    if not rows:
        periods = [row["period_code"] for row in place.rows(_PERIODS.format(fact=place.fact("category_assignments")))]
        asked = f" for {period_code}" if period_code else ""
        raise NothingToRead(f"No official categories{asked} in {place.path}; it has {', '.join(periods) or 'none'}.")
    unruled = sorted({row["period_code"] for row in rows if row["comparison_decimals"] is None})
    if unruled:
        raise NothingToRead(f"No rule comparison_decimals in dim_rules of {place.path} for {', '.join(unruled)}.")
    changes: list[CategoryChange] = []
    hidden: list[tuple[str, str]] = []
    official_counts: dict[str, Counter[int]] = {}
    scenario_counts: dict[str, Counter[int]] = {}
    for row in rows:
        official = int(row["municipality_category"])
        period = row["period_code"]
        if row["is_hidden"]:
            hidden.append((period, row["municipality_name"]))
            continue
        statuses = _statuses(row, parameters)
        category = decide_category(statuses, decisions.get(period, {}))
        official_counts.setdefault(period, Counter())[official] += 1
        scenario_counts.setdefault(period, Counter())[category] += 1
        if category != official:
            changes.append(
                CategoryChange(
                    period_code=period,
                    municipality_code=row["municipality_code"],
                    municipality_name=row["municipality_name"],
                    official_category=official,
                    scenario_category=category,
                    difference_percentage_points=row["difference_percentage_points"],
                    passive_percentage=row["passive_percentage"],
                    few_conversations_percentage=row["few_conversations_percentage"],
                    turned_goals=_turned_goals(
                        _statuses(row | {"difference_percentage_points": row["official_difference"]}, _AS_OFFICIAL),
                        statuses,
                    ),
                )
            )
    return ScenarioComparison(
        parameters=parameters,
        changes=tuple(changes),
        official_counts={period: dict(counts) for period, counts in official_counts.items()},
        scenario_counts={period: dict(counts) for period, counts in scenario_counts.items()},
        category_names=_category_names(place),
        hidden=tuple(hidden),
    )


def describe(comparison: ScenarioComparison) -> str:
    """Return the comparison as text: the rules tried, counts per period and category, and every change."""
    lines = [f"Tried: {_tried(comparison.parameters)}.", "", *_told(comparison)]
    lines.append("Municipalities per category (official → tried):")
    categories = _categories(comparison)
    width = max([len(_category_name(comparison, category)) for category in categories], default=0)
    periods = list(comparison.official_counts)
    lines.append("  " + " " * width + "".join(f"{period:>14}" for period in periods))
    lines += [
        f"  {_category_name(comparison, category):<{width}}"
        + "".join(f"{_count_change(comparison, period, category):>14}" for period in periods)
        for category in categories
    ]
    lines += ["", f"{len(comparison.changes)} changes of category:"]
    if comparison.changes:
        lines.append(
            f"  {'period':<11} {'municipality':<20} {'category':<9} {'difference':>10} {'passive':>8} {'few talks':>9}"
            "  what turns it"
        )
    for change in comparison.changes:
        lines.append(
            f"  {change.period_code:<11} {change.municipality_name:<20} "
            f"{change.official_category} → {change.scenario_category}     "
            f"{_number(change.difference_percentage_points, 3):>10} {_number(change.passive_percentage):>8} "
            f"{_number(change.few_conversations_percentage):>9}  {', '.join(change.turned_goals)}"
        )
    if comparison.changes:
        lines.append("  (difference in percentage points, passive and few talks in per cent)")
    if comparison.hidden:
        lines += ["", "Left out above, since the release hides a figure of theirs:"]
        lines += [
            f"  {period}  {len(names)}: {', '.join(names)}" for period, names in _hidden_by_period(comparison).items()
        ]
    return "\n".join(lines)


def describe_in_markdown(comparison: ScenarioComparison) -> str:
    """Return what `describe` says as markdown with two tables, for pages that show it."""
    periods = list(comparison.official_counts)
    lines = [
        f"Tried: {_tried(comparison.parameters)}.",
        "",
        *_told(comparison),
        "",
        f"| category (official → tried) |{''.join(f' {period} |' for period in periods)}",
        f"|---|{'---|' * len(periods)}",
        *(
            f"| {_category_name(comparison, category)} |"
            + "".join(f" {_count_change(comparison, period, category)} |" for period in periods)
            for category in _categories(comparison)
        ),
        "",
        f"{len(comparison.changes)} changes of category (difference in percentage points, the others in per cent)",
        "",
        "| period | municipality | category | difference | passive | few conversations | what turns it |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {change.period_code} | {change.municipality_name} | {change.official_category} → "
            f"{change.scenario_category} | {_number(change.difference_percentage_points, 3)} | "
            f"{_number(change.passive_percentage)} | {_number(change.few_conversations_percentage)} | "
            f"{', '.join(change.turned_goals)} |"
            for change in comparison.changes
        ),
    ]
    if comparison.hidden:
        lines += ["", "Left out, since the release hides a figure of theirs:", ""]
        lines += [f"- {period}: {', '.join(names)}" for period, names in _hidden_by_period(comparison).items()]
    return "\n".join(lines)


def _told(comparison: ScenarioComparison) -> list[str]:
    """How many of the municipalities the table is about, when it is not about all."""
    parts = []
    for period, names in _hidden_by_period(comparison).items():
        shown = sum(comparison.official_counts.get(period, {}).values())
        parts.append(f"{shown} of {shown + len(names)} municipalities ({period})")
    return [f"The table is about {', '.join(parts)}: the release hides a figure of the others."] if parts else []


def _tried(parameters: ScenarioParameters) -> str:
    return ", ".join(
        [
            "margin as official" if parameters.margin is None else f"margin {parameters.margin:g} percentage points",
            "passive limit as official"
            if parameters.passive_limit is None
            else f"passive limit {parameters.passive_limit:g} per cent",
            "conversations limit as official"
            if parameters.conversations_limit is None
            else f"conversations limit {parameters.conversations_limit:g} per cent",
            "førtidspension counts" if parameters.counts_foertidspension else "førtidspension does not count",
        ]
    )


def _categories(comparison: ScenarioComparison) -> list[int]:
    counts = (*comparison.official_counts.values(), *comparison.scenario_counts.values())
    return sorted({category for counted in counts for category in counted})


def _category_name(comparison: ScenarioComparison, category: int) -> str:
    return f"{category} {comparison.category_names.get(category, '')}".rstrip()


def _count_change(comparison: ScenarioComparison, period: str, category: int) -> str:
    before = comparison.official_counts[period].get(category, 0)
    return f"{before} → {comparison.scenario_counts[period].get(category, 0)}"


def _hidden_by_period(comparison: ScenarioComparison) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for period, name in comparison.hidden:
        names.setdefault(period, []).append(name)
    return names


_AS_OFFICIAL = ScenarioParameters()
_GOALS = ("result", "active offers", "conversations")
_STATUS_NAMES = {"met": "met", "not_met": "not met", "not_in_force": "not in force", None: "unknown"}

# The last day of the rolling year that ends with quarter qq of YYYYQMATqq.
_PERIOD_END = (
    "last_day(make_date(assignments.period_code[1:4]::integer, 3 * assignments.period_code[9:10]::integer, 1))"
)
_PERIODS = "select distinct period_code from {fact} where scenario_code = 'official' order by period_code"


def _turned_goals(
    official: tuple[str | None, str | None, str | None], tried: tuple[str | None, str | None, str | None]
) -> tuple[str, ...]:
    return tuple(
        f"{goal}: {_STATUS_NAMES[before]} → {_STATUS_NAMES[after]}"
        for goal, before, after in zip(_GOALS, official, tried, strict=True)
        if before != after
    )


def _category_names(place: Place) -> dict[int, str]:
    rows = place.rows(
        f"select municipality_category, min(category_name_da) as category_name_da"
        f" from {place.fact('category_assignments')} group by municipality_category"
    )
    return {int(row["municipality_category"]): str(row["category_name_da"] or "") for row in rows}


def _statuses(row: dict[str, Any], parameters: ScenarioParameters) -> tuple[str | None, str | None, str | None]:
    offers_limit, conversations_limit = row["passive_limit_percentage"], row["few_conversations_limit_percentage"]
    decimals = int(row["comparison_decimals"])
    return (
        result_status(
            row["difference_percentage_points"],
            row["result_margin"] if parameters.margin is None else parameters.margin,
            decimals,
        ),
        # Official names no limit where the goal is suspended; a limit that is tried is in force everywhere.
        focus_status(
            parameters.passive_limit is not None or offers_limit is not None,
            row["passive_percentage"],
            offers_limit if parameters.passive_limit is None else parameters.passive_limit,
            decimals,
        ),
        focus_status(
            parameters.conversations_limit is not None or conversations_limit is not None,
            row["few_conversations_percentage"],
            conversations_limit if parameters.conversations_limit is None else parameters.conversations_limit,
            decimals,
        ),
    )


def _decision_tables(place: Place) -> dict[str, dict[tuple[str, str, str], int]]:
    """Per period the decision table in force on its last day."""
    rows = place.rows(
        f"""
        select assignments.period_code, decisions.rule_key, decisions.value
        from (
            select distinct period_code from {place.fact("category_assignments")} where scenario_code = 'official'
        ) as assignments
        inner join {place.dimension("rules")} as decisions
            on decisions.rule_code = 'category_decision'
            and decisions.valid_from_date <= {_PERIOD_END} and decisions.valid_to_date > {_PERIOD_END}
        """
    )
    tables: dict[str, dict[tuple[str, str, str], int]] = {}
    for row in rows:
        result, offers, conversations = str(row["rule_key"]).split("/")
        tables.setdefault(row["period_code"], {})[result, offers, conversations] = int(row["value"])
    return tables


def _official_rows(place: Place, counts_foertidspension: bool, period_code: str | None) -> list[dict[str, Any]]:
    suppressed = "assignments.is_suppressed" if place.is_release else "false"
    if counts_foertidspension:
        difference = "levels.difference_percentage_points"
        join = f"""
        left join {place.fact("benefit_levels")} as levels
            on assignments.period_code = levels.period_code
            and assignments.municipality_code = levels.municipality_code
            and levels.benefit_area_code = 'all_with_foertidspension' and levels.expected_source = 'model'"""
    else:
        difference, join = "assignments.difference_percentage_points", ""
    return place.rows(
        f"""
        select
            assignments.period_code, assignments.municipality_code, municipalities.municipality_name,
            assignments.municipality_category, {difference} as difference_percentage_points,
            assignments.difference_percentage_points as official_difference, assignments.result_margin,
            assignments.passive_percentage, assignments.passive_limit_percentage,
            assignments.few_conversations_percentage, assignments.few_conversations_limit_percentage,
            {suppressed} as is_hidden, comparisons.value as comparison_decimals
        from {place.fact("category_assignments")} as assignments
        inner join {place.dimension("municipalities")} as municipalities
            on assignments.municipality_code = municipalities.municipality_code and municipalities.is_current
        left join {place.dimension("rules")} as comparisons
            on comparisons.rule_code = 'comparison_decimals' and comparisons.rule_key = 'all'
            and comparisons.valid_from_date <= {_PERIOD_END} and comparisons.valid_to_date > {_PERIOD_END}
        {join}
        where assignments.scenario_code = 'official' and (? is null or assignments.period_code = ?)
        order by assignments.period_code, assignments.municipality_code
        """,
        [period_code, period_code],
    )


def _number(value: float | None, decimals: int = 2) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
