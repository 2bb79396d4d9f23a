"""Folders and manifests: what is found, and what is said about what is wrong with it."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.contracts import load_contracts
from orchestration.lib.deliveries import (
    LandingMissing,
    Manifest,
    Reason,
    check_files,
    discover,
    is_whole_gzip,
    read_fetched_suppliers,
    read_manifest,
    shown,
)
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.landing import hours_rows, write_delivery

CONTRACTS = load_contracts()
FETCHED = frozenset({"jobindsats", "statbank"})


def judge(landing: Path) -> tuple[Manifest | None, list[Reason]]:
    (found,) = discover(landing)
    return read_manifest(found, CONTRACTS, FETCHED)


def reasons_of(landing: Path) -> list[str]:
    return [str(reason) for reason in judge(landing)[1]]


def file_reasons_of(landing: Path) -> list[str]:
    (found,) = discover(landing)
    manifest, reasons = read_manifest(found, CONTRACTS, FETCHED)
    assert manifest is not None
    return [str(reason) for reason in reasons + check_files(found, manifest)[1]]


def write(landing: Path, **manifest: Any) -> Path:
    return write_delivery(landing, "2024-03", 1, {"ordinary_hours": hours_rows(3)}, "csv", manifest_overrides=manifest)


def test_a_sound_manifest_has_no_reasons(tmp_path: Path) -> None:
    write(tmp_path)
    manifest, reasons = judge(tmp_path)
    assert reasons == []
    assert manifest is not None
    assert (manifest.period, manifest.delivery, manifest.rows) == ("2024-03", 1, 3)
    assert file_reasons_of(tmp_path) == []


def test_fetched_suppliers_are_those_of_the_seed() -> None:
    assert read_fetched_suppliers(PROJECT_ROOT) == FETCHED


def test_only_folders_with_a_manifest_are_found_in_order(tmp_path: Path) -> None:
    for period, number in (("2024-03", 10), ("2024-03", 9), ("2023-12", 1), ("2024-03", 901)):
        write_delivery(tmp_path, period, number, {"ordinary_hours": hours_rows(1)})
    (tmp_path / "2024-04/delivery-001").mkdir(parents=True)
    (tmp_path / "2024-04/.delivery-002").mkdir()
    (tmp_path / "2024-04/.delivery-002/manifest.json").write_text("{}")
    (tmp_path / "sample.json").write_text("{}")
    assert [found.path for found in discover(tmp_path)] == [
        "2023-12/delivery-001",
        "2024-03/delivery-009",
        "2024-03/delivery-010",
        "2024-03/delivery-901",
    ]


def test_a_landing_zone_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LandingMissing, match=r"nowhere is no folder: set JOBCENTER_LANDING .* `make sample` make"):
        discover(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b'{"a": 1', b"\xff\xfe", b"NaN garbage", b'{"period": "2024-03", "period": "2024-03"}',
        b"[" * 100_000, b"[1]", b'"text"', b"null",
    ],
)  # fmt: skip
def test_a_manifest_that_is_no_json_object_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (write(tmp_path) / "manifest.json").write_bytes(content)
    manifest, (reason,) = judge(tmp_path)
    assert manifest is None
    assert reason.code == "unreadable"
    assert reason.message.startswith("manifest.json")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("period", 202403, "period is missing or not a text"),
        ("delivery", "1", "delivery is missing or not a whole number"),
        ("delivery", True, "delivery is missing or not a whole number"),
        ("delivery", 1.0, "delivery is missing or not a whole number"),
        ("delivery", 10**20, "delivery is missing or not a whole number"),
        ("delivered_at", "yesterday", "delivered_at is no time such as"),
        ("delivered_at", "0001-01-01T00:00:00+14:00", "delivered_at is no time such as"),
        ("supplier", None, "supplier is missing or not a text"),
        ("files", {}, "files is missing or not a list of objects"),
        ("files", ["ordinary_hours.csv"], "files is missing or not a list of objects"),
        ("files", [{"dataset": "population", "file": "p.csv", "rows": 1}], "files, entry 1: sha256 is missing"),
        ("files", [{"dataset": 1, "file": "p.csv", "rows": 1, "sha256": "x"}], "files, entry 1: dataset is missing"),
        ("files", [{"dataset": "p", "file": "", "rows": 1, "sha256": "x"}], "files, entry 1: file is missing"),
        ("files", [{"dataset": "p", "file": "p", "rows": -1, "sha256": "x"}], "files, entry 1: rows is missing"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, field: str, value: Any, said: str) -> None:
    write(tmp_path, **{field: value})
    assert [reason for reason in reasons_of(tmp_path) if reason.startswith(f"unreadable: manifest.json: {said}")]


def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    (write(tmp_path) / "manifest.json").write_text("{}")
    codes = [reason.partition(":")[0] for reason in reasons_of(tmp_path)]
    assert codes == ["contract_version", *["unreadable"] * 5, "period", "delivery_number", "missing_file"]


def test_a_time_without_offset_is_danish_and_a_byte_order_mark_is_allowed(tmp_path: Path) -> None:
    folder = write(tmp_path, delivered_at="2024-07-01T06:00:00")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text("\ufeff" + text)
    manifest, reasons = judge(tmp_path)
    assert reasons == []
    assert manifest is not None
    assert manifest.delivered_at == datetime(2024, 7, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize("version", ["2", 1, None, "", "1.0"])
def test_an_unknown_contract_version_is_rejected(tmp_path: Path, version: object) -> None:
    write(tmp_path, contract_version=version)
    assert reasons_of(tmp_path) == ["contract_version: manifest.json: contract_version must be the text '1'."]


@pytest.mark.parametrize(
    ("folder", "manifest", "said"),
    [
        ("2024-03", "2024-04", "manifest.json is about 2024-04, but lies in the folder of 2024-03."),
        ("2024-03", "2024-3", "manifest.json: period is no month written YYYY-MM."),
        ("2024-13", "2024-13", "the folder 2024-13 is no month written YYYY-MM."),
        ("2014-12", "2014-12", "2014-12 lies outside the periods taken, 2015-01 to 2035-12."),
        ("2036-01", "2036-01", "2036-01 lies outside the periods taken, 2015-01 to 2035-12."),
    ],
)
def test_periods(tmp_path: Path, folder: str, manifest: str, said: str) -> None:
    write_delivery(tmp_path, folder, 1, {"population": []}, manifest_overrides={"period": manifest})
    assert f"period: {said}" in reasons_of(tmp_path)


@pytest.mark.parametrize("period", ["2015-01", "2035-12"])
def test_first_and_last_period_are_taken(tmp_path: Path, period: str) -> None:
    write_delivery(tmp_path, period, 1, {"population": []})
    assert reasons_of(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["delivery-1", "delivery-0001", "delivery-000", "delivery-abc", "Delivery-001", "first"]
)
def test_folders_of_another_name_are_rejected(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    folder.rename(folder.parent / name)
    assert reasons_of(tmp_path) == [
        f"delivery_number: the folder {name} must be called delivery-NNN, numbered from delivery-001."
    ]


def test_number_of_manifest_and_folder_must_agree(tmp_path: Path) -> None:
    write(tmp_path, delivery=2)
    assert reasons_of(tmp_path) == ["delivery_number: manifest.json says delivery 2, but its folder is delivery-001."]


def test_fetched_deliveries_have_their_own_numbers_and_data_sets(tmp_path: Path) -> None:
    write_delivery(tmp_path, "2024-03", 900, {"population": []}, supplier="statbank")
    write_delivery(tmp_path, "2024-03", 901, {"ordinary_hours": []}, supplier="jobindsats")
    write_delivery(
        tmp_path,
        "2024-03",
        902,
        {"population": [], "jobindsats_y30r21": {"columns": ["a"], "rows": []}},
        supplier="statbank",
    )
    reasons = [[str(one) for one in read_manifest(found, CONTRACTS, FETCHED)[1]] for found in discover(tmp_path)]
    assert reasons == [
        ["delivery_number: deliveries fetched from statbank are numbered from 901."],
        ["unknown_dataset: jobindsats may deliver population and jobindsats_* only, not ordinary_hours."],
        [],
    ]


@pytest.mark.parametrize(
    "dataset", ["persons", "jobindsats", "jobindsats_", "jobindsats_Y30R21", "Population", "population "]
)
def test_unknown_data_sets_are_rejected(tmp_path: Path, dataset: str) -> None:
    write(tmp_path, files=[{"dataset": dataset, "file": "x.csv", "rows": 0, "sha256": "0" * 64}])
    assert reasons_of(tmp_path) == [f"unknown_dataset: the contract knows no data set {dataset} (file x.csv)."]


def test_a_delivery_without_files_is_rejected(tmp_path: Path) -> None:
    write(tmp_path, files=[])
    assert reasons_of(tmp_path) == ["missing_file: manifest.json lists no files: there is nothing to load."]


def test_a_data_set_or_a_file_listed_twice(tmp_path: Path) -> None:
    one = {"dataset": "population", "file": "a.csv", "rows": 0, "sha256": "0" * 64}
    write(tmp_path, files=[one, one | {"file": "b.csv"}, one | {"dataset": "ordinary_hours"}])
    assert reasons_of(tmp_path) == [
        "unlisted_file: b.csv: population is listed twice; a data set is one file, so one is extra.",
        "missing_file: a.csv is listed twice: ordinary_hours has no file of its own.",
    ]


def test_missing_extra_and_changed_files_are_all_named(tmp_path: Path) -> None:
    folder = write_delivery(tmp_path, "2024-03", 1, {"ordinary_hours": hours_rows(3), "population": []}, "csv")
    with (folder / "ordinary_hours.csv").open("ab") as file:
        file.write(b"\n")
    (folder / "population.csv").unlink()
    (folder / "notes.txt").write_text("")
    (folder / "more").mkdir()
    assert file_reasons_of(tmp_path) == [
        "hash: ordinary_hours.csv: its SHA-256 is not the one in the manifest; the file has changed on its way.",
        "missing_file: population.csv is listed in the manifest but is not in the folder.",
        "unlisted_file: more is in the folder but is not listed in the manifest.",
        "unlisted_file: notes.txt is in the folder but is not listed in the manifest.",
    ]


@pytest.mark.parametrize("name", ["../ordinary_hours.csv", "/etc/passwd", "a/b.csv", "..", ".", "a\\b.csv", "a\0b"])
def test_a_file_name_must_not_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, files=[{"dataset": "ordinary_hours", "file": name, "rows": 3, "sha256": "0" * 64}])
    (folder / "ordinary_hours.csv").rename(folder.parent / "ordinary_hours.csv")
    assert file_reasons_of(tmp_path) == [
        f"missing_file: {shown(name)}: a file is named by its plain name and lies in the delivery's own folder."
    ]


def test_the_manifest_is_no_data_file(tmp_path: Path) -> None:
    folder = write(tmp_path, files=[{"dataset": "population", "file": "manifest.json", "rows": 0, "sha256": "0" * 64}])
    (folder / "ordinary_hours.csv").unlink()
    assert file_reasons_of(tmp_path) == ["missing_file: manifest.json can't be a data file."]


def test_links_pipes_and_folders_are_never_opened(tmp_path: Path) -> None:
    folder = write_delivery(
        tmp_path, "2024-03", 1, {"ordinary_hours": hours_rows(3), "population": [], "active_offers": []}, "csv"
    )
    for file in folder.glob("*.csv"):
        file.unlink()
    (folder / "ordinary_hours.csv").symlink_to(tmp_path)
    os.mkfifo(folder / "population.csv")
    (folder / "active_offers.csv").mkdir()
    assert sorted(file_reasons_of(tmp_path)) == [
        f"unreadable: {name}.csv is no regular file (a link or a folder)."
        for name in ("active_offers", "ordinary_hours", "population")
    ]


def test_a_manifest_that_is_a_link_is_unreadable(tmp_path: Path) -> None:
    manifest = write(tmp_path) / "manifest.json"
    manifest.rename(tmp_path / "elsewhere.json")
    manifest.symlink_to(tmp_path / "elsewhere.json")
    assert reasons_of(tmp_path) == ["unreadable: manifest.json is no regular file (a link or a folder)."]


def test_names_are_shown_without_personal_numbers_and_control_characters() -> None:
    assert shown("list of 0101901234 and 010190-1234\n\ud800") == "list of <ten digits> and <ten digits>??"
    assert len(shown("x" * 1000)) == 120


def test_cut_off_gzip_is_seen(tmp_path: Path) -> None:
    whole = gzip.compress(os.urandom(3000)) + gzip.compress(b"second member")
    path = tmp_path / "x.gz"
    for content, expected in ((whole, True), (whole[:-4], False), (whole[:2000], False), (b"no gzip", False)):
        path.write_bytes(content)
        assert is_whole_gzip(path) is expected


def test_entries_survive_a_change_of_the_case_of_the_hash(tmp_path: Path) -> None:
    folder = write(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = manifest["files"][0]["sha256"].upper()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert file_reasons_of(tmp_path) == []
