"""The official sources in Dagster: a stale source warns and stops nothing, a fetched table is materialized."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.official import assets, jobs, resources
from tests.support.official_server import KEY, OfficialServer, Table


def run_fetch(query_codes: list[str]) -> dg.ExecuteInProcessResult:
    """Fetch some tables in one process, with the project's own definitions."""
    definitions = dg.Definitions.merge(dg.load_definitions_from_modules([assets, jobs]), resources.resources())
    selection = [dg.AssetKey(["official", f"jobindsats_{code}"]) for code in query_codes]
    job = definitions.resolve_job_def("fetch_official_sources")
    return job.execute_in_process(asset_selection=selection)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {evaluation.asset_key.path[-1]: evaluation.passed for evaluation in result.get_asset_check_evaluations()}


def materialized(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key]


def test_only_what_was_fetched_is_materialized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OfficialServer() as server:
        server.add(Table("y01a02", "Antal personer", "M", ["2026M06"], ["Aarhus", "Ærø"], ["Antal personer"]))
        monkeypatch.setenv("JOBCENTER_LANDING", str(tmp_path / "landing"))
        monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path / "data"))
        monkeypatch.setenv("JOBINDSATS_URL", server.jobindsats_url)
        monkeypatch.setenv("JOBINDSATS_KEY", KEY)
        fetched = run_fetch(["y01a02", "passive_share"])
        monkeypatch.setenv("JOBINDSATS_KEY", "")
        stale = run_fetch(["y01a02"])
    assert fetched.success and stale.success
    assert materialized(fetched) == ["jobindsats_y01a02"]
    assert checks(fetched) == {"jobindsats_y01a02": True, "jobindsats_passive_share": False}
    assert materialized(stale) == []
    assert checks(stale) == {"jobindsats_y01a02": False}
    assert (tmp_path / "landing").is_dir() and len(list((tmp_path / "landing").rglob("manifest.json"))) == 1
