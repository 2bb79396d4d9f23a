"""What changed between two releases is listed with its cause, and only what both releases show is compared."""

from __future__ import annotations

import datetime as dt
import io
import tarfile
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.operations import revisions
from orchestration.lib.release import writer
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.release_fixture import build

FIRST = {"period": "2023-01", "delivery": 1, "status": "accepted", "hash": "a", "path": "2023-01/delivery-001"}
SECOND = {"period": "2023-02", "delivery": 1, "status": "accepted", "hash": "b", "path": "2023-02/delivery-001"}
CORRECTION = {"period": "2023-02", "delivery": 2, "status": "accepted", "hash": "c", "path": "2023-02/delivery-002"}
_FILES = (
    "models/b.py",
    "orchestration/lib/category.py",
    "orchestration/lib/statistics/__init__.py",
    "orchestration/lib/statistics/normal.py",
    "orchestration/lib/loading.py",
    "orchestration/lib/reading.py",
    "orchestration/lib/operations/doctor.py",
)
AT = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)


def publish(warehouse: Path, releases: Path, day: int, deliveries: list[dict], previous: Path | None = None) -> Path:
    created = AT + dt.timedelta(days=day)
    facts = writer.ReleaseFacts(created, f"b{day}", "ab" * 32, "k", deliveries=deliveries)
    identifier = writer.release_identifier(created, f"{day:08d}")
    return writer.write_release(warehouse, releases, release_id=identifier, facts=facts, previous=previous)


def rows(release: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, Path]:
    """Three releases: first figures, a corrected February, and nothing new; the warehouse is that of the last two."""
    folder = tmp_path_factory.mktemp("revisions")
    before = build(folder / "before.duckdb", months=2, persons=6000, municipalities=5)
    after = build(folder / "after.duckdb", months=2, persons=6000, municipalities=5, change=1)
    releases = folder / "releases"
    one = publish(before.path, releases, 1, [FIRST, SECOND])
    two = publish(after.path, releases, 2, [FIRST, SECOND | {"status": "superseded"}, CORRECTION], one)
    three = publish(after.path, releases, 3, [FIRST, SECOND | {"status": "superseded"}, CORRECTION], two)
    return one, two, three, after.path


@pytest.mark.slow
def test_a_first_release_has_no_revisions(chain: tuple[Path, Path, Path, Path]) -> None:
    assert rows(chain[0], "select count(*) from rpt_revisions") == [(0,)]


@pytest.mark.slow
def test_every_changed_figure_and_no_other_is_listed(chain: tuple[Path, Path, Path, Path]) -> None:
    one, two, _, _ = chain
    listed = rows(
        two, "select key, old_value, new_value from rpt_revisions where table_name = 'rpt_focus_goals' "
        "and column_name = 'passive_count' order by key"
    )  # fmt: skip
    with duckdb.connect() as con:
        con.execute(f"attach '{one / 'release.duckdb'}' as one (read_only)")
        con.execute(f"attach '{two / 'release.duckdb'}' as two (read_only)")
        expected = con.execute(
            """
            select
                'month=' || month || ', municipality_code=' || municipality_code
                || ', benefit_group_code=' || benefit_group_code as key,
                one.passive_count::varchar,
                two.passive_count::varchar
            from one.rpt_focus_goals as one
            inner join two.rpt_focus_goals as two using (month, municipality_code, benefit_group_code)
            where one.passive_count is not null and one.passive_count is distinct from two.passive_count
                and not (two.is_suppressed and two.passive_count is null)
            order by key
            """
        ).fetchall()
    assert listed == expected and len(expected) > 20


@pytest.mark.slow
def test_the_delivery_of_the_month_is_the_cause(chain: tuple[Path, Path, Path, Path]) -> None:
    found = rows(chain[1], "select cause, delivery, count(*) from rpt_revisions group by all")
    assert [row[:2] for row in found] == [("correction", "2023-02/delivery-002")]
    assert rows(chain[1], "select count(*) from rpt_revisions where key like 'month=2023-01-01%'") == [(0,)]


@pytest.mark.slow
def test_hidden_figures_are_never_told(chain: tuple[Path, Path, Path, Path]) -> None:
    """A figure hidden in either release must not stand in the list with a value."""
    one, two, _, _ = chain
    told = rows(
        two, "select count(*) from rpt_revisions as r inner join rpt_focus_goals as f on r.key = 'month=' || f.month "
        "|| ', municipality_code=' || f.municipality_code || ', benefit_group_code=' || f.benefit_group_code "
        "where r.table_name = 'rpt_focus_goals' and r.column_name = 'passive_count' and r.new_value is not null "
        "and f.passive_count is null"
    )  # fmt: skip
    assert told == [(0,)]
    hidden = rows(one, "select count(*) from rpt_focus_goals where is_suppressed")[0][0]
    assert hidden > 0 and rows(two, "select count(*) from rpt_revisions where old_value is null") == [(0,)]


@pytest.mark.slow
def test_earlier_revisions_are_taken_over_and_keep_their_release(chain: tuple[Path, Path, Path, Path]) -> None:
    _, two, three, _ = chain
    everything = "select * from rpt_revisions order by all"
    assert rows(two, everything) == rows(three, everything)
    assert rows(three, "select distinct release_id from rpt_revisions") == [(two.name,)]


def test_what_a_rule_asks_for_is_no_figure_that_changed(tmp_path: Path) -> None:
    """A month to come had a row for what is not yet due; the next delivery makes another number of it, or none."""
    table = "rpt_conversation_timeliness"
    (tmp_path / "one").mkdir()
    rows_of = {"previous": (("3", 5, 14, "day"), ("4", 7, 3, "month")), "release": (("3", 6, 21, "day"),)}
    with duckdb.connect() as con:
        con.execute(f"attach '{tmp_path / 'one' / 'release.duckdb'}' as previous; attach ':memory:' as release")
        for catalog, content in rows_of.items():
            values = ", ".join(
                f"(date '2025-08-01', '0101', 'dagpengemodtagere', {number}, {count}, 1, {offset}, '{unit}', false)"
                for number, count, offset, unit in content
            )
            con.execute(
                f"create table {catalog}.main.{table} as from (values {values}) as rows (month, municipality_code, "
                "target_group_code, sequence_number, not_yet_due_count, required_count, offset_value, offset_unit, "
                "is_suppressed)"
            )
        (tmp_path / "one" / "manifest.json").write_text('{"deliveries": []}')
        revisions.write_revisions(con, "r2", [table], [FIRST], tmp_path / "one", None)
        listed = con.execute("select column_name, old_value, new_value from release.main.rpt_revisions").fetchall()
    assert sorted(listed, key=str) == [("not_yet_due_count", "5", "6"), ("not_yet_due_count", "7", None)]


def test_a_rank_without_a_source_of_its_level_has_the_delivery_as_its_cause(tmp_path: Path) -> None:
    table = "rpt_rank_uncertainty"
    with duckdb.connect() as con:
        con.execute(f"attach '{tmp_path / 'release.duckdb'}' as previous; attach ':memory:' as release")
        for catalog, rank in (("previous", 3), ("release", 4)):
            con.execute(
                f"create table {catalog}.main.{table} as select '2023QMAT04' as period_code, '0101' as "
                f"municipality_code, 'passive_share' as measure_id, null::varchar as expected_source, {rank} as rank, "
                "false as is_suppressed"
            )
        (tmp_path / "manifest.json").write_text('{"deliveries": []}')
        revisions.write_revisions(con, "r2", [table], [FIRST], tmp_path, None)
        listed = con.execute("select column_name, cause, delivery from release.main.rpt_revisions").fetchall()
    assert listed == [("rank", "late_delivery", "2023-01/delivery-001")]


def test_a_late_month_is_no_correction() -> None:
    arrivals = revisions.new_arrivals([FIRST, SECOND], [FIRST])
    assert [(one.name, one.cause) for one in arrivals] == [("2023-02/delivery-001", "late_delivery")]
    rejected = CORRECTION | {"status": "rejected"}
    assert revisions.new_arrivals([FIRST, SECOND, rejected], [FIRST, SECOND]) == []


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ("seeds/rules/rule_parameters.csv", "rule"),
        ("models/a.sql", "method"),
        ("models/b.py", "method"),
        ("macros/c.sql", "method"),
        ("dbt_project.yml", "method"),
        ("orchestration/lib/category.py", "method"),
        ("orchestration/lib/statistics/normal.py", "method"),
        ("orchestration/lib/statistics/__init__.py", "method"),
        ("orchestration/lib/loading.py", "method"),
        ("orchestration/lib/reading.py", "method"),
        ("orchestration/lib/operations/doctor.py", None),
        ("orchestration/lib/official/fetching.py", None),
        ("orchestration/site/build.py", None),
        ("README.md", None),
    ],
)
def test_what_changed_in_the_project_says_rule_or_method(tmp_path: Path, changed: str, cause: str | None) -> None:
    """Of the code only what the load and the models in Python import decides figures."""
    texts = {
        "models/b.py": "def model(dbt, session):\n    from orchestration.lib.category import f\n",
        "orchestration/lib/category.py": "from orchestration.lib.statistics import normal\n",
        "orchestration/lib/loading.py": "import orchestration.lib.reading\n",
        "orchestration/lib/operations/doctor.py": "from orchestration.lib import loading\n",
    }

    def copy(name: str, addition: str) -> Path:
        files = {file: texts.get(file, "1\n") for file in (*_FILES, changed)}
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            for file, text in files.items():
                content = (text + (addition if file == changed else "")).encode()
                entry = tarfile.TarInfo(file)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return tmp_path / f"{name}.tar"

    before, after = copy("before", ""), copy("after", "2\n")
    assert revisions.project_cause(before, after) == cause
    assert revisions.project_cause(before, before) is None


def test_the_modules_that_decide_figures_are_found_in_this_project() -> None:
    files = {
        path.relative_to(PROJECT_ROOT).as_posix(): path.read_bytes()
        for folder in ("models", "orchestration")
        for path in (PROJECT_ROOT / folder).rglob("*.py")
    }
    found = {name.removeprefix("orchestration/lib/") for name in revisions.modules_of_figures(files)}
    assert {"loading.py", "reading.py", "pseudonyms.py", "benefit_level.py", "statistics/least_squares.py"} <= found
    assert not [name for name in found if name.startswith(("operations/", "release/", "disclosure/", "site/"))]
    assert found.isdisjoint({"official/fetching.py", "publishing.py", "explanation.py", "scenario.py"})
