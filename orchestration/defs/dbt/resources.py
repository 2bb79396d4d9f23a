"""dbt as a Dagster resource."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from functools import cached_property

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from orchestration.lib.dbt_manifest import guarded_dbt
from orchestration.lib.settings import PROJECT_ROOT, Settings


class InstalledDbt(DbtCliResource):  # type: ignore[misc]  # dagster_dbt is followed as Any
    """The dbt of this environment.

    Dagster asks `dbt --version` before every run, which takes seconds and looks for newer versions on the internet; the
    installed package knows as well. It also opens dbt's adapter beside the run, which takes seconds too, to ask the
    warehouse for columns and row counts: this project never lets it.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:
        return None


@dg.definitions
def resources() -> dg.Definitions:
    """The resource under the key that the assets ask for."""
    return dg.Definitions(
        resources={
            "dbt": InstalledDbt(
                project_dir=str(PROJECT_ROOT),
                profiles_dir=str(PROJECT_ROOT),
                target="warehouse",
                dbt_executable=guarded_dbt(Settings.from_environment()),
                global_config_flags=["--no-use-colors", "--log-level-file", "none"],
            )
        }
    )
