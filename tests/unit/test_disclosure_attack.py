"""The attacker reads a whole release and tries to pin down what it hides."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.lib.disclosure import control, secondary
from orchestration.lib.disclosure.control import read_context
from orchestration.lib.disclosure.families import FAMILIES, MEASURE_SOURCES
from orchestration.lib.release import writer
from tests.support.attack import Attacker, Cell
from tests.support.release_fixture import Fixture, build

AT = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
FACTS = writer.ReleaseFacts(created_at=AT, build_id="b1", project_hash="ab" * 32, key_id="k1")
CELLS_PER_FAMILY = 10


def release_of(fixture: Fixture, folder: Path, number: int = 1, previous: Path | None = None) -> Path:
    identifier = writer.release_identifier(AT + dt.timedelta(days=number), f"{number:08x}")
    return writer.write_release(fixture.path, folder, release_id=identifier, facts=FACTS, previous=previous)


def areas_of(fixture: Fixture) -> tuple[secondary.AreaRow, ...]:
    con = duckdb.connect()
    con.execute(f"attach '{fixture.path}' as warehouse (read_only)")
    try:
        return read_context(con, "warehouse", dt.date(2025, 7, 1)).areas
    finally:
        con.close()


def small_cells(fixture: Fixture, month: dt.date) -> set[Cell]:
    """Every count of 1 or 2 of the month, from the warehouse itself."""
    cells = set()
    with duckdb.connect(str(fixture.path), read_only=True) as con:
        for family in FAMILIES:
            label = " || ':' || ".join(f"{key}::varchar" for key in family.column_keys) or "'all'"
            for figure in [family.base, *(part.figure for part in family.parts)]:
                table, column = figure.places[0]
                if figure.share_of is not None:
                    column = f"round({figure.share_of} * person_count)"
                for layer, code, group in con.execute(
                    f"select {family.layer_key or chr(39) * 2}, municipality_code, {label} from marts.{table} "
                    f"where month = ? and {column} in (1, 2)",
                    [month],
                ).fetchall():
                    cells.add(Cell(family.name, figure.name, str(month), layer, code, group))
    return cells


def small_areas(fixture: Fixture, month: dt.date) -> set[Cell]:
    """Every area's count of 1 or 2 that the long table of areas could show."""
    members: dict[str, list[str]] = {}
    for row in areas_of(fixture):
        if row.valid_from <= month < row.valid_to:
            members.setdefault(row.municipality, []).append(f"{row.area_type}/{row.area_code}")
    told = {
        (source.table, column)
        for source in MEASURE_SOURCES.values()
        for column in (source.numerator, source.denominator)
    }
    cells = set()
    with duckdb.connect(str(fixture.path), read_only=True) as con:
        for family in FAMILIES:
            label = " || ':' || ".join(f"{key}::varchar" for key in family.column_keys) or "'all'"
            for figure in [family.base, *(part.figure for part in family.parts)]:
                table, column = figure.places[0]
                sums: dict[Cell, int] = {}
                if not told.isdisjoint(figure.places):
                    for layer, code, group, count in con.execute(
                        f"select {family.layer_key or chr(39) * 2}, municipality_code, {label}, {column} "
                        f"from marts.{table} where month = ? and {column} > 0",
                        [month],
                    ).fetchall():
                        for area in members.get(code, []):
                            cell = Cell(family.name, figure.name, str(month), layer, area, group)
                            sums[cell] = sums.get(cell, 0) + count
                cells |= {cell for cell, count in sums.items() if count in (1, 2)}
    return cells


@pytest.mark.parametrize(("persons", "municipalities"), [(40_000, None), (4_000, None), (1_500, 6)])
def test_no_count_of_one_or_two_can_be_worked_out(persons: int, municipalities: int | None, tmp_path: Path) -> None:
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=persons, municipalities=municipalities)
    release = release_of(fixture, tmp_path / "releases")
    assert _tries(Attacker(release, areas_of(fixture)), small_cells(fixture, fixture.months[0])) > 50


@pytest.mark.parametrize(("persons", "municipalities"), [(40_000, None), (4_000, None), (1_500, None), (1_500, 6)])
def test_nor_can_that_of_an_area(persons: int, municipalities: int | None, tmp_path: Path) -> None:
    """An area's count may be small where no count of its municipalities is hidden for its own sake."""
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=persons, municipalities=municipalities)
    release = release_of(fixture, tmp_path / "releases")
    assert _tries(Attacker(release, areas_of(fixture)), small_areas(fixture, fixture.months[0])) > 10


@pytest.mark.parametrize(("persons", "municipalities"), [(6_000, 30), (1_500, 6)])
def test_neither_can_it_with_what_the_release_before_showed(persons: int, municipalities: int, tmp_path: Path) -> None:
    """The month was revised in between; the attacker knows which figures were not."""
    release, fixture = _second_release(tmp_path, persons, municipalities)
    truth = _with_nothing_hidden(fixture, tmp_path / "truth")
    first = sorted((tmp_path / "releases").glob("2025*"))[0]
    attacker = Attacker(release, areas_of(fixture), earlier=[first], truth=truth)
    assert _tries(attacker, small_cells(fixture, fixture.months[0])) > 50


def test_it_can_with_what_was_shown_where_nobody_looks_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release before matters: without a look at it, what it showed gives cells away."""
    monkeypatch.setattr(control, "read_earlier", lambda con, state, previous: None)
    release, fixture = _second_release(tmp_path, 1_500, 6)
    truth = _with_nothing_hidden(fixture, tmp_path / "truth")
    first = sorted((tmp_path / "releases").glob("2025*"))[0]
    attacker = Attacker(release, areas_of(fixture), earlier=[first], truth=truth)
    with pytest.raises(AssertionError, match="pinned"):
        _tries(attacker, small_cells(fixture, fixture.months[0]))


def _second_release(tmp_path: Path, persons: int, municipalities: int) -> tuple[Path, Fixture]:
    """A month that is released, revised and released again."""
    before = build(tmp_path / "a" / "warehouse.duckdb", months=1, persons=persons, municipalities=municipalities)
    first = release_of(before, tmp_path / "releases")
    after = build(
        tmp_path / "b" / "warehouse.duckdb", months=1, persons=persons, municipalities=municipalities, change=1
    )
    return release_of(after, tmp_path / "releases", 2, first), after


def _with_nothing_hidden(fixture: Fixture, folder: Path) -> Path:
    with duckdb.connect(str(fixture.path)) as con:
        (threshold,) = con.execute("select value from seeds.rule_parameters").fetchone()  # type: ignore[misc]
        con.execute("update seeds.rule_parameters set value = 0")
    release = release_of(fixture, folder)
    with duckdb.connect(str(fixture.path)) as con:
        con.execute("update seeds.rule_parameters set value = ?", [threshold])
    return release


def _tries(attacker: Attacker, small: set[Cell]) -> int:
    """Attack small cells of every family; fails when one is shown or pinned. Returns how many were tried."""
    random = np.random.default_rng(7)
    tried = 0
    (month,) = {cell.month for cell in small}
    try:
        for family in attacker.families():
            source = "benefit_recipients" if family.name == "full_time_persons" else family.name
            mine = sorted((cell for cell in small if cell.family == source), key=repr)
            if len(mine) > CELLS_PER_FAMILY:
                # Totals are the easiest prey, so small totals are tried first, and as many of the rest.
                totals = [cell for cell in mine if "0000" in cell.municipality or cell.column == "all"]
                totals = totals[:CELLS_PER_FAMILY]
                rest = [mine[i] for i in sorted(random.choice(len(mine), CELLS_PER_FAMILY, replace=False))]
                mine = sorted({*totals, *rest}, key=repr)
            if family.name == "full_time_persons":
                mine = [replace(cell, family=family.name, figure=family.name) for cell in mine]
            findings = attacker.find(family, month, set(mine))
            assert {finding.cell for finding in findings} == set(mine), "a count of 1 or 2 is shown"
            if family.name == "full_time_persons":
                assert [finding for finding in findings if finding.upper - finding.lower < 0.01] == []
            else:
                assert not any(finding.is_pinned for finding in findings), f"{family.name}: pinned"
            tried += len(findings)
    finally:
        attacker.close()
    return tried


def test_the_attacker_succeeds_where_only_the_rule_itself_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the attack is no paper tiger: without secondary suppression it finds cells."""
    monkeypatch.setattr(secondary, "protect", lambda variable, geography: None)
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=40_000)
    release = release_of(fixture, tmp_path / "releases")
    attacker = Attacker(release, areas_of(fixture))
    try:
        family = next(f for f in attacker.families() if f.name == "focus_goals")
        small = sorted(small_cells(fixture, fixture.months[0]), key=repr)
        wanted = [cell for cell in small if cell.family == "focus_goals" and cell.figure == "person_count"]
        findings = attacker.find(family, str(fixture.months[0]), set(wanted[:40]))
        assert any(finding.is_pinned for finding in findings)
    finally:
        attacker.close()
