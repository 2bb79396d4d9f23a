"""What is fetched from the official sources, as assets: each makes deliveries in the landing zone.

An asset is materialized when its source has been asked and we hold what it has. Where it could not be asked, or failed,
nothing is materialized and the run goes on: since when and why stands in the asset's check and `official_sources.json`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

# Dagster reads this annotation itself and knows it under its own name only.
from dagster import AssetExecutionContext

from orchestration.defs.official.resources import OfficialSources
from orchestration.lib.official.fetching import Outcome, TableQuery, read_queries
from orchestration.lib.settings import PROJECT_ROOT

_GROUP = "official"
_KINDS = {"python", "json"}
_PREFIX = "jobindsats_"
_FRESHNESS = "is_fresh"
POPULATION_KEY = dg.AssetKey(["official", "statbank_population"])


def _table_key(query_code: str) -> dg.AssetKey:
    return dg.AssetKey(["official", f"{_PREFIX}{query_code}"])


def _table_spec(query: TableQuery) -> dg.AssetSpec:
    what = f"Table `{query.table_id}`" if query.table_id else f"The tables whose name holds “{query.name_pattern}”"
    return dg.AssetSpec(
        _table_key(query.query_code),
        description=f"{what} of jobindsats.dk, delivered to the landing zone when it has changed.",
        group_name=_GROUP,
        kinds=_KINDS,
        skippable=True,
    )


def _freshness_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        _FRESHNESS, asset=key, description="Warns when the source is stale or failed; says since when and why."
    )


_QUERIES = read_queries(PROJECT_ROOT)
TABLE_KEYS = tuple(_table_key(query.query_code) for query in _QUERIES)


@dg.multi_asset(
    name="fetch_jobindsats",
    specs=[_table_spec(query) for query in _QUERIES],
    check_specs=[_freshness_spec(_table_key(query.query_code)) for query in _QUERIES],
    can_subset=True,
)
def fetch_jobindsats(
    context: AssetExecutionContext, official_sources: OfficialSources
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Fetch the chosen tables; a check result for each, and a materialization of those that could be asked for."""
    chosen = {key.path[-1].removeprefix(_PREFIX) for key in context.selected_asset_keys}
    outcomes = official_sources.fetcher(context.log.info).fetch_jobindsats(chosen)
    by_query: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_query.setdefault(outcome.query_code, []).append(outcome)
    for query_code, parts in by_query.items():
        yield from _results(context, _table_key(query_code), parts)


@dg.multi_asset(
    name="fetch_population",
    specs=[
        dg.AssetSpec(
            POPULATION_KEY,
            description="Persons aged 16-66 by municipality and quarter (Statistics Denmark), delivered when changed.",
            group_name=_GROUP,
            kinds={"python", "csv"},
            skippable=True,
        )
    ],
    check_specs=[_freshness_spec(POPULATION_KEY)],
)
def fetch_population(
    context: AssetExecutionContext, official_sources: OfficialSources
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Fetch the population of every quarter."""
    outcome = official_sources.fetcher(context.log.info).fetch_population()
    yield from _results(context, POPULATION_KEY, [outcome])


def _results(
    context: AssetExecutionContext, key: dg.AssetKey, outcomes: list[Outcome]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """The check of an asset, and its materialization when we hold what the source has."""
    is_held = all(outcome.result in ("delivered", "unchanged") for outcome in outcomes)
    for outcome in outcomes:
        log = context.log.info if is_held else context.log.warning
        log(f"{outcome.source} {outcome.table_id}: {outcome.result}, {outcome.detail}")
    if is_held:
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(outcomes))
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=_FRESHNESS,
        passed=is_held,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"result": _sentence(outcomes)},
    )


def _sentence(outcomes: list[Outcome]) -> str:
    return "; ".join(f"{outcome.table_id}: {outcome.result}, {outcome.detail}" for outcome in outcomes)


def _metadata(outcomes: list[Outcome]) -> dict[str, Any]:
    deliveries = [delivered for outcome in outcomes for delivered in outcome.deliveries]
    metadata: dict[str, Any] = {
        "result": _sentence(outcomes),
        "deliveries": len(deliveries),
    }
    if deliveries:
        metadata["newest_file"] = dg.MetadataValue.path(deliveries[-1].file)
    row_count = sum(outcome.row_count or 0 for outcome in outcomes)
    if row_count:
        metadata["dagster/row_count"] = row_count
    return metadata
