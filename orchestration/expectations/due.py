"""Rows that must exist in the marts that are not simply monthly: periods, statements, rounds, published levels.

What is due is counted from what the tables are made for (the loaded months, the seeds, the published rows), never from
the tables themselves: a table that is empty, or lacks a whole period, breaks no check of its rows.
"""

from orchestration.expectations.suites import Suite, holds


def _in_force(day: str, table: str) -> str:
    return f"{day} >= {table}.valid_from_date and {day} < {table}.valid_to_date"


_SCENARIO_PERIODS = f"""
        from periods
        inner join seeds.scenarios on {_in_force("periods.period_end_date", "scenarios")}
        inner join period_municipalities on periods.period_code = period_municipalities.period_code
"""

# Rows that are due per table and group; a group of which nothing is due is not listed.
_DUE: dict[str, str] = {
    "category_assignments": f"""
        select scenarios.scenario_code || ' ' || periods.period_code, count(*) {_SCENARIO_PERIODS}
        group by all
    """,
    "supervision": f"""
        select scenarios.scenario_code || ' ' || year(periods.period_end_date), count(*) {_SCENARIO_PERIODS}
        where periods.is_annual_statement
        group by all
    """,
    "timeliness_and_results": "select period_code, count(*) from period_municipalities group by all",
    "timeliness_and_results_correlation": "select period_code, 1 from periods",
    "early_effort": f"""
        select strftime(months.month, '%Y-%m'), count(*) + 1 -- and the country
        from intermediate.int_months as months
        inner join seeds.municipalities on {_in_force("months.as_of_date", "municipalities")}
        where months.early_effort_completed_months is not null
        group by all
    """,
    "benefit_levels": f"""
        select 'model ' || modelled.period_code, count(*)
        from modelled
        inner join seeds.benefit_areas on {_in_force("modelled.period_end_date", "benefit_areas")}
        group by all
        union all
        select 'published ' || period_code, count(*) from staging.stg_jobindsats__y30r21 group by all
    """,
    "similar_municipalities": """
        select period_code, count(distinct municipality_code) as with_a_level
        from (
            select period_code, municipality_code from modelled
            where period_code not in (select period_code from published)
            union all
            select period_code, municipality_code from published where expected_percentage is not null
        )
        group by all
        having with_a_level > 1 -- one alone is like nobody
    """,
    "follow_up": f"""
        select rounds.round_code, count(*)
        from seeds.follow_up_rounds as rounds
        inner join intermediate.int_months as months on rounds.follow_up_month = months.month
        inner join seeds.municipalities on {_in_force("months.as_of_date", "municipalities")}
        inner join seeds.target_groups on {_in_force("months.as_of_date", "target_groups")}
        where rounds.baseline_month in (select month from intermediate.int_months)
        group by all
    """,
}

# The same groups as they stand in the tables.
_PRESENT: dict[str, str] = {
    "category_assignments": "scenario_code || ' ' || period_code, count(*)",
    "supervision": "scenario_code || ' ' || statement_year, count(*)",
    "timeliness_and_results": "period_code, count(*)",
    "timeliness_and_results_correlation": "period_code, count(*)",
    "early_effort": "strftime(month, '%Y-%m'), count(*)",
    "benefit_levels": "expected_source || ' ' || period_code, count(*)",
    "similar_municipalities": "period_code, count(distinct municipality_code)",
    "follow_up": "round_code, count(*)",
}

# Rolling years whose twelve months are loaded, from the months themselves. The second and the fourth quarter end one.
_PERIODS = f"""
    periods as (
        select
            printf('%dQMAT%02d', year(month), quarter(month)) as period_code,
            as_of_date as period_end_date,
            quarter(month) = 4 as is_annual_statement
        from intermediate.int_months
        where is_window_complete and month(month) in (6, 12)
    ),
    period_municipalities as (
        select periods.period_code, periods.period_end_date, municipalities.municipality_code
        from periods
        inner join seeds.municipalities on {_in_force("periods.period_end_date", "municipalities")}
    ),
    -- A period that the list of what lacks does not name lacks nothing.
    modelled as (
        select period_municipalities.*
        from period_municipalities
        left join intermediate.int_benefit_level__model_status as model_status
            on period_municipalities.period_code = model_status.period_code
        where coalesce(model_status.is_complete, true)
    ),
    published as (
        select period_code, municipality_code, expected_percentage
        from staging.stg_jobindsats__y30r21
        where benefit_area_code = 'all'
    )
"""


def due_suite() -> Suite:
    """One check per table: each group has exactly the rows that are due. Nothing due and nothing there passes."""
    due = " union all ".join(
        f"select '{name}' as mart, cast(due.one as varchar) as one, due.row_count from ({sql}) as due (one, row_count)"
        for name, sql in _DUE.items()
    )
    present = " union all ".join(
        f"select '{name}' as mart, cast(present.one as varchar) as one, present.row_count"
        f" from (select {columns} from marts.fct_{name} group by all) as present (one, row_count)"
        for name, columns in _PRESENT.items()
    )
    return Suite(
        name="marts_due_rows",
        layer="marts",
        table="marts.fct_*",
        source=f"""
            with {_PERIODS},
            due as ({due}),
            present as ({present})
            select
                coalesce(due.mart, present.mart) as mart,
                coalesce(due.one, present.one) as one,
                coalesce(due.row_count, 0) as due_count,
                coalesce(present.row_count, 0) as row_count
            from due
            full join present on due.mart = present.mart and due.one = present.one
        """,
        named_by=("mart", "one"),
        checks=tuple(
            holds(
                f"{name}_has_what_is_due",
                f"mart <> '{name}' or row_count = due_count",
                f"Every group of fct_{name} that is due by the loaded months, the seeds and the published rows is"
                " there with all its rows, and no other.",
                ("row_count", "due_count"),
            )
            for name in _DUE
        ),
        is_summary=True,
    )
