"""`make retention`: delete landing files and person rows older than the dated rule, with a log.

Without --yes it only says what would go, and which releases could not be rebuilt afterwards. Exit status 0; 1 when it
was cut off (the next run with --yes finishes it) or the pipeline that builds the warehouse again failed; 2 when
something must be set up first; 75 when a pipeline is at work.
"""

from __future__ import annotations

import argparse
from datetime import date

from orchestration.commands import end
from orchestration.lib.contracts import load_contracts
from orchestration.lib.deliveries import LandingMissing
from orchestration.lib.ledger import LedgerBroken
from orchestration.lib.operations import renewing, retention
from orchestration.lib.pipeline_lock import PipelineRunning, pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.rules import RuleMissing
from orchestration.lib.settings import Settings, SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Plan, and with --yes carry out; see the module for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.retention", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="delete; without it nothing is changed")
    parser.add_argument("--on", type=date.fromisoformat, default=None, help="as of this day (today)")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment().prepare()
        with pipeline_lock(settings):
            todo = retention.plan(settings, load_contracts(), options.on or date.today())
            _tell(todo, is_done=options.yes)
            if not todo.deliveries and not todo.unfinished:
                say("nothing is that old")
                return 0
            if not options.yes:
                say("nothing was changed; with CONFIRM=yes the above is done")
                return 0
            retention.carry_out(settings, todo)
            say(f"deleted, see {retention.log_file(settings)}; building the warehouse from what is left")
            return 1 if renewing.run_pipeline(settings) else 0
    except PipelineRunning as error:
        say(str(error))
        return 75
    except (LandingMissing, RuleMissing, SettingsError) as error:
        say(str(error))
        return 2
    except (retention.RetentionLogBroken, LedgerBroken, OSError) as error:
        say(f"retention stopped: {error}")
        say("when that is mended, run it again: what was begun is finished then")
        return 1


def _tell(todo: retention.Plan, *, is_done: bool) -> None:
    say(f"months before {todo.first_kept:%Y-%m} are beyond the rule {retention.RULE}")
    for path in todo.unfinished:
        print(f"  {'finishing' if is_done else 'begun by a run that was cut off'}: {path}", flush=True)
    for found in todo.deliveries:
        print(f"  {'deleting' if is_done else 'would delete'} {found.path}", flush=True)
    for name in todo.lost_releases:
        print(f"  can't be rebuilt afterwards: release {name}", flush=True)


if __name__ == "__main__":
    end(main)
