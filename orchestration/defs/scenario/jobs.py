"""The scenario table to play with, in Dagster: the same question and answer as `make scenario`."""

import dagster as dg

# Dagster reads this annotation itself and knows it under its own name only.
from dagster import OpExecutionContext
from pydantic import Field

from orchestration.lib.reading_places import NothingToRead, open_release
from orchestration.lib.scenario import ScenarioParameters, compare_scenario, describe_in_markdown
from orchestration.lib.settings import Settings


class ScenarioConfig(dg.Config):
    """The rules to try; what is left out stays as in the scenario `official`."""

    margin: float | None = Field(default=None, ge=0, description="Result goal met up to this difference, in points.")
    passive_limit: float | None = Field(
        default=None, ge=0, le=100, description="Goal on active offers met below this percentage, in every period."
    )
    conversations_limit: float | None = Field(
        default=None, ge=0, le=100, description="Goal on conversations met below this percentage, in every period."
    )
    counts_foertidspension: bool = Field(default=False, description="Count førtidspension in the result (model).")
    period_code: str | None = Field(default=None, description="One rolling year, e.g. 2024QMAT04; all when left out.")


@dg.op(description="Who stands in another category under other rules than the official ones. Writes nothing.")
def compare_with_official(context: OpExecutionContext, config: ScenarioConfig) -> int:
    """Read the current release; the comparison is the output's metadata, the number of changes its value."""
    parameters = ScenarioParameters(
        margin=config.margin,
        passive_limit=config.passive_limit,
        conversations_limit=config.conversations_limit,
        counts_foertidspension=config.counts_foertidspension,
    )
    try:
        with open_release(Settings.from_environment()) as place:
            comparison = compare_scenario(place, parameters, config.period_code)
            release = place.path.resolve().parent.name
    except NothingToRead as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.add_output_metadata(
        {
            "comparison": dg.MetadataValue.md(describe_in_markdown(comparison)),
            "changes of category": len(comparison.changes),
            "release": release,
        }
    )
    return len(comparison.changes)


# What the launchpad begins with: every field by name, each as in the scenario `official`.
_AS_OFFICIAL = {"ops": {"compare_with_official": {"config": dict(ScenarioConfig())}}}


@dg.job(
    config=_AS_OFFICIAL,
    description="Who would change category under other rules: fill in the config in the launchpad, read the metadata.",
)
def scenario() -> None:
    """One question to the current release."""
    compare_with_official()
