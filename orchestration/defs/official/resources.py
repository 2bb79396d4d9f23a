"""The official sources as a Dagster resource: a fetch with this installation's settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import dagster as dg

from orchestration.lib.official.fetching import Fetcher, OfficialSettings
from orchestration.lib.settings import Settings


class OfficialSources(dg.ConfigurableResource[Fetcher]):
    """Gives fetches of jobindsats.dk and the StatBank.

    Key and addresses are read from the environment when a run begins (JOBINDSATS_KEY or JOBINDSATS_KEY_FILE,
    JOBINDSATS_URL, STATBANK_URL), so that no key stands in a run's configuration.
    """

    def fetcher(self, progress: Callable[[str], None]) -> Fetcher:
        """A fetch that says how far it is; raises FetchError when the key file can't be read."""
        settings = Settings.from_environment()
        official = OfficialSettings.from_environment(settings.landing, settings.data, settings.project)
        return Fetcher(official, lambda: datetime.now().astimezone(), progress)


@dg.definitions
def resources() -> dg.Definitions:
    """The resource under the key that the assets ask for."""
    return dg.Definitions(resources={"official_sources": OfficialSources()})
