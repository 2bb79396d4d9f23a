"""The contracts: read as written, facts as in the extracts page, and every kind of error named."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.lib.contracts import (
    CONTRACTS_DIRECTORY,
    ContractError,
    DatasetContract,
    SeedReference,
    duckdb_type,
    load_contract,
    load_contracts,
    read_allowed_values,
)


@pytest.fixture(scope="module")
def contracts() -> dict[str, DatasetContract]:
    return load_contracts()


def test_columns_stand_in_contract_order(contracts: dict[str, DatasetContract]) -> None:
    assert {name: " ".join(contract.column_names) for name, contract in contracts.items()} == {
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
        "jobindsats": "columns rows",
    }


def test_nullable_columns_are_the_three_that_the_page_names(contracts: dict[str, DatasetContract]) -> None:
    nullable = {c.name for contract in contracts.values() for c in contract.columns if c.is_nullable}
    assert nullable == {"match_group_code", "requested_date", "hours_per_week"}


def test_ranges_are_open_and_closed_where_the_page_says(contracts: dict[str, DatasetContract]) -> None:
    ranges = {
        column.name: (column.minimum, column.minimum_is_exclusive, column.maximum, column.maximum_is_exclusive)
        for contract in contracts.values()
        for column in contract.columns
        if column.minimum is not None or column.maximum is not None
    }
    assert ranges == {
        "benefit_fraction": (Decimal(0), True, Decimal(1), False),
        "hours_per_week": (Decimal(0), False, Decimal(60), False),
        "paid_hours": (Decimal(0), True, Decimal(744), False),
        "population_16_66": (Decimal(0), True, None, False),
    }


def test_order_and_period_rules(contracts: dict[str, DatasetContract]) -> None:
    conversations = contracts["conversations"]
    registered_at = conversations.column("registered_at")
    assert registered_at.not_before_column == "conversation_date"
    assert registered_at.not_before_when is not None
    assert (registered_at.not_before_when.column, registered_at.not_before_when.value) == ("status", "held")
    assert conversations.column("requested_date").not_after_column == "conversation_date"
    assert not conversations.column("requested_date").is_inside_period
    for name in ("benefit_periods", "active_offers"):
        assert contracts[name].column("to_date").not_before_column == "from_date"
        assert (
            contracts[name].column("from_date").is_inside_period and contracts[name].column("to_date").is_inside_period
        )
    assert contracts["framework_conditions"].column("period_code").is_period_code


def test_uniqueness_rules(contracts: dict[str, DatasetContract]) -> None:
    rules = {
        (name, rule.quarantine_rule, rule.keep, rule.keep_by_column, len(rule.columns))
        for name, contract in contracts.items()
        for rule in contract.uniqueness
    }
    assert rules == {
        ("benefit_periods", "duplicate", "first", None, 7),
        ("conversations", "duplicate", "first", None, 9),
        ("conversations", "superseded_id", "last", "registered_at", 1),
        ("active_offers", "duplicate", "first", None, 7),
        ("ordinary_hours", "duplicate", "first", None, 1),
        ("population", "duplicate", "first", None, 1),
        ("framework_conditions", "duplicate", "first", None, 3),
    }


def test_person_id_is_the_only_personal_number(contracts: dict[str, DatasetContract]) -> None:
    personal = {(n, c.name) for n, contract in contracts.items() for c in contract.columns if c.is_personal_number}
    assert personal == {
        (name, "person_id") for name in ("benefit_periods", "conversations", "active_offers", "ordinary_hours")
    }


def test_facts_of_delivery(contracts: dict[str, DatasetContract]) -> None:
    assert {name: contract.delivered_when for name, contract in contracts.items()} == {
        "benefit_periods": "every_month",
        "conversations": "every_month",
        "active_offers": "every_month",
        "ordinary_hours": "every_month",
        "population": "quarter_end",
        "framework_conditions": "half_year_end",
        "jobindsats": "when_fetched",
    }
    assert {contract.quarantine_limit_parameter for contract in contracts.values()} == {"quarantine_share"}
    assert contracts["jobindsats"].file_formats == ("json",)
    assert contracts["population"].contract_version == "1"


def test_duckdb_types(contracts: dict[str, DatasetContract]) -> None:
    types = {c.name: duckdb_type(c) for contract in contracts.values() for c in contract.columns}
    assert types["person_id"] == "VARCHAR"
    assert types["benefit_fraction"] == types["value"] == "DECIMAL(18,6)"
    assert types["conversation_type_code"] == "INTEGER"
    assert types["population_16_66"] == "BIGINT"
    assert types["from_date"] == "DATE"
    assert types["registered_at"] == "TIMESTAMP"


def test_allowed_values_come_from_the_reference_seeds(contracts: dict[str, DatasetContract]) -> None:
    conversations, benefit_periods = contracts["conversations"], contracts["benefit_periods"]
    types = read_allowed_values(conversations.column("conversation_type_code"))
    assert types is not None and set(types) == {4, 7, 8, 9, 10, 11, 12, 13, 15, 17, 19, 20}
    assert set(read_allowed_values(conversations.column("status")) or ()) == {"held", "cancelled", "no_show"}
    assert set(read_allowed_values(conversations.column("contact_form")) or ()) == {
        "in_person", "phone", "video", "letter", "other",
    }  # fmt: skip
    municipalities = read_allowed_values(benefit_periods.column("municipality_code")) or ()
    assert len(municipalities) == 98 and "0411" not in municipalities
    assert len(read_allowed_values(benefit_periods.column("benefit_code")) or ()) == 10
    assert len(read_allowed_values(benefit_periods.column("match_group_code")) or ()) == 4
    assert len(read_allowed_values(contracts["framework_conditions"].column("covariate_code")) or ()) == 23
    assert len(read_allowed_values(contracts["active_offers"].column("offer_type")) or ()) == 5
    assert read_allowed_values(benefit_periods.column("person_id")) is None


def _set(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def _delete(*path: str | int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return change


COLUMNS = ("schema", 0, "properties")
WRONG = [
    (_delete("status"), "'status' is a required property"),
    (_set("apiVersion", value="v2.2.2"), "apiVersion: 'v3.1.0' was expected"),
    (_set("misspelt", value=1), "misspelt"),
    (_set("name", value="other"), "name: file, contract and schema"),
    (_set(*COLUMNS, 0, "logicalType", value="text"), "schema[0].properties[0].logicalType: 'text' is not one of"),
    (_set(*COLUMNS, 0, "name", value="to_date"), "column named twice: to_date"),
    (_set(*COLUMNS, 0, "name", value="someone"), "schema[0].quality.same_row_twice: no column person_id"),
    (_delete(*COLUMNS, 0, "description"), "schema[0].properties[0]: 'description' is a required property"),
    (_set(*COLUMNS, 0, "logicalTypeOptions", value={}), "properties.person_id: pattern of a CPR number"),
    (_set(*COLUMNS, 6, "logicalTypeOptions", value={"minimun": 0}), "schema[0].properties[6].logicalTypeOptions"),
    (_set(*COLUMNS, 5, "logicalTypeOptions", value={"minimum": 0}), "properties.to_date: logicalTypeOptions: a range"),
    (
        _set(*COLUMNS, 5, "customProperties", 1, "value", "column", value="start"),
        "properties.to_date: notBefore: no column start",
    ),
    (
        _set(*COLUMNS, 4, "customProperties", value=[{"property": "notBefore", "value": {"column": "to_date"}}]),
        "properties.from_date: notBefore: to_date must stand before from_date",
    ),
    (
        _set(*COLUMNS, 1, "customProperties", value=[{"property": "insidePeriod", "value": True}]),
        "properties.benefit_code: insidePeriod: the column must be a date",
    ),
    (
        _set("schema", 0, "quality", 0, "customProperties", 0, "value", value="wrong_order"),
        "quality.same_row_twice: quarantineRule must be",
    ),
    (_set("schema", 0, "quality", 0, "customProperties", 1, "value", value="last"), "keep must be first, or last"),
    (_set("customProperties", 1, "value", value="weekly"), "customProperties.deliveredWhen: 'weekly' is none of"),
    (_delete("customProperties", 3), "customProperties: quarantineLimit is missing"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_contract_is_refused_with_file_and_key(
    tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    document = yaml.safe_load((CONTRACTS_DIRECTORY / "benefit_periods.odcs.yaml").read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "benefit_periods.odcs.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ContractError) as error:
        load_contract(path)
    assert str(error.value).startswith("benefit_periods.odcs.yaml: ")
    assert message in str(error.value)


def test_broken_yaml_and_an_empty_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no \*\.odcs\.yaml files"):
        load_contracts(tmp_path)
    (tmp_path / "population.odcs.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(ContractError, match=r"population\.odcs\.yaml: is not YAML"):
        load_contracts(tmp_path)


@pytest.mark.parametrize(
    ("period", "codes"),
    [("2019-12", ()), ("2020-01", (4,)), ("2022-02", (4,)), ("2022-03", (4, 7)), ("2023-01", (7,)), ("2024-03", (7,))],
)
def test_a_value_is_allowed_in_the_months_in_which_a_row_of_it_is_in_force(
    tmp_path: Path, contracts: dict[str, DatasetContract], period: str, codes: tuple[int, ...]
) -> None:
    """The last day of a row is the first on which it no longer holds."""
    column = contracts["conversations"].column("conversation_type_code")
    assert column.allowed_from_seed is not None
    seed = tmp_path / column.allowed_from_seed.file
    seed.parent.mkdir(parents=True)
    head = "conversation_type_code,valid_from_date,valid_to_date"
    rows = ("4,2020-01-31,2022-01-01", "4,2022-01-01,2023-01-01", "7,2022-03-31,9999-12-31")
    seed.write_text("\n".join((head, *rows, "")), encoding="utf-8")
    assert read_allowed_values(column, tmp_path, period) == codes
    assert read_allowed_values(column, tmp_path) == (4, 7)


def test_a_reference_list_that_lacks_something_is_named(tmp_path: Path, contracts: dict[str, DatasetContract]) -> None:
    column = contracts["conversations"].column("conversation_type_code")
    assert column.allowed_from_seed == SeedReference("seeds/reference/conversation_types.csv", "conversation_type_code")
    seed = tmp_path / column.allowed_from_seed.file

    with pytest.raises(ContractError, match=r"conversation_types\.csv: cannot be read"):
        read_allowed_values(column, tmp_path)
    for number, (text, message) in enumerate(
        [
            ("code\n4\n", "has no column conversation_type_code"),
            ("conversation_type_code\n", "has no values"),
            ("conversation_type_code\nfour\n", "invalid literal for int"),
        ]
    ):
        root = tmp_path / str(number)
        seed = root / column.allowed_from_seed.file
        seed.parent.mkdir(parents=True)
        seed.write_text(text, encoding="utf-8")
        with pytest.raises(ContractError, match=message):
            read_allowed_values(column, root)
