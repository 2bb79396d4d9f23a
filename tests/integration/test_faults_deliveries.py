"""More than sixty kinds of defective deliveries: each is rejected with a reason, or its rows are accounted for."""

from __future__ import annotations

from pathlib import Path

from tests.support.defects import Defect, defects, sound_rows
from tests.support.landing import load, make_settings, query, write_delivery


def month_of(index: int) -> str:
    return f"{2016 + index // 12}-{1 + index % 12:02d}"


def try_all(folder: Path, kinds: list[Defect]) -> dict[str, tuple[str, str]]:
    """Load every defect as delivery 2 of a month whose delivery 1 is sound; defect -> (status, reasons)."""
    settings = make_settings(folder)
    for index, kind in enumerate(kinds):
        period = month_of(index)
        write_delivery(settings.landing, period, 1, {"ordinary_hours": sound_rows("ordinary_hours", period)}, "csv")
        kind.write(settings.landing, period, 2)
    report = load(settings)
    assert report.postponed == [] and report.lost == []
    found = {
        path: (status, reasons or "")
        for path, status, reasons in query(settings, "select path, status, reasons from quality.deliveries")
    }
    assert len(found) == 2 * len(kinds)
    wrong = query(
        settings, "select * from quality.delivery_datasets where rows_in_file <> accepted + quarantined"
    )  # fmt: skip
    assert wrong == []
    quarantined = query(settings, "select (select sum(quarantined) from quality.delivery_datasets), "
                        "(select count(*) from quality.quarantined_rows)")  # fmt: skip
    assert quarantined[0][0] == quarantined[0][1]
    # What stands in raw is what was accepted and not replaced: nothing lost, nothing doubled.
    for table in ("benefit_periods", "conversations", "active_offers", "ordinary_hours"):
        (standing,) = query(
            settings,
            f"""
            select (select count(*) from raw.{table}), (
                select coalesce(sum(datasets.accepted), 0)
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
        assert standing[0] == standing[1], table
    return {kind.name: found[f"{month_of(index)}/delivery-002"] for index, kind in enumerate(kinds)}


def test_every_defect_is_rejected_with_a_reason_or_its_rows_are_accounted_for(tmp_path: Path) -> None:
    kinds = defects()
    assert len({kind.name for kind in kinds}) == len(kinds) >= 60
    outcomes = try_all(tmp_path, kinds)
    for name, (status, reasons) in outcomes.items():
        assert status in ("accepted", "superseded") or reasons, name
        if name.startswith("manifest:") or "missing" in name or "too many" in name or "wrong hash" in name:
            assert status == "rejected", name
    rejected = [name for name, (status, _) in outcomes.items() if status == "rejected"]
    assert len(rejected) >= 60 and len(outcomes) - len(rejected) >= 10
