"""What is hidden, that linked tables agree, and that an earlier release gives nothing away."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.lib.disclosure import control
from orchestration.lib.disclosure.declarations import DECLARATIONS
from orchestration.lib.disclosure.families import FAMILIES, MEASURE_SOURCES
from orchestration.lib.disclosure.linked import hide_linked
from orchestration.lib.disclosure.state import Key, TableState
from orchestration.lib.disclosure.witness import Geography, Variable, protect
from orchestration.lib.release import writer
from orchestration.lib.release.labels import labels
from tests.support.release_fixture import Fixture, build

AT = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
FACTS = writer.ReleaseFacts(created_at=AT, build_id="b1", project_hash="ab" * 32, key_id="k1")


def release_of(fixture: Fixture, folder: Path, number: int = 1, previous: Path | None = None) -> Path:
    identifier = writer.release_identifier(AT + dt.timedelta(days=number), f"{number:08x}")
    return writer.write_release(fixture.path, folder, release_id=identifier, facts=FACTS, previous=previous)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fixture, Path]:
    folder = tmp_path_factory.mktemp("disclosure")
    fixture = build(folder / "w" / "warehouse.duckdb", months=2, persons=20_000, municipalities=30)
    return fixture, release_of(fixture, folder / "releases")


@pytest.fixture()
def both(pair: tuple[Fixture, Path]) -> duckdb.DuckDBPyConnection:
    """The warehouse as `truth` and the release as `shown`."""
    fixture, release = pair
    con = duckdb.connect()
    con.execute(f"attach '{fixture.path}' as truth (read_only)")
    con.execute(f"attach '{release / 'release.duckdb'}' as shown (read_only)")
    return con


def test_the_rule_itself(both: duckdb.DuckDBPyConnection) -> None:
    joined = (
        "from truth.marts.rpt_focus_goals as t join shown.main.rpt_focus_goals as s "
        "using (month, municipality_code, benefit_group_code)"
    )
    # A count of persons of 1 or 2 hides every figure of the row.
    assert both.execute(
        f"select count(*), count(s.person_count), count(s.passive_count), count(s.uncontacted_share), "
        f"count(*) filter (s.is_suppressed) {joined} where t.person_count in (1, 2)"
    ).fetchone() == (
        n := both.execute(f"select count(*) {joined} where t.person_count in (1, 2)").fetchone()[0],
        0,
        0,
        0,
        n,
    )  # type: ignore[index]
    assert n > 5
    # Numerator or complement of 1 or 2 hides numerator and share.
    for condition in ("t.passive_count in (1, 2)", "t.person_count - t.passive_count in (1, 2)"):
        row = both.execute(
            f"select count(*), count(s.passive_count), count(s.passive_share) {joined} where {condition}"
        ).fetchone()
        assert row is not None and row[0] > 5 and row[1:] == (0, 0), condition
    # What is shown is the truth, and is_suppressed says exactly whether something is hidden.
    assert both.execute(
        f"select count(*) {joined} where s.passive_count is not null and s.passive_count <> t.passive_count"
    ).fetchone() == (0,)
    assert both.execute(
        f"select count(*) {joined} where s.is_suppressed <> (t.person_count is distinct from s.person_count "
        "or t.passive_count is distinct from s.passive_count or t.passive_share is distinct from s.passive_share "
        "or t.few_conversations_count is distinct from s.few_conversations_count "
        "or t.few_conversations_share is distinct from s.few_conversations_share "
        "or t.uncontacted_count is distinct from s.uncontacted_count "
        "or t.uncontacted_share is distinct from s.uncontacted_share)"
    ).fetchone() == (0,)
    assert (
        both.execute(f"select count(*) {joined} where s.person_count is not null and t.person_count > 50").fetchone()[0]
        > 20
    )  # type: ignore[index]


def test_no_place_by_a_figure_is_left_open() -> None:
    """A place, or how likely it is, tells between which figures a hidden one lies."""
    of_nobody = {"published_benchmark_rank", "similarity_rank"}
    left = {
        (table, column)
        for table, declaration in DECLARATIONS.items()
        for column in declaration.open
        if ("rank" in column or column.endswith("_probability")) and column not in of_nobody
    }
    assert left == set()
    ranked = {table: tuple(found.ranks) for table, found in DECLARATIONS.items() if found.ranks}
    assert ranked == {"rpt_benefit_levels": ("benchmark_rank",), "rpt_rank_uncertainty": ("rank",)}


@pytest.mark.parametrize("table", sorted({family.table for family in FAMILIES}))
def test_no_count_of_one_or_two_is_shown(both: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = [
        row[0]
        for row in both.execute(
            "select column_name from duckdb_columns() where database_name = 'shown' and table_name = ?", [table]
        ).fetchall()
        if row[0].endswith("_count")
        and row[0] in DECLARATIONS[table].figure_columns
        and row[0] != "average_conversation_count"
    ]
    assert columns
    for column in columns:
        assert both.execute(f"select count(*) from shown.main.{table} where {column} in (1, 2)").fetchone() == (0,), (
            column
        )


@pytest.mark.parametrize("measure", sorted(set(MEASURE_SOURCES) - {"average_spell_days"}))
def test_the_long_table_hides_what_its_source_hides(both: duckdb.DuckDBPyConnection, measure: str) -> None:
    source = MEASURE_SOURCES[measure]
    group = " || ':' || ".join(f"s.{key}::varchar" for key in source.group_keys) or "'all'"
    denominator = f"s.{source.denominator}" if source.denominator else "null"
    counts = both.execute(
        f"select count(*), count(*) filter (m.numerator_count is distinct from s.{source.numerator} "
        f"or m.measure_value is distinct from s.{source.value} or m.denominator_count is distinct from {denominator}) "
        f"from shown.main.rpt_measure_results as m "
        f"join shown.main.{source.table} as s on m.period_start_date = s.month "
        f"and m.municipality_code = s.municipality_code and m.group_code = {group} where m.measure_id = ?",
        [measure],
    ).fetchone()
    assert counts is not None and counts[0] > 50 and counts[1] == 0


def test_hidden_cells_stay_hidden_and_the_second_release_protects_none_with_what_was_shown(tmp_path: Path) -> None:
    """The newest month is revised: no cell that is hidden now may have been shown before with the same value."""
    folder = tmp_path / "releases"
    first = build(tmp_path / "a" / "warehouse.duckdb", months=2, persons=20_000, municipalities=30)
    one = release_of(first, folder)
    second = build(tmp_path / "b" / "warehouse.duckdb", months=2, persons=20_000, municipalities=30, change=1)
    two = release_of(second, folder, 2, one)
    con = duckdb.connect()
    con.execute(
        f"attach '{one / 'release.duckdb'}' as one (read_only); attach '{two / 'release.duckdb'}' as two (read_only)"
    )
    con.execute(f"attach '{second.path}' as truth (read_only)")
    for table, key, columns in (
        ("rpt_focus_goals", "month, municipality_code, benefit_group_code", ("person_count", "passive_count")),
        (
            "rpt_conversation_coverage",
            "month, municipality_code, target_group_code",
            ("person_count", "sufficient_count"),
        ),
    ):
        for column in columns:
            told, kept, unchanged = con.execute(
                f"select count(*) filter (two.{column} is null and one.{column} = truth.{column} "
                f"and truth.person_count > 2 and truth.{column} not in (1, 2)), "
                f"count(*) filter (one.{column} is null and two.{column} = truth.{column}), "
                f"count(*) filter (one.{column} is null and two.{column} is null) "
                f"from one.main.{table} as one join two.main.{table} as two using ({key}) "
                f"join truth.marts.{table} as truth using ({key})"
            ).fetchone()  # type: ignore[misc]
            assert kept == 0, f"{table}.{column}: hidden in the first release, shown in the second"
            assert unchanged > 10
            if column == "person_count":
                assert told == 0, f"{table}.{column}: hidden now, yet shown with the same value before"
    # The month that did not change is hidden exactly as before.
    assert con.execute(
        "select count(*) from one.main.rpt_focus_goals as one join two.main.rpt_focus_goals as two "
        "using (month, municipality_code, benefit_group_code) where month = date '2023-01-01' "
        "and (one.person_count is distinct from two.person_count "
        "or one.passive_count is distinct from two.passive_count "
        "or one.uncontacted_share is distinct from two.uncontacted_share)"
    ).fetchone() == (0,)


def test_the_report_counts_what_is_hidden(both: duckdb.DuckDBPyConnection) -> None:
    shown, total, rule, more = both.execute(
        "select (select count(passive_share) from shown.main.rpt_focus_goals), cell_count, hidden_by_rule_count, "
        "hidden_to_protect_count from shown.meta.suppression "
        "where table_name = 'rpt_focus_goals' and column_name = 'passive_share'"
    ).fetchone()  # type: ignore[misc]
    assert shown == total - rule - more and rule > 0 and more > 0


def test_the_threshold_is_a_rule_of_the_seed(tmp_path: Path) -> None:
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=5_000, municipalities=10)
    with duckdb.connect(str(fixture.path)) as con:
        con.execute("update seeds.rule_parameters set value = 4")
    release = release_of(fixture, tmp_path / "releases")
    with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from rpt_focus_goals where person_count between 1 and 4").fetchone() == (0,)
        assert con.execute("select hidden_maximum from meta.release").fetchone() == (4,)
    with duckdb.connect(str(fixture.path)) as con:
        con.execute("delete from seeds.rule_parameters")
    with pytest.raises(control.DisclosureError, match="disclosure_hidden_maximum"):
        release_of(fixture, tmp_path / "releases", 2)


def test_a_witness_by_hand() -> None:
    """Two municipalities, two groups and their total: the single person of (0, 0) needs three companions.

        g0  g1  all          hidden afterwards: the four inner cells, since
    a    1   5    6          a: 0 6 | b: 5 6  has the same totals as
    b    4   7   11          a: 1 5 | b: 4 7
    all  5  12   17
    """
    count = np.array([[1, 5, 6], [4, 7, 11], [5, 12, 17]], dtype=np.float64)
    everywhere = np.ones(count.shape, dtype=np.bool_)
    numbers = np.zeros(2, dtype=np.int64)
    geography = Geography(
        ("0101", "0147"),
        {"region": numbers},
        {"region": ("1084",)},
        numbers,
        np.arange(2),
        np.zeros(2, np.bool_),
        ("region",),
    )
    variable = Variable(
        sensitive=(count >= 1) & (count <= 2),
        hidden=np.zeros(count.shape, dtype=np.bool_),
        lose=[count >= 1],
        gain=[everywhere],
        cost=count + 1,
        has_total=True,
        area_sensitive={"region": np.zeros((1, 3), dtype=np.bool_)},
        area_hidden={"region": np.zeros((1, 3), dtype=np.bool_)},
    )
    protect(variable, geography)
    assert variable.hidden.tolist() == [[True, True, False], [True, True, False], [False, False, False]]
    assert not variable.area_hidden["region"].any() and variable.last_resorts == 0


@pytest.mark.parametrize(("counts", "is_country_hidden"), [((2, 9, 5), False), ((2, 0, 0), True)])
def test_an_area_is_protected_where_no_member_is_hidden_for_its_own_sake(
    counts: tuple[int, int, int], is_country_hidden: bool
) -> None:
    """Both of the two persons in a came on time. The 2 is hidden with the 2, not as a small part: it could be told from
    the country and the other areas unless one of those is hidden too; or the country, where nobody else can move.

                     on time  of
    a (region 1)        2      2
    b (region 2)        9     12     or 0, of which none can be on time
    c (region 3)        5     12
    """
    numbers = np.arange(3, dtype=np.int64)
    geography = Geography(
        ("0101", "0147", "0151"),
        {"region": numbers},
        {"region": ("1", "2", "3")},
        numbers,
        numbers,
        np.zeros(3, np.bool_),
        ("region",),
    )
    count = np.array([*counts, sum(counts)], dtype=np.float64)[:, None]
    whole = np.array([2, *(12 if of else 0 for of in counts[1:])])
    whole = np.array([*whole, whole.sum()], dtype=np.float64)[:, None]
    areas = {"region": np.array([[True], [False], [False]])}
    variable = Variable(
        sensitive=np.zeros(count.shape, dtype=np.bool_),
        hidden=np.array([[True], [False], [False], [False]]),
        lose=[count >= 1],
        gain=[count < whole],
        cost=count + 1,
        has_total=False,
        area_sensitive=areas,
        area_hidden={"region": areas["region"].copy()},
    )
    protect(variable, geography)
    # The cheapest other region that has room for one more, or the country.
    assert variable.area_hidden["region"][:, 0].tolist() == [True, False, not is_country_hidden]
    assert bool(variable.hidden[3, 0]) is is_country_hidden
    assert variable.last_resorts == int(is_country_hidden)


def test_every_declared_table_has_a_name_in_both_languages() -> None:
    for table in DECLARATIONS:
        for language in ("da", "en"):
            assert labels().table(table, language) != table, table


def test_an_areas_sum_that_did_not_change_is_hidden_with_a_member_that_did(tmp_path: Path) -> None:
    """Tårnby and Dragør share a job centre. That its sum is the same as before a correction is news too: it would tell
    Dragør's two from Tårnby's shown twenty-four."""
    fixture = build(tmp_path / "w" / "warehouse.duckdb", months=1, persons=40_000)

    def set_requests(dragoer: tuple[int, int], taarnby: tuple[int, int]) -> None:
        with duckdb.connect(str(fixture.path)) as con:
            for code, (requested, within) in (("0155", dragoer), ("0185", taarnby)):
                con.execute(
                    "update marts.rpt_conversation_requests set requested_count = $1, within_10_days_count = $2, "
                    "within_10_days_share = $2 / $1 where municipality_code = $3",
                    [requested, within, code],
                )
                con.execute(
                    "update marts.rpt_measure_results set numerator_count = $2, denominator_count = $1, "
                    "measure_value = $2 / $1 where measure_id = 'conversation_within_10_days' "
                    "and municipality_code = $3",
                    [requested, within, code],
                )
            con.execute(
                "update marts.rpt_area_measure_results set numerator_count = 13, denominator_count = 26, "
                "measure_value = 0.5 where measure_id = 'conversation_within_10_days' and area_type_code = 'jobcentre' "
                "and area_code = ?",
                [code_of_centre],
            )

    def centre(release: Path) -> tuple[object, ...] | None:
        with duckdb.connect(str(release / "release.duckdb"), read_only=True) as con:
            found: tuple[object, ...] | None = con.execute(
                "select numerator_count, denominator_count from rpt_area_measure_results "
                "where measure_id = 'conversation_within_10_days' and area_type_code = 'jobcentre' and area_code = ?",
                [code_of_centre],
            ).fetchone()
            return found

    with duckdb.connect(str(fixture.path), read_only=True) as con:
        (code_of_centre,) = con.execute(
            "select area_code from seeds.municipality_areas where area_type_code = 'jobcentre' "
            "and municipality_code = '0155' order by valid_from_date desc limit 1"
        ).fetchone()  # type: ignore[misc]
    set_requests((6, 3), (20, 10))
    first = release_of(fixture, tmp_path / "releases")
    set_requests((2, 1), (24, 12))
    second = release_of(fixture, tmp_path / "releases", 2, first)
    assert centre(first) == (13, 26)
    assert centre(second) == (None, None)


def test_cells_are_compared_with_their_own_row_of_the_release_before(tmp_path: Path) -> None:
    con = duckdb.connect()
    columns = {
        "month": "DATE",
        "municipality_code": "VARCHAR",
        "benefit_group_code": "VARCHAR",
        "person_count": "BIGINT",
    }
    described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    con.execute(f"create table rpt_benefit_recipients ({described})")
    con.execute(
        "insert into rpt_benefit_recipients select date '2025-01-01', lpad(i::varchar, 4, '0'), 'all', i "
        "from range(5) as numbers(i)"
    )
    con.execute(f"attach '{tmp_path / 'release.duckdb'}' as before")
    con.execute(f"create table before.rpt_benefit_recipients ({described}, is_suppressed boolean)")
    # In another order: 4 as now, 3 hidden, 1 with another figure; 0 and 2 are new.
    con.execute(
        "insert into before.rpt_benefit_recipients values ('2025-01-01', '0004', 'all', 4, false), "
        "('2025-01-01', '0003', 'all', null, true), ('2025-01-01', '0001', 'all', 7, false)"
    )
    con.execute("detach before")
    state = control.read_state(con, "rpt_benefit_recipients", "memory.main.rpt_benefit_recipients", columns)
    control.read_earlier(con, state, tmp_path)
    assert state.known["person_count"].tolist() == [False, False, False, False, True]
    assert state.hidden_before["person_count"].tolist() == [False, False, False, True, False]

    con.execute("detach previous")
    con.execute(f"attach '{tmp_path / 'release.duckdb'}' as before")
    con.execute("insert into before.rpt_benefit_recipients values ('2025-01-01', '0004', 'all', 4, false)")
    con.execute("detach before")
    with pytest.raises(control.DisclosureError, match="several rows of rpt_benefit_recipients with one key"):
        control.read_earlier(con, state, tmp_path)


def _state(table: str, column: str, hidden: list[bool], **keys: list[str]) -> TableState:
    """A table with one figure column; the keys that its declaration doesn't know lead to other tables."""
    declaration = DECLARATIONS[table]
    coded = {name: Key.of(values) for name, values in keys.items()}
    return TableState(
        declaration, f"memory.main.{table}", {}, figures={},
        keys={name: key for name, key in coded.items() if name in declaration.keys},
        extra={name: key for name, key in coded.items() if name not in declaration.keys},
        hidden={column: np.asarray(hidden)},
    )  # fmt: skip


def test_a_difference_is_hidden_where_the_level_that_it_repeats_is() -> None:
    """Two years: published and model, then model alone; of 0101 the model's level with førtidspension is hidden."""
    difference = "difference_percentage_points"
    levels = _state(
        "rpt_benefit_levels", difference, [False, True, True, False],
        period_code=["2022QMAT04", "2022QMAT04", "2023QMAT04", "2023QMAT04"],
        municipality_code=["0101", "0101", "0101", "0147"],
        benefit_area_code=["all", "all", "all_with_foertidspension", "all"],
        expected_source=["published", "model", "model", "model"],
    )  # fmt: skip
    categories = _state(
        "rpt_category_assignments", difference, [False] * 5,
        scenario_code=["official", "kl_all", "official", "official", "kl_all"],
        period_code=["2022QMAT04", "2022QMAT04", "2023QMAT04", "2023QMAT04", "2023QMAT04"],
        municipality_code=["0101", "0101", "0101", "0147", "0147"],
        expected_source=["published", "model", "model", "model", "model"],
    )  # fmt: skip
    periods, municipalities = ["2022QMAT04", "2023QMAT04", "2023QMAT04"], ["0101", "0101", "0147"]
    of_year = _state(
        "rpt_timeliness_and_results", difference, [False] * 3, period_code=periods, municipality_code=municipalities
    )
    timeliness = _state(
        "rpt_conversation_timeliness", "on_time_count", [], month=[], municipality_code=[],
        target_group_code=[], sequence_number=[],
    )  # fmt: skip
    timeliness.figures |= {"on_time_count": np.zeros(0), "obligation_count": np.zeros(0)}
    timeliness.primary |= {name: np.zeros(0, np.bool_) for name in ("on_time_count", "obligation_count")}
    timeliness.hidden |= timeliness.primary
    ranks = _state(
        "rpt_rank_uncertainty", "measure_value", [False] * 3, measure_id=["benefit_level_difference"] * 3,
        period_code=periods, municipality_code=municipalities,
    )  # fmt: skip
    states = {state.declaration.table: state for state in (levels, categories, of_year, timeliness, ranks)}
    hide_linked(states, {}, {}, [])
    assert categories.hidden[difference].tolist() == [False, True, True, False, False]
    assert of_year.hidden[difference].tolist() == [False, True, False]
    assert ranks.hidden["measure_value"].tolist() == [False, True, False]
