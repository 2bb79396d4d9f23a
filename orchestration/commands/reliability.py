"""`make reliability`: what the promises about crashes, faults, readers and privacy are worth, in docs/reliability.md.

Kills pipelines on a tiny landing zone at seeded moments until enough kills have hit (100), tries every defective
delivery, publishes under readers, and searches every artefact for planted numbers. It can be stopped and started again:
what is done stands in `reliability/` below JOBCENTER_DATA. Takes some hours; `--kills 5` is a taste.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.lib.progress import say
from orchestration.lib.settings import PROJECT_ROOT, Settings

# Kills on one folder before a pipeline must finish: more of them leave more kinds of remains on one another.
KILLS_PER_FOLDER = 4


class Book:
    """What is done so far: one JSON line per finding, so that a stopped run goes on where it was."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / "findings.jsonl"
        lines = self._file.read_text("utf-8").splitlines() if self._file.is_file() else []
        self.findings: list[dict[str, Any]] = [json.loads(line) for line in lines if line.endswith("}")]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding["kind"] == kind]

    def add(self, kind: str, **fields: Any) -> None:
        """Note one finding, on disk at once."""
        finding = {"kind": kind, **fields}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finding, ensure_ascii=False) + "\n")
        self.findings.append(finding)


def kills(book: Book, folder: Path, wanted: int) -> None:
    """Kill pipelines until `wanted` kills have hit a running one."""
    from tests.support.faults import Place, holding, survive
    from tests.support.undisturbed import CANARIES, run_undisturbed

    if not _hits(book) < wanted:
        return
    say("an undisturbed run to compare with")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        undisturbed = run_undisturbed(Path(work) / "undisturbed")
        while (hit := _hits(book)) < wanted:
            first_seed = len(book.of("kill"))
            place = Place(Path(work) / f"killed-{first_seed}")
            shutil.copytree(undisturbed.place.landing, place.landing)
            place.data.mkdir(mode=0o700)
            shutil.copytree(undisturbed.place.data / "keys", place.data / "keys")
            seeds = range(first_seed, first_seed + min(KILLS_PER_FOLDER, wanted - hit))
            done, wrong = survive(place, seeds, undisturbed.durations, undisturbed.hashes)
            leaked = holding(place.data, [number.encode() for number in CANARIES])
            for kill in done:
                book.add("kill", **{**asdict(kill), "kind_of": "group" if kill.is_whole_group else "process"})
            book.add("folder", kills=len(done), wrong=wrong, leaked=len(leaked))
            shutil.rmtree(place.folder)
            say(f"{_hits(book)} of {wanted} kills; wrong so far: {sum(len(one['wrong']) for one in book.of('folder'))}")


def _hits(book: Book) -> int:
    return sum(kill["hit_phase"] != "ended before" for kill in book.of("kill"))


def bad_deliveries(book: Book, folder: Path, seeds: int) -> None:
    """Load every defective delivery, with the generated ones drawn from several seeds."""
    from tests.integration.test_faults_deliveries import try_all
    from tests.support.defects import defects

    for seed in range(len(book.of("defects")), seeds):
        with tempfile.TemporaryDirectory(dir=folder) as work:
            outcomes = try_all(Path(work), defects(seed))
        statuses = Counter(status for status, _ in outcomes.values())
        codes = Counter(
            reason.partition(":")[0] for _, text in outcomes.values() for reason in text.split("\n") if text
        )
        book.add("defects", tried=len(outcomes), statuses=dict(statuses), codes=dict(codes))
        say(f"{len(outcomes)} defective deliveries of seed {seed}: {dict(statuses)}")


def readers(book: Book, folder: Path) -> None:
    """Thirty publishes under eight readers."""
    from tests.integration.test_readers import PUBLISHES, READERS, publish_and_read

    if book.of("readers"):
        return
    with tempfile.TemporaryDirectory(dir=folder) as work:
        found = publish_and_read(Path(work), PUBLISHES, READERS)
    reads, errors = sum(one[0] for one in found), sum(len(one[1]) for one in found)
    book.add(
        "readers", readers=READERS, publishes=PUBLISHES, reads=reads, errors=errors, mixed=sum(one[2] for one in found)
    )
    say(f"{reads} reads, {errors} errors")


def fault_tests(book: Book) -> None:
    """The tests of faults by kind, each once, as pytest runs them."""
    import pytest

    if book.of("fault"):
        return

    class Collector:
        """Takes down each test's outcome."""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" or report.failed:
                book.add("fault", test=report.nodeid.rpartition("::")[2], passed=report.passed)

    tests = ("test_faults", "test_privacy", "test_rebuild", "test_operations", "test_loading_deliveries")
    paths = [str(PROJECT_ROOT / "tests" / "integration" / f"{name}.py") for name in tests]
    pytest.main(["-q", *paths, "--deselect", "tests/integration/test_faults.py::killed_five"], plugins=[Collector()])


def report(book: Book, wanted: int) -> str:
    """The page, from what has been found."""
    folders, found_kills = book.of("folder"), [one for one in book.of("kill") if one["hit_phase"] != "ended before"]
    wrong = [text for one in folders for text in one["wrong"]]
    by_phase = Counter(one["hit_phase"] for one in found_kills)
    by_kind = Counter(one["kind_of"] for one in found_kills)
    faults, read = book.of("fault"), book.of("readers")
    defects = book.of("defects")
    lines = [
        "# Reliability: what was tried and what was found",
        "",
        f"Written by `make reliability` on {datetime.now(UTC):%Y-%m-%d}, on a tiny landing zone of three months. "
        "Every number is counted, none is estimated.",
        "",
        "## Kills",
        "",
        f"{len(found_kills)} of {wanted} wanted SIGKILLs hit a running pipeline, in {len(folders)} folders. "
        f"Up to {KILLS_PER_FOLDER} pipelines were killed one after the other on the same folder; then one had to "
        "finish with the content hashes of an undisturbed run, and the one after it had to find nothing to do. "
        f"Runs that ended before their moment ({len(book.of('kill')) - len(found_kills)}) are not counted.",
        "",
        "| phase that was hit | kills |",
        "|---|---|",
        *(f"| {phase} | {by_phase.get(phase, 0)} |" for phase in ("start", "load", "build", "check", "publish")),
        "",
        f"With all its child processes: {by_kind.get('group', 0)}; the process alone: {by_kind.get('process', 0)}. "
        f"Things found wrong: {len(wrong)}.",
        *(f"- {text.splitlines()[0][:200]}" for text in wrong),
        "",
        "## Defective deliveries",
        "",
        f"{sum(one['tried'] for one in defects)} deliveries with one defect each, of "
        f"{defects[0]['tried'] if defects else 0} kinds; the generated ones are drawn anew from each seed. "
        "Each was rejected with a reason, or accepted with rows in the file = rows accepted + rows quarantined; "
        "the sound delivery of the same month stood as before. Lost rows: 0 (the run stops at the first).",
        "",
        "| outcome | deliveries |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(_sum(defects, "statuses").items())),
        "",
        "| reason | times given |",
        "|---|---|",
        *(f"| `{name}` | {count} |" for name, count in sorted(_sum(defects, "codes").items())),
        "",
        "## Faults by kind",
        "",
        f"{sum(one['passed'] for one in faults)} of {len(faults)} tests hold. A full disk is a limit on the size of "
        "files, which binds root as well; a disk that may not be written is tried as a user without rights.",
        "",
        *(f"- {'holds' if one['passed'] else 'FAILS'}: {one['test'].replace('_', ' ')}" for one in faults),
        "",
        "## Readers",
        "",
        *(
            f"{one['readers']} processes made {one['reads']} reads during {one['publishes']} publishes: "
            f"{one['errors']} errors, {one['mixed']} reads with figures of two releases."
            for one in read
        ),
        "",
        "## Identifiers",
        "",
        f"Files in which a planted number was found, in the {len(folders)} folders of killed pipelines: "
        f"{sum(one['leaked'] for one in folders)}. The same search must find the numbers in the landing zone.",
        "",
    ]
    return "\n".join(lines)


def _sum(findings: list[dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for finding in findings:
        total.update(finding[name])
    return total


def main(arguments: list[str] | None = None) -> int:
    """Try everything that is not done yet and write the page; 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.reliability", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=None, help="where findings are kept")
    parser.add_argument("--again", action="store_true", help="forget what an earlier run has found")
    options = parser.parse_args(arguments)
    folder = (options.folder or Settings.from_environment().data / "reliability").absolute()
    if options.again and folder.exists():
        shutil.rmtree(folder)
    book = Book(folder)
    bad_deliveries(book, folder, seeds=5)
    readers(book, folder)
    kills(book, folder, options.kills)
    fault_tests(book)
    (PROJECT_ROOT / "docs" / "reliability.md").write_text(report(book, options.kills), "utf-8")
    say("docs/reliability.md is written")
    is_wrong = (
        any(one["wrong"] or one["leaked"] for one in book.of("folder"))
        or not all(one["passed"] for one in book.of("fault"))
        or any(one["errors"] or one["mixed"] for one in book.of("readers"))
    )
    return 1 if is_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
