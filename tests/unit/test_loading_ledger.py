"""The ledger keeps the first decision about each manifest and heals a half-written last line."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.lib.ledger import Decision, Ledger, LedgerBroken

DECISION = Decision(
    path="2024-01/delivery-001",
    manifest_hash="a" * 64,
    period="2024-01",
    delivery=1,
    status="rejected",
    reasons=("hash: population.csv: …",),
    files=(("population", "population.csv", "b" * 64),),
    rows=98,
    supplier="STAR",
    delivered_at=datetime(2024, 2, 1, tzinfo=UTC),
    first_seen_at=datetime(2024, 2, 2, tzinfo=UTC),
)


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deliveries.jsonl")
    unnamed = replace(DECISION, path="odd/folder", delivery=None, rows=None, supplier=None, delivered_at=None)
    for decision in (DECISION, unnamed):
        ledger.append(decision)
    again = Ledger(ledger.path)
    assert list(again) == [DECISION, unnamed]
    assert again.find(DECISION.path, DECISION.manifest_hash) == DECISION
    assert again.find(DECISION.path, "c" * 64) is None
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_the_first_decision_about_a_manifest_stands(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "deliveries.jsonl")
    ledger.append(DECISION)
    size = ledger.path.stat().st_size
    ledger.append(replace(DECISION, status="accepted", reasons=()))
    assert ledger.path.stat().st_size == size
    changed = replace(DECISION, manifest_hash="c" * 64)
    ledger.append(changed)
    assert ledger.first(DECISION.path) == DECISION
    assert Ledger(ledger.path).find(DECISION.path, "c" * 64) == changed


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_half_written_last_line_is_cut_off_before_the_next(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "deliveries.jsonl"
    Ledger(path).append(DECISION)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:kept])
    ledger = Ledger(path)
    assert list(ledger) == [DECISION]
    other = replace(DECISION, path="2024-02/delivery-001")
    ledger.append(other)
    assert list(Ledger(path)) == [DECISION, other]


@pytest.mark.parametrize("line", [b"garbage", b"{}", b"[1]", b'{"path": 1}', b"\xff"])
def test_a_broken_line_in_the_middle_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "deliveries.jsonl"
    Ledger(path).append(DECISION)
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    with pytest.raises(LedgerBroken, match=r"deliveries.jsonl, line 2 can't be read"):
        Ledger(path)
