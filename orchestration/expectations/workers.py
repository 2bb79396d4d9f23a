"""Two processes that check half of a layer's suites each: Great Expectations is Python's work, and Python has one core.

`start` lets one process import Great Expectations while other work goes on. It then splits in two, which share what was
imported; whoever asks them need not import it at all. Where nobody has started them, and when one was killed or can't
answer, everything is checked in the process that asks. Requests and answers are pickled through pipes; once they have
imported what they need, both end when their requests end, as they do when the process that started them dies.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from orchestration.expectations.suites import Suite
from orchestration.lib import garbage
from orchestration.lib.settings import PROJECT_ROOT

# What a worker needs, the pages of the Data Docs included.
_IMPORTED = (
    "great_expectations.expectations",
    "great_expectations.render.renderer.page_renderer",
    "great_expectations.render.view",
    "orchestration.expectations.runner",
)

Outcome = TypeVar("Outcome")


class _Worker:
    """The starter's ends of one worker's pipes; the other ends are the worker's, by their numbers."""

    def __init__(self) -> None:
        reading, requests = os.pipe()
        answers, writing = os.pipe()
        self.theirs = (reading, writing)
        self._requests, self._answers = open(requests, "wb"), open(answers, "rb")  # noqa: SIM115  # `close` does it

    def send(self, request: object) -> None:
        pickle.dump(request, self._requests)
        self._requests.flush()

    def receive(self) -> Any:
        return pickle.load(self._answers)  # from our own process

    def wait_for_its_end(self) -> None:
        """Read what it may still have said, until nobody can say anything more."""
        while self._answers.read(1 << 16):
            pass

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()


class _Workers:
    """Both workers, and the process that was the first of them from its start."""

    def __init__(self) -> None:
        self.workers = (_Worker(), _Worker())
        theirs = [end for worker in self.workers for end in worker.theirs]
        try:
            # A group of their own, so that both can be killed at once.
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, *map(str, theirs)],
                cwd=PROJECT_ROOT,
                stdin=subprocess.DEVNULL,
                # What a library prints is for the terminal's other output.
                stdout=2,
                pass_fds=theirs,
                process_group=0,
                # NumPy's threads would be lost when it splits, and nothing here needs them.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except BaseException:
            for worker in self.workers:
                worker.close()
            raise
        finally:
            for end in theirs:
                os.close(end)

    def kill(self) -> None:
        """Kill both, and wait until they are gone: what they read is free again."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for worker in self.workers:
            worker.wait_for_its_end()
            worker.close()


_started: _Workers | None = None
_are_paused = False


def start() -> None:
    """Let two workers get ready, unless there are any; where the system has no place for them there are none."""
    global _started
    if _started is None:
        with contextlib.suppress(OSError):
            _started = _Workers()
            atexit.register(stop)


def stop() -> None:
    """End the workers, if there are any."""
    global _started
    # Forgotten first: interrupted here, they end by themselves when this process does.
    workers, _started = _started, None
    if workers is not None:
        workers.kill()


def pause() -> None:
    """End the workers, if there are any, so that what comes next has their memory (some 300 MB); see `resume`."""
    global _are_paused
    _are_paused = _started is not None
    stop()


def resume() -> None:
    """Let workers get ready again where there were some before `pause`."""
    global _are_paused
    if _are_paused:
        _are_paused = False
        start()


def in_two(check: Callable[[Sequence[Suite]], Sequence[Outcome]], suites: Sequence[Suite]) -> list[Outcome]:
    """What `check` says of the suites, in their order: half of them in each worker, waited for when not yet ready.

    `check` must be a module's function, or a `functools.partial` of one, and its outcomes values that can be pickled
    (and read again without Great Expectations, unless it is to be imported here too).
    """
    if _started is None:
        return list(check(suites))
    halves = _halves(suites)
    asked = [worker for worker, half in zip(_started.workers, halves, strict=True) if half]
    answers: list[Outcome] = []
    try:
        for worker, half in zip(asked, halves, strict=False):
            worker.send((check, half))
        for worker in asked:
            answers += worker.receive()
    except (BrokenPipeError, EOFError, pickle.UnpicklingError):
        # Killed, perhaps for want of memory, or ended by an error, which is then met again here.
        stop()
        return list(check(suites))
    except BaseException:
        # An answer would be taken for that to the next question, and its worker may hold the database open.
        stop()
        raise
    outcomes = dict(zip([suite.name for half in halves for suite in half], answers, strict=True))
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


def _serve(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Import Great Expectations, become two, and answer every request; when they end, end at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    garbage.search_seldom()
    for name in _IMPORTED:
        importlib.import_module(name)

    garbage.keep_what_is_here()
    # Until there is something to check (or nobody left who could ask), one holds what both would.
    select.select([first[0], second[0]], [], [])
    # No thread of Python's has been started yet, and those of libraries have nothing to do: the copy is whole.
    own, other = (first, second) if os.fork() else (second, first)
    for end in other:
        os.close(end)
    try:
        _answer(*own)
    except BaseException:
        traceback.print_exc()
    finally:
        # Not by Python's own end, at which libraries wait for threads that the copy has not got.
        sys.stderr.flush()
        os._exit(1)


def _answer(reading: int, writing: int) -> None:
    """Answer every request; raises what a check raises."""
    requests: queue.Queue[tuple[Callable[[Sequence[Suite]], object], Sequence[Suite]]] = queue.Queue()
    threading.Thread(target=_hand_on, args=(reading, requests), daemon=True).start()
    with open(writing, "wb") as answers:
        while True:
            check, suites = requests.get()
            pickle.dump(check(suites), answers)
            answers.flush()


def _hand_on(reading: int, requests: queue.Queue[Any]) -> None:
    """Read requests; without a starter there is nobody to answer, and the warehouse must be free for the next one."""
    try:
        with open(reading, "rb") as input_:
            while True:
                requests.put(pickle.load(input_))
    finally:
        # Also when a request can't be read: the starter then finds the end of the answers, and checks by itself.
        os._exit(0)


if __name__ == "__main__":
    _ends = [int(end) for end in sys.argv[1:]]
    _serve((_ends[0], _ends[1]), (_ends[2], _ends[3]))
