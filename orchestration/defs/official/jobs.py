"""When the official sources are fetched: weekly, since tables are updated on different days of the month."""

from __future__ import annotations

import dagster as dg

fetch_official_sources = dg.define_asset_job(
    "fetch_official_sources",
    selection=dg.AssetSelection.groups("official"),
    description="Fetch jobindsats.dk and Statistics Denmark into the landing zone; the landing sensor loads what came.",
)

weekly_fetch = dg.ScheduleDefinition(
    name="weekly_fetch_of_official_sources",
    job=fetch_official_sources,
    cron_schedule="0 9 * * 1",
    execution_timezone="Europe/Copenhagen",
    description="Mondays at 9: one question per table that has not moved.",
)
