"""What each released table holds, so that disclosure control knows which figures are about how many persons.

Every table `rpt_*` needs a declaration here and every number in it must be named; a table or a number that is not
declared stops the release, because a figure nobody thought about could give a person away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Text, dates and flags describe a row and are never figures; only columns of numbers must be declared one by one.
DESCRIBING_TYPES = ("VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "TIMESTAMP WITH TIME ZONE")


class UndeclaredTable(ValueError):
    """A table, or a column of numbers, that no declaration names: the release stops."""


@dataclass(frozen=True)
class Share:
    """A share and the two counts of its own row that it is made of.

    `share` may be None (a numerator without a share column) and `numerator` may name a column that the table does not
    have: it is then worked out as share x denominator.
    """

    share: str | None
    numerator: str | None
    denominator: str


@dataclass(frozen=True)
class Declaration:
    """How one table is protected.

    keys: the columns that make a row, in the order in which rows are sorted.
    people: counts of persons (or of obligations, spells, requests); 1 or 2 hides every figure of the row.
    shares: numerator, denominator and share; a numerator or complement of 1 or 2 hides numerator and share.
    counts: counts that stand alone; 1 or 2 hides that count.
    figures: sums, averages and other numbers about the same persons: hidden with the row.
    words: text that repeats the row's figures: emptied when a figure it repeats is hidden.
    ranks: places by a figure, with the columns within which they are counted: hidden with the row, and counted anew
        among the rows that are shown, since a gap would tell between which figures the hidden one lies.
    open: numbers that are no figures about persons: thresholds, sequence numbers, population, places as published.
    """

    table: str
    keys: tuple[str, ...]
    people: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    counts: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    ranks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open: tuple[str, ...] = ()

    @property
    def figure_columns(self) -> tuple[str, ...]:
        """Every column that disclosure control may empty, each once, in a fixed order."""
        names: list[str] = list(self.people)
        for share in self.shares:
            names += [name for name in (share.denominator, share.numerator, share.share) if name]
        names += [*self.counts, *self.figures, *self.ranks, *self.words]
        return tuple(dict.fromkeys(names))


_MONTH = ("month", "municipality_code")
_MONTH_GROUP = ("month", "municipality_code", "benefit_group_code")

DECLARATIONS: dict[str, Declaration] = {
    declaration.table: declaration
    for declaration in (
        Declaration(
            "rpt_conversation_coverage",
            ("month", "municipality_code", "target_group_code"),
            people=("person_count",),
            shares=(Share("sufficient_share", "sufficient_count", "person_count"),),
            figures=("average_conversation_count",),
            open=("required_count", "from_months", "to_months"),
        ),
        Declaration(
            "rpt_conversation_timeliness",
            ("month", "municipality_code", "target_group_code", "sequence_number"),
            people=("obligation_count",),
            shares=(Share("on_time_share", "on_time_count", "obligation_count"),),
            counts=("late_count", "missing_count", "not_yet_due_count", "excluded_count"),
            open=("sequence_number", "required_count", "offset_value"),
        ),
        Declaration(
            "rpt_conversation_requests",
            _MONTH,
            people=("requested_count",),
            shares=(Share("within_10_days_share", "within_10_days_count", "requested_count"),),
        ),
        Declaration(
            "rpt_early_effort",
            _MONTH,
            people=("person_count",),
            shares=(
                Share("conversations_met_share", "conversations_met_count", "person_count"),
                Share("offer_met_share", "offer_met_count", "person_count"),
            ),
            open=("consecutive_months_below",),
        ),
        Declaration(
            "rpt_focus_goals",
            _MONTH_GROUP,
            people=("person_count",),
            shares=(
                Share("passive_share", "passive_count", "person_count"),
                Share("few_conversations_share", "few_conversations_count", "person_count"),
                Share("uncontacted_share", "uncontacted_count", "person_count"),
            ),
        ),
        Declaration(
            "rpt_passive_by_duration",
            (*_MONTH_GROUP, "duration_band_code"),
            people=("person_count",),
            shares=(Share("passive_share", "passive_count", "person_count"),),
            open=("duration_band_order",),
        ),
        Declaration(
            "rpt_offer_effort",
            _MONTH_GROUP,
            people=("person_count", "reached_six_months_count"),
            shares=(
                Share("four_weeks_share", "four_weeks_count", "person_count"),
                Share("first_offer_in_time_share", "first_offer_in_time_count", "reached_six_months_count"),
            ),
        ),
        Declaration(
            "rpt_benefit_recipients",
            _MONTH_GROUP,
            people=("person_count",),
            figures=("full_time_persons", "share_of_population_percentage"),
            open=("population_16_66",),
        ),
        Declaration(
            "rpt_benefit_levels",
            ("period_code", "municipality_code", "benefit_area_code", "expected_source"),
            figures=(
                "actual_full_time_persons",
                "difference_full_time_persons",
                "actual_percentage",
                "difference_percentage_points",
                "difference_lower_95",
                "difference_upper_95",
                "potential_dkk",
            ),
            ranks={"benchmark_rank": ("period_code", "benefit_area_code", "expected_source")},
            open=(
                "expected_full_time_persons",
                "expected_percentage",
                "difference_standard_error",
                "published_benchmark_rank",
            ),
        ),
        Declaration(
            "rpt_results",
            _MONTH_GROUP,
            people=("ended_spell_count",),
            shares=(Share("retained_share", "retained_count", "ended_spell_count"),),
            figures=(
                "full_time_persons",
                "full_time_persons_change",
                "average_spell_days",
                "average_weeks_on_support",
            ),
        ),
        Declaration(
            "rpt_category_assignments",
            ("scenario_code", "period_code", "municipality_code"),
            figures=(
                "difference_percentage_points",
                "category_probability",
                "result_distance",
                "result_persons_to_flip",
                "passive_percentage",
                "passive_distance",
                "passive_persons_to_flip",
                "few_conversations_percentage",
                "few_conversations_distance",
                "few_conversations_persons_to_flip",
                "persons_to_flip",
            ),
            words=("reason_da", "reason_en"),
            open=(
                "result_margin",
                "passive_limit_percentage",
                "few_conversations_limit_percentage",
                "municipality_category",
                "category_order",
            ),
        ),
        Declaration(
            "rpt_similar_municipalities",
            ("period_code", "municipality_code", "similarity_rank"),
            open=("similarity_rank", "expected_percentage_difference"),
        ),
        Declaration(
            "rpt_supervision",
            ("scenario_code", "statement_year", "municipality_code"),
            words=("reason_da", "reason_en"),
            open=("statement_year", "entered_year", "municipality_category"),
        ),
        Declaration(
            "rpt_follow_up",
            ("round_code", "municipality_code", "target_group_code"),
            figures=("baseline_share", "follow_up_share", "change_percentage_points"),
            open=("national_follow_up_share",),
        ),
        Declaration(
            "rpt_timeliness_and_results",
            ("period_code", "municipality_code"),
            figures=("on_time_share", "difference_percentage_points"),
        ),
        Declaration(
            "rpt_timeliness_and_results_correlation",
            ("period_code",),
            open=(
                "municipality_count",
                "pearson",
                "pearson_lower_95",
                "pearson_upper_95",
                "spearman",
                "spearman_lower_95",
                "spearman_upper_95",
            ),
        ),
        Declaration(
            "rpt_measure_results",
            ("measure_id", "period_start_date", "period_end_date", "municipality_code", "group_code"),
            shares=(Share("measure_value", "numerator_count", "denominator_count"),),
        ),
        Declaration(
            "rpt_area_measure_results",
            ("area_type_code", "area_code", "measure_id", "month", "group_code"),
            shares=(Share("measure_value", "numerator_count", "denominator_count"),),
        ),
        Declaration(
            "rpt_threshold_sensitivity",
            (
                "period_code",
                "result_margin",
                "passive_limit_percentage",
                "few_conversations_limit_percentage",
                "municipality_category",
            ),
            open=(
                "result_margin",
                "passive_limit_percentage",
                "few_conversations_limit_percentage",
                "municipality_category",
                "municipality_count",
            ),
        ),
        Declaration(
            "rpt_rank_uncertainty",
            ("period_code", "municipality_code", "measure_id", "expected_source"),
            shares=(Share("measure_value", None, "measured_count"),),
            figures=(
                "funnel_lower_95",
                "funnel_upper_95",
                "funnel_lower_998",
                "funnel_upper_998",
                # How likely a place is tells the figure nearly as well as the place does.
                "rank_lower_95",
                "rank_upper_95",
                "best_ten_probability",
                "worst_ten_probability",
            ),
            ranks={"rank": ("period_code", "measure_id", "expected_source")},
            words=("funnel_position_code",),
            open=("funnel_target", "funnel_overdispersion"),
        ),
        Declaration(
            "rpt_revisions",
            ("release_id", "table_name", "key", "column_name"),
            open=("delivery",),
        ),
        Declaration(
            "rpt_published_against_computed",
            _MONTH_GROUP,
            figures=(
                "computed",
                "difference",
                "relative_difference",
                "computed_person_count",
                "person_count_difference",
                "person_count_relative_difference",
            ),
            words=("is_within_tolerance", "is_person_count_within_tolerance"),
            open=("published", "published_person_count"),
        ),
        Declaration(
            "rpt_published_revisions",
            ("table_id", "period_code", "municipality_code", "column_name", "vintage"),
            open=("old_value", "new_value", "vintage"),
        ),
    )
}


def declaration_of(table: str, columns: dict[str, str]) -> Declaration:
    """The declaration of `table`; every column of numbers must be named in it.

    columns: column name -> DuckDB type. Raises UndeclaredTable naming table and column.
    """
    declaration = DECLARATIONS.get(table)
    if declaration is None:
        raise UndeclaredTable(
            f"{table}: no declaration in orchestration/lib/disclosure/declarations.py says which of its columns are "
            "counts and shares of persons, so it may not be released"
        )
    missing_keys = [key for key in declaration.keys if key not in columns]
    if missing_keys:
        raise UndeclaredTable(f"{table}: key column(s) {', '.join(missing_keys)} are missing")
    known = {*declaration.figure_columns, *declaration.open, *declaration.keys}
    for column, kind in columns.items():
        if column not in known and not kind.startswith(DESCRIBING_TYPES):
            raise UndeclaredTable(
                f"{table}.{column} ({kind}): a column of numbers that its declaration in "
                "orchestration/lib/disclosure/declarations.py does not name, so it may not be released"
            )
    return declaration
