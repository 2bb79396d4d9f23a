"""Suites of the marts: what every measure's table must show before a release may carry it.

A table's facts (which share is which count over which) stand once, in ``MARTS``; the checks follow from them. The
release's suites use the same facts.
"""

from dataclasses import dataclass

from orchestration.expectations.due import due_suite
from orchestration.expectations.reference import codes, municipalities, parameter
from orchestration.expectations.suites import Check, Suite, between, holds, in_set, not_null

COUNTRY = "0000"
_RESULT_MET = codes("rules/rule_category_decisions", "municipality_category", result_status="met")


@dataclass(frozen=True)
class Share:
    """A share (0–1) and the columns that it is made of; ``numerator`` is None when the table does not show it."""

    name: str
    denominator: str
    numerator: str | None = None


@dataclass(frozen=True)
class Mart:
    """Facts of one measure's table (``fct_`` and ``rpt_``).

    ``per`` are the key columns beside the municipality. ``counts`` never are negative. Rows exist for every
    municipality (and the country when ``has_country``) in every group of ``per``. ``persons`` are the counts of persons
    that disclosure control hides when small; ``is_monthly``: the table has rows for every loaded month;
    ``other_figures``: what else a suppressed row hides; ``looks_ahead``: it has rows of other months too.
    """

    name: str
    per: tuple[str, ...]
    counts: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    has_country: bool = True
    is_monthly: bool = True
    persons: tuple[str, ...] = ()
    other_figures: tuple[str, ...] = ()
    looks_ahead: bool = False

    @property
    def named_by(self) -> tuple[str, ...]:
        """What names its rows in a failed check: months alone, since with their groups five names would be of one."""
        return ("month",) if "month" in self.per else self.per


MARTS: tuple[Mart, ...] = (
    Mart(
        "conversation_coverage",
        ("month", "target_group_code"),
        ("person_count", "sufficient_count"),
        (Share("sufficient_share", "person_count", "sufficient_count"),),
        persons=("person_count", "sufficient_count"),
        other_figures=("average_conversation_count",),
    ),
    Mart(
        "conversation_timeliness",
        ("month", "target_group_code", "sequence_number"),
        (
            "obligation_count",
            "on_time_count",
            "late_count",
            "missing_count",
            "not_yet_due_count",
            "excluded_count",
        ),
        (Share("on_time_share", "obligation_count", "on_time_count"),),
        persons=("obligation_count", "on_time_count"),
        looks_ahead=True,
    ),
    Mart(
        "conversation_requests",
        ("month",),
        ("requested_count", "within_10_days_count"),
        (Share("within_10_days_share", "requested_count", "within_10_days_count"),),
        persons=("requested_count", "within_10_days_count"),
    ),
    Mart(
        "early_effort",
        ("month",),
        ("person_count", "consecutive_months_below"),
        (Share("conversations_met_share", "person_count"), Share("offer_met_share", "person_count")),
        is_monthly=False,
        persons=("person_count",),
    ),
    Mart(
        "focus_goals",
        ("month", "benefit_group_code"),
        ("person_count", "passive_count", "few_conversations_count", "uncontacted_count"),
        (
            Share("passive_share", "person_count", "passive_count"),
            Share("few_conversations_share", "person_count", "few_conversations_count"),
            Share("uncontacted_share", "person_count", "uncontacted_count"),
        ),
        persons=("person_count", "passive_count", "few_conversations_count", "uncontacted_count"),
    ),
    Mart(
        "passive_by_duration",
        ("month", "benefit_group_code", "duration_band_code"),
        ("person_count", "passive_count"),
        (Share("passive_share", "person_count", "passive_count"),),
        persons=("person_count", "passive_count"),
    ),
    Mart(
        "offer_effort",
        ("month", "benefit_group_code"),
        ("person_count", "four_weeks_count", "reached_six_months_count", "first_offer_in_time_count"),
        (
            Share("four_weeks_share", "person_count", "four_weeks_count"),
            Share("first_offer_in_time_share", "reached_six_months_count", "first_offer_in_time_count"),
        ),
        persons=("person_count", "four_weeks_count", "reached_six_months_count", "first_offer_in_time_count"),
    ),
    Mart(
        "benefit_recipients",
        ("month", "benefit_group_code"),
        ("person_count", "full_time_persons"),
        persons=("person_count",),
        other_figures=("share_of_population_percentage",),
    ),
    Mart(
        "results",
        ("month", "benefit_group_code"),
        ("full_time_persons", "ended_spell_count", "retained_count"),
        (Share("retained_share", "ended_spell_count", "retained_count"),),
        persons=("ended_spell_count", "retained_count"),
        other_figures=("full_time_persons_change", "average_spell_days", "average_weeks_on_support"),
    ),
    Mart("category_assignments", ("scenario_code", "period_code"), has_country=False, is_monthly=False),
    Mart("supervision", ("scenario_code", "statement_year"), has_country=False, is_monthly=False),
    Mart(
        "timeliness_and_results",
        ("period_code",),
        has_country=False,
        is_monthly=False,
    ),
)

# Further checks of single tables, beyond what follows from the facts above.
_MORE: dict[str, tuple[Check, ...]] = {
    "conversation_coverage": (
        holds(
            "window_is_open", "from_months < to_months and required_count >= 1", "The window has a length and a demand."
        ),
        not_null("rule_id", "Every figure names the rule that decided it."),
    ),
    "conversation_timeliness": (
        holds(
            "outcomes_are_all_obligations",
            "obligation_count = on_time_count + late_count + missing_count",
            "Every obligation was met on time, late, or not at all.",
        ),
        not_null("rule_id", "Every figure names the rule that decided it."),
    ),
    "early_effort": (
        holds(
            "flag_follows_the_run",
            "is_flagged is not null and (not is_flagged or consecutive_months_below > 0)",
            "Nobody is flagged without a run of months below.",
        ),
    ),
    "focus_goals": (
        holds(
            "uncontacted_are_passive",
            "uncontacted_count <= passive_count and uncontacted_count <= few_conversations_count",
            "Those left wholly to themselves are passive and had few conversations.",
        ),
    ),
    "benefit_recipients": (
        holds(
            "full_time_is_not_more_than_persons",
            "full_time_persons <= person_count + 1e-6",
            "No group has more full-time persons than persons.",
        ),
        holds(
            "share_needs_a_population",
            "(share_of_population_percentage is null) = (population_16_66 is null)",
            "The share of the population is null exactly where the population is.",
        ),
        holds(
            "share_is_a_percentage",
            "share_of_population_percentage between 0 and 100",
            "No more people are on a benefit than live there.",
            severity="warn",
        ),
        not_null("population_16_66", "A quarter with the population of every municipality ended by then.", "warn"),
    ),
    "results": (
        holds("spells_have_a_length", "average_spell_days >= 1", "An ended spell lasted at least a day."),
        holds(
            "weeks_fit_the_year",
            "average_weeks_on_support >= 0",
            "Weeks on support are not negative.",
        ),
    ),
    "category_assignments": (
        in_set(
            "municipality_category",
            tuple(map(int, codes("reference/category_names", "municipality_category"))),
            "A category is 0 (not assessed) or 1 to 4.",
        ),
        not_null("municipality_category", "Every municipality has a category, 0 when it was not assessed."),
        holds(
            "category_says_why",
            "trim(coalesce(reason_da, '')) <> '' and trim(coalesce(reason_en, '')) <> ''",
            "Every category has its reason in Danish and English.",
        ),
        holds(
            "percentages_lie_between_0_and_100",
            "coalesce(passive_percentage between 0 and 100, true)"
            " and coalesce(few_conversations_percentage between 0 and 100, true)",
            "The two focus goals are percentages.",
        ),
        holds(
            "category_agrees_with_the_goals",
            "municipality_category = 0 or coalesce(is_result_met = (municipality_category in "
            f"({', '.join(_RESULT_MET)})), false)",
            "The categories of the decision table in which the result goal is met have met it, the others have not.",
        ),
        holds(
            "not_assessed_has_no_flips",
            "municipality_category <> 0 or (persons_to_flip is null and category_probability is null)",
            "Category 0 has no distance in persons and no probability.",
        ),
        holds("flips_take_somebody", "persons_to_flip >= 1", "A goal is flipped by at least one person."),
        holds(
            "probability_is_one",
            "category_probability between 0 and 1",
            "The probability of a category lies between 0 and 1.",
        ),
        holds(
            "municipality_is_assessed",
            "municipality_category <> 0",
            "Every municipality could be assessed; the reason of category 0 says what lacks.",
            severity="warn",
        ),
    ),
    "supervision": (
        in_set(
            "status", ("none", "selected", "held_back", "in_recovery", "ended"), "The status is one of the machine's."
        ),
        holds(
            "selected_has_a_year",
            "status not in ('selected', 'in_recovery', 'ended') or entered_year <= statement_year",
            "Whoever is or was under supervision entered it in this year or an earlier one.",
        ),
    ),
    "timeliness_and_results": (
        between("on_time_share", "A share lies between 0 and 1.", 0, 1),
        in_set("quadrant_code", codes("reference/quadrants", "quadrant_code"), "The quadrant is one of the four."),
    ),
}


def marts_suites() -> list[Suite]:
    """The suites of schema marts: one per fact table, one about the months and one about the periods that are due.

    A failed error stops the release.
    """
    return [
        *(_mart_suite(mart) for mart in MARTS),
        _benefit_levels_suite(),
        _similar_suite(),
        _follow_up_suite(),
        _correlation_suite(),
        _measure_results_suite(),
        _months_suite(),
        due_suite(),
    ]


def share_checks(mart: Mart) -> list[Check]:
    """Counts and shares of a table: signs, ranges, parts within wholes, nothing divided by nothing."""
    checks: list[Check] = []
    if mart.counts:
        condition = " and ".join(f"coalesce({column} >= 0, true)" for column in mart.counts)
        checks.append(holds("counts_are_not_negative", condition, "No count is negative.", mart.counts))
    if mart.shares:
        names = [share.name for share in mart.shares]
        condition = " and ".join(f"coalesce({name} between 0 and 1, true)" for name in names)
        checks.append(holds("shares_lie_between_0_and_1", condition, "A share lies between 0 and 1.", names))
    parts = [(share.numerator, share.denominator) for share in mart.shares if share.numerator]
    if parts:
        condition = " and ".join(f"coalesce({part} <= {whole}, true)" for part, whole in parts)
        columns = tuple(dict.fromkeys(column for pair in parts for column in pair))
        checks.append(holds("parts_lie_within_wholes", condition, "No numerator exceeds its denominator.", columns))
    if mart.shares:
        condition = " and ".join(
            f"({share.name} is null or coalesce({share.denominator} > 0, true))" for share in mart.shares
        )
        checks.append(
            holds(
                "nothing_is_divided_by_nothing",
                condition,
                "Where the denominator is 0 the share is null, never 0.",
                tuple(dict.fromkeys(share.denominator for share in mart.shares)),
            )
        )
    return checks


def completeness_check(mart: Mart, months_table: str) -> Check:
    """Every municipality (and the country) has its row in every group of the table.

    ``months_table`` lists the loaded months: beyond them the table of obligations has rows only where something is due.
    """
    expected = len(municipalities()) + int(mart.has_country)
    whom = f"{expected} rows: the {len(municipalities())} municipalities" + (
        f" and the country ({COUNTRY})" if mart.has_country else ""
    )
    condition = f"count(*) over (partition by {', '.join(mart.per)}) = {expected}"
    if mart.looks_ahead:
        condition = f"{condition} or month not in (select months.month from {months_table} as months)"
    return holds(
        "every_municipality_has_its_row",
        condition,
        f"Each {' × '.join(mart.per)} has {whom}.",
        ("municipality_code",),
    )


def _mart_suite(mart: Mart) -> Suite:
    return Suite(
        name=f"marts_{mart.name}",
        layer="marts",
        table=f"marts.fct_{mart.name}",
        named_by=mart.named_by,
        checks=(completeness_check(mart, "intermediate.int_months"), *share_checks(mart), *_MORE.get(mart.name, ())),
    )


def _benefit_levels_suite() -> Suite:
    count = len(municipalities())
    group = "period_code, benefit_area_code, expected_source"
    return Suite(
        name="marts_benefit_levels",
        layer="marts",
        table="marts.fct_benefit_levels",
        named_by=("period_code", "benefit_area_code", "expected_source"),
        checks=(
            in_set("expected_source", ("published", "model"), "The expected level is published or the model's."),
            holds(
                "model_has_every_municipality",
                f"expected_source <> 'model' or count(*) over (partition by {group}) = {count}",
                f"A fit of the model has rows for all {count} municipalities.",
                ("municipality_code",),
            ),
            holds(
                "published_has_every_municipality",
                f"expected_source <> 'published' or count(*) over (partition by {group}) = {count}",
                f"A published period and area has rows for all {count} municipalities.",
                ("municipality_code",),
                "warn",
            ),
            holds(
                "ranks_run_from_1_without_gap",
                "(benchmark_rank is null) = (difference_percentage_points is null)"
                f" and coalesce(max(benchmark_rank) over (partition by {group})"
                f" = count(difference_percentage_points) over (partition by {group})"
                f" and min(benchmark_rank) over (partition by {group}) = 1, true)",
                "Ranks run from 1 to the number of municipalities with a difference, in every period, area and source.",
                ("benchmark_rank",),
            ),
            holds(
                "model_difference_is_actual_less_expected",
                "expected_source <> 'model'"
                " or abs(difference_percentage_points - (actual_percentage - expected_percentage)) < 1e-6",
                "The model's difference is the actual less the expected percentage: negative is good.",
                ("difference_percentage_points",),
            ),
            holds(
                "interval_holds_the_difference",
                "difference_percentage_points between difference_lower_95 and difference_upper_95"
                " and difference_standard_error >= 0",
                "The interval holds the difference, and the standard error is not negative.",
                ("difference_lower_95", "difference_upper_95", "difference_standard_error"),
            ),
            holds(
                "published_has_no_interval",
                "expected_source <> 'published' or (difference_standard_error is null and difference_lower_95 is null)",
                "Published rows have no standard error: nobody published one.",
                ("difference_standard_error",),
            ),
            holds(
                "published_rank_is_not_contradicted",
                "expected_source <> 'published' or coalesce(published_benchmark_rank >= max(published_benchmark_rank)"
                f" over (partition by {group} order by round(difference_percentage_points, "
                f"{int(parameter('comparison_decimals'))})"
                " range between unbounded preceding and current row exclude group), true)",
                "No municipality with a strictly smaller published difference has a larger published rank.",
                ("published_benchmark_rank",),
                "warn",
            ),
            holds(
                "actual_is_a_percentage",
                "actual_percentage between 0 and 100",
                "The actual level is between 0 and 100 per cent of the population.",
                ("actual_percentage",),
                "warn",
            ),
        ),
    )


def _similar_suite() -> Suite:
    count = int(parameter("similar_municipality_count"))
    return Suite(
        name="marts_similar_municipalities",
        layer="marts",
        table="marts.fct_similar_municipalities",
        named_by=("period_code",),
        checks=(
            between("similarity_rank", f"Similar municipalities are ranked 1 to {count}.", 1, count),
            holds(
                "nobody_resembles_itself",
                "similar_municipality_code <> municipality_code",
                "No municipality is listed as similar to itself.",
                ("similar_municipality_code",),
            ),
            holds(
                "nearest_come_first",
                "abs(expected_percentage_difference) >= coalesce(max(abs(expected_percentage_difference)) over ("
                "partition by period_code, municipality_code order by similarity_rank"
                " rows between unbounded preceding and 1 preceding), 0) - 1e-9",
                "A municipality further down the list is not nearer.",
                ("expected_percentage_difference",),
            ),
        ),
    )


def _follow_up_suite() -> Suite:
    return Suite(
        name="marts_follow_up",
        layer="marts",
        table="marts.fct_follow_up",
        named_by=("round_code", "target_group_code"),
        checks=(
            in_set("status", ("well_below", "below", "at_or_above"), "The status is one of the letters' three."),
            holds(
                "shares_lie_between_0_and_1",
                "coalesce(baseline_share between 0 and 1, true) and coalesce(follow_up_share between 0 and 1, true)"
                " and coalesce(national_follow_up_share between 0 and 1, true)",
                "A share lies between 0 and 1.",
                ("baseline_share", "follow_up_share", "national_follow_up_share"),
            ),
            holds(
                "follow_up_comes_after_baseline",
                "follow_up_month > baseline_month",
                "The follow-up month comes after the baseline month.",
                ("follow_up_month", "baseline_month"),
            ),
            holds(
                "no_status_without_a_share",
                "(status is null) = (follow_up_share is null)",
                "A row has a status exactly where it has a share.",
                ("status",),
            ),
            holds(
                "list_is_the_municipality_s",
                "count(*) filter (where is_on_list) over (partition by round_code, municipality_code)"
                " in (0, count(*) over (partition by round_code, municipality_code))",
                "Whether a municipality is on the list is the same on all its rows.",
                ("is_on_list",),
            ),
        ),
    )


def _correlation_suite() -> Suite:
    minimum = int(parameter("correlation_minimum_municipalities"))
    return Suite(
        name="marts_timeliness_and_results_correlation",
        layer="marts",
        table="marts.fct_timeliness_and_results_correlation",
        named_by=("period_code",),
        checks=(
            holds(
                "coefficients_lie_between_minus_1_and_1",
                "coalesce(pearson between -1 and 1, true) and coalesce(spearman between -1 and 1, true)",
                "A coefficient lies between -1 and 1.",
                ("pearson", "spearman"),
            ),
            holds(
                "intervals_hold_the_coefficients",
                "coalesce(pearson between pearson_lower_95 and pearson_upper_95, true)"
                " and coalesce(spearman between spearman_lower_95 and spearman_upper_95, true)",
                "The interval holds the coefficient.",
                ("pearson_lower_95", "pearson_upper_95", "spearman_lower_95", "spearman_upper_95"),
            ),
            holds(
                "too_few_have_no_coefficient",
                f"municipality_count >= {minimum} or (pearson is null and spearman is null)",
                f"Fewer than {minimum} municipalities have no coefficient.",
                ("municipality_count",),
            ),
        ),
    )


def _measure_results_suite() -> Suite:
    return Suite(
        name="marts_measure_results",
        layer="marts",
        table="marts.fct_measure_results",
        named_by=("measure_id",),
        checks=(
            in_set("measure_id", codes("reference/measures", "measure_id"), "The measure is one of the list."),
            holds(
                "period_has_a_length",
                "period_start_date <= period_end_date",
                "A period ends on or after the day it starts.",
                ("period_start_date", "period_end_date"),
            ),
            holds(
                "shares_lie_between_0_and_1",
                "unit <> 'share' or measure_value between 0 and 1",
                "A measure whose unit is a share lies between 0 and 1.",
                ("measure_value",),
            ),
            holds(
                "nothing_is_divided_by_nothing",
                "unit <> 'share' or measure_value is null or coalesce(denominator_count > 0, true)",
                "Where the denominator is 0 the share is null, never 0.",
                ("denominator_count",),
            ),
        ),
    )


def _months_suite() -> Suite:
    """Every loaded month is in every monthly table, and tables of obligations alone look past the newest month."""
    monthly = [mart for mart in MARTS if mart.is_monthly]
    present = " union all ".join(
        f"select '{mart.name}' as mart, month from marts.fct_{mart.name} group by month" for mart in monthly
    )
    names = ", ".join(f"('{mart.name}')" for mart in monthly)
    ahead = ", ".join(f"'{mart.name}'" for mart in monthly if mart.looks_ahead)
    return Suite(
        name="marts_months",
        layer="marts",
        table="marts.fct_*",
        source=f"""
            with present as ({present}),
            expected as (
                select marts.mart, months.month
                from (values {names}) as marts (mart)
                cross join (select month from intermediate.int_months) as months
            )
            select
                coalesce(expected.mart, present.mart) as mart,
                coalesce(expected.month, present.month) as month,
                expected.month is not null as is_loaded,
                present.month is not null as is_present
            from expected
            full join present on expected.mart = present.mart and expected.month = present.month
        """,
        named_by=("mart", "month"),
        checks=(
            holds(
                "every_loaded_month_is_there",
                "is_present",
                "Every loaded month has rows in every monthly table.",
                ("month",),
            ),
            holds(
                "no_other_month_is_there",
                f"is_loaded or mart in ({ahead})",
                "No monthly table has a month that is not loaded, but for obligations that are not yet due.",
                ("month",),
            ),
        ),
    )
