"""The two processes that check half of a layer's suites each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import duckdb
import psutil  # type: ignore[import-untyped]
import pytest

from orchestration.expectations import workers
from orchestration.expectations.runner import run_suites
from orchestration.expectations.suites import Suite, holds
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.checks_elsewhere import die_while_answering, name_and_process, refuse_elsewhere

SUITES = [
    Suite(name, "marts", "marts.t", tuple(holds(f"c{i}", "true", "Holds.") for i in range(number)))
    for name, number in (("a", 1), ("b", 4), ("c", 2), ("d", 3), ("e", 1))
]


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _of_this_module(suites: Sequence[Suite]) -> list[str]:
    return [suite.name for suite in suites]


@pytest.fixture(autouse=True)
def nobody_before_or_after() -> Iterator[None]:
    """A pipeline that ran in this process may have left workers."""
    workers.stop()
    yield
    workers.stop()


@pytest.fixture()
def started() -> workers._Workers:
    workers.start()
    assert workers._started is not None
    return workers._started


def _processes() -> set[int]:
    """Who checks the suites."""
    return {process for _, process in workers.in_two(name_and_process, SUITES)}


def test_each_worker_checks_half_and_the_answers_come_in_order(started: workers._Workers) -> None:
    outcomes = workers.in_two(name_and_process, SUITES)
    assert [name for name, _ in outcomes] == [suite.name + str(len(suite.checks)) for suite in SUITES]
    checks = dict.fromkeys((process for _, process in outcomes), 0)
    for suite, (_, process) in zip(SUITES, outcomes, strict=True):
        checks[process] += len(suite.checks)
    assert sorted(checks.values()) == [5, 6]
    assert os.getpid() not in checks
    # A second question is answered as the first, and one suite by one worker.
    assert workers.in_two(name_and_process, SUITES) == outcomes
    [(_, alone)] = workers.in_two(name_and_process, SUITES[:1])
    assert alone in checks and alone != started.process.pid


def test_without_workers_everything_is_checked_here() -> None:
    assert workers._started is None
    assert _processes() == {os.getpid()}


def test_paused_workers_are_gone_and_others_answer_the_next_question() -> None:
    workers.pause()
    assert workers._started is None
    workers.start()
    assert workers._started is not None
    importer = workers._started.process.pid
    before = _processes()
    workers.pause()
    assert _wait_until(lambda: not any(map(_is_running, before))) and _is_running(importer)
    after = _processes()
    assert len(after) == 2 and after.isdisjoint({os.getpid(), importer, *before})
    # Whoever has ended does not stay among the system's processes for ever.
    assert not any(map(psutil.pid_exists, before))
    # The same importer: what it imported is not imported again.
    assert workers._started is not None and workers._started.process.pid == importer
    workers.stop()
    assert not _is_running(importer) and _processes() == {os.getpid()}


def test_whoever_asks_the_workers_does_not_import_great_expectations(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "t.duckdb")) as con:
        con.execute("create schema marts; create table marts.t as select 1 as c")
    program = f"""
import sys
from pathlib import Path
from orchestration.expectations import workers
from orchestration.expectations.runner import run_suites
from tests.unit.test_expectations_workers import SUITES
workers.start()
results = run_suites(Path({str(tmp_path / "t.duckdb")!r}), SUITES, build_id="b", data_docs=Path({str(tmp_path)!r}))
print(len(results), all(result.success for result in results))
print(*[name for name in sys.modules if name.startswith("great_expectations")])
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["11 True", ""]
    page = (tmp_path / "marts" / "b" / "b.html").read_text("utf-8")
    # The same page as one made here, but for the moment of the check.
    run_suites(tmp_path / "t.duckdb", SUITES, build_id="b", data_docs=tmp_path / "here")
    here = (tmp_path / "here" / "marts" / "b" / "b.html").read_text("utf-8")
    assert "4 expectations, build b" in page
    assert _without_moment(page) == _without_moment(here)


def _without_moment(page: str) -> list[str]:
    return [line for line in page.splitlines() if " UTC" not in line]


def test_when_one_fails_or_is_killed_everything_is_checked_here(started: workers._Workers) -> None:
    assert workers.in_two(partial(refuse_elsewhere, own=os.getpid()), SUITES) == [suite.name for suite in SUITES]
    assert workers._started is None
    for number in (0, 1):
        workers.start()
        first, second = sorted(_processes())
        os.kill((first, second)[number], signal.SIGKILL)
        assert _processes() == {os.getpid()}
        assert workers._started is None
        assert _wait_until(lambda: not _is_running(first) and not _is_running(second))  # noqa: B023


def test_an_error_ends_either_worker_as_quietly_after_real_work(tmp_path: Path) -> None:
    """Both are copies without the threads of the libraries, for which an ordinary end would wait or abort."""
    with duckdb.connect(str(tmp_path / "t.duckdb")) as con:
        con.execute("create schema marts; create table marts.t as select 1 as c")
    program = f"""
import os
from functools import partial
from pathlib import Path
import psutil, time
from orchestration.expectations import workers
from orchestration.expectations.runner import run_suites
from tests.support.checks_elsewhere import refuse_elsewhere
from tests.unit.test_expectations_workers import SUITES
workers.start()
run_suites(Path({str(tmp_path / "t.duckdb")!r}), SUITES, build_id="b")
started = workers._started
request = (partial(refuse_elsewhere, own=os.getpid()), SUITES)
for worker in started.workers:
    worker.send(request)
processes = psutil.Process(started.process.pid).children()
for worker in started.workers:
    worker.wait_for_its_end()
while any(process.status() != "zombie" for process in processes):
    time.sleep(0.05)
print(*(process.status() for process in processes), started.process.poll())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "zombie zombie None\n"
    assert done.stderr.count("ValueError: not here") == 2
    assert "terminate" not in done.stderr


def test_where_no_process_can_be_started_everything_is_checked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(subprocess, "Popen", refuse)
    workers.start()
    assert workers._started is None and len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert _processes() == {os.getpid()}


def test_killed_before_they_are_ready_everything_is_checked_here(started: workers._Workers) -> None:
    started.process.kill()
    assert _processes() == {os.getpid()}
    assert workers._started is None


def test_what_they_cannot_even_read_is_checked_here(started: workers._Workers) -> None:
    """A function of a module that another process can't import."""
    _of_this_module.__module__ = "no_such_module"
    sys.modules["no_such_module"] = sys.modules[__name__]
    try:
        assert workers.in_two(_of_this_module, SUITES) == [suite.name for suite in SUITES]
    finally:
        del sys.modules["no_such_module"]
    assert workers._started is None


def test_an_interrupted_question_leaves_no_answer_behind(
    started: workers._Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = _processes()
    assert len(processes) == 2

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(started.workers[1], "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.in_two(name_and_process, SUITES)
    assert workers._started is None
    assert _wait_until(lambda: not any(_is_running(process) for process in processes))


def test_an_answer_that_is_cut_off_is_no_answer(started: workers._Workers) -> None:
    assert workers.in_two(partial(die_while_answering, own=os.getpid()), SUITES) == [suite.name for suite in SUITES]
    assert workers._started is None


def test_they_end_with_the_process_that_started_them() -> None:
    program = (
        "import time; from orchestration.expectations import workers; "
        "from tests.unit.test_expectations_workers import _processes; workers.start(); "
        "print(*_processes(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        processes = [int(process) for process in starter.stdout.readline().split()]
        assert len(processes) == 2 and all(map(_is_running, processes))
        starter.send_signal(signal.SIGKILL)
    assert _wait_until(lambda: not any(map(_is_running, processes)))


def _is_running(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
