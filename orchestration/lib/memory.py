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
    loaded. Elsewhere than on Linux with glibc this does nothing.
    """
    # Read by glibc when a process starts.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(_LARGE_BYTES)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
