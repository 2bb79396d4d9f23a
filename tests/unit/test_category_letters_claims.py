"""Every query of docs/letters_claims.md runs on tables of a release's shape: a renamed column breaks this test."""

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.support import pages

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (
    pages.LETTERS_CLAIMS,
    PROJECT / "models" / "marts" / "measures" / "benefit_levels.md",
)


def _queries() -> list[tuple[str, str]]:
    return [
        (f"{page.stem}-{number}", query) for page in PAGES for number, query in enumerate(pages.queries(page), start=1)
    ]


@pytest.fixture(scope="module")
def release() -> duckdb.DuckDBPyConnection:
    """Empty tables with the columns and types of the contracts of models/marts/release."""
    connection = duckdb.connect()
    for file in sorted((PROJECT / "models" / "marts" / "release").glob("_*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            columns = [f'"{column["name"]}" {column["data_type"]}' for column in model["columns"]]
            connection.execute(f"create table {model['name']} ({', '.join(columns)}, is_suppressed boolean)")
    return connection


def test_the_page_holds_a_query_for_every_claim() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    claims = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(claims) >= 10
    assert [claim.splitlines()[0] for claim in claims if "```sql" not in claim] == []


@pytest.mark.parametrize("source", ["real table", "sample"])
def test_every_claim_says_what_the_sample_and_the_real_table_say(source: str) -> None:
    claims = re.split(r"^## ", PAGES[0].read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [claim.splitlines()[0] for claim in claims if source not in claim.lower()] == []


@pytest.mark.parametrize(("name", "query"), _queries(), ids=[name for name, _ in _queries()])
def test_a_query_of_the_page_runs_on_a_release(release: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    tables = {row[0] for row in release.execute("select table_name from duckdb_tables()").fetchall()}
    assert set(re.findall(r"rpt_\w+", query)) <= tables
    release.execute(query).fetchall()
