"""`make bench`: what a full refresh, a new month, a correction and nothing new cost, beside yardsticks and other tools.

Works in `bench/` below the data folder; deliveries are kept there, and every record in `bench/results/`. Exit status 0
when everything was measured (whatever the figures), 1 when a program failed or a tool came to other figures, 2 when it
can't be run as asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from orchestration.bench import report
from orchestration.bench.plain_load import Different
from orchestration.bench.process_tree import ProgramFailed
from orchestration.bench.run import CannotMeasure, Options, Record, run_bench
from orchestration.commands import end
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings
from orchestration.sample import SampleError

# pandas and Polars hold 7 to 8 GB at this scale: at a larger one not every tool can run.
LARGEST_PEERS_SCALE = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write the pages when asked to."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="1 = the country, 750,000 persons a month")
    parser.add_argument("--months", type=int, default=30, help="months before the new one")
    parser.add_argument("--start", default="2023-01", help="first month, YYYY-MM")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers-scale", type=float, default=None, help="default: the scale, at most 1")
    parser.add_argument("--without-postgres", action="store_true")
    parser.add_argument("--times", type=int, default=3, help="how often what is short is run")
    parser.add_argument("--pipeline-only", action="store_true", help="a full refresh and one new month, nothing else")
    parser.add_argument(
        "--write", action="store_true", help=f"keep the record; write {report.PAGE}, its plots and the README's table"
    )
    parser.add_argument("--from-record", type=Path, default=None, help="measure nothing: take this record")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment()
    try:
        record: Record
        if options.from_record is not None:
            record = json.loads(options.from_record.read_text("utf-8"))
        else:
            if options.write:
                # Before anything is measured.
                report.place_to_keep(settings.project, options.scale, options.months, whole=not options.pipeline_only)
            peers = options.peers_scale or min(options.scale, LARGEST_PEERS_SCALE)
            asked = Options(
                scale=options.scale,
                months=options.months,
                start=options.start,
                seed=options.seed,
                peers_scale=peers,
                with_postgres=not options.without_postgres,
                times=options.times,
                pipeline_only=options.pipeline_only,
            )
            record = run_bench(asked, settings, say)
        print(report.for_terminal(record, report.kept_runs(settings.project / report.RUNS)))
        if options.write:
            for path in report.write_pages(record, settings.project):
                say(f"written: {path.relative_to(settings.project)}")
    except (CannotMeasure, SampleError, report.HoldsMore, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except (ProgramFailed, Different) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    end(main)
