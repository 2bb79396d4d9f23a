"""`make reliability`: what the promises about crashes, faults, readers and privacy are worth, in docs/reliability.md.

Kills pipelines on a tiny landing zone at seeded moments until enough kills have hit (100), tries every defective
delivery, publishes under readers, and searches every artefact for planted numbers. It can be stopped and started again:
what is done stands in `reliability/` below JOBCENTER_DATA. Takes some hours; `--kills 5` is a taste.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.commands import end
from orchestration.lib import build
from orchestration.lib.progress import say
from orchestration.lib.settings import PROJECT_ROOT, Settings
from tests.integration.test_faults_deliveries import try_all
from tests.integration.test_readers import PUBLISHES, READERS, publish_and_read
from tests.support.defects import defects
from tests.support.faults import Place, holding, survive
from tests.support.undisturbed import CANARIES, run_undisturbed, run_well

# Kills on one folder, one after the other, before a pipeline must finish there: remains lie on remains of other kinds.
# Steps alone (tests/support/steps.py) are killed within seconds; whole pipelines need a minute to get to their moment.
AIMS = (
    *("load",) * 6,
    *("pipeline:start", "pipeline:build", "pipeline:build", "pipeline:publish"),
    *("publish",) * 18,
    *("check",) * 9,
)


_OUTCOME = {True: "holds", False: "FAILS", None: "not run here"}


class Book:
    """What is done so far: one JSON line per finding, so that a stopped run goes on where it was."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / "findings.jsonl"
        text = self._file.read_text("utf-8") if self._file.is_file() else ""
        # A run that was cut off may have left half a line, which the next finding would be glued to.
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._file.write_text(whole, "utf-8")
        self._commit = _commit()
        self.findings: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding["kind"] == kind]

    def add(self, kind: str, **fields: Any) -> None:
        """Note one finding, on disk at once."""
        finding = {"kind": kind, "commit": self._commit, **fields}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finding, ensure_ascii=False) + "\n")
        self.findings.append(finding)


def kills(book: Book, folder: Path, wanted: int) -> None:
    """Kill pipelines and steps until `wanted` kills have hit a running one.

    In turn from nothing, with three months to be loaded and published, and on a published release, with a fourth month
    to come: then the earlier release must stay whole at every moment.
    """
    if not _hits(book) < wanted:
        return
    work = folder / f"work-{build.project_hash(PROJECT_ROOT)[:8]}-{build.release_code_hash(PROJECT_ROOT)[:8]}"
    known = work / "undisturbed.json"
    if not known.is_file():
        _run_undisturbed(work, known)
    undisturbed = json.loads(known.read_text("utf-8"))
    place = Place(work / "place")
    fourth = place.landing / "2023-04" / "delivery-001"
    while _hits(book) < wanted:
        seed, is_first = len(book.of("kill")), len(book.of("folder")) % 2 == 0
        # The same path each time, since dbt reads the project anew for every other one.
        shutil.rmtree(place.data)
        shutil.rmtree(fourth, ignore_errors=True)
        if not is_first:
            shutil.copytree(work / "published", place.data, symlinks=True)
            shutil.copytree(work / "later", fourth)
        plan = [(seed + position, aim) for position, aim in enumerate(AIMS)]
        expected = undisturbed["first" if is_first else "further"]
        made, wrong = survive(place, plan, undisturbed["durations"], expected)
        leaked = holding(place.data, [identifier.encode() for identifier in CANARIES])
        for kill in made:
            book.add("kill", **asdict(kill))
        book.add("folder", kills=len(made), wrong=wrong, leaked=len(leaked), is_first=is_first)
        say(f"{_hits(book)} of {wanted} kills; wrong so far: {sum(len(one['wrong']) for one in book.of('folder'))}")
    shutil.rmtree(work)


def _run_undisturbed(work: Path, known: Path) -> None:
    """What the killed runs are compared with, kept for a run of this command that goes on later."""
    say("two undisturbed runs to compare with")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    run = run_undisturbed(work)
    shutil.copytree(run.place.data, work / "published", symlinks=True)
    shutil.copytree(run.later, run.place.landing / "2023-04" / "delivery-001")
    run_well(run.place)
    found = {"first": run.hashes, "further": run.place.hashes(), "durations": run.durations}
    known.write_text(json.dumps(found), "utf-8")


def _hits(book: Book) -> int:
    return sum(kill["hit_phase"] != "ended before" for kill in book.of("kill"))


def bad_deliveries(book: Book, folder: Path, seeds: int) -> None:
    """Load every defective delivery, with the generated ones drawn from several seeds."""
    for seed in range(len(book.of("defects")), seeds):
        with tempfile.TemporaryDirectory(dir=folder) as work:
            account = try_all(Path(work), defects(seed))
        statuses = Counter(status for status, _ in account.outcomes.values())
        codes = Counter(
            reason.partition(":")[0]
            for status, text in account.outcomes.values()
            for reason in text.split("\n")
            if text and status == "rejected"
        )
        rows = {
            "rows in files": account.rows_in_files,
            "rows accepted": account.rows_accepted,
            "rows quarantined": account.rows_quarantined,
        }
        counts = {"tried": len(account.outcomes), "unequal": account.unequal, "lost": account.lost}
        book.add("defects", **counts, rows=rows, statuses=dict(statuses), codes=dict(codes))
        say(f"{len(account.outcomes)} defective deliveries of seed {seed}: {dict(statuses)}")


def readers(book: Book, folder: Path) -> None:
    """Thirty publishes under eight readers."""
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
    if book.of("fault"):
        return

    class Collector:
        """Takes down each test's outcome."""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" or not report.passed:
                # A test that skips itself (no real figures here) says neither that it holds nor that it fails.
                passed = None if report.skipped else report.passed
                book.add("fault", test=report.nodeid.rpartition("::")[2], passed=passed)

    tests = ("test_faults", "test_privacy", "test_rebuild", "test_operations", "test_loading_deliveries")
    paths = [str(PROJECT_ROOT / "tests" / "integration" / f"{name}.py") for name in tests]
    pytest.main(["-q", *paths, "-k", "not killed_five"], plugins=[Collector()])


def report(book: Book, wanted: int) -> str:
    """The page, from what has been found."""
    folders, found_kills = book.of("folder"), [one for one in book.of("kill") if one["hit_phase"] != "ended before"]
    wrong = [text for one in folders for text in one["wrong"]]
    whole = Counter(one["hit_phase"] for one in found_kills if one["aim"] == "pipeline")
    alone = Counter(one["hit_phase"] for one in found_kills if one["aim"] != "pipeline")
    with_children = sum(one["is_whole_group"] for one in found_kills)
    faults, read = book.of("fault"), book.of("readers")
    defects = book.of("defects")
    commits = sorted({one["commit"] for one in book.findings if one["commit"]})
    lines = [
        "# Reliability: what was tried and what was found",
        "",
        f"Written by `make reliability` on {datetime.now(UTC):%Y-%m-%d}, {_machine()}, "
        f"project {', '.join(f'`{one}`' for one in commits) or 'without version control'}. "
        "Every number is counted, none is estimated.",
        "",
        "| | found | wanted |",
        "|---|---|---|",
        f"| kills survived | {len(found_kills)} | {wanted} |",
        f"| found wrong after a kill | {len(wrong)} | 0 |",
        f"| kinds of defective deliveries | {defects[0]['tried'] if defects else 0} | 60 |",
        f"| data sets where rows in the file are not rows accepted + rows quarantined | {_total(defects, 'unequal')} "
        "| 0 |",
        f"| lost rows | {_total(defects, 'lost')} | 0 |",
        f"| readers' errors | {_total(read, 'errors')} | 0 |",
        f"| reads with figures of two releases | {_total(read, 'mixed')} | 0 |",
        f"| files with an identifier | {_total(folders, 'leaked')} | 0 |",
        f"| tests of faults that fail | {sum(one['passed'] is False for one in faults)} of {len(faults)} | 0 |"
        if faults
        else "| tests of faults that fail | not run here yet | 0 |",
        "",
        *(
            ["The run was stopped before it had done all of that; `make reliability` goes on where it was.", ""]
            if len(found_kills) < wanted or not faults
            else []
        ),
        "## Kills",
        "",
        f"{len(found_kills)} SIGKILLs hit a running process, in {len(folders)} folders with a landing zone of three or "
        f"four tiny months. In each folder up to {len(AIMS)} runs were killed one after the other; then one pipeline "
        "had to finish with the content hashes of an undisturbed run and with nothing left over among the releases, "
        "and the one after it had to find nothing to do. After every kill `current` had to name a release of which "
        "every table, in DuckDB and as Parquet, is what its manifest says. In every second folder a release stood "
        "already and a month was added. Runs that ended before their moment "
        f"({len(book.of('kill')) - len(found_kills)}) are not counted.",
        "",
        "| phase that was hit | whole pipelines | the step alone |",
        "|---|---|---|",
        *(
            f"| {phase} | {whole.get(phase, 0)} | {alone.get(phase, 0)} |"
            for phase in ("start", "load", "build", "check", "publish")
        ),
        f"| all | {whole.total()} | {alone.total()} |",
        "",
        "A step alone is the function that the pipeline's asset calls, in a process of its own, so that its moments "
        f"are reached in seconds. Killed with all child processes: {with_children}; the process alone: "
        f"{len(found_kills) - with_children}.",
        *(f"- {text.splitlines()[0][:200]}" for text in wrong),
        "",
        "## Defective deliveries",
        "",
        f"{_total(defects, 'tried')} deliveries with one defect each, of {defects[0]['tried'] if defects else 0} "
        "kinds; the generated ones are drawn anew from each seed. Each was rejected with a reason, or accepted with "
        "rows in the file = rows accepted + rows quarantined; the sound delivery of the same month stood as before, "
        "and every row accepted and not replaced stood in raw.",
        "",
        "| outcome | deliveries |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(_sum(defects, "statuses").items())),
        "",
        "| of accepted data sets, the sound deliveries' among them | |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in _sum(defects, "rows").items()),
        "",
        "| reason of a rejection | times given |",
        "|---|---|",
        *(f"| `{name}` | {count} |" for name, count in sorted(_sum(defects, "codes").items())),
        "",
        "## Faults by kind",
        "",
        (
            f"{sum(one['passed'] is True for one in faults)} of {len(faults)} tests hold."
            if faults
            else "The last part of this command, not reached yet; the tests are those of `make test`."
        )
        + " A full disk is a limit on the size of files, which binds root as well; a disk that may not be written is "
        "tried as a user without rights.",
        "",
        *(f"- {_OUTCOME[one['passed']]}: {one['test'].replace('_', ' ')}" for one in faults),
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
        f"{_total(folders, 'leaked')}. The same search finds the numbers in the landing zone (a test).",
        "",
    ]
    return "\n".join(lines)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, DuckDB {duckdb.__version__}"


def _commit() -> str:
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _total(findings: list[dict[str, Any]], name: str) -> int:
    return sum(finding[name] for finding in findings)


def _sum(findings: list[dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for finding in findings:
        total.update(finding[name])
    return total


def main(arguments: list[str] | None = None) -> int:
    """Try everything that is not done yet and write the page; 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.run", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=None, help="where findings are kept")
    parser.add_argument("--again", action="store_true", help="forget what an earlier run has found")
    parser.add_argument("--report", action="store_true", help="try nothing more: write the page from what was found")
    options = parser.parse_args(arguments)
    folder = (options.folder or Settings.from_environment().data / "reliability").absolute()
    if options.again and folder.exists():
        shutil.rmtree(folder)
    book = Book(folder)
    if not options.report:
        bad_deliveries(book, folder, seeds=5)
        readers(book, folder)
        kills(book, folder, options.kills)
        fault_tests(book)
    (PROJECT_ROOT / "docs" / "reliability.md").write_text(report(book, options.kills), "utf-8")
    say("docs/reliability.md is written")
    is_wrong = (
        any(one["wrong"] or one["leaked"] for one in book.of("folder"))
        or any(one["passed"] is False for one in book.of("fault"))
        or any(one["errors"] or one["mixed"] for one in book.of("readers"))
        or any(one["unequal"] or one["lost"] for one in book.of("defects"))
    )
    return 1 if is_wrong else 0


if __name__ == "__main__":
    end(main)
