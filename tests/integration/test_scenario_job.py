"""The scenario as a Dagster job: the command's answer as metadata, a typed config, and nothing written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.commands import scenario as command
from orchestration.defs.scenario.jobs import scenario

PERIOD = "2024QMAT04"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current release with the three tables that a scenario reads: one municipality over the line by 0.1."""
    folder = tmp_path / "data" / "releases" / "20260101T000000Z-test"
    folder.mkdir(parents=True)
    (folder.parent / "current").symlink_to(folder.name)
    with duckdb.connect(str(folder / "release.duckdb")) as connection:
        connection.execute(f"""
            create table dim_rules as
                select 'category_decision' as rule_code, r || '/' || o || '/' || c as rule_key,
                    date '1900-01-01' as valid_from_date,
                    case when r = 'met' and o = 'met' and c = 'met' then 1 when o = 'met' and c = 'met' then 2
                        when r = 'met' then 3 else 4 end as value
                from (values ('met'), ('not_met')) as a (r), (values ('met'), ('not_met')) as b (o),
                    (values ('met'), ('not_met')) as d (c);
            alter table dim_rules add column valid_to_date date default date '9999-12-31';
            insert into dim_rules values ('comparison_decimals', 'all', date '1900-01-01', 9, date '9999-12-31');
            create table dim_municipalities as
                select '0450' as municipality_code, 'Nyborg' as municipality_name, true as is_current;
            create table rpt_category_assignments as
                select 'official' as scenario_code, '{PERIOD}' as period_code, '0450' as municipality_code,
                    4 as municipality_category, 'I risiko for skærpet tilsyn' as category_name_da,
                    0.1::double as difference_percentage_points, 0.0::double as result_margin,
                    35.0::double as passive_percentage, 30.0::double as passive_limit_percentage,
                    10.0::double as few_conversations_percentage, 20.0::double as few_conversations_limit_percentage,
                    false as is_suppressed;
        """)
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("JOBCENTER_LANDING", str(tmp_path / "landing"))
    return folder / "release.duckdb"


def run(**config: object) -> dg.ExecuteInProcessResult:
    return scenario.execute_in_process(run_config={"ops": {"compare_with_official": {"config": config}}})


def test_the_job_answers_as_the_command_does_and_writes_nothing(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = hashlib.sha256(release.read_bytes()).digest()
    result = run(margin=0.15)
    assert result.success
    assert result.output_for_node("compare_with_official") == 1
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    metadata = output.step_output_data.metadata
    assert metadata["changes of category"].value == 1
    assert metadata["release"].value == "20260101T000000Z-test"
    row = f"| {PERIOD} | Nyborg | 4 → 3 | 0.100 | 35.00 | 10.00 | result: not met → met |"
    assert row in str(metadata["comparison"].value)
    assert command.main(["--margin", "0.15"]) == 0
    said = capsys.readouterr().out
    assert "1 changes of category" in said and "result: not met → met" in said
    assert list(release.parent.iterdir()) == [release]
    assert hashlib.sha256(release.read_bytes()).digest() == before
    assert not (release.parents[2] / "warehouse.duckdb").exists()


def test_the_official_rules_change_nobody(release: Path) -> None:
    assert run().output_for_node("compare_with_official") == 0


@pytest.mark.parametrize("config", [{"margin": -0.1}, {"passive_limit": 130}, {"margn": 0.2}, {"margin": "much"}])
def test_the_config_is_typed(release: Path, config: dict[str, object]) -> None:
    with pytest.raises((dg.DagsterInvalidConfigError, ValueError)):
        run(**config)


def test_without_a_release_or_its_period_the_run_says_what_there_is(release: Path) -> None:
    with pytest.raises(dg.Failure, match=f"No official categories for 2019QMAT04 .* it has {PERIOD}"):
        run(period_code="2019QMAT04")
    release.unlink()
    with pytest.raises(dg.Failure, match="There is no release"):
        run()
