"""More than sixty kinds of defective deliveries: each is rejected with a reason, or its rows are accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.defects import Defect, defects, sound_rows
from tests.support.landing import load, make_settings, query, write_delivery


def month_of(index: int) -> str:
    return f"{2016 + index // 12}-{1 + index % 12:02d}"


@dataclass(frozen=True)
class Account:
    """What came of the deliveries: defect -> (status, reasons), and rows, counted over all of them.

    `unequal`: data sets where rows in the file are not rows accepted + rows quarantined. `lost`: rows accepted and not
    replaced that do not stand in raw (or stand there twice), rows said to be quarantined that are not kept, and
    deliveries without a decision.
    """

    outcomes: dict[str, tuple[str, str]]
    rows_in_files: int
    rows_accepted: int
    rows_quarantined: int
    unequal: int
    lost: int


def try_all(folder: Path, kinds: list[Defect]) -> Account:
    """Load every defect as delivery 2 of a month whose delivery 1 is sound."""
    settings = make_settings(folder)
    for index, kind in enumerate(kinds):
        period = month_of(index)
        write_delivery(settings.landing, period, 1, {"ordinary_hours": sound_rows("ordinary_hours", period)}, "csv")
        kind.write(settings.landing, period, 2)
    report = load(settings)
    found = {
        path: (status, reasons or "")
        for path, status, reasons in query(settings, "select path, status, reasons from quality.deliveries")
    }
    lost = len(report.postponed) + len(report.lost) + 2 * len(kinds) - len(found)
    ((in_files, accepted, quarantined, unequal, kept),) = query(
        settings,
        """
        select
            sum(rows_in_file)::bigint,
            sum(accepted)::bigint,
            sum(quarantined)::bigint,
            count(*) filter (rows_in_file <> accepted + quarantined),
            (select count(*) from quality.quarantined_rows)
        from quality.delivery_datasets
        """,
    )
    lost += abs(quarantined - kept)
    for table in ("benefit_periods", "conversations", "active_offers", "ordinary_hours"):
        ((standing, expected),) = query(
            settings,
            f"""
            select (select count(*) from raw.{table}), (
                select coalesce(sum(datasets.accepted), 0)::bigint
                from quality.delivery_datasets as datasets
                inner join raw.current_batches as batches
                    on
                        datasets.dataset = batches.dataset
                        and datasets.delivery = batches.delivery
                        and datasets.period = strftime(batches.period, '%Y-%m')
                where datasets.dataset = '{table}'
            )
            """,
        )
        lost += abs(standing - expected)
    outcomes = {kind.name: found[f"{month_of(index)}/delivery-002"] for index, kind in enumerate(kinds)}
    return Account(outcomes, in_files, accepted, quarantined, unequal, lost)


def test_every_defect_is_rejected_with_a_reason_or_its_rows_are_accounted_for(tmp_path: Path) -> None:
    kinds = defects()
    assert len({kind.name for kind in kinds}) == len(kinds) >= 60
    account = try_all(tmp_path, kinds)
    assert (account.unequal, account.lost) == (0, 0)
    assert account.rows_in_files == account.rows_accepted + account.rows_quarantined > 60 * len(kinds)
    assert account.rows_quarantined > 0
    for name, (status, reasons) in account.outcomes.items():
        assert status in ("accepted", "superseded") or reasons, name
        if name.startswith("manifest:") or "missing" in name or "too many" in name or "wrong hash" in name:
            assert status == "rejected", name
    rejected = [name for name, (status, _) in account.outcomes.items() if status == "rejected"]
    assert len(rejected) >= 60 and len(account.outcomes) - len(rejected) >= 10
