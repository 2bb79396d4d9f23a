"""What stands in the warehouse is a function of the set of deliveries; nothing is lost, whatever happens in between."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib import loading
from orchestration.lib.ledger import Ledger
from orchestration.lib.loading import KeyMismatch
from orchestration.lib.pseudonyms import KeyMissing, KeyTooShort
from orchestration.lib.reading import ReadingFailed, ReadingRoom
from orchestration.lib.settings import PROJECT_ROOT, Settings
from orchestration.lib.warehouse import (
    WarehouseBroken,
    WarehouseLocked,
    WarehouseUnavailable,
    connect,
    is_corruption,
    set_aside_broken_warehouse,
)
from tests.support.landing import (
    benefit_rows,
    conversation_rows,
    hours_rows,
    load,
    make_settings,
    query,
    write_delivery,
)

TABLES = {
    "raw.benefit_periods": "*",
    "raw.conversations": "*",
    "raw.ordinary_hours": "*",
    "raw.population": "*",
    "raw.jobindsats_tables": "*",
    "raw.jobindsats_rows": "*",
    "raw.current_batches": "*",
    "quality.deliveries": "period, delivery, status, reasons, rows, hash, supplier, delivered_at, path",
    "quality.delivery_datasets": "*",
    "quality.quarantined_rows": "*",
}


def contents(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every table but the times of loading, in a total order."""
    connection = connect(settings, read_only=True)
    try:
        return {
            table: connection.execute(f"select {columns} from {table} order by all").fetchall()
            for table, columns in TABLES.items()
        }
    finally:
        connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def deliver_all(landing: Path) -> list[Path]:
    """Five deliveries of one month (a correction in part, a rejected one, two fetched) and one of the month before."""
    population = [{"municipality_code": "0101", "population_16_66": 5}]
    published = {"columns": ["Periode", "Antal"], "rows": [["2024QMAT02", 1.5], ["2024QMAT04", None]]}
    may = [*benefit_rows("2024-05", 60), *benefit_rows("2024-05", 1)]
    june = {"benefit_periods": benefit_rows("2024-06", 60), "population": population}
    return [
        write_delivery(landing, "2024-06", 1, june | {"conversations": conversation_rows("2024-06", 60)}),
        write_delivery(landing, "2024-06", 2, {"benefit_periods": benefit_rows("2024-06", 50)}, "csv"),
        write_delivery(landing, "2024-06", 3, {"conversations": conversation_rows("2024-06", 9, status="x")}),
        write_delivery(landing, "2024-06", 901, {"population": population}, supplier="statbank"),
        write_delivery(landing, "2024-06", 902, {"jobindsats_y30r21": published}, supplier="jobindsats"),
        write_delivery(landing, "2024-05", 1, {"benefit_periods": may}),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """All deliveries, loaded in one run that nothing disturbed."""
    settings = make_settings(tmp_path_factory.mktemp("undisturbed"))
    deliver_all(settings.landing)
    load(settings)
    return settings


def test_the_order_of_arrival_does_not_matter(tmp_path: Path, undisturbed: Settings) -> None:
    """Each delivery arrives alone, in several orders; the tables equal those of one run over all."""
    folders = sorted(undisturbed.landing.glob("*/*"))
    expected = contents(undisturbed)
    assert len(expected["raw.benefit_periods"]) == 50 + 60
    assert len(expected["raw.population"]) == 2
    orders = [order for number, order in enumerate(itertools.permutations(folders)) if number % 193 == 191]
    assert len(orders) == 3
    for number, order in enumerate(orders):
        place = make_settings(tmp_path / str(number))
        for folder in order:
            shutil.copytree(folder, place.landing / folder.parent.name / folder.name)
            report = load(place)
            assert len(report.accepted) + len(report.rejected) == 1
        assert contents(place) == expected


def test_loading_twice_changes_nothing(settings: Settings) -> None:
    deliver_all(settings.landing)
    first = load(settings)
    assert (len(first.accepted), len(first.rejected), first.unchanged) == (5, 1, 0)
    before, ledger = contents(settings), settings.ledger.read_bytes()
    second = load(settings)
    assert (second.accepted, second.rejected, second.superseded, second.unchanged) == ([], [], [], 6)
    assert (contents(settings), settings.ledger.read_bytes()) == (before, ledger)


def test_rows_in_the_files_are_rows_accepted_and_quarantined(settings: Settings) -> None:
    deliver_all(settings.landing)
    load(settings)
    (uneven,) = query(
        settings, "select count(*) from quality.delivery_datasets where rows_in_file <> accepted + quarantined"
    )
    assert uneven == (0,)
    assert query(settings, "select sum(quarantined) from quality.delivery_datasets") == query(
        settings, "select count(*) from quality.quarantined_rows"
    )
    for (table,) in query(settings, "select distinct dataset from raw.current_batches where dataset not like 'job%'"):
        assert query(settings, f"select count(*) from raw.{table}") == query(
            settings, f"select sum(row_count) from raw.current_batches where dataset = '{table}'"
        )


def test_known_files_are_not_read_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver_all(settings.landing)
    load(settings)
    monkeypatch.setattr(loading, "check_files", lambda *_: pytest.fail("a known delivery was read again"))
    assert load(settings).unchanged == 6


def statuses(settings: Settings) -> list[tuple[Any, ...]]:
    return query(settings, "select delivery, status from quality.deliveries order by 1")


def test_superseded_is_what_has_been_replaced_in_all_its_parts(settings: Settings) -> None:
    both = {"ordinary_hours": hours_rows(2), "benefit_periods": benefit_rows("2024-06", 2)}
    write_delivery(settings.landing, "2024-06", 1, both)
    write_delivery(settings.landing, "2024-06", 3, {"benefit_periods": benefit_rows("2024-06", 3)})
    load(settings)
    assert statuses(settings) == [(1, "accepted"), (3, "accepted")]
    write_delivery(settings.landing, "2024-06", 4, {"ordinary_hours": hours_rows(4, paid_hours="0")})
    assert load(settings).superseded == []  # a rejected delivery replaces nothing
    write_delivery(settings.landing, "2024-06", 2, {"benefit_periods": benefit_rows("2024-06", 1)})
    assert load(settings).superseded == ["2024-06/delivery-002"]  # late
    write_delivery(settings.landing, "2024-07", 5, {"ordinary_hours": hours_rows(4)})
    assert load(settings).superseded == []  # another period
    write_delivery(settings.landing, "2024-06", 6, {"ordinary_hours": hours_rows(6)})
    assert load(settings).superseded == ["2024-06/delivery-001"]
    assert statuses(settings) == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "accepted"),
        (4, "rejected"),
        (5, "accepted"),
        (6, "accepted"),
    ]
    assert query(settings, "select count(*) from raw.benefit_periods") == [(3,)]


def test_every_fetch_of_a_published_table_stays(settings: Settings) -> None:
    for number in (901, 902):
        document = {"columns": ["Periode", "Antal"], "rows": [["2024QMAT02", number], ["Hele landet", None]]}
        write_delivery(settings.landing, "2024-06", number, {"jobindsats_y30r21": document}, supplier="jobindsats")
    load(settings)
    assert statuses(settings) == [(901, "accepted"), (902, "accepted")]
    assert query(settings, "select table_id, columns, row_count, _delivery from raw.jobindsats_tables order by 4") == [
        ("y30r21", ["Periode", "Antal"], 2, 901),
        ("y30r21", ["Periode", "Antal"], 2, 902),
    ]
    assert query(settings, "select row_number, cells from raw.jobindsats_rows where _delivery = 902 order by 1") == [
        (1, ["2024QMAT02", "902"]),
        (2, ["Hele landet", None]),
    ]


def test_the_real_published_table_is_loaded(settings: Settings) -> None:
    path = PROJECT_ROOT.parent / "shared/real/jobindsats_y30r21.json"
    if not path.exists():
        pytest.skip("the real published table is not on this machine")
    document = json.loads(path.read_text(encoding="utf-8"))
    write_delivery(settings.landing, "2021-12", 1, {"jobindsats_y30r21": document})
    assert load(replace(settings, key_text=None)).rejected == []  # no persons, so no key is needed
    (count,) = query(settings, "select count(*), count(distinct cells[1]) from raw.jobindsats_rows")
    assert count == (1568, 4)


def test_periods_limit_the_run(settings: Settings) -> None:
    for period in ("2024-05", "2024-06"):
        write_delivery(settings.landing, period, 1, {"ordinary_hours": hours_rows(1)})
    said: list[str] = []
    report = load(settings, periods=["2024-06"], progress=said.append)
    assert [delivery.period for delivery in report.accepted] == ["2024-06"]
    assert said == ["1/1 2024-06/delivery-001"]


# A rebuild from the landing zone and the ledger


def test_a_deleted_warehouse_comes_back_equal_and_adds_nothing_to_the_ledger(settings: Settings) -> None:
    deliver_all(settings.landing)
    load(settings, now=datetime(2024, 7, 1, tzinfo=UTC))
    before, ledger = contents(settings), settings.ledger.read_bytes()
    settings.warehouse.unlink()
    load(settings, now=datetime(2025, 1, 1, tzinfo=UTC))
    assert (contents(settings), settings.ledger.read_bytes()) == (before, ledger)
    assert query(settings, "select distinct first_seen_at::date::text from quality.deliveries") == [("2024-07-01",)]


def test_a_rejected_folder_that_was_mended_since_stays_rejected_in_a_rebuild(settings: Settings) -> None:
    folder = write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    (folder / "extra").write_text("")
    first = load(settings)
    (folder / "extra").unlink()
    assert load(settings).unchanged == 1
    settings.warehouse.unlink()
    again = load(settings)
    assert again.rejected == first.rejected
    assert (again.accepted, again.lost) == ([], [])


def test_a_run_of_some_months_names_what_is_lost_in_others_and_not_what_waits_there(settings: Settings) -> None:
    gone = write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(3)})
    write_delivery(settings.landing, "2024-08", 1, {"ordinary_hours": hours_rows(3)})
    load(settings)
    settings.warehouse.unlink()
    shutil.rmtree(gone)
    report = load(settings, periods={"2024-07"})
    assert [loaded.path for loaded in report.accepted] == ["2024-07/delivery-001"]
    assert [lost.path for lost in report.lost] == ["2024-06/delivery-001"]


def test_a_rebuild_names_what_can_not_be_rebuilt(settings: Settings) -> None:
    changed = write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)}, "csv")
    damaged = write_delivery(settings.landing, "2024-06", 2, {"population": []}, "csv")
    deleted = write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(3)})
    write_delivery(settings.landing, "2024-08", 1, {"ordinary_hours": hours_rows(3)})
    assert load(settings).lost == []
    manifest = json.loads((changed / "manifest.json").read_text())
    (changed / "manifest.json").write_text(json.dumps(manifest | {"delivered_at": "2024-08-01T00:00:00+02:00"}))
    with (damaged / "population.csv").open("ab") as file:
        file.write(b"0101,5\n")
    shutil.rmtree(deleted)
    first = load(settings)
    assert first.lost == []  # all of it is still in the warehouse
    assert [one.path for one in first.rejected] == ["2024-06/delivery-001"]
    settings.warehouse.unlink()
    for _ in range(2):
        report = load(settings)
        assert [(lost.path, lost.datasets) for lost in report.lost] == [
            ("2024-06/delivery-001", ("ordinary_hours",)),
            ("2024-06/delivery-002", ("population",)),
            ("2024-07/delivery-001", ("ordinary_hours",)),
        ]
    reasons = dict(query(settings, "select delivery, reasons from quality.deliveries where status = 'rejected'"))
    assert reasons[1].startswith("content_changed: ")
    assert "hash: population.csv" in reasons[2]
    assert "content_changed: this delivery was accepted before" in reasons[2]
    assert "The figures from it can't be rebuilt: population." in reasons[2]
    assert query(settings, "select period from quality.deliveries where status = 'accepted'") == [("2024-08",)]


def test_only_what_was_known_then_is_loaded_for_a_rebuild_of_the_past(tmp_path: Path, settings: Settings) -> None:
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    load(settings, now=datetime(2024, 7, 1, tzinfo=UTC))
    write_delivery(settings.landing, "2024-06", 2, {"ordinary_hours": hours_rows(4)})
    load(settings, now=datetime(2024, 8, 1, tzinfo=UTC))
    write_delivery(settings.landing, "2024-06", 3, {"ordinary_hours": hours_rows(5)})
    past = replace(make_settings(tmp_path / "past"), landing=settings.landing)
    ledger = settings.ledger.read_bytes()
    load(past, ledger_path=settings.ledger, known_until=datetime(2024, 7, 31, tzinfo=UTC))
    assert query(past, "select _delivery, count(*) from raw.ordinary_hours group by 1") == [(1, 3)]
    assert settings.ledger.read_bytes() == ledger
    assert not past.ledger.exists()


def test_a_lost_ledger_is_written_again_from_the_warehouse(settings: Settings) -> None:
    deliver_all(settings.landing)
    load(settings)
    before = {(one.path, one.manifest_hash, one.status, one.reasons) for one in Ledger(settings.ledger)}
    settings.ledger.unlink()
    load(settings)
    after = {(one.path, one.manifest_hash, one.status, one.reasons) for one in Ledger(settings.ledger)}
    assert after == before
    assert all(one.files for one in Ledger(settings.ledger) if one.status == "accepted")


# Crashes


@pytest.mark.parametrize("step", ["_write_rows", "before the ledger", "after the ledger", "after the commit"])
def test_killed_anywhere_the_next_run_finishes_and_all_is_as_undisturbed(
    tmp_path: Path, undisturbed: Settings, step: str
) -> None:
    settings = make_settings(tmp_path / "killed")
    deliver_all(settings.landing)
    code = f"""
import os, signal
from pathlib import Path
from orchestration.lib import loading
from orchestration.lib.ledger import Ledger
from tests.support.landing import load, make_settings
step, calls = {step!r}, 0
def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)
append, load_delivery = Ledger.append, loading.load_delivery
def second_append(self, decision):
    global calls
    calls += 1
    if calls == 2 and step == "before the ledger": die()
    append(self, decision)
    if calls == 2 and step == "after the ledger": die()
Ledger.append = second_append
if step == "after the commit":
    def die_after(*args):
        load_delivery(*args)
        die()
    loading.load_delivery = die_after
elif hasattr(loading, step):
    original = getattr(loading, step)
    def die_at_second(*args):
        global calls
        calls += 1
        if calls >= 3: die()
        return original(*args)
    setattr(loading, step, die_at_second)
load(make_settings(Path({str(tmp_path / "killed")!r})))
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    load(settings)
    assert contents(settings) == contents(undisturbed)
    assert {one.path for one in Ledger(settings.ledger)} == {one.path for one in Ledger(undisturbed.ledger)}


def test_an_error_while_writing_rolls_back_and_the_next_run_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_all(settings.landing)

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full_disk)
        with pytest.raises(OSError, match="No space left"):
            load(settings)
    assert query(settings, "select count(*) from quality.deliveries") == [(0,)]
    assert query(settings, "select count(*) from raw.benefit_periods") == [(0,)]
    assert len(load(settings).accepted) == 5


def test_a_file_that_the_system_can_not_read_is_postponed_not_rejected(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_all(settings.landing)

    def failing_disk(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(loading, "check_files", failing_disk)
        report = load(settings)
    assert len(report.postponed) == 6
    assert report.postponed[0] == ("2024-05/delivery-001", "could not be read: Input/output error")
    assert len(load(settings).accepted) == 5


# The warehouse file


def test_a_second_process_is_told_who_holds_the_warehouse(settings: Settings) -> None:
    held = connect(settings)
    code = (
        "from pathlib import Path; from tests.support.landing import make_settings;"
        "from orchestration.lib.warehouse import connect; connect(make_settings(Path(__import__('sys').argv[1])))"
    )
    root = str(settings.data.parent)
    other = subprocess.run(
        [sys.executable, "-c", code, root], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    held.close()
    assert WarehouseLocked.__name__ in other.stderr
    assert f"is in use by process {os.getpid()}." in other.stderr


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_a_broken_file_is_set_aside_and_everything_is_loaded_again(settings: Settings, content: bytes) -> None:
    deliver_all(settings.landing)
    load(settings)
    before = contents(settings)
    settings.warehouse.write_bytes(content)
    with pytest.raises(WarehouseBroken, match="damaged and can't be opened"):
        connect(settings)
    aside = set_aside_broken_warehouse(settings)
    assert aside is not None and (aside / "warehouse.duckdb").read_bytes() == content
    load(settings)
    assert contents(settings) == before
    assert set_aside_broken_warehouse(settings) is not None
    assert not aside.exists()  # one generation is kept
    assert set_aside_broken_warehouse(settings) is None


def write_ahead_log(settings: Settings) -> None:
    """Make a warehouse whose last changes are in its write-ahead log only, as a killed run leaves it."""
    code = f"""
import os
from pathlib import Path
from tests.support.landing import make_settings
from orchestration.lib.loading import load_pending
from orchestration.lib.warehouse import connect
settings = make_settings(Path({str(settings.data.parent)!r}))
connection = connect(settings)
connection.execute("set checkpoint_threshold = '1GB'")
load_pending(connection, settings)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)


def test_a_damaged_or_cut_off_write_ahead_log_loses_nothing(tmp_path: Path, undisturbed: Settings) -> None:
    killed = make_settings(tmp_path / "killed")
    deliver_all(killed.landing)
    write_ahead_log(killed)
    for damage in ("none", "flipped", "cut off", "garbage", "gone"):
        shutil.copytree(tmp_path / "killed", tmp_path / damage)
        settings = make_settings(tmp_path / damage)
        wal = settings.data / "warehouse.duckdb.wal"
        content = bytearray(wal.read_bytes())
        assert len(content) > 10_000
        if damage == "flipped":
            content[len(content) // 2] ^= 0xFF
        if damage == "cut off":
            content = content[: len(content) // 2]
        if damage == "garbage":
            content = bytearray(b"garbage" * 1000)
        wal.write_bytes(content)
        if damage == "gone":
            wal.unlink()
        try:
            load(settings)
        except WarehouseBroken:
            assert damage == "flipped"
            set_aside_broken_warehouse(settings)
            load(settings)
        assert contents(settings) == contents(undisturbed), damage


def test_damage_found_while_reading_is_recognised(settings: Settings) -> None:
    write_delivery(settings.landing, "2024-06", 1, {"benefit_periods": benefit_rows("2024-06", 3000)})
    load(settings)
    content = bytearray(settings.warehouse.read_bytes())
    for position in range(12288, len(content), 4096):
        content[position + 100] ^= 0xFF
    settings.warehouse.write_bytes(bytes(content))
    with pytest.raises((WarehouseBroken, duckdb.Error)) as caught:
        query(settings, "select sum(person_key) from raw.benefit_periods")
    assert not isinstance(caught.value, duckdb.Error) or is_corruption(caught.value)


def test_reasons_outside_the_file_are_no_damage(settings: Settings) -> None:
    with pytest.raises(WarehouseUnavailable, match="There is no warehouse at"):
        connect(settings, read_only=True)
    settings.warehouse.mkdir()
    with pytest.raises(WarehouseUnavailable, match="can't be opened"):
        connect(settings)
    assert not is_corruption(duckdb.IOException("Cannot open file: No space left on device"))


# The key


def test_a_missing_or_short_key_stops_before_anything_is_written(settings: Settings) -> None:
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    with pytest.raises(KeyMissing, match="No key for replacing CPR numbers"):
        load(replace(settings, key_text=None))
    with pytest.raises(KeyTooShort, match="JOBCENTER_KEY has 5 bytes"):
        load(replace(settings, key_text="short"))
    assert query(settings, "select count(*) from quality.deliveries") == [(0,)]
    assert not settings.ledger.exists()


def test_another_key_is_refused_once_there_are_persons(settings: Settings) -> None:
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    load(settings)
    ((key_id,),) = query(settings, "select key_id from build.key")
    write_delivery(settings.landing, "2024-07", 1, {"ordinary_hours": hours_rows(3)})
    with pytest.raises(KeyMismatch, match=rf"was loaded with key {key_id}, .* `make rekey`"):
        load(replace(settings, key_text="another key that is long enough to do"))
    assert len(load(settings).accepted) == 1


def test_a_sample_landing_zone_says_that_its_key_was_generated(settings: Settings) -> None:
    (settings.landing / "sample.json").write_text("{}")
    write_delivery(settings.landing, "2024-06", 1, {"ordinary_hours": hours_rows(3)})
    report = load(replace(settings, key_text=None))
    assert report.key is not None
    assert report.key.is_generated


# Identifiers

CANARY = "6107509876"


def files_under(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_no_identifier_leaves_the_landing_zone(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    """Canaries in good, broken, unreadable, header-less and misnamed deliveries; no artefact or message holds one."""
    good = benefit_rows("2024-06", 200)
    good[5] |= {"person_id": CANARY}
    good[6] |= {"person_id": CANARY, "benefit_code": CANARY}
    good[7] |= {"person_id": f"x{CANARY}"}
    header = b"person_id,paid_hours\n"
    canary = CANARY.encode()
    contents_by_number: dict[int, Any] = {
        2: header + canary + b",1,extra\n",
        3: header + b'"' + canary + b"\n",
        4: canary + b",12\n" + canary + b",13\n",
        5: header + canary + b"\xff,1\n",
        6: header + canary + b",x\n",
        7: b"person_id,paid_hours," + canary + b"\n",
        8: header + b"".join(canary + b",-1\n" for _ in range(50)),
    }
    write_delivery(settings.landing, "2024-06", 1, {"benefit_periods": good})
    for number, content in contents_by_number.items():
        write_delivery(settings.landing, "2024-06", number, {"ordinary_hours": content}, "csv")
    folder = write_delivery(settings.landing, "2024-06", 9, {"ordinary_hours": []}, "csv", supplier=f"S {CANARY}")
    (folder / f"{CANARY}.csv").write_text("")
    write_delivery(settings.landing, "2024-06", 10, {}, manifest_overrides={"period": CANARY, "supplier": CANARY})
    entry = {"dataset": CANARY, "file": f"{CANARY}.csv", "rows": 1, "sha256": CANARY}
    write_delivery(settings.landing, "2024-06", 11, {}, manifest_overrides={"files": [entry]})
    connection = connect(settings)
    report = loading.load_pending(connection, settings, progress=print)
    # With the connection open the changes are still in the write-ahead log as well.
    artefacts = {path: path.read_bytes() for path in files_under(settings.data)}
    connection.close()
    artefacts |= {path.with_suffix(".closed"): path.read_bytes() for path in files_under(settings.data)}
    assert (len(report.accepted), len(report.rejected)) == (1, 10)
    assert query(settings, "select count(*) from quality.quarantined_rows") == [(2,)]
    assert any(path.name.endswith(".wal") for path in artefacts)
    needles = (canary, CANARY.encode("utf-16-le"), hashlib.sha256(canary).hexdigest().encode())
    for path, content in artefacts.items():
        assert not any(needle in content for needle in needles), path
    assert CANARY not in repr(report)
    assert CANARY not in "".join(capfd.readouterr())
    assert all(path.stat().st_mode & 0o077 == 0 for path in files_under(settings.data))


def test_an_unexpected_error_does_not_quote_the_row(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's texts quote cells; whatever it raises while reading, the delivery is told about without them."""
    write_delivery(
        settings.landing, "2024-06", 1, {"ordinary_hours": f"person_id,paid_hours\n{CANARY},1\n".encode()}, "csv"
    )

    def fails(*_: object, **__: object) -> None:
        raise duckdb.OutOfRangeException(f"Out of Range: {CANARY}")

    monkeypatch.setattr("orchestration.lib.reading.ReadingRoom._uncastable", fails)
    report = load(settings)
    assert report.postponed == [
        ("2024-06/delivery-001", "ordinary_hours.csv (csv) could not be checked: OutOfRangeException.")
    ]


def four_months(settings: Settings) -> list[str]:
    """Four deliveries of three persons each; their paths."""
    for month in range(1, 5):
        write_delivery(settings.landing, f"2024-0{month}", 1, {"benefit_periods": benefit_rows(f"2024-0{month}", 3)})
    return [f"2024-0{month}/delivery-001" for month in range(1, 5)]


def test_the_next_delivery_is_judged_while_one_is_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """One ahead and not more; an error while writing leaves no thread and no open room behind."""
    judged = {path: threading.Event() for path in four_months(settings)}
    judge, write = vars(loading)["_judge"], vars(loading)["_write_accepted"]
    close = ReadingRoom.__exit__
    seen, closed = [], []

    def judge_and_tell(run: Any, room: Any, found: Any) -> Any:
        judged[found.path].set()
        return judge(run, room, found)

    def write_and_look(run: Any, room: Any, found: Any, *rest: Any) -> Any:
        month = int(found.period[-2:])
        if month < 4:
            assert judged[f"2024-0{month + 1}/delivery-001"].wait(30)
        seen.append([event.is_set() for event in judged.values()])
        if month == 3:
            raise OSError(28, "No space left on device")
        return write(run, room, found, *rest)

    def close_and_tell(room: Any, *error: Any) -> None:
        closed.append(room)
        close(room, *error)

    monkeypatch.setattr(loading, "_judge", judge_and_tell)
    monkeypatch.setattr(loading, "_write_accepted", write_and_look)
    monkeypatch.setattr(ReadingRoom, "__exit__", close_and_tell)
    with pytest.raises(OSError, match="No space left"):
        load(settings)
    assert seen == [[True, True, False, False], [True, True, True, False], [True, True, True, True]]
    assert len(closed) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("judging")]
    assert query(settings, "select count(*) from quality.deliveries") == [(2,)]


def test_an_error_does_not_wait_for_the_judgement_ahead(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A national file takes seconds to judge; the next one runs a query of seconds here."""
    paths = four_months(settings)
    judge = vars(loading)["_judge"]
    runs = threading.Event()
    ended = []

    def judge_for_seconds(run: Any, room: Any, found: Any) -> Any:
        if found.path == paths[0]:
            return judge(run, room, found)
        try:
            runs.set()
            vars(room)["_connection"].execute("select sum(a.range * b.range) from range(10_000_000) a, range(300) b")
        except duckdb.InterruptException:
            ended.append(found.path)
            raise

    def fail(*_: object) -> None:
        assert runs.wait(30)
        time.sleep(0.5)  # for the query to have begun
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loading, "_judge", judge_for_seconds)
    monkeypatch.setattr(loading, "_write_accepted", fail)
    with pytest.raises(OSError, match="No space left"):
        load(settings)
    assert ended == [paths[1]]


def test_with_one_thread_nothing_is_judged_ahead(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    four_months(settings)
    judge, write = vars(loading)["_judge"], vars(loading)["_write_accepted"]
    order = []

    def judge_and_tell(run: Any, room: Any, found: Any) -> Any:
        order.append(("judged", found.period))
        return judge(run, room, found)

    def write_and_tell(run: Any, room: Any, found: Any, *rest: Any) -> Any:
        done = write(run, room, found, *rest)
        order.append(("written", found.period))
        return done

    monkeypatch.setattr(loading, "_judge", judge_and_tell)
    monkeypatch.setattr(loading, "_write_accepted", write_and_tell)
    load(replace(settings, threads=1))
    assert order == [(what, f"2024-0{month}") for month in range(1, 5) for what in ("judged", "written")]


def test_a_delivery_that_can_not_be_judged_leaves_the_ones_around_it_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = four_months(settings)
    judge = vars(loading)["_judge"]

    def judge_but_one(run: Any, room: Any, found: Any) -> Any:
        judgement = judge(run, room, found)
        if found.path == paths[1]:
            raise ReadingFailed("no memory")
        return judgement

    monkeypatch.setattr(loading, "_judge", judge_but_one)
    report = load(settings)
    assert report.postponed == [(paths[1], "no memory")]
    assert [delivery.path for delivery in report.accepted] == [paths[0], *paths[2:]]
    monkeypatch.undo()
    assert [delivery.path for delivery in load(settings).accepted] == [paths[1]]
    rows = "select strftime(_period, '%Y-%m'), count(distinct person_key), min(from_date)::varchar, count(*)"
    assert query(settings, f"{rows} from raw.benefit_periods group by all order by 1") == [
        (path[:7], 3, f"{path[:7]}-01", 3) for path in paths
    ]
