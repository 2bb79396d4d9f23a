"""What a dbt test asks, in words."""

import json
from typing import Any

import pytest

from orchestration.lib.dbt_manifest import set_up_folder
from orchestration.lib.dbt_tests import UnknownTest, describe, warnings
from orchestration.lib.settings import PROJECT_ROOT


def generic(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"name": f"{kind}_x", "description": "", "test_metadata": {"name": kind, "kwargs": arguments}}


def in_a_file(code: str) -> dict[str, Any]:
    return {"name": "x", "description": "", "raw_code": code, "original_file_path": "tests/data/x.sql"}


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (
            generic("unique_combination", columns=["month", "code"], filled=["month"]),
            "One row for each `month`, `code`; `month`: never empty.",
        ),
        (generic("unique_in_built_months", columns=["month"]), "One row for each `month` in the months just built."),
        (generic("expression_is_true", expression="a  >\n 0"), "True of every row: `a > 0`."),
        (generic("relationships", column_name="a", field="b", to="ref('table_c')"), "Each `a` is a `b` of `table_c`."),
        (generic("accepted_values", column_name="a", values=["x", 1]), "`a` is one of `x`, `1`."),
        (
            generic("rule_without_gaps_or_overlaps", key_columns=["a"], are_gaps_allowed=True),
            "For each `a` at most one rule in force on any day.",
        ),
        (generic("unique", column_name="a") | {"description": "Said in the YAML."}, "Said in the YAML."),
        (in_a_file("-- No row may\n-- be lost.\nselect 1 -- not this\n"), "No row may be lost."),
        (in_a_file("{{ config(severity='warn') }}\n{#- No row\n    is lost. -#}\nselect 1"), "No row is lost."),
    ],
)
def test_a_test_is_put_into_words(test: dict[str, Any], sentence: str) -> None:
    assert describe(test) == sentence


@pytest.mark.parametrize("test", [generic("at_random"), in_a_file("select 1")])
def test_a_test_that_nothing_describes_is_named(test: dict[str, Any]) -> None:
    with pytest.raises(UnknownTest, match=r"at_random|tests/data/x\.sql"):
        describe(test)


def test_every_test_of_the_project_is_described() -> None:
    nodes = json.loads((set_up_folder(PROJECT_ROOT) / "manifest.json").read_text("utf-8"))["nodes"].values()
    sentences = [describe(node) for node in nodes if node["resource_type"] == "test"]
    assert len(sentences) > 250
    assert max(map(len, sentences)) < 500


def test_a_test_that_warned_is_told_with_what_it_asks() -> None:
    nodes = {"test.a": in_a_file("-- Nothing is left out.\nselect 1"), "test.b": generic("x"), "model.c": {}}
    results = [
        {"unique_id": "model.c", "status": "success", "failures": None},
        {"unique_id": "test.b", "status": "pass", "failures": 0},
        {"unique_id": "test.a", "status": "warn", "failures": 1},
    ]
    assert warnings(results, nodes) == ["warn: x: Nothing is left out. Found: 1 row that says otherwise."]
