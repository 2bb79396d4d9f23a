"""The runner, the Data Docs and the stored results, on one small table."""

import html
import re
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from orchestration.expectations.results import (
    NOT_CHECKED,
    ChecksFailed,
    ExpectationResult,
    require_passed,
    store_results,
)
from orchestration.expectations.runner import run_suites
from orchestration.expectations.suites import (
    Check,
    Layer,
    Severity,
    Suite,
    between,
    holds,
    in_set,
    months_filter,
    not_null,
)
from orchestration.lib.warehouse import WarehouseBroken

PERSON_KEY = 17446744073709551615
LINK = re.compile(r"""(?:src|href|url|@import|fetch)\s*[=(:]?\s*["'(]?\s*((?:https?:)?//[^"')\s>]*)""")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One table with a row that is right and one that is wrong."""
    path = tmp_path / "small.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            "create table spells as select * from"
            f" (values ({PERSON_KEY}::ubigint, 0.5), (5::ubigint, 1.5)) as spells (person_key, share)"
        )
    return path


def small_suite(layer: Layer = "staging") -> Suite:
    """A suite with one failing error and one failing warning."""
    return Suite(
        name=f"{layer}_spells",
        layer=layer,
        table="spells",
        checks=(
            between("share", "A share lies between 0 and 1.", 0, 1),
            not_null("person_key", "Everybody has a key."),
            holds("key_is_small", "person_key < 10", "Keys are small.", ("person_key",), "warn"),
        ),
    )


def test_results_say_what_was_found_and_leave_no_lock(database: Path) -> None:
    results = run_suites(database, [small_suite()], build_id="b1")
    assert [(result.expectation, result.success, result.unexpected_count) for result in results] == [
        ("share_is_in_range", False, 1),
        ("person_key_is_not_null", True, 0),
        ("key_is_small", False, 1),
    ]
    assert results[0].observed == "1 of 2 rows break it"
    assert (results[0].table, results[0].column, results[0].severity) == ("spells", "share", "error")
    assert results[2].severity == "warn"
    assert str(PERSON_KEY) not in repr(results)
    with duckdb.connect(str(database)) as con:
        con.execute("insert into spells values (1, 0.1)")


def test_what_cannot_be_checked_has_failed(database: Path, tmp_path: Path) -> None:
    missing = Suite("marts_none", "marts", "none_such", (not_null("a", "A."),))
    wrong = Suite("marts_wrong", "marts", "spells", (holds("b", "no_such_column > 1", "B."),))
    results = run_suites(database, [missing, wrong], build_id="b1", data_docs=tmp_path / "docs")
    assert [result.success for result in results] == [False, False]
    assert all(result.observed.startswith(NOT_CHECKED) for result in results)
    assert "none_such does not exist" in results[0].observed
    page = (tmp_path / "docs" / "marts" / "b1" / "marts_none.html").read_text(encoding="utf-8")
    assert "Traceback" not in page and "none_such does not exist" in page
    with pytest.raises(FileNotFoundError, match=r"nothing\.duckdb: there is no such database"):
        run_suites(tmp_path / "nothing.duckdb", [missing], build_id="b1")


@pytest.mark.parametrize("number", ["0101801234", "010180-1234", "010180 1234"])
def test_a_message_about_a_value_shows_no_number_of_a_person(database: Path, number: str) -> None:
    suite = Suite(
        "raw_s", "raw", "spells", (holds("c", f"cast(if(share > 0, '{number} ?', '1') as date) is null", "C."),)
    )
    (result,) = run_suites(database, [suite], build_id="b1")
    assert result.observed.startswith(NOT_CHECKED)
    assert "<ten digits>" in result.observed and number not in result.observed


def test_a_summary_is_worked_out_once_and_what_cannot_be_has_failed(database: Path) -> None:
    asked: list[str] = []

    def note(*call: object) -> None:
        asked.append(str(call[2]))

    def check_summary(table: str, is_summary: bool) -> tuple[list[ExpectationResult], int]:
        source = f"select count(*) as spell_count from {table}"
        checks = (holds("some", "spell_count > 0", "S."), holds("many", "spell_count > 2", "M."))
        asked.clear()
        results = run_suites(database, [Suite("s", "staging", table, checks, source, is_summary)], build_id="b1")
        return results, sum(source in statement for statement in asked)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        results, times = check_summary("spells", True)
        assert ([result.success for result in results], times) == ([True, False], 1)
        results, times = check_summary("spells", False)
        assert [result.success for result in results] == [True, False]
        assert times > 1, "then it needs no temporary table any more"
        results, _ = check_summary("none_such", True)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert [result.success for result in results] == [False, False]
    assert all("none_such does not exist" in result.observed for result in results)


@pytest.mark.parametrize("is_summary", [True, False])
def test_a_damaged_file_is_no_failed_check(tmp_path: Path, is_summary: bool) -> None:
    path = tmp_path / "damaged.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table numbers as select hash(range) as number from range(300000)")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(4000))
    suite = Suite(
        "s", "raw", "numbers", (holds("any", "n > 0", "N."),), "select sum(number) as n from numbers", is_summary
    )
    with pytest.raises(WarehouseBroken, match="checksum"):
        run_suites(path, [suite], build_id="b1")


def test_a_list_takes_any_text_and_numbers(database: Path) -> None:
    with duckdb.connect(str(database)) as con:
        con.execute(
            "create table words as from (values ('it''s', 1), ('else', 2), (null, null)) as words (word, number)"
        )
    suite = Suite("raw_words", "raw", "words", (in_set("word", ["it's"], "W."), in_set("number", (1, 2), "N.")))
    assert [(one.success, one.unexpected_count) for one in run_suites(database, [suite], build_id="b1")] == [
        (False, 1), (True, 0),
    ]  # fmt: skip


def test_a_failed_check_says_what_to_do_and_how_to_find_its_rows(database: Path, tmp_path: Path) -> None:
    checks = (holds("small", "share < 0.5", "S."), not_null("share", "N."), between("share", "B.", maximum=0.1))
    suite = Suite("marts_shares", "marts", "spells", checks)
    run_suites(database, [suite], build_id="b1", data_docs=tmp_path / "docs")
    page = (tmp_path / "docs" / "marts" / "b1" / "marts_shares.html").read_text(encoding="utf-8")
    assert "What to do:</strong> mend the data or the model" in page
    queries = [html.unescape(query) for query in re.findall(r"<pre>(select \* .*?)</pre>", page)]
    with duckdb.connect(str(database), read_only=True) as con:
        found = [con.execute(query).fetchall() for query in queries]
        assert found == [con.execute(f"from spells where share {above}").fetchall() for above in (">= 0.5", "> 0.1")]
        assert all(found)
        without = suite.breaking_rows(checks[1])
        assert without is not None and con.execute(without).fetchall() == []
    assert suite.breaking_rows(Check("whole", "ExpectTableRowCountToEqual", "W.", arguments={"value": 3})) is None


def test_the_first_rows_that_break_a_check_are_named_and_never_by_a_person(database: Path) -> None:
    with duckdb.connect(str(database)) as con:
        con.execute("create table days as select date '2024-01-01' + to_months(range::integer) as month from range(7)")
        con.execute("insert into days values (null)")
    checks = (holds("never", "false", "N."), holds("late", "month <= date '2024-05-01'", "L."))
    suites = [
        Suite("s", "marts", "days", checks, named_by=("month",)),
        Suite("unknown", "marts", "days", checks[:1], named_by=("gone",)),
    ]
    assert [result.observed for result in run_suites(database, suites, build_id="b1")] == [
        "8 of 8 rows break it: 2024-01; 2024-02; 2024-03; 2024-04; 2024-05; …",
        "2 of 8 rows break it: 2024-06; 2024-07",
        "8 of 8 rows break it",
    ]
    with pytest.raises(ValueError, match="suite s: person_key names persons"):
        Suite("s", "marts", "days", checks, named_by=("month", "person_key"))


def test_data_docs_need_no_network_show_no_person_and_keep_the_last(database: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for build in ("build 1", "build 2", "build 3"):
        run_suites(database, [small_suite()], build_id=build, data_docs=docs, keep_validations=2)
    run_suites(database, [small_suite("raw")], build_id="build 1", data_docs=docs, keep_validations=2)
    assert sorted(path.name for path in (docs / "staging").iterdir()) == ["build-2", "build-3"]
    pages = list(docs.rglob("*.html"))
    assert len(pages) == 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert LINK.findall(text) == []
        assert str(PERSON_KEY) not in text
        # Links lead to pages that exist.
        for target in re.findall(r'href="([^"#]+)"', text):
            assert (page.parent / target).is_file(), (page, target)
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert "staging/build-3/staging_spells.html" in index and "raw/build-1/raw_spells.html" in index
    assert "A share lies between 0 and 1." in index
    newest = (docs / "staging" / "build-3" / "staging_spells.html").read_text(encoding="utf-8")
    assert "1 of 2 rows break it" in newest and "✕ failed" in newest and "! warned" in newest
    with pytest.raises(ValueError, match="keep must be at least 1"):
        run_suites(database, [small_suite()], build_id="b", data_docs=docs, keep_validations=0)


def test_the_network_pattern_finds_what_great_expectations_would_link() -> None:
    assert LINK.findall('<link rel="stylesheet" href="https://unpkg.com/a.css">') == ["https://unpkg.com/a.css"]
    assert LINK.findall("background: url('https://a.amazonaws.com/logo.png')") == ["https://a.amazonaws.com/logo.png"]


def result(
    layer: Layer, success: bool, severity: Severity = "error", name: str = "share_is_in_range"
) -> ExpectationResult:
    """A result of a check on marts.fct_x."""
    return ExpectationResult(
        suite=f"{layer}_x",
        layer=layer,
        expectation=name,
        table=f"{layer}.x",
        column="share",
        severity=severity,
        success=success,
        observed="3 of 9 rows break it",
        unexpected_count=3,
        meaning="A share lies between 0 and 1.",
        checked_at=datetime(2024, 6, 1, tzinfo=UTC),
    )


def test_stored_results_are_the_latest_of_each_layer() -> None:
    with duckdb.connect() as con:
        store_results(con, [result("raw", False), result("marts", True)], "b1")
        store_results(con, [result("raw", True), result("raw", True, name="other")], "b2")
        query = "select build_id, layer, expectation, success from quality.check_results order by all"
        stored = con.execute(query).fetchall()
        assert stored == [
            ("b1", "marts", "share_is_in_range", True),
            ("b2", "raw", "other", True),
            ("b2", "raw", "share_is_in_range", True),
        ]
        store_results(con, [], "b3")
        assert con.execute("select count(*) from quality.check_results").fetchone() == (3,)


def test_a_failed_store_keeps_the_earlier_results() -> None:
    with duckdb.connect() as con:
        store_results(con, [result("raw", True)], "b1")
        with pytest.raises(duckdb.Error):
            store_results(con, [result("raw", None)], "b2")  # type: ignore[arg-type]
        assert con.execute("select build_id from quality.check_results").fetchall() == [("b1",)]


def test_only_what_was_checked_and_passed_goes_on() -> None:
    with duckdb.connect() as con:
        with pytest.raises(ChecksFailed, match="layer raw have not been run: run them first"):
            require_passed(con, ["raw"])
        store_results(con, [result("raw", True), result("raw", False, "warn", "band")], "b1")
        require_passed(con, ["raw"])
        require_passed(con, ["raw"], "b1")
        with pytest.raises(ChecksFailed, match="are of build b1, not of b2: run them again"):
            require_passed(con, ["raw"], "b2")
        store_results(con, [result("marts", False), result("marts", False, name="rank_is_in_range")], "b1")
        with pytest.raises(ChecksFailed) as refusal:
            require_passed(con, ["raw", "marts"], "b1", "to publish")
    message = str(refusal.value)
    assert message.startswith("Refused to publish; 2 reason(s):")
    assert "marts: marts_x.share_is_in_range failed on marts.x (share): 3 of 9 rows break it. What to do:" in message
    assert "marts_x.rank_is_in_range" in message and "band" not in message


def test_a_suite_names_its_checks_once_and_reads_its_table_once() -> None:
    query = small_suite().query()
    assert query.count("from") == 1 and "(person_key < 10) is not false as key_is_small" in query
    with pytest.raises(ValueError, match="two checks are named a_is_not_null"):
        Suite("s", "raw", "raw.s", (not_null("a", "A."), not_null("a", "B.")))
    with pytest.raises(ValueError, match="has no checks"):
        Suite("s", "raw", "raw.s", ())


def test_only_the_changed_months_are_read() -> None:
    assert months_filter("_period", None) == ""
    assert months_filter("_period", []) == " where false"
    months = [date(2024, 6, 1), date(2024, 5, 1), date(2024, 6, 1)]
    assert months_filter("_period", months) == " where _period in (date '2024-05-01', date '2024-06-01')"
