"""Eight readers in a loop while thirty releases are published: no error, and never figures of two releases together."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.release import writer
from tests.support.release_fixture import build

READERS, PUBLISHES = 8, 30
KEPT = ("rpt_conversation_requests",)


def read_in_a_loop(releases: str, stop: Event, answers: multiprocessing.Queue) -> None:
    """Read two tables of the current release in one transaction, again and again; report errors and mixtures."""
    reads, errors, mixed, seen = 0, [], 0, set()
    link = Path(releases) / writer.CURRENT
    parent = os.getppid()
    # A reader whose test was killed must not read for ever.
    while not stop.is_set() and os.getppid() == parent:
        # Eight readers without a pause leave the one who publishes no processor.
        time.sleep(0.3)
        try:
            with duckdb.connect(str(link / "release.duckdb"), read_only=True, config={"threads": 1}) as con:
                con.execute("begin transaction")
                first = con.execute("select distinct number from dim_publish").fetchall()
                second = con.execute("select distinct municipality_count from rpt_threshold_sensitivity").fetchall()
                third = con.execute("select release_id from meta.release").fetchone()
                con.execute("commit")
            reads += 1
            mixed += not (len(first) == len(second) == 1 and first == second)
            seen.add(third)
        except Exception as error:  # whatever a reader could meet
            errors.append(repr(error))
    answers.put((reads, errors, mixed, len(seen)))


def publish_and_read(folder: Path, publishes: int, readers: int) -> list[tuple[int, list[str], int, int]]:
    """Publish while readers read; (reads, errors, mixtures, releases seen) of each reader."""
    fixture = build(folder / "warehouse.duckdb", months=1, persons=500, municipalities=2)
    with duckdb.connect(str(fixture.path)) as con:
        names = [
            row[0]
            for row in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        ]
        for name in names:
            if name.startswith("rpt_") and name not in KEPT:
                con.execute(f"drop table marts.{name}")
        con.execute(
            "create table marts.rpt_threshold_sensitivity as select '2024QMAT04' as period_code, "
            "range::double as result_margin, 30.0 as passive_limit_percentage, "
            "20.0 as few_conversations_limit_percentage, 1 as municipality_category, "
            "0::bigint as municipality_count from range(150)"
        )
        con.execute("create table marts.dim_publish as select 0::bigint as number from range(150)")
    releases = folder / "releases"
    context = multiprocessing.get_context("spawn")
    stop, answers = context.Event(), context.Queue()
    processes = [
        context.Process(target=read_in_a_loop, args=(str(releases), stop, answers), daemon=True) for _ in range(readers)
    ]
    previous = None
    for number in range(publishes):
        with duckdb.connect(str(fixture.path)) as con:
            con.execute("update marts.dim_publish set number = ?", [number])
            con.execute("update marts.rpt_threshold_sensitivity set municipality_count = ?", [number])
        created = dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=number)
        facts = writer.ReleaseFacts(created, f"b{number}", "ab" * 32, "k")
        name = writer.release_identifier(created, f"{number:08d}")
        previous = writer.write_release(fixture.path, releases, release_id=name, facts=facts, previous=previous)
        writer.make_current(releases, name)
        if number == 0:
            for process in processes:
                process.start()
            time.sleep(1)
    stop.set()
    found = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(timeout=30)
    return found


@pytest.mark.slow
def test_readers_see_one_release_at_a_time_and_no_error(tmp_path: Path) -> None:
    found = publish_and_read(tmp_path, PUBLISHES, READERS)
    assert [errors for _, errors, _, _ in found if errors] == []
    assert sum(mixed for _, _, mixed, _ in found) == 0
    assert sum(reads for reads, _, _, _ in found) >= READERS * 5
    # They did read while releases changed under them.
    assert max(seen for _, _, _, seen in found) >= 3
