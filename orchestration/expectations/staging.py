"""Suites of the staging layer: nothing is lost on the way, every code is in its dated list, no input is missing.

The rows themselves were proved in raw; staging only renames them, so its suites read counts per month and code.
"""

from collections.abc import Sequence
from datetime import date

from orchestration.expectations.reference import codes, municipalities
from orchestration.expectations.suites import Suite, between, holds, in_set, months_filter, not_null

# Data sets that must have come for every loaded month, or be accepted as missing in a seed of decisions.
REQUIRED_EVERY_MONTH = ("conversations", "active_offers", "ordinary_hours")

# Staged table (without prefix), the column with a code, and the seed that lists it with its validity.
_CODES = (
    ("benefit_periods", "benefit_group_code", "benefit_groups", "benefit_group_code"),
    ("benefit_periods", "municipality_code", "municipalities", "municipality_code"),
    ("conversations", "conversation_type_code", "conversation_types", "conversation_type_code"),
    ("conversations", "contact_form_code", "contact_forms", "contact_form_code"),
    ("conversations", "conversation_status_code", "conversation_statuses", "conversation_status_code"),
    ("active_offers", "offer_type_code", "offer_types", "offer_type_code"),
    ("framework_conditions", "covariate_code", "framework_covariates", "covariate_code"),
)
_OF_PERSONS = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")
_STAGED = (*_OF_PERSONS, "population", "framework_conditions")


def staging_suites(months: Sequence[date] | None = None) -> list[Suite]:
    """The suites of schema staging. A failed error check stops the release, not the build.

    ``months`` (first days) limits the reading of persons' rows to those that were built anew; None reads all.
    """
    return [
        _inputs_suite(),
        _rows_suite(months),
        _codes_suite(months),
        _population_suite(),
        _conditions_suite(),
        _published_suite(),
    ]


def _inputs_suite() -> Suite:
    required = ", ".join(f"('{dataset}')" for dataset in REQUIRED_EVERY_MONTH)
    return Suite(
        name="staging_inputs",
        layer="staging",
        table="staging.stg_extracts__batches",
        source=f"""
            select
                required.dataset_code,
                loaded.month,
                delivered.month is not null as is_delivered,
                accepted.month is not null and trim(coalesce(accepted.reason, '')) <> '' as is_accepted
            from (
                select month from staging.stg_extracts__batches where dataset_code = 'benefit_periods' group by month
            ) as loaded
            cross join (values {required}) as required (dataset_code)
            left join (
                select dataset_code, month from staging.stg_extracts__batches group by dataset_code, month
            ) as delivered
                on required.dataset_code = delivered.dataset_code and loaded.month = delivered.month
            left join seeds.accepted_missing_inputs as accepted
                on required.dataset_code = accepted.dataset and loaded.month = accepted.month
        """,
        named_by=("dataset_code", "month"),
        checks=(
            holds(
                "every_input_is_delivered_or_accepted",
                "is_delivered or is_accepted",
                "Conversations, offers and hours came for every loaded month, or the month stands with a reason in"
                " seeds/decisions/accepted_missing_inputs.csv: a data set that never came counts as empty and makes"
                " every citizen look left alone.",
                ("dataset_code", "month"),
            ),
            holds(
                "no_acceptance_is_needed",
                "is_delivered",
                "No data set is missing, accepted or not.",
                ("dataset_code", "month"),
                "warn",
            ),
        ),
    )


def _filter(table: str, months: Sequence[date] | None) -> str:
    """Tables of persons are large and read by month; the others are small, and come whenever they are published."""
    return months_filter("month", months if table in _OF_PERSONS else None)


def _rows_suite(months: Sequence[date] | None) -> Suite:
    staged = " union all ".join(
        f"select '{name}' as dataset_code, month, count(*) as staged_rows"
        f" from staging.stg_extracts__{name}{_filter(name, months)} group by month"
        for name in _STAGED
    )
    batches = " union all ".join(
        f"select dataset_code, month, row_count from (select * from staging.stg_extracts__batches"
        f"{_filter(name, months)}) as batches where dataset_code = '{name}'"
        for name in _STAGED
    )
    return Suite(
        name="staging_rows",
        layer="staging",
        table="staging.stg_extracts__batches",
        source=f"""
            select
                coalesce(staged.dataset_code, batches.dataset_code) as dataset_code,
                coalesce(staged.month, batches.month) as month,
                coalesce(staged.staged_rows, 0) as staged_rows,
                coalesce(batches.batch_rows, 0) as batch_rows
            from ({staged}) as staged
            full join (
                select dataset_code, month, sum(row_count) as batch_rows
                from ({batches}) as chosen
                group by dataset_code, month
            ) as batches
                on staged.dataset_code = batches.dataset_code and staged.month = batches.month
        """,
        is_summary=True,
        named_by=("dataset_code", "month"),
        checks=(
            holds(
                "no_row_is_lost_or_doubled",
                "staged_rows = batch_rows",
                "Each data set and month has in staging exactly the rows of the batch that stands in raw.",
                ("row_count",),
            ),
        ),
    )


def _codes_suite(months: Sequence[date] | None) -> Suite:
    # Rows without a code are a group that passes: a filter would reach the rows, and cast each code twice.
    used = " union all ".join(
        f"""
        select
            '{table}.{column}' as place,
            used.code,
            used.month,
            used.code is null or listed.code is not null as is_in_force
        from (
            select {column}::varchar as code, month
            from staging.stg_extracts__{table}{_filter(table, months)}
            group by {column}, month
        ) as used
        left join (
            select {seed_column}::varchar as code, min(valid_from_date) as from_date, max(valid_to_date) as to_date
            from seeds.{seed}
            group by {seed_column}
        ) as listed
            on used.code = listed.code
            and listed.from_date <= last_day(used.month)
            and listed.to_date > used.month
        """
        for table, column, seed, seed_column in _CODES
    )
    return Suite(
        name="staging_codes",
        layer="staging",
        table="staging.stg_extracts__*",
        source=used,
        is_summary=True,
        named_by=("place", "code", "month"),
        checks=(
            holds(
                "every_code_is_in_force",
                "is_in_force",
                "Every code stands in its reference seed, on a row in force some day of the month.",
                tuple(dict.fromkeys(column for _, column, _, _ in _CODES)),
            ),
        ),
    )


def _population_suite() -> Suite:
    count = len(municipalities())
    return Suite(
        name="staging_population",
        layer="staging",
        table="staging.stg_extracts__population",
        named_by=("month", "supplier_code"),
        checks=(
            in_set("municipality_code", municipalities(), f"The municipality is one of the {count}."),
            between("population_16_66", "Somebody lives there.", minimum=0, strict_minimum=True),
            in_set(
                "supplier_code",
                codes("reference/suppliers", "supplier_code"),
                "The supplier has a row of its own in seeds/reference/suppliers.csv; the population of any other one"
                " counts after theirs.",
                "warn",
            ),
            holds(
                "month_ends_a_quarter",
                "month(month) % 3 = 0",
                "The population is that of a quarter's last month; one of another month is never used.",
                ("month",),
                "warn",
            ),
            holds(
                "all_municipalities_have_population",
                f"count(*) over (partition by month, supplier_code) = {count}",
                f"A quarter has the population of all {count} municipalities; else shares of the population are null.",
                ("municipality_code",),
                "warn",
            ),
        ),
    )


def _conditions_suite() -> Suite:
    cells = len(municipalities()) * len(codes("reference/framework_covariates", "covariate_code"))
    return Suite(
        name="staging_framework_conditions",
        layer="staging",
        table="staging.stg_extracts__framework_conditions",
        named_by=("period_code",),
        checks=(
            in_set("municipality_code", municipalities(), "The municipality is one of the code list."),
            holds(
                "period_is_complete",
                f"count(*) over (partition by period_code) = {cells}",
                f"A period has all {cells} framework conditions (municipalities × covariates); else it has no model.",
                ("period_code",),
                "warn",
            ),
        ),
    )


def _published_suite() -> Suite:
    """Published expected levels (table y30r21). An empty table is legal: nothing was fetched."""
    return Suite(
        name="staging_published_levels",
        layer="staging",
        table="staging.stg_jobindsats__y30r21",
        named_by=("period_code",),
        checks=(
            not_null("municipality_code", "Every published municipality is one that the project knows.", "warn"),
            in_set("municipality_code", municipalities(), "The municipality is one of the code list."),
            holds(
                "period_code_has_its_form",
                "regexp_full_match(period_code, '[0-9]{4}QMAT0[24]')",
                "The period is four quarters that end with the second or the fourth.",
                ("period_code",),
            ),
        ),
    )
