"""The queries that a page of the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path

LETTERS_CLAIMS = Path(__file__).resolve().parents[2] / "docs" / "letters_claims.md"


def queries(page: Path) -> list[str]:
    """The SQL blocks of a page, in order."""
    return re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def query_with(page: Path, text: str) -> str:
    """The one query of a page that holds a text."""
    (found,) = [query for query in queries(page) if text in query]
    return found
