"""Stand for checks of suites, in a module that another process can import."""

from __future__ import annotations

import os
from collections.abc import Sequence

from orchestration.expectations.suites import Suite


def name_and_process(suites: Sequence[Suite]) -> list[tuple[str, int]]:
    """The name and size of each suite, and the process that looked at it."""
    return [(suite.name + str(len(suite.checks)), os.getpid()) for suite in suites]


def refuse_elsewhere(suites: Sequence[Suite], own: int) -> list[str]:
    """A check that fails in any other process."""
    if os.getpid() != own:
        raise ValueError("not here")
    return [suite.name for suite in suites]


def die_while_answering(suites: Sequence[Suite], own: int) -> list[object]:
    """A check after which any other process ends in the middle of its answer, which fills the pipe."""
    if os.getpid() == own:
        return [suite.name for suite in suites]
    return ["x" * 1_000_000, _Deadly()]


class _Deadly:
    def __reduce__(self) -> str:
        os._exit(9)
