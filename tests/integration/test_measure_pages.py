"""The measures' pages are true: their worked examples give the figures that they state, and their SQL rebuilds them.

A page's example is read from its tables, the oracle computes it, the readers' tables are made of the result, and the
SQL of the page runs on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import duckdb
import pytest

from tests.oracle import areas
from tests.oracle.building import HOME, benefit, day, hours, offer, talk
from tests.oracle.calendar import month_range
from tests.oracle.measures import measure_results
from tests.oracle.rows import KEYS, MartRows
from tests.oracle.world import ConversationRow, World
from tests.support.readers import MONTHLY, RELEASED, readers_database
from tests.support.rendering import PROJECT, contracts, model_sql

MEASURES = (*MONTHLY, "measure_results")
SECTIONS = (
    "Who is not",
    "Worked example",
    "How not to use it",
    "Known limits, on purpose",
    "Rebuild it from a release",
)
CODE = re.compile(r"```sql\n-- (release|warehouse)\n(.*?)```", re.DOTALL)


@dataclass
class Page:
    """What a page states: its text, the tables of its example, and its SQL by database."""

    measure: str
    text: str
    tables: list[list[dict[str, str]]] = field(default_factory=list)
    sql: dict[str, str] = field(default_factory=dict)


@cache
def page_of(measure: str) -> Page:
    text = (PROJECT / "models" / "intermediate" / measure / f"{measure}.md").read_text("utf-8")
    page = Page(measure, text, sql=dict(CODE.findall(text)))
    example = text.partition("## Worked example")[2].partition("\n## ")[0]
    for block in re.findall(r"(?:^\|.*\n)+", example, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        header, _, *rows = lines
        for row in rows:
            assert len(row) == len(header), (
                f"{measure}: a row of its example has {len(row)} cells, not {len(header)}: {row}"
            )
        page.tables.append([dict(zip(header, row, strict=True)) for row in rows])
    return page


@cache
def example_of(measure: str) -> World:
    """The world that a page's example describes."""
    page = page_of(measure)
    loaded = re.search(r"Loaded months: (\d{4}-\d\d) to (\d{4}-\d\d)\.", page.text)
    assert loaded, f"{measure}: its example does not say which months are loaded"
    first, last = (day(text) for text in loaded.groups())
    rows = [row for table in page.tables for row in table]
    codes = {row["Municipality"] for row in rows if row.get("Municipality")}
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    world = World(tuple(month_range(first, months)), municipalities=tuple(sorted({HOME, *codes})))
    for row in rows:
        add(world, row)
    return world


def add(world: World, row: dict[str, str]) -> None:
    """A row of an example's table, told by its columns; rows that only explain add nothing."""
    municipality = row.get("Municipality") or HOME
    if "Benefit" in row:
        fraction, match_group = row.get("Fraction") or "1", row.get("Match group") or None
        benefit(world, row["Person"], row["Benefit"], row["From"], row["To"], match_group, municipality, fraction)
    elif "Held conversations" in row:
        talk(world, row["Person"], *row["Held conversations"].split(", "))
    elif "Requested" in row:
        world.conversation_rows.append(
            ConversationRow(
                f"c{len(world.conversation_rows)}",
                row["Person"],
                municipality,
                7,
                day(row["Conversation"]),
                row["Status"],
                day(row["Requested"]),
            )
        )
    elif "Offer from" in row:
        offer(world, row["Person"], row["Offer from"], row["Offer to"])
    elif "Paid hours" in row:
        hours(world, row["Person"], row["Month"], row["Paid hours"])
    elif "Population" in row:
        world.population[day(row["Quarter"]), municipality] = int(row["Population"])


@cache
def database_of(measure: str) -> duckdb.DuckDBPyConnection:
    """What a reader of the example's release sees: nothing hidden, so that the example can be looked at."""
    connection = readers_database(example_of(measure))
    connection.execute("create schema release")
    for name in RELEASED:
        connection.execute(f"create view release.{name} as select *, false as is_suppressed from main.{name}")
    return connection


def computed(measure: str, table: list[dict[str, str]]) -> MartRows:
    """The oracle's rows for a stated table of figures."""
    world = example_of(measure)
    if "area_code" in table[0]:
        regions = dict(
            database_of(measure)
            .execute("select municipality_code, area_code from municipality_areas where area_type_code = 'region'")
            .fetchall()
        )
        return areas.compute(world, "region", {code: regions[code] for code in world.municipalities})
    if measure == "measure_results":
        return measure_results.compute(world)
    return MONTHLY[measure].compute(world)


def stated(text: str) -> Any:
    """A figure as a page writes it: a fraction, a whole number, a truth value, a day, a text, or – for null."""
    if text == "–":
        return None
    if re.fullmatch(r"-?\d+(/\d+)?", text):
        return Fraction(text)
    if re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text):
        return day(text)
    return {"true": True, "false": False}.get(text, text)


def key_cell(column: str, text: str) -> Any:
    if column in ("month", "period_start_date", "period_end_date"):
        return day(text)
    return int(text) if column == "sequence_number" else text


def stated_tables(measure: str) -> list[list[dict[str, str]]]:
    return [table for table in page_of(measure).tables if {"month", "measure_id"} & set(table[0])]


@pytest.mark.parametrize("measure", MEASURES)
def test_the_example_gives_the_figures_that_the_page_states(measure: str) -> None:
    tables = stated_tables(measure)
    assert tables
    for table in tables:
        rows = computed(measure, table)
        columns = KEYS["area_measure_results" if "area_code" in table[0] else measure]
        for row in table:
            values = rows[tuple(key_cell(column, row[column]) for column in columns)]
            for column, text in row.items():
                if column in columns or column not in values:
                    continue
                expected = stated(text)
                assert values[column] == expected, f"{measure} {row}: {column} is {values[column]}"


@pytest.mark.parametrize("measure", MEASURES)
def test_the_stated_figures_stand_in_the_readers_tables(measure: str) -> None:
    for table in stated_tables(measure):
        name = "rpt_area_measure_results" if "area_code" in table[0] else f"rpt_{measure}"
        columns = KEYS["area_measure_results" if "area_code" in table[0] else measure]
        for row in table:
            found = database_of(measure).execute(
                f"select {', '.join(row)} from {name} where {' and '.join(f'{column} = ?' for column in columns)}",
                [key_cell(column, row[column]) for column in columns],
            )
            (values,) = found.fetchall()
            for (column, text), value in zip(row.items(), values, strict=True):
                if column not in columns:
                    assert alike(value, stated(text)), f"{name} {row}: {column} is {value}"


@pytest.mark.parametrize("measure", MEASURES)
def test_the_sql_of_the_page_rebuilds_the_released_figures(measure: str) -> None:
    connection = database_of(measure)
    connection.execute("set search_path = 'release,main'")
    relation = connection.sql(page_of(measure).sql["release"].rstrip().rstrip(";"))
    rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    connection.execute("set search_path = 'main'")
    pairs = [(name.removeprefix("rebuilt_"), name) for name in relation.columns if name.startswith("rebuilt_")]
    assert pairs
    for column, rebuilt in pairs:
        assert all(alike(row[column], row[rebuilt]) for row in rows), f"{measure}: {column} differs from {rebuilt}"
    assert any(row[column] is not None for row in rows for column, _ in pairs), f"{measure}: its SQL finds no figure"


def test_one_query_answers_why_a_conversation_is_late() -> None:
    connection = duckdb.connect(":memory:")
    connection.execute("create schema intermediate; create schema marts")
    who = "person_key ubigint, benefit_group_code varchar, benefit_spell_start_date date, sequence_number integer"
    connection.execute(
        f"create table int_conversation_obligations__due ({who}, month date, target_group_code varchar, "
        "municipality_code varchar, due_date date, required_count bigint, rule_id varchar, "
        "exclusion_reason_code varchar)"
    )
    connection.execute(
        f"create table int_conversation_obligations__evidence ({who}, month date, due_date date, "
        "conversation_count_by_due_date integer, evidence_date date, is_on_time boolean)"
    )
    connection.execute(
        f"create table int_conversation_obligations__late ({who}, due_month date, due_date date, evidence_date date)"
    )
    connection.execute("create table marts.dim_rules (rule_id varchar, legal_reference varchar)")
    rule = "conversation_deadline:dagpengemodtagere/1:2024-01-01"
    connection.execute("insert into marts.dim_rules values (?, 'LAB § 31')", [rule])
    march = date(2024, 3, 1)
    # Anna on time, Bo late, Carla missing, David gone: the page's example, with Bo of two municipalities more.
    people = [
        (1, date(2024, 2, 20), date(2024, 3, 5), "0101", None, 1, date(2024, 3, 5), True),
        (2, date(2024, 3, 1), date(2024, 3, 15), "0101", None, 0, None, False),
        (3, date(2024, 3, 4), date(2024, 3, 18), "0101", None, 0, None, False),
        (4, date(2024, 3, 10), date(2024, 3, 24), "0101", "left_before_due", None, None, None),
        (5, date(2024, 3, 1), date(2024, 3, 15), "0147", None, 0, None, False),
    ]
    for key, start, due, municipality, exclusion, count, evidence, is_on_time in people:
        person = [key, "dagpenge", start, 1]
        connection.execute(
            "insert into int_conversation_obligations__due values (?, ?, ?, ?, ?, 'dagpengemodtagere', ?, ?, 1, ?, ?)",
            [*person, march, municipality, due, rule, exclusion],
        )
        if exclusion is None:
            connection.execute(
                "insert into int_conversation_obligations__evidence values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [*person, march, due, count, evidence, is_on_time],
            )
        if key in (2, 5):
            connection.execute(
                "insert into int_conversation_obligations__late values (?, ?, ?, ?, ?, ?, ?)",
                [*person, march, due, date(2024, 3, 20)],
            )
    connection.execute(
        f"create view intermediate.int_conversation_obligations as {model_sql('int_conversation_obligations')}"
    )
    sql = page_of("conversation_timeliness").sql["warehouse"]

    def answers(text: str) -> list[dict[str, Any]]:
        relation = connection.sql(text.rstrip().rstrip(";"))
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    (late,) = answers(sql)
    assert (late["person_key"], late["due_date"], late["evidence_date"]) == (2, date(2024, 3, 15), date(2024, 3, 20))
    assert (late["days_late"], late["conversation_count_by_due_date"], late["required_count"]) == (5, 0, 1)
    assert (late["rule_id"], late["legal_reference"]) == (rule, "LAB § 31")
    (missing,) = answers(sql.replace("outcome_code = 'late'", "outcome_code = 'missing'"))
    assert (missing["person_key"], missing["evidence_date"]) == (3, None)
    (excluded,) = answers(sql.replace("outcome_code = 'late'", "outcome_code = 'excluded'"))
    assert (excluded["person_key"], excluded["exclusion_reason_code"]) == (4, "left_before_due")


@pytest.mark.parametrize("measure", MEASURES)
def test_the_views_have_the_columns_of_their_contracts(measure: str) -> None:
    connection = database_of(measure)
    for name in (f"rpt_{measure}", "fct_measure_results", "rpt_area_measure_results"):
        described = connection.execute(f"describe {name}").fetchall()
        assert {row[0]: row[1].lower() for row in described} == contracts()[name]


@pytest.mark.parametrize("measure", ("conversation_timeliness", "benefit_recipients", "results", "measure_results"))
def test_the_long_table_and_the_areas_are_the_oracles(measure: str) -> None:
    """Every row of the example's world, not only the stated ones; each kind of area."""
    world, connection = example_of(measure), database_of(measure)
    agree(connection, "fct_measure_results", measure_results.compute(world))
    for kind in ("region", "rar_area", "jobcentre"):
        area_of = dict(
            connection.execute(
                "select municipality_code, area_code from municipality_areas "
                "where area_type_code = ? and valid_to_date = date '9999-12-31' "
                "and list_contains(?, municipality_code)",
                [kind, list(world.municipalities)],
            ).fetchall()
        )
        expected = areas.compute(world, kind, area_of)
        agree(connection, f"(from rpt_area_measure_results where area_type_code = '{kind}')", expected)


def agree(connection: duckdb.DuckDBPyConnection, table: str, expected: MartRows) -> None:
    """The table has exactly the expected rows, each once, with the expected values."""
    keys = KEYS[expected.mart]
    relation = connection.sql(f"select * from {table}")
    rows = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows)
    assert set(found) == set(expected)
    for key, values in expected.items():
        for column, value in values.items():
            if column == "rule_id" and expected.mart == "area_measure_results":
                continue  # an area's row names no rule
            assert alike(found[key][column], value), f"{table} {key}: {column} is {found[key][column]}, not {value}"


def alike(value: Any, expected: Any) -> bool:
    """Equal, numbers to nine decimals."""
    if isinstance(value, float | int | Decimal) and isinstance(expected, float | int | Decimal | Fraction):
        return abs(float(value) - float(expected)) < 1e-9
    return bool(value == expected)


def test_an_area_without_the_population_of_one_municipality_has_no_share() -> None:
    world = World((date(2024, 4, 1),), municipalities=("0101", "0147"))
    benefit(world, "a", "dagpenge", "2024-04-01", "2024-04-30", municipality="0101")
    benefit(world, "b", "dagpenge", "2024-04-01", "2024-04-30", municipality="0147")
    world.population[date(2024, 3, 1), "0101"] = 1000
    query = (
        "select numerator_count, denominator_count, measure_value from rpt_area_measure_results "
        "where area_type_code = 'region' and measure_id = ? and group_code = 'all'"
    )
    connection = readers_database(world)
    assert connection.execute(query, ["support_share"]).fetchall() == [(2, None, None)]
    assert connection.execute(query, ["full_time_persons"]).fetchall() == [(2, None, 2)]
    world.population[date(2024, 3, 1), "0147"] = 3000
    world.memo.clear()
    assert readers_database(world).execute(query, ["support_share"]).fetchall() == [(2, 4000, 0.05)]


def test_a_municipality_stands_in_the_job_centre_of_the_month() -> None:
    """Ishøj left the job centre of Vallensbæk at the turn of 2021 to 2022."""
    world = World((date(2021, 12, 1), date(2022, 1, 1)), municipalities=("0183", "0187"))
    benefit(world, "a", "dagpenge", "2021-12-01", "2022-01-31", municipality="0183")
    benefit(world, "b", "dagpenge", "2021-12-01", "2022-01-31", municipality="0187")
    found = (
        readers_database(world)
        .execute(
            "select month, area_name, numerator_count from rpt_area_measure_results where area_type_code = 'jobcentre' "
            "and measure_id = 'full_time_persons' and group_code = 'all' order by month, area_name"
        )
        .fetchall()
    )
    assert found == [
        (date(2021, 12, 1), "Jobcenter Vallensbæk", 2),
        (date(2022, 1, 1), "Jobcenter Ishøj", 1),
        (date(2022, 1, 1), "Jobcenter Vallensbæk", 1),
    ]


def test_the_difference_of_levels_is_the_rolling_years() -> None:
    level = {
        "period_code": "2024QMAT02",
        "municipality_code": "0101",
        "benefit_area_code": "all",
        "expected_source": "published",
        "difference_percentage_points": -0.25,
    }
    connection = readers_database(
        World((date(2024, 6, 1),), municipalities=("0101",)),
        [level],
        [("2024QMAT02", date(2023, 7, 1), date(2024, 6, 30))],
    )
    of_levels = "measure_id = 'benefit_level_difference'"
    sql = f"select * exclude (is_provisional, rule_id) from fct_measure_results where {of_levels}"
    assert connection.execute(sql).fetchall() == [
        (
            "benefit_level_difference",
            date(2023, 7, 1),
            date(2024, 6, 30),
            "0101",
            "all:published",
            None,
            None,
            -0.25,
            "percentage_points",
        )
    ]
    assert connection.execute(f"select count(*) from rpt_area_measure_results where {of_levels}").fetchall() == [(0,)]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_page_has_its_parts_in_order(measure: str) -> None:
    text = page_of(measure).text
    places = [
        text.find(f"## {section}") for section in SECTIONS if measure != "measure_results" or section != "Who is not"
    ]
    assert -1 not in places
    assert all(earlier < later for earlier, later in pairwise(places))
    assert "egal basis" in text
    assert "{{" not in text  # dbt reads the Markdown beside the models as templates


def test_every_measure_of_the_seed_has_a_page() -> None:
    connection = database_of("conversation_requests")
    for measure_id, table in connection.execute("select measure_id, table_name from measures").fetchall():
        if table in MEASURES:
            assert f"`{measure_id}`" in page_of(table).text


def test_the_knowing_limits_stand_on_the_pages() -> None:
    """What the specification asks to be said on the measures' pages."""
    timeliness = page_of("conversation_timeliness").text
    assert "20 November and 17 December 2023" in timeliness
    assert "meet a sequence\n  number twice" in timeliness
    assert "up\n  to 30 days late" in timeliness
    assert "counts as two requests" in page_of("conversation_requests").text
    for measure in ("conversation_coverage", "conversation_timeliness", "conversation_requests", "early_effort"):
        assert "All contact forms count" in page_of(measure).text
    for measure in ("conversation_coverage", "early_effort", "focus_goals"):
        assert "year of history before" in page_of(measure).text
    for measure in ("conversation_coverage", "benefit_recipients"):
        assert "1 July 2025" in page_of(measure).text
