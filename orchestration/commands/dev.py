"""`make dev`: Dagster's web pages on localhost, with everything that DAGSTER_HOME needs made first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.dbt_manifest import ensure_manifest
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings


def main() -> None:
    """Replace this process by `dagster dev`; port from JOBCENTER_PORT (3000). Never listens on another address."""
    settings = Settings.from_environment().prepare()
    prepare_dagster_home(settings)
    say("parsing the dbt project")
    ensure_manifest(settings)
    port = os.environ.get("JOBCENTER_PORT") or "3000"
    say(f"http://127.0.0.1:{port} in about half a minute; stop with Ctrl-C")
    dagster = str(Path(sys.executable).with_name("dagster"))
    # Started in the background of a shell, Ctrl-C would be ignored, and with it every other signal to stop.
    os.chdir(settings.project)
    os.execvp(
        "env",
        [
            *("env", "--default-signal=SIGINT,SIGTERM", dagster, "dev"),
            *("-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", port),
        ],
    )


if __name__ == "__main__":
    main()
