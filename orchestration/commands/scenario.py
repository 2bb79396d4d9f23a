"""Who changes category under other thresholds: `python -m orchestration.commands.scenario --margin 0.15`.

Reads the newest release (or the warehouse with `--warehouse`), prints, and writes nothing. Exit status 0, or 2 when
there is nothing to read or a parameter makes no sense.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from orchestration.commands import end
from orchestration.lib.reading_places import NothingToRead, open_release, open_warehouse
from orchestration.lib.scenario import ScenarioParameters, compare_scenario, describe
from orchestration.lib.settings import Settings, SettingsError
from orchestration.lib.warehouse import WarehouseBroken, WarehouseLocked, WarehouseUnavailable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        parameters = ScenarioParameters(
            margin=options.margin,
            passive_limit=options.passive_limit,
            conversations_limit=options.conversations_limit,
            counts_foertidspension=options.foertidspension,
        )
        opened = open_warehouse if options.warehouse else open_release
        with opened(Settings.from_environment()) as place:
            print(describe(compare_scenario(place, parameters, options.period)))
    except (
        NothingToRead,
        SettingsError,
        ValueError,
        WarehouseBroken,
        WarehouseLocked,
        WarehouseUnavailable,
    ) as error:
        print(f"scenario: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scenario", description=__doc__)
    parser.add_argument(
        "--margin", type=float, help="result goal met up to this difference in points (default: official)"
    )
    parser.add_argument("--passive-limit", type=float, help="offers goal met below this percentage (default: official)")
    parser.add_argument(
        "--conversations-limit", type=float, help="conversations goal met below this percentage (default: official)"
    )
    parser.add_argument(
        "--foertidspension", action="store_true", help="count førtidspension in the result goal (model)"
    )
    parser.add_argument("--period", help="one rolling year, e.g. 2024QMAT04 (default: all)")
    parser.add_argument("--warehouse", action="store_true", help="read the restricted warehouse instead of the release")
    return parser


if __name__ == "__main__":
    end(main)
