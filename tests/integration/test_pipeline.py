"""The whole pipeline from the shell: what it prints, publishes and refuses, and the published table of old."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.dbt_manifest import set_up_folder
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.release.labels import labels
from orchestration.lib.settings import PROJECT_ROOT, Settings
from tests.support import pages
from tests.support.landing import make_settings
from tests.support.undisturbed import Undisturbed

pytestmark = pytest.mark.slow

REAL_TABLE = PROJECT_ROOT.parent / "shared" / "real" / "jobindsats_y30r21.json"


def run(landing: Path, data: Path, *code: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JOBCENTER_", "DAGSTER_"))},
        "JOBCENTER_LANDING": str(landing),
        "JOBCENTER_DATA": str(data),
    }
    command = [sys.executable, *(code or ("-m", "orchestration.commands.pipeline"))]
    return subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


def test_with_nothing_new_it_says_so_soon_and_changes_nothing(undisturbed: Undisturbed) -> None:
    place = undisturbed.place
    before = {path: path.stat().st_mtime_ns for path in (place.data / "releases").rglob("*")}
    started = time.monotonic()
    status, log = place.run()
    assert status == 0, log
    assert "nothing new" in log
    assert time.monotonic() - started < 20
    assert {path: path.stat().st_mtime_ns for path in (place.data / "releases").rglob("*")} == before


def test_it_says_which_official_source_is_stale(undisturbed: Undisturbed) -> None:
    with duckdb.connect(str(undisturbed.place.data / "warehouse.duckdb"), read_only=True) as con:
        kept = con.execute(
            "select source_code, table_id, state, since, last_attempt_at from quality.official_sources order by all"
        ).fetchall()
    assert kept == [(source, None, "stale", None, None) for source in ("jobindsats", "statbank")]
    for source in ("jobindsats", "statbank"):
        assert f"official source {source}: stale, never fetched: not asked yet: run `make fetch`" in undisturbed.log


def test_every_query_about_the_letters_answers_on_a_release(undisturbed: Undisturbed) -> None:
    release = undisturbed.place.data / "releases" / "current" / "release.duckdb"
    with duckdb.connect(str(release), read_only=True) as con:
        answers = [con.execute(query).fetchall() for query in pages.queries(pages.LETTERS_CLAIMS)]
    assert len(answers) >= 15
    # Three months hold no rolling year; what is monthly has an answer.
    assert len(answers[-1]) == 3


def test_the_run_keeps_the_manifest_that_it_ran_and_its_code(undisturbed: Undisturbed) -> None:
    (results,) = (undisturbed.place.data / "dbt").glob("*/run_results.json")
    parsed = set_up_folder(PROJECT_ROOT) / "manifest.json"
    assert (results.parent / "manifest.json").read_bytes() == parsed.read_bytes()
    assert list((results.parent / "compiled").rglob("int_benefit_segments.sql"))


def test_every_released_table_and_column_is_described_in_the_file(undisturbed: Undisturbed) -> None:
    release = undisturbed.place.data / "releases" / "current" / "release.duckdb"
    with duckdb.connect(str(release), read_only=True) as con:
        described = con.execute(
            "select table_name, null, comment from duckdb_tables() "
            "union all select table_name, column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
    assert len(described) > 400
    assert [(table, column) for table, column, comment in described if not comment] == []


def test_a_release_of_sample_deliveries_says_so_on_every_page(undisturbed: Undisturbed) -> None:
    current = undisturbed.place.data / "releases" / "current"
    assert json.loads((current / "manifest.json").read_text("utf-8"))["is_sample"] is True
    silent = [
        page
        for page in (current / "site").rglob("*.html")
        if labels().sample("en" if "en" in page.relative_to(current).parts else "da") not in page.read_text("utf-8")
    ]
    assert silent == []


DEFINITIONS = """
import json, sys
import dagster as dg
from types import SimpleNamespace
from orchestration.definitions import defs
from orchestration.defs.dbt.assets import build_arguments
loaded = defs() if callable(defs) else defs
graph = loaded.resolve_asset_graph()
keys = sorted(key.to_user_string() for key in graph.get_all_asset_keys())
checks = sorted((key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys)
blocking = sorted(
    key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking and key.name.startswith("gx_")
)
undescribed = sorted(key.name for key in graph.asset_check_keys if not graph.get_check_spec(key).description)
repository = loaded.get_repository_def()
# Only now: by itself, dagster_dbt imports dbt-core.
from dagster_dbt import DbtCliResource
print(json.dumps({
    "has_dbt_core": any(name.split(".")[0] == "dbt" for name in sys.modules),
    "has_adapter_to_spare": hasattr(DbtCliResource, "_initialize_dbt_core_adapter"),
    "fetched": {
        table: sorted(key.path[-1] for key in graph.get(dg.AssetKey(["raw", table])).parent_keys)
        for table in ("population", "jobindsats_rows", "conversations")
    },
    "undescribed": [
        *undescribed,
        *(part.name for part in (*repository.sensor_defs, *repository.schedule_defs) if not part.description),
    ],
    "keys": keys, "checks": checks, "blocking": blocking,
    "dbt": [build_arguments(SimpleNamespace(are_seeds_current=are_current)) for are_current in (False, True)],
    "jobs": sorted(job.name for job in repository.get_all_jobs()),
    "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
}))
"""


def test_definitions_hold_every_model_check_job_and_trigger(undisturbed: Undisturbed) -> None:
    done = run(undisturbed.place.landing, undisturbed.place.data, "-c", DEFINITIONS)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert not found["has_dbt_core"], "seconds of every start"
    assert found["has_adapter_to_spare"], "InstalledDbt overrides what Dagster no longer calls"
    assert found["undescribed"] == []
    # Whoever types a rule or a decision is told by the build that uses it, by every test of the seeds.
    build = ["build", "--exclude-resource-type", "unit_test"]
    assert found["dbt"] == [build, [*build, "--exclude", "path:seeds"]]
    models = {path.stem for path in (PROJECT_ROOT / "models").rglob("*") if path.suffix in (".sql", ".py")}
    assert models <= {key.rsplit("/", 1)[-1] for key in found["keys"]}
    assert {"raw/benefit_periods", "release/candidate", "release/site", "release/current"} <= set(found["keys"])
    assert found["fetched"]["population"] == ["statbank_population"] and found["fetched"]["conversations"] == []
    assert len(found["fetched"]["jobindsats_rows"]) > 20
    assert {"pipeline", "scenario"} <= set(found["jobs"])
    assert "new_deliveries" in found["sensors"]
    assert "nightly_pipeline" in found["schedules"]
    raw_checks = {name for key, name in found["checks"] if key.startswith("raw/") and name.startswith("gx_")}
    assert raw_checks <= set(found["blocking"])
    assert "gx_release" in found["blocking"]
    for layer in ("staging", "intermediate", "marts"):
        assert [name for _, name in found["checks"] if name.startswith(f"gx_{layer}_")], layer


MODELS_ALONE = """
import dagster as dg
from orchestration.defs.dbt.assets import dbt_models
from orchestration.defs.dbt.resources import resources
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.settings import Settings
prepare_dagster_home(Settings.from_environment().prepare())
loaded = resources() if callable(resources) else resources
result = dg.materialize([dbt_models], resources=loaded.resources, raise_on_error=False)
error = result.get_step_failure_events()[0].step_failure_data.error
while error.cause is not None:
    error = error.cause
print("REFUSED" if "have not been run" in error.message else error.message)
"""


def test_models_alone_are_not_built_on_raw_that_nobody_checked(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    done = run(landing, tmp_path / "data", "-c", MODELS_ALONE)
    assert "REFUSED" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]


STEPS_ALONE = """
import json
import dagster as dg
from orchestration.definitions import defs
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.settings import Settings
prepare_dagster_home(Settings.from_environment().prepare())
loaded = defs() if callable(defs) else defs
steps = [one for one in loaded.resolve_asset_graph().assets_defs if one.is_executable and one.op.pool == "warehouse"]
told = {}
for step in steps:
    chosen = dg.AssetSelection.assets(*step.keys) if step.keys else dg.AssetSelection.checks(step)
    month = "2023-01-01" if step.partitions_def else None
    result = dg.materialize([step], selection=chosen, partition_key=month, raise_on_error=False)
    error = None if result.success else result.get_step_failure_events()[0].step_failure_data.error
    messages = []
    while error is not None:
        messages.append(error.message)
        error = error.cause
    told[step.op.name] = " ".join(messages)
print(json.dumps(told))
"""


def test_no_step_of_the_daemon_touches_the_warehouse_while_another_holds_it(tmp_path: Path) -> None:
    """`make retention` takes the file away, `make rekey` and the drill move it: under the same lock."""
    settings = make_settings(tmp_path)
    with pipeline_lock(settings):
        done = run(settings.landing, settings.data, "-c", STEPS_ALONE)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(told) == {
        *("load_deliveries", "raw_expectations", "dbt_models", "model_expectations"),
        *("release__candidate", "release__site", "release__current"),
    }
    assert {name: text for name, text in told.items() if f"(process {os.getpid()})" not in text} == {}
    assert not settings.warehouse.exists()


def test_published_table_alone_gives_a_release_with_its_ranks(tmp_path: Path) -> None:
    if not REAL_TABLE.is_file():
        pytest.skip(f"the published table is not at {REAL_TABLE}")
    landing = tmp_path / "landing"
    folder = landing / "2021-11" / "delivery-001"
    folder.mkdir(parents=True)
    content = REAL_TABLE.read_bytes()
    (folder / "jobindsats_y30r21.json").write_bytes(content)
    manifest = {
        "contract_version": "1",
        "period": "2021-11",
        "delivery": 1,
        "delivered_at": "2021-11-02T06:00:00+01:00",
        "supplier": "STAR",
        "files": [
            {
                "dataset": "jobindsats_y30r21",
                "file": "jobindsats_y30r21.json",
                "rows": len(json.loads(content)["rows"]),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    done = run(landing, tmp_path / "data")
    assert done.returncode == 0, done.stdout[-3000:]
    with duckdb.connect(str(tmp_path / "data" / "releases" / "current" / "release.duckdb"), read_only=True) as con:
        periods = con.execute(
            "select period_code, benefit_area_code, count(*), count(benchmark_rank) from rpt_benefit_levels "
            "where expected_source = 'published' group by all"
        ).fetchall()
        contradicted = con.execute(
            "select count(*) from rpt_benefit_levels as a inner join rpt_benefit_levels as b "
            "using (period_code, benefit_area_code, expected_source) "
            "where a.difference_percentage_points < b.difference_percentage_points "
            "and a.published_benchmark_rank > b.published_benchmark_rank"
        ).fetchone()
        above = con.execute(
            "select count(*) filter (where difference_percentage_points > 0), "
            "count(*) filter (where difference_percentage_points > 0.2) from rpt_benefit_levels "
            "where period_code = '2020QMAT02' and benefit_area_code = 'all'"
        ).fetchone()
        months = con.execute("select count(*) from rpt_focus_goals").fetchone()
        close = con.execute(pages.query_with(pages.LETTERS_CLAIMS, "as above_0,")).fetchall()
        margin = con.execute(pages.query_with(pages.LETTERS_CLAIMS, "as cleared")).fetchall()
        correlation = con.execute(pages.query_with(pages.LETTERS_CLAIMS, "as correlation\n")).fetchall()
    assert json.loads((tmp_path / "data" / "releases" / "current" / "manifest.json").read_text())["is_sample"] is False
    assert len(periods) == 16
    assert {(rows, ranks) for _, _, rows, ranks in periods} == {(98, 98)}
    assert contradicted == (0,)
    assert above == (59, 34)
    assert months == (0,)
    # What the page about the letters' claims says of the real table.
    page = " ".join(pages.LETTERS_CLAIMS.read_text(encoding="utf-8").split())
    for period, source, *counts in close:
        assert source == "published" and f"| {period} | {' | '.join(map(str, counts))} |" in page
    assert [row[2:] for row in margin] == [(59, 34, 25), (52, 32, 20), (48, 31, 17), (49, 29, 20)]
    assert "clears **25**; in the later periods 20 (52 → 32), 17 (48 → 31) and 20 (49 → 29)" in page
    assert correlation == [("published", "2020QMAT02", "2021QMAT04", 0.8)]


def test_the_views_of_the_warehouse_are_read_under_any_name(undisturbed: Undisturbed) -> None:
    path = undisturbed.place.data / "warehouse.duckdb"
    with duckdb.connect(":memory:") as con:
        con.execute(f"attach '{path}' as another (read_only)")
        views = con.execute(
            "select schema_name || '.' || view_name from duckdb_views() where database_name = 'another' "
            "and not internal order by all"
        ).fetchall()
        assert len(views) > 30
        for (view,) in views:
            con.execute(f"select * from another.{view} limit 1")


def make_docs(settings: Settings) -> tuple[str, dict[str, str]]:
    """What `make docs` says besides the page's place, and the types of a fact's columns in that page."""
    done = run(settings.landing, settings.data, "-m", "orchestration.commands.docs")
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.strip())
    assert page.read_text("utf-8").count("fct_focus_goals") > 10
    catalog = json.loads((page.parent / "catalog.json").read_text("utf-8"))
    fact = catalog["nodes"].get("model.jobcenter_insight.fct_focus_goals", {"columns": {}})
    return done.stderr, {name: column["type"] for name, column in fact["columns"].items()}


def test_the_documentation_has_the_types_of_the_warehouse_where_there_is_one(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path)
    settings.warehouse.symlink_to(undisturbed.place.data / "warehouse.duckdb")
    said, types = make_docs(settings)
    assert said == ""
    assert (types["month"], types["person_count"], types["passive_share"]) == ("DATE", "BIGINT", "DOUBLE")


def test_the_documentation_without_a_warehouse_says_that_types_lack(tmp_path: Path) -> None:
    said, types = make_docs(make_settings(tmp_path))
    assert said.startswith("docs: without the columns' types. There is no warehouse at ") and types == {}
