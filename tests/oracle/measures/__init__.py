"""One module per mart; ``COMPUTE`` names them all."""

from __future__ import annotations

from collections.abc import Callable

from ..rows import MartRows
from ..world import World
from . import (
    benefit_levels,
    benefit_recipients,
    category_assignments,
    conversation_coverage,
    conversation_requests,
    conversation_timeliness,
    early_effort,
    focus_goals,
    follow_up,
    measure_results,
    offer_effort,
    passive_by_duration,
    results,
    similar_municipalities,
    supervision,
    timeliness_and_results,
)

COMPUTE: dict[str, Callable[[World], MartRows]] = {
    "conversation_coverage": conversation_coverage.compute,
    "conversation_timeliness": conversation_timeliness.compute,
    "conversation_requests": conversation_requests.compute,
    "early_effort": early_effort.compute,
    "focus_goals": focus_goals.compute,
    "passive_by_duration": passive_by_duration.compute,
    "offer_effort": offer_effort.compute,
    "benefit_recipients": benefit_recipients.compute,
    "benefit_levels": benefit_levels.compute,
    "results": results.compute,
    "category_assignments": category_assignments.compute,
    "similar_municipalities": similar_municipalities.compute,
    "supervision": supervision.compute,
    "follow_up": follow_up.compute,
    "timeliness_and_results": timeliness_and_results.compute,
    "timeliness_and_results_correlation": timeliness_and_results.compute_correlation,
    "measure_results": measure_results.compute,
}
