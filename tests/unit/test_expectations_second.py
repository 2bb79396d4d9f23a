"""The second process that checks half of the suites."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from orchestration.expectations import second
from orchestration.expectations.suites import Suite, holds
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.checks_elsewhere import die_while_answering, name_and_process, refuse_elsewhere

SUITES = [
    Suite(f"s{number}", "marts", "marts.t", tuple(holds(f"c{i}", "true", "Holds.") for i in range(number)))
    for number in (1, 4, 2, 3, 1)
]


def _wait_until(condition: object, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _of_this_module(suites: Sequence[Suite]) -> list[str]:
    return [suite.name for suite in suites]


@pytest.fixture()
def ready() -> Iterator[second._Second]:
    second.start()
    started = second._second
    assert started is not None
    try:
        assert _wait_until(started.is_ready)
        yield started
    finally:
        second.stop()


def test_half_of_the_suites_are_checked_in_another_process_and_answered_in_order(ready: second._Second) -> None:
    outcomes = second.in_two(name_and_process, SUITES)
    assert [name for name, _ in outcomes] == [suite.name + str(len(suite.checks)) for suite in SUITES]
    checks = {os.getpid(): 0, ready._process.pid: 0}
    for suite, (_, process) in zip(SUITES, outcomes, strict=True):
        checks[process] += len(suite.checks)
    assert sorted(checks.values()) == [5, 6]
    # A suite alone is not worth the way; a second question is answered as the first.
    assert second.in_two(name_and_process, SUITES[:1]) == [("s11", os.getpid())]
    assert second.in_two(name_and_process, SUITES) == outcomes


def test_without_a_second_process_everything_is_checked_here() -> None:
    assert second._second is None
    assert {process for _, process in second.in_two(name_and_process, SUITES)} == {os.getpid()}


def test_as_long_as_it_is_not_ready_everything_is_checked_here() -> None:
    second.start()
    try:
        assert {process for _, process in second.in_two(name_and_process, SUITES)} == {os.getpid()}
    finally:
        second.stop()


def test_when_it_is_killed_or_fails_everything_is_checked_here(ready: second._Second) -> None:
    assert second.in_two(partial(refuse_elsewhere, own=os.getpid()), SUITES) == [suite.name for suite in SUITES]
    assert second._second is None
    second.start()
    assert second._second is not None and _wait_until(second._second.is_ready)
    second._second._process.kill()
    second._second._process.wait()
    assert {process for _, process in second.in_two(name_and_process, SUITES)} == {os.getpid()}


def test_what_it_cannot_even_read_is_checked_here(ready: second._Second) -> None:
    """A function of this module, which the other process can't import."""
    assert second.in_two(_of_this_module, SUITES) == [suite.name for suite in SUITES]
    assert second._second is None


def test_an_error_of_the_own_half_leaves_no_answer_behind(ready: second._Second) -> None:
    with pytest.raises(ValueError, match="not here"):
        second.in_two(partial(refuse_elsewhere, own=ready._process.pid), SUITES)
    assert second._second is None and ready._process.poll() is not None


def test_an_answer_that_is_cut_off_is_no_answer(ready: second._Second) -> None:
    assert second.in_two(partial(die_while_answering, own=os.getpid()), SUITES) == [suite.name for suite in SUITES]
    assert second._second is None


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import time; from orchestration.expectations import second; second.start(); "
        "print(second._second._process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        command = Path(f"/proc/{pid}/cmdline")
        assert command.is_file()
        starter.send_signal(signal.SIGKILL)
    assert _wait_until(lambda: not command.is_file() or not command.read_bytes())
