"""A candidate stands where nobody looks until its checks have passed, whenever a run is killed."""

from __future__ import annotations

import datetime as dt
import json
import stat
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.expectations.results import ChecksFailed, ExpectationResult, store_results
from orchestration.expectations.suites import Severity
from orchestration.lib import build, publishing, warehouse
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings
from orchestration.site.data import ReleaseData
from tests.support.faults import wrong_with_releases
from tests.support.landing import make_settings
from tests.support.release_fixture import build as build_warehouse

ONE_BATCH = "insert into raw.current_batches values ('population', '2024-12-01', 1, 'sha256', 98, 'STAR')"
FIRST, SECOND, THIRD = (f"2025010{day}T000000Z-aaaaaaaa" for day in (1, 2, 3))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A place with one release, published."""
    settings = make_settings(tmp_path).prepare()
    release(settings.releases, FIRST, previous=None)
    writer.make_current(settings.releases, FIRST)
    return settings


def release(place: Path, name: str, *, previous: str | None, site: bool = True) -> Path:
    """A finished release folder, closed for writing as the writer does it."""
    folder = place / name
    folder.mkdir()
    (folder / writer.MANIFEST).write_text(json.dumps({"previous_release_id": previous, "build_id": name}))
    (folder / writer.MANIFEST).chmod(0o444)
    if site:
        (folder / "site").mkdir()
    folder.chmod(0o755)
    return folder


def candidate(settings: Settings, name: str, *, previous: str | None, site: bool = True, passed: bool = True) -> Path:
    folder = release(settings.candidates, name, previous=previous, site=site)
    if passed:
        publishing.decide_upon_candidate(settings, folder, [result()])
    return folder


def result(severity: Severity = "error", *, success: bool = True) -> ExpectationResult:
    now = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    return ExpectationResult("rows", "release", "holds", "rpt_x", None, severity, success, "3", 3, "It holds.", now)


def names(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.releases.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_candidate_is_checked_where_nobody_looks_and_then_published_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path).prepare()
    build_warehouse(settings.warehouse, months=1, persons=2000, municipalities=4)
    with warehouse.connect(settings) as connection:
        warehouse.ensure_schemas(connection)
        connection.execute(ONE_BATCH)
        checks = [replace(result(), layer=layer) for layer in ("marts", "raw", "release")]
        store_results(connection, [*checks, replace(checks[0], expectation="warned", success=False)], "b")
    plan = build.BuildPlan("ab" * 16, "raw", "project", 1, True)
    monkeypatch.setattr(build, "plan_build", lambda connection, project: plan)
    monkeypatch.setattr(publishing, "require_passed", lambda *arguments: None)
    seen = []

    def look(database: Path, *arguments: object, **options: object) -> list[ExpectationResult]:
        seen.append((database.parent.parent, mode(database.parent.parent), list(settings.releases.iterdir())))
        return [result(), result("warn", success=False)]

    monkeypatch.setattr(publishing, "run_suites", look)
    written = publishing.write_candidate(settings, dt.datetime(2025, 1, 1, tzinfo=dt.UTC)).folder
    with duckdb.connect(str(written / "release.duckdb"), read_only=True) as released:
        assert released.execute("select layer, check_name, is_passed from meta.checks").fetchall() == [
            ("raw", "holds", True), ("marts", "holds", True), ("marts", "warned", False),
        ]  # fmt: skip
    assert [row["check_name"] for row in ReleaseData(written).checks] == ["holds", "holds", "warned"]
    results = publishing.check_candidate(settings, written)
    assert seen == [(settings.candidates, 0o700, [])]
    assert publishing.find_candidate(settings, written.name) == written and not publishing.has_passed(written)
    publishing.decide_upon_candidate(settings, written, results)
    (written / "site").mkdir()
    published = publishing.publish(settings, written)
    assert published == publishing.find_candidate(settings, written.name) == settings.releases / written.name
    assert names(settings) == [written.name, "current"] and list(settings.candidates.iterdir()) == []
    assert (settings.releases / "current").readlink() == Path(written.name)
    assert mode(settings.releases) == 0o755 and mode(published / publishing.CHECKS) == 0o444
    assert wrong_with_releases(settings.releases) == []
    assert json.loads((published / publishing.CHECKS).read_text())["warnings"] == 1
    # The same build again: nothing is written, and a published release is never changed.
    again = publishing.write_candidate(settings, dt.datetime(2025, 1, 2, tzinfo=dt.UTC))
    assert again == publishing.Candidate(published, is_new=False)
    publishing.decide_upon_candidate(settings, published, [result(), result()])
    assert json.loads((published / publishing.CHECKS).read_text())["warnings"] == 1


def test_nothing_is_released_before_a_delivery_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(tmp_path).prepare()
    with warehouse.connect(settings) as connection:
        warehouse.ensure_schemas(connection)
    monkeypatch.setattr(publishing, "require_passed", lambda *arguments: None)
    with pytest.raises(writer.ReleaseError, match="No delivery stands in the warehouse"):
        publishing.write_candidate(settings, dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    assert list(settings.candidates.iterdir()) == []


def test_a_refused_candidate_goes_and_was_never_seen(settings: Settings) -> None:
    folder = candidate(settings, SECOND, previous=FIRST, passed=False)
    with pytest.raises(ChecksFailed, match="refused and removed; 1 check"):
        publishing.decide_upon_candidate(settings, folder, [result(), result(success=False)])
    assert names(settings) == [FIRST, "current"] and list(settings.candidates.iterdir()) == []
    with pytest.raises(writer.ReleaseError, match="was refused or removed"):
        publishing.find_candidate(settings, SECOND)


@pytest.mark.parametrize("lacking", ["checks", "checks of this manifest", "site"])
def test_without_a_note_of_its_checks_or_a_site_no_candidate_is_published(settings: Settings, lacking: str) -> None:
    """A web site says nothing about checks: it may be there, whole, before they have run."""
    folder = candidate(settings, SECOND, previous=FIRST, site=lacking != "site", passed=lacking != "checks")
    if lacking == "checks of this manifest":
        (folder / writer.MANIFEST).chmod(0o600)
        (folder / writer.MANIFEST).write_text(json.dumps({"previous_release_id": FIRST, "build_id": "another"}))
    with pytest.raises(writer.ReleaseError, match="has not passed its checks or has no web site"):
        publishing.publish(settings, folder)
    (told,) = publishing.settle_releases(settings)
    assert told == f"release {SECOND} was never published and is removed"
    assert names(settings) == [FIRST, "current"] and list(settings.candidates.iterdir()) == []


def test_what_a_killed_run_left_unfinished_is_removed(settings: Settings) -> None:
    half = candidate(settings, SECOND, previous=FIRST, site=False, passed=False)
    (half / ".incomplete-site").mkdir()
    (settings.candidates / f"{writer.INCOMPLETE_PREFIX}{THIRD}").mkdir(mode=0o700)
    (settings.releases / f"{writer.INCOMPLETE_PREFIX}link").symlink_to(SECOND)
    told = publishing.settle_releases(settings)
    assert names(settings) == [FIRST, "current"] and list(settings.candidates.iterdir()) == []
    assert [line.split(" ")[0] for line in told] == [
        ".incomplete-link",
        f"{writer.INCOMPLETE_PREFIX}{THIRD}",
        "release",
    ]
    assert publishing.settle_releases(settings) == []


def test_a_checked_candidate_that_was_not_moved_is_published(settings: Settings) -> None:
    candidate(settings, SECOND, previous=FIRST)
    (told,) = publishing.settle_releases(settings)
    assert SECOND in told and "current" in told
    assert writer.current_release(settings.releases) == settings.releases / SECOND
    assert names(settings) == [FIRST, SECOND, "current"] and list(settings.candidates.iterdir()) == []


def test_a_release_that_was_moved_and_lacks_only_the_link_becomes_current(settings: Settings) -> None:
    writer.admit(candidate(settings, SECOND, previous=FIRST), settings.releases)
    (told,) = publishing.settle_releases(settings)
    assert SECOND in told and "current" in told
    assert writer.current_release(settings.releases) == settings.releases / SECOND
    assert names(settings) == [FIRST, SECOND, "current"]


def test_releases_that_have_lost_their_link_follow_each_other_again(settings: Settings) -> None:
    """As a backup that knows no links brings them back; the older ones know no note of their checks."""
    release(settings.releases, SECOND, previous=FIRST)
    (settings.releases / writer.CURRENT).unlink()
    publishing.settle_releases(settings)
    assert writer.current_release(settings.releases) == settings.releases / SECOND
    assert names(settings) == [FIRST, SECOND, "current"]


@pytest.mark.parametrize("place", ["releases", "candidates"])
def test_a_release_made_upon_another_than_the_current_one_is_not_adopted(settings: Settings, place: str) -> None:
    """What it hid was decided in view of a release that nobody reads."""
    folder = candidate(settings, THIRD, previous=SECOND)
    if place == "releases":
        writer.admit(folder, settings.releases)
    publishing.settle_releases(settings)
    assert names(settings) == [FIRST, "current"] and list(settings.candidates.iterdir()) == []


def test_older_releases_stay_whatever_they_hold(settings: Settings) -> None:
    release(settings.releases, SECOND, previous=FIRST)
    writer.make_current(settings.releases, SECOND)
    (settings.releases / FIRST / "site").rmdir()
    assert publishing.settle_releases(settings) == []
    assert names(settings) == [FIRST, SECOND, "current"]


def test_a_note_of_what_was_hidden_stays_as_long_as_its_release(settings: Settings) -> None:
    settings.protected_months.mkdir(mode=0o700)
    for name in (FIRST, SECOND, THIRD):
        (settings.protected_months / f"{name}.npz").touch()
    publishing.publish(settings, candidate(settings, THIRD, previous=FIRST))
    assert sorted(path.stem for path in settings.protected_months.iterdir()) == [FIRST, THIRD]


def test_a_name_that_is_taken_is_not_taken_again(settings: Settings) -> None:
    with pytest.raises(writer.ReleaseError, match="never changed"):
        writer.admit(candidate(settings, FIRST, previous=None), settings.releases)


def test_a_clock_before_the_current_release_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with warehouse.connect(settings) as connection:
        warehouse.ensure_schemas(connection)
        connection.execute(ONE_BATCH)
    plan = build.BuildPlan("ab" * 16, "raw", "project", 1, True)
    monkeypatch.setattr(build, "plan_build", lambda connection, project: plan)
    monkeypatch.setattr(publishing, "require_passed", lambda *arguments: None)
    with pytest.raises(writer.ReleaseError, match=r"2024-12-31 .* before the current release"):
        publishing.write_candidate(settings, dt.datetime(2024, 12, 31, tzinfo=dt.UTC))
    assert names(settings) == [FIRST, "current"]
