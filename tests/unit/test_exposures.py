"""What the exposures name is what is read."""

from __future__ import annotations

import re

import yaml

from orchestration.expectations.release import RELEASED_TABLES
from orchestration.lib.settings import PROJECT_ROOT

# Made by the release itself, from two releases: there is no model to depend on.
WITHOUT_MODEL = {"rpt_revisions"}


def test_the_exposure_of_the_web_site_names_the_tables_that_it_reads() -> None:
    exposures = yaml.safe_load((PROJECT_ROOT / "models" / "exposures.yml").read_text("utf-8"))["exposures"]
    named = {one["name"]: re.findall(r"ref\('(\w+)'\)", " ".join(one["depends_on"])) for one in exposures}
    code = "\n".join(path.read_text("utf-8") for path in (PROJECT_ROOT / "orchestration" / "site").rglob("*.py"))
    read = set(re.findall(r"\b(?:rpt|dim)_\w+", code)) & set(RELEASED_TABLES) - WITHOUT_MODEL
    assert len(read) > 10
    assert sorted(named["release_web_site"]) == sorted(read)
