"""The release: a candidate, its check, and the step that makes it the current one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster import AssetExecutionContext

from orchestration.defs.dbt.assets import dbt_models
from orchestration.defs.quality.checks import check_results
from orchestration.defs.raw.assets import WAREHOUSE_POOL
from orchestration.expectations.data_docs import index_page
from orchestration.expectations.release import release_suites
from orchestration.lib import publishing
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings
from orchestration.site.build import publish_site

CANDIDATE = dg.AssetKey(["release", "candidate"])
SITE = dg.AssetKey(["release", "site"])
CURRENT = dg.AssetKey(["release", "current"])


def _candidate(context: AssetExecutionContext, settings: Settings) -> Path:
    """The folder that the last `release/candidate` wrote (or found to be current already)."""
    event = context.instance.get_latest_materialization_event(CANDIDATE)
    written = event.asset_materialization if event is not None else None
    if written is None:
        raise writer.ReleaseError("release/candidate has never been made: materialize it first")
    return publishing.find_candidate(settings, str(written.metadata["release"].value))


_MARTS = [key for key in dbt_models.keys if key.path[0] == "marts"]


@dg.asset(
    key=CANDIDATE,
    group_name="release",
    kinds={"duckdb", "parquet"},
    deps=_MARTS,
    pool=WAREHOUSE_POOL,
    check_specs=[
        dg.AssetCheckSpec("gx_release", asset=CANDIDATE, blocking=True, description="The release suites, all tables.")
    ],
)
def release_candidate(
    context: AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A release folder, written only when all checks of the warehouse passed, and checked where nobody else looks."""
    settings = Settings.from_environment().prepare()
    with pipeline_lock(settings):
        say("writing the release")
        candidate = publishing.write_candidate(settings, datetime.now(UTC))
        yield dg.MaterializeResult(
            asset_key=CANDIDATE,
            metadata={
                "release": candidate.folder.name,
                "path": dg.MetadataValue.path(str(candidate.folder)),
                "is new": candidate.is_new,
            },
        )
        say("checking the release")
        results = publishing.check_candidate(settings, candidate.folder)
        merged = [*check_results(release_suites(), results, settings)]
        yield dg.AssetCheckResult(
            check_name="gx_release",
            asset_key=CANDIDATE,
            passed=not any(not r.success and r.severity == "error" for r in results),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "expectations": dg.MetadataValue.md(
                    "\n\n".join(str(item.metadata["expectations"].value) for item in merged)
                ),
                "data docs": dg.MetadataValue.path(str(index_page(settings.data_docs))),
            },
        )
        publishing.decide_upon_candidate(settings, candidate.folder, results)


@dg.asset(key=SITE, group_name="release", kinds={"html"}, deps=[CANDIDATE], pool=WAREHOUSE_POOL)
def release_site(context: AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The web site of the release, made from its suppressed tables alone, before anybody can see the release."""
    settings = Settings.from_environment()
    with pipeline_lock(settings):
        candidate = _candidate(context, settings)
        if not (candidate / "site").is_dir():
            say("building the web site")
            publish_site(candidate)
    # Where it will stand once the release is published.
    page = settings.releases / candidate.name / "site" / "index.html"
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(str(page))})


@dg.asset(key=CURRENT, group_name="release", kinds={"duckdb", "parquet"}, deps=[SITE], pool=WAREHOUSE_POOL)
def release_current(context: AssetExecutionContext) -> dg.MaterializeResult[None]:
    """`releases/current` names the release that passed."""
    settings = Settings.from_environment()
    with pipeline_lock(settings):
        release = publishing.publish(settings, _candidate(context, settings))
    manifest = json.loads((release / writer.MANIFEST).read_text("utf-8"))
    say(f"release {release.name} is current")
    return dg.MaterializeResult(
        metadata={
            "release": release.name,
            "path": dg.MetadataValue.path(str(release)),
            "rows": sum(table["row_count"] for table in manifest["tables"].values()),
        }
    )
