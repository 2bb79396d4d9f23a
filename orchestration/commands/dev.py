"""`make dev`: Dagster's web pages on localhost, with everything that DAGSTER_HOME needs made first."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.commands import end, port_number
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.dbt_manifest import ensure_manifest
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings, SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Replace this process by `dagster dev`; exit status 2 when the port is taken. Never listens on another address."""
    parser = argparse.ArgumentParser(prog="dev", description=__doc__)
    parser.add_argument("--port", type=port_number, default=3000)
    port = parser.parse_args(arguments).port
    try:
        _require_free(port)
    except OSError as error:
        print(f"dev: port {port} can't be used ({error.strerror}); choose another: make dev PORT=…", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_environment().prepare()
    except SettingsError as error:
        print(f"dev: {error}", file=sys.stderr)
        return 2
    prepare_dagster_home(settings)
    say("parsing the dbt project")
    ensure_manifest(settings)
    say(f"http://127.0.0.1:{port} in about half a minute; stop with Ctrl-C")
    dagster = str(Path(sys.executable).with_name("dagster"))
    # The definitions and their name stand in pyproject.toml, which Dagster reads in this folder.
    os.chdir(settings.project)
    # `dg dev`, which Dagster would rather see, is a package of its own that does the same here.
    quiet = "PYTHONWARNINGS=ignore:Function `dev_command` is superseded"
    # Started in the background of a shell, Ctrl-C would be ignored, and with it every other signal to stop.
    signals = "--default-signal=SIGINT,SIGTERM"
    os.execvp("env", ["env", signals, quiet, dagster, "dev", "-h", "127.0.0.1", "-p", str(port)])


def _require_free(port: int) -> None:
    """Raise OSError when somebody listens there: Dagster would say that it serves what is another program's page."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asked.bind(("127.0.0.1", port))


if __name__ == "__main__":
    end(main)
