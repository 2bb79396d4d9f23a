"""Suites of the intermediate layer: months, segments, stock and activity, on which every measure stands."""

from collections.abc import Sequence
from datetime import date

from orchestration.expectations.suites import Suite, between, holds, months_filter, not_null

_KNOWN_MUNICIPALITY = "municipality_code in (select known.municipality_code from seeds.municipalities as known)"


def intermediate_suites(months: Sequence[date] | None = None) -> list[Suite]:
    """The suites of schema intermediate.

    ``months`` (first days) limits the reading of the tables of persons to the months that were built; None checks all.
    """
    return [
        _months_suite(),
        _segments_suite(months),
        _stock_suite(months),
        _conversations_suite(months),
        _offer_days_suite(months),
        _model_status_suite(),
        _diagnostics_suite(),
    ]


def _of_months(table: str, months: Sequence[date] | None) -> str:
    return f"select * from intermediate.{table}{months_filter('month', months)}"


def _months_suite() -> Suite:
    return Suite(
        name="intermediate_months",
        layer="intermediate",
        table="intermediate.int_months",
        named_by=("month",),
        checks=(
            holds(
                "calendar_is_right",
                "month = date_trunc('month', month) and as_of_date = last_day(month)"
                " and next_month_date = as_of_date + 1 and days_in_month = day(as_of_date)",
                "A month begins on its first day, is judged on its last, and has its calendar's number of days.",
                ("month", "as_of_date", "next_month_date", "days_in_month"),
            ),
            holds(
                "one_month_is_newest",
                "count(*) filter (where is_newest) over () = 1 and is_newest = (month = max(month) over ())"
                " and newest_as_of_date = max(as_of_date) over ()",
                "Exactly one month is the newest, and every row knows its last day: what lies after it is not yet due.",
                ("is_newest", "newest_as_of_date"),
            ),
            holds(
                "provisional_months_are_the_newest",
                "not is_provisional or not coalesce(lead(not is_provisional) over (order by month), false)",
                "No final month follows a provisional one.",
                ("is_provisional",),
            ),
            holds(
                "window_has_no_hole",
                "not has_hole_in_window",
                "No month is missing among the last twelve; else every share of twelve months is null.",
                ("has_hole_in_window",),
                "warn",
            ),
        ),
    )


def _segments_suite(months: Sequence[date] | None) -> Suite:
    return Suite(
        name="intermediate_benefit_segments",
        layer="intermediate",
        table="intermediate.int_benefit_segments",
        source=_of_months("int_benefit_segments", months),
        named_by=("month",),
        checks=(
            holds(
                "days_lie_in_the_month",
                "from_date <= to_date and from_date >= month and to_date <= last_day(month)",
                "A segment's days lie in its month, in their order.",
                ("from_date", "to_date"),
            ),
            holds(
                "spells_begin_before_the_segment",
                "benefit_spell_start_date is not null and benefit_spell_start_date <= from_date"
                " and coalesce(support_spell_start_date <= from_date, true)",
                "Nobody's spell begins after the days it covers.",
                ("benefit_spell_start_date", "support_spell_start_date"),
            ),
            holds(
                "support_belongs_to_scope",
                "is_in_scope = (support_spell_start_date is not null)",
                "A support spell runs exactly on the benefits in supervision scope.",
                ("is_in_scope", "support_spell_start_date"),
            ),
            between("benefit_fraction", "It is paid for a share of full time above 0.", 0, 1, strict_minimum=True),
            holds(
                "municipality_is_known",
                _KNOWN_MUNICIPALITY,
                "The municipality is one of the code list.",
                ("municipality_code",),
            ),
            holds(
                "target_group_lies_in_scope",
                "target_group_code is null or is_in_scope",
                "The six target groups are on benefits in supervision scope.",
                ("target_group_code",),
            ),
        ),
    )


def _stock_suite(months: Sequence[date] | None) -> Suite:
    return Suite(
        name="intermediate_stock",
        layer="intermediate",
        table="intermediate.int_stock",
        source=_of_months("int_stock", months),
        named_by=("month",),
        checks=(
            holds(
                "spells_begin_by_the_as_of_date",
                "benefit_spell_start_date <= last_day(month)"
                " and coalesce(support_spell_start_date <= last_day(month), true)",
                "Nobody in the stock has a spell that begins after the month's last day.",
                ("benefit_spell_start_date", "support_spell_start_date"),
            ),
            not_null("benefit_completed_months", "Everybody in the stock has a time on the benefit."),
            between("benefit_completed_months", "Time on the benefit is not negative.", minimum=0),
            holds(
                "time_on_support_belongs_to_scope",
                "is_in_scope = (support_completed_months is not null)"
                " and coalesce(support_completed_months >= 0, true)",
                "Exactly those in supervision scope have a time on support, and it is not negative.",
                ("support_completed_months", "is_in_scope"),
            ),
            holds(
                "municipality_is_known",
                _KNOWN_MUNICIPALITY,
                "The municipality is one of the code list.",
                ("municipality_code",),
            ),
        ),
    )


def _conversations_suite(months: Sequence[date] | None) -> Suite:
    return Suite(
        name="intermediate_counted_conversations",
        layer="intermediate",
        table="intermediate.int_counted_conversations",
        source=_of_months("int_counted_conversations", months),
        named_by=("month",),
        checks=(
            holds(
                "date_lies_in_the_month",
                "date_trunc('month', conversation_date) = month",
                "A counted conversation was held in its month.",
                ("conversation_date",),
            ),
        ),
    )


def _offer_days_suite(months: Sequence[date] | None) -> Suite:
    return Suite(
        name="intermediate_offer_days",
        layer="intermediate",
        table="intermediate.int_offer_days",
        source=_of_months("int_offer_days", months),
        named_by=("month",),
        checks=(
            holds(
                "days_lie_in_the_month",
                "from_date <= to_date and from_date >= month and to_date <= last_day(month)",
                "A run of offer days lies in its month, in its order.",
                ("from_date", "to_date"),
            ),
            holds(
                "runs_do_not_touch",
                "from_date > lag(to_date) over (partition by month, person_key order by from_date, to_date) + 1",
                "Runs of a person's offer days neither overlap nor touch: no day counts twice.",
                ("from_date", "to_date"),
            ),
        ),
    )


def _model_status_suite() -> Suite:
    return Suite(
        name="intermediate_model_status",
        layer="intermediate",
        table="intermediate.int_benefit_level__model_status",
        named_by=("period_code", "missing_en"),
        checks=(
            holds(
                "period_has_a_model",
                "is_complete",
                "A loaded period has all framework conditions and the population: else it has no expected level from"
                " the model, and the categories that need one are 0. Column missing_en of the table names what lacks.",
                ("is_complete", "missing_en"),
                "warn",
            ),
            holds(
                "what_lacks_is_named",
                "is_complete or (missing_count > 0 and missing_da <> '' and missing_en <> '')",
                "A period without a model says in Danish and English what it lacks.",
                ("missing_count", "missing_da", "missing_en"),
            ),
        ),
    )


def _diagnostics_suite() -> Suite:
    """How the model of the expected level fits. Bounds of good sense, not of law: what makes a statistician look."""
    return Suite(
        name="intermediate_model_diagnostics",
        layer="intermediate",
        table="intermediate.int_benefit_level__diagnostics",
        named_by=("period_code", "benefit_area_code"),
        checks=(
            holds(
                "country_is_as_expected",
                "abs(weighted_difference_sum) < 0.001",
                "Weighted with the population the differences add up to 0: the country as a whole is as expected.",
                ("weighted_difference_sum",),
            ),
            holds(
                "fit_is_a_fit",
                "municipality_count > column_count and coalesce(r_squared between 0 and 1 + 1e-9, true)"
                " and sigma_squared >= 0 and not isnan(sigma_squared)",
                "There are more municipalities than covariates, R² lies between 0 and 1, and there is a variance.",
                ("municipality_count", "column_count", "r_squared", "sigma_squared"),
            ),
            holds(
                "conditions_explain_something",
                "r_squared >= 0.3",
                "The framework conditions explain at least 30 per cent of the differences between municipalities.",
                ("r_squared",),
                "warn",
            ),
            holds(
                "no_municipality_decides_its_own_line",
                "largest_leverage < 0.95",
                "No municipality has a leverage of 0.95 or more: its expected level would be its own level.",
                ("largest_leverage",),
                "warn",
            ),
            holds(
                "covariates_are_not_each_others_copies",
                "largest_variance_inflation < 100",
                "No covariate has a variance inflation of 100 or more: its coefficient would mean nothing.",
                ("largest_variance_inflation",),
                "warn",
            ),
        ),
    )
