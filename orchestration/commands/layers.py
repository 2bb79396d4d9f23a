"""The layer gate, part of `make check`: `python -m orchestration.commands.layers`. Reads files only; edits nothing."""

from __future__ import annotations

import sys

from orchestration.commands import end
from orchestration.lib.layers import findings, read_project
from orchestration.lib.settings import PROJECT_ROOT


def main() -> int:
    """Print every breach; exit status 1 when there is one."""
    try:
        project = read_project(PROJECT_ROOT)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    found = findings(project)
    for finding in found:
        print(finding)
    if found:
        return 1
    print(f"layers: {len(project.models)} models and {len(project.seeds)} seeds keep to the rules")
    return 0


if __name__ == "__main__":
    end(main, __doc__)
