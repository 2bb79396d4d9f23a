"""``make mutate``: does a deliberate mistake in any of the places of ``mutants.yml`` stay unseen?

Each mistake is put into a copy of the project. First the dbt unit tests of the changed model run; a mistake that no
unit test fails on is built with a small random world and compared with the oracle. Unit tests read one model alone,
so mistakes in different models are tested in one run of dbt; macros and seeds reach many models and go one by one.

Writes ``docs/mutations.md``; the exit status is 1 when a mistake survives.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml

from orchestration.lib.settings import PROJECT_ROOT
from tests.oracle.building import benefit
from tests.oracle.calendar import last_day, month_range
from tests.oracle.comparison import compare_warehouse
from tests.oracle.landing import replacement_number
from tests.oracle.random_worlds import cohort_world, limit_world, pack, random_world
from tests.oracle.world import World
from tests.support.warehouse import DbtFailed, Workshop, copy_project

MUTANTS = Path(__file__).with_name("mutants.yml")
RESULT = PROJECT_ROOT / "docs" / "mutations.md"
START, MONTHS = date(2022, 7, 1), 21


class MutantError(RuntimeError):
    """A mutant that can't be applied, or a project that is not sound before any mutant; the message says which."""


@dataclass(frozen=True)
class Mutant:
    """One deliberate mistake; see the head of ``mutants.yml``."""

    id: str
    what: str
    file: str
    old: str
    new: str
    unit: tuple[str, ...] = ()
    marts: tuple[str, ...] = ()
    says: str | None = None

    @property
    def is_in_a_model(self) -> bool:
        return self.file.startswith("models/")

    def apply(self, project: Path) -> Callable[[], None]:
        """Change the file in the copied project; returns what puts it back.

        Raises MutantError unless `old` stands in it exactly once.
        """
        path = project / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise MutantError(f"{self.id}: the text to change stands {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")

        def undo() -> None:
            path.write_text(text, encoding="utf-8")

        return undo


def read_mutants(path: Path = MUTANTS) -> list[Mutant]:
    """All mutants. Raises MutantError when one lacks a field or two share an id."""
    mutants = []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        try:
            mutants.append(Mutant(**entry | {key: tuple(entry.get(key, ())) for key in ("unit", "marts")}))
        except TypeError as error:
            raise MutantError(f"{path.name}: {entry.get('id', entry)}: {error}") from error
    if len({mutant.id for mutant in mutants}) != len(mutants):
        raise MutantError(f"{path.name}: two mutants share an id")
    return mutants


def duration_world() -> World:
    """Spells that are 44, 45 and 46 days old on the last day of a month."""
    months = month_range(START, MONTHS)
    world = World(loaded_months=months, municipalities=("0101",))
    for number, days in enumerate((44, 45, 46)):
        as_of = last_day(months[6 + number])
        first = as_of - timedelta(days=days - 1)
        benefit(world, replacement_number(number), "dagpenge", first.isoformat(), as_of.isoformat())
    return world


def small_world() -> World:
    """Spells over the change of law of 2024, early effort, durations and retention: a few seconds to build."""
    parts = [random_world(9_000 + number, START, MONTHS, 25, ("0101", "0147"), ()) for number in range(8)]
    parts += [cohort_world(9_900, START, MONTHS, "0101"), limit_world(START, MONTHS, "0101"), duration_world()]
    return pack(parts)


def rounds(mutants: Iterable[Mutant]) -> list[list[Mutant]]:
    """Mutants that unit tests can judge together: one per model and round, those of macros and seeds alone."""
    together: list[list[Mutant]] = []
    alone: list[list[Mutant]] = []
    for mutant in mutants:
        if not mutant.is_in_a_model:
            alone.append([mutant])
            continue
        for group in together:
            if all(other.file != mutant.file for other in group):
                group.append(mutant)
                break
        else:
            together.append([mutant])
    return together + alone


class Judge:
    """Runs unit tests and comparisons on the copied project."""

    def __init__(self, folder: Path, marts: Sequence[str]) -> None:
        self.project = copy_project(folder / "project")
        self.workshop = Workshop(folder / "workshop", self.project)
        self.world = small_world()
        self.workshop.load("loaded", self.world)
        self.workshop.copy("loaded", "sound")
        self.workshop.build("sound", *(f"+fct_{mart}" for mart in marts))
        with self.workshop.connect("sound") as connection:
            wrong = compare_warehouse(self.world, connection, marts)
        if wrong:
            raise MutantError(f"without any mutant these marts differ from the oracle: {', '.join(wrong)}")

    def failed_unit_tests(self, models: Sequence[str], *, is_seed_changed: bool = False) -> dict[str, list[str]]:
        """Per model the names of its unit tests that fail. A test that can't be run is no catch.

        dbt reads the seeds that unit tests are given while it parses, and keeps them when only a seed has changed.
        """
        if not models:
            return {}
        results = self.workshop.folder / "target" / "run_results.json"
        results.unlink(missing_ok=True)
        try:
            parse = ("--no-partial-parse",) if is_seed_changed else ()
            self.workshop.dbt("sound", "test", *parse, "--select", *(f"{model},test_type:unit" for model in models))
        except DbtFailed:
            if not results.exists():
                raise
        failed: dict[str, list[str]] = {}
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]:
            kind, _, *rest = result["unique_id"].split(".")
            if kind == "unit_test" and result["status"] == "fail":
                failed.setdefault(rest[0], []).append(rest[1])
        return failed

    def comparison(self, mutant: Mutant) -> str | None:
        """How building and comparing with the oracle catches the applied mutant; None when it does not."""
        name = f"mutant_{mutant.id}"
        self.workshop.copy("loaded", name)
        try:
            self.workshop.build(name, *(f"+fct_{mart}" for mart in mutant.marts))
        except DbtFailed as error:
            if mutant.says is not None:
                return f"the build stops: *{mutant.says} …*" if mutant.says in error.output else None
            raise MutantError(f"{mutant.id}: the mutant does not build:\n{error.output[-2000:]}") from error
        if mutant.says is not None:
            return None
        with self.workshop.connect(name) as connection:
            found = compare_warehouse(self.world, connection, mutant.marts)
        return "; ".join(f"oracle: {mart}, {len(texts)} differences" for mart, texts in found.items()) or None


def judge_all(mutants: Sequence[Mutant], folder: Path, say: Callable[[str], None]) -> dict[str, str | None]:
    """Per mutant who caught it; None = it survived."""
    judge = Judge(folder, sorted({mart for mutant in mutants for mart in mutant.marts}))
    say("the project without a mistake agrees with the oracle")
    sound = judge.failed_unit_tests(sorted({model for mutant in mutants for model in mutant.unit}))
    if sound:
        raise MutantError(f"without any mutant these unit tests fail: {sound}")
    caught: dict[str, str | None] = dict.fromkeys((mutant.id for mutant in mutants), None)
    for group in rounds(mutant for mutant in mutants if mutant.unit):
        undo = [mutant.apply(judge.project) for mutant in group]
        try:
            failed = judge.failed_unit_tests(
                sorted({model for mutant in group for model in mutant.unit}),
                is_seed_changed=any(mutant.file.startswith("seeds/") for mutant in group),
            )
        finally:
            for put_back in undo:
                put_back()
        for mutant in group:
            names = [name for model in mutant.unit for name in failed.get(model, ())]
            caught[mutant.id] = ", ".join(f"unit test `{name}`" for name in names) or None
            say(f"{mutant.id}: {caught[mutant.id] or 'no unit test'}")
    for mutant in mutants:
        if caught[mutant.id] is None:
            put_back = mutant.apply(judge.project)
            try:
                caught[mutant.id] = judge.comparison(mutant)
            finally:
                put_back()
            say(f"{mutant.id}: {caught[mutant.id] or 'SURVIVED'}")
    return caught


def page(mutants: Sequence[Mutant], caught: dict[str, str | None], on: date) -> str:
    """The result as a page."""
    survived = [mutant.id for mutant in mutants if caught[mutant.id] is None]
    lines = [
        "# Deliberate mistakes and who catches them",
        "",
        "Written by `make mutate` (`tests/mutation/`): each mistake is put into a copy of the project; then the unit",
        "tests of the changed model run, and where none fails a small random world is built and compared with the",
        "oracle.",
        "The mistakes are data: `tests/mutation/mutants.yml`.",
        "",
        f"Last run {on.isoformat()}: {len(mutants) - len(survived)} of {len(mutants)} caught"
        + (f"; survived: {', '.join(survived)}." if survived else "."),
        "",
        "| Mistake | Where | Caught by |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {mutant.what} | `{mutant.file.rsplit('/', 1)[-1]}` | {caught[mutant.id] or '**nobody**'} |"
        for mutant in mutants
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Judge all mutants (or those named): 0 = every one is caught, 1 = one survives, 2 = they can't be judged."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__)
    parser.add_argument("ids", nargs="*", help="mutants to judge; the page is written only when all are")
    options = parser.parse_args(arguments)
    try:
        mutants = read_mutants()
        unknown = set(options.ids) - {mutant.id for mutant in mutants}
        if unknown:
            raise MutantError(f"no such mutant: {', '.join(sorted(unknown))}")
        chosen = [mutant for mutant in mutants if not options.ids or mutant.id in options.ids]
        with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
            caught = judge_all(chosen, Path(folder), lambda line: print(line, flush=True))
    except (MutantError, DbtFailed) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.ids:
        RESULT.write_text(page(mutants, caught, datetime.now(UTC).date()), encoding="utf-8")
    survived = [name for name, by in caught.items() if by is None]
    print(f"{len(caught) - len(survived)} of {len(caught)} caught" + (f"; SURVIVED: {survived}" if survived else ""))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
