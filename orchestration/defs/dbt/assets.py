"""The dbt project as assets: staging, intermediate and marts in one invocation."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dagster import AssetCheckSpec, AssetExecutionContext, AssetSpec
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration.defs.raw.assets import WAREHOUSE_POOL
from orchestration.expectations.results import require_passed
from orchestration.lib import build, dbt_tests, warehouse
from orchestration.lib.dbt_manifest import PARSED, PARTIAL_PARSE, ensure_manifest
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.settings import PROJECT_ROOT, Settings

_SETTINGS = Settings.from_environment().prepare()
MANIFEST = ensure_manifest(_SETTINGS)
PROJECT = DbtProject(
    project_dir=PROJECT_ROOT, profiles_dir=PROJECT_ROOT, target="warehouse", target_path=MANIFEST.parent
)


class Translator(DagsterDbtTranslator):  # type: ignore[misc]  # dagster_dbt is followed as Any
    """Groups assets by layer, as the folders do, and says in words what each test asks."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """staging, intermediate, marts or seeds."""
        return str(dbt_resource_props["fqn"][1]) if dbt_resource_props["resource_type"] == "model" else "seeds"

    def get_asset_check_spec(
        self, asset_spec: AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetCheckSpec | None:
        """The check that a test becomes, described."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(description=dbt_tests.describe(manifest["nodes"][unique_id])) if spec else None


def build_arguments(plan: build.BuildPlan) -> list[str]:
    """The arguments of dbt.

    Unit tests belong to CI. Seeds are loaded and tested when the project changed: a rule or a decision that somebody
    has just typed stops the build where it is wrong.
    """
    spared = ["--exclude", "path:seeds"] if plan.are_seeds_current else []
    return ["build", "--exclude-resource-type", "unit_test", *spared]


@dbt_assets(  # type: ignore[untyped-decorator]  # dagster_dbt is followed as Any
    manifest=MANIFEST,
    project=PROJECT,
    dagster_dbt_translator=Translator(),
    name="dbt_models",
    pool=WAREHOUSE_POOL,
)
def dbt_models(context: AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build and test all models. Refuses to start unless the raw checks passed for what stands in raw now."""
    settings = Settings.from_environment().prepare()
    with pipeline_lock(settings):
        yield from _build(context, dbt, settings)


def _build(context: AssetExecutionContext, dbt: DbtCliResource, settings: Settings) -> Iterator[Any]:
    connection = warehouse.connect(settings)
    try:
        warehouse.ensure_schemas(connection)
        plan = build.plan_build(connection, settings.project)
        require_passed(connection, ["raw"], plan.raw_id, "to build the models")
        build.record_project(connection, plan)
    finally:
        connection.close()

    total = _node_count(MANIFEST, plan)
    target = settings.dbt / context.run_id
    target.mkdir(parents=True, exist_ok=True)
    os.environ[PARSED] = str(ensure_manifest(settings).with_name(PARTIAL_PARSE))
    invocation = dbt.cli(build_arguments(plan), context=context, target_path=target)
    for done, event in enumerate(invocation.stream(), start=1):
        if done % 50 == 0:
            say(f"dbt: {done} of {total} models, seeds and tests")
        yield event
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    for line in dbt_tests.warnings(results, json.loads(MANIFEST.read_text(encoding="utf-8"))["nodes"]):
        say(line)

    connection = warehouse.connect(settings)
    try:
        build.record_seeds(connection, plan)
    finally:
        connection.close()


def _node_count(manifest: Path, plan: build.BuildPlan) -> int:
    """How many models, seeds and tests `build_arguments` leaves dbt to report."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return sum(
        node["resource_type"] in ("model", "seed", "test")
        and not (plan.are_seeds_current and node["original_file_path"].startswith("seeds/"))
        for node in nodes
    )
