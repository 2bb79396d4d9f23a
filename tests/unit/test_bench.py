"""The benchmark's arithmetic: phases add up to the run, shares are fair, pages are written from the record alone."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psutil  # type: ignore[import-untyped]
import pytest

from orchestration.bench import deliveries, phases, plots, process_tree, report, run, situations
from orchestration.bench.phases import Activity, Phase
from orchestration.bench.plain_load import Different, require_equal
from orchestration.bench.process_tree import Look, ProgramFailed, Trace, run_watched
from orchestration.commands import bench
from orchestration.lib.settings import Settings


def look(at: float, cpu: float, memory: float = 0.0) -> Look:
    return Look(at, cpu, memory, read=cpu * 10, written=cpu * 100, disk_read=0, disk_written=0)


def test_a_trace_tells_what_was_spent_between_two_moments() -> None:
    trace = Trace([look(100, 0, 5), look(110, 10, 50), look(120, 10, 20)])
    share = trace.between(105, 115)
    assert (share.wall, share.cpu, share.read, share.written) == (10, 5, 50, 500)
    assert share.peak_memory == 50
    # Between two looks the memory of the neighbours counts.
    assert trace.between(112.5, 117.5).peak_memory == pytest.approx(42.5)
    assert (trace.total("cpu"), trace.peak_memory) == (10, 50)


def test_totals_never_fall_when_a_process_ends() -> None:
    trace = Trace([look(0, 0), look(1, 8), look(2, 3), look(3, 9)])
    assert trace.between(1, 2).cpu == 0
    assert trace.between(1, 3).cpu == 1


def test_phases_add_up_to_the_run_and_two_at_once_share_equally() -> None:
    trace = Trace([look(0, 0, 1), look(10, 20, 9), look(20, 20, 2)])
    steps = [Activity(phases.LOAD, 1, 2), Activity(phases.DBT, 2, 8)]
    nodes = [Activity("models: a", 3, 5), Activity("models: b", 4, 6), Activity(phases.DBT_TESTS, 7, 7.5)]
    found = {phase.name: phase for phase in phases.phases_of_run(trace, steps, nodes)}
    walls = {name: phase.wall for name, phase in found.items()}
    assert walls == {
        phases.DAGSTER: 13, phases.LOAD: 1, phases.DBT: 2.5, "models: a": 1.5, "models: b": 1.5, phases.DBT_TESTS: 0.5,
    }  # fmt: skip
    together = phases.sum_of(found.values())
    assert (together.wall, together.cpu) == (pytest.approx(20), pytest.approx(20))
    assert found[phases.LOAD].cpu == pytest.approx(2)
    assert phases.sum_of(found.values(), without=phases.TOOLS).wall == pytest.approx(4.5)


def test_what_gets_ready_beside_a_step_is_not_that_steps_cost() -> None:
    (dbt, _), (workers, _) = ((module, None) for module in phases.APART)

    def at(moment: float, cpu: float, of_dbt: float, of_workers: float) -> Look:
        return Look(moment, cpu, 0, 0, 0, 0, 0, {dbt: of_dbt, workers: of_workers})

    trace = Trace([at(0, 0, 0, 0), at(10, 20, 6, 4), at(20, 28, 6, 10), at(30, 38, 13, 10)])
    steps = [Activity(phases.LOAD, 0, 10), Activity(phases.RAW_CHECKS, 10, 20), Activity(phases.DBT, 20, 30)]
    nodes = [Activity("models: a", 21, 30)]
    found = {phase.name: phase for phase in phases.phases_of_run(trace, steps, nodes)}
    cpu = {name: phase.cpu for name, phase in found.items() if name != phases.DAGSTER}
    # While loading dbt takes 6 and the workers take 4, later each of them does its own work.
    assert cpu == pytest.approx(
        {phases.LOAD: 10, phases.CHECKERS: 4, phases.RAW_CHECKS: 8, phases.DBT: 6 + 1, "models: a": 9}
    )
    assert found[phases.CHECKERS].wall == 0 and found[phases.DBT].wall == 1
    assert phases.sum_of(found.values()).cpu == pytest.approx(38)


def test_dagsters_steps_are_read_and_the_release_ends_where_its_check_begins(tmp_path: Path) -> None:
    runs = tmp_path / "history" / "runs"
    runs.mkdir(parents=True)
    events = [
        ("load_deliveries", "STEP_START", 1), ("load_deliveries", "ASSET_MATERIALIZATION", 2),
        ("load_deliveries", "STEP_SUCCESS", 3), ("some_check", "STEP_START", 3), ("some_check", "STEP_SUCCESS", 4),
        ("release__candidate", "STEP_START", 4), ("release__candidate", "ASSET_MATERIALIZATION", 7),
        ("release__candidate", "STEP_SUCCESS", 9),
    ]  # fmt: skip
    for name, shift in (("of-another-time", -100), ("of-this-run", 0)):
        with sqlite3.connect(runs / f"{name}.db") as connection:
            connection.execute(
                "create table event_logs (id integer primary key, step_key, dagster_event_type, timestamp)"
            )
            connection.executemany(
                "insert into event_logs (step_key, dagster_event_type, timestamp) values (?, ?, ?)",
                [
                    (key, kind, f"{datetime.fromtimestamp(at + shift, UTC):%Y-%m-%d %H:%M:%S.%f}")
                    for key, kind, at in events
                ],
            )
    found = phases.dagster_steps(tmp_path, Trace([look(0, 0), look(10, 0)]))
    assert found == [
        Activity(phases.LOAD, 1, 3),
        Activity(phases.OTHER_CHECKS, 3, 4),
        Activity(phases.RELEASE, 4, 7),
        Activity(phases.RELEASE_CHECKS, 7, 9),
    ]


def test_a_watched_program_counts_its_children_too() -> None:
    child = "sum(i * i for i in range(3_000_000))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True); print('done')"
    finished = run_watched([sys.executable, "-c", code], folder=Path("/"), environment={})
    assert finished.output.strip() == "done"
    assert finished.trace.total("cpu") > 0.05
    assert finished.trace.peak_memory > 1_000_000


def test_processes_that_run_a_module_can_be_told_apart() -> None:
    timed = "'-m', 'timeit', '-n', '30', '-r', '9', 'sum(range(200000))'"
    child = f"import subprocess, sys; subprocess.run([sys.executable, {timed}])"
    finished = run_watched([sys.executable, "-c", child], folder=Path("/"), environment={}, apart=["timeit", "nothing"])
    share = finished.trace.between(finished.trace.began, finished.trace.ended)
    assert share.cpu_of["nothing"] == 0
    assert 0.3 * share.cpu < share.cpu_of["timeit"] < share.cpu


def test_memory_that_two_processes_share_counts_once() -> None:
    size = 100_000_000
    code = f"""
import mmap, os, sys
shared = mmap.mmap(-1, {size})
for place in range(0, {size}, 4096):
    shared[place] = 1
if not os.fork():
    for place in range(0, {size}, 4096):
        shared[place]
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)
os.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None and program.stdin is not None
        assert program.stdout.readline() == b"ready\n"
        family = [psutil.Process(program.pid), *psutil.Process(program.pid).children()]
        assert len(family) == 2 and sum(member.memory_info().rss for member in family) > 2 * size
        shared: dict[int, float] = {}
        found = process_tree.look(family[0], shared=shared)
        assert found is not None and size < found.memory < 1.5 * size
        # The next look believes what it was told of the parts that are shared.
        again = process_tree.look(family[0], shared=dict.fromkeys(shared, 0.0))
        assert again is not None and again.memory > 2 * size
        program.stdin.close()


def test_a_program_that_fails_says_how() -> None:
    with pytest.raises(ProgramFailed, match=r"status 3:\n.*the reason"):
        run_watched(
            [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"], folder=Path("/"), environment={}
        )


def test_deliveries_are_kept_held_back_and_corrected(tmp_path: Path) -> None:
    kept = deliveries.keep_deliveries(tmp_path, scale=0.001, start="2024-01", months=2, seed=1)
    assert kept.months == 3
    made = {path: path.stat().st_mtime_ns for path in kept.landing.rglob("*")}
    assert deliveries.keep_deliveries(tmp_path, scale=0.001, start="2024-01", months=2, seed=1) == kept
    assert {path: path.stat().st_mtime_ns for path in kept.landing.rglob("*")} == made
    periods = deliveries.periods(kept.landing)
    assert periods == ["2024-01", "2024-02", "2024-03"]
    landing = tmp_path / "landing"
    deliveries.copy_deliveries(kept.landing, landing, periods[:-1])
    assert deliveries.periods(landing) == ["2024-01", "2024-02"]
    corrected = deliveries.correct_month(landing, "2024-01")
    assert corrected.path == "2024-01/delivery-002"
    assert 0 < corrected.removed_rows < corrected.rows / 100
    manifest = json.loads((landing / corrected.path / "manifest.json").read_text())
    assert [entry["dataset"] for entry in manifest["files"]] == ["benefit_periods"]
    # The kept deliveries are linked into the landing zone: they are as they were.
    assert {path: path.stat().st_mtime_ns for path in kept.landing.rglob("*")} == made
    # Another seed is another landing zone.
    assert deliveries.keep_deliveries(tmp_path, scale=0.001, start="2024-01", months=2, seed=2) != kept


def test_month_before_crosses_the_turn_of_the_year() -> None:
    assert deliveries.month_before("2024-03", 12) == "2023-03"
    assert deliveries.month_before("2024-01", 1) == "2023-12"


def test_results_that_differ_are_refused() -> None:
    with duckdb.connect(":memory:") as connection:
        one, twice = "(select 1 as n, null as x)", "(select 1 as n, null as x union all select 1, null)"
        assert require_equal(connection, "t", one, one) == 1
        with pytest.raises(Different, match="t: 1 of 1 rows differ"):
            require_equal(connection, "t", one, twice)


def a_record(months: int = 24, new_month_cpu: float = 1.0) -> dict[str, Any]:
    def situation(name: str, load_cpu: float) -> dict[str, Any]:
        found = [
            Phase(phases.DAGSTER, wall=5, cpu=4),
            Phase(phases.LOAD, wall=load_cpu, cpu=load_cpu, peak_memory=1.5e9, rows_in=7),
            Phase(phases.RELEASE, peak_memory=2e9),
        ]
        return {
            "name": name, "wall": 5 + load_cpu, "cpu": 4 + load_cpu, "peak_memory": 2e9, "read": 1e6, "written": 2e6,
            "disk_read": 0.0, "disk_written": 1.0, "rows_in": 1234567, "rows_out": 3, "warehouse_bytes": 5_000_000,
            "phases": [vars(phase) for phase in found],
        }  # fmt: skip

    spent = {"wall": 2.0, "cpu": 2.0}
    return {
        "at": "2026-11-22T05:00:00+01:00",
        "commit": "abc",
        "machine": {"cpu": "A processor", "cores": 2, "memory_bytes": 2**34, "system": "Linux", "python": "3.11"},
        "versions": {"duckdb": "1"},
        "options": {"scale": 0.02, "months": months, "memory_limit": "3GB", "threads": None},
        "persons_a_month": 16000,
        "delivered_bytes": 3_000_000,
        "generator": {"rows_per_second": 2_500_000.0},
        "floor": {"reading": spent, "writing": spent, "rows": 10, "bytes": 1, "peak_memory": 1.0},
        "plain_sql": {
            "load": spent, "hash_in_load": {"cpu": 1.0, "hashes": 9},
            "models": {"wall": 40.0, "cpu": 50.0}, "models_with_threads_of_pipeline": {"wall": 50.0, "cpu": 40.0},
            "hash_per_person_and_month": {**spent, "hashes": 90}, "peak_memory": 1.0, "rows": 10,
            "compared_tables": 23, "compared_rows": 99, "per_model": [{"name": "a"}],
        },
        "focus_goals": {
            "scale": 0.02, "months": months, "raw_rows": 5, "left_out": {"PostgreSQL": "not asked"},
            "tools": {
                name: {"version": "1", "wall": cpu, "cpu": cpu, "peak_memory": 1.0}
                for name, cpu in (("this project", 2.0), ("this project, one new month", 0.1), ("pandas", 6.0))
            },
        },
        "situations": [
            situation(situations.FULL_REFRESH, 48.0),
            situation(situations.NEW_MONTH, new_month_cpu),
            situation(situations.CORRECTION, 14.0),
            situation(situations.NOTHING_NEW, 0.0),
        ],
    }  # fmt: skip


def test_ratios_say_what_is_kept_and_what_is_not() -> None:
    found = {one.name: one for one in report.ratios(a_record())}
    assert found["Full refresh ÷ plain SQL, CPU"].value == "1.24"
    assert found["Full refresh ÷ plain SQL, CPU"].is_kept
    # The quicker way to make the models, which is not the cheaper one.
    assert found["Full refresh ÷ plain SQL, wall"].value == "1.26"
    assert found["Plain SQL without the hash ÷ floor, CPU"].value == "10.25"
    assert found["Full refresh ÷ one new month (load, models, checks), CPU"].value == "48.00"
    assert found["The tools' start-up in one new month, s"].value == "5.00"
    # The release, which holds most, is measured apart.
    peak = found["Peak memory of one new month (load, models, checks), GB"]
    assert (peak.value, peak.is_kept) == ("1.50", False)
    assert found["Correction ÷ 14 months of the full refresh, CPU"].value == "0.50"
    assert found["Focus goals: pandas ÷ this project, CPU"].value == "3.00"
    assert found["Focus goals: pandas ÷ one new month of this project, CPU"].value == "60.00"
    assert "Focus goals: PostgreSQL ÷ this project, CPU" not in found


def test_an_older_record_knows_one_way_to_make_the_models() -> None:
    record = a_record()
    both = report.page(record)
    assert "Then they are made again" in both and "with the pipeline's threads | 50.0" in both
    del record["plain_sql"]["models_with_threads_of_pipeline"]
    assert "made again" not in report.page(record) and "pipeline's threads" not in report.page(record)
    found = {one.name: one.value for one in report.ratios(record)}
    assert found["Full refresh ÷ plain SQL, CPU"] == "1.00"


def test_a_target_that_a_reason_may_exceed_is_told_from_one_that_is_missed() -> None:
    record, verdicts = a_record(), []
    floor = record["floor"]["reading"]["cpu"] + record["floor"]["writing"]["cpu"]
    hashes = record["plain_sql"]["hash_in_load"]["cpu"]
    record["plain_sql"]["models"]["cpu"] = 1e9
    for times in (12.0, 12.5, 25.0, 25.5):
        record["plain_sql"]["models_with_threads_of_pipeline"]["cpu"] = (
            times * floor + hashes - record["plain_sql"]["load"]["cpu"]
        )
        ratio = next(one for one in report.ratios(record) if one.name.startswith("Plain SQL without the hash"))
        assert ratio.value == f"{times:.2f}"
        verdicts.append((ratio.verdict, len(report.why_not_kept(record))))
    reason = "above, as far as a reason allows"
    assert verdicts == [("kept", 0), (reason, 1), (reason, 1), ("not kept", 1)]


def test_what_is_not_kept_has_a_measured_reason() -> None:
    # Only the memory is not kept, and nothing tells how much of it the tools hold.
    assert report.why_not_kept(a_record()) == []
    record = a_record(24, new_month_cpu=20.0)
    for way in ("models", "models_with_threads_of_pipeline"):
        record["plain_sql"][way]["cpu"] = 4000.0
    record["focus_goals"]["tools"]["pandas"]["cpu"] = 1.0
    month = next(one for one in record["situations"] if one["name"] == situations.NEW_MONTH)
    for name, cpu in ((phases.RAW_CHECKS, 3.0), (phases.DBT_TESTS, 4.0), (phases.RELEASE_CHECKS, 50.0)):
        month["phases"].append(vars(Phase(name, cpu=cpu, peak_memory=cpu * 1e8)))
    month["phases"].append(vars(Phase("models: marts", cpu=5.0)))
    month["phases"].append(vars(Phase(phases.OTHER_CHECKS, peak_memory=0.7e9)))
    floor, growth, memory, goals = report.why_not_kept(record)
    assert floor.startswith("Plain SQL ÷ floor: ") and "(2 CPU s, 1 of them the hash)" in floor
    assert floor.endswith("(4000 CPU s).")
    assert "costs 2.0 CPU s, one new month 32.0: the load 20.0, checks and tests 7.0, " in growth
    assert "the facts and dimensions 5.0, " in growth
    assert "before anything is checked or built, 0.70 GB are held" in memory
    assert goals.startswith("Focus goals: ")
    assert f"told apart.\n\n- {floor}\n- {growth}\n- {memory}\n- {goals}\n\n## Situations" in report.page(record)


def test_growth_is_told_against_a_shorter_run_of_the_same_code_and_scale() -> None:
    record, shorter = a_record(60, new_month_cpu=1.5), a_record(14, new_month_cpu=1.0)
    of_other_code = shorter | {"commit": "other"}
    assert not [one for one in report.ratios(record, [record, of_other_code]) if "after 60" in one.name]
    assert not [one for one in report.ratios(record, [record]) if "after 60" in one.name]
    growth = next(one for one in report.ratios(record, [record, shorter]) if "after 60" in one.name)
    assert (growth.name, growth.value, growth.is_kept) == (
        "One new month after 60 months ÷ after 14, CPU", "1.50", False,
    )  # fmt: skip


def test_pages_are_written_from_the_record_and_the_readme_keeps_its_text(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Name\n\ntext before\n\n## Development\n\ntext after\n")
    report.write_pages(a_record(14), tmp_path)
    once = (tmp_path / "README.md").read_text()
    report.write_pages(a_record(24), tmp_path)
    readme, page = (tmp_path / "README.md").read_text(), (tmp_path / "docs" / "performance.md").read_text()
    assert readme.count("## What it costs") == 1 and readme != once
    assert readme.startswith("# Name\n\ntext before\n\n") and readme.endswith("\n\n## Development\n\ntext after\n")
    for part in ("A processor, 2 cores, 16 GiB", "| full refresh | 53.0 | 52.0 | 2.00 | 1,234,567 |", "2026-11-22"):
        assert part in readme and part in page
    assert "| PostgreSQL |  |  |  |  | not asked |" in page
    folder = tmp_path / "docs" / "bench"
    assert sorted(path.name for path in folder.iterdir()) == [
        "0.02-14.json", "0.02-24.json", "cost_by_months.svg", "cost_by_persons.svg",
    ]  # fmt: skip
    assert "per_model" not in (folder / "0.02-24.json").read_text()
    drawn = (folder / "cost_by_months.svg").read_text()
    assert drawn.startswith("<svg") and situations.FULL_REFRESH in drawn
    # What is kept is enough to write the pages again.
    kept = report.kept_runs(folder)
    assert report.page(kept[1], kept) == page


def test_a_record_of_the_pipeline_alone_is_kept_and_drawn_but_no_page_is_written_from_it(tmp_path: Path) -> None:
    record = a_record(14)
    record["situations"] = record["situations"][:2]
    for name in ("floor", "plain_sql", "focus_goals"):
        del record[name]
    written = report.write_pages(record, tmp_path)
    assert {path.name for path in written} == {"0.02-14.json", "cost_by_months.svg", "cost_by_persons.svg"}
    assert not (tmp_path / report.PAGE).exists()
    assert report.for_terminal(record).splitlines()[-1].startswith(phases.RELEASE)
    # The page of a whole one tells the growth against it.
    assert "after 24 months ÷ after 14" in report.page(a_record(24), report.kept_runs(tmp_path / report.RUNS))


def test_a_whole_record_is_not_replaced_by_one_of_the_pipeline_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = []

    def run_bench(options: run.Options, *_: object) -> dict[str, Any]:
        measured.append(options)
        record = a_record(options.months)
        left_out = ("floor", "plain_sql", "focus_goals") if options.pipeline_only else ()
        return {name: record[name] for name in record if name not in left_out}

    monkeypatch.setattr(bench, "run_bench", run_bench)
    settings = replace(Settings.from_environment(), project=tmp_path)
    monkeypatch.setattr(bench.Settings, "from_environment", lambda: settings)
    whole = report.place_to_keep(tmp_path, 0.02, 24, whole=True)
    whole.parent.mkdir(parents=True)
    whole.write_text(json.dumps(a_record(24)))
    asked = ["--scale", "0.02", "--pipeline-only", "--write"]
    assert bench.main([*asked, "--months", "24"]) == 2 and not measured
    assert "docs/bench/0.02-24.json holds yardsticks and other tools too" in capsys.readouterr().err
    # Of another length, and again over itself.
    assert [bench.main([*asked, "--months", "2"]) for _ in range(2)] == [0, 0]
    assert len(measured) == 2 and measured[0].pipeline_only
    assert report.is_whole(json.loads(whole.read_text()))
    # Nor from a record; only shown it may be.
    assert bench.main(["--scale", "0.02", "--pipeline-only", "--months", "24"]) == 0
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(run_bench(measured[-1])))
    assert bench.main(["--from-record", str(alone), "--write"]) == 2
    assert report.is_whole(json.loads(whole.read_text()))
    # By a whole one it is.
    (tmp_path / "README.md").write_text("# Name\n\n## Development\n")
    assert bench.main(["--scale", "0.02", "--write", "--months", "24"]) == 0


def options_for(**given: Any) -> run.Options:
    return run.Options(
        **{"scale": 0.001, "months": 2, "start": "2023-01", "seed": 1, "peers_scale": 0.001, "with_postgres": True}
        | given
    )


@pytest.mark.parametrize(
    ("given", "says"), [({}, "MONTHS must be at least 13"), ({"pipeline_only": True, "times": 0}, "TIMES must be")]
)
def test_what_cannot_be_measured_is_refused_at_once(given: dict[str, Any], says: str, tmp_path: Path) -> None:
    settings = replace(Settings.from_environment(), data=tmp_path / "data")
    with pytest.raises(run.CannotMeasure, match=says):
        run.run_bench(options_for(**given), settings, lambda _: None)
    assert not settings.data.exists()


def test_the_pipeline_alone_is_a_full_refresh_and_one_new_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = []

    def run_situation(name: str, settings: Settings) -> situations.Situation:
        months.append((name, [str(period)[:7] for period in deliveries.periods(settings.landing)]))
        return situations.Situation(name, [], 9.0, 9.0, 1e9, 0, 0, 0, 0, 1, 2, 3)

    monkeypatch.setattr(situations, "run_situation", run_situation)
    monkeypatch.setattr(situations, "newest_manifest", lambda _: tmp_path)
    monkeypatch.setattr(run, "_persons", lambda _: 5)
    monkeypatch.setattr(run, "_copy_of_project", lambda project, _: project)
    monkeypatch.setattr(run, "_program", lambda *_: pytest.fail("a yardstick or another tool was asked for"))
    settings = replace(Settings.from_environment(), data=tmp_path)
    record = run.run_bench(options_for(pipeline_only=True, times=1), settings, lambda _: None)
    assert months == [
        (situations.FULL_REFRESH, ["2023-01", "2023-02"]),
        (situations.NEW_MONTH, ["2023-01", "2023-02", "2023-03"]),
    ]
    assert [one["name"] for one in record["situations"]] == [name for name, _ in months]
    assert not report.is_whole(record) and "correction" not in record
    # What it has measured stays, where it worked does not.
    assert sorted(path.name for path in (tmp_path / "bench").iterdir()) == [
        "landing-0.001-2", "landing-0.001-2.json", "results",
    ]  # fmt: skip


def test_a_commit_is_marked_where_what_is_measured_differs_from_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    assert run._commit(tmp_path) == ""
    git("init")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text("select 1")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e@e.example", "commit", "-m", "first")
    commit = run._commit(tmp_path)
    assert commit and "dirty" not in commit
    # The pages that an earlier run has written are not measured.
    (tmp_path / "README.md").write_text("text")
    assert run._commit(tmp_path) == commit
    (tmp_path / "models" / "a.sql").write_text("select 2")
    assert run._commit(tmp_path) == f"{commit}-dirty"


def test_what_was_measured_several_times_says_so() -> None:
    record = a_record()
    month = report.situation_of(record, situations.NEW_MONTH)
    said = "Measured 3 times on the same data, work 3.1, 1.0, 0.9 CPU s: this is the one in the middle."
    assert said not in report.page(record)
    month["runs"] = [{"work_cpu": cpu} for cpu in (3.14, 1.0, 0.9)]
    assert f"### One new month\n\n{said}\n\n| Phase |" in report.page(record)
    assert f"one new month:\n{said}\nPhase " in report.for_terminal(record)
    record["floor"]["runs"] = [{"cpu": cpu} for cpu in (4.0, 5.0)]
    assert "\n\nThe floor: measured 2 times on the same data, 4.0, 5.0 CPU s: " in report.page(record)
    month["runs"], record["floor"]["runs"] = month["runs"][:1], []
    assert " times on the same data" not in report.page(record) + report.for_terminal(record)


@pytest.mark.parametrize(("costs", "chosen"), [([3, 1, 2], 2), ([4, 1], 1), ([7], 7), ([5, 1, 9, 3], 3)])
def test_the_floor_in_the_middle_counts(costs: list[int], chosen: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter(costs)

    def program(module: str, *_: object) -> process_tree.Finished:
        assert module == "floor"
        cpu = next(told)
        # Reading alone would choose another one.
        spent = {"reading": {"cpu": 10 - cpu}, "writing": {"cpu": 2 * cpu - 10}}
        return process_tree.Finished(json.dumps(spent), Trace([look(0, 0), look(1, 1)]))

    monkeypatch.setattr(run, "_program", program)
    found = run._floor(Settings.from_environment(), 5, Path("floor"), len(costs))
    assert found["reading"]["cpu"] == 10 - chosen and [one["cpu"] for one in found["runs"]] == costs


@pytest.mark.parametrize("situation", [situations.NEW_MONTH, situations.CORRECTION])
def test_the_run_in_the_middle_counts_and_each_begins_with_the_same_data(
    situation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = replace(Settings.from_environment(), landing=tmp_path / "landing", data=tmp_path / "data")
    place.data.mkdir()
    (place.data / "warehouse").write_text("before")
    costs = iter((5.0, 1.0, 2.0))

    def run_situation(name: str, settings: Settings) -> situations.Situation:
        assert [(path.name, path.read_text()) for path in settings.data.iterdir()] == [("warehouse", "before")]
        (settings.data / "warehouse").write_text("after")
        (settings.data / "release").write_text("new")
        cpu = next(costs)
        # What the tools take for themselves doesn't choose.
        spent = [Phase(phases.DAGSTER, cpu=100 / cpu), Phase(phases.LOAD, cpu=cpu)]
        return situations.Situation(name, spent, 9.0, cpu + 100 / cpu, 1e9, 0, 0, 0, 0, 1, 2, 3)

    monkeypatch.setattr(situations, "run_situation", run_situation)
    chosen = run._several_times(situation, place, tmp_path / "before", 3, lambda _: None)
    assert chosen["name"] == situation
    assert chosen["phases"][1]["cpu"] == 2.0 and [one["work_cpu"] for one in chosen["runs"]] == [5.0, 1.0, 2.0]
    # The last run's data stay, and nothing else.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    assert (place.data / "warehouse").read_text() == "after"


def test_a_plot_leaves_out_the_situations_that_a_record_was_not_made_for(tmp_path: Path) -> None:
    record = a_record(14)
    record["situations"] = [one for one in record["situations"] if one["name"] != situations.CORRECTION]
    drawn = plots.write_plots([record], tmp_path)[0].read_text()
    assert situations.NEW_MONTH in drawn and situations.CORRECTION not in drawn


def test_a_readme_without_a_place_for_the_section_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        report.with_section("# Name\n", report.README_START)


def test_memory_of_this_process_is_its_own() -> None:
    assert process_tree.memory_of_machine() > 1 << 28
