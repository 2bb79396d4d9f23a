"""Fetch the official sources into the landing zone, one line per table: `python -m orchestration.commands.fetch`.

Exit status: 0 when no source failed (a stale source, for want of a key or network, is said and does not stop anything),
1 when one failed, 2 when the command could not begin. `--v2-file` delivers an old file of API version 2 instead.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from orchestration.commands import end
from orchestration.lib.official.answers import read_v2_csv, read_v2_json
from orchestration.lib.official.fetching import (
    FIRST_QUARTER,
    Fetcher,
    FetchError,
    OfficialSettings,
    Outcome,
    deliver_answer,
    read_queries,
)
from orchestration.lib.official.http import OfficialSourceError
from orchestration.lib.settings import Settings, SettingsError

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_TABLE = re.compile(r"[a-z0-9_]+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
        if options.v2_file is not None:
            return _deliver_v2(settings.landing, options.v2_file, options.table_id, options.fetched)
        official = OfficialSettings.from_environment(settings.landing, settings.data, settings.project)
        fetcher = Fetcher(official, _now, progress=lambda text: print(f"  {text}", file=sys.stderr, flush=True))
        outcomes: list[Outcome] = []
        if not options.only_population:
            only = set(options.table) or None
            unknown = (only or set()) - {query.query_code for query in read_queries(official.project)}
            if unknown:
                raise FetchError(f"not in the seeds: {', '.join(sorted(unknown))}")
            outcomes += fetcher.fetch_jobindsats(only)
            _print(outcomes)
        if options.only_population or not options.table:
            outcomes.append(fetcher.fetch_population(options.first_quarter))
            _print(outcomes[-1:])
    except (FetchError, SettingsError, OfficialSourceError, OSError, ValueError) as error:
        print(f"fetch: {error}", file=sys.stderr)
        return 2
    print(f"  {_summary(outcomes)}", file=sys.stderr)
    return 1 if any(outcome.result == "failed" for outcome in outcomes) else 0


def _deliver_v2(landing: Path, file: Path, table_id: str | None, fetched: str | None) -> int:
    """Deliver a v2 file as the fetch of a stated month: its vintage must not look newer than it is."""
    if table_id is None or _TABLE.fullmatch(table_id) is None or fetched is None or _MONTH.fullmatch(fetched) is None:
        raise FetchError("--v2-file needs --table-id (as y30r21) and --fetched (the month of the fetch, as 2021-10)")
    read = read_v2_json if file.suffix == ".json" else read_v2_csv
    answer = read(file.read_bytes(), file.name)
    fetched_at = datetime(int(fetched[:4]), int(fetched[5:]), 1).astimezone()
    delivered = deliver_answer(landing, table_id, answer, fetched_at)
    detail = f"{len(answer.rows)} rows as {delivered.period}/{delivered.delivery}"
    _print([Outcome("jobindsats", table_id, table_id, "delivered", detail, (delivered,), len(answer.rows))])
    return 0


def _summary(outcomes: Sequence[Outcome]) -> str:
    """How many tables of each result, and what to do about it."""
    counts = Counter(outcome.result for outcome in outcomes)
    text = ", ".join(f"{count} {result}" for result, count in counts.items())
    if counts["delivered"]:
        return f"{text}: `make pipeline` loads what came"
    if counts["stale"] or counts["failed"]:
        return f"{text}: nothing came, and nothing was changed; the pipeline works on what it has"
    return f"{text}: nothing new"


def _print(outcomes: Sequence[Outcome]) -> None:
    """One line about one table; one about several that are stale for the same reason, such as a missing key."""

    def reason(outcome: Outcome) -> tuple[str, ...]:
        own = () if outcome.result == "stale" else (outcome.query_code, outcome.table_id)
        return outcome.source, outcome.result, outcome.detail, *own

    for _, alike in groupby(outcomes, reason):
        first, *more = alike
        name = first.table_id if first.table_id == first.query_code else f"{first.query_code}: {first.table_id}"
        if more:
            name = f"{1 + len(more)} tables"
        print(f"{first.source:<11}{name:<28}{first.result:<22}{first.detail}", flush=True)


def _now() -> datetime:
    return datetime.now().astimezone()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fetch", description="Fetch the official sources into the landing zone.")
    parser.add_argument("--table", action="append", default=[], help="only this table of the seeds (may be repeated)")
    parser.add_argument("--only-population", action="store_true", help="only Statistics Denmark's population")
    parser.add_argument("--first-quarter", default=FIRST_QUARTER, help="first quarter of population, as 2015K1")
    parser.add_argument("--v2-file", type=Path, help="deliver this file of the API's version 2 (csv or json); needs:")
    parser.add_argument("--table-id", help="id of the table in the v2 file")
    parser.add_argument("--fetched", help="month in which the v2 file was fetched, as 2021-10")
    return parser


if __name__ == "__main__":
    end(main)
