"""A second process that checks half of a layer's suites: Great Expectations is Python's work, and Python has one core.

`start` lets it import Great Expectations while other work goes on; until it is ready, and where nobody has started it,
everything is checked in the process that asks. Requests and answers are pickled through its input and output; it ends
when its input ends, as it does when the process that started it dies.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from orchestration.expectations.suites import Suite
from orchestration.lib import garbage
from orchestration.lib.settings import PROJECT_ROOT

Outcome = TypeVar("Outcome")
_READY = "ready"


class _Second:
    """The process, and whether it has said that it is ready."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._is_ready = False

    def is_ready(self) -> bool:
        """Looks, and does not wait. False also when it has died."""
        if not self._is_ready and select.select([self._answers], [], [], 0)[0]:
            with contextlib.suppress(EOFError):
                self._is_ready = self.receive() == _READY
        return self._is_ready

    def send(self, request: object) -> None:
        pickle.dump(request, self._requests)
        self._requests.flush()

    def receive(self) -> Any:
        return pickle.load(self._answers)  # from our own process

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


_second: _Second | None = None


def start() -> None:
    """Let a second process get ready, unless there is one already."""
    global _second
    if _second is None:
        _second = _Second()
        atexit.register(stop)


def stop() -> None:
    """End the second process, if there is one."""
    global _second
    if _second is not None:
        _second.kill()
        _second = None


def in_two(check: Callable[[Sequence[Suite]], Sequence[Outcome]], suites: Sequence[Suite]) -> list[Outcome]:
    """What `check` says of the suites, in their order: of half of them here, of the others in the second process.

    `check` must be a module's function, or a `functools.partial` of one, and its outcomes values that can be pickled.
    """
    halves = _halves(suites)
    if _second is None or not halves[1] or not _second.is_ready():
        return list(check(suites))
    try:
        _second.send((check, halves[1]))
        here = check(halves[0])
        there: Sequence[Outcome] = _second.receive()
    except (BrokenPipeError, EOFError, pickle.UnpicklingError):
        # Killed, perhaps for want of memory, or ended by an error, which is then met again here.
        stop()
        return list(check(suites))
    except BaseException:
        # Its answer would be taken for that to the next question, and it may hold the database open.
        stop()
        raise
    outcomes = dict(zip([suite.name for half in halves for suite in half], [*here, *there], strict=True))
    return [outcomes[suite.name] for suite in suites]


def _halves(suites: Sequence[Suite]) -> tuple[list[Suite], list[Suite]]:
    """Two lists with about as many checks, the largest suites dealt out first."""
    halves: tuple[list[Suite], list[Suite]] = ([], [])
    counts = [0, 0]
    for suite in sorted(suites, key=lambda one: -len(one.checks)):
        smaller = counts.index(min(counts))
        halves[smaller].append(suite)
        counts[smaller] += len(suite.checks)
    return halves


def _serve() -> None:
    """Answer every request of the input; when that ends, end at once, whatever is being checked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    garbage.search_seldom()
    import great_expectations.expectations  # noqa: F401

    garbage.keep_what_is_here()
    pickle.dump(_READY, answers)
    answers.flush()
    requests: queue.Queue[tuple[Callable[[Sequence[Suite]], object], Sequence[Suite]]] = queue.Queue()
    threading.Thread(target=_hand_on, args=(requests,), daemon=True).start()
    while True:
        check, suites = requests.get()
        pickle.dump(check(suites), answers)
        answers.flush()


def _hand_on(requests: queue.Queue[Any]) -> None:
    """Read requests; without a starter there is nobody to answer, and the warehouse must be free for the next one."""
    input_ = open(0, "rb", closefd=False)  # noqa: SIM115  # not sys.stdin, whose lock Python wants when it ends
    try:
        while True:
            requests.put(pickle.load(input_))
    finally:
        # Also when a request can't be read: the starter then finds the end of the answers, and checks by itself.
        os._exit(0)


if __name__ == "__main__":
    _serve()
