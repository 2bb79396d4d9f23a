"""Part of set-up: dbt parses the project once, for every data folder that will be used with it."""

from __future__ import annotations

from orchestration.commands import end
from orchestration.lib.dbt_manifest import ParseFailed, parse_at_set_up
from orchestration.lib.settings import PROJECT_ROOT


def main() -> int:
    """Exit status 1 when dbt can't read the project; the message says why."""
    try:
        parse_at_set_up(PROJECT_ROOT)
    except ParseFailed as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    end(main, __doc__)
