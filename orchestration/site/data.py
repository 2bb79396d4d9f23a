"""Reads a release for the site. Opens `release.duckdb` of one release, read-only, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

COUNTRY = "0000"
# The group that stands for a measure: the first of these that the measure has, else its first group.
_MAIN_GROUPS = ("all", "all:12_or_more", "dagpengemodtagere", "dagpengemodtagere:1")
Row = dict[str, Any]


class SiteError(RuntimeError):
    """The site can't be built; the message says why."""


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
        self._revisions: dict[tuple[str | None, int], tuple[int, list[Row]]] = {}

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

    def rule(self, code: str) -> float:
        """The value of a parameter of dim_rules, as it is in the newest month; with published tables alone, as it was
        on the day of the release.

        Raises SiteError when the release doesn't have the rule.
        """
        on = self.newest_month or date.fromisoformat(self.manifest["created_at"][:10])
        found = (
            self.rows(
                "select value from main.dim_rules where rule_code = ? and rule_key = 'all' "
                "and valid_from_date <= ? and valid_to_date > ?",
                [code, on, on],
            )
            if self.has("dim_rules")
            else []
        )
        if not found or found[0]["value"] is None:
            raise SiteError(
                f"dim_rules of {self.folder.name} has no rule {code} for {on}: "
                "add it to seeds/rules/rule_parameters.csv and make a new release"
            )
        return float(found[0]["value"])

    @cached_property
    def municipalities(self) -> list[Row]:
        """The municipalities as they are now, one row each; the country is none."""
        if not self.has("dim_municipalities"):
            return []
        current = "and is_current" if "is_current" in self.columns("dim_municipalities") else ""
        return self.rows(
            f"select * from main.dim_municipalities where municipality_code <> '{COUNTRY}' {current} "
            "order by municipality_code"
        )

    @cached_property
    def _columns(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column in self.con.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'main'"
        ).fetchall():
            found.setdefault(str(table), set()).add(str(column))
        return found

    def columns(self, table: str) -> set[str]:
        """Names of a table's columns."""
        return self._columns.get(table, set())

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
        """Codes of a dimension with their names in a language, in the dimension's order."""
        if not self.has(table):
            return {}
        columns = self.columns(table)
        name = f"{prefix}_{language}" if f"{prefix}_{language}" in columns else key
        order = "sort_order" if "sort_order" in columns else "all"
        return {str(row[key]): str(row[name]) for row in self.table(table, order)}

    @cached_property
    def assumed_limits(self) -> dict[str, float]:
        """Focus goal -> its limit in per cent, where the rule in force for the newest categories is assumed only."""
        if not {"rule_id", "rule_code", "rule_key", "evidence"} <= self.columns("dim_rules"):
            return {}
        rows = self.rows(
            """
            select distinct rules.rule_key, rules.value
            from main.rpt_category_assignments as categories
            inner join main.dim_rules as rules
                on list_contains(string_split(categories.rule_set_id, ' + '), rules.rule_id)
            where categories.scenario_code = 'official'
                and categories.period_code = ?
                and rules.rule_code = 'goal_limit'
                and rules.evidence = 'assumed'
            """,
            [self.newest_period],
        )
        return {str(row["rule_key"]): float(row["value"]) for row in rows}

    @cached_property
    def measure_rows(self) -> dict[str, dict[tuple[str, date], dict[str, Row]]]:
        """Measure -> (group, month) -> municipality -> row of rpt_measure_results, for what the site shows.

        The site shows the main group of each measure in every month for every municipality, the target groups and the
        bands of duration in the newest month for every municipality, and the other groups for the country. No month is
        newer than the newest in which the measure has a value for the country.
        """
        return self._measured[0]

    @cached_property
    def _measured(self) -> tuple[dict[str, dict[tuple[str, date], dict[str, Row]]], dict[str, str]]:
        """The rows of `measure_rows`, and the main group of each measure."""
        result: dict[str, dict[tuple[str, date], dict[str, Row]]] = {}
        main_groups: dict[str, str] = {}
        if not self.has("rpt_measure_results"):
            return result, main_groups
        provisional = "is_provisional" if "is_provisional" in self.columns("rpt_measure_results") else "false"
        wanted = ", ".join(f"'{group}'" for group in _MAIN_GROUPS)
        parted = ", ".join(f"'{group}'" for group in ("all", *self.target_groups))
        rows = self.rows(
            f"""
            with newest as (
                select measure_id, max(period_start_date) as month
                from main.rpt_measure_results
                where municipality_code = '{COUNTRY}'
                    and measure_value is not null
                    and measure_id <> 'benefit_level_difference'
                group by measure_id
            ),
            shown as (
                select facts.measure_id, facts.group_code, facts.period_start_date as month, facts.municipality_code,
                    facts.numerator_count, facts.denominator_count, facts.measure_value, facts.is_suppressed,
                    facts.rule_id, {provisional} as is_provisional
                from main.rpt_measure_results as facts
                inner join newest on facts.measure_id = newest.measure_id
                where facts.period_start_date <= newest.month
                    and (
                        facts.period_start_date = newest.month
                        or split_part(facts.group_code, ':', 1) in ('all', 'dagpengemodtagere')
                    )
            ),
            main_groups as (
                select measure_id, group_code
                from shown
                group by measure_id, group_code
                qualify row_number() over (
                    partition by measure_id
                    order by list_position([{wanted}], group_code) nulls last, group_code
                ) = 1
            )
            select shown.*, main_groups.group_code is not null as is_main_group
            from shown
            inner join newest on shown.measure_id = newest.measure_id
            left join main_groups
                on shown.measure_id = main_groups.measure_id and shown.group_code = main_groups.group_code
            where main_groups.group_code is not null
                or shown.municipality_code = '{COUNTRY}'
                or (shown.month = newest.month and split_part(shown.group_code, ':', 1) in ({parted}))
            """
        )
        for row in rows:
            measure, group = str(row["measure_id"]), str(row["group_code"])
            result.setdefault(measure, {}).setdefault((group, row["month"]), {})[str(row["municipality_code"])] = row
            if row["is_main_group"]:
                main_groups[measure] = group
        return result, main_groups

    def main_group(self, measure: str) -> str | None:
        """The group that stands for a measure: everyone, else the first target group's first deadline."""
        return self._measured[1].get(measure)

    @cached_property
    def _months(self) -> dict[str, list[date]]:
        return {
            measure: sorted(month for group, month in found if group == self.main_group(measure))
            for measure, found in self.measure_rows.items()
        }

    def months(self, measure: str) -> list[date]:
        """The months in which the measure's main group has rows, oldest first."""
        return self._months.get(measure, [])

    @cached_property
    def _newest(self) -> dict[str, date]:
        return {measure: max(month for _, month in found) for measure, found in self.measure_rows.items()}

    def newest_of(self, measure: str) -> date | None:
        """The newest month in which the measure has a value for the country."""
        return self._newest.get(measure)

    @cached_property
    def target_groups(self) -> list[str]:
        """Codes of the target groups, in their order."""
        return list(self.group_names("dim_target_groups", "target_group_code", "target_group_name", "da"))

    def newest_groups(self, measure: str) -> list[str]:
        """The measure's groups in its newest month, in the order of groups, then by deadline or duration."""
        newest = self.newest_of(measure)
        groups = [group for group, month in self.measure_rows.get(measure, {}) if month == newest]
        places = {code: place for place, code in enumerate(self._group_order)}
        return sorted(groups, key=lambda group: (places.get(group.split(":")[0], len(places)), _first_number(group)))

    @cached_property
    def _group_order(self) -> list[str]:
        benefits = self.group_names("dim_benefit_groups", "benefit_group_code", "benefit_group_name", "da")
        # The total first, as readers ask for it first.
        return ["all", *self.target_groups, *(code for code in benefits if code != "all")]

    @cached_property
    def similar(self) -> dict[str, list[str]]:
        """Municipality -> the municipalities most similar to it in the newest period, most similar first."""
        found: dict[str, list[str]] = {}
        for row in self.rows(
            "select municipality_code, similar_municipality_code from main.rpt_similar_municipalities "
            "where period_code = (select max(period_code) from main.rpt_similar_municipalities) "
            "order by municipality_code, similarity_rank"
        ):
            found.setdefault(str(row["municipality_code"]), []).append(str(row["similar_municipality_code"]))
        return found

    @cached_property
    def follow_up(self) -> dict[str, list[Row]]:
        """Municipality -> its rows of rpt_follow_up."""
        return _by_municipality(self.table("rpt_follow_up", "round_code, municipality_code, target_group_code"))

    @cached_property
    def supervision(self) -> dict[str, list[Row]]:
        """Municipality -> its rows of rpt_supervision."""
        return _by_municipality(self.table("rpt_supervision", "municipality_code, scenario_code, statement_year"))

    @cached_property
    def measures_with_funnels(self) -> frozenset[str]:
        """The measures whose rolling years have funnels in the release."""
        if not self.has("rpt_rank_uncertainty"):
            return frozenset()
        rows = self.rows("select distinct measure_id from main.rpt_rank_uncertainty where funnel_target is not null")
        return frozenset(str(row["measure_id"]) for row in rows)

    @cached_property
    def rank_intervals(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """(Period, expected_source, municipality) -> the places between which its rank lies with 95 per cent."""
        if not self.has("rpt_rank_uncertainty"):
            return {}
        rows = self.rows(
            """
            select period_code, expected_source, municipality_code, rank_lower_95, rank_upper_95
            from main.rpt_rank_uncertainty
            where measure_id = 'benefit_level_difference' and rank_lower_95 is not null and rank_upper_95 is not null
            """
        )
        return {
            (str(row["period_code"]), str(row["expected_source"]), str(row["municipality_code"])): (
                # Between two places the interval holds both.
                math.floor(row["rank_lower_95"]),
                math.ceil(row["rank_upper_95"]),
            )
            for row in rows
        }

    @cached_property
    def checks(self) -> list[Row]:
        """Rows of meta.checks in the order of the layers; none where the release was made before it had the table."""
        found = self.rows("select * from duckdb_tables() where schema_name = 'meta' and table_name = 'checks'")
        return self.rows("select * from meta.checks order by rowid") if found else []

    def revisions(self, table: str | None, most: int) -> tuple[int, list[Row]]:
        """How many revised figures a table, or every table, has, and the first of them."""
        if (table, most) not in self._revisions:
            where, values = ("where table_name = ?", [table]) if table else ("", [])
            # Most releases revise nothing: then there's nothing to ask for, table by table.
            if not self.tables.get("rpt_revisions"):
                return 0, []
            count = int(self.rows(f"select count(*) as n from main.rpt_revisions {where}", values)[0]["n"])
            # The newest release first; tables that repeat figures of others come after these.
            rows = self.rows(
                f"""
                select * from main.rpt_revisions {where}
                order by release_id desc, ends_with(table_name, 'measure_results'), table_name, key, column_name
                limit {most}
                """,
                values,
            )
            self._revisions[table, most] = (count, rows)
        return self._revisions[table, most]


def _first_number(group: str) -> float:
    """The number of the deadline, or the months with which the band of duration begins: all:1_5_to_3 -> 1.5."""
    written = group.partition(":")[2].split("_to_")[0].split("_or_")[0].replace("_", ".")
    return float(written) if written else 0.0


def _by_municipality(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["municipality_code"]), []).append(row)
    return found
