"""Every mart on more than 250 random worlds, against the independent recomputation (``tests/oracle``).

The worlds are packed into one warehouse per era of the law. A second process works out what to expect while this one
loads and builds: so both cores of a small machine are in use.
"""

from __future__ import annotations

import csv
import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib.settings import PROJECT_ROOT
from tests.oracle import areas
from tests.oracle.comparison import compare, compare_warehouse
from tests.oracle.measures import COMPUTE
from tests.oracle.packs import COHORTS, ERAS, LIMITS, PAIRS, packed
from tests.oracle.world import World
from tests.support.warehouse import Workshop

pytestmark = pytest.mark.slow

AREA_TYPES = ("region", "rar_area", "jobcentre")
AREAS_MART = "area_measure_results"
# The areas take as long as all municipalities together: one era is enough for sums that know no rules.
ERA_OF_AREAS = "law_2024"

_worlds: dict[str, World] = {}  # of the second process: the worlds that it made


@dataclass(frozen=True)
class Verdict:
    """Of one era, per mart the differences from the oracle and how many rows were compared."""

    differences: dict[str, list[str]]
    row_counts: dict[str, int]


def _expect(name: str) -> None:
    """Make the era's world and work out what every mart must hold (second process); the world keeps the answers."""
    world = _worlds[name] = packed(name)
    for compute in COMPUTE.values():
        compute(world)


def _judge(folder: Path, name: str) -> Verdict:
    """Compare the built warehouse with what was expected (second process)."""
    world = _worlds.pop(name)
    with Workshop(folder).connect(name) as connection:
        differences = compare_warehouse(world, connection, list(COMPUTE))
        counts = {
            mart: connection.execute(f"select count(*) from marts.fct_{mart}").fetchall()[0][0] for mart in COMPUTE
        }
        if name == ERA_OF_AREAS:
            differences |= _area_differences(world, connection)
    return Verdict(differences, counts)


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f"select * from {table}")
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _area_differences(world: World, connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    actual = _rows(connection, f"marts.rpt_{AREAS_MART}")
    found = []
    for area_type in AREA_TYPES:
        expected = areas.compute(world, area_type, _area_of(area_type, world.loaded_months[-1]))
        own = [row for row in actual if row["area_type_code"] == area_type]
        found += compare(expected, own, ignore={"rule_id"})  # an area's rows have no such column
    return {AREAS_MART: found} if found else {}


def _area_of(area_type: str, on: date) -> dict[str, str]:
    """Municipality -> area of the type on a day; which municipality lies where is a fact, not a rule."""
    with (PROJECT_ROOT / "seeds/reference/municipality_areas.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["municipality_code"]: row["area_code"]
            for row in csv.DictReader(file)
            if row["area_type_code"] == area_type and row["valid_from_date"] <= on.isoformat() < row["valid_to_date"]
        }


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """All eras built and judged."""
    folder = tmp_path_factory.mktemp("oracle")
    workshop = Workshop(folder)
    selected = [f"+fct_{mart}" for mart in COMPUTE]
    expected: list[Future[None]] = []
    judged: dict[str, Future[Verdict]] = {}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as second:
        for name in ERAS:
            expected.append(second.submit(_expect, name))
            workshop.load(name, packed(name))
            extra = [f"+rpt_{AREAS_MART}"] if name == ERA_OF_AREAS else []
            workshop.build(name, *selected, *extra)
            judged[name] = second.submit(_judge, folder, name)
        for future in expected:
            future.result()
        return {name: verdict.result() for name, verdict in judged.items()}


def test_the_eras_hold_at_least_200_worlds() -> None:
    assert len(ERAS) * (PAIRS + COHORTS + len(LIMITS)) >= 200


@pytest.mark.parametrize("mart", [*COMPUTE, AREAS_MART])
def test_mart_agrees_with_the_oracle_on_every_world(verdicts: dict[str, Verdict], mart: str) -> None:
    differences = [
        f"{name}: {difference}"
        for name, verdict in verdicts.items()
        for difference in verdict.differences.get(mart, [])
    ]
    assert not differences, f"{len(differences)} differences, the first:\n" + "\n".join(differences[:10])


@pytest.mark.parametrize("mart", COMPUTE)
def test_some_era_gives_the_mart_rows(verdicts: dict[str, Verdict], mart: str) -> None:
    """Two empty tables would agree as well."""
    assert any(verdict.row_counts[mart] for verdict in verdicts.values())
