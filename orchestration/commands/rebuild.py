"""`make rebuild AS_OF=<release id or time>`: build again what was published or known then, and compare.

Exit status: 0 when it was built and, where a release was made from the same deliveries, every content hash is equal; 1
when a hash differs or it can't be built; 2 when something must be set up first.
"""

from __future__ import annotations

import argparse

from orchestration.commands import end
from orchestration.lib.deliveries import LandingMissing
from orchestration.lib.ledger import LedgerBroken
from orchestration.lib.operations import rebuilding
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings, SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Rebuild and compare; see the module for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.rebuild", description=__doc__)
    parser.add_argument("as_of", help="a release's id, or a time such as 2024-05-02T06:00:00+02:00")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment().prepare()
        target = rebuilding.find_target(settings, options.as_of)
        say(f"deliveries known on {target.known_until.isoformat()}, project of release {target.release.name}")
        rebuilt = rebuilding.prepare(settings, target)
        release = rebuilding.run(rebuilt, say)
    except (SettingsError, LandingMissing) as error:
        say(str(error))
        return 2
    except (rebuilding.RebuildImpossible, LedgerBroken, OSError) as error:
        say(f"can't be rebuilt: {error}")
        return 1
    say(f"rebuilt: {release}")
    say(f"{rebuilt.data.parent} holds rows about persons: remove it when you have looked at it")
    if not target.is_exact:
        say("no release was made from exactly these deliveries, so there is nothing to compare with")
        return 0
    comparison = rebuilding.compare(target.release, release)
    for line in comparison.lines():
        print(f"  {line}", flush=True)
    if comparison.is_equal:
        say(f"equal to {target.release.name}")
        return 0
    say(f"NOT equal to {target.release.name}")
    return 1


if __name__ == "__main__":
    end(main)
