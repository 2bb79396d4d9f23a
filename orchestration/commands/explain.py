"""Explain a figure: `python -m orchestration.commands.explain --municipality … --period … --measure …`.

Prints the figure, its numerator and denominator, the rules and deliveries behind it, how far it is from each line,
and the SQL that rebuilds it. Reads the warehouse, writes nothing. Exit status 0, or 2 when there is nothing to explain.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import duckdb

from orchestration.commands import end
from orchestration.lib.explanation import MEASURES, YEARLY, explain
from orchestration.lib.reading_places import NothingToRead, open_warehouse
from orchestration.lib.settings import Settings, SettingsError
from orchestration.lib.warehouse import WarehouseBroken, WarehouseLocked, WarehouseUnavailable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        with open_warehouse(Settings.from_environment()) as place:
            print(explain(place, options.municipality, options.period, options.measure, options.group))
    except (NothingToRead, SettingsError, WarehouseBroken, WarehouseLocked, WarehouseUnavailable) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    except duckdb.CatalogException as error:
        print(f"explain: {str(error).splitlines()[0]} The warehouse is not built yet: `make pipeline`", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="explain", description=__doc__)
    parser.add_argument("--municipality", required=True, help="four-digit code or name; 0000 = Hele landet")
    parser.add_argument("--period", required=True, help="month (2024-03), or rolling year (2024QMAT02)")
    parser.add_argument("--measure", required=True, help=", ".join((*MEASURES, *YEARLY)))
    parser.add_argument("--group", help="group, area (levels) or scenario (category); group:band, group:sequence")
    return parser


if __name__ == "__main__":
    end(main)
