"""Python's search for circles of objects that nothing else refers to.

By default it looks after 700 new objects, and now and then through all: a third of the time in which Dagster, dbt and
Great Expectations are imported, for next to nothing in processes that end after minutes.
"""

from __future__ import annotations

import gc

# New objects before a look at them; such looks before one at the survivors; and of those before one at all.
_SELDOM = (50_000, 10, 10)


def search_seldom() -> None:
    """Look after 50,000 new objects."""
    gc.set_threshold(*_SELDOM)


def keep_what_is_here() -> None:
    """Leave what exists now out of every later search: for a process that has imported all that it needs."""
    gc.collect()
    gc.freeze()
