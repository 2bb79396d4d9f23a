"""Kills, full and closed disks, damaged files: a defined outcome with a clear message, and the next run heals it."""

from __future__ import annotations

import datetime as dt
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.commands import pipeline
from orchestration.lib import publishing, warehouse
from orchestration.lib.release import writer
from tests.support.faults import MISSED, Place, holding, survive, wrong_with_releases
from tests.support.landing import TEST_KEY, hours_rows, load, make_settings, write_delivery
from tests.support.release_fixture import build
from tests.support.undisturbed import CANARIES, Undisturbed

# Three headers of 4 KiB, then blocks of 256 KiB.
_HEADERS_OF_DUCKDB, _BLOCK_OF_DUCKDB = 3 * 4096, 256 * 1024


def limited_to(size: int) -> Callable[[], None]:
    """No file may grow beyond `size` bytes: a full disk for root as well."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


_AS_NOBODY = """
import os, sys
from orchestration.commands import pipeline
# A user who owns nothing here: what root may write is closed for it. Python itself may lie in root's home.
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(pipeline.main())
"""


def in_child(code: str, *arguments: str, limit: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    # On a full disk Python would leave cut-off bytecode in the project, and stumble over it ever after.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, preexec_fn=limit, capture_output=True, text=True, timeout=300, check=False, env=environment
    )


_LOAD = """
import sys
from pathlib import Path
from orchestration.lib import publishing, warehouse
from tests.support.landing import load, make_settings
try:
    report = load(make_settings(Path(sys.argv[1])))
    print("accepted", len(report.accepted))
except Exception as error:
    print(type(error).__name__, str(error).splitlines()[0])
    sys.exit(1)
"""


@pytest.mark.parametrize("kilobytes", [20, 300, 900])
def test_a_disk_full_while_loading_is_told_and_the_next_load_goes_on(tmp_path: Path, kilobytes: int) -> None:
    settings = make_settings(tmp_path)
    for month in range(1, 9):
        write_delivery(settings.landing, f"2024-{month:02d}", 1, {"ordinary_hours": hours_rows(9000)})
    failed = in_child(_LOAD, str(tmp_path), limit=limited_to(kilobytes * 1024))
    assert failed.returncode == 1, failed.stdout
    assert "File too large" in failed.stdout and str(tmp_path) in failed.stdout, failed.stdout
    assert "Traceback" not in failed.stdout
    after = in_child(_LOAD, str(tmp_path))
    assert after.returncode == 0, after.stdout + after.stderr
    with warehouse.connect(settings, read_only=True) as con:
        assert con.execute("select count(*) from raw.ordinary_hours").fetchone() == (72000,)
        assert con.execute("select count(*) from quality.deliveries where status = 'accepted'").fetchone() == (8,)


_PUBLISH = """
import sys, datetime as dt
from pathlib import Path
from orchestration.lib.release import writer
at = dt.datetime(2025, 1, 2, tzinfo=dt.UTC)
facts = writer.ReleaseFacts(at, "b", "ab" * 32, "k")
name = writer.release_identifier(at, "00000002")
try:
    releases = Path(sys.argv[2])
    earlier = writer.current_release(releases)
    place = releases.parent / "candidates"
    written = writer.write_release(Path(sys.argv[1]), place, release_id=name, facts=facts, previous=earlier)
    writer.admit(written, releases)
    writer.make_current(releases, name)
except Exception as error:
    print(type(error).__name__, str(error).splitlines()[0])
    sys.exit(1)
"""


@pytest.mark.slow
def test_a_disk_full_or_a_kill_while_publishing_leaves_the_old_release_whole(tmp_path: Path) -> None:
    fixture = build(tmp_path / "warehouse.duckdb", months=1, persons=800, municipalities=3)
    with duckdb.connect(str(fixture.path)) as con:
        for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall():
            if name.startswith("rpt_") and name not in ("rpt_focus_goals", "rpt_benefit_recipients"):
                con.execute(f"drop table marts.{name}")
    settings = make_settings(tmp_path)
    releases, candidates = settings.releases, settings.candidates
    at = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    first = writer.release_identifier(at, "00000001")
    started = time.monotonic()
    facts = writer.ReleaseFacts(at, "a", "ab" * 32, "k")
    writer.admit(writer.write_release(fixture.path, candidates, release_id=first, facts=facts), releases)
    writer.make_current(releases, first)
    seconds = time.monotonic() - started
    for size in (100, 20_000, 400_000):
        failed = in_child(_PUBLISH, str(fixture.path), str(releases), limit=limited_to(size))
        assert failed.returncode == 1 and failed.stdout.strip(), failed.stderr
        assert (releases / "current").readlink() == Path(first) and wrong_with_releases(releases) == []
        assert [folder.name for folder in writer.release_folders(releases)] == [first]
    dice, hit = random.Random(1), 0
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", _PUBLISH, str(fixture.path), str(releases)])
        # Its seconds count from the moment at which it begins to write.
        while process.poll() is None and not list(candidates.iterdir()):
            time.sleep(0.01)
        try:
            process.wait(timeout=dice.uniform(0, 1.2 * seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            hit += process.wait() < 0
        assert wrong_with_releases(releases) == []
        second = writer.current_release(releases)
        if second is not None and second.name != first:
            writer.make_current(releases, first)
            shutil.rmtree(second)
        # The way of the next pipeline: what is not current and has no site was never published.
        publishing.settle_releases(settings)
        assert sorted(path.name for path in releases.iterdir()) == [first, "current"] and not list(candidates.iterdir())
    assert hit >= 2
    assert in_child(_PUBLISH, str(fixture.path), str(releases)).returncode == 0
    assert wrong_with_releases(releases) == [] and (releases / "current").readlink() != Path(first)
    assert not [path for path in releases.iterdir() if path.name.startswith(".incomplete")]
    assert not list(candidates.iterdir())


def pipeline_place(tmp_path: Path) -> Place:
    """A place with one small delivery, and its environment's key."""
    place = Place(tmp_path)
    write_delivery(place.landing, "2024-01", 1, {"ordinary_hours": hours_rows(60)})
    return place


def test_a_pipeline_on_a_full_disk_ends_with_a_message(tmp_path: Path) -> None:
    status, said = pipeline_place(tmp_path).run(limited_to(1000))
    assert status == pipeline.EXIT_FAILED and "Stopped: " in said and "Traceback" not in said, said


def test_a_pipeline_in_a_folder_it_may_not_write_ends_with_a_message(tmp_path: Path) -> None:
    place = pipeline_place(tmp_path)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest", "test")) and folder.stat().st_uid == os.getuid():
            folder.chmod(0o755)
    # Its owner could open a folder of his own; so it can't be made.
    assert place.data.parent == tmp_path and not place.data.exists()
    tmp_path.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY],
            env={**place.environment(), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        tmp_path.chmod(0o755)
    assert done.returncode == pipeline.EXIT_SET_UP, done.stdout + done.stderr
    assert f"the folder {place.data} can't be made or closed to others" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_pipeline_without_key_stops_with_instructions(tmp_path: Path) -> None:
    place = pipeline_place(tmp_path)
    settings = make_settings(tmp_path)
    with pytest.raises(Exception, match="JOBCENTER_KEY_FILE"):
        load(type(settings)(landing=place.landing, data=place.data))
    assert TEST_KEY not in repr(settings)


@pytest.mark.slow
def test_killed_five_times_the_next_pipeline_finishes_equal(undisturbed: Undisturbed, tmp_path: Path) -> None:
    place = Place(tmp_path / "killed")
    shutil.copytree(undisturbed.place.landing, place.landing)
    plan = [(0, "load"), (1, "pipeline:build"), (2, "pipeline:publish"), (3, "publish"), (4, "check")]
    kills, wrong = survive(place, plan, undisturbed.durations, undisturbed.hashes)
    assert wrong == []
    assert len([kill for kill in kills if kill.hit_phase != MISSED]) >= 3
    assert holding(place.data, [number.encode() for number in CANARIES]) == []


@pytest.mark.slow
def test_damage_inside_the_warehouse_is_healed_by_the_next_pipeline(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Blocks of a table overwritten: the file opens, and the damage is met while its rows are read."""
    place = Place(tmp_path / "damaged")
    shutil.copytree(undisturbed.place.folder, place.folder, symlinks=True)
    file = place.data / "warehouse.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(
            "select distinct block_id from pragma_storage_info('raw.benefit_periods') where block_id >= 0"
        ).fetchall()
    content = bytearray(file.read_bytes())
    assert found
    for (block,) in found:
        at = _HEADERS_OF_DUCKDB + block * _BLOCK_OF_DUCKDB + 4096
        content[at : at + 64] = bytes(byte ^ 0xFF for byte in content[at : at + 64])
    file.write_bytes(content)
    write_late = place.landing / "2023-04" / "delivery-001"
    shutil.copytree(undisturbed.later, write_late)
    status, said = place.run()
    assert status == 0, said[-2000:]
    assert "set aside" in said and wrong_with_releases(place.releases) == []
