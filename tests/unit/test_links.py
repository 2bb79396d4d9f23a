"""What a page of the project points to is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from orchestration.lib.settings import PROJECT_ROOT

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s#]+)(?:#[^)]*)?\)")


def pages() -> list[Path]:
    """Every Markdown file of the project, without what is installed or made."""
    kept = ("README.md", "docs", "models", "seeds", "contracts", "deploy", "tests", "orchestration", "macros")
    found = [PROJECT_ROOT / name for name in kept]
    return [path for one in found for path in ([one] if one.is_file() else sorted(one.rglob("*.md")))]


def missing(page: Path, text: str) -> list[str]:
    """The targets of the page's links that are no file and no folder."""
    return [target for target in _LINK.findall(text) if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT_ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert missing(page, page.read_text("utf-8")) == []


def test_a_link_to_nothing_is_seen() -> None:
    text = "[a](docs/decisions.md) [b](docs/none.md#top) [c](https://example.org/none) ![d](docs/none.svg)"
    assert missing(PROJECT_ROOT / "README.md", text) == ["docs/none.md", "docs/none.svg"]


def test_every_page_of_a_measure_is_named_in_the_readme() -> None:
    text = (PROJECT_ROOT / "README.md").read_text("utf-8")
    models = PROJECT_ROOT / "models"
    # What stands above the folders is the front page of dbt's documentation.
    own = [
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in pages()
        if path.is_relative_to(models) and path.parent != models
    ]
    assert len(own) > 10 and [page for page in own if f"]({page})" not in text] == []


def test_a_key_made_in_the_project_is_never_committed() -> None:
    asked = subprocess.run(
        ["git", "-C", str(PROJECT_ROOT), "check-ignore", "-q", "pseudonym.key"], check=False, capture_output=True
    )
    if asked.returncode == 128:
        pytest.skip("the project stands in no git repository")
    assert asked.returncode == 0
