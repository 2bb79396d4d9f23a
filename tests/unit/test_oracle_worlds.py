"""The random worlds: reproducible, packable, written as the contract says, and sharp enough to catch an off-by-one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.oracle import areas, packs, rules
from tests.oracle.building import benefit, empty_world
from tests.oracle.calendar import add_months, month_of
from tests.oracle.comparison import compare, compare_warehouse, with_provisional
from tests.oracle.landing import replacement_number, write_world
from tests.oracle.measures import COMPUTE, benefit_levels
from tests.oracle.municipalities import CODES
from tests.oracle.random_worlds import (
    add_national_inputs,
    cohort_world,
    letters_world,
    limit_world,
    pack,
    random_world,
)
from tests.oracle.rows import MartRows
from tests.oracle.world import BenefitRow, World

STARTS = {"2019": date(2018, 9, 1), "2020": date(2020, 7, 1), "2024": date(2023, 12, 1), "2026": date(2026, 3, 1)}
MONTHS = 14


def fresh(world: World) -> World:
    return replace(world, memo={})


@pytest.fixture(scope="module")
def worlds() -> dict[str, list[World]]:
    return {
        era: [random_world(seed, start, MONTHS, 30, ("0101", "0147"), holes=()) for seed in range(4)]
        for era, start in STARTS.items()
    }


@pytest.fixture(scope="module")
def baseline(worlds: dict[str, list[World]]) -> Callable[[str, str], list[MartRows]]:
    return lambda era, mart: [COMPUTE[mart](world) for world in worlds[era]]


def test_a_seed_is_a_world() -> None:
    one, two, other = (random_world(seed, date(2019, 6, 1), 12, 15, ("0101", "0147")) for seed in (4, 4, 5))
    assert one == two
    assert one.benefit_rows != other.benefit_rows


def test_the_edges_are_there(worlds: dict[str, list[World]]) -> None:
    everything = [world for group in worlds.values() for world in group]
    rows = [row for world in everything for row in world.benefit_rows]
    assert {row.benefit for row in rows} == set(rules.BENEFITS)
    assert {row.match_group for row in rows} == set(rules.MATCH_GROUPS)
    assert any(row.to_date.day == 29 and row.to_date.month == 2 for row in rows)
    talks = [talk for world in everything for talk in world.conversation_rows]
    assert {talk.status for talk in talks} == {"held", "cancelled", "no_show"}
    assert {talk.type_code for talk in talks} == set(rules.CONVERSATION_TYPES)
    spells = [spell for world in everything for person in world.persons.values() for spell in person.support_spells]
    assert any(spell.is_left_censored for spell in spells)
    gaps = [
        (later.first - earlier.last).days
        for world in everything
        for person in world.persons.values()
        for earlier, later in zip(person.support_spells, person.support_spells[1:], strict=False)
    ]
    assert 2 in gaps  # one free day
    for world in everything:
        assert len(set(world.benefit_rows)) == len(world.benefit_rows)  # none would be quarantined as a duplicate
        assert len(set(world.offer_rows)) == len(world.offer_rows)
        for talk in world.conversation_rows:
            assert talk.requested_date is None or talk.requested_date <= talk.conversation_date


def test_sometimes_a_month_is_missing() -> None:
    lengths = {len(random_world(seed, date(2021, 1, 1), 12, 2, ("0101",)).loaded_months) for seed in range(20)}
    assert lengths == {11, 12}


Mutation = tuple[str, str, str, object]


def _later_window(field: str, by: int) -> tuple[rules.Window, ...]:
    return tuple(replace(row, **{field: getattr(row, field) + by}) for row in rules.WINDOWS)


def _deadlines(field: str, by: int) -> tuple[rules.Deadline, ...]:
    return tuple(replace(row, **{field: getattr(row, field) + by}) for row in rules.DEADLINES)


MUTATIONS: list[Mutation] = [
    *[(era, "conversation_coverage", "WINDOWS", _later_window("from_months", 1)) for era in STARTS],
    *[(era, "conversation_coverage", "WINDOWS", _later_window("to_months", -1)) for era in STARTS],
    *[(era, "conversation_timeliness", "DEADLINES", _deadlines("offset_value", 1)) for era in STARTS],
    *[(era, "conversation_timeliness", "DEADLINES", _deadlines("required_count", 1)) for era in STARTS],
    ("2024", "conversation_coverage", "CONVERSATION_TYPES", rules.CONVERSATION_TYPES | {15: True}),
    ("2019", "conversation_timeliness", "CONVERSATION_TYPES", rules.CONVERSATION_TYPES | {4: False}),
    ("2024", "conversation_requests", "REQUEST_DAYS", 9),
    ("2024", "early_effort", "EARLY_EFFORT_MONTHS", 5),
    ("2019", "focus_goals", "PASSIVE_MINIMUM_MONTHS", 11),
    ("2019", "focus_goals", "FEW_CONVERSATIONS_BELOW", 5),
    (
        "2019",
        "focus_goals",
        "HOURS_LIMITS",
        ((Decimal("225.000001"), rules.BEGINNING, rules.OPEN_END),),
    ),
    ("2024", "offer_effort", "FOUR_WEEKS_DAYS", 29),
    ("2024", "offer_effort", "FOUR_WEEKS_DAYS", 27),
    ("2024", "offer_effort", "FIRST_OFFER_MONTHS", 5),
    ("2020", "passive_by_duration", "SHORTEST_BAND_DAYS", 46),
    ("2024", "benefit_recipients", "BENEFITS", rules.BENEFITS | {"foertidspension": (None, True, 10)}),
    ("2020", "results", "BENEFITS", rules.BENEFITS | {"sho": ("kontanthjaelp", True, 0)}),
]


@pytest.mark.parametrize(("era", "mart", "name", "value"), MUTATIONS, ids=lambda part: str(part)[:30])
def test_a_changed_rule_shows(
    era: str,
    mart: str,
    name: str,
    value: object,
    worlds: dict[str, list[World]],
    baseline: Callable[[str, str], list[MartRows]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four worlds of 30 persons are enough to tell the rule from its neighbour, counts alone."""
    right = baseline(era, mart)
    assert not hasattr(rules, name) or getattr(rules, name) != value
    monkeypatch.setattr(rules, name, value)
    labels = ("from_months", "to_months", "required_count", "rule_id", "hours_rule_id")
    changed = 0
    for expected, world in zip(right, worlds[era], strict=True):
        again = fresh(world)
        if name not in ("BENEFITS", "CONVERSATION_TYPES"):
            again.memo["persons"] = world.persons  # the days are the same; only the measure is worked out again
        rows = [
            dict(zip(expected.key_columns, key, strict=True)) | values for key, values in COMPUTE[mart](again).items()
        ]
        changed += bool(compare(expected, rows, ignore=labels))
    assert changed


def test_the_ties_of_the_winning_row_show(worlds: dict[str, list[World]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column of §2's order decides somewhere."""
    from tests.oracle import world as module

    original = module.precedence
    sample = worlds["2024"]
    for place in range(6):

        def without(row: BenefitRow, place: int = place) -> tuple[object, ...]:
            keys = original(row)
            return keys[:place] + keys[place + 1 :]

        monkeypatch.setattr(module, "precedence", without)
        winners = [{key: person.row_of_day for key, person in fresh(one).persons.items()} for one in sample]
        monkeypatch.setattr(module, "precedence", original)
        right = [{key: person.row_of_day for key, person in one.persons.items()} for one in sample]
        assert winners != right, f"column {place} of the order never decides"


def test_packed_worlds_keep_their_municipal_rows() -> None:
    start = date(2023, 8, 1)
    parts = [random_world(seed, start, 14, 12, ("0147", "0153"), holes=(5,)) for seed in range(3)]
    parts.append(cohort_world(1, start, 14, "0101", holes=(5,)))
    packed = pack(parts)
    assert packed.municipalities == CODES[:7]
    assert sum(len(part.benefit_rows) for part in parts) == len(packed.benefit_rows)
    for mart in (
        "conversation_coverage",
        "conversation_timeliness",
        "conversation_requests",
        "early_effort",
        "focus_goals",
        "offer_effort",
        "passive_by_duration",
        "benefit_recipients",
        "results",
    ):
        together = COMPUTE[mart](packed)
        for place, part in enumerate(parts):
            code = dict(zip(sorted(part.municipalities), CODES[2 * place :], strict=False))
            for key, values in COMPUTE[mart](part).items():
                if key[1] != "0000":
                    new_key = (key[0], code[str(key[1])], *key[2:])
                    assert together[new_key] == values, (mart, key)
    country = COMPUTE["conversation_requests"](packed)
    for key, values in country.items():
        if key[1] == "0000":
            own = [country[key[0], code]["requested_count"] for code in packed.municipalities]
            assert values["requested_count"] == sum(own)


@pytest.mark.parametrize("name", ["letters", "holes"])
def test_an_era_fills_all_municipalities(name: str) -> None:
    world = packs.packed(name, persons=1)
    assert world.municipalities == CODES
    assert len(world.loaded_months) == packs.ERAS[name].months - len(packs.ERAS[name].holes)
    assert {row.municipality for row in world.benefit_rows} >= set(CODES[90:])  # the cohorts and the limit worlds
    assert len({row.period_code for row in world.published_rows}) == len(packs.ERAS[name].published_periods)


@pytest.mark.parametrize("name", ["holes", "law_2020"])
def test_an_era_lacks_data_sets_or_has_months_with_activities_alone(name: str) -> None:
    era, world = packs.ERAS[name], packs.packed(name, persons=5)
    months = {
        "conversations": ({month_of(row.conversation_date) for row in world.conversation_rows}, era.no_conversations),
        "active_offers": ({month_of(row.from_date) for row in world.offer_rows}, era.no_offers),
        "ordinary_hours": ({row.month for row in world.hours_rows}, era.no_hours),
    }
    for name, (used, missing) in months.items():
        assert missing and set(missing) <= set(world.loaded_months), name
        assert not used & set(missing), name
        assert used >= set(era.activities_only), name
    assert not set(era.activities_only) & set(world.loaded_months)
    # A wish of a loaded month may be met in a month that is not.
    assert not era.activities_only or any(
        row.requested_date and row.requested_date.month != row.conversation_date.month
        for row in world.conversation_rows
        if month_of(row.conversation_date) in era.activities_only
    )


def test_the_ministers_list_has_somebody_on_it() -> None:
    world = letters_world(date(2017, 6, 1), 20, ("0101", "0147"))
    # The country as a whole must be better: thirty persons elsewhere who all have their two talks.
    world.municipalities = ("0101", "0147", "0751")
    for number, row in enumerate([row for row in world.benefit_rows if row.municipality == "0101"]):
        world.benefit_rows.append(replace(row, person_id=f"x{row.person_id}", municipality="0751"))
        talk = replace(world.conversation_rows[0], person_id=f"x{row.person_id}", municipality="0751", type_code=7)
        world.conversation_rows.append(replace(talk, conversation_id=f"x{number}", conversation_date=row.from_date))
    rows = COMPUTE["follow_up"](fresh(world))
    listed = {(key[0], key[1]) for key, row in rows.items() if row["is_on_list"]}
    assert listed == {("2018-06", "0101"), ("2019-01", "0101")}
    assert {row["status"] for row in rows.values()} == {"well_below", "at_or_above", None}


def test_only_like_worlds_are_packed() -> None:
    one = limit_world(date(2023, 1, 1), 3, "0101")
    with pytest.raises(ValueError, match="same loaded months"):
        pack([one, limit_world(date(2023, 1, 1), 4, "0101")])
    with pytest.raises(ValueError, match="more municipalities"):
        pack([one, one], codes=("0101",))


@pytest.fixture(scope="module")
def national() -> World:
    parts = [random_world(seed, date(2021, 7, 1), 12, 12, CODES[:14], holes=()) for seed in range(7)]
    return add_national_inputs(pack(parts), 1, published_periods=("2022QMAT02",))


def test_the_model_agrees_with_another_least_squares(national: World) -> None:
    rows = benefit_levels.compute(national)
    weights = np.array([national.population[date(2022, 6, 1), code] for code in CODES], dtype=float)
    columns = [code for code, is_reference in rules.COVARIATES.items() if not is_reference]
    conditions = national.framework_conditions
    design = np.array([[1.0, *(float(conditions["2022QMAT02", m, c]) for c in columns)] for m in CODES])
    root = np.sqrt(weights)
    for area in rules.AREAS:
        own = [rows["2022QMAT02", code, area, "model"] for code in CODES]
        actual = np.array([float(row["actual_percentage"]) for row in own])
        q, r = np.linalg.qr(design * root[:, None])
        fitted = design @ np.linalg.solve(r, q.T @ (actual * root))
        expected = np.array([float(row["expected_percentage"]) for row in own])
        assert np.abs(fitted - expected).max() < 1e-8
        residual = (actual - fitted) * root
        variance = residual @ residual / (98 - 23)
        bracket = np.maximum(0, 1 / weights - (q**2).sum(axis=1) / weights)
        errors = np.array([row["difference_standard_error"] for row in own], dtype=float)
        assert np.abs(np.sqrt(variance * bracket) - errors).max() < 1e-8
        balance = sum(national.population[date(2022, 6, 1), m] * row["difference_percentage_points"]
                      for m, row in zip(CODES, own, strict=True))  # fmt: skip
        assert balance == 0
        assert sorted(row["benchmark_rank"] for row in own) == list(range(1, 99))


def test_a_missing_covariate_or_population_takes_the_period_with_it(national: World) -> None:
    spoilers: list[Callable[[World], object]] = [
        lambda world: world.framework_conditions.pop(("2022QMAT02", "0101", "living_alone")),
        lambda world: world.population.pop((date(2022, 6, 1), "0101")),
    ]
    for spoil in spoilers:
        world = replace(
            national,
            memo={},
            framework_conditions=dict(national.framework_conditions),
            population=dict(national.population),
        )
        spoil(world)
        assert {key[3] for key in benefit_levels.compute(world)} == {"published"}
        categories = COMPUTE["category_assignments"](world)
        assert categories["kl_all", "2022QMAT02", "0101"]["municipality_category"] == 0
        assert categories["official", "2022QMAT02", "0860"]["expected_source"] == "published"


def test_model_categories_have_a_probability(national: World) -> None:
    rows = COMPUTE["category_assignments"](national)
    shown = [row for key, row in rows.items() if key[0] == "kl_all" and row["municipality_category"] != 0]
    for row in shown:
        probability = row["category_probability"]
        assert isinstance(probability, float) and 0.5 <= probability <= 1


def test_deliveries_are_what_the_contract_says(tmp_path: Path, national: World) -> None:
    folders = write_world(national, tmp_path)
    assert [folder.relative_to(tmp_path).as_posix() for folder in folders][-2:] == [
        "2022-06/delivery-001",
        "2022-06/delivery-901",
    ]
    back: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["period"] == folder.parent.name
        assert int(folder.name[-3:]) == manifest["delivery"]
        assert {entry["file"] for entry in manifest["files"]} | {"manifest.json"} == {p.name for p in folder.iterdir()}
        for entry in manifest["files"]:
            path = folder / entry["file"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
            if path.suffix == ".parquet":
                rows = pq.read_table(path).to_pylist()
                back.setdefault(entry["dataset"], []).extend(rows)
            else:
                rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
            assert len(rows) == entry["rows"]
    again = [
        BenefitRow(*[row[column] for column in (
            "person_id", "benefit_code", "match_group_code", "municipality_code", "from_date", "to_date",
            "benefit_fraction",
        )])
        for row in back["benefit_periods"]
    ]  # fmt: skip
    assert sorted(map(repr, again)) == sorted(
        repr(replace(row, fraction=row.fraction.quantize(Decimal("0.000001")))) for row in national.benefit_rows
    )
    assert len(back["conversations"]) == len(national.conversation_rows)
    assert len(back["framework_conditions"]) == 98 * 23
    for row in back["conversations"]:
        registered, held = row["registered_at"], row["conversation_date"]
        assert row["status"] != "held" or registered.date() >= held
    assert len({row["conversation_id"] for row in back["conversations"]}) == len(back["conversations"])


def test_replacement_numbers_are_unique_and_nobodys() -> None:
    numbers = [replacement_number(number) for number in range(50_000)]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == 10 and 61 <= int(number[:2]) <= 88 for number in numbers)


def test_a_row_in_an_undelivered_month_is_refused() -> None:
    world = limit_world(date(2023, 1, 1), 3, "0101")
    talk = replace(world.conversation_rows[0], conversation_date=date(2023, 4, 1))
    with pytest.raises(ValueError, match="without such a delivery"):
        replace(world, conversation_rows=[talk], memo={})


def test_shares_agree_with_their_own_counts(worlds: dict[str, list[World]]) -> None:
    pairs = {
        "focus_goals": ("passive_share", "passive_count", "person_count"),
        "results": ("retained_share", "retained_count", "ended_spell_count"),
        "conversation_timeliness": ("on_time_share", "on_time_count", "obligation_count"),
    }
    for mart, (share, numerator, denominator) in pairs.items():
        for row in COMPUTE[mart](worlds["2019"][0]).values():
            if row[numerator] is None or row[denominator] == 0:
                assert row[share] is None
            else:
                assert row[share] == Fraction(row[numerator], row[denominator])


def test_computing_changes_nothing(worlds: dict[str, list[World]]) -> None:
    world = fresh(worlds["2024"][0])
    before = deepcopy(world)
    for mart, compute in COMPUTE.items():
        if mart != "timeliness_and_results_correlation":
            compute(world)
    assert (world.benefit_rows, world.population) == (before.benefit_rows, before.population)
    assert month_of(world.newest_as_of or date.min) == add_months(world.loaded_months[0], MONTHS - 1)


def test_areas_count_a_person_once() -> None:
    world = empty_world("2024-01", 2, municipalities=("0101", "0147", "0751"))
    benefit(world, "p", "dagpenge", "2024-01-01", "2024-01-15")
    benefit(world, "p", "dagpenge", "2024-01-16", "2024-02-10", municipality="0147")
    benefit(world, "q", "dagpenge", "2024-02-01", "2024-02-10", municipality="0751")
    world.population = {(date(2023, 12, 1), "0101"): 100, (date(2023, 12, 1), "0147"): 100}
    rows = areas.compute(world, "region", {"0101": "east", "0147": "east", "0751": "west"})
    january = date(2024, 1, 1)
    assert rows["region", "east", "full_time_persons", january, "all"]["measure_value"] == 1
    assert rows["region", "east", "support_share", january, "all"]["measure_value"] == Fraction(1, 2)
    assert rows["region", "west", "support_share", january, "all"]["measure_value"] is None
    spell = rows["region", "east", "average_spell_days", date(2024, 2, 1), "all"]
    assert (spell["numerator_count"], spell["denominator_count"]) == (41, 1)


def test_provisional_until_three_later_months() -> None:
    world = empty_world("2024-01", 6, holes=("2024-04",))
    rows = with_provisional(world, COMPUTE["conversation_requests"](world))
    shown = {key[0].month: row["is_provisional"] for key, row in rows.items()}
    assert shown == {1: False, 2: False, 3: True, 5: True, 6: True}  # later than February: March, May, June


def test_compare_warehouse_reads_the_tables() -> None:
    world = empty_world("2024-01", 1)
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(
        """create table marts.fct_conversation_requests as
        select date '2024-01-01' as month, code as municipality_code, 0::bigint as requested_count,
            0::bigint as within_10_days_count, null::double as within_10_days_share, true as is_provisional
        from (values ('0000'), ('0101')) as codes (code)"""
    )
    assert compare_warehouse(world, connection, ["conversation_requests"]) == {}
    connection.execute(
        "update marts.fct_conversation_requests set is_provisional = false where municipality_code = '0000'"
    )
    assert compare_warehouse(world, connection, ["conversation_requests"]) == {
        "conversation_requests": [
            "conversation_requests month=2024-01-01 municipality_code=0000 is_provisional: expected True, got False"
        ]
    }
