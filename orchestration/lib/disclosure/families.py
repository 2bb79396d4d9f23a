"""Which tables hold the same persons: the families that secondary suppression treats together.

A family is a set of cells month x municipality x column with one count of persons (`base`) and the parts of it. What is
hidden in a family is hidden in every table that shows those cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Slack = Callable[[Mapping[str, Floats]], tuple[Bools, Bools]]


@dataclass(frozen=True)
class Figure:
    """A figure and where it stands: (table, column) pairs that are hidden with it; the first one is read."""

    name: str
    places: tuple[tuple[str, str], ...]
    # A share from which the figure is worked out where no table has it as a count.
    share_of: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of the base. `slack` gives where it may rise and fall by one while everything else stays."""

    figure: Figure
    whole: str
    slack: Slack
    # Parts that must be hidden where this one is.
    hides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """base: the count of persons; hidden with it are all `row_columns` of its tables.

    column_keys: what makes the columns; `total`: the value of the first column key that adds up the others, if any.
    layer_key: a key whose values are tables of their own. columns_left_out: values of the first column key not in it.
    ways: how one person may be made up, as sets of parts that the person belongs to.
    """

    name: str
    base: Figure
    row_places: tuple[tuple[str, str], ...]
    column_keys: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    ways: tuple[frozenset[str], ...] = (frozenset(),)
    total: str | None = None
    layer_key: str | None = None
    only_columns: tuple[str, ...] = ()
    left_out_columns: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table that is read."""
        return self.base.places[0][0]


def _between(name: str, whole: str, floor: str | None = None, ceilings: tuple[str, ...] = ()) -> Slack:
    """A part may fall to `floor` (or 0) and rise to `whole` (and to each of `ceilings`)."""

    def slack(values: Mapping[str, Floats]) -> tuple[Bools, Bools]:
        value = values[name]
        lowest = values[floor] if floor is not None else np.zeros_like(value)
        highest = values[whole]
        for other in ceilings:
            highest = np.minimum(highest, values[other])
        return np.asarray(value - 1 >= lowest), np.asarray(value + 1 <= highest)

    return slack


def _ways(
    names: tuple[str, ...], allowed: Callable[[frozenset[str]], bool] = lambda way: True
) -> tuple[frozenset[str], ...]:
    ways = (
        frozenset(n for n, chosen in zip(names, flags, strict=True) if chosen)
        for flags in product((0, 1), repeat=len(names))
    )
    return tuple(way for way in ways if allowed(way))


def _goals_way(way: frozenset[str]) -> bool:
    # Uncontacted persons are passive and have few conversations; a passive person has had no offer.
    return not ("uncontacted" in way and not {"passive", "few"} <= way) and not {"passive", "four_weeks"} <= way


_F, _O, _B = "rpt_focus_goals", "rpt_offer_effort", "rpt_passive_by_duration"
_C, _T, _Q, _E = (
    "rpt_conversation_coverage",
    "rpt_conversation_timeliness",
    "rpt_conversation_requests",
    "rpt_early_effort",
)
_R, _S = "rpt_benefit_recipients", "rpt_results"


def _row(table: str, *columns: str) -> tuple[tuple[str, str], ...]:
    return tuple((table, column) for column in columns)


FAMILIES: tuple[Family, ...] = (
    Family(
        "focus_goals",
        Figure("person_count", ((_F, "person_count"), (_O, "person_count"))),
        (
            *_row(
                _F,
                "person_count",
                "passive_count",
                "passive_share",
                "few_conversations_count",
                "few_conversations_share",
                "uncontacted_count",
                "uncontacted_share",
            ),
            *_row(_O, "person_count", "four_weeks_count", "four_weeks_share"),
        ),
        ("benefit_group_code",),
        parts=(
            Part(
                Figure("passive", _row(_F, "passive_count", "passive_share")),
                "person_count",
                _between("passive", "person_count", "uncontacted"),
            ),
            Part(
                Figure("few", _row(_F, "few_conversations_count", "few_conversations_share")),
                "person_count",
                _between("few", "person_count", "uncontacted"),
            ),
            Part(
                Figure("uncontacted", _row(_F, "uncontacted_count", "uncontacted_share")),
                "person_count",
                _between("uncontacted", "person_count", None, ("passive", "few")),
            ),
            Part(
                Figure("four_weeks", _row(_O, "four_weeks_count", "four_weeks_share")),
                "person_count",
                _between("four_weeks", "not_passive"),
            ),
        ),
        ways=_ways(("passive", "few", "uncontacted", "four_weeks"), _goals_way),
        total="all",
    ),
    Family(
        "first_offer",
        Figure("reached", ((_O, "reached_six_months_count"),)),
        _row(_O, "reached_six_months_count", "first_offer_in_time_count", "first_offer_in_time_share"),
        ("benefit_group_code",),
        parts=(
            Part(
                Figure("first_offer", _row(_O, "first_offer_in_time_count", "first_offer_in_time_share")),
                "reached",
                _between("first_offer", "reached"),
            ),
        ),
        ways=_ways(("first_offer",)),
        total="all",
    ),
    Family(
        "passive_by_duration",
        Figure("person_count", ((_B, "person_count"),)),
        _row(_B, "person_count", "passive_count", "passive_share"),
        ("benefit_group_code",),
        parts=(
            Part(
                Figure("passive", _row(_B, "passive_count", "passive_share")),
                "person_count",
                _between("passive", "person_count"),
            ),
        ),
        ways=_ways(("passive",)),
        total="all",
        layer_key="duration_band_code",
    ),
    Family(
        "results",
        Figure("ended", ((_S, "ended_spell_count"),)),
        _row(_S, "ended_spell_count", "retained_count", "retained_share", "average_spell_days"),
        ("benefit_group_code",),
        parts=(
            Part(
                Figure("retained", _row(_S, "retained_count", "retained_share")), "ended", _between("retained", "ended")
            ),
        ),
        ways=_ways(("retained",)),
        total="all",
    ),
    Family(
        "benefit_recipients",
        Figure("person_count", ((_R, "person_count"),)),
        (*_row(_R, "person_count", "full_time_persons", "share_of_population_percentage"), (_S, "full_time_persons")),
        ("benefit_group_code",),
        total="all",
        left_out_columns=("foertidspension", "all_with_foertidspension"),
    ),
    Family(
        "pension_recipients",
        Figure("person_count", ((_R, "person_count"),)),
        _row(_R, "person_count", "full_time_persons", "share_of_population_percentage"),
        ("benefit_group_code",),
        only_columns=("foertidspension",),
    ),
    Family(
        "conversation_coverage",
        Figure("person_count", ((_C, "person_count"),)),
        _row(_C, "person_count", "sufficient_count", "sufficient_share", "average_conversation_count"),
        ("target_group_code",),
        parts=(
            Part(
                Figure("sufficient", _row(_C, "sufficient_count", "sufficient_share")),
                "person_count",
                _between("sufficient", "person_count"),
            ),
        ),
        ways=_ways(("sufficient",)),
    ),
    Family(
        "conversation_timeliness",
        Figure("obligations", ((_T, "obligation_count"),)),
        _row(_T, "obligation_count", "on_time_count", "on_time_share", "late_count", "missing_count"),
        ("target_group_code", "sequence_number"),
        parts=(
            Part(
                Figure("on_time", _row(_T, "on_time_count", "on_time_share")),
                "obligations",
                _between("on_time", "obligations"),
                hides=("late",),
            ),
            Part(
                Figure("late", _row(_T, "late_count", "missing_count")), "not_on_time", _between("late", "not_on_time")
            ),
        ),
        ways=_ways(("on_time", "late"), lambda way: len(way) < 2),
    ),
    Family(
        "not_yet_due",
        Figure("not_yet_due", ((_T, "not_yet_due_count"),)),
        _row(_T, "not_yet_due_count"),
        ("target_group_code", "sequence_number"),
    ),
    Family(
        "excluded",
        Figure("excluded", ((_T, "excluded_count"),)),
        _row(_T, "excluded_count"),
        ("target_group_code", "sequence_number"),
    ),
    Family(
        "conversation_requests",
        Figure("requested", ((_Q, "requested_count"),)),
        _row(_Q, "requested_count", "within_10_days_count", "within_10_days_share"),
        (),
        parts=(
            Part(
                Figure("within", _row(_Q, "within_10_days_count", "within_10_days_share")),
                "requested",
                _between("within", "requested"),
            ),
        ),
        ways=_ways(("within",)),
    ),
    Family(
        "early_effort",
        Figure("person_count", ((_E, "person_count"),)),
        _row(_E, "person_count", "conversations_met_share", "offer_met_share"),
        (),
        parts=(
            Part(
                Figure("conversations_met", _row(_E, "conversations_met_share"), "conversations_met_share"),
                "person_count",
                _between("conversations_met", "person_count"),
            ),
            Part(
                Figure("offer_met", _row(_E, "offer_met_share"), "offer_met_share"),
                "person_count",
                _between("offer_met", "person_count"),
            ),
        ),
        ways=_ways(("conversations_met", "offer_met")),
    ),
)

# The tables in which families stand; all others repeat them or sum them up.
FAMILY_TABLES = frozenset(
    table
    for family in FAMILIES
    for places in (family.base.places, family.row_places, *(part.figure.places for part in family.parts))
    for table, _ in places
)

# Values that are worked out of others before slack is asked for.
DERIVED: Mapping[str, tuple[str, str]] = {
    "not_passive": ("person_count", "passive"),
    "not_on_time": ("obligations", "on_time"),
}


# measure_id -> family, layer key value in group_code?, part (None = the base itself) and the source table's columns
# for numerator, denominator and value (None = hidden with the value).
@dataclass(frozen=True)
class MeasureSource:
    """Where the figures of a measure in the long tables come from."""

    table: str
    family: str
    part: str | None
    numerator: str
    denominator: str | None
    value: str
    group_keys: tuple[str, ...]


MEASURE_SOURCES: Mapping[str, MeasureSource] = {
    "conversation_coverage": MeasureSource(
        _C,
        "conversation_coverage",
        "sufficient",
        "sufficient_count",
        "person_count",
        "sufficient_share",
        ("target_group_code",),
    ),
    "conversation_timeliness": MeasureSource(
        _T,
        "conversation_timeliness",
        "on_time",
        "on_time_count",
        "obligation_count",
        "on_time_share",
        ("target_group_code", "sequence_number"),
    ),
    "conversation_within_10_days": MeasureSource(
        _Q, "conversation_requests", "within", "within_10_days_count", "requested_count", "within_10_days_share", ()
    ),
    "passive_share": MeasureSource(
        _F, "focus_goals", "passive", "passive_count", "person_count", "passive_share", ("benefit_group_code",)
    ),
    "few_conversations_share": MeasureSource(
        _F,
        "focus_goals",
        "few",
        "few_conversations_count",
        "person_count",
        "few_conversations_share",
        ("benefit_group_code",),
    ),
    "uncontacted_share": MeasureSource(
        _F,
        "focus_goals",
        "uncontacted",
        "uncontacted_count",
        "person_count",
        "uncontacted_share",
        ("benefit_group_code",),
    ),
    "passive_share_by_duration": MeasureSource(
        _B,
        "passive_by_duration",
        "passive",
        "passive_count",
        "person_count",
        "passive_share",
        ("benefit_group_code", "duration_band_code"),
    ),
    "four_weeks_offer_share": MeasureSource(
        _O, "focus_goals", "four_weeks", "four_weeks_count", "person_count", "four_weeks_share", ("benefit_group_code",)
    ),
    "first_offer_by_6_months_share": MeasureSource(
        _O,
        "first_offer",
        "first_offer",
        "first_offer_in_time_count",
        "reached_six_months_count",
        "first_offer_in_time_share",
        ("benefit_group_code",),
    ),
    "full_time_persons": MeasureSource(
        _R, "benefit_recipients", None, "full_time_persons", None, "full_time_persons", ("benefit_group_code",)
    ),
    "support_share": MeasureSource(
        _R,
        "benefit_recipients",
        None,
        "full_time_persons",
        "population_16_66",
        "share_of_population_percentage",
        ("benefit_group_code",),
    ),
    "average_spell_days": MeasureSource(
        _S, "results", None, "average_spell_days", "ended_spell_count", "average_spell_days", ("benefit_group_code",)
    ),
    "retention_share": MeasureSource(
        _S, "results", "retained", "retained_count", "ended_spell_count", "retained_share", ("benefit_group_code",)
    ),
}
