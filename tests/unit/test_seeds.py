"""The seeds say what the rules say: numbers by a second table, validities without holes, codes that exist.

The expected numbers below were typed from the rules' text, not read from the seeds. The generic dbt tests and the
rule macros are rendered here with plain Jinja and run on a handful of rows, broken ones among them: a test that has
never failed is not known to work.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
SEEDS = PROJECT / "seeds"
REAL = PROJECT.parent / "shared" / "real"
START, OPEN = "1900-01-01", "9999-12-31"

DAGPENGE = "dagpengemodtagere"
JOBPARATE = "jobparate_kontanthjaelpsmodtagere"
AKTIVITETSPARATE = "aktivitetsparate_kontanthjaelpsmodtagere"
UDDANNELSESPARATE = "uddannelsesparate_uddannelseshjaelpsmodtagere"
AKTIVITETSPARATE_UNGE = "aktivitetsparate_uddannelseshjaelpsmodtagere"
SYGEDAGPENGE = "sygedagpengemodtagere"
TARGET_GROUPS = (DAGPENGE, JOBPARATE, AKTIVITETSPARATE, UDDANNELSESPARATE, AKTIVITETSPARATE_UNGE, SYGEDAGPENGE)


@cache
def seed_files() -> dict[str, Path]:
    """Path of each seed by name."""
    return {path.stem: path for path in sorted(SEEDS.glob("*/*.csv"))}


@cache
def rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed as text; an empty cell is the empty string."""
    with seed_files()[name].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def properties() -> dict[str, dict[str, Any]]:
    """What the YAML files beside the seeds say, by seed name."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(SEEDS.glob("*/*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")).get("seeds", []):
            assert entry["name"] not in found, f"{entry['name']} is described twice"
            found[entry["name"]] = entry
    return found


def column_names(name: str) -> list[str]:
    with seed_files()[name].open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def in_force(name: str, day: str) -> list[dict[str, str]]:
    return [row for row in rows(name) if row["valid_from_date"] <= day < row["valid_to_date"]]


# ---------------------------------------------------------------------------------------------------- shape


def test_every_seed_is_described() -> None:
    assert set(seed_files()) == set(properties())


@pytest.mark.parametrize("name", sorted(seed_files()))
def test_every_column_has_a_type_and_a_description(name: str) -> None:
    entry = properties()[name]
    described = {column["name"]: column.get("description", "") for column in entry["columns"]}
    assert entry["description"].startswith("One row per ")
    assert list(entry["config"]["column_types"]) == column_names(name)
    assert list(described) == column_names(name)
    assert all(text.strip() for text in described.values())


@pytest.mark.parametrize("name", sorted(seed_files()))
def test_every_cell_casts_to_its_type(name: str) -> None:
    types = properties()[name]["config"]["column_types"]
    with duckdb.connect() as connection:
        for row_number, row in enumerate(rows(name), start=1):
            for column, value in row.items():
                assert value == value.strip(), f"{name} row {row_number} {column}: blanks around the value"
                if value != "":
                    connection.execute(f"select cast(? as {types[column]})", [value])


# A list of names and the hand-written decisions rest on no source.
WITHOUT_EVIDENCE = {"month_names", "qualitative_reviews", "accepted_missing_inputs"}


@pytest.mark.parametrize("name", sorted(set(seed_files()) - WITHOUT_EVIDENCE))
def test_evidence_is_one_of_the_marks(name: str) -> None:
    assert {row["evidence"] for row in rows(name)} <= {"seen", "law", "project", "inferred", "assumed"}


@pytest.mark.parametrize("path", sorted((SEEDS / "rules").glob("*.csv")), ids=lambda path: path.stem)
def test_every_rule_names_its_law(path: Path) -> None:
    assert all(row["legal_reference"] for row in rows(path.stem))


# ------------------------------------------------------------------------------------------------ validities

KEYS = {
    "benefit_groups": ["benefit_group_code"],
    "target_groups": ["target_group_code"],
    "target_group_members": ["target_group_code", "benefit_group_code", "match_group_code"],
    "conversation_types": ["conversation_type_code"],
    "contact_forms": ["contact_form_code"],
    "municipality_areas": ["area_type_code", "municipality_code"],
    "framework_covariates": ["covariate_code"],
    "benefit_areas": ["benefit_area_code"],
    "benefit_area_members": ["benefit_area_code", "benefit_group_code"],
    "duration_bands": ["duration_band_code"],
    "rule_conversation_windows": ["target_group_code"],
    "rule_parameters": ["parameter_code"],
    "rule_goal_limits": ["goal_code"],
    "rule_category_decisions": ["result_status", "offers_status", "conversations_status"],
    "scenarios": ["scenario_code"],
    "unit_costs": ["benefit_area_code"],
}


@pytest.mark.parametrize("name", sorted(KEYS))
def test_validities_follow_each_other(name: str) -> None:
    by_key: dict[tuple[str, ...], list[tuple[date, date]]] = defaultdict(list)
    for row in rows(name):
        key = tuple(row[column] for column in KEYS[name])
        by_key[key].append((date.fromisoformat(row["valid_from_date"]), date.fromisoformat(row["valid_to_date"])))
    for key, validities in by_key.items():
        ordered = sorted(validities)
        assert all(start < end for start, end in ordered), f"{name} {key}: empty validity"
        for (_, end), (start, _) in pairwise(ordered):
            assert end == start, f"{name} {key}: gap or overlap at {end}"


def test_a_window_is_in_force_on_every_day() -> None:
    for day in (START, "2019-12-31", "2020-01-01", "2023-12-31", "2024-01-01", "2026-06-30", "2026-07-01"):
        assert sorted(row["target_group_code"] for row in in_force("rule_conversation_windows", day)) == sorted(
            TARGET_GROUPS
        )


# --------------------------------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("name", "column", "parent", "parent_column"),
    [
        ("benefit_groups", "benchmark_area_code", "benefit_areas", "benefit_area_code"),
        ("target_group_members", "target_group_code", "target_groups", "target_group_code"),
        ("target_group_members", "benefit_group_code", "benefit_groups", "benefit_group_code"),
        ("benefit_area_members", "benefit_area_code", "benefit_areas", "benefit_area_code"),
        ("benefit_area_members", "benefit_group_code", "benefit_groups", "benefit_group_code"),
        ("municipality_areas", "municipality_code", "municipalities", "municipality_code"),
        ("municipality_aliases", "municipality_code", "municipalities", "municipality_code"),
        ("jobindsats_tables", "benefit_group_code", "benefit_groups", "benefit_group_code"),
        ("data_breaks", "benefit_group_code", "benefit_groups", "benefit_group_code"),
        ("rule_conversation_windows", "target_group_code", "target_groups", "target_group_code"),
        ("rule_conversation_deadlines", "target_group_code", "target_groups", "target_group_code"),
        ("rule_category_decisions", "municipality_category", "category_names", "municipality_category"),
        ("unit_costs", "benefit_area_code", "benefit_areas", "benefit_area_code"),
        ("early_effort_benefit_groups", "benefit_group_code", "benefit_groups", "benefit_group_code"),
        ("qualitative_reviews", "municipality_code", "municipalities", "municipality_code"),
        ("qualitative_reviews", "scenario_code", "scenarios", "scenario_code"),
    ],
)
def test_every_code_exists(name: str, column: str, parent: str, parent_column: str) -> None:
    used = {row[column] for row in rows(name)} - {""}
    assert used <= {row[parent_column] for row in rows(parent)}


def test_benefit_groups_are_those_of_the_extracts() -> None:
    expected = [
        ("sygedagpenge", "sygedagpenge", "true", "1"),
        ("jobafklaring", "sygedagpenge", "true", "2"),
        ("dagpenge", "dagpenge", "true", "3"),
        ("ressourceforloeb", "kontanthjaelp", "true", "4"),
        ("revalidering", "kontanthjaelp", "true", "5"),
        ("ledighedsydelse", "kontanthjaelp", "true", "6"),
        ("kontanthjaelp", "kontanthjaelp", "true", "7"),
        ("uddannelseshjaelp", "kontanthjaelp", "true", "8"),
        ("sho", "kontanthjaelp", "true", "9"),
        ("foertidspension", "", "false", "10"),
    ]
    columns = ("benefit_group_code", "benchmark_area_code", "is_in_supervision_scope", "overlap_priority")
    assert [tuple(row[column] for column in columns) for row in rows("benefit_groups")] == expected


def test_benefit_areas_hold_the_benefits_they_should() -> None:
    members: dict[str, set[str]] = defaultdict(set)
    for row in rows("benefit_area_members"):
        members[row["benefit_area_code"]].add(row["benefit_group_code"])
    assert members["dagpenge"] == {"dagpenge"}
    assert members["sygedagpenge"] == {"sygedagpenge", "jobafklaring"}
    assert members["all"] == members["dagpenge"] | members["sygedagpenge"] | members["kontanthjaelp"]
    assert len(members["all"]) == 9
    assert members["all_with_foertidspension"] == members["all"] | {"foertidspension"}


def test_target_groups_have_the_members_of_the_letters() -> None:
    assert {
        (row["target_group_code"], row["benefit_group_code"], row["match_group_code"])
        for row in rows("target_group_members")
    } == {
        (DAGPENGE, "dagpenge", "*"),
        (JOBPARATE, "kontanthjaelp", "jobparat"),
        (JOBPARATE, "sho", "jobparat"),
        (AKTIVITETSPARATE, "kontanthjaelp", "aktivitetsparat"),
        (AKTIVITETSPARATE, "sho", "aktivitetsparat"),
        (UDDANNELSESPARATE, "uddannelseshjaelp", "uddannelsesparat"),
        (UDDANNELSESPARATE, "uddannelseshjaelp", "aabenlyst_uddannelsesparat"),
        (AKTIVITETSPARATE_UNGE, "uddannelseshjaelp", "aktivitetsparat"),
        (SYGEDAGPENGE, "sygedagpenge", "*"),
    }


def test_counted_conversation_types_are_four() -> None:
    counted = {int(row["conversation_type_code"]) for row in rows("conversation_types") if row["is_counted"] == "true"}
    every = {int(row["conversation_type_code"]) for row in rows("conversation_types")}
    assert counted == {4, 7, 17, 19}
    assert every == {4, 7, 8, 9, 10, 11, 12, 13, 15, 17, 19, 20}
    assert {row["is_counted"] for row in rows("contact_forms")} == {"true"}


def test_municipalities_and_their_areas() -> None:
    assert len(rows("municipalities")) == 98
    per_region: dict[str, int] = defaultdict(int)
    for row in rows("municipalities"):
        per_region[row["region_name"]] += 1
        assert row["statbank_code"].zfill(4) == row["municipality_code"]
    assert per_region == {
        "Region Hovedstaden": 29,
        "Region Sjælland": 17,
        "Region Syddanmark": 22,
        "Region Midtjylland": 19,
        "Region Nordjylland": 11,
    }
    for day, job_centres in (("2021-12-31", 94), ("2022-01-01", 95)):
        areas = in_force("municipality_areas", day)
        assert len({row["area_code"] for row in areas if row["area_type_code"] == "jobcentre"}) == job_centres
        assert len({row["area_code"] for row in areas if row["area_type_code"] == "rar_area"}) == 8
        assert len(areas) == 3 * 98


def test_areas_written_by_published_tables_are_known() -> None:
    if not REAL.is_dir():
        pytest.skip("the published tables are not beside the project")
    known = {row["alias"]: row["municipality_code"] for row in rows("municipality_aliases")}
    answer = json.loads((REAL / "jobindsats_y30r21.json").read_text(encoding="utf-8"))
    written = {row[answer["columns"].index("Område")] for row in answer["rows"]}
    assert len({known[area] for area in written}) == 98
    assert known["Hele landet"] == "" and known["RAR Fyn"] == ""


def test_covariates_leave_one_reference_out() -> None:
    covariates = [row["covariate_code"] for row in rows("framework_covariates")]
    assert len(covariates) == len(set(covariates)) == 23
    assert [row["covariate_code"] for row in rows("framework_covariates") if row["is_reference"] == "true"] == [
        "age_40_54"
    ]


def test_duration_bands_split_below_three_months_by_days() -> None:
    columns = ("duration_band_code", "from_months", "to_months", "from_days", "to_days")
    assert [tuple(row[column] for column in columns) for row in rows("duration_bands")] == [
        ("0_to_1_5", "0", "3", "0", "45"),
        ("1_5_to_3", "0", "3", "45", ""),
        ("3_to_6", "3", "6", "", ""),
        ("6_to_9", "6", "9", "", ""),
        ("9_to_12", "9", "12", "", ""),
        ("12_or_more", "12", "", "", ""),
    ]


# --------------------------------------------------------------------------------------------------- rules

WINDOWS_UNTIL_2019 = {
    DAGPENGE: (6, 9, 6),
    JOBPARATE: (3, 6, 2),
    AKTIVITETSPARATE: (6, 9, 2),
    UDDANNELSESPARATE: (3, 6, 2),
    AKTIVITETSPARATE_UNGE: (6, 9, 2),
    SYGEDAGPENGE: (3, 6, 2),
}
WINDOWS_FROM_2020 = dict.fromkeys(TARGET_GROUPS, (6, 9, 4))
WINDOWS_FROM_2024 = WINDOWS_FROM_2020 | {DAGPENGE: (6, 9, 6)}
WINDOWS_FROM_JULY_2026 = {
    DAGPENGE: (6, 9, 4),
    JOBPARATE: (6, 9, 4),
    AKTIVITETSPARATE: (6, 9, 1),
    UDDANNELSESPARATE: (6, 9, 1),
    AKTIVITETSPARATE_UNGE: (6, 9, 1),
    SYGEDAGPENGE: (3, 6, 1),
}


@pytest.mark.parametrize(
    ("first_day", "last_day", "expected"),
    [
        ("1900-01-01", "2019-12-31", WINDOWS_UNTIL_2019),
        ("2020-01-01", "2023-12-31", WINDOWS_FROM_2020),
        ("2024-01-01", "2026-06-30", WINDOWS_FROM_2024),
        ("2026-07-01", "9999-12-30", WINDOWS_FROM_JULY_2026),
    ],
)
def test_conversation_windows(first_day: str, last_day: str, expected: dict[str, tuple[int, int, int]]) -> None:
    for day in (first_day, last_day):
        assert {
            row["target_group_code"]: (int(row["from_months"]), int(row["to_months"]), int(row["required_count"]))
            for row in in_force("rule_conversation_windows", day)
        } == expected


# (sequence number, required number, offset, unit)
Deadline = tuple[int, int, int, str]
DAGPENGE_UNTIL_2019: list[Deadline] = [
    (1, 1, 42, "day"),
    (2, 2, 2, "month"),
    (3, 3, 3, "month"),
    (4, 4, 4, "month"),
    (5, 5, 5, "month"),
    (6, 6, 6, "month"),
    (7, 7, 9, "month"),
    (8, 8, 12, "month"),
    (9, 9, 15, "month"),
    (10, 10, 18, "month"),
    (11, 11, 21, "month"),
    (12, 12, 24, "month"),
]
PARATE_UNTIL_2019: list[Deadline] = [(1, 1, 7, "day"), (2, 2, 3, "month"), (3, 4, 12, "month"), (4, 8, 24, "month")]
AKTIVITETSPARATE_UNTIL_2019: list[Deadline] = [(1, 1, 7, "day"), (2, 5, 12, "month"), (3, 9, 24, "month")]
SYGEDAGPENGE_UNTIL_2019: list[Deadline] = [
    (1, 1, 56, "day"),
    (2, 2, 84, "day"),
    (3, 3, 112, "day"),
    (4, 4, 140, "day"),
    (5, 5, 168, "day"),
    (6, 6, 196, "day"),
    (7, 7, 224, "day"),
    (8, 8, 252, "day"),
    (9, 9, 280, "day"),
    (10, 10, 308, "day"),
    (11, 11, 336, "day"),
    (12, 12, 364, "day"),
]


def four_by_six_months(first_by_days: int) -> list[Deadline]:
    return [(1, 1, first_by_days, "day"), (2, 4, 6, "month")]


DEADLINES_FROM_2020 = {
    DAGPENGE: four_by_six_months(42),
    JOBPARATE: four_by_six_months(7),
    AKTIVITETSPARATE: four_by_six_months(7),
    UDDANNELSESPARATE: four_by_six_months(7),
    AKTIVITETSPARATE_UNGE: four_by_six_months(7),
    SYGEDAGPENGE: four_by_six_months(56),
}
ONE_BY_SIX_MONTHS: list[Deadline] = [(1, 1, 6, "month")]


@pytest.mark.parametrize(
    ("first_day", "last_day", "expected"),
    [
        (
            "1900-01-01",
            "2019-12-31",
            {
                DAGPENGE: DAGPENGE_UNTIL_2019,
                JOBPARATE: PARATE_UNTIL_2019,
                UDDANNELSESPARATE: PARATE_UNTIL_2019,
                AKTIVITETSPARATE: AKTIVITETSPARATE_UNTIL_2019,
                AKTIVITETSPARATE_UNGE: AKTIVITETSPARATE_UNTIL_2019,
                SYGEDAGPENGE: SYGEDAGPENGE_UNTIL_2019,
            },
        ),
        ("2020-01-01", "2023-12-31", DEADLINES_FROM_2020),
        (
            "2024-01-01",
            "2026-06-30",
            DEADLINES_FROM_2020 | {DAGPENGE: [(1, 1, 14, "day"), (2, 3, 3, "month"), (3, 6, 6, "month")]},
        ),
        (
            "2026-07-01",
            "9999-12-30",
            {
                DAGPENGE: [(1, 2, 3, "month"), (2, 4, 6, "month")],
                JOBPARATE: [(1, 1, 7, "day"), (2, 4, 6, "month")],
                AKTIVITETSPARATE: ONE_BY_SIX_MONTHS,
                UDDANNELSESPARATE: ONE_BY_SIX_MONTHS,
                AKTIVITETSPARATE_UNGE: ONE_BY_SIX_MONTHS,
                SYGEDAGPENGE: ONE_BY_SIX_MONTHS,
            },
        ),
    ],
)
def test_conversation_deadlines(first_day: str, last_day: str, expected: dict[str, list[Deadline]]) -> None:
    for day in (first_day, last_day):
        found: dict[str, list[Deadline]] = defaultdict(list)
        for row in in_force("rule_conversation_deadlines", day):
            found[row["target_group_code"]].append(
                (
                    int(row["sequence_number"]),
                    int(row["required_count"]),
                    int(row["offset_value"]),
                    row["offset_unit"],
                )
            )
        assert {group: sorted(deadlines) for group, deadlines in found.items()} == expected


@pytest.mark.parametrize(
    ("parameter", "day", "expected"),
    [
        ("spell_gap_days", "2024-06-30", "0"),
        ("passive_minimum_months", "2024-06-30", "12"),
        ("activity_window_months", "2024-06-30", "12"),
        ("ordinary_hours_limit", "2015-01-31", "225"),
        ("ordinary_hours_limit", "2020-12-31", "225"),
        ("ordinary_hours_limit", "2021-01-01", "100"),
        ("ordinary_hours_limit", "2035-12-31", "100"),
        ("few_conversations_minimum", "2024-06-30", "4"),
        ("request_days", "2024-06-30", "10"),
        ("early_effort_completed_months", "2023-11-01", "6"),
        ("early_effort_required_conversations", "2023-11-30", "4"),
        ("early_effort_share", "2023-11-30", "0.8"),
        ("early_effort_minimum_persons", "2023-11-30", "10"),
        ("early_effort_run_months", "2023-11-30", "6"),
        ("four_weeks_days", "2024-06-30", "28"),
        ("first_offer_months", "2024-06-30", "6"),
        ("weeks_per_year", "2024-06-30", "52"),
        ("retention_months", "2024-06-30", "3"),
        ("disclosure_hidden_maximum", "2024-06-30", "2"),
        ("final_after_months", "2024-06-30", "3"),
        ("quarantine_share", "2024-06-30", "0.02"),
        ("follow_up_well_below_points", "2018-06-30", "10"),
        ("follow_up_improved_points", "2018-06-30", "5"),
        ("follow_up_minimum_persons", "2018-06-30", "10"),
        ("follow_up_minimum_groups", "2018-06-30", "3"),
        ("confidence_z", "2024-06-30", "1.959964"),
        ("funnel_wide_z", "2024-06-30", "3.090232"),
        ("funnel_winsorised_share", "2024-06-30", "0.1"),
        ("correlation_minimum_municipalities", "2024-06-30", "4"),
        ("rank_simulation_draws", "2024-06-30", "10000"),
        ("rank_simulation_seed", "2024-06-30", "1"),
        ("best_rank_maximum", "2024-06-30", "10"),
        ("comparison_decimals", "2024-06-30", "9"),
    ],
)
def test_parameters(parameter: str, day: str, expected: str) -> None:
    values = [Decimal(row["value"]) for row in in_force("rule_parameters", day) if row["parameter_code"] == parameter]
    assert values == [Decimal(expected)]


def test_early_effort_begins_in_november_2023() -> None:
    parameters = {
        row["parameter_code"] for row in in_force("rule_parameters", "2023-10-31") if "early" in row["parameter_code"]
    }
    assert parameters == set()
    assert in_force("early_effort_benefit_groups", "2023-10-31") == []
    assert {row["benefit_group_code"] for row in in_force("early_effort_benefit_groups", "2023-11-01")} == {
        "dagpenge",
        "kontanthjaelp",
        "uddannelseshjaelp",
        "sho",
    }


def test_goals_are_limited_suspended_and_averaged_as_decided() -> None:
    columns = (
        "limit_percentage",
        "legally_in_force_from_date",
        "legally_in_force_to_date",
        "valid_from_date",
        "valid_to_date",
    )
    limits = {row["goal_code"]: tuple(row[column] for column in columns) for row in rows("rule_goal_limits")}
    assert limits == {
        "offers": ("30", "2020-01-01", "2026-02-01", START, OPEN),
        "conversations": ("20", "2020-01-01", "2026-02-01", START, OPEN),
    }
    suspensions = [
        (row["goal_code"], row["valid_from_date"], row["valid_to_date"]) for row in rows("rule_goal_suspensions")
    ]
    assert suspensions == [("offers", "2021-01-01", "2023-01-01")]
    assert [row["month"] for row in rows("rule_excluded_months")] == [
        "2020-03-01",
        "2020-04-01",
        "2020-05-01",
        "2020-06-01",
    ]


def test_decision_table_is_complete_and_right() -> None:
    decisions = {
        (row["result_status"], row["offers_status"], row["conversations_status"]): int(row["municipality_category"])
        for row in rows("rule_category_decisions")
    }
    statuses = ("met", "not_met", "not_in_force")
    assert set(decisions) == {(r, o, c) for r in ("met", "not_met") for o in statuses for c in statuses}
    assert len(rows("rule_category_decisions")) == 18
    assert decisions["met", "met", "met"] == 1
    assert decisions["not_met", "met", "met"] == 2
    for offers, conversations in (("met", "not_met"), ("not_met", "met"), ("not_met", "not_met")):
        assert decisions["met", offers, conversations] == 3
        assert decisions["not_met", offers, conversations] == 4
    assert decisions["met", "not_in_force", "met"] == decisions["met", "met", "not_in_force"] == 1
    assert decisions["not_met", "not_in_force", "met"] == decisions["not_met", "met", "not_in_force"] == 2
    assert decisions["met", "not_in_force", "not_met"] == decisions["met", "not_met", "not_in_force"] == 3
    assert decisions["not_met", "not_in_force", "not_met"] == decisions["not_met", "not_met", "not_in_force"] == 4
    assert decisions["met", "not_in_force", "not_in_force"] == 1
    assert decisions["not_met", "not_in_force", "not_in_force"] == 2


def test_scenarios() -> None:
    columns = (
        "result_margin",
        "passive_limit_percentage",
        "few_conversations_limit_percentage",
        "counts_foertidspension",
        "order_of_1",
        "order_of_2",
        "order_of_3",
        "order_of_4",
        "exit_rule_code",
        "has_run_in",
        "has_qualitative_review",
    )
    official_exit, kl_exit = "focus_goals", "focus_goals_or_result"
    assert {row["scenario_code"]: tuple(row[column] for column in columns) for row in rows("scenarios")} == {
        "official": ("0", "", "", "false", "1", "2", "3", "4", official_exit, "false", "true"),
        "draft_2019": ("0", "20", "20", "false", "1", "2", "3", "4", official_exit, "false", "true"),
        "kl_hearing_2019": ("0.2", "30", "20", "true", "1", "2", "3", "4", kl_exit, "true", "true"),
        "kl_results_first_2020": ("0", "30", "20", "false", "1", "3", "2", "4", kl_exit, "true", "true"),
        "kl_all": ("0.2", "30", "20", "true", "1", "3", "2", "4", kl_exit, "true", "true"),
    }
    assert {row["unit_cost_dkk"] for row in rows("unit_costs")} == {"70000"}
    assert len(rows("unit_costs")) == 5


def test_follow_up_rounds() -> None:
    assert [(row["round_code"], row["baseline_month"], row["follow_up_month"]) for row in rows("follow_up_rounds")] == [
        ("2018-06", "2017-11-01", "2018-06-01"),
        ("2019-01", "2018-06-01", "2019-01-01"),
    ]


def test_measures_are_the_fourteen_of_the_register() -> None:
    assert [row["measure_id"] for row in rows("measures")] == [
        "conversation_coverage",
        "conversation_timeliness",
        "conversation_within_10_days",
        "passive_share",
        "few_conversations_share",
        "uncontacted_share",
        "passive_share_by_duration",
        "four_weeks_offer_share",
        "first_offer_by_6_months_share",
        "full_time_persons",
        "support_share",
        "benefit_level_difference",
        "average_spell_days",
        "retention_share",
    ]


# -------------------------------------------------------------------------- generic tests and macros, rendered


def rendered(path: Path, name: str, **arguments: Any) -> str:
    """The SQL of one macro or generic test of a file, rendered without dbt."""
    source = path.read_text(encoding="utf-8")
    source = re.sub(r"\{%-?\s*test ", "{% macro ", source)
    source = re.sub(r"\{%-?\s*endtest\s*-?%\}", "{% endmacro %}", source)
    # What dbt has besides: a statement without a result, whether it runs, and a macro's value that is no text.
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["execute"] = False
    environment.globals["return"] = lambda value: value
    module = environment.from_string(source).make_module()
    return str(getattr(module, name)(**arguments))


def failures(test: str, table: str, **arguments: Any) -> list[tuple[Any, ...]]:
    """What a generic test returns for a table given as SQL: an empty list is a pass."""
    sql = rendered(PROJECT / "tests" / "data" / "generic" / f"{test}.sql", test, model="given", **arguments)
    with duckdb.connect() as connection:
        connection.execute(f"create table given as {table}")
        return connection.execute(sql).fetchall()


def validities(*pairs: tuple[str, str]) -> str:
    return " union all ".join(
        f"select 'a' as code, date '{start}' as valid_from_date, date '{end}' as valid_to_date" for start, end in pairs
    )


@pytest.mark.parametrize(
    ("second_start", "second_end", "failure"),
    [
        ("2020-01-01", "9999-12-31", None),
        ("2020-01-02", "9999-12-31", "gap"),
        ("2019-12-31", "9999-12-31", "overlap"),
        ("2020-01-01", "2020-01-01", "empty validity"),
    ],
)
def test_rule_without_gaps_or_overlaps_catches_one_day(second_start: str, second_end: str, failure: str | None) -> None:
    table = validities(("1900-01-01", "2020-01-01"), (second_start, second_end))
    found = failures("rule_without_gaps_or_overlaps", table, key_columns=["code"])
    assert [row[-1] for row in found] == ([failure] if failure else [])


def test_gaps_may_be_allowed_but_overlaps_never() -> None:
    gap = validities(("1900-01-01", "2020-01-01"), ("2020-01-02", "9999-12-31"))
    overlap = validities(("1900-01-01", "2020-01-02"), ("2020-01-01", "9999-12-31"))
    arguments = {"key_columns": ["code"], "are_gaps_allowed": True}
    assert failures("rule_without_gaps_or_overlaps", gap, **arguments) == []
    assert len(failures("rule_without_gaps_or_overlaps", overlap, **arguments)) == 1


def test_unique_combination_catches_a_doubled_key() -> None:
    unique = "select * from (values ('a', 1), ('a', null), ('b', 1)) as t (code, part)"
    doubled = "select * from (values ('a', null), ('a', null), ('b', 1)) as t (code, part)"
    assert failures("unique_combination", unique, columns=["code", "part"]) == []
    assert failures("unique_combination", doubled, columns=["code", "part"]) == [("a", None, 2, 0)]


def test_unique_combination_catches_what_must_be_filled_and_is_not() -> None:
    table = "select * from (values ('a', 1, 5), ('a', 2, null), (null, 1, 5)) as t (code, part, value)"
    key = {"columns": ["code", "part"]}
    assert failures("unique_combination", table, **key, filled=["part"]) == []
    found = failures("unique_combination", table, **key, filled=["code", "part", "value"])
    assert sorted(found, key=str) == [("a", 2, 1, 1), (None, 1, 1, 1)]


class _Given:
    """The table of a test as dbt's relation of it."""

    schema, identifier = "main", "given"

    def __str__(self) -> str:
        return "given"


def test_unique_in_built_months_looks_at_the_newest_build_only() -> None:
    """The months of the newest build are checked for doubled keys and nulls, the months before it are not."""
    macros = PROJECT / "macros" / "monthly" / "unique_in_built_months.sql"
    given = {"model": _Given(), "columns": ["month", "code"], "filled": ["value"]}
    condition = rendered(macros, "built_months_to_test", **given)
    sql = rendered(macros, "rows_not_unique", **given, condition=condition)
    with duckdb.connect() as connection:
        connection.execute("create schema build")
        connection.execute(
            "create table build.model_months as select * from (values ('main.given', 1, 1), ('main.given', 2, 2), "
            "('other', 1, 9)) as t (model, month, build_number)"
        )
        connection.execute(
            "create table given as select * from (values (1, 'a', 1), (1, 'a', null), (2, 'a', 1), (2, 'b', 1), "
            "(2, 'b', 1), (2, 'c', null)) as t (month, code, value)"
        )
        assert sorted(connection.execute(sql).fetchall()) == [(2, "b", 2, 0), (2, "c", 1, 1)]


def test_expression_is_true_catches_false_and_null() -> None:
    table = "select * from (values (1), (-1), (null)) as t (value)"
    assert failures("expression_is_true", table, expression="value > 0") == [(-1,), (None,)]


def test_columns_are_filled_catches_a_null_in_any_column() -> None:
    table = "select * from (values ('a', 1), (null, 2), ('c', null)) as t (code, value)"
    assert failures("columns_are_filled", table, columns=["code", "value"]) == [(None, 2), ("c", None)]
    assert failures("columns_are_filled", table + " where code = 'a'", columns=["code", "value"]) == []


def test_in_force_on_is_inclusive_then_exclusive() -> None:
    condition = rendered(PROJECT / "macros" / "rules" / "in_force_on.sql", "in_force_on", date_expr="day", alias="rule")
    sql = f"""
        select day::text from (values (date '2019-12-31'), (date '2020-01-01'), (date '2023-12-31'),
            (date '2024-01-01')) as days (day)
        inner join (select date '2020-01-01' as valid_from_date, date '2024-01-01' as valid_to_date) as rule
            on {condition}
    """
    with duckdb.connect() as connection:
        assert connection.execute(sql).fetchall() == [("2020-01-01",), ("2023-12-31",)]


def test_rule_id_names_rule_key_and_first_day() -> None:
    source = (PROJECT / "macros" / "rules" / "rule_id.sql").read_text(encoding="utf-8")
    module: Any = jinja2.Environment().from_string(source).make_module()
    with duckdb.connect() as connection:
        expression = module.rule_id("ordinary_hours_limit", "scope", "start")
        sql = f"select {expression} from (values ('all', date '2021-01-01')) as t (scope, start)"
        assert connection.execute(sql).fetchall() == [("ordinary_hours_limit:all:2021-01-01",)]


def test_required_rule_names_what_lacks_a_rule() -> None:
    expression = rendered(
        PROJECT / "macros" / "rules" / "required_rule.sql",
        "required_rule",
        value_expr="value",
        what_expr="'ordinary_hours_limit in ' || month",
    )
    with duckdb.connect() as connection:
        found = connection.execute(f"select {expression} from (values (225, '2020-12')) as t (value, month)").fetchall()
        assert found == [(225,)]
        with pytest.raises(duckdb.Error, match="No rule in force: ordinary_hours_limit in 1899-12"):
            connection.execute(
                f"select {expression} from (values (225, '2020-12'), (null, '1899-12')) as t (value, month)"
            ).fetchall()
