"""Two processes that check half of a layer's suites each: Great Expectations is Python's work, and Python has one core.

`start` lets one process import Great Expectations while other work goes on. Besides that it does nothing but split
off workers, which share what it has imported; whoever asks them need not import it at all. `pause` ends the workers,
so that what they have come to hold is free for other work, and the next question finds new ones. Where nobody has
started any, and when one was killed or can't answer, everything is checked in the process that asks. Requests and
answers are pickled through pipes; all of them end when the process that started them does, the workers with their
requests.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import queue
import signal
import socket
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

_SPLIT = b"+"

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
        """Read what it may still say, until nobody can say anything more."""
        while self._answers.read(1 << 16):
            pass

    def close(self) -> None:
        """Say that nothing will be asked any more, and wait until nobody can answer."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self.wait_for_its_end()
        self._answers.close()


class _Workers:
    """The process that has imported Great Expectations, and the two workers split off from it while there are any."""

    def __init__(self) -> None:
        self.workers: tuple[_Worker, ...] = ()
        self._asking, theirs = socket.socketpair()
        with theirs:
            try:
                # A group of their own, so that all can be killed at once.
                self.process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(theirs.fileno())],
                    cwd=PROJECT_ROOT,
                    stdin=subprocess.DEVNULL,
                    # What a library prints is for the terminal's other output.
                    stdout=2,
                    pass_fds=[theirs.fileno()],
                    process_group=0,
                    # NumPy's threads would be lost when it splits, and nothing here needs them.
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                )
            except BaseException:
                self._asking.close()
                raise

    def get_ready(self) -> None:
        """Let two workers be split off, unless there are any. Raises ConnectionError when there is nobody to do it."""
        if not self.workers:
            self.workers = (self._split_off(), self._split_off())

    def _split_off(self) -> _Worker:
        worker = _Worker()
        try:
            socket.send_fds(self._asking, [_SPLIT], list(worker.theirs))
        finally:
            for end in worker.theirs:
                os.close(end)
        return worker

    def end_workers(self) -> None:
        """Let both end, and wait until neither can say or read anything more."""
        workers, self.workers = self.workers, ()
        for worker in workers:
            worker.close()

    def kill(self) -> None:
        """Kill all, and wait until they are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._asking.close()
        self.end_workers()


_started: _Workers | None = None


def start() -> None:
    """Let Great Expectations be imported for workers, unless it is; where the system has no place there are none."""
    global _started
    if _started is None:
        with contextlib.suppress(OSError):
            _started = _Workers()
            atexit.register(stop)


def stop() -> None:
    """End the workers and who splits them off, if there are any."""
    global _started
    # Forgotten first: interrupted here, they end by themselves when this process does.
    workers, _started = _started, None
    if workers is not None:
        workers.kill()


def pause() -> None:
    """End the workers, if there are any, until the next question: some 250 MB."""
    if _started is not None:
        _started.end_workers()


def in_two(check: Callable[[Sequence[Suite]], Sequence[Outcome]], suites: Sequence[Suite]) -> list[Outcome]:
    """What `check` says of the suites, in their order: half of them in each worker, waited for when not yet there.

    `check` must be a module's function, or a `functools.partial` of one, and its outcomes values that can be pickled
    (and read again without Great Expectations, unless it is to be imported here too).
    """
    if _started is None:
        return list(check(suites))
    halves = _halves(suites)
    answers: list[Outcome] = []
    try:
        _started.get_ready()
        asked = [worker for worker, half in zip(_started.workers, halves, strict=True) if half]
        for worker, half in zip(asked, halves, strict=False):
            worker.send((check, half))
        for worker in asked:
            answers += worker.receive()
    except (ConnectionError, EOFError, pickle.UnpicklingError):
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


def _serve(asked: socket.socket) -> None:
    """Import Great Expectations, and split off a worker for each pair of pipes that is sent, until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    garbage.search_seldom()
    for name in _IMPORTED:
        importlib.import_module(name)
    garbage.keep_what_is_here()
    while True:
        _, ends, _, _ = socket.recv_fds(asked, len(_SPLIT), 2)
        if not ends:
            return
        _bury_the_dead()
        # No thread of Python's is ever started here, and those of libraries have nothing to do: the copy is whole.
        if os.fork() == 0:
            asked.close()
            _work(*ends)
        for end in ends:
            os.close(end)


def _bury_the_dead() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _work(reading: int, writing: int) -> None:
    """Answer every request, and end with them."""
    try:
        _answer(reading, writing)
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
    with socket.socket(fileno=int(sys.argv[1])) as _asked:
        _serve(_asked)
