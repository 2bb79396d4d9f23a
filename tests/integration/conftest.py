"""One undisturbed pipeline for all tests that need a whole one: it takes a minute or more."""

from __future__ import annotations

import pytest

from tests.support.undisturbed import Undisturbed, run_undisturbed


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Three tiny months with planted numbers, loaded, built, checked and published; copy it before changing it."""
    return run_undisturbed(tmp_path_factory.mktemp("undisturbed"))
