"""Reads a release for the site. Opens `release.duckdb` of one release, read-only, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

COUNTRY = "0000"
Row = dict[str, Any]


class ReleaseData:
    """The tables of a release as rows; a table that the release doesn't have has no rows."""

    def __init__(self, release: Path) -> None:
        self.folder = release
        self.con = duckdb.connect(str(release / "release.duckdb"), read_only=True)
        self.tables: dict[str, int] = {
            str(name): int(count)
            for name, count in self.con.execute("select table_name, row_count from meta.tables").fetchall()
        }
        self.release = self.rows("select * from meta.release")[0]

    def close(self) -> None:
        """Close the file."""
        self.con.close()

    def has(self, table: str) -> bool:
        """True when the release has the table."""
        return table in self.tables

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query as dictionaries."""
        cursor = self.con.execute(sql, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def table(self, name: str, order: str = "all") -> list[Row]:
        """All rows of a table, or none when the release doesn't have it."""
        return self.rows(f"select * from main.{name} order by {order}") if self.has(name) else []

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The release's manifest."""
        content: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return content

    @cached_property
    def municipalities(self) -> list[Row]:
        """The municipalities as they are now, one row each; the country is none."""
        if not self.has("dim_municipalities"):
            return []
        current = "and is_current" if "is_current" in self.columns("dim_municipalities") else ""
        return self.rows(
            f"select * from main.dim_municipalities where municipality_code <> ? {current} order by municipality_code",
            [COUNTRY],
        )

    def columns(self, table: str) -> set[str]:
        """Names of a table's columns."""
        found = self.con.execute(
            "select column_name from duckdb_columns() where schema_name = 'main' and table_name = ?", [table]
        ).fetchall()
        return {str(row[0]) for row in found}

    @cached_property
    def measures(self) -> list[Row]:
        """dim_measures in its order, for the measures that have figures."""
        order = "sort_order" if "sort_order" in self.columns("dim_measures") else "measure_id"
        present = (
            {row["measure_id"] for row in self.rows("select distinct measure_id from main.rpt_measure_results")}
            if (self.has("rpt_measure_results"))
            else set()
        )
        if self.has("rpt_benefit_levels"):
            present.add("benefit_level_difference")
        return [row for row in self.table("dim_measures", order) if row["measure_id"] in present]

    @cached_property
    def newest_month(self) -> date | None:
        """The newest loaded month."""
        for table in ("rpt_focus_goals", "rpt_benefit_recipients"):
            if self.has(table):
                found = self.rows(f"select max(month) as month from main.{table}")[0]["month"]
                if found is not None:
                    return found  # type: ignore[no-any-return]
        return None

    @cached_property
    def newest_period(self) -> str | None:
        """The newest rolling year that has categories."""
        if not self.has("rpt_category_assignments"):
            return None
        found = self.rows("select max(period_code) as period from main.rpt_category_assignments")[0]["period"]
        return None if found is None else str(found)

    def group_names(self, table: str, key: str, prefix: str, language: str) -> dict[str, str]:
        """Codes of a dimension with their names in a language."""
        if not self.has(table):
            return {}
        columns = self.columns(table)
        name = f"{prefix}_{language}" if f"{prefix}_{language}" in columns else key
        return {str(row[key]): str(row[name]) for row in self.table(table)}

    @cached_property
    def measure_rows(self) -> dict[str, dict[tuple[str, date], dict[str, Row]]]:
        """Measure -> (group, month) -> municipality -> row of rpt_measure_results, for the months the site shows.

        The site shows the newest month of each measure for every municipality, and every month of the main groups.
        """
        result: dict[str, dict[tuple[str, date], dict[str, Row]]] = {}
        if not self.has("rpt_measure_results"):
            return result
        provisional = "is_provisional" if "is_provisional" in self.columns("rpt_measure_results") else "false"
        rows = self.rows(
            f"""
            with newest as (
                select measure_id, max(period_start_date) as month
                from main.rpt_measure_results
                where municipality_code = ? and (measure_value is not null) and measure_id <> 'benefit_level_difference'
                group by measure_id
            )
            select facts.measure_id, facts.group_code, facts.period_start_date as month, facts.municipality_code,
                facts.numerator_count, facts.denominator_count, facts.measure_value, facts.is_suppressed,
                {provisional} as is_provisional
            from main.rpt_measure_results as facts
            inner join newest on facts.measure_id = newest.measure_id
            where facts.period_start_date <= newest.month
                and (
                    facts.period_start_date = newest.month
                    or split_part(facts.group_code, ':', 1) in ('all', 'dagpengemodtagere')
                )
            """,
            [COUNTRY],
        )
        for row in rows:
            months = result.setdefault(str(row["measure_id"]), {})
            months.setdefault((str(row["group_code"]), row["month"]), {})[str(row["municipality_code"])] = row
        return result

    def main_group(self, measure: str) -> str | None:
        """The group that stands for a measure: everyone, else the first target group's first deadline."""
        groups = sorted({group for group, _ in self.measure_rows.get(measure, {})})
        for wanted in ("all", "all:12_or_more", "dagpengemodtagere", "dagpengemodtagere:1"):
            if wanted in groups:
                return wanted
        return groups[0] if groups else None

    def newest_of(self, measure: str) -> date | None:
        """The newest month in which the measure has a value for the country."""
        months = [month for _, month in self.measure_rows.get(measure, {})]
        return max(months) if months else None
