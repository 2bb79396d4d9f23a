"""Commands search for circles of objects seldom, and those that wait leave their imports out of the search."""

from __future__ import annotations

import subprocess
import sys

from orchestration.lib.settings import PROJECT_ROOT


def told(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_command_searches_seldom_before_it_imports_anything() -> None:
    assert told("import gc, orchestration.commands; print(*gc.get_threshold())") == ["50000", "10", "10"]


def test_what_was_there_is_left_out_and_later_circles_are_found() -> None:
    code = """
import gc, weakref
from orchestration.lib import garbage
class Circle:
    def __init__(self):
        self.itself = self
before = Circle()
garbage.keep_what_is_here()
seen = weakref.ref(Circle())
print(any(one is before for one in gc.get_objects()), gc.get_freeze_count() > 1000, seen() is None)
gc.collect()
print(seen() is None)
"""
    assert told(code) == ["False", "True", "False", "True"]
