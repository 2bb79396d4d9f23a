"""``python -m orchestration.commands.sample``: write sample deliveries into a landing zone."""

import argparse
import sys
from pathlib import Path

from orchestration.commands import end
from orchestration.lib.contracts import ContractError
from orchestration.lib.progress import counted
from orchestration.lib.settings import Settings, SettingsError
from orchestration.sample import SampleError, generate_sample


def main(arguments: list[str] | None = None) -> int:
    """Make the sample; 0 when it is there, 2 when it can't be made as asked."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.sample", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="1 = the country, 750,000 persons a month")
    parser.add_argument("--start", default="2023-01", help="first month, YYYY-MM")
    parser.add_argument("--months", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--landing", type=Path, default=None, help="default: $JOBCENTER_LANDING or landing/")
    parser.add_argument("--with-rejected", action="store_true", help="add a delivery that must be rejected")
    options = parser.parse_args(arguments)
    try:
        summary = generate_sample(
            options.landing or Settings.from_environment().landing,
            scale=options.scale,
            start=options.start,
            months=options.months,
            seed=options.seed,
            with_rejected=options.with_rejected,
            progress=lambda line: print(line, flush=True),
        )
    except (SampleError, ContractError, SettingsError) as error:
        print(f"sample: {error}", file=sys.stderr)
        return 2
    before = summary.months - summary.months_written
    print(
        f"sample: {summary.rows:,} rows in {counted(summary.months_written, 'month', 'months')}"
        f"{f' ({before} there already)' if before else ''}, "
        f"{counted(summary.deliveries_written, 'delivery', 'deliveries')}"
        f" ({summary.bytes_written / 1e6:.1f} MB) written to {summary.landing}"
        f" in {summary.seconds:.1f} s ({summary.rows_per_second / 1e6:.2f} million rows a second)"
    )
    return 0


if __name__ == "__main__":
    end(main)
