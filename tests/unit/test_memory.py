"""Large blocks that are free go back to the system, in a process that asks for it and in those that it starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestration.lib.settings import PROJECT_ROOT

# Freed below a block that stays, a large block remains on glibc's pile once it has learnt that such sizes come back.
_CODE = """
import ctypes, sys
from orchestration.lib import memory
if sys.argv[1] == "yes":
    memory.give_back_large_blocks()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
SIZE, NUMBER = 256 * 1024, 400
libc.free(libc.malloc(30 * 1024 * 1024))  # from which glibc learns
blocks = [libc.malloc(SIZE) for _ in range(NUMBER)]
for block in blocks:
    ctypes.memset(block, 1, SIZE)
held = libc.malloc(1000)
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
for block in blocks:
    libc.free(block)
print((before - resident()) > SIZE * NUMBER * 0.9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc is Linux's")
@pytest.mark.parametrize("asked", ["yes", "no"])
def test_a_free_large_block_is_given_back_where_asked(asked: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE, asked], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(asked == "yes")]


def test_programs_started_from_then_on_do_the_same() -> None:
    code = """
import os, subprocess, sys
from orchestration.lib import memory
memory.give_back_large_blocks()
subprocess.run([sys.executable, "-c", "import os; print(os.environ['MALLOC_MMAP_THRESHOLD_'])"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["131072"]


# What DuckDB frees stays with its allocator for a while, unless told otherwise.
_DUCKDB = """
import duckdb
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
connection = duckdb.connect(":memory:", config={"threads": 1})
connection.execute("create table rows as select range as number, hash(range) as other from range(5_000_000)")
before = resident()
connection.execute("drop table rows")
print(before - resident() > 60_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="DuckDB has an allocator of its own on Linux only")
@pytest.mark.parametrize("asked", ["yes", "no"])
def test_duckdb_gives_free_pages_back_in_programs_started_from_then_on(asked: str) -> None:
    code = f"""
import subprocess, sys
from orchestration.lib import memory
if sys.argv[1] == "yes":
    memory.give_back_large_blocks()
subprocess.run([sys.executable, "-c", {_DUCKDB!r}], check=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, asked], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(asked == "yes")]
