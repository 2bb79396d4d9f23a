"""Commands: exit status and message of each outcome, and how those that hand over to another program call it."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from orchestration.commands import dev, explain, pipeline, rebuild, rekey, restore_drill, retention, serve, site
from orchestration.lib import progress, warehouse
from orchestration.lib.ledger import LedgerBroken
from orchestration.lib.operations import renewing
from orchestration.lib.release import writer
from orchestration.lib.settings import PROJECT_ROOT, Settings
from orchestration.site import build
from tests.support.landing import TEST_KEY, hours_rows, load, make_settings, write_delivery


def run(settings: Settings, command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command on that place, with no setting but the places and those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOBCENTER_", "DAGSTER_"))}
    places = {"JOBCENTER_LANDING": str(settings.landing), "JOBCENTER_DATA": str(settings.data)}
    return subprocess.run(
        [sys.executable, "-m", f"orchestration.commands.{command}", *arguments],
        cwd=PROJECT_ROOT, env={**kept, **places, **variables},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "Stopped: No key for replacing CPR numbers: neither JOBCENTER_KEY nor JOBCENTER_KEY_FILE is set. Make"),
        ({"JOBCENTER_KEY": "short"}, "Stopped: The key in JOBCENTER_KEY has 5 bytes;"),
        ({"JOBCENTER_KEY_FILE": "/no/such.key"}, "Stopped: JOBCENTER_KEY_FILE: /no/such.key can't be read (No such "),
        ({"JOBCENTER_KEY": TEST_KEY[::-1]}, "Stopped: The warehouse was loaded with key "),
    ],
)
def test_a_key_that_will_not_do_is_told_before_dagster_is_started(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    load(settings)
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(3)})
    done = run(settings, "pipeline", **variables)
    assert (done.returncode, done.stderr) == (pipeline.EXIT_SET_UP, "")
    assert said in done.stdout and "starting Dagster" not in done.stdout


def test_without_any_delivery_nothing_is_published(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    (settings.landing / "2024-07" / "delivery-001").mkdir(parents=True)
    done = run(settings, "pipeline")
    assert done.returncode == pipeline.EXIT_SET_UP
    assert "2024-07/delivery-001 has no manifest.json" in done.stdout
    assert f"no delivery (a folder with manifest.json) lies in {settings.landing}" in done.stdout
    assert not list(settings.releases.iterdir())


def test_a_loaded_delivery_that_has_gone_from_the_landing_zone_is_told(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    load(settings)
    wrong = replace(settings, landing=tmp_path / "elsewhere")
    wrong.landing.mkdir()
    situation = pipeline.look(wrong)
    assert situation.warnings == [
        f"1 loaded delivery is no longer in {wrong.landing} (2024-06/delivery-001). Is it the right landing zone? "
        "What was loaded stays, but can't be loaded again"
    ]
    assert not situation.is_nothing_there
    assert pipeline.look(settings).warnings == []


@pytest.mark.parametrize("command", ["check", "layers", "parse", "pipeline", "rekey", "restore_drill"])
def test_a_command_without_options_does_nothing_when_it_is_given_one(tmp_path: Path, command: str) -> None:
    settings = Settings(landing=tmp_path / "landing", data=tmp_path / "data")
    done = run(settings, command, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: --dry-run" in done.stderr
    assert not settings.data.exists()


def test_help_of_the_pipeline_says_what_its_statuses_mean_and_runs_nothing(tmp_path: Path) -> None:
    settings = Settings(landing=tmp_path / "landing", data=tmp_path / "data")
    done = run(settings, "pipeline", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert pipeline.__doc__ is not None and pipeline.__doc__.strip() in done.stdout
    assert "usage: python -m orchestration.commands.pipeline" in done.stdout
    assert not settings.data.exists()


def test_who_reads_the_first_lines_only_gets_no_traceback(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    place = {"JOBCENTER_LANDING": str(settings.landing), "JOBCENTER_DATA": str(settings.data)}
    command = [sys.executable, "-m", "orchestration.commands.doctor"]
    started = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env={**os.environ, **place}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout is not None and started.stderr is not None
    started.stdout.close()
    assert started.stderr.read() == b"" and started.wait() == 128 + signal.SIGPIPE


@pytest.mark.parametrize(
    ("given", "landing"), [((), "landing"), (("LANDING=the zone/x",), "the zone/x"), (("LANDING=/the zone",), None)]
)
def test_make_takes_folders_with_spaces(tmp_path: Path, given: tuple[str, ...], landing: str | None) -> None:
    here = tmp_path / "my project"
    here.mkdir()
    told = 'told: ; @echo "$(JOBCENTER_LANDING)|$(JOBCENTER_DATA)"'
    command = ["make", "-f", str(PROJECT_ROOT / "Makefile"), f"--eval={told}", "told", *given]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JOBCENTER_", "MAKE"))}
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{here / landing if landing else '/the zone'}|{here}/data\n"


@pytest.mark.parametrize(
    ("value", "is_counted"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)]
)
def test_foertidspension_is_counted_when_it_is_asked_for(value: str, is_counted: bool) -> None:
    command = ["make", "--dry-run", "scenario", f"FOERTIDSPENSION={value}"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "orchestration.commands.scenario" in done.stdout
    assert ("--foertidspension" in done.stdout) == is_counted


def test_with_nothing_but_rejected_deliveries_it_says_so_and_builds_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": b"PAR1"}, "csv")
    assert len(load(settings).rejected) == 1
    for name, value in (("LANDING", settings.landing), ("DATA", settings.data), ("KEY", TEST_KEY)):
        monkeypatch.setenv(f"JOBCENTER_{name}", str(value))
    monkeypatch.setattr(pipeline, "run_job", lambda *arguments: pytest.fail("it was run"))
    monkeypatch.setattr(progress, "_TERMINAL", 1)
    assert pipeline.main() == pipeline.EXIT_FAILED
    said = capfd.readouterr().out
    assert "Stopped: no delivery is new, and none stands in the warehouse. Deliver the rejected ones again" in said
    assert "unreadable: ordinary_hours.csv: is a Parquet file" in said


def test_of_a_failed_step_our_own_error_is_told_and_not_what_caused_it() -> None:
    def told(error: Exception, cause: Exception) -> str:
        try:
            try:
                raise error from cause
            except Exception as caught:
                raise RuntimeError("Error occurred while executing op") from caught
        except RuntimeError:
            return pipeline.innermost_message(serializable_error_info_from_exc_info(sys.exc_info()))

    assert told(LedgerBroken("line 3 can't be read"), ValueError("x")) == "line 3 can't be read"
    assert told(RuntimeError("while writing"), OSError(28, "No space left")) == "OSError: [Errno 28] No space left"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that Dagster would be started with, in place of starting it."""
    found: list[list[str]] = []
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path))
    # Both tell the environment of this process where things are.
    monkeypatch.setattr(dev, "prepare_dagster_home", lambda _: None)
    monkeypatch.setattr(dev, "ensure_manifest", lambda _: None)
    monkeypatch.setattr(os, "execvp", lambda _, words: found.append(words))
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.chdir(tmp_path)
    return found


def test_dev_does_not_start_where_another_program_listens(
    started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert dev.main(["--port", str(port)]) == 2
    assert not started
    assert f"dev: port {port} can't be used (Address already in use); choose another" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "x"])
def test_a_port_that_there_is_not_is_told(
    started: list[list[str]], capsys: pytest.CaptureFixture[str], port: str
) -> None:
    for main in (dev.main, serve.main):
        with pytest.raises(SystemExit, match="2"):
            main([f"--port={port}"])
        assert "argument --port: a port is a number from 1 to 65535" in capsys.readouterr().err
    assert not started


def test_dev_listens_on_this_machine_alone_and_takes_the_definitions_from_the_project(started: list[list[str]]) -> None:
    dev.main(["--port", "3999"])
    assert started[0][-5:] == ["dev", "-h", "127.0.0.1", "-p", "3999"]
    assert Path.cwd() == PROJECT_ROOT
    # One name in both places: dg warns at every request about two.
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert project["dagster"]["module_name"] == "orchestration.definitions"
    assert project["dagster"]["code_location_name"] == project["dg"]["project"]["code_location_name"]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current release of a place of its own, without a web site."""
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path))
    name = "20250101T000000Z-aaaaaaaa"
    folder = Settings.from_environment().releases / name
    folder.mkdir(parents=True)
    (folder / writer.MANIFEST).touch()
    (folder / "release.duckdb").touch()
    writer.make_current(folder.parent, name)
    return folder


def test_a_site_that_can_not_be_written_is_not_taken_for_a_port(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "build_site", refuse)
    assert serve.main(["--port", "8080"]) == 2 and site.main([]) == 2
    said = capsys.readouterr().err.splitlines()
    reason = f"the web site of {release} can't be written: [Errno 28] No space left on device"
    assert said == [f"serve: {reason}", f"site: {reason}"]


def test_a_port_that_is_taken_is_named(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (release / "site").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve.main(["--port", str(port)]) == 2
    assert f"serve: port {port} can't be used (Address already in use)" in capsys.readouterr().err


def test_a_site_is_on_the_disk_before_it_has_its_name(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut a folder `site` with empty pages would be taken for a whole one."""

    def write(_: Path, target: Path) -> build.SiteReport:
        (target / "da").mkdir(parents=True)
        (target / "da" / "index.html").write_text("page")
        return build.SiteReport(1, 4, 0.1)

    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink().relative_to(release)))
        real(handle)

    monkeypatch.setattr(build, "build_site", write)
    monkeypatch.setattr(os, "fsync", fsync)
    build.publish_site(release)
    inside = [".incomplete-site", ".incomplete-site/da", ".incomplete-site/da/index.html"]
    assert sorted(synced[:-1]) == inside and synced[-1] == "."


RELEASE = "20240301T000000Z-aaaaaaaa"
FIGURE = ["--municipality", "0101", "--period", "2024-03", "--measure", "benefit_recipients"]

Harm = Callable[[Settings], object]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A place with a key, an empty warehouse and a release with a site, as the environment names it."""
    for name, value in {"LANDING": tmp_path / "landing", "DATA": tmp_path / "data", "KEY": TEST_KEY}.items():
        monkeypatch.setenv(f"JOBCENTER_{name}", str(value))
    monkeypatch.delenv("JOBCENTER_KEY_FILE", raising=False)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    # Its own is that of the moment in which it was imported.
    monkeypatch.setattr(progress, "_TERMINAL", 1)
    settings = Settings.from_environment().prepare()
    settings.landing.mkdir()
    with warehouse.connect(settings) as connection:
        warehouse.ensure_schemas(connection)
    (settings.releases / RELEASE / "site").mkdir(parents=True)
    (settings.releases / RELEASE / "site" / "index.html").write_text("page")
    return settings


def nothing(_: Settings) -> None:
    """All is as it should be."""


def no_warehouse(settings: Settings) -> None:
    settings.warehouse.unlink()


def broken_warehouse(settings: Settings) -> None:
    settings.warehouse.write_bytes(b"no database" * 5000)


def broken_ledger(settings: Settings) -> None:
    settings.ledger.write_text("no json\n")


def no_landing(settings: Settings) -> None:
    settings.landing.rmdir()


def old_delivery(settings: Settings) -> None:
    write_delivery(settings.landing, "2015-01", 1, {"ordinary_hours": []})


def broken_log(settings: Settings) -> None:
    (settings.data / "retention.jsonl").write_text("[]\n")


def closed_landing(settings: Settings) -> None:
    # Not a matter of rights, which root always has: a link stands where the folder is to be renamed to.
    old_delivery(settings)
    (settings.landing / "2015-01" / ".deleted-delivery-001").symlink_to(settings.landing)


def no_site(settings: Settings) -> None:
    (settings.releases / RELEASE / "site" / "index.html").unlink()
    (settings.releases / RELEASE / "site").rmdir()


def broken_release(settings: Settings) -> None:
    no_site(settings)
    (settings.releases / RELEASE / "release.duckdb").write_bytes(b"no database" * 5000)


@pytest.mark.parametrize(
    ("main", "arguments", "harm", "status", "said"),
    [
        (rekey.main, None, no_warehouse, 1, "not rekeyed: There is no warehouse at"),
        (rekey.main, None, broken_warehouse, 1, "is damaged and can't be opened"),
        (rekey.main, None, broken_ledger, 1, "deliveries.jsonl, line 1 can't be read"),
        (rekey.main, None, no_landing, 2, "is no folder: set JOBCENTER_LANDING"),
        (restore_drill.main, None, no_warehouse, 1, "the drill failed: There is no warehouse at"),
        (restore_drill.main, None, broken_warehouse, 1, "is damaged and can't be opened"),
        (restore_drill.main, None, broken_ledger, 1, "deliveries.jsonl, line 1 can't be read"),
        (restore_drill.main, None, no_landing, 2, "is no folder: set JOBCENTER_LANDING"),
        (retention.main, [], nothing, 0, "nothing is that old"),
        (retention.main, ["--yes"], nothing, 0, "nothing is that old"),
        (retention.main, [], old_delivery, 0, "would delete 2015-01/delivery-001"),
        (retention.main, ["--yes"], closed_landing, 1, "run it again: what was begun is finished then"),
        (retention.main, [], broken_ledger, 1, "deliveries.jsonl, line 1 can't be read"),
        (retention.main, [], broken_log, 1, "retention.jsonl, line 1 can't be read"),
        (retention.main, [], no_landing, 2, "is no folder: set JOBCENTER_LANDING"),
        (retention.main, ["--on", "1800-01-01"], nothing, 2, "no row of retention_landing_months"),
        (explain.main, FIGURE, no_warehouse, 2, "explain: There is no warehouse at"),
        (explain.main, FIGURE, broken_warehouse, 2, "is damaged and can't be opened"),
        (explain.main, FIGURE, nothing, 2, "explain: Catalog Error"),
        (site.main, [], nothing, 2, "site: there is no current release in"),
        (site.main, ["--release", "20990101T000000Z-aaaaaaaa"], nothing, 2, "there is no release 20990101T000000Z"),
        (site.main, ["--release", RELEASE], no_site, 2, "holds no release.duckdb"),
        (site.main, ["--release", RELEASE], broken_release, 2, "not a valid DuckDB database"),
        (site.main, ["--release", RELEASE], nothing, 0, "site: 1 pages, largest 0 kB, was there already"),
    ],
)
def test_a_command_ends_with_its_status_and_says_why(
    place: Settings,
    capfd: pytest.CaptureFixture[str],
    main: Callable[..., int],
    arguments: list[str] | None,
    harm: Harm,
    status: int,
    said: str,
) -> None:
    harm(place)
    assert (main() if arguments is None else main(arguments)) == status
    output = capfd.readouterr()
    assert said in output.out + output.err


@pytest.mark.parametrize(
    ("main", "arguments", "named"),
    [
        (retention.main, ["--on", "last spring"], "--on"),
        (explain.main, FIGURE[:4], "--measure"),
        (site.main, ["--release"], "--release"),
    ],
)
def test_a_wrong_argument_is_named(
    place: Settings,
    capfd: pytest.CaptureFixture[str],
    main: Callable[[list[str]], int],
    arguments: list[str],
    named: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and named in capfd.readouterr().err


@pytest.mark.parametrize("main", [rekey.main, restore_drill.main, lambda: retention.main(["--yes"])])
def test_a_command_that_writes_waits_for_the_pipeline(
    place: Settings, capfd: pytest.CaptureFixture[str], main: Callable[[], int]
) -> None:
    with (place.data / "pipeline.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main() == 75
    assert "nothing was done" in capfd.readouterr().out and place.warehouse.exists()


def test_a_rekey_without_a_key_changes_nothing(
    place: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JOBCENTER_KEY")
    assert rekey.main() == 2
    assert "No key for replacing CPR numbers" in capfd.readouterr().out
    assert place.warehouse.exists() and not (place.data / "aside").exists()


@pytest.mark.parametrize("status", [0, 1])
def test_commands_that_run_the_pipeline_end_as_it_does(
    place: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    """Each begins with a sound place; the pipeline makes the same marts, or fails."""

    def run(settings: Settings) -> int:
        with warehouse.connect(settings) as connection:
            warehouse.ensure_schemas(connection)
        return status

    monkeypatch.setattr(renewing, "run_pipeline", run)
    monkeypatch.setattr(rebuild, "main", lambda arguments: 1 if arguments == [RELEASE] else 2)
    assert (rekey.main(), restore_drill.main()) == (status, status)
    output = capfd.readouterr().out
    assert ("0 tables of the marts are equal" in output) == (status == 0)
    assert output.count("the former warehouse is back in its place") == 2 * status and place.warehouse.exists()
    (place.releases / "current").symlink_to(RELEASE)
    # Without it the warehouse alone was compared; with it the release as well.
    assert restore_drill.main() == 1
    old_delivery(place)
    assert retention.main(["--yes"]) == status
    assert "deleting 2015-01/delivery-001" in capfd.readouterr().out and not list(place.landing.iterdir())


def test_an_explanation_is_printed(
    place: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explain, "explain", lambda _, *asked: f"explained: {asked}")
    assert explain.main([*FIGURE, "--group", "all"]) == 0
    assert capfd.readouterr().out == "explained: ('0101', '2024-03', 'benefit_recipients', 'all')\n"
