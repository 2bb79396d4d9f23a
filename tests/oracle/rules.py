"""The rules of the specification, typed in again as literals. ``valid_from`` inclusive, ``valid_to`` exclusive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

BEGINNING = date(1900, 1, 1)
OPEN_END = date(9999, 12, 31)

# extracts.md, reference data: code -> (benchmark area or None, in supervision scope, overlap priority)
BENEFITS: dict[str, tuple[str | None, bool, int]] = {
    "sygedagpenge": ("sygedagpenge", True, 1),
    "jobafklaring": ("sygedagpenge", True, 2),
    "dagpenge": ("dagpenge", True, 3),
    "ressourceforloeb": ("kontanthjaelp", True, 4),
    "revalidering": ("kontanthjaelp", True, 5),
    "ledighedsydelse": ("kontanthjaelp", True, 6),
    "kontanthjaelp": ("kontanthjaelp", True, 7),
    "uddannelseshjaelp": ("kontanthjaelp", True, 8),
    "sho": ("kontanthjaelp", True, 9),
    "foertidspension": (None, False, 10),
}
IN_SCOPE: tuple[str, ...] = tuple(code for code, (_, in_scope, _) in BENEFITS.items() if in_scope)
AREAS: tuple[str, ...] = ("all", "dagpenge", "sygedagpenge", "kontanthjaelp", "all_with_foertidspension")

MATCH_GROUPS: tuple[str | None, ...] = (
    "jobparat",
    "aktivitetsparat",
    "uddannelsesparat",
    "aabenlyst_uddannelsesparat",
    None,
)

DAGPENGE = "dagpengemodtagere"
JOBPARATE = "jobparate_kontanthjaelpsmodtagere"
AKTIVITETSPARATE_KH = "aktivitetsparate_kontanthjaelpsmodtagere"
UDDANNELSESPARATE = "uddannelsesparate_uddannelseshjaelpsmodtagere"
AKTIVITETSPARATE_UH = "aktivitetsparate_uddannelseshjaelpsmodtagere"
SYGEDAGPENGE = "sygedagpengemodtagere"
TARGET_GROUPS: tuple[str, ...] = (
    DAGPENGE,
    JOBPARATE,
    AKTIVITETSPARATE_KH,
    UDDANNELSESPARATE,
    AKTIVITETSPARATE_UH,
    SYGEDAGPENGE,
)


def target_group(benefit: str, match_group: str | None) -> str | None:
    """The group of the minister's letters, or None for a person who is in none of the six."""
    if benefit == "dagpenge":
        return DAGPENGE
    if benefit == "sygedagpenge":
        return SYGEDAGPENGE
    if benefit in ("kontanthjaelp", "sho"):
        return {"jobparat": JOBPARATE, "aktivitetsparat": AKTIVITETSPARATE_KH}.get(match_group or "")
    if benefit == "uddannelseshjaelp":
        return {
            "uddannelsesparat": UDDANNELSESPARATE,
            "aabenlyst_uddannelsesparat": UDDANNELSESPARATE,
            "aktivitetsparat": AKTIVITETSPARATE_UH,
        }.get(match_group or "")
    return None


# extracts.md: code -> counts
CONVERSATION_TYPES: dict[int, bool] = {
    4: True,
    7: True,
    8: False,
    9: False,
    10: False,
    11: False,
    12: False,
    13: False,
    15: False,
    17: True,
    19: True,
    20: False,
}


@dataclass(frozen=True)
class Window:
    """One row of the table of §4."""

    target_group: str
    from_months: int
    to_months: int
    required_count: int
    valid_from: date
    valid_to: date

    @property
    def rule_id(self) -> str:
        return f"conversation_window:{self.target_group}:{self.valid_from}"


def _windows() -> tuple[Window, ...]:
    y2020, y2024, july2026 = date(2020, 1, 1), date(2024, 1, 1), date(2026, 7, 1)
    rows = [
        Window(DAGPENGE, 6, 9, 6, BEGINNING, y2020),
        Window(JOBPARATE, 3, 6, 2, BEGINNING, y2020),
        Window(AKTIVITETSPARATE_KH, 6, 9, 2, BEGINNING, y2020),
        Window(UDDANNELSESPARATE, 3, 6, 2, BEGINNING, y2020),
        Window(AKTIVITETSPARATE_UH, 6, 9, 2, BEGINNING, y2020),
        Window(SYGEDAGPENGE, 3, 6, 2, BEGINNING, y2020),
    ]
    rows += [Window(group, 6, 9, 4, y2020, y2024) for group in TARGET_GROUPS]
    rows += [Window(group, 6, 9, 6 if group == DAGPENGE else 4, y2024, july2026) for group in TARGET_GROUPS]
    rows += [
        Window(DAGPENGE, 6, 9, 4, july2026, OPEN_END),
        Window(JOBPARATE, 6, 9, 4, july2026, OPEN_END),
        Window(AKTIVITETSPARATE_KH, 6, 9, 1, july2026, OPEN_END),
        Window(UDDANNELSESPARATE, 6, 9, 1, july2026, OPEN_END),
        Window(AKTIVITETSPARATE_UH, 6, 9, 1, july2026, OPEN_END),
        Window(SYGEDAGPENGE, 3, 6, 1, july2026, OPEN_END),
    ]
    return tuple(rows)


WINDOWS: tuple[Window, ...] = _windows()


@dataclass(frozen=True)
class Deadline:
    """One row of the deadlines of §5: ``required_count`` (cumulative) by spell start + offset."""

    target_group: str
    sequence_number: int
    required_count: int
    offset_value: int
    offset_unit: str  # "day" or "month"
    valid_from: date
    valid_to: date

    @property
    def rule_id(self) -> str:
        return f"conversation_deadline:{self.target_group}/{self.sequence_number}:{self.valid_from}"


def _deadlines() -> tuple[Deadline, ...]:
    y2020, y2024, july2026 = date(2020, 1, 1), date(2024, 1, 1), date(2026, 7, 1)
    rows: list[Deadline] = []

    def add(groups: tuple[str, ...], start: date, end: date, *deadlines: tuple[int, int, str]) -> None:
        for group in groups:
            for number, (required, value, unit) in enumerate(deadlines, start=1):
                rows.append(Deadline(group, number, required, value, unit, start, end))

    # Until 2019.
    add(
        (DAGPENGE,),
        BEGINNING,
        y2020,
        (1, 42, "day"),
        (2, 2, "month"),
        (3, 3, "month"),
        (4, 4, "month"),
        (5, 5, "month"),
        (6, 6, "month"),
        (7, 9, "month"),
        (8, 12, "month"),
        (9, 15, "month"),
        (10, 18, "month"),
        (11, 21, "month"),
        (12, 24, "month"),
    )
    add(
        (JOBPARATE, UDDANNELSESPARATE),
        BEGINNING,
        y2020,
        (1, 7, "day"),
        (2, 3, "month"),
        (4, 12, "month"),
        (8, 24, "month"),
    )
    add(
        (AKTIVITETSPARATE_KH, AKTIVITETSPARATE_UH),
        BEGINNING,
        y2020,
        (1, 7, "day"),
        (5, 12, "month"),
        (9, 24, "month"),
    )
    add((SYGEDAGPENGE,), BEGINNING, y2020, *((k, 56 + 28 * (k - 1), "day") for k in range(1, 13)))
    # 2020-2023.
    cash = (JOBPARATE, AKTIVITETSPARATE_KH, UDDANNELSESPARATE, AKTIVITETSPARATE_UH)
    add(cash, y2020, y2024, (1, 7, "day"), (4, 6, "month"))
    add((DAGPENGE,), y2020, y2024, (1, 42, "day"), (4, 6, "month"))
    add((SYGEDAGPENGE,), y2020, y2024, (1, 56, "day"), (4, 6, "month"))
    # 2024 to June 2026.
    add(cash, y2024, july2026, (1, 7, "day"), (4, 6, "month"))
    add((DAGPENGE,), y2024, july2026, (1, 14, "day"), (3, 3, "month"), (6, 6, "month"))
    add((SYGEDAGPENGE,), y2024, july2026, (1, 56, "day"), (4, 6, "month"))
    # From July 2026.
    add((DAGPENGE,), july2026, OPEN_END, (2, 3, "month"), (4, 6, "month"))
    add((JOBPARATE,), july2026, OPEN_END, (1, 7, "day"), (4, 6, "month"))
    others = (AKTIVITETSPARATE_KH, UDDANNELSESPARATE, AKTIVITETSPARATE_UH, SYGEDAGPENGE)
    add(others, july2026, OPEN_END, (1, 6, "month"))
    return tuple(rows)


DEADLINES: tuple[Deadline, ...] = _deadlines()

# §5 on request, early effort
REQUEST_DAYS = 10
EARLY_EFFORT_FROM = date(2023, 11, 1)
EARLY_EFFORT_BENEFITS = ("dagpenge", "kontanthjaelp", "uddannelseshjaelp", "sho")
EARLY_EFFORT_MONTHS = 6
EARLY_EFFORT_CONVERSATIONS = 4
EARLY_EFFORT_SHARE = Fraction(80, 100)
EARLY_EFFORT_MINIMUM_PERSONS = 10
EARLY_EFFORT_RUN = 6

# §6
PASSIVE_MINIMUM_MONTHS = 12
FEW_CONVERSATIONS_BELOW = 4
EXCLUDED_MONTHS = (date(2020, 3, 1), date(2020, 4, 1), date(2020, 5, 1), date(2020, 6, 1))
HOURS_LIMITS: tuple[tuple[Decimal, date, date], ...] = (
    (Decimal(225), BEGINNING, date(2021, 1, 1)),
    (Decimal(100), date(2021, 1, 1), OPEN_END),
)
FOUR_WEEKS_DAYS = 28
FIRST_OFFER_MONTHS = 6
SHORTEST_BAND_DAYS = 45
DURATION_BANDS = ("0_to_1_5", "1_5_to_3", "3_to_6", "6_to_9", "9_to_12", "12_or_more")


def hours_limit(as_of: date) -> tuple[Decimal, str]:
    """The hours below which a person is passive, and the rule's id, in force on the day."""
    for value, start, end in HOURS_LIMITS:
        if start <= as_of < end:
            return value, f"ordinary_hours_limit:all:{start}"
    raise LookupError(f"no ordinary_hours_limit in force on {as_of}")


def window(group: str, as_of: date) -> Window:
    """The coverage window of a target group in force on the day."""
    found = [row for row in WINDOWS if row.target_group == group and row.valid_from <= as_of < row.valid_to]
    if len(found) != 1:
        raise LookupError(f"{len(found)} conversation_window rules for {group} in force on {as_of}")
    return found[0]


def deadlines_in_force(day: date) -> list[Deadline]:
    """Every deadline of the rule set in force on the day."""
    return [row for row in DEADLINES if row.valid_from <= day < row.valid_to]


# §8
UNIT_COST_DKK = 70_000
COVARIATES: dict[str, bool] = {  # code -> is_reference
    "age_16_24": False,
    "age_25_39": False,
    "age_40_54": True,
    "age_55_66": False,
    "living_alone": False,
    "single_parents": False,
    "education_none": False,
    "education_vocational": False,
    "education_short": False,
    "education_medium": False,
    "education_long": False,
    "origin_western": False,
    "origin_non_western": False,
    "origin_descendants": False,
    "diagnosis_chronic_or_psychiatric": False,
    "criminal_conviction_5y": False,
    "social_housing": False,
    "industry_manufacturing": False,
    "industry_construction": False,
    "industry_trade": False,
    "industry_public_service": False,
    "commuting_full_time_employed": False,
    "distance_large_city_km": False,
}
Z_95 = 1.959964


# §10
@dataclass(frozen=True)
class Scenario:
    """One scenario: its limits in per cent, its margin in percentage points."""

    code: str
    margin: Fraction
    offers_limit: Fraction
    conversations_limit: Fraction
    counts_foertidspension: bool
    rank_order: tuple[int, int, int, int]
    offers_suspended_years: tuple[int, ...]
    is_kl: bool

    def offers_limit_for(self, period_end: date) -> Fraction | None:
        """The limit of the offers goal, or None when the goal is not in force for a period that ends then."""
        return None if period_end.year in self.offers_suspended_years else self.offers_limit


_SUSPENDED = (2021, 2022)
SCENARIOS: tuple[Scenario, ...] = (
    Scenario("official", Fraction(0), Fraction(30), Fraction(20), False, (1, 2, 3, 4), _SUSPENDED, False),
    Scenario("draft_2019", Fraction(0), Fraction(20), Fraction(20), False, (1, 2, 3, 4), (), False),
    Scenario("kl_hearing_2019", Fraction(2, 10), Fraction(30), Fraction(20), True, (1, 2, 3, 4), (), True),
    Scenario("kl_results_first_2020", Fraction(0), Fraction(30), Fraction(20), False, (1, 3, 2, 4), (), True),
    Scenario("kl_all", Fraction(2, 10), Fraction(30), Fraction(20), True, (1, 3, 2, 4), (), True),
)
CATEGORY_NAMES_DA = {
    0: "Ikke vurderet",
    1: "Inspirationskommune",
    2: "Ikke aktuel i risiko",
    3: "Opmærksomhedskommune",
    4: "I risiko for skærpet tilsyn",
}

# §12
FOLLOW_UP_ROUNDS: tuple[tuple[str, date, date], ...] = (
    ("2018-06", date(2017, 11, 1), date(2018, 6, 1)),
    ("2019-01", date(2018, 6, 1), date(2019, 1, 1)),
)
WELL_BELOW_SHARE = Fraction(10, 100)
IMPROVED_PERCENTAGE_POINTS = 5
FOLLOW_UP_MINIMUM_PERSONS = 10
FOLLOW_UP_MINIMUM_GROUPS = 3

FINAL_AFTER_MONTHS = 3
