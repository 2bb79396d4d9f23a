"""A dbt that waits answers as a dbt that is started, and is gone with the pipeline that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from orchestration.lib.dbt_manifest import PARTIAL_PARSE, set_up_folder
from orchestration.lib.dbt_waiting import WAITING, waiting_dbt
from orchestration.lib.settings import PROJECT_ROOT

PARSED_FILE = set_up_folder(PROJECT_ROOT) / PARTIAL_PARSE


def dbt(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.lib.dbt_waiting", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def waiting_of(starter: int) -> psutil.Process:
    """The dbt that waits for that process; Linux shows a program's arguments a moment after it has started."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(starter).children():
            if "--wait" in child.cmdline():
                return child
        time.sleep(0.01)
    raise AssertionError("no dbt waits")


@pytest.fixture(autouse=True)
def parsed() -> None:
    if not PARSED_FILE.is_file():
        pytest.fail("the project is not parsed: run `make setup`")


def test_the_one_that_waits_writes_where_the_caller_writes_and_gives_its_status() -> None:
    alone = dbt("--version")
    with waiting_dbt(PARSED_FILE):
        address = Path(os.environ[WAITING])
        waiting = waiting_of(os.getpid())
        asked = dbt("--version")
        waiting.wait(timeout=60)  # served once, and ended
        assert not address.parent.exists()  # at once: a pipeline that is killed from here on removes nothing
    assert (asked.returncode, asked.stdout) == (0, alone.stdout) and "1.11" in asked.stdout
    assert WAITING not in os.environ and not address.parent.exists()


def test_a_failing_dbt_fails() -> None:
    with waiting_dbt(PARSED_FILE):
        asked = dbt("no-such-command")
    assert asked.returncode == 2 and "no-such-command" in asked.stderr


def test_without_one_that_waits_dbt_starts_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(WAITING, str(tmp_path / "gone"))
    asked = dbt("--version")
    assert asked.returncode == 0 and "1.11" in asked.stdout


def test_where_no_socket_can_be_made_none_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with waiting_dbt(PARSED_FILE):
        assert WAITING not in os.environ


_STARTER = """
    import os, sys, time
    from pathlib import Path
    from orchestration.lib.dbt_waiting import WAITING, waiting_dbt
    with waiting_dbt(Path(sys.argv[1])):
        print(os.environ[WAITING], flush=True)
        time.sleep(600)
"""


def test_it_ends_with_a_killed_pipeline_and_leaves_no_folder() -> None:
    pipeline = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_STARTER), str(PARSED_FILE)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert pipeline.stdout is not None
    folder = Path(pipeline.stdout.readline().strip()).parent
    assert folder.is_dir()
    waiting = waiting_of(pipeline.pid)
    pipeline.send_signal(signal.SIGKILL)
    pipeline.wait()
    until = time.monotonic() + 60
    while waiting.is_running() and waiting.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "dbt waits on, though the pipeline is gone"
        time.sleep(0.05)
    assert not folder.exists()


@pytest.mark.parametrize("is_hidden", [True, False])
def test_arrow_and_duckdb_do_without_pandas_where_it_is_hidden(is_hidden: bool) -> None:
    """As the models in Python do: rows as NumPy arrays, the result an Arrow table that DuckDB reads."""
    code = f"""
import sys
from orchestration.lib import dbt_waiting
if {is_hidden}:
    sys.meta_path.insert(0, dbt_waiting._NoPandas())
import duckdb, pyarrow as pa
rows = duckdb.sql("select 'a' as code, 1.5 as value").fetchnumpy()
result = pa.table({{"code": pa.array(list(rows["code"])), "value": pa.array(rows["value"])}})
connection = duckdb.connect()
connection.register("result", result)
print(connection.execute("select code, value::double from result").fetchall(), "pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[('a', 1.5)] {not is_hidden}"
