"""Retention, rekey and restore drill that are killed at any step, and the lock that they hand on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.commands import pipeline, rekey
from orchestration.lib import warehouse
from orchestration.lib.contracts import load_contracts
from orchestration.lib.operations import doctor, keeping, renewing, retention
from orchestration.lib.pipeline_lock import HANDED_ON, PipelineRunning, for_child, is_handed_on, pipeline_lock
from orchestration.lib.pseudonyms import load_key, sample_key_path
from orchestration.lib.settings import PROJECT_ROOT, Settings
from tests.support.faults import killed_at
from tests.support.landing import benefit_rows, hours_rows, load, make_settings, query, write_delivery

TODAY, BEFORE = dt.date(2026, 5, 20), dt.date(2026, 4, 30)
OLD = "2016-04/delivery-001"
MORE_STEPS_THAN_ANY = 200


def moved(settings: Settings, root: Path) -> Settings:
    """The same place as a copy of its own."""
    shutil.copytree(settings.landing, root / "landing")
    shutil.copytree(settings.data, root / "data")
    return dataclasses.replace(settings, landing=root / "landing", data=root / "data")


@pytest.fixture(scope="module")
def old_month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A month to delete and one to keep, loaded, with copies of persons in every room that may hold some."""
    settings = make_settings(tmp_path_factory.mktemp("old"))
    write_delivery(settings.landing, "2016-04", 1, {"benefit_periods": benefit_rows("2016-04", 60)})
    write_delivery(settings.landing, "2024-01", 1, {"ordinary_hours": hours_rows(60)})
    load(settings, now=dt.datetime(2024, 3, 1, tzinfo=dt.UTC))
    for room in ("rebuilds/x", "broken/y", "aside", ".deleted-aside", "tmp/z"):
        (settings.data / room).mkdir(parents=True)
        (settings.data / room / "rows").write_bytes(b"rows about persons")
    return settings


def delete(settings: Settings, today: dt.date = TODAY) -> None:
    retention.carry_out(settings, retention.plan(settings, load_contracts(), today))


def rows_about_persons(settings: Settings) -> list[str]:
    """Where anything about the persons of the old month may still stand."""
    rooms = ("rebuilds", "broken", "aside", ".deleted-aside", "tmp", settings.warehouse.name)
    found = [path for room in rooms for path in (settings.data / room, *(settings.data / room).rglob("*"))]
    found += [path for path in settings.landing.rglob("*") if "2024-01" not in path.parts]
    return sorted(str(path) for path in found if path.is_file())


def test_a_retention_killed_at_any_step_is_finished_by_the_next_one(old_month: Settings, tmp_path: Path) -> None:
    for step in range(1, MORE_STEPS_THAN_ANY):
        settings = moved(old_month, tmp_path / str(step))
        was_killed = killed_at(step, tmp_path / str(step), lambda here=settings: delete(here))
        # Nothing is said to be deleted before it is, and what is left is not forgotten.
        left = rows_about_persons(settings)
        assert not left or retention.deleted_paths(settings) == set(), step
        todo = retention.plan(settings, load_contracts(), TODAY)
        assert not left or todo.deliveries or todo.unfinished == (OLD,), step
        delete(settings)
        assert rows_about_persons(settings) == [], step
        assert retention.deleted_paths(settings) == {OLD} and retention.unfinished_paths(settings) == (), step
        assert (settings.landing / "2024-01/delivery-001/manifest.json").is_file()
        shutil.rmtree(tmp_path / str(step))
        if not was_killed:
            # Note, rename, six rooms, the folder's two files, note: fewer steps would mean that the hook is blind.
            assert step > 20
            return
    raise AssertionError("the work never came to its end")


def test_an_error_in_the_midst_of_a_retention_is_told_and_made_good(
    old_month: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = moved(old_month, tmp_path)
    remove = keeping.remove_tree

    def refused(path: Path) -> None:
        if path.name == ".deleted-delivery-001" and path.exists():
            raise PermissionError(13, "Permission denied", str(path))
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(retention, "remove_tree", refused)
        with pytest.raises(PermissionError):
            delete(settings)
    # The delivery is out of every loader's sight, and the doctor tells of it.
    load(settings)
    assert query(settings, "select path from quality.deliveries") == [("2024-01/delivery-001",)]
    (finding,) = [one for one in doctor.examine(settings, TODAY) if one.topic == "retention"]
    assert finding.level == "problem" and OLD in finding.text and "make retention CONFIRM=yes" in finding.text
    delete(settings, BEFORE)
    assert rows_about_persons(settings) == [] and retention.deleted_paths(settings) == {OLD}
    assert not [one for one in doctor.examine(settings, TODAY) if one.topic == "retention"]


def test_what_was_noted_and_not_begun_stays_when_the_next_run_is_not_about_it(
    old_month: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = moved(old_month, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        with pytest.raises(PermissionError):
            delete(settings)
    delete(settings, BEFORE)
    assert (settings.landing / OLD / "manifest.json").is_file()
    assert retention.deleted_paths(settings) == set() and retention.unfinished_paths(settings) == ()
    moments = [next(iter(json.loads(line))) for line in retention.log_file(settings).read_text().splitlines()]
    assert moments == ["begun_at", "kept_at"]


def test_a_log_that_was_cut_off_goes_on_and_a_broken_one_is_named(old_month: Settings, tmp_path: Path) -> None:
    settings = moved(old_month, tmp_path)
    log = retention.log_file(settings)
    log.write_text('{"begun_at": "2026-05-2')
    delete(settings)
    assert [next(iter(json.loads(line))) for line in log.read_text().splitlines()] == ["begun_at", "deleted_at"]
    log.write_text("no json\n")
    with pytest.raises(retention.RetentionLogBroken, match=r"retention.jsonl, line 1 .*remove"):
        retention.deleted_paths(settings)


def test_a_folder_whose_mode_is_somebody_elses_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supplier owns what it delivers; an access list lets us delete it, not change its mode."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "file").write_text("")
    monkeypatch.setattr(Path, "chmod", lambda *_: (_ for _ in ()).throw(PermissionError(1, "not the owner")))
    keeping.remove_tree(folder)
    assert not folder.exists()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two sample months loaded with a generated key."""
    settings = make_settings(tmp_path_factory.mktemp("sample"))
    settings = dataclasses.replace(settings, key_text=None)
    (settings.landing / "sample.json").write_text("{}")
    write_delivery(settings.landing, "2024-01", 1, {"ordinary_hours": hours_rows(60)})
    load(settings)
    return settings


def key_ids(settings: Settings) -> tuple[str, str]:
    """Key of the warehouse, and key that is set."""
    return str(query(settings, "select key_id from build.key")[0][0]), load_key(settings).key_id


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has the pipeline of a renewal load with the key that is set, and end with the status given."""
    monkeypatch.setattr(renewing, "marts_hashes", lambda file: {"fct_results": str(file.exists())})

    def ending_with(status: int) -> None:
        def run(settings: Settings) -> int:
            former = settings.data / "aside" / settings.warehouse.name
            shutil.copy(former, settings.warehouse)
            with warehouse.connect(settings) as connection:
                connection.execute("update build.key set key_id = ?", [load_key(settings).key_id])
            return status

        monkeypatch.setattr(renewing, "run_pipeline", run)

    return ending_with


def rekey_status(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: settings))
    return rekey.main()


def test_a_rekey_killed_at_any_step_leaves_a_warehouse_and_its_key(
    sample: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipelines: Callable[[int], None]
) -> None:
    pipelines(0)
    before = key_ids(sample)
    finished: set[bool] = set()
    for step in range(1, MORE_STEPS_THAN_ANY):
        settings = moved(sample, tmp_path / str(step))
        was_killed = killed_at(step, tmp_path / str(step), lambda here=settings: rekey_status(here, monkeypatch))
        # What `make pipeline` does first.
        renewing.bring_back(settings)
        of_warehouse, that_is_set = key_ids(settings)
        assert of_warehouse == that_is_set, step
        finished.add(of_warehouse != before[0])
        # A key that was never used may be left half written; the next one is written over it.
        keys = {path.name for path in settings.keys.iterdir()} - {"sample.new"}
        assert not list(settings.data.glob("*aside*")) and keys == {"sample.key"}, step
        assert rekey_status(settings, monkeypatch) == 0
        shutil.rmtree(tmp_path / str(step))
        if not was_killed:
            assert step > 10 and finished == {True, False}
            return
    raise AssertionError("the work never came to its end")


def test_a_second_rekey_never_loses_the_key_of_the_warehouse(
    sample: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipelines: Callable[[int], None]
) -> None:
    settings = moved(sample, tmp_path)
    key, rows = sample_key_path(settings).read_bytes(), settings.warehouse.read_bytes()

    class Killed(BaseException):
        """Stands for a kill: nobody catches it, and nothing is put back."""

    def killed(here: Settings) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(renewing, "run_pipeline", killed)
        patched.setattr(renewing, "bring_back", lambda _: False)
        with pytest.raises(Killed):
            rekey_status(settings, patched)
    assert sample_key_path(settings).read_bytes() != key and not settings.warehouse.exists()
    pipelines(1)
    assert rekey_status(settings, monkeypatch) == 1
    assert (sample_key_path(settings).read_bytes(), settings.warehouse.read_bytes()) == (key, rows)
    pipelines(0)
    assert rekey_status(settings, monkeypatch) == 0
    of_warehouse, that_is_set = key_ids(settings)
    assert of_warehouse == that_is_set and sample_key_path(settings).read_bytes() != key


_TAKE = """
    import sys, time
    from orchestration.lib.pipeline_lock import PipelineRunning, is_handed_on, pipeline_lock
    from orchestration.lib.settings import Settings

    settings = Settings.from_environment()
    try:
        with pipeline_lock(settings), pipeline_lock(settings):
            print("in", is_handed_on(settings), flush=True)
            time.sleep(float(sys.argv[1]))
    except PipelineRunning as error:
        print("out", error, flush=True)
"""


def start_taking(settings: Settings, seconds: int = 0, **options: object) -> subprocess.Popen[str]:
    """Another process that takes the lock."""
    variables, files = options.get("variables", {}), options.get("files", ())
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_TAKE), str(seconds)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "JOBCENTER_DATA": str(settings.data), **variables},  # type: ignore[dict-item]
        pass_fds=files,  # type: ignore[arg-type]
        stdout=subprocess.PIPE,
        text=True,
    )


def taken(settings: Settings, **options: object) -> str:
    return start_taking(settings, **options).communicate(timeout=60)[0]


def test_while_a_renewal_is_at_work_no_other_pipeline_comes_in(
    sample: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = moved(sample, tmp_path)
    rows = settings.warehouse.read_bytes()
    said: list[str] = []
    bring_back = renewing.bring_back

    def ask(here: Settings) -> int:
        said.append(taken(here))
        return 1

    def ask_and_bring_back(here: Settings) -> bool:
        said.append(taken(here))
        return bring_back(here)

    monkeypatch.setattr(renewing, "marts_hashes", lambda _: {})
    monkeypatch.setattr(renewing, "run_pipeline", ask)
    monkeypatch.setattr(renewing, "bring_back", ask_and_bring_back)
    assert rekey_status(settings, monkeypatch) == 1
    assert len(said) == 3 and all(f"out Another pipeline (process {os.getpid()})" in text for text in said)
    assert settings.warehouse.read_bytes() == rows and taken(settings).startswith("in False")


def test_the_lock_is_handed_on_to_a_child_and_to_nobody_else(sample: Settings, tmp_path: Path) -> None:
    settings = moved(sample, tmp_path)
    assert for_child(settings) == ({}, ())
    with pipeline_lock(settings):
        variables, files = for_child(settings)
        assert taken(settings, variables=variables, files=files).startswith("in True")
        # The variable without the file, another file under the number, and the same file opened anew.
        assert taken(settings, variables=variables).startswith("out")
        with (settings.data / "pipeline.lock").open() as anew, (settings.data / "other").open("w") as other:
            for file in (anew, other):
                number = file.fileno()
                assert taken(settings, variables={HANDED_ON: str(number)}, files=(number,)).startswith("out")
        assert not is_handed_on(settings)
    assert taken(settings, variables={HANDED_ON: "9" * 30}).startswith("in False")


def test_a_child_keeps_the_lock_when_its_holder_is_killed(sample: Settings, tmp_path: Path) -> None:
    settings = moved(sample, tmp_path)
    # Out of the way of this process: what it forks would inherit the lock.
    code = """
        import os, subprocess, sys
        from orchestration.lib.pipeline_lock import for_child, pipeline_lock
        from orchestration.lib.settings import Settings

        settings = Settings.from_environment()
        with pipeline_lock(settings):
            variables, files = for_child(settings)
            command = [sys.executable, "-c", sys.argv[1], "60"]
            child = subprocess.Popen(command, env={**os.environ, **variables}, pass_fds=files)
            print(child.pid, flush=True)
            child.wait()
    """
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), textwrap.dedent(_TAKE)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "JOBCENTER_DATA": str(settings.data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        assert holder.stdout.readline() == "in True\n"
        holder.kill()
        holder.wait()
        with pytest.raises(PipelineRunning), pipeline_lock(settings):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
    for _ in range(100):
        try:
            with pipeline_lock(settings):
                return
        except PipelineRunning:
            time.sleep(0.1)
    raise AssertionError("the lock of two dead processes is still held")


def test_the_pipeline_of_a_renewal_works_under_its_lock(sample: Settings, tmp_path: Path) -> None:
    """It comes as far as what it needs first, a landing zone; kept out, it would end with 75."""
    settings = dataclasses.replace(moved(sample, tmp_path), landing=tmp_path / "absent")
    with pipeline_lock(settings):
        (settings.data / "aside").mkdir()
        assert renewing.run_pipeline(settings) == pipeline.EXIT_SET_UP
        # What lies aside is the renewal's own.
        assert (settings.data / "aside").is_dir()
    assert renewing.run_pipeline(settings) == pipeline.EXIT_SET_UP
    assert not (settings.data / "aside").exists()
