"""The measures in one long table, one row per row of the source table."""

from __future__ import annotations

from datetime import date

from ..calendar import last_day, period_months
from ..rows import MartRows
from ..world import World
from . import (
    benefit_levels,
    benefit_recipients,
    conversation_coverage,
    conversation_requests,
    conversation_timeliness,
    focus_goals,
    offer_effort,
    passive_by_duration,
    results,
)


def compute(world: World) -> MartRows:
    """One row per measure, period, municipality and group."""
    return world.once("measure_results", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("measure_results", {"0000", *world.municipalities})

    def monthly(
        measure: str, rows: MartRows, numerator: str, denominator: str, value: str, rule: str | None = None
    ) -> None:
        for key, values in rows.items():
            month, municipality, *group = key
            assert isinstance(month, date)
            group_code = ":".join(str(part) for part in group) or "all"
            expected = {
                "numerator_count": values[numerator],
                "denominator_count": values[denominator],
                "measure_value": values[value],
            }
            if rule is not None:
                expected["rule_id"] = values[rule]
            result.put((measure, month, last_day(month), municipality, group_code), expected)

    coverage = conversation_coverage.compute(world)
    monthly("conversation_coverage", coverage, "sufficient_count", "person_count", "sufficient_share", "rule_id")
    timeliness = conversation_timeliness.compute(world)
    monthly("conversation_timeliness", timeliness, "on_time_count", "obligation_count", "on_time_share", "rule_id")
    requests = conversation_requests.compute(world)
    monthly("conversation_within_10_days", requests, "within_10_days_count", "requested_count", "within_10_days_share")
    focus = focus_goals.compute(world)
    monthly("passive_share", focus, "passive_count", "person_count", "passive_share", "hours_rule_id")
    monthly("few_conversations_share", focus, "few_conversations_count", "person_count", "few_conversations_share")
    monthly("uncontacted_share", focus, "uncontacted_count", "person_count", "uncontacted_share")
    duration = passive_by_duration.compute(world)
    monthly("passive_share_by_duration", duration, "passive_count", "person_count", "passive_share")
    effort = offer_effort.compute(world)
    monthly("four_weeks_offer_share", effort, "four_weeks_count", "person_count", "four_weeks_share")
    monthly(
        "first_offer_by_6_months_share",
        effort,
        "first_offer_in_time_count",
        "reached_six_months_count",
        "first_offer_in_time_share",
    )
    recipients = benefit_recipients.compute(world)
    monthly("support_share", recipients, "full_time_persons", "population_16_66", "share_of_population_percentage")
    outcome = results.compute(world)
    monthly("retention_share", outcome, "retained_count", "ended_spell_count", "retained_share")

    for (month, municipality, group), values in recipients.items():
        assert isinstance(month, date)
        result.put(
            ("full_time_persons", month, last_day(month), municipality, group),
            {"denominator_count": None, "measure_value": values["full_time_persons"]},
        )
    for (month, municipality, group), values in outcome.items():
        assert isinstance(month, date)
        ended = results.ended_spells(world).get((month, str(municipality), str(group)), [])
        result.put(
            ("average_spell_days", month, last_day(month), municipality, group),
            {
                "numerator_count": results.spell_days(ended),
                "denominator_count": values["ended_spell_count"],
                "measure_value": values["average_spell_days"],
            },
        )
    for (period_code, municipality, area, source), values in benefit_levels.compute(world).items():
        if municipality not in world.municipalities:
            continue
        months = period_months(str(period_code))
        result.put(
            ("benefit_level_difference", months[0], last_day(months[-1]), municipality, f"{area}:{source}"),
            {"measure_value": values["difference_percentage_points"]},
        )
    return result
