"""Suites of a release candidate: a file that leaves the house. No person in it, nothing small, nobody missing."""

from pathlib import Path

from orchestration.expectations.marts import MARTS, Mart, completeness_check, share_checks
from orchestration.expectations.reference import municipalities, parameter
from orchestration.expectations.suites import PERSONAL_NAMES, Check, Suite, holds, not_null
from orchestration.lib.sql_text import sql_file

DIMENSIONS = (
    "dim_municipalities",
    "dim_benefit_groups",
    "dim_target_groups",
    "dim_measures",
    "dim_scenarios",
    "dim_rules",
    "dim_months",
)
# Tables of readers with a twin among the facts, beside those of MARTS.
_OTHER_TWINS = (
    "benefit_levels",
    "similar_municipalities",
    "follow_up",
    "timeliness_and_results_correlation",
    "measure_results",
)
RELEASED_ONLY = (
    "threshold_sensitivity",
    "rank_uncertainty",
    "revisions",
    "published_against_computed",
    "published_revisions",
    "area_measure_results",
)
RELEASED_TABLES = (
    *DIMENSIONS,
    *(f"rpt_{mart.name}" for mart in MARTS),
    *(f"rpt_{name}" for name in (*_OTHER_TWINS, *RELEASED_ONLY)),
)
# Changes from release to release that make a person look; a correction may well be larger.
ROWS_LOST_AT_MOST = 0.02
NATIONAL_SHARE_CHANGE_AT_MOST = 0.05
NATIONAL_PERSONS_CHANGE_AT_MOST = 0.10

# Hashed persons are unsigned 64-bit numbers; no figure is.
_PERSONAL_TYPES = "'UBIGINT', 'HUGEINT', 'UHUGEINT', 'BLOB', 'UUID'"


def release_suites(
    previous_release: Path | None = None, expected_tables: tuple[str, ...] = RELEASED_TABLES
) -> list[Suite]:
    """The suites of a release candidate (``release.duckdb``: schema main, and meta about the release itself).

    ``previous_release`` is the folder of the newest good release; its Parquet files are compared with (warnings only).
    """
    suites = [_tables_suite(expected_tables), _persons_suite(), _municipalities_suite()]
    suites += [_report_suite(mart) for mart in MARTS if f"rpt_{mart.name}" in expected_tables]
    suites += [
        _long_table_suite(table)
        for table in ("rpt_measure_results", "rpt_area_measure_results")
        if table in expected_tables
    ]
    if previous_release is not None:
        suites += _change_suites(previous_release, expected_tables)
    return suites


def _tables_suite(expected_tables: tuple[str, ...]) -> Suite:
    listed = ", ".join(f"('{table}')" for table in expected_tables)
    return Suite(
        name="release_tables",
        layer="release",
        table="main",
        source=f"""
            with expected (table_name) as (values {listed}),
            actual as (select table_schema, table_name from information_schema.tables)
            select
                expected.table_name is not null as is_expected,
                actual.table_name is not null as is_there,
                coalesce(actual.table_schema, 'main') as table_schema,
                coalesce(actual.table_name, expected.table_name) as table_name,
                (select count(*) from actual where table_schema = 'meta') as meta_tables
            from expected
            full join actual on expected.table_name = actual.table_name and actual.table_schema = 'main'
        """,
        named_by=("table_schema", "table_name"),
        checks=(
            holds("every_table_is_there", "is_there", "Every table that readers were promised is in the release."),
            holds(
                "only_tables_for_readers",
                "table_schema in ('main', 'meta') and (table_schema = 'meta' or table_name like 'dim\\_%' escape '\\'"
                " or table_name like 'rpt\\_%' escape '\\')",
                "Schema main holds dim_ and rpt_ tables only, and there is no schema beside main and meta.",
            ),
            holds("release_describes_itself", "meta_tables > 0", "Schema meta says which release this is."),
        ),
    )


def _persons_suite() -> Suite:
    return Suite(
        name="release_no_persons",
        layer="release",
        table="main",
        source="select table_schema, table_name, column_name, data_type from information_schema.columns",
        named_by=("table_name", "column_name"),
        checks=(
            holds(
                "no_column_names_a_person",
                f"not regexp_matches(lower(column_name), '{PERSONAL_NAMES}')",
                "No column is named like a person's key, a conversation's or an offer's id.",
                ("column_name",),
            ),
            holds(
                "no_column_can_hold_a_hash",
                f"data_type not in ({_PERSONAL_TYPES})",
                "No column has a type in which hashed persons are kept.",
                ("data_type",),
            ),
        ),
    )


def _municipalities_suite() -> Suite:
    codes = municipalities()
    listed = ", ".join(f"('{code}')" for code in codes)
    return Suite(
        name="release_municipalities",
        layer="release",
        table="main.dim_municipalities",
        source=f"""
            select listed.municipality_code, named.municipality_code is not null as is_there
            from (values {listed}) as listed (municipality_code)
            left join (
                select municipality_code from main.dim_municipalities group by municipality_code
            ) as named on listed.municipality_code = named.municipality_code
        """,
        named_by=("municipality_code",),
        checks=(
            holds(
                "every_municipality_is_there",
                "is_there",
                f"All {len(codes)} municipalities are in the release.",
                ("municipality_code",),
            ),
        ),
    )


def _hidden_maximum() -> int:
    return int(parameter("disclosure_hidden_maximum"))


def suppression_checks(mart: Mart) -> list[Check]:
    """No count of 1 or 2 persons can be read or subtracted, and what is hidden says so."""
    small = f"between 1 and {_hidden_maximum()}"
    checks: list[Check] = []
    if mart.persons:
        condition = " and ".join(f"coalesce({column} not {small}, true)" for column in mart.persons)
        checks.append(
            holds(
                "no_small_count_is_visible",
                condition,
                f"No visible count of persons or obligations is 1 to {_hidden_maximum()}.",
                mart.persons,
            )
        )
    pairs = [(share.numerator, share.denominator) for share in mart.shares if share.numerator]
    if pairs:
        condition = " and ".join(f"coalesce({whole} - {part} not {small}, true)" for part, whole in pairs)
        checks.append(
            holds(
                "no_small_rest_can_be_subtracted",
                condition,
                f"No denominator less its numerator leaves 1 to {_hidden_maximum()}.",
                tuple(dict.fromkeys(column for pair in pairs for column in pair)),
            )
        )
        hidden = " and ".join(
            f"({share.numerator} is not null or {share.name} is null)" for share in mart.shares if share.numerator
        )
        checks.append(
            holds(
                "hidden_numerators_hide_their_shares",
                hidden,
                "Where the numerator is hidden, so is the share: it would give the numerator away.",
                tuple(share.name for share in mart.shares),
            )
        )
    if mart.persons:
        shares = tuple(share.name for share in mart.shares)
        figures = dict.fromkeys((*mart.persons, *mart.counts, *shares, *mart.other_figures))
        nothing_hidden = " and ".join(f"{column} is not null" for column in figures)
        checks.append(
            holds(
                "suppressed_rows_hide_something",
                f"not is_suppressed or not ({nothing_hidden})",
                "A row that says it is suppressed has a figure that is null.",
                ("is_suppressed",),
            )
        )
        # Only a warning: a hole among the last twelve months empties figures too.
        checks.append(
            holds(
                "nothing_is_hidden_in_silence",
                f"is_suppressed or {mart.persons[0]} is not null",
                f"A {mart.persons[0]} that is null says that it is suppressed.",
                ("is_suppressed", mart.persons[0]),
                "warn",
            )
        )
    return checks


def _report_suite(mart: Mart) -> Suite:
    return Suite(
        name=f"release_{mart.name}",
        layer="release",
        table=f"main.rpt_{mart.name}",
        named_by=mart.named_by,
        checks=(
            completeness_check(mart, "main.dim_months"),
            not_null("is_suppressed", "Every row says whether a figure is hidden."),
            *share_checks(mart),
            *suppression_checks(mart),
        ),
    )


def _long_table_suite(table: str) -> Suite:
    small = f"between 1 and {_hidden_maximum()}"
    return Suite(
        name=f"release_{table.removeprefix('rpt_')}",
        layer="release",
        table=f"main.{table}",
        source=f"""
            select
                results.*,
                measures.unit = 'share' as is_share,
                -- The denominator of this measure is the population, which Statistics Denmark publishes for everybody.
                results.measure_id = 'support_share' as is_of_population
            from main.{table} as results
            left join main.dim_measures as measures on results.measure_id = measures.measure_id
        """,
        named_by=("measure_id",),
        checks=(
            not_null("is_suppressed", "Every row says whether a figure is hidden."),
            holds(
                "no_small_count_is_visible",
                f"(is_of_population or coalesce(denominator_count not {small}, true))"
                f" and (not is_share or coalesce(numerator_count not {small}, true))",
                f"No denominator, and no numerator of a share, is 1 to {_hidden_maximum()}.",
                ("numerator_count", "denominator_count"),
            ),
            holds(
                "no_small_rest_can_be_subtracted",
                f"not is_share or coalesce(denominator_count - numerator_count not {small}, true)",
                f"No denominator less its numerator leaves 1 to {_hidden_maximum()}.",
                ("numerator_count", "denominator_count"),
            ),
            holds(
                "shares_lie_between_0_and_1",
                "not is_share or coalesce(measure_value between 0 and 1, true)",
                "A measure whose unit is a share lies between 0 and 1.",
                ("measure_value",),
            ),
        ),
    )


def _change_suites(previous_release: Path, expected_tables: tuple[str, ...]) -> list[Suite]:
    """What changed since the last release by more than one would expect: warnings, since a correction may do it."""
    files = {path.stem: path for path in (previous_release / "parquet").glob("*.parquet")}
    suites: list[Suite] = []
    compared = [table for table in expected_tables if table in files]
    if compared:
        counts = " union all ".join(
            f"select '{table}' as table_name, (select count(*) from main.{table}) as rows_now,"
            f" (select count(*) from read_parquet({sql_file(files[table])})) as rows_before"
            for table in compared
        )
        suites.append(
            Suite(
                name="release_rows_against_the_last",
                layer="release",
                table="main",
                source=counts,
                named_by=("table_name",),
                checks=(
                    holds(
                        "no_table_shrinks",
                        f"rows_now >= {1 - ROWS_LOST_AT_MOST} * rows_before",
                        f"No table has lost more than {ROWS_LOST_AT_MOST:.0%} of its rows since the last release.",
                        severity="warn",
                    ),
                ),
            )
        )
    suites += [
        _national_change_suite(table, column, files[table], condition, meaning)
        for table, column, condition, meaning in (
            (
                "rpt_focus_goals",
                "passive_share",
                f"abs(value_now - value_before) <= {NATIONAL_SHARE_CHANGE_AT_MOST}",
                f"The country's share of a month moved by at most {NATIONAL_SHARE_CHANGE_AT_MOST}"
                " since the last release.",
            ),
            (
                "rpt_benefit_recipients",
                "person_count",
                f"abs(value_now - value_before) <= {NATIONAL_PERSONS_CHANGE_AT_MOST} * value_before",
                f"The country's persons of a month moved by at most {NATIONAL_PERSONS_CHANGE_AT_MOST:.0%}"
                " since the last release.",
            ),
        )
        if table in compared
    ]
    return suites


def _national_change_suite(table: str, column: str, before: Path, condition: str, meaning: str) -> Suite:
    return Suite(
        name=f"release_{table.removeprefix('rpt_')}_against_the_last",
        layer="release",
        table=f"main.{table}",
        source=f"""
            select now.month, now.{column} as value_now, before.{column} as value_before
            from main.{table} as now
            inner join read_parquet({sql_file(before)}) as before
                on now.month = before.month
                and now.municipality_code = before.municipality_code
                and now.benefit_group_code = before.benefit_group_code
            where now.municipality_code = '0000' and now.benefit_group_code = 'all'
        """,
        named_by=("month",),
        checks=(holds(f"national_{column}_is_stable", condition, meaning, (column,), "warn"),),
    )
