"""Retention, keeping, the doctor, rebuild preparation, and one writer at a time."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from alembic.util.exc import CommandError
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.commands import pipeline
from orchestration.defs.operations import runs
from orchestration.defs.operations.event_storage import OpenEventLog
from orchestration.lib import warehouse
from orchestration.lib.contracts import load_contracts
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.dbt_manifest import guarded_dbt
from orchestration.lib.operations import doctor, keeping, rebuilding, renewing, retention
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.release import writer
from orchestration.lib.settings import PROJECT_ROOT, Settings, SettingsError
from tests.support.faults import Place
from tests.support.landing import TEST_KEY, benefit_rows, hours_rows, load, make_settings, query, write_delivery

TODAY = dt.date(2026, 5, 20)


def release(
    settings: Settings, name: str, deliveries: list[str], *, previous: str | None = None, **content: str
) -> Path:
    """A release folder as far as operations look at it: manifest, files, modes."""
    folder = settings.releases / name
    (folder / "parquet").mkdir(parents=True)
    known = {
        path: (status, hash_)
        for path, status, hash_ in query(settings, "select path, status, hash from quality.deliveries")
    }
    manifest = {
        "release_id": name,
        "previous_release_id": previous,
        "created_at": dt.datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).isoformat(),
        "deliveries": [
            {
                "path": path,
                "status": known[path][0],
                "hash": known[path][1],
                "first_seen_at": "2024-03-01T00:00:00+00:00",
            }
            for path in deliveries
        ],
        "tables": {table: {"sha256": sha256} for table, sha256 in content.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "release.duckdb").write_bytes(b"")
    for table in content:
        (folder / "parquet" / f"{table}.parquet").write_bytes(b"")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An old month, a month to keep and an old fetch without persons, loaded on 1 March 2024."""
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2016-04", 1, {"benefit_periods": benefit_rows("2016-04", 60)})
    write_delivery(settings.landing, "2024-01", 1, {"ordinary_hours": hours_rows(60)})
    population = [{"municipality_code": "0101", "population_16_66": 1000}]
    write_delivery(settings.landing, "2016-03", 901, {"population": population}, supplier="statbank")
    load(settings, now=dt.datetime(2024, 3, 1, tzinfo=dt.UTC))
    return settings


def test_retention_deletes_old_persons_everywhere_and_says_what_is_lost(settings: Settings) -> None:
    release(settings, "20240301T000000Z-aaaaaaaa", ["2016-04/delivery-001"], dim_months="a")
    release(settings, "20240302T000000Z-bbbbbbbb", ["2024-01/delivery-001"], dim_months="b")
    (settings.data / "rebuilds" / "x").mkdir(parents=True)
    (settings.tmp / "spill").write_bytes(b"rows")
    todo = retention.plan(settings, load_contracts(), TODAY)
    assert todo.first_kept == dt.date(2016, 5, 1)
    assert [found.path for found in todo.deliveries] == ["2016-04/delivery-001"]
    assert todo.lost_releases == ("20240301T000000Z-aaaaaaaa",)
    retention.carry_out(settings, todo)
    left = sorted(path.parent.name for path in settings.landing.glob("*/*"))
    assert left == ["2016-03", "2024-01"]
    assert not settings.warehouse.exists() and not (settings.data / "rebuilds").exists()
    assert not list(settings.tmp.iterdir()) and len(writer.release_folders(settings.releases)) == 2
    lines = [json.loads(line) for line in retention.log_file(settings).read_text().splitlines()]
    for line, moment in zip(lines, ("begun_at", "deleted_at"), strict=True):
        assert line | {moment: ""} == {
            moment: "", "path": "2016-04/delivery-001", "manifest_hash": todo.deliveries[0].manifest_hash,
            "rule": "retention_landing_months", "first_kept": "2016-05-01",
        }  # fmt: skip
    assert retention.deleted_paths(settings) == {"2016-04/delivery-001"}
    assert "no longer in" not in " ".join(text for _, text in levels(settings, "deliveries"))
    load(settings)
    assert query(settings, "select distinct period from quality.deliveries order by 1") == [("2016-03",), ("2024-01",)]
    assert retention.plan(settings, load_contracts(), TODAY).deliveries == ()
    with pytest.raises(rebuilding.RebuildImpossible, match=r"2016-04/delivery-001: benefit_periods"):
        rebuilding.prepare(settings, rebuilding.find_target(settings, "20240301T000000Z-aaaaaaaa"))


def test_a_month_inside_the_rule_stays(settings: Settings) -> None:
    assert retention.plan(settings, load_contracts(), dt.date(2026, 4, 30)).deliveries == ()


def test_releases_are_kept_as_set_and_the_current_one_always(settings: Settings) -> None:
    names = [f"2024030{day}T000000Z-aaaaaaaa" for day in range(1, 5)]
    for name in names:
        release(settings, name, [])
    writer.make_current(settings.releases, names[0])
    assert keeping.prune_releases(settings, 0) == []
    assert keeping.prune_releases(settings, 2) == [names[1]]
    assert [folder.name for folder in writer.release_folders(settings.releases)] == [names[0], *names[2:]]
    assert writer.current_release(settings.releases) == settings.releases / names[0]


@pytest.mark.parametrize("text", ["-1", "x", "0"])
def test_settings_of_keeping_are_checked(text: str) -> None:
    with pytest.raises(SettingsError, match="JOBCENTER_KEEP_RUN_DAYS"):
        keeping.Keep.from_environment({"JOBCENTER_KEEP_RUN_DAYS": text})


def test_a_rebuild_is_offered_what_was_known_then_and_nothing_else(settings: Settings) -> None:
    name = "20240301T000000Z-aaaaaaaa"
    folder = release(settings, name, ["2016-04/delivery-001"], dim_months="a")
    folder.chmod(0o755)
    parts = ["Makefile", "seeds", "contracts"]
    subprocess.run(["tar", "-cf", str(folder / "project.tar"), "-C", str(PROJECT_ROOT), *parts], check=True)
    write_delivery(settings.landing, "2024-02", 1, {"ordinary_hours": hours_rows(60)})
    load(settings, now=dt.datetime(2024, 4, 1, tzinfo=dt.UTC))
    target = rebuilding.find_target(settings, name)
    rebuilt = rebuilding.prepare(settings, target)
    assert sorted(path.parent.name for path in rebuilt.landing.glob("*/*/manifest.json")) == [
        "delivery-001",
        "delivery-001",
        "delivery-901",
    ]
    assert (rebuilt.project / "Makefile").is_file()
    report = load(rebuilt)
    assert len(report.accepted) == 3 and report.lost == []
    later = rebuilding.find_target(settings, "2024-05-01T00:00:00+00:00")
    assert later.release.name == name and not later.is_exact
    assert len(list(rebuilding.prepare(settings, later).landing.glob("*/*/manifest.json"))) == 4


def test_a_rebuild_is_offered_the_release_before_and_its_note(settings: Settings) -> None:
    before, name = "20240301T000000Z-aaaaaaaa", "20240302T000000Z-bbbbbbbb"
    release(settings, before, ["2016-04/delivery-001"], dim_months="a")
    folder = release(settings, name, ["2016-04/delivery-001"], previous=before, dim_months="a")
    folder.chmod(0o755)
    subprocess.run(["tar", "-cf", str(folder / "project.tar"), "-C", str(PROJECT_ROOT), "Makefile"], check=True)
    target = rebuilding.find_target(settings, name)
    assert not rebuilding.prepare(settings, target).protected_months.exists()
    settings.protected_months.mkdir()
    for one in (before, name):
        (settings.protected_months / f"{one}.npz").write_text(one)
    rebuilt = rebuilding.prepare(settings, target)
    assert [path.read_text() for path in rebuilt.protected_months.iterdir()] == [before]
    assert writer.current_release(rebuilt.releases) == rebuilt.releases / before


@pytest.mark.parametrize("as_of", ["20990101T000000Z-aaaaaaaa", "last tuesday"])
def test_what_can_not_be_rebuilt_is_said(settings: Settings, as_of: str) -> None:
    with pytest.raises(rebuilding.RebuildImpossible, match="no release in"):
        rebuilding.find_target(settings, as_of)
    release(settings, "20240301T000000Z-aaaaaaaa", [])
    with pytest.raises(rebuilding.RebuildImpossible, match="neither a release"):
        rebuilding.find_target(settings, as_of)


def test_releases_are_compared_by_content(settings: Settings) -> None:
    one = release(settings, "20240301T000000Z-aaaaaaaa", [], dim_months="a", rpt_results="b", rpt_gone="c")
    two = release(settings, "20240302T000000Z-aaaaaaaa", [], dim_months="a", rpt_results="x", rpt_new="c")
    found = rebuilding.compare(one, two)
    assert (found.equal, found.different) == (("dim_months",), ("rpt_results",))
    assert (found.only_before, found.only_now) == (("rpt_gone",), ("rpt_new",)) and not found.is_equal
    assert rebuilding.compare(one, one).is_equal


def test_renewing_refuses_what_it_could_not_load_again(settings: Settings) -> None:
    keeping.remove_tree(settings.landing / "2024-01")
    with pytest.raises(renewing.RenewalFailed, match="2024-01/delivery-001"):
        renewing.set_aside(settings)
    assert settings.warehouse.exists()


def test_a_warehouse_set_aside_comes_back_when_the_pipeline_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings.warehouse.read_bytes()

    def failing(settings: Settings) -> int:
        settings.warehouse.write_bytes(b"half")
        return 1

    monkeypatch.setattr(renewing, "run_pipeline", failing)
    with pytest.raises(renewing.RenewalFailed, match="status 1"):
        renewing.renew(settings)
    assert settings.warehouse.read_bytes() == before and not (settings.data / "aside").exists()


def levels(settings: Settings, topic: str) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in doctor.examine(settings, TODAY) if one.topic == topic]


def test_the_doctor_of_a_sound_place_finds_no_problem(settings: Settings) -> None:
    assert [one for one in doctor.examine(settings, TODAY) if one.level == "problem"] == []
    assert levels(settings, "release") == [("warning", "there is none yet")]


def test_the_doctor_of_a_broken_log_of_retention_says_so_and_all_else_as_well(settings: Settings) -> None:
    retention.log_file(settings).write_text("[]\n")
    ((level, text),) = levels(settings, "retention")
    assert level == "problem" and "retention.jsonl, line 1 can't be read" in text
    assert levels(settings, "deliveries")[0][0] == "ok"


def test_the_doctor_names_pending_rejected_and_overdue(settings: Settings) -> None:
    write_delivery(settings.landing, "2024-02", 1, {}, manifest_overrides={"delivery": 5})
    load(settings)
    write_delivery(settings.landing, "2024-03", 1, {"ordinary_hours": hours_rows(60)})
    texts = [text for level, text in levels(settings, "deliveries") if level == "warning"]
    assert texts == [
        "1 pending: 2024-03/delivery-001. Run `make pipeline`",
        "rejected 2024-02/delivery-001: delivery_number: manifest.json says delivery 5, but its folder is delivery-001."
        " (and 1 more reason)",
    ]
    assert any("overdue: 2016-05 was due on 2016-07-15" in text for _, text in levels(settings, "months"))


def test_the_doctor_lists_the_last_rejected_and_counts_those_delivered_again(settings: Settings) -> None:
    # The one with the highest number is decided upon first.
    for hour, number in enumerate([14, 13, *range(11, 0, -1)]):
        write_delivery(settings.landing, "2024-02", number, {"population": b"x\n"}, "csv")
        load(settings, now=dt.datetime(2024, 3, 1, hour, tzinfo=dt.UTC))
    manifest = settings.landing / "2024-02" / "delivery-014" / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    load(settings, now=dt.datetime(2024, 3, 2, tzinfo=dt.UTC))
    texts = [text for _, text in levels(settings, "deliveries") if "rejected" in text]
    assert texts[0] == "13 rejected; the last 10 are listed"
    assert [text.split(": ")[0] for text in texts[1:]] == [
        f"rejected 2024-02/delivery-{number:03d}" for number in (*range(9, 0, -1), 14)
    ]
    write_delivery(settings.landing, "2024-02", 20, {"ordinary_hours": hours_rows(60)})
    load(settings)
    assert [text for _, text in levels(settings, "deliveries") if "rejected" in text] == texts
    population = [{"municipality_code": "0101", "population_16_66": 1000}]
    write_delivery(settings.landing, "2024-02", 12, {"population": population})
    load(settings)
    found = [(level, text) for level, text in levels(settings, "deliveries") if "rejected" in text]
    assert [text.split(":")[0] for _, text in found] == [
        "rejected 2024-02/delivery-013",
        "rejected 2024-02/delivery-014",
        "11 rejected deliveries were delivered again and accepted",
    ]
    assert found[2][0] == "ok"


def test_the_doctor_names_the_files_of_a_loaded_delivery_that_are_others_now(settings: Settings) -> None:
    def told() -> list[str]:
        return [text for level, text in levels(settings, "deliveries") if "was changed after" in text]

    assert told() == []
    folder = settings.landing / "2024-01" / "delivery-001"
    (file,) = folder.glob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content + b"x")
    assert told() == [
        "2024-01/delivery-001 was changed after it was loaded: hash: ordinary_hours.parquet: its SHA-256 is not the "
        "one in the manifest; the file has changed on its way. What was loaded stays, but can't be loaded again: put "
        "the files back"
    ]
    file.write_bytes(content)
    assert told() == []
    file.unlink()
    (line,) = told()
    assert "missing_file: ordinary_hours.parquet" in line


def test_the_doctor_names_what_is_never_loaded(settings: Settings) -> None:
    for folder in ("2024-04/delivery-001", "2024-4/delivery-001", "2024-13", "2024-05/.unfinished"):
        (settings.landing / folder).mkdir(parents=True)
    (settings.landing / "notes.txt").touch()
    (settings.landing / "sample.json").touch()
    (settings.landing / "2024-01" / "notes.txt").touch()
    (settings.landing / "2024-04" / "delivery-001" / "ordinary_hours.csv").touch()
    since = dt.datetime.fromtimestamp(
        (settings.landing / "2024-04" / "delivery-001").stat().st_mtime, dt.UTC
    ).astimezone()
    zone = "(the landing zone holds one folder per month, YYYY-MM)"
    assert [text for level, text in levels(settings, "deliveries") if level == "warning"] == [
        "not understood, so not loaded: 2024-01/notes.txt (a month holds folders, delivery-NNN)",
        f"2024-04/delivery-001 has no manifest.json (last change {since:%Y-%m-%d %H:%M}), so not loaded",
        f"not understood, so not loaded: 2024-13 {zone}",
        f"not understood, so not loaded: 2024-4 {zone}",
        f"not understood, so not loaded: notes.txt {zone}",
    ]


def test_the_doctor_warns_of_a_key_that_others_can_read(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "jobcenter.key"
    file.write_text(TEST_KEY)
    settings = replace(settings, key_text=None, key_file=file)
    file.chmod(0o440)
    assert levels(settings, "key")[0] == ("warning", f"{file} is open to others (mode 0440): chmod 0400 it")
    file.chmod(0o400)
    assert [level for level, _ in levels(settings, "key")] == ["ok"]


def test_the_doctor_says_who_holds_the_warehouse(settings: Settings) -> None:
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(settings.warehouse)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        ((level, text),) = levels(settings, "warehouse")
        assert level == "warning" and f"process {holder.pid} (python" in text
    finally:
        holder.kill()
        holder.wait()


def test_the_doctor_finds_what_is_open_or_broken(settings: Settings) -> None:
    settings.warehouse.chmod(0o644)
    assert levels(settings, "permissions")[0][0] == "problem"
    folder = release(settings, "20240301T000000Z-aaaaaaaa", [], dim_months="a")
    settings.warehouse.write_bytes(b"no database" * 5000)
    assert levels(settings, "warehouse")[0][0] == "problem"
    writer.make_current(settings.releases, folder.name)
    assert levels(settings, "release")[0][0] == "ok"
    (folder / "parquet" / "dim_months.parquet").unlink()
    assert levels(settings, "release") == [("problem", f"{folder.name} is not whole: dim_months missing")]


def test_a_second_pipeline_is_told_to_wait(settings: Settings) -> None:
    place = Place(settings.data.parent)
    with pipeline_lock(settings):
        status, said = place.run()
    assert status == pipeline.EXIT_BUSY and f"(process {os.getpid()})" in said and "nothing was done" in said


def test_a_pipeline_waits_for_a_program_that_has_the_warehouse_open(settings: Settings) -> None:
    code = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(settings.warehouse)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"open\n"
        status, said = Place(settings.data.parent).run()
    finally:
        holder.kill()
        holder.wait()
    assert status == pipeline.EXIT_BUSY and f"is in use by process {holder.pid}" in said


_POOL_RUN = """
    import os, sys, time
    from pathlib import Path
    import dagster as dg
    from orchestration.defs.operations.event_storage import open_instance
    from orchestration.defs.raw.assets import WAREHOUSE_POOL
    from orchestration.defs.operations import runs

    @dg.op(pool=WAREHOUSE_POOL)
    def write():
        print("begin", time.time(), flush=True)
        time.sleep(float(sys.argv[1]))
        print("end", time.time(), flush=True)

    @dg.job(executor_def=dg.in_process_executor)
    def writing():
        write()

    with open_instance(Path(os.environ["DAGSTER_HOME"])) as instance:
        if len(sys.argv) > 2:
            print("freed", len(runs.end_dead_runs(instance)), flush=True)
        tags = {runs.STARTED_BY: runs.COMMAND}
        assert writing.execute_in_process(instance=instance, tags=tags).success
"""


def test_a_table_of_the_event_log_is_looked_for_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    present: set[str] = set()

    def look(_: object, table_name: str) -> bool:
        asked.append(table_name)
        return table_name in present

    monkeypatch.setattr(SqliteEventLogStorage, "has_table", look)
    log = OpenEventLog(str(tmp_path))
    asked.clear()
    assert not log.has_table("checks")
    present.add("checks")
    assert log.has_table("checks") and log.has_table("checks")
    assert asked == ["checks", "checks"]


def start_pool_run(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_POOL_RUN), *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "JOBCENTER_DATA": str(settings.data), "JOBCENTER_LANDING": str(settings.landing)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def dagster_home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A DAGSTER_HOME with our settings and its storage made."""
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    prepare_dagster_home(settings)
    with runs.usable_instance(settings, print):
        pass
    return settings


@pytest.mark.slow
def test_of_two_runs_at_once_one_waits_for_the_pool(dagster_home: Settings) -> None:
    started = [start_pool_run(dagster_home, "3") for _ in range(2)]
    said = [process.communicate(timeout=180)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    (begin_1, end_1), (begin_2, end_2) = sorted(
        tuple(float(line.split()[1]) for line in text.splitlines() if line.startswith(("begin", "end")))
        for text in said
    )
    assert begin_1 < end_1 <= begin_2 < end_2


_POOL_CLAIMS = """
    import os, sys
    from pathlib import Path
    from orchestration.defs.operations.event_storage import open_instance

    home, me, other = Path(os.environ["DAGSTER_HOME"]), *sys.argv[1:]
    with open_instance(home) as instance:
        pools = instance.event_log_storage
        for n in range(40):
            if me == "a":
                pools.initialize_concurrency_limit_to_default(f"pool {n}")
            (home / f"{me}{n}").touch()
            while not (home / f"{other}{n}").exists():
                pass
            if pools.claim_concurrency_slot(f"pool {n}", me, "step").is_claimed:
                print(n)
"""


@pytest.mark.slow
def test_two_claims_in_the_same_moment_never_both_get_the_place(dagster_home: Settings) -> None:
    """Forty pools, claimed by two processes that wait for each other: Dagster's own class gives one in four to both."""
    claims = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(_POOL_CLAIMS), *names],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for names in (("a", "b"), ("b", "a"))
    ]
    got = [process.communicate(timeout=180)[0].split() for process in claims]
    assert sorted(got[0] + got[1], key=int) == [str(n) for n in range(40)]


@pytest.mark.slow
def test_a_killed_run_gives_its_place_in_the_pool_back(dagster_home: Settings) -> None:
    killed = start_pool_run(dagster_home, "600")
    assert killed.stdout is not None and killed.stdout.readline().startswith("begin")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    after = start_pool_run(dagster_home, "0", "free")
    said, _ = after.communicate(timeout=120)
    assert said.startswith("freed 1") and "end" in said
    with dg.DagsterInstance.get() as instance:
        states = {run.status.value for run in instance.get_runs()}
    assert states == {"FAILURE", "SUCCESS"}


def overwrite(file: Path) -> None:
    file.write_bytes(b"half a file, not sqlite" * 100)


def cut_off(file: Path) -> None:
    """The first page says how many there are; the others are gone."""
    for log in file.parent.glob(file.name + "-*"):
        log.unlink()
    os.truncate(file, 4096)


@pytest.mark.parametrize("harm", [overwrite, cut_off])
@pytest.mark.parametrize("name", ["runs.db", "runs/index.db"])
def test_a_broken_file_of_dagsters_storage_is_set_aside(
    dagster_home: Settings, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], None], name: str
) -> None:
    harm(dagster_home.dagster_home / "history" / name)
    with runs.usable_instance(dagster_home, print) as instance:
        assert instance.get_runs_count() == 0
    assert (dagster_home.data / "dagster-broken" / "history" / name).is_file()
    assert "set aside" in capsys.readouterr().out


def test_storage_that_dagster_was_making_when_it_was_killed_is_gone_on_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    prepare_dagster_home(settings)
    (settings.dagster_home / "history" / "runs").mkdir(parents=True)
    (settings.dagster_home / "history" / "runs.db").touch()
    (settings.dagster_home / "history" / "runs" / "index.db").touch()
    with runs.usable_instance(settings, print) as instance:
        assert instance.get_runs_count() == 0
    assert not (settings.data / "dagster-broken").exists()


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("no such column: runs.made_by_a_later_version"),
        sqlite3.OperationalError("attempt to write a readonly database"),
        sqlite3.OperationalError("database or disk is full"),
        CommandError("Can't locate revision identified by 'ffffffffffff'"),
        ImportError("cannot import name 'OpenEventLog'"),
    ],
    ids=str,
)
def test_a_sound_record_of_runs_stays_whatever_keeps_it_from_being_opened(
    dagster_home: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(_: Path) -> dg.DagsterInstance:
        raise error

    earlier = dagster_home.data / "dagster-broken"
    earlier.mkdir()
    monkeypatch.setattr(runs, "open_instance", refuse)
    with pytest.raises(runs.RecordOfRunsUnusable) as told:
        runs.usable_instance(dagster_home, print)
    assert str(error) in str(told.value) and "dagster instance migrate" in str(told.value)
    # `make pipeline` tells the first 500 characters.
    assert len(str(told.value).replace(str(dagster_home.dagster_home), "/srv/jobcenter/data/dagster")) < 450
    assert (dagster_home.dagster_home / "history" / "runs.db").is_file() and earlier.is_dir()


def test_old_runs_go_and_new_ones_stay(dagster_home: Settings) -> None:
    @dg.op
    def nothing() -> None:
        """Do nothing."""

    job = dg.GraphDefinition(name="small", node_defs=[nothing]).to_job()
    with dg.DagsterInstance.get() as instance:
        run_id = job.execute_in_process(instance=instance).run_id
        target = dagster_home.dbt / run_id
        target.mkdir()
        (target / "run_results.json").write_text("{}")
        now = dt.datetime.now(dt.UTC)
        assert runs.prune_runs(instance, dagster_home, keeping.Keep(run_days=90), now) == 0 and target.is_dir()
        later = now + dt.timedelta(days=91)
        assert runs.prune_runs(instance, dagster_home, keeping.Keep(run_days=90), later) == 1
        assert not target.exists() and instance.get_runs_count() == 0


def test_dbt_dies_with_the_process_that_started_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.lib import dbt_manifest

    stand_in = settings.data / "sleeping"
    stand_in.write_text("#!/bin/sh\nexec sleep 300\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr(dbt_manifest, "dbt_command", lambda: [str(stand_in)])
    command = guarded_dbt(settings)
    code = f"import subprocess, time; print(subprocess.Popen([{command!r}]).pid, flush=True); time.sleep(300)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    for _ in range(50):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the child lived on")


def test_damage_inside_the_file_is_recognised_in_a_message_of_dbt() -> None:
    said = "Runtime Error in model x: IO Error: Corrupt database file: computed checksum 1 does not match stored 2"
    assert warehouse.tells_of_corruption(said)
    assert not warehouse.tells_of_corruption("Conversion Error: could not read 'x' as a date")
