"""Facts that suites take from the project's seeds: code lists, the number of municipalities, parameters in force."""

import csv
from functools import lru_cache
from pathlib import Path

from orchestration.lib.contracts import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "seeds"


@lru_cache(maxsize=64)
def codes(seed: str, column: str) -> tuple[str, ...]:
    """Distinct values of a seed's column, in its order; ``seed`` is the file without ``.csv``, under ``seeds/``.

    Raises ValueError naming the seed when it has no such column or no rows.
    """
    rows = _rows(SEEDS / f"{seed}.csv")
    if not rows or column not in rows[0]:
        raise ValueError(f"seeds/{seed}.csv: has no values in a column {column}")
    return tuple(dict.fromkeys(row[column] for row in rows))


@lru_cache(maxsize=64)
def newest_parameter(parameter_code: str) -> float:
    """Value of a rule parameter (scope ``all``) on the row that is open-ended; ValueError names a missing one."""
    rows = [row for row in _rows(SEEDS / "rules" / "rule_parameters.csv") if row["parameter_code"] == parameter_code]
    values = [row["value"] for row in rows if row["scope_code"] == "all" and row["valid_to_date"] == "9999-12-31"]
    if len(values) != 1:
        raise ValueError(f"seeds/rules/rule_parameters.csv: {parameter_code} has {len(values)} open-ended rows, not 1")
    return float(values[0])


def municipalities() -> tuple[str, ...]:
    """The codes of the 98 municipalities."""
    return codes("reference/municipalities", "municipality_code")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
