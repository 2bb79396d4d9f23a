"""dbt in the pipeline: a log renders what it shows; a manifest that was read is neither changed nor written anew."""

from __future__ import annotations

import copy
import importlib.metadata
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.events.types import MainReportVersion
from dbt_common.events.base_types import EventLevel, EventMsg, msg_from_base_event
from dbt_common.events.event_manager_client import cleanup_event_logger, get_event_manager
from dbt_common.events.logger import LineFormat, LoggerConfig
from dbt_common.events.types import Note, PrintEvent

from orchestration.lib import dbt_manifest
from orchestration.lib.dbt_manifest import DBT_PACKAGES, PARTIAL_PARSE, set_up_folder
from orchestration.lib.dbt_parsed import read_manifest, render_wanted_lines_only, warm_up
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.landing import make_settings

DEBUG = msg_from_base_event(MainReportVersion(version="1", log_version=3), EventLevel.DEBUG)
INFO = msg_from_base_event(Note(msg="a model is built"), EventLevel.INFO)
PRINTED = msg_from_base_event(PrintEvent(msg="a macro prints"), EventLevel.INFO)


@pytest.fixture
def shown() -> Iterator[io.StringIO]:
    """What dbt's log on the terminal has shown, in a process that renders what is wanted only."""
    cleanup_event_logger()
    stream = io.StringIO()
    get_event_manager().add_logger(
        LoggerConfig(name="test", line_format=LineFormat.Json, level=EventLevel.INFO, output_stream=stream)
    )
    yield stream
    cleanup_event_logger()


def write(event: EventMsg) -> list[bool]:
    """Hand the event to every log as dbt does; whether each of them rendered a line."""
    rendered = []
    for log in get_event_manager().loggers:
        if passed := log.filter(event):
            log.write_line(event)
        rendered.append(passed)
    return rendered


def test_a_line_below_the_level_is_not_rendered(shown: io.StringIO) -> None:
    assert write(DEBUG) == [True] and shown.getvalue() == ""
    render_wanted_lines_only(INFO)
    assert write(DEBUG) == [False] and shown.getvalue() == ""


def test_what_is_shown_stays_the_same(shown: io.StringIO) -> None:
    write(INFO), write(PRINTED)
    before = shown.getvalue()
    shown.truncate(0), shown.seek(0)
    for _ in range(2):  # called with every event
        render_wanted_lines_only(INFO)
    assert (write(INFO), write(PRINTED)) == ([True], [True])
    assert shown.getvalue() == before and "a model is built" in before and "a macro prints" in before


def test_the_logs_own_filter_still_holds(shown: io.StringIO) -> None:
    (log,) = get_event_manager().loggers
    log.filter = lambda event: event.info.name != "Note"
    render_wanted_lines_only(INFO)
    assert write(INFO) == [False] and write(PRINTED) == [True]


def contents(manifest: Manifest) -> list[dict[str, object]]:
    kept = (manifest.nodes, manifest.sources, manifest.macros, manifest.exposures, manifest.unit_tests)
    return [copy.deepcopy(node.to_dict()) for nodes in kept for node in nodes.values()]


def test_a_look_beforehand_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path))
    monkeypatch.chdir(PROJECT_ROOT)
    manifest = read_manifest(set_up_folder(PROJECT_ROOT) / PARTIAL_PARSE)
    before = contents(manifest)
    assert warm_up(manifest)
    assert contents(manifest) == before
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_a_look_that_fails_answers_no_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JOBCENTER_DATA", raising=False)
    monkeypatch.chdir(PROJECT_ROOT)
    assert not warm_up(read_manifest(set_up_folder(PROJECT_ROOT) / PARTIAL_PARSE))
    assert capfd.readouterr() == ("", "")


def test_the_stamp_names_all_of_dbt_that_is_locked() -> None:
    locked = re.findall(r"^(dbt-[a-z-]+)==", (PROJECT_ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert sorted(locked) == sorted(DBT_PACKAGES)


@pytest.mark.parametrize("package", DBT_PACKAGES)
def test_another_version_of_a_package_of_dbt_has_the_project_parsed_anew(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The macros of dbt-duckdb and dbt-adapters run from the manifest that was stored, not from what is installed."""
    settings, parsed = make_settings(tmp_path), []

    def parse(project: Path, folder: Path, wanted: str, **places: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("manifest.json", "{}"), (PARTIAL_PARSE, ""), ("parsed_project", wanted)):
            (folder / name).write_text(text)
        parsed.append(wanted)

    monkeypatch.setattr(dbt_manifest, "_parse", parse)
    monkeypatch.setattr(dbt_manifest, "set_up_folder", lambda _: tmp_path / "set up")
    for _ in range(2):
        dbt_manifest.ensure_manifest(settings)
    assert len(parsed) == 1
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99.0" if name == package else installed(name))
    dbt_manifest.ensure_manifest(settings)
    assert len(parsed) == 2 and f"{package} 99.0" in parsed[1]
