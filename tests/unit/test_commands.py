"""The commands that hand over to another program: what they say before it takes over, and how it is called."""

from __future__ import annotations

import os
import socket
import tomllib
from pathlib import Path

import pytest

from orchestration.commands import dev
from orchestration.lib.settings import PROJECT_ROOT


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


def test_dev_listens_on_this_machine_alone_and_takes_the_definitions_from_the_project(started: list[list[str]]) -> None:
    dev.main(["--port", "3999"])
    assert started[0][-5:] == ["dev", "-h", "127.0.0.1", "-p", "3999"]
    assert Path.cwd() == PROJECT_ROOT
    # One name in both places: dg warns at every request about two.
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert project["dagster"]["module_name"] == "orchestration.definitions"
    assert project["dagster"]["code_location_name"] == project["dg"]["project"]["code_location_name"]
