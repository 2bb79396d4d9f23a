"""DAGSTER_HOME: made ready before any process of Dagster starts, so that two of them never make it at once."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.lib.settings import Settings


def prepare_dagster_home(settings: Settings) -> Path:
    """Put our dagster.yaml into DAGSTER_HOME, point the environment at it, and return the folder."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = (settings.project / "orchestration" / "dagster.yaml").read_text("utf-8")
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_text("utf-8") != wanted:
        target.write_text(wanted, "utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "0"
    # dbt's profile and the processes that Dagster starts read the places from here.
    os.environ["JOBCENTER_DATA"] = str(settings.data)
    os.environ["JOBCENTER_LANDING"] = str(settings.landing)
    return home
