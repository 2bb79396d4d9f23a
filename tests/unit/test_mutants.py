"""The deliberate mistakes of `make mutate` still fit the project: each stands for one place of one file."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]


def test_each_mistake_changes_exactly_one_place() -> None:
    mutants = yaml.safe_load((PROJECT / "tests/mutation/mutants.yml").read_text("utf-8"))
    assert len({mutant["id"] for mutant in mutants}) == len(mutants) >= 15
    found = {m["id"]: (PROJECT / m["file"]).read_text("utf-8").count(m["old"]) for m in mutants}
    assert {name: count for name, count in found.items() if count != 1} == {}


def test_the_page_of_the_last_run_has_every_mistake() -> None:
    mutants = yaml.safe_load((PROJECT / "tests/mutation/mutants.yml").read_text("utf-8"))
    page = (PROJECT / "docs/mutations.md").read_text("utf-8")
    counted = re.search(r"^Last run \S+: (\d+) of (\d+) caught\.$", page, re.MULTILINE)
    assert counted is not None and [int(number) for number in counted.groups()] == [len(mutants)] * 2
    rows = [line for line in page.splitlines() if line.startswith("| ")][2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [mutant["what"] for mutant in mutants]
