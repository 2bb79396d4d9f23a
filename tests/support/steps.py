"""One step of the pipeline as a process of its own, so that a kill meets it within seconds.

The functions are those that the assets call; what surrounds them (Dagster, dbt) is killed with whole pipelines.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from orchestration.lib import checking, loading, publishing, warehouse
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings
from orchestration.site.build import publish_site

# What a step says when its work begins: from here on its seconds are counted.
BEGIN = "step begins"


def load(settings: Settings) -> None:
    """Load every delivery not known yet."""
    connection = warehouse.connect(settings)
    try:
        warehouse.ensure_schemas(connection)
        loading.load_pending(connection, settings, progress=say)
    finally:
        connection.close()


def check(settings: Settings) -> None:
    """Check raw, then what was built from it."""
    checking.check_raw(settings)
    checking.check_models(settings)


def publish(settings: Settings) -> None:
    """Write the candidate, check it, build its site, make it current."""
    candidate = publishing.write_candidate(settings, datetime.now(UTC)).folder
    publishing.decide_upon_candidate(settings, candidate, publishing.check_candidate(settings, candidate))
    publish_site(candidate)
    publishing.publish(settings, candidate)


STEPS = {"load": load, "check": check, "publish": publish}


def main(name: str) -> int:
    """Run the step of that name for the settings of the environment."""
    settings = Settings.from_environment().prepare()
    with pipeline_lock(settings):
        say(BEGIN)
        STEPS[name](settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
