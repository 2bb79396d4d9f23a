"""Unchanged months take over what the release before hid, and nothing that ought to be hidden is shown."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.disclosure import protected_months, secondary
from orchestration.lib.disclosure.families import FAMILIES
from orchestration.lib.release import writer
from tests.support.release_fixture import build

AT = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
FACTS = writer.ReleaseFacts(created_at=AT, build_id="b1", project_hash="ab" * 32, key_id="k1")
MONTHS = 3
AREAS, REVISIONS = "rpt_area_measure_results", "rpt_revisions"
Worked = Callable[[], set[tuple[str, str]]]


@pytest.fixture()
def worked_through(monkeypatch: pytest.MonkeyPatch) -> Worked:
    """Gives the (family, month) pairs that were worked through since the last question."""
    seen: set[tuple[str, str]] = set()
    place: list[tuple[str, str]] = []
    true_protect, true_take_over = secondary.protect, secondary.ProtectedMonths.take_over
    true_family = secondary._protect_family

    def family(one: secondary.Family, *rest: object) -> secondary.Cells:
        place[:] = [(one.name, "")]
        return true_family(one, *rest)  # type: ignore[arg-type]

    def take_over(cells: secondary.Cells, month: int, earlier: secondary.ProtectedMonths | None) -> bool:
        place[:] = [(place[0][0], cells.months[month][:10])]
        return true_take_over(cells, month, earlier)

    def protect(*arguments: object) -> None:
        seen.add(place[0])
        true_protect(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(secondary, "_protect_family", family)
    monkeypatch.setattr(secondary.ProtectedMonths, "take_over", take_over)
    monkeypatch.setattr(secondary, "protect", protect)

    def told() -> set[tuple[str, str]]:
        found = set(seen)
        seen.clear()
        return found

    return told


def _release(
    warehouse: Path, folder: Path, number: int, previous: Path | None = None, notes: Path | None = None
) -> Path:
    identifier = writer.release_identifier(AT + dt.timedelta(days=number), f"{number:08x}")
    return writer.write_release(
        warehouse, folder, release_id=identifier, facts=FACTS, previous=previous, protected=notes
    )


def _contents(release: Path) -> dict[str, str]:
    tables = json.loads((release / writer.MANIFEST).read_text("utf-8"))["tables"]
    return {name: table["sha256"] for name, table in tables.items()}


def _differing(one: Path, other: Path) -> set[str]:
    before, after = _contents(one), _contents(other)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def _requires_no_more_to_be_shown(careful: Path, other: Path) -> None:
    """Worked through in full, an area may be hidden besides; nothing else differs."""
    with duckdb.connect() as con:
        con.execute(f"attach '{careful / 'release.duckdb'}' as careful (read_only)")
        con.execute(f"attach '{other / 'release.duckdb'}' as other (read_only)")
        assert con.execute(
            f"select count(*) from careful.{AREAS} as careful join other.{AREAS} as other "
            "using (area_type_code, area_code, measure_id, month, group_code) "
            "where careful.measure_value is distinct from other.measure_value and careful.measure_value is not null"
        ).fetchone() == (0,)


def _build(folder: Path, *, persons: int = 6_000, change: int = 0) -> Path:
    return build(folder / "warehouse.duckdb", months=MONTHS, persons=persons, municipalities=25, change=change).path


@pytest.mark.parametrize("persons", [1_500, 6_000, 40_000])
def test_only_what_changed_is_worked_through_and_the_release_is_the_same(
    tmp_path: Path, worked_through: Worked, persons: int
) -> None:
    notes = tmp_path / "notes"
    before, after = _build(tmp_path / "one", persons=persons), _build(tmp_path / "two", persons=persons, change=5)
    first = _release(before, tmp_path / "a", 1, notes=notes)
    everything = worked_through()
    assert {family for family, _ in everything} == {family.name for family in FAMILIES}
    assert {month for _, month in everything} == {"2023-01-01", "2023-02-01", "2023-03-01"}
    spared = _release(after, tmp_path / "a", 2, first, notes)
    assert {month for _, month in worked_through()} == {"2023-03-01"}
    in_full = _release(after, tmp_path / "b", 2, first)
    assert worked_through() == everything
    assert _differing(spared, in_full) <= {AREAS} < _differing(spared, first)
    _requires_no_more_to_be_shown(in_full, spared)
    # A third release builds on masks that were taken over themselves.
    again = _release(after, tmp_path / "a", 3, spared, notes)
    assert worked_through() == set()
    assert _differing(again, spared) <= {REVISIONS}
    # As a rebuild has it: the release before, and its note.
    rebuilt_notes = tmp_path / "rebuilt"
    rebuilt_notes.mkdir()
    shutil.copy2(notes / f"{spared.name}.npz", rebuilt_notes)
    assert _differing(again, _release(after, tmp_path / "c", 3, spared, rebuilt_notes)) == set()


def test_a_note_is_private(tmp_path: Path) -> None:
    notes, warehouse = tmp_path / "notes", _build(tmp_path / "w")
    release = _release(warehouse, tmp_path / "releases", 1, notes=notes)
    assert [path.stem for path in notes.iterdir()] == [release.name]
    assert stat.S_IMODE(notes.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in notes.iterdir()} == {0o600}
    # Nothing of it goes into the release.
    assert not list(release.rglob("*.npz"))


@pytest.mark.parametrize("reason", ["missing", "other release", "empty", "cut off", "no archive", "other rules"])
def test_without_a_whole_note_under_the_same_rules_all_months_are_worked_through(
    tmp_path: Path, worked_through: Worked, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, warehouse = tmp_path / "notes", _build(tmp_path / "w")
    first = _release(warehouse, tmp_path / "releases", 1, notes=notes)
    everything = worked_through()
    note = notes / f"{first.name}.npz"
    whole = note.read_bytes()
    if reason == "missing":
        shutil.rmtree(notes)
    elif reason == "other release":
        note.rename(notes / "20250101T000000Z-0000000f.npz")
    elif reason == "other rules":
        monkeypatch.setattr(protected_months, "rules_identifier", lambda maximum: "other")
    else:
        note.write_bytes({"empty": b"", "cut off": whole[: len(whole) // 2], "no archive": b"something"}[reason])
    second = _release(warehouse, tmp_path / "releases", 2, first, notes)
    assert worked_through() == everything
    assert _differing(second, first) <= {AREAS, REVISIONS}


def test_the_rules_are_named_by_code_and_threshold() -> None:
    assert protected_months.rules_identifier(2) == protected_months.rules_identifier(2)
    assert protected_months.rules_identifier(2) != protected_months.rules_identifier(3)
