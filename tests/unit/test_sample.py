"""The sample deliveries: as the contract says, the same for the same arguments, and made of no living person's number.

The rules are written out here in SQL once more, apart from the generator and from the loader.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from orchestration.commands.sample import main
from orchestration.lib.contracts import PROJECT_ROOT
from orchestration.sample import SampleError, generate_sample
from orchestration.sample.careers import PersonNumbers
from orchestration.sample.deliveries import delivered_at
from orchestration.sample.world import World

SCALE, START, MONTHS, SEED = 0.004, "2023-03", 4, 1

CSV_TYPES = {
    "benefit_fraction": "DECIMAL(18,6)",
    "conversation_type_code": "INTEGER",
    "conversation_date": "DATE",
    "requested_date": "DATE",
    "registered_at": "TIMESTAMP",
    "from_date": "DATE",
    "to_date": "DATE",
    "hours_per_week": "DECIMAL(18,6)",
    "paid_hours": "DECIMAL(18,6)",
    "population_16_66": "BIGINT",
    "value": "DECIMAL(18,6)",
}

# Rows that break a row rule of the extracts page; {first} and {last} are the month's ends.
BROKEN = {
    "benefit_periods": """
        not coalesce(regexp_full_match(person_id, '[0-9]{{10}}'), false)
        or benefit_code is null or benefit_code not in ('sygedagpenge', 'jobafklaring', 'dagpenge', 'ressourceforloeb',
            'revalidering', 'ledighedsydelse', 'kontanthjaelp', 'uddannelseshjaelp', 'sho', 'foertidspension')
        or match_group_code not in ('jobparat', 'aktivitetsparat', 'uddannelsesparat', 'aabenlyst_uddannelsesparat')
        or municipality_code not in (select municipality_code from municipalities)
        or from_date < date '{first}' or to_date > date '{last}' or to_date < from_date
        or benefit_fraction <= 0 or benefit_fraction > 1""",
    "conversations": """
        not regexp_full_match(person_id, '[0-9]{{10}}') or conversation_id is null
        or municipality_code not in (select municipality_code from municipalities)
        or conversation_type_code not in (4, 7, 8, 9, 10, 11, 12, 13, 15, 17, 19, 20)
        or contact_form not in ('in_person', 'phone', 'video', 'letter', 'other')
        or status is null or status not in ('held', 'cancelled', 'no_show')
        or conversation_date not between date '{first}' and date '{last}' or requested_date > conversation_date
        or (status = 'held' and registered_at < conversation_date)""",
    "active_offers": """
        not regexp_full_match(person_id, '[0-9]{{10}}') or offer_id is null
        or municipality_code not in (select municipality_code from municipalities)
        or offer_type not in ('virksomhedspraktik', 'loentilskud', 'nytteindsats', 'vejledning_og_opkvalificering',
            'mentor')
        or from_date < date '{first}' or to_date > date '{last}' or to_date < from_date
        or hours_per_week < 0 or hours_per_week > 60""",
    "ordinary_hours": "not regexp_full_match(person_id, '[0-9]{{10}}') or paid_hours <= 0 or paid_hours > 744",
    "population": "population_16_66 <= 0 or municipality_code not in (select municipality_code from municipalities)",
    "framework_conditions": "value is null or period_code <> '2023QMAT02' or value < 0",
}
KEYS = {
    "benefit_periods": "benefit_periods",  # the whole row
    "conversations": "conversation_id",
    "active_offers": "active_offers",
    "ordinary_hours": "person_id",
    "population": "municipality_code",
    "framework_conditions": "(municipality_code, covariate_code)",
}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    generate_sample(folder, scale=SCALE, start=START, months=MONTHS, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(
            "create table municipalities as select municipality_code"
            f" from read_csv('{PROJECT_ROOT}/seeds/reference/municipalities.csv', all_varchar = true)"
        )
        yield opened


def manifests(landing: Path) -> dict[Path, dict[str, Any]]:
    return {path.parent: json.loads(path.read_text()) for path in sorted(landing.glob("*/*/manifest.json"))}


def relation(path: Path) -> str:
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')"
    columns = duckdb.sql(f"select * from read_csv('{path}', all_varchar = true) limit 0").columns
    # Strict types: DuckDB must not guess, and leading zeros must stay.
    types = ", ".join(f"'{name}': '{CSV_TYPES.get(name, 'VARCHAR')}'" for name in columns)
    return f"read_csv('{path}', header = true, auto_detect = false, columns = {{{types}}})"


def datasets(landing: Path) -> list[tuple[Path, dict[str, Any], dict[str, Any]]]:
    return [
        (folder / entry["file"], manifest, entry)
        for folder, manifest in manifests(landing).items()
        for entry in manifest["files"]
    ]


def digests(landing: Path) -> dict[str, str]:
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


def last_day(period: str) -> date:
    return duckdb.sql(f"select last_day(date '{period}-01')").fetchall()[0][0]  # type: ignore[no-any-return]


def test_manifests_agree_with_paths_and_files(landing: Path, connection: duckdb.DuckDBPyConnection) -> None:
    folders = [str(folder.relative_to(landing)) for folder in manifests(landing)]
    assert folders == [
        "2023-03/delivery-001",
        "2023-04/delivery-001",
        "2023-04/delivery-002",
        "2023-05/delivery-001",
        "2023-06/delivery-001",
    ]
    for folder, manifest in manifests(landing).items():
        assert sorted(manifest) == ["contract_version", "delivered_at", "delivery", "files", "period", "supplier"]
        assert manifest["contract_version"] == "1" and manifest["supplier"] == "STAR"
        assert folder == landing / manifest["period"] / f"delivery-{manifest['delivery']:03d}"
        named = {entry["file"] for entry in manifest["files"]}
        assert {path.name for path in folder.iterdir()} == named | {"manifest.json"}
    for path, _, entry in datasets(landing):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert connection.sql(f"select count(*) from {relation(path)}").fetchall() == [(entry["rows"],)]
        assert path.name.split(".")[0] == entry["dataset"]


def test_data_sets_come_when_the_contract_says(landing: Path) -> None:
    delivered = {
        str(folder.relative_to(landing)): sorted(entry["dataset"] for entry in manifest["files"])
        for folder, manifest in manifests(landing).items()
    }
    monthly = ["active_offers", "benefit_periods", "conversations", "ordinary_hours"]
    assert delivered["2023-04/delivery-001"] == monthly
    assert delivered["2023-04/delivery-002"] == ["benefit_periods", "conversations"]
    assert delivered["2023-03/delivery-001"] == sorted([*monthly, "population"])
    assert delivered["2023-06/delivery-001"] == sorted([*monthly, "population", "framework_conditions"])
    endings = {"".join(path.suffixes) for path, _, _ in datasets(landing)}
    assert endings == {".parquet", ".csv", ".csv.gz"}


def test_rows_obey_the_contract_but_for_a_few(landing: Path, connection: duckdb.DuckDBPyConnection) -> None:
    contract_columns = {
        "benefit_periods": (
            "person_id benefit_code match_group_code municipality_code from_date to_date benefit_fraction"
        ),
        "conversations": (
            "conversation_id person_id municipality_code conversation_type_code contact_form status"
            " conversation_date requested_date registered_at"
        ),
        "active_offers": "offer_id person_id municipality_code offer_type from_date to_date hours_per_week",
        "ordinary_hours": "person_id paid_hours",
        "population": "municipality_code population_16_66",
        "framework_conditions": "municipality_code period_code covariate_code value",
    }
    broken_in_all = repeated_in_all = 0
    for path, manifest, entry in datasets(landing):
        name, first, last = entry["dataset"], f"{manifest['period']}-01", last_day(manifest["period"])
        rows = f"{relation(path)} as {name}"
        assert connection.sql(f"from {rows}").columns == contract_columns[name].split()
        condition = BROKEN[name].format(first=first, last=last)
        [(broken,)] = connection.sql(f"select count(*) from {rows} where {condition}").fetchall()
        [(repeated,)] = connection.sql(f"select count(*) - count(distinct {KEYS[name]}) from {rows}").fetchall()
        assert broken + repeated < 0.02 * entry["rows"], path
        if name in ("population", "framework_conditions"):
            assert (broken, repeated) == (0, 0)
        broken_in_all += broken
        repeated_in_all += repeated
    assert broken_in_all >= 3 and repeated_in_all >= 3


def test_csv_cells_are_written_as_the_contract_says(landing: Path) -> None:
    [path] = landing.glob("2023-04/delivery-001/conversations.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    cell = r"\d{4}-\d\d-\d\d"
    good = re.compile(rf"C202304-\d+,\d{{10}},\d{{4}},\d+,[a-z_]+,[a-z_]*,{cell},({cell})?,{cell}T\d\d:\d\d:\d\d")
    assert lines[0].startswith("conversation_id,person_id,")
    assert [line for line in lines[1:] if not good.fullmatch(line)] == []


def test_every_number_is_a_replacement_number(landing: Path, connection: duckdb.DuckDBPyConnection) -> None:
    checked = 0
    for path, _, entry in datasets(landing):
        if entry["dataset"] in ("population", "framework_conditions"):
            continue
        [(count, wrong)] = connection.sql(f"""
            select
                count(*),
                count(*) filter (
                    cast(person_id[1:2] as integer) not between 61 and 91
                    or try_strptime(
                        lpad(cast(cast(person_id[1:2] as integer) - 60 as varchar), 2, '0') || person_id[3:6], '%d%m%y'
                    ) is null
                )
            from {relation(path)} where length(person_id) = 10
        """).fetchall()
        assert wrong == 0
        assert count > 0.99 * entry["rows"]
        checked += count
    assert checked > 10_000


def test_a_number_is_given_once() -> None:
    numbers = PersonNumbers(seed=3, start=date(2023, 1, 1))
    # Three rounds over the days of birth.
    taken = np.concatenate([numbers.take(20_000)[0], numbers.take(35_000)[0]])
    assert len(np.unique(taken)) == 55_000
    assert taken.min() >= 6_100_000_000 and taken.max() < 9_200_000_000


def test_same_arguments_same_bytes_and_more_months_only_add(tmp_path: Path, landing: Path) -> None:
    grown = tmp_path / "grown"
    generate_sample(grown, scale=SCALE, start=START, months=2, seed=SEED)
    times = {
        path: path.stat().st_mtime_ns for path in grown.rglob("*") if path.is_file() and path.name != "sample.json"
    }
    summary = generate_sample(grown, scale=SCALE, start=START, months=MONTHS, seed=SEED)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert summary.deliveries_written == 3
    # The landing zone made in one go has the same bytes.
    assert digests(grown) == digests(landing)
    assert generate_sample(grown, scale=SCALE, start=START, months=1, seed=SEED).deliveries_written == 0
    assert digests(grown) == digests(landing)


def test_another_seed_makes_other_rows(tmp_path: Path, landing: Path) -> None:
    generate_sample(tmp_path, scale=SCALE, start=START, months=1, seed=SEED + 1)
    mine, other = digests(landing), digests(tmp_path)
    name = "2023-03/delivery-001/benefit_periods.parquet"
    assert mine[name] != other[name]


def test_marker_names_the_sample(landing: Path) -> None:
    assert json.loads((landing / "sample.json").read_text()) == {
        "seed": SEED,
        "scale": SCALE,
        "start": START,
        "generator_version": 1,
        "months": MONTHS,
    }


def test_another_sample_and_real_deliveries_are_left_alone(tmp_path: Path) -> None:
    generate_sample(tmp_path / "one", scale=0.001, start=START, months=1, seed=1)
    before = digests(tmp_path / "one")
    with pytest.raises(SampleError, match=r"holds another sample: seed 1 \(asked: 2\)"):
        generate_sample(tmp_path / "one", scale=0.001, start=START, months=1, seed=2)
    with pytest.raises(SampleError, match=r"To add a month to it: `make sample SCALE=0.001 START=\S+ SEED=1 MONTHS=2`"):
        generate_sample(tmp_path / "one", scale=0.001, start="2024-01", months=1, seed=1)
    assert digests(tmp_path / "one") == before
    (tmp_path / "two" / "2024-01" / "delivery-001").mkdir(parents=True)
    with pytest.raises(SampleError, match=r"deliveries that are not a sample"):
        generate_sample(tmp_path / "two", scale=0.001, start=START, months=1, seed=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"start": "2023-13"}, "start must be a month"),
        ({"start": "2014-12"}, "not lie in 2015-01 to 2035-12"),
        ({"start": "2035-12", "months": 2}, "do not lie in"),
        ({"months": 0}, "months must be 1 or more"),
        ({"scale": 0.0}, "scale must be above 0"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"scale": 0.001, "start": "2023-01", "months": 1, "seed": 1, **changed}
    with pytest.raises(SampleError, match=message):
        generate_sample(tmp_path / "landing", **arguments)
    assert not (tmp_path / "landing").exists()


def test_the_rejected_delivery_disagrees_with_its_manifest(tmp_path: Path) -> None:
    generate_sample(tmp_path, scale=0.001, start="2023-01", months=2, seed=1, with_rejected=True)
    [folder] = tmp_path.glob("2023-02/delivery-003")
    [entry] = json.loads((folder / "manifest.json").read_text())["files"]
    lines = (folder / entry["file"]).read_text().splitlines()
    assert len(lines) - 1 != entry["rows"]


def test_sizes_look_like_the_country(landing: Path, connection: duckdb.DuckDBPyConnection) -> None:
    folder = landing / "2023-06" / "delivery-001"
    [(persons, benefits, municipalities)] = connection.sql(f"""
        select count(distinct person_id), count(distinct benefit_code), count(distinct municipality_code)
        from {relation(folder / "benefit_periods.parquet")}
    """).fetchall()
    [(population, rows)] = connection.sql(
        f"select sum(population_16_66), count(*) from {relation(folder / 'population.csv')}"
    ).fetchall()
    assert 0.8 * 750_000 * SCALE < persons < 1.2 * 750_000 * SCALE
    assert 0.16 < persons / population < 0.24
    assert rows == 98 and benefits >= 10 and municipalities >= 95


def test_framework_conditions_have_full_rank_and_explain_part_of_the_level() -> None:
    world = World(seed=1, scale=1.0)
    month = date(2024, 6, 1)
    conditions, population = world.framework_conditions(month), world.population_16_66(month).astype(np.float64)
    assert conditions.shape == (98, 23)
    ages = [n for n, code in enumerate(world.covariate_codes) if code.startswith("age_")]
    np.testing.assert_allclose(conditions[:, ages].sum(1), 100, atol=0.001)
    assert conditions.min() > 0
    chosen = [n for n, code in enumerate(world.covariate_codes) if code != "age_40_54"]
    design = np.column_stack([np.ones(98), conditions[:, chosen]])
    design /= np.linalg.norm(design, axis=0)
    assert np.linalg.matrix_rank(design) == 23
    share = 100 * world.target_stock(month)[:, :9].sum(1) / population
    weight = np.sqrt(population)
    fitted = design @ np.linalg.lstsq(design * weight[:, None], share * weight, rcond=None)[0]
    mean = np.average(share, weights=population)
    explained = 1 - (population * (share - fitted) ** 2).sum() / (population * (share - mean) ** 2).sum()
    assert 0.6 < explained < 0.99
    assert 1 < (share - fitted > 0.2).sum() < 60


def test_municipalities_differ_in_effort() -> None:
    effort = World(seed=1, scale=1.0).effort(date(2024, 1, 1))
    assert effort.on_time_probability.min() < 0.6 and effort.on_time_probability.max() > 0.9
    assert effort.offer_interval.max() > 2 * effort.offer_interval.min()


def test_careers_have_gaps_moves_overlaps_and_partial_benefits(
    landing: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    files = ", ".join(f"'{path}'" for path in landing.glob("*/delivery-001/benefit_periods.parquet"))
    [(one_day_gaps, overlaps, moves, switches, partial)] = connection.sql(f"""
        with rows_in_order as (
            select
                *,
                lead(from_date) over following as next_from_date,
                lead(municipality_code) over following as next_municipality_code,
                lead(benefit_code) over following as next_benefit_code
            from read_parquet([{files}])
            where from_date <= to_date and benefit_code is not null
            window following as (partition by person_id order by from_date, to_date)
        )
        select
            count(*) filter (next_from_date - to_date = 2),
            count(*) filter (next_from_date <= to_date),
            count(*) filter (next_municipality_code <> municipality_code),
            count(*) filter (next_from_date = to_date + 1 and next_benefit_code <> benefit_code),
            count(*) filter (benefit_fraction < 1)
        from rows_in_order
    """).fetchall()
    assert one_day_gaps >= 3
    assert overlaps >= 20
    assert moves >= 20
    assert switches >= 50
    assert partial >= 300


def test_hours_were_not_registered_until_september_2019(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    generate_sample(tmp_path, scale=0.002, start="2019-09", months=2, seed=1)
    counts = [
        connection.sql(f"""
            select count(hours_per_week) > 0, count(*) > 20
            from {relation(tmp_path / period / "delivery-001" / "active_offers.parquet")}
        """).fetchall()[0]
        for period in ("2019-09", "2019-10")
    ]
    assert counts == [(False, True), (True, True)]


def test_delivered_at_follows_danish_summer_time() -> None:
    assert delivered_at(date(2024, 3, 1)) == "2024-05-02T06:00:00+02:00"
    assert delivered_at(date(2023, 11, 1)) == "2024-01-02T06:00:00+01:00"
    assert delivered_at(date(2023, 12, 1), 3) == "2024-02-03T06:00:00+01:00"
    assert delivered_at(date(2024, 2, 1)) == "2024-04-02T06:00:00+02:00"


def test_the_generator_is_vectorised(tmp_path: Path) -> None:
    # Processor time, so that a busy machine does not decide; a loop over rows is twenty times slower than this bound.
    began = time.process_time()
    summary = generate_sample(tmp_path, scale=0.05, start="2023-01", months=3, seed=1)
    assert summary.rows / (time.process_time() - began) > 120_000
    assert summary.rows > 150_000


def test_the_command_reports_and_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--scale", "0.001", "--months", "1", "--seed", "1", "--landing", str(tmp_path / "landing")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "2023-01  month 1 of 1" in printed and "rows a second" in printed
    assert main([*arguments, "--months", "2"]) == 0
    printed = capsys.readouterr().out
    assert "2023-01  month 1 of 2  already there" in printed and "2023-02  month 2 of 2  " in printed
    assert re.search(r"^sample: [\d,]+ rows in 1 month \(1 there already\), 1 delivery \(", printed, re.MULTILINE)
    assert main([*arguments, "--start", "1999-01"]) == 2
    assert "sample: 1 month from 1999-01 does not lie in 2015-01 to 2035-12" in capsys.readouterr().err
