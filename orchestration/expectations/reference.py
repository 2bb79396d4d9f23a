"""Facts that suites take from the project's seeds: code lists, the number of municipalities, parameters in force."""

import csv
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from orchestration.lib.contracts import PROJECT_ROOT
from orchestration.lib.rules import read_parameter

SEEDS = PROJECT_ROOT / "seeds"


@lru_cache(maxsize=64)
def codes(seed: str, column: str, **conditions: str) -> tuple[str, ...]:
    """Distinct values of a seed's column, in its order; ``seed`` is the file without ``.csv``, under ``seeds/``.

    ``conditions`` (column = value) leave the other rows out. Raises ValueError naming the seed when it has no such
    column or no rows.
    """
    rows = _rows(SEEDS / f"{seed}.csv")
    if not rows or column not in rows[0]:
        raise ValueError(f"seeds/{seed}.csv: has no values in a column {column}")
    return tuple(
        dict.fromkeys(row[column] for row in rows if all(row[name] == value for name, value in conditions.items()))
    )


def parameter(parameter_code: str) -> float:
    """Value of a rule parameter that is in force today (UTC). Raises RuleMissing, which names it."""
    return float(read_parameter(PROJECT_ROOT, parameter_code, datetime.now(UTC).date()))


def municipalities() -> tuple[str, ...]:
    """The codes of the 98 municipalities."""
    return codes("reference/municipalities", "municipality_code")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
