"""Great Expectations as asset checks: one check per suite, its metadata listing each expectation and what was found."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from dagster import AssetCheckExecutionContext

from orchestration.defs.raw.assets import WAREHOUSE_POOL
from orchestration.expectations import workers
from orchestration.expectations.data_docs import index_page
from orchestration.expectations.results import ExpectationResult
from orchestration.expectations.suites import Suite
from orchestration.lib import checking
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings


def _asset_of(suite: Suite) -> dg.AssetKey:
    schema, _, table = suite.table.partition(".")
    # The loader's books and suites over several tables belong to the list of what was loaded.
    if schema == "quality" or not table:
        return dg.AssetKey(["raw", "current_batches"])
    return dg.AssetKey(["staging", "stg_extracts__batches"] if "*" in table else [schema, table])


def check_specs(suites: Iterable[Suite], *, blocking: bool) -> list[dg.AssetCheckSpec]:
    """One spec per suite."""
    return [
        dg.AssetCheckSpec(
            f"gx_{suite.name}",
            asset=_asset_of(suite),
            blocking=blocking,
            description=f"{len(suite.checks)} expectations on `{suite.table}`.",
        )
        for suite in suites
    ]


def check_results(
    suites: Sequence[Suite], results: Sequence[ExpectationResult], settings: Settings
) -> Iterator[dg.AssetCheckResult]:
    """One result per suite: failed when an expectation of severity error failed, a warning when one of warn did."""
    for suite in suites:
        own = [result for result in results if result.suite == suite.name and result.layer == suite.layer]
        errors = [result for result in own if not result.success and result.severity == "error"]
        warnings = [result for result in own if not result.success and result.severity != "error"]
        lines = "\n".join(
            f"| {'ok' if r.success else 'FAILED'} | {r.severity} | {r.expectation} | {r.meaning} | {r.observed} |"
            for r in own
        )
        for result in [*errors, *warnings]:
            say(f"{result.severity}: {suite.table}: {result.meaning} Found: {result.observed}")
        yield dg.AssetCheckResult(
            check_name=f"gx_{suite.name}",
            asset_key=_asset_of(suite),
            passed=not errors and not warnings,
            severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
            description=_found(own, [*errors, *warnings]),
            metadata={
                "expectations": dg.MetadataValue.md(
                    "| | severity | expectation | meaning | observed |\n|---|---|---|---|---|\n" + lines
                ),
                # A browser follows no link from a web page to a file; a path can be copied.
                "data docs": dg.MetadataValue.path(str(index_page(settings.data_docs))),
            },
        )


def _found(results: Sequence[ExpectationResult], failed: Sequence[ExpectationResult]) -> str:
    if not failed:
        return f"All {len(results)} expectations met."
    said = " ".join(f"{result.severity}: {result.meaning} Found: {result.observed}." for result in failed)
    return f"{len(failed)} of {len(results)} expectations not met. {said}"


@dg.multi_asset_check(
    name="raw_expectations",
    specs=check_specs(checking.raw_layer(), blocking=True),
    pool=WAREHOUSE_POOL,
)
def raw_expectations(context: AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """What stands in raw keeps the contracts; rows are read once. A failed error stops every build on them."""
    settings = Settings.from_environment().prepare()
    say("checking raw")
    with pipeline_lock(settings):
        results = checking.check_raw(settings)
    # The models come next: a month of the country is built in what the workers have come to hold.
    workers.pause()
    yield from check_results(checking.raw_layer(), results, settings)


@dg.multi_asset_check(
    name="model_expectations",
    specs=check_specs(checking.model_layers(), blocking=False),
    pool=WAREHOUSE_POOL,
)
def model_expectations(context: AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Staging, intermediate and marts. A failed error stops the release, which reads the results itself."""
    settings = Settings.from_environment().prepare()
    say("checking staging, intermediate and marts")
    with pipeline_lock(settings):
        results = checking.check_models(settings)
    yield from check_results(checking.model_layers(), results, settings)
