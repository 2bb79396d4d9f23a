"""`make bench` from end to end on little data: every part runs and all tools come to the same figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.bench import phases, situations
from orchestration.lib.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

# Twelve months of history before the first focus goals, and twelve with them.
SCALE, MONTHS = "0.02", "24"


def test_bench_measures_every_situation_and_all_tools_agree(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JOBCENTER_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.commands.bench", "--scale", SCALE, "--months", MONTHS,
         "--without-postgres", "--times", "2"],
        cwd=PROJECT_ROOT, env={**environment, "JOBCENTER_DATA": str(tmp_path)}, capture_output=True, text=True,
        check=False, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (result,) = (tmp_path / "bench" / "results").glob("*.json")
    record = json.loads(result.read_text("utf-8"))
    by_name = {one["name"]: one for one in record["situations"]}
    assert list(by_name) == [
        situations.FULL_REFRESH, situations.NEW_MONTH, situations.CORRECTION, situations.NOTHING_NEW,
    ]  # fmt: skip
    for name, one in by_name.items():
        # What the phases were given is what the run took, no more and no less.
        assert sum(phase["wall"] for phase in one["phases"]) == pytest.approx(one["wall"], rel=1e-6)
        assert sum(phase["cpu"] for phase in one["phases"]) == pytest.approx(one["cpu"], rel=1e-6)
        found = {phase["name"] for phase in one["phases"]}
        wanted = {phases.LOAD, phases.RAW_CHECKS, phases.DBT_TESTS, phases.MODEL_CHECKS, phases.RELEASE, phases.SITE,
                  "models: focus_goals", "models: core", "models: marts"}  # fmt: skip
        assert found == {phases.DAGSTER} if name == situations.NOTHING_NEW else wanted <= found
    full, month = by_name[situations.FULL_REFRESH], by_name[situations.NEW_MONTH]
    assert full["rows_in"] == record["plain_sql"]["rows"] > 100_000
    assert 0 < month["rows_in"] < full["rows_in"] / 12
    # The second run began where the first one had.
    assert len(month["runs"]) == len(record["floor"]["runs"]) == len(by_name[situations.CORRECTION]["runs"]) == 2
    assert month["cpu"] in [one["cpu"] for one in month["runs"]]
    assert by_name[situations.CORRECTION]["rows_in"] == record["correction"]["rows"] > 0
    assert record["plain_sql"]["compared_rows"] > 100_000
    # Made twice, and measured each time.
    ways = [record["plain_sql"][name]["cpu"] for name in ("models", "models_with_threads_of_pipeline")]
    assert min(ways) > 0 and ways[0] != ways[1]
    tools = record["focus_goals"]["tools"]
    assert set(tools) == {"this project", "this project, one new month", "DuckDB by hand", "Polars", "pandas"}
    assert len({tool["compared_rows"] for tool in tools.values()}) == 1
    # Deliveries and records stay, everything else is gone.
    assert sorted(path.name for path in (tmp_path / "bench").iterdir()) == [
        f"landing-{SCALE}-{MONTHS}", f"landing-{SCALE}-{MONTHS}.json", "results",
    ]  # fmt: skip
