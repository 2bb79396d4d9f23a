"""Settings come from the environment, and the restricted folders are closed to others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.settings import PROJECT_ROOT, Settings, SettingsError


@pytest.fixture(autouse=True)
def _same_umask_afterwards() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_defaults_lie_in_the_project() -> None:
    settings = Settings.from_environment({})
    assert settings.landing == PROJECT_ROOT / "landing"
    assert settings.warehouse == PROJECT_ROOT / "data" / "warehouse.duckdb"
    assert (settings.key_file, settings.key_text, settings.memory_limit, settings.threads) == (None, None, "2GB", None)


def test_every_variable_is_read_and_relative_folders_become_absolute() -> None:
    settings = Settings.from_environment(
        {
            "JOBCENTER_LANDING": "some/landing",
            "JOBCENTER_DATA": "/srv/data",
            "JOBCENTER_KEY_FILE": "/srv/key",
            "JOBCENTER_KEY": "secret",
            "JOBCENTER_MEMORY_LIMIT": "1GB",
            "JOBCENTER_THREADS": "4",
        }
    )
    assert settings.landing == Path.cwd() / "some/landing"
    assert settings.ledger == Path("/srv/data/deliveries.jsonl")
    assert settings.key_file == Path("/srv/key")
    assert (settings.key_text, settings.memory_limit, settings.threads) == ("secret", "1GB", 4)


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = Settings.from_environment({"JOBCENTER_DATA": "", "JOBCENTER_KEY": "", "JOBCENTER_KEY_FILE": ""})
    assert settings == Settings.from_environment({})


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_threads_must_be_a_positive_whole_number(text: str) -> None:
    with pytest.raises(SettingsError, match="JOBCENTER_THREADS must be a whole number"):
        Settings.from_environment({"JOBCENTER_THREADS": text})


@pytest.mark.parametrize("text", ["lots", "2", "GB", "0GB", "0.0 GB", "-1GB", "80%", "none", "2GB more"])
def test_the_memory_limit_must_be_an_amount(text: str) -> None:
    with pytest.raises(SettingsError, match="JOBCENTER_MEMORY_LIMIT must be a number above 0 with its unit, such as"):
        Settings.from_environment({"JOBCENTER_MEMORY_LIMIT": text})


@pytest.mark.parametrize("text", ["2GB", "1.5 GB", "512MiB", "900mb", "10GB"])
def test_every_amount_that_is_let_through_is_taken_by_duckdb(text: str) -> None:
    limit = Settings.from_environment({"JOBCENTER_MEMORY_LIMIT": text}).memory_limit
    with duckdb.connect(config={"memory_limit": limit}) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_key_is_not_in_the_representation() -> None:
    assert "secret" not in repr(Settings.from_environment({"JOBCENTER_KEY": "secret"}))


def test_prepare_makes_closed_folders_and_closes_existing_ones(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    settings = Settings(landing=tmp_path / "landing", data=tmp_path / "data").prepare()
    for folder in (settings.data, settings.tmp, settings.logs, settings.dbt, settings.dagster_home, settings.data_docs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    (settings.data / "made later").write_text("x")
    assert stat.S_IMODE((settings.data / "made later").stat().st_mode) == 0o600


def test_prepare_names_the_folder_it_can_not_make(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(SettingsError, match=r"JOBCENTER_DATA: the folder .*/data can't be made"):
        Settings(landing=tmp_path / "landing", data=tmp_path / "data").prepare()
