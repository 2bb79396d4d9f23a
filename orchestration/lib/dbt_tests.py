"""What a dbt test asks, in words, read from the manifest: dbt names a test by its arguments, hundreds of characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestration.lib.progress import counted

_COMMENT = re.compile(r"\{#-?(?P<block>(?s:.*?))-?#\}|(?P<lines>(?:^--.*\n)+)", re.MULTILINE)


class UnknownTest(ValueError):
    """A test that nothing here can put into words; the message names it."""


def describe(test: Mapping[str, Any]) -> str:
    """One sentence about a test of the manifest: its own description, else what its kind asks, else its comment.

    Raises UnknownTest for a kind that is not listed here, or a test in a file of its own that says nothing of itself.
    """
    if test.get("description"):
        return str(test["description"])
    kind = test.get("test_metadata")
    if kind is None:
        return _comment(test)
    if kind["name"] not in _KINDS:
        raise UnknownTest(f"{test['name']}: say in orchestration/lib/dbt_tests.py what a test of {kind['name']} asks")
    return _KINDS[kind["name"]](kind["kwargs"])


def warnings(results: Iterable[Mapping[str, Any]], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each test of a run that warned: what it asks, and how many rows say otherwise.

    results: of `run_results.json`; nodes: of the manifest.
    """
    return [
        f"warn: {nodes[result['unique_id']]['name']}: {describe(nodes[result['unique_id']])} "
        f"Found: {counted(int(result['failures'] or 0), 'row that says', 'rows that say')} otherwise."
        for result in results
        if result["status"] == "warn"
    ]


def _comment(test: Mapping[str, Any]) -> str:
    found = _COMMENT.search(test["raw_code"])
    if found is None:
        raise UnknownTest(f"{test['original_file_path']}: begin the test with a comment that says what it asks")
    return " ".join(re.sub(r"^--", "", found["block"] or found["lines"], flags=re.MULTILINE).split())


def _listed(columns: list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _referred(reference: str) -> str:
    """The table's name in `ref('name')`."""
    return re.sub(r"\W*ref\W+(\w+)\W*", r"\1", reference)


def _one_row(arguments: Mapping[str, Any]) -> str:
    filled = arguments.get("filled") or []
    also = f"; {_listed(filled)}: never empty" if filled else ""
    return f"One row for each {_listed(arguments['columns'])}{also}."


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "unique_combination": _one_row,
    "unique_in_built_months": lambda given: f"One row for each {_listed(given['columns'])} in the months just built.",
    "expression_is_true": lambda given: f"True of every row: `{' '.join(str(given['expression']).split())}`.",
    "columns_are_filled": lambda given: f"Never empty: {_listed(given['columns'])}.",
    "rule_without_gaps_or_overlaps": lambda given: (
        f"For each {_listed(given['key_columns'])} at most one rule in force on any day."
        if given.get("are_gaps_allowed")
        else f"For each {_listed(given['key_columns'])} one rule in force on any day: no gap, no overlap."
    ),
    "relationships": lambda given: (
        f"Each `{given['column_name']}` is a `{given['field']}` of `{_referred(given['to'])}`."
    ),
    "accepted_values": lambda given: f"`{given['column_name']}` is one of {_listed([*map(str, given['values'])])}.",
    "not_null": lambda given: f"Never empty: `{given['column_name']}`.",
    "unique": lambda given: f"One row for each `{given['column_name']}`.",
}
