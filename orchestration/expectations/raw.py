"""Suites of the raw layer: the accepted rows keep the contract, the books add up, the months follow each other.

Derived from the contracts. The loader quarantines what breaks a row rule; these suites prove it on what stands in raw.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from orchestration.expectations.reference import municipalities
from orchestration.expectations.suites import Check, Suite, between, holds, in_set, months_filter, not_null
from orchestration.lib.contracts import ColumnContract, DatasetContract, read_allowed_values

# How far a month's number of rows may lie from the month before, without a warning: not a rule of law, but what makes
# a person look. Seasons move the extracts by a tenth; a supplier who forgets a region moves them by more.
ROW_COUNT_BAND = (0.75, 1.33)

_LOADED_MONTHS = "select period as month from raw.current_batches where dataset = 'benefit_periods' group by period"


def raw_suites(contracts: Mapping[str, DatasetContract], periods: Sequence[date] | None = None) -> list[Suite]:
    """The suites of schema raw, one per data set and three about the whole.

    ``periods`` (first days of months) limits the reading of rows to what changed; give every period that was loaded
    since the raw checks last passed. None checks all. How many rows each batch has, the books and the months are
    checked whole.
    """
    datasets = [contract for contract in contracts.values() if contract.dataset_pattern is None]
    suites = [_dataset_suite(contract, periods) for contract in datasets]
    if any(contract.dataset_pattern for contract in contracts.values()):
        suites.append(_published_suite(periods))
    return [*suites, _tables_suite(datasets), _batches_suite(datasets, periods), _books_suite(), _months_suite()]


def _raw_name(column: ColumnContract) -> str:
    return "person_key" if column.is_personal_number else column.name


def _dataset_suite(contract: DatasetContract, periods: Sequence[date] | None) -> Suite:
    checks: list[Check] = []
    for column in contract.columns:
        checks += _column_checks(column)
    checks.append(
        holds(
            "load_columns_are_valid",
            "_period is not null and _period = date_trunc('month', _period) and coalesce(_delivery, 0) >= 1",
            "Every row says which month (its first day) and which delivery it came with.",
            ("_period", "_delivery"),
        )
    )
    columns = ", ".join([*(_raw_name(column) for column in contract.columns), "_period", "_delivery"])
    return Suite(
        name=f"raw_{contract.name}",
        layer="raw",
        table=f"raw.{contract.name}",
        checks=tuple(checks),
        source=f"select {columns} from raw.{contract.name}{months_filter('_period', periods)}",
        named_by=("_period", "_delivery"),
    )


def _column_checks(column: ColumnContract) -> list[Check]:
    """What the contract says of one column, as checks of the accepted rows."""
    name = _raw_name(column)
    checks: list[Check] = []
    if not column.is_nullable:
        checks.append(not_null(name, f"{name} is filled in every accepted row."))
    allowed = read_allowed_values(column)
    if allowed is not None:
        checks.append(in_set(name, allowed, f"{name} is one of the contract's {len(allowed)} values."))
    if column.minimum is not None or column.maximum is not None:
        checks.append(
            between(
                name,
                f"{name} lies in the contract's range {_range(column)}.",
                minimum=None if column.minimum is None else float(column.minimum),
                maximum=None if column.maximum is None else float(column.maximum),
                strict_minimum=column.minimum_is_exclusive,
                strict_maximum=column.maximum_is_exclusive,
            )
        )
    # The pattern of a person's number ends at the hash: the number itself is not here to be tested.
    if column.pattern is not None and not column.is_personal_number:
        condition = f"regexp_full_match({name}, '{column.pattern}')"
        checks.append(holds(f"{name}_has_its_form", condition, f"{name} is written as the contract says.", (name,)))
    if column.is_inside_period:
        # The last day is worked out once for many rows of a month, the month of a date would be for each row.
        condition = f"{name} between _period and last_day(_period)"
        checks.append(holds(f"{name}_is_in_period", condition, f"{name} lies in the delivery's month.", (name,)))
    if column.is_period_code:
        condition = f"{name} = year(_period) || 'QMAT0' || quarter(_period)"
        meaning = f"{name} is the code of the four quarters that end with the delivery's."
        checks.append(holds(f"{name}_is_of_period", condition, meaning, (name,)))
    if column.not_before_column is not None:
        limit = column.not_before_column
        condition, words = f"{name} >= {limit}", ""
        if column.not_before_when is not None:
            when = column.not_before_when
            condition = f"{when.column} <> '{when.value}' or {condition}"
            words = f" where {when.column} is {when.value}"
        meaning = f"{name} does not lie before {limit}{words}."
        checks.append(holds(f"{name}_is_not_before_{limit}", condition, meaning, (name, limit)))
    if column.not_after_column is not None:
        limit = column.not_after_column
        meaning = f"{name} does not lie after {limit}."
        checks.append(holds(f"{name}_is_not_after_{limit}", f"{name} <= {limit}", meaning, (name, limit)))
    return checks


def _range(column: ColumnContract) -> str:
    low = "" if column.minimum is None else f"{'above' if column.minimum_is_exclusive else 'from'} {column.minimum}"
    high = "" if column.maximum is None else f"{'below' if column.maximum_is_exclusive else 'to'} {column.maximum}"
    return " ".join(filter(None, (low, high)))


def _published_suite(periods: Sequence[date] | None) -> Suite:
    source = f"""
        select
            published.table_id,
            published._period,
            published.row_count,
            len(published.columns) as column_count,
            count(cells.row_number) as rows_found,
            count(*) filter (where len(cells.cells) <> len(published.columns)) as uneven_rows
        from raw.jobindsats_tables as published
        left join raw.jobindsats_rows as cells
            on published.table_id = cells.table_id
            and published._period = cells._period
            and published._delivery = cells._delivery
        {months_filter("published._period", periods)}
        group by published.table_id, published._period, published._delivery, published.row_count, published.columns
    """
    return Suite(
        name="raw_jobindsats",
        layer="raw",
        table="raw.jobindsats_tables",
        source=source,
        named_by=("table_id", "_period"),
        checks=(
            holds("table_has_columns", "column_count > 0", "A published table has columns.", ("columns",)),
            holds(
                "all_rows_are_stored",
                "rows_found = row_count",
                "As many rows are stored as the published table had.",
                ("row_count",),
            ),
            holds(
                "rows_fit_the_columns",
                "uneven_rows = 0",
                "Each published row has as many cells as the table has columns.",
                ("cells",),
            ),
        ),
    )


def _tables_suite(contracts: Sequence[DatasetContract]) -> Suite:
    """The raw tables have the contract's columns, with the person's number replaced, and no others."""
    expected = ", ".join(
        f"('{contract.name}', '{name}')"
        for contract in contracts
        for name in [*(_raw_name(column) for column in contract.columns), "_period", "_delivery"]
    )
    tables = ", ".join(f"'{contract.name}'" for contract in contracts)
    # Population comes from several suppliers; the loader adds which one.
    source = f"""
        with expected (table_name, column_name) as (values {expected}),
        actual as (
            select table_name, column_name
            from information_schema.columns
            where table_schema = 'raw' and table_name in ({tables})
                and (table_name, column_name) <> ('population', 'supplier')
        )
        select
            coalesce(expected.table_name, actual.table_name) as table_name,
            expected.column_name as expected_column,
            actual.column_name as actual_column
        from expected
        full join actual on expected.table_name = actual.table_name and expected.column_name = actual.column_name
    """
    return Suite(
        name="raw_columns",
        layer="raw",
        table="raw",
        source=source,
        named_by=("table_name", "expected_column", "actual_column"),
        checks=(
            holds(
                "contract_columns_are_there",
                "actual_column is not null",
                "Every column of the contracts stands in its raw table.",
            ),
            holds(
                "no_other_columns",
                "expected_column is not null",
                "No raw table has a column that its contract does not know (a person's number would be one).",
            ),
        ),
    )


def _batches_suite(contracts: Sequence[DatasetContract], periods: Sequence[date] | None) -> Suite:
    """Each batch that stands in raw: its rows are there, and as many as one expects; municipalities by `periods`."""
    counts = " union all ".join(
        f"select '{contract.name}' as dataset, _period as period, _delivery as delivery, count(*) as rows_found"
        f" from raw.{contract.name} group by _period, _delivery"
        for contract in contracts
    )
    places = " union all ".join(
        f"select '{contract.name}' as dataset, _period as period, _delivery as delivery,"
        f" count(distinct municipality_code) as municipality_count"
        f" from raw.{contract.name}{months_filter('_period', periods)} group by _period, _delivery"
        for contract in contracts
        if "municipality_code" in contract.column_names
    )
    names = ", ".join(f"'{contract.name}'" for contract in contracts)
    monthly = ", ".join(f"'{contract.name}'" for contract in contracts if contract.delivered_when == "every_month")
    low, high = ROW_COUNT_BAND
    source = f"""
        with counted as ({counts}),
        places as ({places}),
        batches as (
            select
                dataset,
                period,
                delivery,
                row_count,
                lag(row_count) over (partition by dataset order by period, delivery) as rows_before,
                lag(period) over (partition by dataset order by period, delivery) as period_before
            from raw.current_batches
            where dataset in ({names})
        )
        select
            coalesce(batches.dataset, counted.dataset) as dataset,
            coalesce(batches.period, counted.period) as period,
            batches.row_count,
            coalesce(counted.rows_found, 0) as rows_found,
            places.municipality_count,
            batches.dataset in ({monthly}) as is_monthly,
            case
                when batches.period_before = batches.period - interval 1 month then batches.rows_before
            end as rows_before
        from batches
        full join counted
            on batches.dataset = counted.dataset
            and batches.period = counted.period
            and batches.delivery = counted.delivery
        left join places
            on counted.dataset = places.dataset
            and counted.period = places.period
            and counted.delivery = places.delivery
    """
    return Suite(
        name="raw_batches",
        layer="raw",
        table="raw.current_batches",
        source=source,
        is_summary=True,
        named_by=("dataset", "period"),
        checks=(
            holds(
                "rows_are_those_of_the_batch",
                "row_count is not null and row_count = rows_found",
                "Each data set and month holds exactly the rows of the batch that stands there.",
                ("row_count",),
            ),
            holds(
                "row_count_is_near_the_month_before",
                f"not is_monthly or row_count between {low} * rows_before and {high} * rows_before",
                f"A monthly data set has between {low} and {high} times the rows of the month before.",
                ("row_count",),
                "warn",
            ),
            holds(
                "all_municipalities_deliver",
                f"dataset not in ('benefit_periods', 'population', 'framework_conditions')"
                f" or municipality_count = {len(municipalities())}",
                f"All {len(municipalities())} municipalities occur in benefits, population and framework conditions.",
                ("municipality_code",),
                "warn",
            ),
        ),
    )


def _books_suite() -> Suite:
    """Rows in the file = rows accepted + rows quarantined, for every data set of every delivery."""
    return Suite(
        name="raw_delivery_books",
        layer="raw",
        table="quality.delivery_datasets",
        source="""
            select
                books.dataset,
                books.period,
                books.delivery,
                books.rows_in_file,
                books.accepted,
                books.quarantined,
                batches.row_count,
                (
                    select count(*)
                    from quality.quarantined_rows as quarantined
                    where quarantined.dataset = books.dataset
                        and quarantined.period = books.period
                        and quarantined.delivery = books.delivery
                ) as quarantined_found
            from quality.delivery_datasets as books
            left join raw.current_batches as batches
                on books.dataset = batches.dataset
                and books.period = strftime(batches.period, '%Y-%m')
                and books.delivery = batches.delivery
        """,
        named_by=("dataset", "period", "delivery"),
        checks=(
            holds(
                "accepted_and_quarantined_are_all_rows",
                "rows_in_file is not null and rows_in_file = accepted + quarantined",
                "Rows in the file = rows accepted + rows quarantined: no row is lost.",
                ("rows_in_file", "accepted", "quarantined"),
            ),
            holds(
                "accepted_rows_stand_in_raw",
                "row_count = accepted",
                "A batch that stands in raw has as many rows as were accepted.",
                ("accepted",),
            ),
            holds(
                "quarantined_rows_are_kept",
                "quarantined = quarantined_found",
                "Every quarantined row is kept with its reason.",
                ("quarantined",),
            ),
        ),
    )


def _months_suite() -> Suite:
    """The loaded months follow each other."""
    return Suite(
        name="raw_loaded_months",
        layer="raw",
        table="raw.current_batches",
        source=f"""
            select month, lead(month) over (order by month) as next_month
            from ({_LOADED_MONTHS})
        """,
        named_by=("month",),
        checks=(
            holds(
                "no_hole_after_the_month",
                "next_month = month + interval 1 month",
                "No month is missing between two loaded ones: a hole ends spells and empties shares of twelve months.",
                ("period",),
                "warn",
            ),
        ),
    )
