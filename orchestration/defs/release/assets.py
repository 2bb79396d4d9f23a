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
    folder = settings.releases / str(written.metadata["release"].value)
    if not (folder / writer.MANIFEST).is_file():
        raise writer.ReleaseError(f"the candidate {folder.name} was refused or removed: materialize release/candidate")
    return folder


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
    """A release folder, written only when all checks of the warehouse passed, and checked before anybody can see it."""
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
                "data docs": dg.MetadataValue.url(f"file://{settings.data_docs / 'index.html'}"),
            },
        )
        publishing.refuse_candidate(settings, candidate.folder, results)


@dg.asset(key=SITE, group_name="release", kinds={"html"}, deps=[CANDIDATE], pool=WAREHOUSE_POOL)
def release_site(context: AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The web site of the release, made from its suppressed tables alone, before anybody can see the release."""
    settings = Settings.from_environment()
    with pipeline_lock(settings):
        candidate = _candidate(context, settings)
        if not (candidate / "site").is_dir():
            say("building the web site")
            publish_site(candidate)
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.url(f"file://{candidate / 'site' / 'index.html'}")})


@dg.asset(key=CURRENT, group_name="release", kinds={"duckdb", "parquet"}, deps=[SITE], pool=WAREHOUSE_POOL)
def release_current(context: AssetExecutionContext) -> dg.MaterializeResult[None]:
    """`releases/current` names the release that passed."""
    settings = Settings.from_environment()
    with pipeline_lock(settings):
        candidate = _candidate(context, settings)
        writer.make_current(settings.releases, candidate.name)
    manifest = json.loads((candidate / writer.MANIFEST).read_text("utf-8"))
    say(f"release {candidate.name} is current")
    return dg.MaterializeResult(
        metadata={
            "release": candidate.name,
            "path": dg.MetadataValue.path(str(candidate)),
            "rows": sum(table["row_count"] for table in manifest["tables"].values()),
        }
    )
