"""What a measure's ``compute`` returns: expected rows by key, with the mart's name and key columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

Key = tuple[Any, ...]
Values = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "conversation_coverage": ("month", "municipality_code", "target_group_code"),
    "conversation_timeliness": ("month", "municipality_code", "target_group_code", "sequence_number"),
    "conversation_requests": ("month", "municipality_code"),
    "early_effort": ("month", "municipality_code"),
    "focus_goals": ("month", "municipality_code", "benefit_group_code"),
    "passive_by_duration": ("month", "municipality_code", "benefit_group_code", "duration_band_code"),
    "offer_effort": ("month", "municipality_code", "benefit_group_code"),
    "benefit_recipients": ("month", "municipality_code", "benefit_group_code"),
    "benefit_levels": ("period_code", "municipality_code", "benefit_area_code", "expected_source"),
    "results": ("month", "municipality_code", "benefit_group_code"),
    "category_assignments": ("scenario_code", "period_code", "municipality_code"),
    "similar_municipalities": ("period_code", "municipality_code", "similarity_rank"),
    "supervision": ("scenario_code", "statement_year", "municipality_code"),
    "follow_up": ("round_code", "municipality_code", "target_group_code"),
    "timeliness_and_results": ("period_code", "municipality_code"),
    "timeliness_and_results_correlation": ("period_code",),
    "measure_results": ("measure_id", "period_start_date", "period_end_date", "municipality_code", "group_code"),
}


class MartRows(dict[Key, Values]):
    """Expected rows of one mart: key tuple -> column -> value. Fractions are exact; None is null."""

    def __init__(self, mart: str, municipalities: Collection[str] | None = None) -> None:
        """``municipalities``: those that the rows cover (None: all); actual rows of others are not judged."""
        super().__init__()
        self.mart = mart
        self.key_columns = KEYS[mart]
        self.municipalities = None if municipalities is None else frozenset(municipalities)

    def put(self, key: Key, values: Values) -> None:
        """Add a row; the same key twice is a mistake of the oracle itself."""
        if key in self:
            raise KeyError(f"{self.mart}: two rows for {key}")
        self[key] = values


def ratio(numerator: int | Fraction | None, denominator: int | Fraction | None) -> Fraction | None:
    """A share or a mean: null when either is null or the denominator is 0 (§14)."""
    if numerator is None or denominator is None or denominator == 0:
        return None
    return Fraction(numerator) / Fraction(denominator)


def rounded(value: Fraction | float) -> Fraction:
    """The value as it is compared with thresholds: rounded to 9 decimals."""
    return round(Fraction(value), 9)


def both(municipality: str) -> tuple[str, str]:
    """A person counts in the own municipality and in the country."""
    return municipality, "0000"


def mean(values: Iterable[Fraction]) -> Fraction | None:
    """The unweighted mean, None of nothing."""
    found = list(values)
    return sum(found, Fraction(0)) / len(found) if found else None


def exact(value: object) -> Fraction:
    """A number of a row as a fraction."""
    if isinstance(value, (int, Fraction, Decimal)):
        return Fraction(value)
    raise TypeError(f"not an exact number: {value!r}")
