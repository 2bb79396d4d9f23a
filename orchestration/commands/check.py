"""Part of `make check`: dbt parses, and the dbt sources are those of the contracts. Edits nothing."""

from __future__ import annotations

from orchestration.commands import end
from orchestration.lib.contracts import load_contracts
from orchestration.lib.dbt_manifest import ParseFailed, parse_at_set_up
from orchestration.lib.dbt_sources import SOURCES_FILE, render_sources
from orchestration.lib.settings import PROJECT_ROOT


def main() -> int:
    """Exit status 1 when something must be mended; the message says what."""
    if SOURCES_FILE.read_text("utf-8") != render_sources(load_contracts()):
        print(f"{SOURCES_FILE.name} differs from contracts/: run `make fix`")
        return 1
    try:
        parse_at_set_up(PROJECT_ROOT)
    except ParseFailed as error:
        print(error)
        return 1
    print("dbt parses; the sources are those of the contracts")
    return 0


if __name__ == "__main__":
    end(main, __doc__)
