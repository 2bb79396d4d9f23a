"""Imports that later steps need, done beside a step that is mostly DuckDB's work."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.lib import garbage

# What takes seconds to import: the release's formats, the site's charts. (Great Expectations is for the workers of the
# checks.)
_LATER = ("orchestration.lib.release.writer", "orchestration.site.build")


@contextmanager
def ahead() -> Iterator[None]:
    """Import what release and site need while the block runs."""
    thread = threading.Thread(target=lambda: [importlib.import_module(name) for name in _LATER], name="imports")
    thread.start()
    try:
        yield
    finally:
        thread.join()
        # Where there are no workers, Great Expectations needs a whole search after each layer, for what still holds the
        # warehouse open.
        garbage.keep_what_is_here()
