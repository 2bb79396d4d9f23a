"""The types of codes follow the seeds: in the order of the text, made anew with a new code, and never short of one."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.settings import Settings
from orchestration.lib.warehouse import connect
from tests.oracle.random_worlds import random_world
from tests.support.warehouse import DbtFailed, Workshop, copy_project

pytestmark = pytest.mark.slow

CODES = {
    "municipality_code": "municipalities",
    "benefit_group_code": "benefit_groups",
    "match_group_code": "match_groups",
    "target_group_code": "target_groups",
}


def listed(project: Path, seed: str, column: str) -> list[str]:
    with (project / "seeds" / "reference" / f"{seed}.csv").open(encoding="utf-8", newline="") as lines:
        return sorted({row[column] for row in csv.DictReader(lines)})


def kinds_of(settings: Settings, table: str) -> dict[str, str]:
    with connect(settings, read_only=True) as connection:
        return dict(
            connection.execute(
                "select column_name, data_type from duckdb_columns() where table_name = ?", [table]
            ).fetchall()
        )


def segments(settings: Settings) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    kinds = kinds_of(settings, "int_benefit_segments")
    with connect(settings, read_only=True) as connection:
        rows = connection.execute(
            "select columns(*)::varchar from intermediate.int_benefit_segments order by all"
        ).fetchall()
    return kinds, rows


def labels(kind: str) -> list[str]:
    return list(duckdb.sql(f"select enum_range(null::{kind})").fetchall()[0][0])


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("codes")
    return Workshop(folder / "workshop", copy_project(folder / "project"))


# dbt, ended as a killed one ends as soon as the segments are there.
_KILLED = """
import os, sys
from dbt.cli.main import dbtRunner
def kill(event):
    if event.info.name == "LogModelResult" and "int_benefit_segments" in event.info.msg:
        os._exit(9)
dbtRunner(callbacks=[kill]).invoke(sys.argv[1:])
"""


def test_what_a_killed_run_leaves_can_be_opened(workshop: Workshop) -> None:
    settings = workshop.load("killed", random_world(7, date(2024, 1, 1), 3, 40, ("0101", "0147", "0851"), ()))
    place = ("--project-dir", str(workshop.project), "--profiles-dir", str(workshop.project))
    folders = ("--target-path", str(workshop.folder / "target"), "--log-path", str(workshop.folder / "logs"))
    selected = ("--resource-type", "model", "--resource-type", "seed", "--select", "+int_benefit_segments")
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, "build", *selected, *place, *folders],
        env={**os.environ, "JOBCENTER_DATA": str(settings.data)},
        check=False,
        capture_output=True,
    )
    assert ended.returncode == 9, ended.stdout[-3000:]
    # Nothing has reached the file yet but by the log.
    assert settings.warehouse.with_name(settings.warehouse.name + ".wal").stat().st_size > 0
    assert segments(settings)[1]


def test_types_follow_the_seeds(workshop: Workshop) -> None:
    project = workshop.project
    settings = workshop.load("codes", random_world(7, date(2024, 1, 1), 3, 40, ("0101", "0147", "0851"), ()))
    workshop.build("codes", "+int_benefit_segments")
    kinds, rows = segments(settings)
    assert rows
    # The match group decides the target group, and goes no further than staging.
    staged = kinds_of(settings, "stg_extracts__benefit_periods")
    for column, seed in CODES.items():
        # In the order of the text: what sorts by a code sorts as before.
        assert labels((staged | kinds)[column]) == listed(project, seed, column), column

    seed_file = project / "seeds" / "reference" / "benefit_groups.csv"
    whole = seed_file.read_text("utf-8")
    header, first, *others = whole.splitlines()
    cells = first.split(",")[1:]
    # A code before all others moves every other to another place.
    seed_file.write_text("\n".join([header, ",".join(["aa_new", *cells]), first, *others]) + "\n", "utf-8")
    workshop.build("codes", "+int_benefit_segments")
    widened, as_before = segments(settings)
    assert labels(widened["benefit_group_code"])[0] == "aa_new"
    assert as_before == rows

    lost = min(str(row[list(kinds).index("municipality_code")]) for row in rows)
    seed_file = project / "seeds" / "reference" / "municipalities.csv"
    whole = seed_file.read_text("utf-8")
    kept = [line for line in whole.splitlines() if not line.startswith(lost)]
    seed_file.write_text("\n".join(kept) + "\n", "utf-8")
    with pytest.raises(DbtFailed, match=rf"municipalities.csv has lost {lost}, which delivered rows use"):
        workshop.build("codes", "+int_benefit_segments")
    assert segments(settings) == (widened, rows)
    # Nobody lives there: the code goes.
    unused = next(line[:4] for line in kept[1:] if all(line[:4] not in row for row in rows))
    seed_file.write_text(whole.replace(f"\n{unused},", "\n0999,"), "utf-8")
    workshop.build("codes", "+int_benefit_segments")
    assert unused not in labels(segments(settings)[0]["municipality_code"])
    assert segments(settings)[1] == rows
