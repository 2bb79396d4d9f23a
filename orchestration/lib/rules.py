"""The scalar rules that Python takes: rows of the seed `rule_parameters` that are in force on a stated day.

Nothing else reads the seed's file or table. Validity is half-open, as in the macro `in_force_on`: a row holds from its
`valid_from_date` to the day before its `valid_to_date`, so that a row of the future changes nothing today.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.lib.sql_text import quoted

SEED = "seeds/rules/rule_parameters.csv"


class RuleMissing(RuntimeError):
    """A dated rule has no value on a day; the message names the rule, the seed and the date."""


def read_parameter(project: Path, parameter_code: str, on: date) -> Decimal:
    """The value of a rule parameter on a day, from the project's seed. Raises RuleMissing when it has none or two."""
    with (project / SEED).open(encoding="utf-8", newline="") as lines:
        values = [
            Decimal(row["value"])
            for row in csv.DictReader(lines)
            if row["parameter_code"] == parameter_code
            and row["valid_from_date"] <= on.isoformat() < row["valid_to_date"]
        ]
    return _only(values, SEED, parameter_code, on)


def loaded_parameter(con: duckdb.DuckDBPyConnection, catalog: str, parameter_code: str, on: date) -> Decimal:
    """The value of a rule parameter on a day, from the seed as it was loaded into the database `catalog`.

    Raises RuleMissing when the database has no table `rule_parameters`, or not one row of it is in force.
    """
    place = con.execute(
        "select schema_name from duckdb_tables() where database_name = ? and table_name = 'rule_parameters'", [catalog]
    ).fetchone()
    if place is None:
        raise RuleMissing(
            f"{catalog} has no table rule_parameters, so there is no rule {parameter_code}: load the seeds."
        )
    rows = con.execute(
        f"select value from {quoted(catalog)}.{quoted(str(place[0]))}.rule_parameters"
        " where parameter_code = ? and valid_from_date <= ? and valid_to_date > ?",
        [parameter_code, on, on],
    ).fetchall()
    return _only([Decimal(str(row[0])) for row in rows], "rule_parameters", parameter_code, on)


def _only(values: list[Decimal], seed: str, parameter_code: str, on: date) -> Decimal:
    if len(values) != 1:
        found = "no row" if not values else f"{len(values)} rows"
        raise RuleMissing(f"{seed} has {found} of {parameter_code} valid on {on.isoformat()}; it must have one.")
    return values[0]
