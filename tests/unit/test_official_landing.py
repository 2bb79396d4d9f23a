"""Fetched deliveries appear whole, are numbered from 901, and the status of a source says since when."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.commands.pipeline import official_sources
from orchestration.lib.official import landing as landing_module
from orchestration.lib.official.fetching import source_status
from orchestration.lib.official.landing import FetchedFile, deliver, fetched_deliveries, newest_delivered
from orchestration.lib.official.status import (
    ItemStatus,
    SourceStatus,
    describe,
    next_status,
    read_statuses,
    standing,
    write_statuses,
)
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.landing import load, make_settings, query

NOW = datetime(2026, 8, 19, 8, 56, tzinfo=UTC)
FILE = FetchedFile("jobindsats_y30r21", "jobindsats_y30r21.json", b'{"columns": ["P"], "rows": [["a"]]}', 1)


def test_a_delivery_has_the_form_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "2026-08" / "delivery-003").mkdir(parents=True)
    delivered = deliver(tmp_path, "2026-08", "jobindsats", FILE, NOW)
    folder = tmp_path / "2026-08" / "delivery-901"
    assert delivered.file == folder / FILE.name
    assert sorted(path.name for path in folder.iterdir()) == [FILE.name, "manifest.json"]
    assert json.loads((folder / "manifest.json").read_text()) == {
        "contract_version": "1",
        "period": "2026-08",
        "delivery": 901,
        "delivered_at": "2026-08-19T08:56:00+00:00",
        "supplier": "jobindsats",
        "files": [
            {
                "dataset": "jobindsats_y30r21",
                "file": "jobindsats_y30r21.json",
                "rows": 1,
                "sha256": hashlib.sha256(FILE.content).hexdigest(),
            }
        ],
    }


def test_numbers_go_on_and_the_newest_is_found(tmp_path: Path) -> None:
    numbers = [deliver(tmp_path, "2026-08", "jobindsats", FILE, NOW).delivery for _ in range(3)]
    deliver(tmp_path, "2026-07", "jobindsats", FILE, NOW)
    newest = newest_delivered(tmp_path, "jobindsats", FILE.dataset)
    assert numbers == [901, 902, 903]
    assert newest is not None and (newest.period, newest.delivery) == ("2026-08", 903)
    assert newest_delivered(tmp_path, "statbank", FILE.dataset) is None
    assert newest_delivered(tmp_path, "jobindsats", "jobindsats_other") is None
    assert len(list(fetched_deliveries(tmp_path))) == 4


def test_a_delivery_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = landing_module._write

    def full_disk(path: Path, content: bytes) -> None:
        if path.name == "manifest.json":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(landing_module, "_write", full_disk)
    with pytest.raises(OSError, match="No space"):
        deliver(tmp_path, "2026-08", "jobindsats", FILE, NOW)
    assert list((tmp_path / "2026-08").iterdir()) == []


def test_a_period_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2026-13"):
        deliver(tmp_path, "2026-13", "jobindsats", FILE, NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_manifest_is_not_taken_for_a_fetch(tmp_path: Path) -> None:
    for name, text in (("delivery-901", "{"), ("delivery-001", "{}"), ("delivery-x", "{}")):
        folder = tmp_path / "2026-08" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(text)
    assert list(fetched_deliveries(tmp_path)) == []
    assert deliver(tmp_path, "2026-08", "jobindsats", FILE, NOW).delivery == 902


def test_a_state_keeps_since_when_it_holds() -> None:
    later = NOW.replace(hour=9)
    latest = NOW.replace(hour=10)
    first = next_status(None, "ok", "delivered", NOW, "2026-07-26")
    still = next_status(first, "ok", "unchanged", later, "2026-07-26")
    stale = next_status(still, "stale", "no network", latest, None)
    assert (first.since, still.since, still.last_success_at) == (
        NOW.isoformat(timespec="seconds"),
        NOW.isoformat(timespec="seconds"),
        later.isoformat(timespec="seconds"),
    )
    assert (stale.state, stale.since, stale.update_latest) == ("stale", still.last_success_at, "2026-07-26")
    assert next_status(None, "failed", "HTTP 500", NOW, None).since is None


def test_the_status_file_holds_what_was_written(tmp_path: Path) -> None:
    item = ItemStatus("stale", None, "no key", NOW.isoformat())
    write_statuses(tmp_path, {"jobindsats": SourceStatus(item, {"y30r21": item})})
    assert read_statuses(tmp_path) == {"jobindsats": SourceStatus(item, {"y30r21": item})}


def test_a_source_that_was_never_asked_is_stale_since_its_newest_delivery(tmp_path: Path) -> None:
    deliver(tmp_path / "landing", "2026-07", "jobindsats", FILE, NOW.replace(month=7))
    deliver(tmp_path / "landing", "2026-08", "jobindsats", FILE, NOW)
    deliver(tmp_path / "landing", "2026-08", "somebody else", FILE, NOW.replace(month=9))
    statuses = standing(tmp_path / "data", tmp_path / "landing", PROJECT_ROOT, NOW)
    assert describe(statuses) == [
        "official source jobindsats: stale since 2026-08-19: not asked yet: run `make fetch`",
        "official source statbank: stale, never fetched: not asked yet: run `make fetch`",
    ]


def test_what_was_ok_long_ago_is_stale_and_what_failed_stays_failed(tmp_path: Path) -> None:
    """official_source_fresh_days = 45: on the 45th day it is fresh, a second later it is not."""
    good = next_status(None, "ok", "delivered", NOW, "2026-07-26")
    bad = next_status(good, "failed", "HTTP 500", NOW, None)
    write_statuses(
        tmp_path,
        {"jobindsats": SourceStatus(bad, {"a": good, "b": bad}), "statbank": SourceStatus(good, {"population": good})},
    )
    fresh = standing(tmp_path, tmp_path, PROJECT_ROOT, NOW + timedelta(days=45))
    old = standing(tmp_path, tmp_path, PROJECT_ROOT, NOW + timedelta(days=45, seconds=1))
    day = NOW.date().isoformat()
    assert fresh == read_statuses(tmp_path)
    assert describe(fresh) == [f"official source jobindsats: failed since {day}: HTTP 500"]
    assert describe(old) == [
        f"official source jobindsats: failed since {day}: HTTP 500",
        f"official source statbank: stale since {day}: not asked for more than 45 days",
    ]
    states = {name: item.state for name, item in old["jobindsats"].tables.items()}
    assert states == {"a": "stale", "b": "failed"}


def test_one_table_that_nobody_asked_for_makes_its_source_stale(tmp_path: Path) -> None:
    first = next_status(None, "ok", "delivered", NOW, None)
    later = next_status(None, "ok", "delivered", NOW + timedelta(days=50), None)
    write_statuses(tmp_path, {"jobindsats": SourceStatus(later, {"a": first, "b": later})})
    statuses = standing(tmp_path, tmp_path, PROJECT_ROOT, NOW + timedelta(days=51))
    reason = "1 tables not asked for more than 45 days: a"
    assert describe(statuses)[0] == f"official source jobindsats: stale since 2026-08-19: {reason}"


def test_a_source_gives_the_reason_of_each_of_its_tables() -> None:
    def stale(reason: str) -> ItemStatus:
        return next_status(None, "stale", reason, NOW, None)

    many = {name: stale("no key") for name in "abcd"}
    assert source_status(None, many, NOW).reason == "no key"
    assert source_status(None, many | {"e": stale("no network")}, NOW).reason == "4 tables: no key; e: no network"


def test_the_pipeline_keeps_and_says_how_the_sources_stand(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    now = datetime.now().astimezone()
    good = next_status(None, "ok", "delivered", now, None)
    bad = next_status(good, "stale", "no key", now, None)
    write_statuses(settings.data, {"jobindsats": SourceStatus(bad, {"y30r21": bad}), "statbank": SourceStatus(good)})
    load(settings)
    for _ in range(2):
        assert official_sources(settings) == [f"official source jobindsats: stale since {now:%Y-%m-%d}: no key"]
    written = query(
        settings,
        "select source_code, table_id, state, since is not null, reason from quality.official_sources order by all",
    )
    assert written == [
        ("jobindsats", "y30r21", "stale", True, "no key"),
        ("jobindsats", None, "stale", True, "no key"),
        ("statbank", None, "ok", True, "delivered"),
    ]


def test_a_broken_status_file_is_no_status(tmp_path: Path) -> None:
    (tmp_path / "official_sources.json").write_text('{"sources": {"jobindsats": 1}}')
    assert read_statuses(tmp_path) == {}
    item = ItemStatus("ok", "yesterday", "delivered", NOW.isoformat())
    write_statuses(tmp_path, {"jobindsats": SourceStatus(item)})
    assert read_statuses(tmp_path) == {}
