"""How soon memory that DuckDB and Python no longer need goes back to the system."""

from __future__ import annotations

import ctypes
import os
import sys

# Of glibc's <malloc.h>. DuckDB's blocks have 256 KB.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024


def give_back_large_blocks() -> None:
    """Give large blocks back as soon as they are free, in this process and in those that it starts from now on.

    glibc keeps them for the next one, on a pile that other blocks stop from shrinking: a sixth of what one month's load
    and models hold. To ask the system each time costs some 3 per cent of the time, too much where every month is
    loaded. DuckDB's own allocator keeps free pages for a while; in the processes started from now on it does not (a
    tenth of the time, where there are many months). Elsewhere than on Linux with glibc this does nothing.
    """
    # Read by glibc, and by the jemalloc within DuckDB, when a process starts.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(_LARGE_BYTES)
    os.environ["DUCKDB_JE_MALLOC_CONF"] = "dirty_decay_ms:0,muzzy_decay_ms:0"
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
