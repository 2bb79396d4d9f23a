"""The contracts with the supplier, read from ``contracts/*.odcs.yaml``.

Here belongs: reading and checking the contracts, and small facts derived from them (DuckDB types, allowed values).
Not here: applying the rules to rows (the loader) or showing them (expectations, docs).
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import yaml

from orchestration.lib.yaml_text import parse_yaml

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CONTRACTS_DIRECTORY = PROJECT_ROOT / "contracts"
PROFILE_FILE = CONTRACTS_DIRECTORY / "contract.schema.json"

# The standard's names of types (left) and the extracts page's (right).
_LOGICAL_TYPES = {
    "string": "text",
    "integer": "integer",
    "number": "decimal",
    "date": "date",
    "timestamp": "timestamp",
    "array": "array",
}
_DUCKDB_TYPES = {
    "text": "VARCHAR",
    "integer": "INTEGER",
    "decimal": "DECIMAL(18,6)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "array": "VARCHAR[]",
}
_DELIVERED_WHEN = ("every_month", "quarter_end", "half_year_end", "when_fetched")
_ORDERED_TYPES = ("date", "timestamp")
# The loader stores a CPR number as a whole number until it is hashed, so that it must be ten digits.
PERSONAL_NUMBER_PATTERN = "^[0-9]{10}$"


class ContractError(ValueError):
    """A contract, or a reference list that it names, is not as it must be; the message names file and key."""


@dataclass(frozen=True)
class SeedReference:
    """A column of a reference seed that lists allowed values; ``file`` is relative to the project."""

    file: str
    column: str


@dataclass(frozen=True)
class Condition:
    """Rows to which an order rule is limited: ``column`` equals ``value``."""

    column: str
    value: str


@dataclass(frozen=True)
class ColumnContract:
    """One column of a data set and the row rules that it must obey.

    ``logical_type`` is text, integer, decimal, date, timestamp or array. A rule that is not set is None or False.
    A row that breaks a rule is quarantined with the code in brackets.
    """

    name: str
    logical_type: str
    is_nullable: bool  # a null elsewhere is [null_not_allowed]
    description: str
    allowed_values: tuple[str | int, ...] | None = None  # [not_in_list]
    allowed_from_seed: SeedReference | None = None  # [not_in_list]
    pattern: str | None = None  # of the whole text [out_of_range]
    minimum: Decimal | None = None  # [out_of_range]
    minimum_is_exclusive: bool = False
    maximum: Decimal | None = None  # [out_of_range]
    maximum_is_exclusive: bool = False
    is_inside_period: bool = False  # a date in the delivery's month [outside_period]
    is_period_code: bool = False  # the QMAT code of the delivery's period [outside_period]
    not_before_column: str | None = None  # value >= that column's [wrong_order]
    not_before_when: Condition | None = None
    not_after_column: str | None = None  # value <= that column's [wrong_order]
    is_personal_number: bool = False  # hashed before anything is written
    integer_bits: int = 32  # of an integer: 32 or 64


@dataclass(frozen=True)
class UniquenessRule:
    """Which of several rows with equal ``columns`` stays; the others are quarantined with ``quarantine_rule``.

    ``keep`` is ``first`` (in the file), or ``last``: the row with the greatest ``keep_by_column``, of equal ones the
    later in the file.
    """

    name: str
    columns: tuple[str, ...]
    quarantine_rule: str
    keep: str
    keep_by_column: str | None = None


@dataclass(frozen=True)
class DatasetContract:
    """A data set of the extracts: its columns in contract order, rules about whole rows, and facts of delivery.

    ``delivered_when`` is every_month, quarter_end, half_year_end or when_fetched. ``dataset_pattern`` is set when many
    data sets share the contract (``jobindsats_<table_id>``). The uniqueness rules apply in their order, to the rows
    that obey the row rules. ``quarantine_limit_parameter`` names the dated rule parameter with the largest share.
    """

    name: str
    description: str
    grain: str
    contract_version: str
    columns: tuple[ColumnContract, ...]
    uniqueness: tuple[UniquenessRule, ...]
    delivered_when: str
    file_formats: tuple[str, ...]
    quarantine_limit_parameter: str
    dataset_pattern: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in contract order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnContract:
        """The column of that name; KeyError when the data set has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"data set {self.name} has no column {name}")


def duckdb_type(column: ColumnContract) -> str:
    """The DuckDB type that holds the accepted values of the column, e.g. ``DECIMAL(18,6)`` for a decimal."""
    if column.logical_type == "integer" and column.integer_bits == 64:
        return "BIGINT"
    return _DUCKDB_TYPES[column.logical_type]


def read_allowed_values(
    column: ColumnContract, project_root: Path = PROJECT_ROOT, period: str | None = None
) -> tuple[str | int, ...] | None:
    """The values a column may take, from the contract or from the reference seed it names; None when any is allowed.

    Values have the column's type. A seed may hold one value several times (dated rows): each is returned once. With
    ``period`` (YYYY-MM) only values with a row in force some day of that month are returned, and there may be none.
    Raises ContractError naming the seed and what is wrong with it (missing, no such column, no rows, not an integer).
    """
    if column.allowed_from_seed is None:
        return column.allowed_values
    reference = column.allowed_from_seed
    values = _read_seed_column(project_root / reference.file, reference, period)
    if column.logical_type != "integer":
        return values
    try:
        return tuple(int(value) for value in values)
    except ValueError as error:
        raise ContractError(f"{reference.file}: column {reference.column}: {error}") from error


def _read_seed_column(path: Path, reference: SeedReference, period: str | None) -> tuple[str, ...]:
    needed = [reference.column, *(("valid_from_date", "valid_to_date") if period else ())]
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            lacking = [name for name in needed if name not in (reader.fieldnames or [])]
            if lacking:
                raise ContractError(f"{reference.file}: has no column {', '.join(lacking)}")
            rows = list(reader)
    except OSError as error:
        raise ContractError(f"{reference.file}: cannot be read: {error.strerror}") from error
    if not rows:
        raise ContractError(f"{reference.file}: column {reference.column} has no values")
    if period is not None:
        # As text: a month stands before each of its days, and after each day of the months before it.
        rows = [row for row in rows if row["valid_from_date"][:7] <= period and row["valid_to_date"] > f"{period}-01"]
    return tuple(dict.fromkeys(row[reference.column] for row in rows))


def load_contracts(directory: Path | None = None) -> dict[str, DatasetContract]:
    """All contracts of ``directory`` (default: the project's), by data set name in alphabetical order.

    Raises ContractError naming the file and the key that is wrong.
    """
    folder = directory or CONTRACTS_DIRECTORY
    files = sorted(folder.glob("*.odcs.yaml"))
    if not files:
        raise ContractError(f"{folder}: no *.odcs.yaml files")
    contracts: dict[str, DatasetContract] = {}
    for path in files:
        contract = load_contract(path)
        contracts[contract.name] = contract
    return contracts


def load_contract(path: Path) -> DatasetContract:
    """The contract in one file; ContractError names the file and the key that is wrong."""
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path.name}: is not YAML: {error}") from error
    profile = json.loads(PROFILE_FILE.read_text(encoding="utf-8"))
    # The deepest error of the first key in the document: what a person would mend first.
    failure = jsonschema.exceptions.best_match(jsonschema.Draft201909Validator(profile).iter_errors(document))
    if failure is not None:
        raise ContractError(f"{path.name}: {_key(failure.absolute_path)}: {failure.message}")
    contract = _dataset(path, document)
    _check_references(path, contract)
    return contract


def _key(path: Any) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "(top)"


def _properties(items: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in items or []}


def _dataset(path: Path, document: Mapping[str, Any]) -> DatasetContract:
    table = document["schema"][0]
    facts = _properties(document["customProperties"])
    for key in ("contractVersion", "deliveredWhen", "fileFormats", "quarantineLimit"):
        if key not in facts:
            raise ContractError(f"{path.name}: customProperties: {key} is missing")
    if facts["deliveredWhen"] not in _DELIVERED_WHEN:
        raise ContractError(
            f"{path.name}: customProperties.deliveredWhen: {facts['deliveredWhen']!r} is none of {_DELIVERED_WHEN}"
        )
    if document["name"] != table["name"] or path.name != f"{document['name']}.odcs.yaml":
        raise ContractError(f"{path.name}: name: file, contract and schema[0].name must be the same")
    return DatasetContract(
        name=document["name"],
        description=table["description"],
        grain=table["dataGranularityDescription"],
        contract_version=str(facts["contractVersion"]),
        columns=tuple(_column(item) for item in table["properties"]),
        uniqueness=tuple(_uniqueness(item) for item in table.get("quality", [])),
        delivered_when=facts["deliveredWhen"],
        file_formats=tuple(facts["fileFormats"]),
        quarantine_limit_parameter=facts["quarantineLimit"]["parameter"],
        dataset_pattern=facts.get("datasetPattern"),
    )


def _column(item: Mapping[str, Any]) -> ColumnContract:
    options = item.get("logicalTypeOptions", {})
    rules = _properties(item.get("customProperties"))
    arguments = item["quality"][0]["arguments"] if item.get("quality") else {}
    seed = arguments.get("validValuesFromSeed")
    values = arguments.get("validValues")
    not_before = rules.get("notBefore", {})
    condition = not_before.get("when")
    return ColumnContract(
        name=item["name"],
        logical_type=_LOGICAL_TYPES[item["logicalType"]],
        is_nullable=not item["required"],
        description=item["description"],
        allowed_values=tuple(values) if values else None,
        allowed_from_seed=SeedReference(seed["file"], seed["column"]) if seed else None,
        pattern=options.get("pattern"),
        minimum=_number(options.get("exclusiveMinimum", options.get("minimum"))),
        minimum_is_exclusive="exclusiveMinimum" in options,
        maximum=_number(options.get("exclusiveMaximum", options.get("maximum"))),
        maximum_is_exclusive="exclusiveMaximum" in options,
        is_inside_period="insidePeriod" in rules,
        is_period_code="isPeriodCode" in rules,
        not_before_column=not_before.get("column"),
        not_before_when=Condition(condition["column"], condition["equals"]) if condition else None,
        not_after_column=rules.get("notAfter", {}).get("column"),
        is_personal_number=item.get("classification") == "restricted",
        integer_bits=64 if options.get("format") == "i64" else 32,
    )


def _number(value: float | None) -> Decimal | None:
    # By way of text: 0.1 in the file means 0.1, not its nearest binary fraction.
    return None if value is None else Decimal(str(value))


def _uniqueness(item: Mapping[str, Any]) -> UniquenessRule:
    facts = _properties(item["customProperties"])
    return UniquenessRule(
        name=item["name"],
        columns=tuple(item["arguments"]["properties"]),
        quarantine_rule=facts.get("quarantineRule", ""),
        keep=facts.get("keep", ""),
        keep_by_column=facts.get("keepByColumn"),
    )


def _check_references(path: Path, contract: DatasetContract) -> None:
    """Columns named by rules must exist, and rules must suit the type of their column."""
    names = contract.column_names
    position = {name: number for number, name in enumerate(names)}
    if len(position) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ContractError(f"{path.name}: schema[0].properties: column named twice: {', '.join(twice)}")
    for column in contract.columns:
        key = f"{path.name}: schema[0].properties.{column.name}"
        for rule_name, other in (("notBefore", column.not_before_column), ("notAfter", column.not_after_column)):
            if other is None:
                continue
            if other not in position:
                raise ContractError(f"{key}: {rule_name}: no column {other}")
            # A broken order is reported on the column named later, so the rule must stand there.
            if position[other] >= position[column.name]:
                raise ContractError(f"{key}: {rule_name}: {other} must stand before {column.name}")
            if column.logical_type not in _ORDERED_TYPES or contract.column(other).logical_type not in _ORDERED_TYPES:
                raise ContractError(f"{key}: {rule_name}: both columns must be dates or timestamps")
        if column.not_before_when is not None and column.not_before_when.column not in position:
            raise ContractError(f"{key}: notBefore.when: no column {column.not_before_when.column}")
        if column.is_inside_period and column.logical_type != "date":
            raise ContractError(f"{key}: insidePeriod: the column must be a date")
        if column.logical_type not in ("integer", "decimal") and not (column.minimum is column.maximum is None):
            raise ContractError(f"{key}: logicalTypeOptions: a range needs an integer or a number")
        if (column.pattern is not None or column.is_period_code) and column.logical_type != "text":
            raise ContractError(f"{key}: pattern and isPeriodCode need a string")
        if column.is_personal_number and column.pattern != PERSONAL_NUMBER_PATTERN:
            raise ContractError(f"{key}: pattern of a CPR number (restricted) must be {PERSONAL_NUMBER_PATTERN}")
    for rule in contract.uniqueness:
        key = f"{path.name}: schema[0].quality.{rule.name}"
        for other in (*rule.columns, *([rule.keep_by_column] if rule.keep_by_column else [])):
            if other not in position:
                raise ContractError(f"{key}: no column {other}")
        if rule.quarantine_rule not in ("duplicate", "superseded_id"):
            raise ContractError(f"{key}: quarantineRule must be duplicate or superseded_id")
        if rule.keep not in ("first", "last") or (rule.keep == "last") != (rule.keep_by_column is not None):
            raise ContractError(f"{key}: keep must be first, or last with keepByColumn")
