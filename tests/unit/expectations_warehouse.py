"""A tiny warehouse in which every check passes, and what must be done to it so that every check fails.

Two months, with the second of which a rolling year ends, and 98 municipalities, made with SQL. ``BREAKS`` names for
every check one statement that breaks it; tests apply all of them to one copy, since Great Expectations is slow to start
and quick to go on.
"""

from pathlib import Path

import duckdb

from orchestration.expectations.marts import MARTS
from orchestration.expectations.reference import SEEDS
from orchestration.expectations.release import RELEASED_TABLES
from orchestration.lib.contracts import PROJECT_ROOT

MONTHS = "(values (date '2024-11-01'), (date '2024-12-01')) as months (month)"
PERIODS = "(values ('2024QMAT04')) as periods (period_code)"
NAMES = "(select municipality_code from seeds.municipalities) as names"
NAMES_AND_COUNTRY = "(select municipality_code from seeds.municipalities union all select '0000') as names"

_SEEDS = (
    "reference/municipalities",
    "reference/benefit_groups",
    "reference/conversation_types",
    "reference/contact_forms",
    "reference/conversation_statuses",
    "reference/offer_types",
    "reference/suppliers",
    "reference/framework_covariates",
    "reference/benefit_areas",
    "reference/target_groups",
    "rules/scenarios",
    "rules/follow_up_rounds",
)

_RAW = f"""
create schema raw;
create table raw.benefit_periods as
    select 1000 + row_number() over ()::ubigint as person_key, 'dagpenge' as benefit_code,
        'jobparat' as match_group_code, municipality_code, month as from_date, last_day(month) as to_date,
        1::decimal(18, 6) as benefit_fraction, month as _period, 1 as _delivery
    from {NAMES}, {MONTHS};
create table raw.conversations as
    select 'c' || row_number() over () as conversation_id, 1001::ubigint as person_key, municipality_code,
        4 as conversation_type_code, 'phone' as contact_form, 'held' as status, month + 3 as conversation_date,
        month as requested_date, (month + 4)::timestamp as registered_at, month as _period, 1 as _delivery
    from {NAMES}, {MONTHS};
create table raw.active_offers as
    select 'o1' as offer_id, 1001::ubigint as person_key, municipality_code, 'mentor' as offer_type,
        month as from_date, month + 5 as to_date, 20::decimal(18, 6) as hours_per_week, month as _period, 1 as _delivery
    from {NAMES}, {MONTHS};
create table raw.ordinary_hours as
    select 1001::ubigint as person_key, 10::decimal(18, 6) as paid_hours, month as _period, 1 as _delivery
    from {MONTHS};
create table raw.population as
    select municipality_code, 1000::bigint as population_16_66, 'STAR' as supplier, date '2024-12-01' as _period,
        1 as _delivery from {NAMES};
create table raw.framework_conditions as
    select municipality_code, '2024QMAT04' as period_code, covariate_code, 5::decimal(18, 6) as value,
        date '2024-12-01' as _period, 1 as _delivery from {NAMES}, seeds.framework_covariates;
create table raw.jobindsats_tables as
    select 'y30r21' as table_id, ['a', 'b'] as columns, 2::bigint as row_count, date '2024-12-01' as _period,
        901 as _delivery;
create table raw.jobindsats_rows as
    select 'y30r21' as table_id, n as row_number, ['x', 'y'] as cells, date '2024-12-01' as _period, 901 as _delivery
    from range(1, 3) as numbers (n);
create table raw.current_batches as
    select 'benefit_periods' as dataset, _period as period, 1 as delivery, 'hash' as sha256, count(*) as row_count
        from raw.benefit_periods group by _period
    union all select 'conversations', _period, 1, 'hash', count(*) from raw.conversations group by _period
    union all select 'active_offers', _period, 1, 'hash', count(*) from raw.active_offers group by _period
    union all select 'ordinary_hours', _period, 1, 'hash', count(*) from raw.ordinary_hours group by _period
    union all select 'population', _period, 1, 'hash', count(*) from raw.population group by _period
    union all select 'framework_conditions', _period, 1, 'hash', count(*) from raw.framework_conditions group by _period
    union all select 'jobindsats_y30r21', date '2024-12-01', 901, 'hash', 2;
create schema quality;
create table quality.delivery_datasets as
    select strftime(period, '%Y-%m') as period, delivery, dataset, 'file' as file, sha256,
        row_count + 1 as rows_in_file, row_count as accepted, 1 as quarantined from raw.current_batches;
create table quality.quarantined_rows as
    select dataset, period, delivery, file, 7 as row_number, 'out_of_range' as rule, 'x' as "column", 'why' as reason,
        1001::ubigint as person_key from quality.delivery_datasets;
"""

_STAGING = """
create schema staging;
create view staging.stg_extracts__batches as
    select dataset as dataset_code, period as month, delivery as delivery_number, row_count from raw.current_batches;
create view staging.stg_extracts__benefit_periods as
    select _period as month, benefit_code as benefit_group_code, municipality_code from raw.benefit_periods;
create view staging.stg_extracts__conversations as
    select _period as month, conversation_type_code, contact_form as contact_form_code,
        status as conversation_status_code from raw.conversations;
create view staging.stg_extracts__active_offers as
    select _period as month, offer_type as offer_type_code from raw.active_offers;
create view staging.stg_extracts__ordinary_hours as select _period as month, paid_hours from raw.ordinary_hours;
create view staging.stg_extracts__population as
    select _period as month, municipality_code, supplier as supplier_code, population_16_66 from raw.population;
create view staging.stg_extracts__framework_conditions as
    select _period as month, municipality_code, period_code, covariate_code from raw.framework_conditions;
create table staging.stg_jobindsats__y30r21 as
    select '2024QMAT04' as period_code, municipality_code, 'all' as benefit_area_code, 4.0 as expected_percentage
    from seeds.municipalities;
create table seeds.accepted_missing_inputs
    (dataset varchar, month date, reason varchar, decided_by varchar, decided_on date);
"""

_INTERMEDIATE = f"""
create schema intermediate;
create table intermediate.int_months as
    select month, last_day(month) as as_of_date, last_day(month) + 1 as next_month_date,
        day(last_day(month)) as days_in_month, month = date '2024-12-01' as is_newest,
        date '2024-12-31' as newest_as_of_date, true as is_provisional, false as has_hole_in_window,
        month = date '2024-12-01' as is_window_complete, 6 as early_effort_completed_months from {MONTHS};
update seeds.follow_up_rounds set baseline_month = date '2024-11-01', follow_up_month = date '2024-12-01'
    where round_code = '2018-06';
create table intermediate.int_benefit_segments as
    select month, 1001::ubigint as person_key, municipality_code, month as from_date, last_day(month) as to_date,
        month as benefit_spell_start_date, month as support_spell_start_date, true as is_in_scope,
        'dagpengemodtagere' as target_group_code, 1::decimal(18, 6) as benefit_fraction from {NAMES}, {MONTHS};
create table intermediate.int_stock as
    select month, municipality_code, month as benefit_spell_start_date, month as support_spell_start_date,
        true as is_in_scope, 1 as benefit_completed_months, 1 as support_completed_months from {NAMES}, {MONTHS};
create table intermediate.int_counted_conversations as select month, month + 3 as conversation_date from {MONTHS};
create table intermediate.int_offer_days as
    select month, 1001::ubigint as person_key, month as from_date, month + 5 as to_date from {MONTHS};
create table intermediate.int_benefit_level__model_status as
    select period_code, true as is_complete, 0 as missing_count, null::varchar as missing_da,
        null::varchar as missing_en from {PERIODS};
create table intermediate.int_benefit_level__diagnostics as
    select '2024QMAT04' as period_code, 'all' as benefit_area_code, 98 as municipality_count, 23 as column_count,
        0.8 as r_squared, 0.1::double as sigma_squared, 1e-9 as weighted_difference_sum, 0.5 as largest_leverage,
        8.0 as largest_variance_inflation;
"""

# Values of the columns beyond the key of each mart, such that every check passes.
_FIGURES = {
    "conversation_coverage": "10 as person_count, 5 as sufficient_count, 0.5 as sufficient_share, 3.0 as"
    " average_conversation_count, 4 as required_count, 6 as from_months, 9 as to_months, 'r' as rule_id",
    "conversation_timeliness": "10 as obligation_count, 5 as on_time_count, 2 as late_count, 3 as missing_count,"
    " 0 as not_yet_due_count, 0 as excluded_count, 0.5 as on_time_share, 'r' as rule_id",
    "conversation_requests": "10 as requested_count, 5 as within_10_days_count, 0.5 as within_10_days_share",
    "early_effort": "10 as person_count, 0.9 as conversations_met_share, 0.7 as offer_met_share,"
    " 1 as consecutive_months_below, false as is_flagged",
    "focus_goals": "10 as person_count, 5 as passive_count, 0.5 as passive_share, 5 as few_conversations_count,"
    " 0.5 as few_conversations_share, 4 as uncontacted_count, 0.4 as uncontacted_share",
    "passive_by_duration": "10 as person_count, 5 as passive_count, 0.5 as passive_share",
    "offer_effort": "10 as person_count, 5 as four_weeks_count, 0.5 as four_weeks_share, 6 as reached_six_months_count,"
    " 3 as first_offer_in_time_count, 0.5 as first_offer_in_time_share",
    "benefit_recipients": "10 as person_count, 8.5 as full_time_persons, 1000 as population_16_66,"
    " 0.85 as share_of_population_percentage",
    "results": "10.5 as full_time_persons, 1.5 as full_time_persons_change, 10 as ended_spell_count,"
    " 30.0 as average_spell_days, 20.0 as average_weeks_on_support, 5 as retained_count, 0.5 as retained_share",
    "category_assignments": "1 as municipality_category, 'fordi' as reason_da, 'because' as reason_en,"
    " 20.0 as passive_percentage, 10.0 as few_conversations_percentage, true as is_result_met, 5 as persons_to_flip,"
    " 0.9 as category_probability",
    "supervision": "'selected' as status, 2024 as entered_year",
    "timeliness_and_results": "0.5 as on_time_share, 'high_on_time_good_result' as quadrant_code",
}
_KEY_VALUES = {
    "month": MONTHS,
    "period_code": PERIODS,
    "scenario_code": "(select scenario_code from seeds.scenarios) as scenarios",
    "statement_year": "(values (2024)) as years (statement_year)",
    "target_group_code": "(values ('dagpengemodtagere'), ('sygedagpengemodtagere')) as targets (target_group_code)",
    "benefit_group_code": "(values ('all'), ('dagpenge')) as groups (benefit_group_code)",
    "sequence_number": "(values (1)) as sequences (sequence_number)",
    "duration_band_code": "(values ('3_to_6')) as bands (duration_band_code)",
}

_OTHER_MARTS = f"""
create table marts.fct_benefit_levels as
    select sources.period_code, municipality_code, sources.benefit_area_code, sources.expected_source,
        4.0 + n / 100.0 as actual_percentage, 4.0 as expected_percentage,
        n / 100.0 as difference_percentage_points, n as benchmark_rank,
        case when sources.expected_source = 'model' then 0.1 end as difference_standard_error,
        case when sources.expected_source = 'model' then n / 100.0 - 0.2 end as difference_lower_95,
        case when sources.expected_source = 'model' then n / 100.0 + 0.2 end as difference_upper_95,
        case when sources.expected_source = 'published' then n end as published_benchmark_rank
    from (select municipality_code, row_number() over (order by municipality_code) as n from {NAMES}) as numbered
    cross join (
        select period_code, benefit_area_code, 'model' as expected_source from {PERIODS}, seeds.benefit_areas
        union all select '2024QMAT04', 'all', 'published'
    ) as sources;
create table marts.fct_similar_municipalities as
    select period_code, municipality_code, n as similarity_rank,
        if(municipality_code = '0147', '0101', '0147') as similar_municipality_code,
        (-1) ** n * n / 10 as expected_percentage_difference
    from {PERIODS}, {NAMES}, range(1, 6) as numbers (n);
create table marts.fct_follow_up as
    select '2018-06' as round_code, municipality_code, target_group_code, date '2024-11-01' as baseline_month,
        date '2024-12-01' as follow_up_month, 0.3 as baseline_share, 0.4 as follow_up_share,
        0.6 as national_follow_up_share, 'well_below' as status, true as is_on_list
    from {NAMES}, (select target_group_code from seeds.target_groups) as targets;
create table marts.fct_timeliness_and_results_correlation as
    select period_code, 98 as municipality_count, 0.1 as pearson, -0.1 as pearson_lower_95,
        0.3 as pearson_upper_95, 0.1 as spearman, -0.1 as spearman_lower_95, 0.3 as spearman_upper_95 from {PERIODS};
create table marts.fct_measure_results as
    select 'passive_share' as measure_id, date '2024-11-01' as period_start_date, date '2024-11-30' as period_end_date,
        '0101' as municipality_code, 'all' as group_code, 5 as numerator_count, 10 as denominator_count,
        0.5 as measure_value, 'share' as unit;
"""


def _mart_table(schema: str, prefix: str, extra: str = "") -> str:
    statements = []
    for mart in MARTS:
        names = NAMES_AND_COUNTRY if mart.has_country else NAMES
        tables = ", ".join([names, *(_KEY_VALUES[column] for column in mart.per)])
        keys = ", ".join(["municipality_code", *mart.per])
        target = f"{schema}.{prefix}_{mart.name}"
        statements.append(f"create table {target} as select {keys}, {_FIGURES[mart.name]}{extra} from {tables}")
    return ";\n".join(statements)


def _widen_literals(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB types the literal 0.5 as DECIMAL(2,1), in which a broken value would not fit."""
    narrow = """
        select table_schema || '.' || table_name, column_name from information_schema.columns
        where data_type like 'DECIMAL%' and table_schema in ('intermediate', 'marts', 'main')
    """
    for table, column in con.execute(narrow).fetchall():
        con.execute(f"alter table {table} alter {column} type double")


def build_warehouse(path: Path) -> None:
    """The warehouse with the schemas seeds, raw, quality, staging, intermediate and marts."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema seeds")
        for seed in _SEEDS:
            name = seed.rpartition("/")[2]
            con.execute(
                f"create table seeds.{name} as select * from read_csv('{SEEDS / seed}.csv', all_varchar = true)"
            )
            for column in ("valid_from_date", "valid_to_date"):
                con.execute(f"alter table seeds.{name} alter {column} type date")
        for column in ("baseline_month", "follow_up_month"):
            con.execute(f"alter table seeds.follow_up_rounds alter {column} type date")
        con.execute(_RAW + _STAGING + _INTERMEDIATE)
        con.execute("create schema marts")
        con.execute(_mart_table("marts", "fct"))
        con.execute(_OTHER_MARTS)
        _widen_literals(con)


def build_release(path: Path, parquet: Path | None = None) -> None:
    """A release candidate; with ``parquet`` (a folder) its tables are written there too."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema seeds; create schema meta; create table meta.release as select 'r1' as release_id")
        seed = PROJECT_ROOT / "seeds" / "reference" / "municipalities.csv"
        con.execute(f"create table seeds.municipalities as from read_csv('{seed}', all_varchar = true)")
        con.execute(f"create table seeds.scenarios as from read_csv('{SEEDS}/rules/scenarios.csv', all_varchar = true)")
        con.execute(_mart_table("main", "rpt", ", false as is_suppressed"))
        con.execute("create table main.dim_municipalities as select municipality_code from seeds.municipalities")
        con.execute(f"create table main.dim_months as select month from {MONTHS}")
        con.execute("create table main.dim_measures as select 'passive_share' as measure_id, 'share' as unit")
        for name in ("measure_results", "area_measure_results"):
            con.execute(
                f"create table main.rpt_{name} as select 'passive_share' as measure_id, 5 as numerator_count,"
                " 10 as denominator_count, 0.5 as measure_value, false as is_suppressed"
            )
        con.execute("drop schema seeds cascade")
        _widen_literals(con)
        for table in RELEASED_TABLES:
            con.execute(f"create table if not exists main.{table} (note varchar)")
        if parquet is not None:
            parquet.mkdir(parents=True)
            for table in RELEASED_TABLES:
                con.execute(f"copy main.{table} to '{parquet / table}.parquet' (format parquet)")


# Suite and check -> the statement after which the check fails. Statements run in this order, on one database.
BREAKS: dict[tuple[str, str], str] = {
    # Raw: rows that the loader should have quarantined.
    **{
        (f"raw_{table}", f"{column}_is_not_null"): f"insert into raw.{table} by name (select null as _period)"
        for table, columns in {
            "benefit_periods": "person_key benefit_code municipality_code from_date to_date benefit_fraction",
            "conversations": "conversation_id person_key municipality_code conversation_type_code contact_form status"
            " conversation_date registered_at",
            "active_offers": "offer_id person_key municipality_code offer_type from_date to_date",
            "ordinary_hours": "person_key paid_hours",
            "population": "municipality_code population_16_66",
            "framework_conditions": "municipality_code period_code covariate_code value",
        }.items()
        for column in columns.split()
    },
    **{
        (f"raw_{table}", "load_columns_are_valid"): f"insert into raw.{table} by name (select 0 as _delivery)"
        for table in (
            "benefit_periods",
            "conversations",
            "active_offers",
            "ordinary_hours",
            "population",
            "framework_conditions",
        )
    },
    **{
        (f"raw_{table}", f"{column}_is_in_list"): f"insert into raw.{table} by name (select {value} as {column})"
        for table, column, value in (
            ("benefit_periods", "benefit_code", "'su'"),
            ("benefit_periods", "match_group_code", "'x'"),
            ("benefit_periods", "municipality_code", "'0411'"),
            ("conversations", "municipality_code", "'0000'"),
            ("conversations", "conversation_type_code", "5"),
            ("conversations", "contact_form", "'fax'"),
            ("conversations", "status", "'late'"),
            ("active_offers", "municipality_code", "'101'"),
            ("active_offers", "offer_type", "'x'"),
            ("population", "municipality_code", "'0411'"),
            ("framework_conditions", "municipality_code", "'0411'"),
            ("framework_conditions", "covariate_code", "'x'"),
        )
    },
    **{
        (f"raw_{table}", f"{column}_is_in_range"): f"insert into raw.{table} by name (select {value} as {column})"
        for table, column, value in (
            ("benefit_periods", "benefit_fraction", "0"),
            ("active_offers", "hours_per_week", "60.1"),
            ("ordinary_hours", "paid_hours", "745"),
            ("population", "population_16_66", "0"),
        )
    },
    **{
        (f"raw_{table}", f"{column}_is_in_period"): f"insert into raw.{table} by name"
        # The days before and after the month, and its first and last, which are in it.
        " (select unnest(['2024-11-30', '2024-12-01', '2024-12-31', '2025-01-01'])::date"
        f" as {column}, date '2024-12-01' as _period)"
        for table, column in (
            ("benefit_periods", "from_date"),
            ("benefit_periods", "to_date"),
            ("conversations", "conversation_date"),
            ("active_offers", "from_date"),
            ("active_offers", "to_date"),
        )
    },
    **{
        (f"raw_{table}", "to_date_is_not_before_from_date"): f"insert into raw.{table} by name"
        " (select date '2024-12-02' as from_date, date '2024-12-01' as to_date)"
        for table in ("benefit_periods", "active_offers")
    },
    (
        "raw_conversations",
        "requested_date_is_not_after_conversation_date",
    ): "insert into raw.conversations by name (select date '2024-12-02' as requested_date,"
    " date '2024-12-01' as conversation_date)",
    (
        "raw_conversations",
        "registered_at_is_not_before_conversation_date",
    ): "insert into raw.conversations by name (select 'held' as status, date '2024-12-02' as conversation_date,"
    " timestamp '2024-12-01 23:59:59' as registered_at)",
    (
        "raw_framework_conditions",
        "period_code_is_of_period",
    ): "insert into raw.framework_conditions by name"
    " (select '2023QMAT02' as period_code, date '2024-12-01' as _period)",
    ("raw_jobindsats", "table_has_columns"): "insert into raw.jobindsats_tables by name (select 'y1' as table_id,"
    " []::varchar[] as columns, 1 as row_count, date '2024-12-01' as _period, 902 as _delivery)",
    ("raw_jobindsats", "all_rows_are_stored"): "delete from raw.jobindsats_rows where row_number = 2",
    ("raw_jobindsats", "rows_fit_the_columns"): "update raw.jobindsats_rows set cells = ['x']",
    (
        "raw_columns",
        "contract_columns_are_there",
    ): "alter table raw.conversations rename column conversation_id to number",
    ("raw_columns", "no_other_columns"): "alter table raw.population add column person_id varchar",
    (
        "raw_batches",
        "rows_are_those_of_the_batch",
    ): "insert into raw.ordinary_hours by name (select date '2024-12-01' as _period, 9 as _delivery)",
    (
        "raw_batches",
        "row_count_is_near_the_month_before",
    ): "update raw.current_batches set row_count = 10 where dataset = 'benefit_periods' and period = '2024-12-01'",
    (
        "raw_batches",
        "all_municipalities_deliver",
    ): "delete from raw.population where municipality_code = '0101'",
    (
        "raw_delivery_books",
        "accepted_and_quarantined_are_all_rows",
    ): "update quality.delivery_datasets set rows_in_file = rows_in_file + 10 where dataset = 'population'",
    (
        "raw_delivery_books",
        "accepted_rows_stand_in_raw",
    ): "update quality.delivery_datasets set accepted = accepted + 1 where dataset = 'population'",
    ("raw_delivery_books", "quarantined_rows_are_kept"): "delete from quality.quarantined_rows",
    (
        "raw_loaded_months",
        "no_hole_after_the_month",
    ): "insert into raw.current_batches values ('benefit_periods', date '2025-02-01', 1, 'hash', 5)",
    # Staging.
    (
        "staging_inputs",
        "every_input_is_delivered_or_accepted",
    ): "delete from raw.current_batches where dataset = 'conversations' and period = '2024-12-01'",
    ("staging_inputs", "no_acceptance_is_needed"): "select 1",
    ("staging_rows", "no_row_is_lost_or_doubled"): "insert into raw.ordinary_hours by name"
    " (select date '2024-11-01' as _period)",
    ("staging_codes", "every_code_is_in_force"): "update seeds.benefit_groups set valid_to_date = date '2024-12-01'",
    ("staging_population", "municipality_code_is_in_list"): "select 1",
    ("staging_population", "population_16_66_is_in_range"): "select 1",
    ("staging_population", "supplier_code_is_in_list"): "update raw.population set supplier = 'Styrelsen'"
    " where municipality_code = '0147'",
    ("staging_population", "month_ends_a_quarter"): "update raw.population set _period = date '2024-11-01'",
    ("staging_population", "all_municipalities_have_population"): "select 1",
    ("staging_framework_conditions", "municipality_code_is_in_list"): "select 1",
    ("staging_framework_conditions", "period_is_complete"): "select 1",
    ("staging_published_levels", "municipality_code_is_not_null"): "insert into staging.stg_jobindsats__y30r21 by name"
    " (select '2020QMAT02' as period_code)",
    ("staging_published_levels", "municipality_code_is_in_list"): "insert into staging.stg_jobindsats__y30r21 by name"
    " (select '2020QMAT02' as period_code, '9999' as municipality_code)",
    ("staging_published_levels", "period_code_has_its_form"): "insert into staging.stg_jobindsats__y30r21 by name"
    " (select '2020Q2' as period_code, '0101' as municipality_code)",
    # Intermediate.
    ("intermediate_months", "calendar_is_right"): "update intermediate.int_months set days_in_month = 32",
    (
        "intermediate_months",
        "one_month_is_newest",
    ): "update intermediate.int_months set newest_as_of_date = date '2024-11-30'",
    (
        "intermediate_months",
        "provisional_months_are_the_newest",
    ): "update intermediate.int_months set is_provisional = (month = date '2024-11-01')",
    ("intermediate_months", "window_has_no_hole"): "update intermediate.int_months set has_hole_in_window = true",
    ("intermediate_benefit_segments", "days_lie_in_the_month"): "insert into intermediate.int_benefit_segments by name"
    " (select date '2024-12-01' as month, date '2024-12-31' as from_date, date '2025-01-01' as to_date)",
    (
        "intermediate_benefit_segments",
        "spells_begin_before_the_segment",
    ): "insert into intermediate.int_benefit_segments by name"
    " (select date '2024-12-01' as from_date, date '2024-12-02' as benefit_spell_start_date)",
    ("intermediate_benefit_segments", "support_belongs_to_scope"): "insert into intermediate.int_benefit_segments"
    " by name (select true as is_in_scope)",
    (
        "intermediate_benefit_segments",
        "benefit_fraction_is_in_range",
    ): "insert into intermediate.int_benefit_segments by name (select 1.2 as benefit_fraction)",
    (
        "intermediate_benefit_segments",
        "municipality_is_known",
    ): "insert into intermediate.int_benefit_segments by name (select '0411' as municipality_code)",
    (
        "intermediate_benefit_segments",
        "target_group_lies_in_scope",
    ): "insert into intermediate.int_benefit_segments by name"
    " (select 'dagpengemodtagere' as target_group_code, false as is_in_scope)",
    ("intermediate_stock", "spells_begin_by_the_as_of_date"): "insert into intermediate.int_stock by name"
    " (select date '2024-12-01' as month, date '2025-01-01' as benefit_spell_start_date)",
    ("intermediate_stock", "benefit_completed_months_is_not_null"): "select 1",
    ("intermediate_stock", "benefit_completed_months_is_in_range"): "insert into intermediate.int_stock by name"
    " (select -1 as benefit_completed_months)",
    ("intermediate_stock", "time_on_support_belongs_to_scope"): "insert into intermediate.int_stock by name"
    " (select true as is_in_scope)",
    ("intermediate_stock", "municipality_is_known"): "insert into intermediate.int_stock by name"
    " (select '0411' as municipality_code)",
    (
        "intermediate_counted_conversations",
        "date_lies_in_the_month",
    ): "update intermediate.int_counted_conversations set conversation_date = date '2025-01-01'",
    ("intermediate_offer_days", "days_lie_in_the_month"): "insert into intermediate.int_offer_days by name"
    " (select date '2024-12-01' as month, date '2024-12-20' as from_date, date '2024-12-19' as to_date)",
    ("intermediate_offer_days", "runs_do_not_touch"): "insert into intermediate.int_offer_days"
    " select month, person_key, to_date + 1, to_date + 2 from intermediate.int_offer_days where person_key = 1001",
    (
        "intermediate_model_status",
        "period_has_a_model",
    ): "update intermediate.int_benefit_level__model_status set is_complete = false",
    ("intermediate_model_status", "what_lacks_is_named"): "select 1",
    (
        "intermediate_model_diagnostics",
        "country_is_as_expected",
    ): "update intermediate.int_benefit_level__diagnostics set weighted_difference_sum = 5",
    (
        "intermediate_model_diagnostics",
        "fit_is_a_fit",
    ): "update intermediate.int_benefit_level__diagnostics set municipality_count = 23",
    (
        "intermediate_model_diagnostics",
        "conditions_explain_something",
    ): "update intermediate.int_benefit_level__diagnostics set r_squared = 0.1",
    (
        "intermediate_model_diagnostics",
        "no_municipality_decides_its_own_line",
    ): "update intermediate.int_benefit_level__diagnostics set largest_leverage = 0.99",
    (
        "intermediate_model_diagnostics",
        "covariates_are_not_each_others_copies",
    ): "update intermediate.int_benefit_level__diagnostics set largest_variance_inflation = 500",
}


def _mart_breaks(suite_prefix: str, table_prefix: str) -> dict[tuple[str, str], str]:
    """Breaks of what follows from a mart's facts; one row is inserted per break."""
    breaks: dict[tuple[str, str], str] = {}
    for mart in MARTS:
        suite, table = f"{suite_prefix}_{mart.name}", f"{table_prefix}_{mart.name}"

        def insert(values: str, target: str = table) -> str:
            return f"insert into {target} by name (select {values})"

        breaks[suite, "every_municipality_has_its_row"] = f"delete from {table} where municipality_code = '0101'"
        for column in mart.counts[:1]:
            breaks[suite, "counts_are_not_negative"] = insert(f"-1 as {column}")
        for share in mart.shares[-1:]:
            breaks[suite, "shares_lie_between_0_and_1"] = insert(f"1.5 as {share.name}")
            breaks[suite, "nothing_is_divided_by_nothing"] = insert(f"0 as {share.denominator}, 0 as {share.name}")
            if share.numerator:
                pair = f"{share.numerator}, 9 as {share.denominator}"
                breaks[suite, "parts_lie_within_wholes"] = insert(f"10 as {pair}")
    return breaks


BREAKS |= _mart_breaks("marts", "marts.fct")
BREAKS |= {
    ("marts_conversation_coverage", "window_is_open"): "update marts.fct_conversation_coverage set to_months = 3",
    ("marts_conversation_coverage", "rule_id_is_not_null"): "select 1",
    (
        "marts_conversation_timeliness",
        "outcomes_are_all_obligations",
    ): "update marts.fct_conversation_timeliness set late_count = 9",
    ("marts_conversation_timeliness", "rule_id_is_not_null"): "select 1",
    (
        "marts_early_effort",
        "flag_follows_the_run",
    ): "update marts.fct_early_effort set is_flagged = true, consecutive_months_below = 0",
    ("marts_focus_goals", "uncontacted_are_passive"): "update marts.fct_focus_goals set uncontacted_count = 6",
    (
        "marts_benefit_recipients",
        "full_time_is_not_more_than_persons",
    ): "update marts.fct_benefit_recipients set full_time_persons = 11",
    (
        "marts_benefit_recipients",
        "share_needs_a_population",
    ): "update marts.fct_benefit_recipients set population_16_66 = null where municipality_code = '0147'",
    (
        "marts_benefit_recipients",
        "share_is_a_percentage",
    ): "update marts.fct_benefit_recipients set share_of_population_percentage = 101",
    ("marts_benefit_recipients", "population_16_66_is_not_null"): "select 1",
    ("marts_results", "spells_have_a_length"): "update marts.fct_results set average_spell_days = 0.5",
    ("marts_results", "weeks_fit_the_year"): "update marts.fct_results set average_weeks_on_support = -1",
    (
        "marts_category_assignments",
        "municipality_category_is_in_list",
    ): "insert into marts.fct_category_assignments by name (select 5 as municipality_category)",
    (
        "marts_category_assignments",
        "municipality_category_is_not_null",
    ): "insert into marts.fct_category_assignments by name (select 'official' as scenario_code)",
    ("marts_category_assignments", "category_says_why"): "select 1",
    (
        "marts_category_assignments",
        "percentages_lie_between_0_and_100",
    ): "insert into marts.fct_category_assignments by name (select 101 as passive_percentage)",
    (
        "marts_category_assignments",
        "category_agrees_with_the_goals",
    ): "insert into marts.fct_category_assignments by name (select 3 as municipality_category, false as is_result_met)",
    (
        "marts_category_assignments",
        "not_assessed_has_no_flips",
    ): "insert into marts.fct_category_assignments by name (select 0 as municipality_category, 3 as persons_to_flip)",
    (
        "marts_category_assignments",
        "flips_take_somebody",
    ): "insert into marts.fct_category_assignments by name (select 0 as persons_to_flip)",
    (
        "marts_category_assignments",
        "probability_is_one",
    ): "insert into marts.fct_category_assignments by name (select 1.1 as category_probability)",
    ("marts_category_assignments", "municipality_is_assessed"): "select 1",
    ("marts_supervision", "status_is_in_list"): "insert into marts.fct_supervision by name (select 'x' as status)",
    ("marts_supervision", "selected_has_a_year"): "insert into marts.fct_supervision by name"
    " (select 'selected' as status, 2025 as entered_year, 2024 as statement_year)",
    (
        "marts_timeliness_and_results",
        "on_time_share_is_in_range",
    ): "insert into marts.fct_timeliness_and_results by name (select 2 as on_time_share)",
    (
        "marts_timeliness_and_results",
        "quadrant_code_is_in_list",
    ): "insert into marts.fct_timeliness_and_results by name (select 'low' as quadrant_code)",
    (
        "marts_benefit_levels",
        "expected_source_is_in_list",
    ): "insert into marts.fct_benefit_levels by name (select 'guess' as expected_source)",
    (
        "marts_benefit_levels",
        "model_has_every_municipality",
    ): "delete from marts.fct_benefit_levels where municipality_code = '0101'",
    ("marts_benefit_levels", "published_has_every_municipality"): "select 1",
    ("marts_benefit_levels", "ranks_run_from_1_without_gap"): "select 1",
    (
        "marts_benefit_levels",
        "model_difference_is_actual_less_expected",
    ): "update marts.fct_benefit_levels set actual_percentage = 101 where municipality_code = '0147'",
    (
        "marts_benefit_levels",
        "interval_holds_the_difference",
    ): "update marts.fct_benefit_levels set difference_upper_95 = -9 where expected_source = 'model'",
    (
        "marts_benefit_levels",
        "published_has_no_interval",
    ): "update marts.fct_benefit_levels set difference_standard_error = 1 where expected_source = 'published'",
    (
        "marts_benefit_levels",
        "published_rank_is_not_contradicted",
    ): "update marts.fct_benefit_levels set published_benchmark_rank = 1 where municipality_code = '0860'",
    ("marts_benefit_levels", "actual_is_a_percentage"): "select 1",
    (
        "marts_similar_municipalities",
        "similarity_rank_is_in_range",
    ): "insert into marts.fct_similar_municipalities by name (select 6 as similarity_rank)",
    (
        "marts_similar_municipalities",
        "nobody_resembles_itself",
    ): "insert into marts.fct_similar_municipalities by name"
    " (select '0101' as municipality_code, '0101' as similar_municipality_code)",
    (
        "marts_similar_municipalities",
        "nearest_come_first",
    ): "update marts.fct_similar_municipalities set expected_percentage_difference = 0 where similarity_rank = 4",
    ("marts_follow_up", "status_is_in_list"): "insert into marts.fct_follow_up by name (select 'x' as status)",
    ("marts_follow_up", "shares_lie_between_0_and_1"): "insert into marts.fct_follow_up by name"
    " (select 1.1 as baseline_share)",
    (
        "marts_follow_up",
        "follow_up_comes_after_baseline",
    ): "insert into marts.fct_follow_up by name"
    " (select date '2018-06-01' as baseline_month, date '2018-06-01' as follow_up_month)",
    ("marts_follow_up", "no_status_without_a_share"): "select 1",
    (
        "marts_follow_up",
        "list_is_the_municipality_s",
    ): "update marts.fct_follow_up set is_on_list = false where target_group_code = 'sygedagpengemodtagere'",
    (
        "marts_timeliness_and_results_correlation",
        "coefficients_lie_between_minus_1_and_1",
    ): "update marts.fct_timeliness_and_results_correlation set pearson = 1.1",
    ("marts_timeliness_and_results_correlation", "intervals_hold_the_coefficients"): "select 1",
    (
        "marts_timeliness_and_results_correlation",
        "too_few_have_no_coefficient",
    ): "update marts.fct_timeliness_and_results_correlation set municipality_count = 3",
    ("marts_measure_results", "measure_id_is_in_list"): "insert into marts.fct_measure_results by name"
    " (select 'x' as measure_id)",
    ("marts_measure_results", "period_has_a_length"): "insert into marts.fct_measure_results by name"
    " (select date '2024-12-02' as period_start_date, date '2024-12-01' as period_end_date)",
    ("marts_measure_results", "shares_lie_between_0_and_1"): "insert into marts.fct_measure_results by name"
    " (select 'share' as unit, 1.1 as measure_value)",
    ("marts_measure_results", "nothing_is_divided_by_nothing"): "insert into marts.fct_measure_results by name"
    " (select 'share' as unit, 0.0 as measure_value, 0 as denominator_count)",
    ("marts_months", "every_loaded_month_is_there"): "delete from marts.fct_results where month = date '2024-11-01'",
    ("marts_months", "no_other_month_is_there"): "update marts.fct_results set month = date '2025-01-01'",
    **{
        ("marts_due_rows", f"{name}_has_what_is_due"): f"delete from marts.fct_{name} where {group}"
        for name, group in {
            "category_assignments": "scenario_code = 'kl_all'",
            "supervision": "scenario_code = 'kl_all'",
            "timeliness_and_results": "municipality_code = '0860'",
            "early_effort": "month = date '2024-11-01'",
            "benefit_levels": "expected_source = 'model' and benefit_area_code = 'dagpenge'",
            "similar_municipalities": "municipality_code = '0860'",
            "follow_up": "municipality_code = '0860'",
        }.items()
    },
    (
        "marts_due_rows",
        "timeliness_and_results_correlation_has_what_is_due",
    ): "insert into marts.fct_timeliness_and_results_correlation by name (select '2024QMAT02' as period_code)",
}

RELEASE_BREAKS: dict[tuple[str, str], str] = {
    ("release_no_persons", "no_column_names_a_person"): "alter table main.dim_rules add column person_key varchar",
    ("release_no_persons", "no_column_can_hold_a_hash"): "alter table main.dim_rules add column number ubigint",
    (
        "release_municipalities",
        "every_municipality_is_there",
    ): "delete from main.dim_municipalities where municipality_code = '0101'",
    (
        "release_focus_goals_against_the_last",
        "national_passive_share_is_stable",
    ): "update main.rpt_focus_goals set passive_share = 0.9 where municipality_code = '0000'",
    (
        "release_benefit_recipients_against_the_last",
        "national_person_count_is_stable",
    ): "update main.rpt_benefit_recipients set person_count = 20 where municipality_code = '0000'",
    **_mart_breaks("release", "main.rpt"),
}
for _mart in MARTS:
    _suite, _table = f"release_{_mart.name}", f"main.rpt_{_mart.name}"
    RELEASE_BREAKS[_suite, "is_suppressed_is_not_null"] = (
        f"insert into {_table} by name (select null::boolean as is_suppressed)"
    )
    if _mart.persons:
        RELEASE_BREAKS[_suite, "no_small_count_is_visible"] = (
            f"insert into {_table} by name (select 2 as {_mart.persons[-1]})"
        )
        RELEASE_BREAKS[_suite, "suppressed_rows_hide_something"] = (
            f"update {_table} set is_suppressed = true where municipality_code = '0147'"
        )
        RELEASE_BREAKS[_suite, "nothing_is_hidden_in_silence"] = (
            f"insert into {_table} by name (select false as is_suppressed)"
        )
    for _share in _mart.shares:
        if _share.numerator:
            RELEASE_BREAKS[_suite, "no_small_rest_can_be_subtracted"] = (
                f"insert into {_table} by name (select 9 as {_share.numerator}, 10 as {_share.denominator})"
            )
            RELEASE_BREAKS[_suite, "hidden_numerators_hide_their_shares"] = (
                f"insert into {_table} by name (select null as {_share.numerator}, 0.5 as {_share.name})"
            )
for _name in ("measure_results", "area_measure_results"):
    _suite, _insert = (
        f"release_{_name}",
        f"insert into main.rpt_{_name} by name (select 'passive_share' as measure_id, ",
    )
    RELEASE_BREAKS |= {
        (_suite, "is_suppressed_is_not_null"): f"{_insert} null::boolean as is_suppressed)",
        (_suite, "no_small_count_is_visible"): f"{_insert} 1 as numerator_count)",
        (_suite, "no_small_rest_can_be_subtracted"): f"{_insert} 9 as numerator_count, 10 as denominator_count)",
        (_suite, "shares_lie_between_0_and_1"): f"{_insert} 1.1 as measure_value)",
    }
RELEASE_BREAKS |= {
    (
        "release_rows_against_the_last",
        "no_table_shrinks",
    ): "delete from main.rpt_supervision where municipality_code > '0200'",
    ("release_tables", "every_table_is_there"): "drop table main.rpt_revisions",
    ("release_tables", "only_tables_for_readers"): "create table main.int_stock as select 1 as one",
    ("release_tables", "release_describes_itself"): "drop table meta.release",
}
