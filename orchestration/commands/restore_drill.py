"""`make restore-drill`: delete the warehouse, build it again from landing zone and ledger, and compare.

Two comparisons: the marts with those before, and a rebuild of the current release with that release. Exit status 0
when all hashes are equal; 1 when not (the former warehouse is then back in its place); 2 when something must be set
up first.
"""

from __future__ import annotations

from orchestration.commands import end, rebuild
from orchestration.lib.deliveries import LandingMissing
from orchestration.lib.operations import renewing
from orchestration.lib.pipeline_lock import PipelineRunning
from orchestration.lib.progress import say
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings, SettingsError


def main() -> int:
    """Carry out the drill; see the module for the exit status."""
    try:
        settings = Settings.from_environment().prepare()
        say("the warehouse is set aside and built again")
        tables = renewing.renew(settings)
    except (SettingsError, LandingMissing) as error:
        say(str(error))
        return 2
    except PipelineRunning as error:
        say(str(error))
        return 75
    except renewing.STOPPED_BY as error:
        say(f"the drill failed: {error}")
        return 1
    say(f"{tables} tables of the marts are equal")
    current = writer.current_release(settings.releases)
    return rebuild.main([current.name]) if current is not None else 0


if __name__ == "__main__":
    end(main, __doc__)
