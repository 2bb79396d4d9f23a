"""What commands say and with which status they end, without the work that they do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from orchestration.commands import dev, pipeline, serve
from orchestration.lib.ledger import LedgerBroken
from orchestration.lib.settings import PROJECT_ROOT, Settings
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
    ("value", "is_counted"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)]
)
def test_foertidspension_is_counted_when_it_is_asked_for(value: str, is_counted: bool) -> None:
    command = ["make", "--dry-run", "scenario", f"FOERTIDSPENSION={value}"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "orchestration.commands.scenario" in done.stdout
    assert ("--foertidspension" in done.stdout) == is_counted


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
