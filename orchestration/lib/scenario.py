"""What another set of thresholds would change: categories under them against those of `official`. Writes nothing.

The rules are those of the model int_category__decisions, on the same values; a test holds the two together. The
function `compare_scenario` takes an open database and parameters, so that the command line and the Dagster job ask
alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from orchestration.lib.reading_places import NothingToRead, Place

COMPARISON_DECIMALS = 9
"""As rule_parameters.comparison_decimals; a release does not carry the parameter with every row."""


@dataclass(frozen=True)
class ScenarioParameters:
    """What may differ from the official rules; None = as official (dated limit, suspended where official suspends it).

    A limit that is given is a constant in force in every period, as in a row of the seed `scenarios`.
    """

    margin: float = 0.0
    passive_limit: float | None = None
    conversations_limit: float | None = None
    counts_foertidspension: bool = False

    def __post_init__(self) -> None:
        for name in ("passive_limit", "conversations_limit"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:
                raise ValueError(f"{name} is a percentage from 0 to 100, not {value}.")
        if self.margin < 0:
            raise ValueError(f"margin is a number of percentage points of at least 0, not {self.margin}.")


@dataclass(frozen=True)
class CategoryChange:
    """A municipality that stands in another category than under the official rules."""

    period_code: str
    municipality_code: str
    municipality_name: str
    official_category: int
    scenario_category: int
    difference_percentage_points: float | None
    passive_percentage: float | None
    few_conversations_percentage: float | None


@dataclass(frozen=True)
class ScenarioComparison:
    """The answer: who changes, how many stand where, and who can't be told because the release hides a figure."""

    parameters: ScenarioParameters
    changes: tuple[CategoryChange, ...]
    official_counts: dict[str, dict[int, int]]
    scenario_counts: dict[str, dict[int, int]]
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


def result_status(difference: float | None, margin: float) -> str | None:
    """Return met, not_met, or None without a difference; a difference equal to the margin is met."""
    if difference is None:
        return None
    return "met" if round(difference, COMPARISON_DECIMALS) <= round(margin, COMPARISON_DECIMALS) else "not_met"


def focus_status(is_in_force: bool, value: float | None, limit: float | None) -> str | None:
    """Return met, not_met, not_in_force, or None when in force without a value; a value equal to the limit is not
    met."""
    if not is_in_force:
        return "not_in_force"
    if value is None or limit is None:
        return None
    return "met" if round(value, COMPARISON_DECIMALS) < round(limit, COMPARISON_DECIMALS) else "not_met"


def compare_scenario(
    place: Place, parameters: ScenarioParameters, period_code: str | None = None
) -> ScenarioComparison:
    """Compare the categories under `parameters` with the official ones, for one rolling year or all.

    Raises NothingToRead when the place holds no official categories (of that period).
    """
    decisions = _decision_table(place)
    rows = _official_rows(place, parameters.counts_foertidspension, period_code)
    if not rows:
        periods = [row["period_code"] for row in place.rows(_PERIODS.format(fact=place.fact("category_assignments")))]
        asked = f" for {period_code}" if period_code else ""
        raise NothingToRead(f"No official categories{asked} in {place.path}; it has {', '.join(periods) or 'none'}.")
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
        category = decide_category(_statuses(row, parameters), decisions)
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
                )
            )
    return ScenarioComparison(
        parameters=parameters,
        changes=tuple(changes),
        official_counts={period: dict(counts) for period, counts in official_counts.items()},
        scenario_counts={period: dict(counts) for period, counts in scenario_counts.items()},
        hidden=tuple(hidden),
    )


def describe(comparison: ScenarioComparison) -> str:
    """Return the comparison as text: the rules tried, counts per period and category, and every change."""
    tried = comparison.parameters
    limits = [
        f"margin {tried.margin:g} percentage points",
        "passive limit as official"
        if tried.passive_limit is None
        else f"passive limit {tried.passive_limit:g} per cent",
        "conversations limit as official"
        if tried.conversations_limit is None
        else f"conversations limit {tried.conversations_limit:g} per cent",
        "førtidspension counts" if tried.counts_foertidspension else "førtidspension does not count",
    ]
    lines = [f"Tried: {', '.join(limits)}.", "", "Municipalities per category (official → tried):"]
    for period, official in comparison.official_counts.items():
        tried_counts = comparison.scenario_counts[period]
        categories = sorted(set(official) | set(tried_counts))
        counts = "  ".join(
            f"{number}: {official.get(number, 0)} → {tried_counts.get(number, 0)}" for number in categories
        )
        lines.append(f"  {period}  {counts}")
    lines += ["", f"{len(comparison.changes)} changes of category:"]
    if comparison.changes:
        lines.append(
            f"  {'period':<11} {'municipality':<20} {'category':<9} {'difference':>10} {'passive':>8} {'few talks':>9}"
        )
    for change in comparison.changes:
        lines.append(
            f"  {change.period_code:<11} {change.municipality_name:<20} "
            f"{change.official_category} → {change.scenario_category}     "
            f"{_number(change.difference_percentage_points):>10} {_number(change.passive_percentage):>8} "
            f"{_number(change.few_conversations_percentage):>9}"
        )
    if comparison.hidden:
        lines += ["", f"{len(comparison.hidden)} left out, since the release hides a figure of theirs:"]
        lines += [f"  {period}  {name}" for period, name in comparison.hidden]
    return "\n".join(lines)


_PERIODS = "select distinct period_code from {fact} where scenario_code = 'official' order by period_code"


def _statuses(row: dict[str, Any], parameters: ScenarioParameters) -> tuple[str | None, str | None, str | None]:
    offers_limit, conversations_limit = row["passive_limit_percentage"], row["few_conversations_limit_percentage"]
    return (
        result_status(row["difference_percentage_points"], parameters.margin),
        # Official names no limit where the goal is suspended; a limit that is tried is in force everywhere.
        focus_status(
            parameters.passive_limit is not None or offers_limit is not None,
            row["passive_percentage"],
            offers_limit if parameters.passive_limit is None else parameters.passive_limit,
        ),
        focus_status(
            parameters.conversations_limit is not None or conversations_limit is not None,
            row["few_conversations_percentage"],
            conversations_limit if parameters.conversations_limit is None else parameters.conversations_limit,
        ),
    )


def _decision_table(place: Place) -> dict[tuple[str, str, str], int]:
    rows = place.rows(
        f"select rule_key, value from {place.dimension('rules')} where rule_code = 'category_decision'"
        " order by valid_from_date"
    )
    table: dict[tuple[str, str, str], int] = {}
    for row in rows:
        result, offers, conversations = str(row["rule_key"]).split("/")
        table[result, offers, conversations] = int(row["value"])
    return table


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
            assignments.passive_percentage, assignments.passive_limit_percentage,
            assignments.few_conversations_percentage, assignments.few_conversations_limit_percentage,
            {suppressed} as is_hidden
        from {place.fact("category_assignments")} as assignments
        inner join {place.dimension("municipalities")} as municipalities
            on assignments.municipality_code = municipalities.municipality_code and municipalities.is_current
        {join}
        where assignments.scenario_code = 'official' and (? is null or assignments.period_code = ?)
        order by assignments.period_code, assignments.municipality_code
        """,
        [period_code, period_code],
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
