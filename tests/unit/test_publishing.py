"""Order among the releases after a run that was killed while publishing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from orchestration.lib import build, publishing, warehouse
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings
from tests.support.landing import make_settings

FIRST, SECOND, THIRD = (f"2025010{day}T000000Z-aaaaaaaa" for day in (1, 2, 3))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A place with one release, published."""
    settings = make_settings(tmp_path).prepare()
    release(settings, FIRST, previous=None)
    writer.make_current(settings.releases, FIRST)
    return settings


def release(settings: Settings, name: str, *, previous: str | None, site: bool = True) -> Path:
    """A finished release folder, closed for writing as the writer does it."""
    folder = settings.releases / name
    folder.mkdir()
    (folder / writer.MANIFEST).write_text(json.dumps({"previous_release_id": previous, "build_id": name}))
    (folder / writer.MANIFEST).chmod(0o444)
    if site:
        (folder / "site").mkdir()
    folder.chmod(0o755)
    return folder


def names(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.releases.iterdir())


def test_a_candidate_that_was_never_checked_to_the_end_is_removed(settings: Settings) -> None:
    half = release(settings, SECOND, previous=FIRST, site=False)
    (half / ".incomplete-site").mkdir()
    (settings.releases / f"{writer.INCOMPLETE_PREFIX}{THIRD}").mkdir(mode=0o700)
    told = publishing.settle_releases(settings)
    assert names(settings) == [FIRST, "current"]
    assert [line.split(" ")[0] for line in told] == [f"{writer.INCOMPLETE_PREFIX}{THIRD}", "release"]
    assert publishing.settle_releases(settings) == []


def test_a_checked_release_that_lacks_only_the_link_becomes_current(settings: Settings) -> None:
    release(settings, SECOND, previous=FIRST)
    (told,) = publishing.settle_releases(settings)
    assert SECOND in told and "current" in told
    assert writer.current_release(settings.releases) == settings.releases / SECOND
    assert names(settings) == [FIRST, SECOND, "current"]


def test_the_first_release_ever_is_adopted_too(settings: Settings) -> None:
    (settings.releases / writer.CURRENT).unlink()
    publishing.settle_releases(settings)
    assert writer.current_release(settings.releases) == settings.releases / FIRST


def test_a_release_made_upon_another_than_the_current_one_is_not_adopted(settings: Settings) -> None:
    """What it hid was decided in view of a release that nobody reads."""
    release(settings, THIRD, previous=SECOND)
    publishing.settle_releases(settings)
    assert names(settings) == [FIRST, "current"]


def test_older_releases_stay_whatever_they_hold(settings: Settings) -> None:
    release(settings, SECOND, previous=FIRST)
    writer.make_current(settings.releases, SECOND)
    (settings.releases / FIRST / "site").rmdir()
    assert publishing.settle_releases(settings) == []
    assert names(settings) == [FIRST, SECOND, "current"]


def test_a_clock_before_the_current_release_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with warehouse.connect(settings) as connection:
        warehouse.ensure_schemas(connection)
    plan = build.BuildPlan("ab" * 16, "raw", "project", 1, True)
    monkeypatch.setattr(build, "plan_build", lambda connection, project: plan)
    monkeypatch.setattr(publishing, "require_passed", lambda *arguments: None)
    with pytest.raises(writer.ReleaseError, match=r"2024-12-31 .* before the current release"):
        publishing.write_candidate(settings, dt.datetime(2024, 12, 31, tzinfo=dt.UTC))
    assert names(settings) == [FIRST, "current"]
