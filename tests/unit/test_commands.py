"""The commands that hand over to another program or serve pages: what they say, and how it is called."""

from __future__ import annotations

import os
import socket
import tomllib
from pathlib import Path

import pytest

from orchestration.commands import dev, serve, site
from orchestration.lib.release import writer
from orchestration.lib.settings import PROJECT_ROOT, Settings
from orchestration.site import build


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
    assert serve.main(["--port", "0"]) == 2 and site.main([]) == 2
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
