"""What every tool gets: the accepted raw rows as Parquet, the rules of each month, and the rows that are due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.bench.clock import Spent, peak_memory
from orchestration.lib.sql_text import sql_literal

RAW_TABLES = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")
COUNTS = ("person_count", "passive_count", "few_conversations_count", "uncontacted_count")
COLUMNS = (
    "month", "municipality_code", "benefit_group_code", "person_count", "passive_count", "passive_share",
    "few_conversations_count", "few_conversations_share", "uncontacted_count", "uncontacted_share", "hours_rule_id",
    "is_provisional",
)  # fmt: skip


class RulesChanged(ValueError):
    """A code list has several dated rows or another order than the tools' programs rely on."""


@dataclass(frozen=True)
class Rules:
    """The code lists, the same in all months: groups in scope from most to least important, and codes that count."""

    groups_in_scope: tuple[str, ...]
    counted_types: tuple[int, ...]
    held_statuses: tuple[str, ...]
    counted_forms: tuple[str, ...]


def export(warehouse: Path, folder: Path) -> None:
    """Write the inputs from a finished warehouse, and `expected.parquet`, what fct_focus_goals says.

    Raises RulesChanged when a list is not the same in all months: the peers' programs take it as fixed, which is to
    their advantage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        queries = {
            **{table: f"select * from raw.{table}" for table in RAW_TABLES},
            "batches": "select * from raw.current_batches",
            "months": """
                select month, as_of_date, next_month_date, spell_gap_days, passive_minimum_months,
                    activity_window_months, few_conversations_minimum, hours_limit, hours_rule_id, has_hole_in_window,
                    is_provisional
                from intermediate.int_months""",
            "due_rows": """
                select month, municipality_code, benefit_group_code
                from intermediate.int_benefit_group_rows where is_in_scope""",
            "expected": f"select {', '.join(COLUMNS)} from marts.fct_focus_goals",
        }
        for name, query in queries.items():
            connection.execute(
                f"copy ({query}) to {sql_literal(folder / f'{name}.parquet')} (format parquet, compression zstd)"
            )
        rules = _rules(connection)
    (folder / "rules.json").write_text(json.dumps(vars(rules)), "utf-8")


def _rules(connection: duckdb.DuckDBPyConnection) -> Rules:
    first, last = connection.execute("select min(month), max(as_of_date) from intermediate.int_months").fetchone() or ()

    def codes(seed: str, column: str, condition: str) -> tuple[Any, ...]:
        several = connection.execute(
            f"select {column} from seeds.{seed} where valid_from_date <= ? and valid_to_date > ? "
            f"group by 1 having count(*) > 1 or max(valid_from_date) > ? or min(valid_to_date) <= ?",
            [last, first, first, last],
        ).fetchall()
        if several:
            raise RulesChanged(f"seed {seed}: {several[0][0]} is not the same in all months from {first} to {last}")
        return tuple(
            row[0]
            for row in connection.execute(
                f"select {column} from seeds.{seed} where {condition} and valid_from_date <= ? and valid_to_date > ?",
                [first, last],
            ).fetchall()
        )

    in_scope = codes("benefit_groups", "benefit_group_code", "is_in_supervision_scope")
    by_priority = [
        row[0]
        for row in connection.execute(
            "select benefit_group_code from seeds.benefit_groups order by overlap_priority"
        ).fetchall()
    ]
    if set(by_priority[: len(in_scope)]) != set(in_scope):
        raise RulesChanged("a benefit outside the scope takes days from one inside: support is no union of rows")
    return Rules(
        groups_in_scope=tuple(by_priority[: len(in_scope)]),
        counted_types=codes("conversation_types", "conversation_type_code", "is_counted"),
        held_statuses=codes("conversation_statuses", "conversation_status_code", "is_held"),
        counted_forms=codes("contact_forms", "contact_form_code", "is_counted"),
    )


def read_rules(folder: Path) -> Rules:
    """The code lists of an export."""
    content = json.loads((folder / "rules.json").read_text("utf-8"))
    return Rules(**{name: tuple(values) for name, values in content.items()})


def tell(spent: Spent, **more: object) -> None:
    """Print what a program took, as its last line."""
    print(json.dumps({"wall": spent.wall, "cpu": spent.cpu, "peak_memory": peak_memory(), **more}))
