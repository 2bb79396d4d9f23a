"""§5 Conversations on request: held within ten days of the citizen's asking?"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from .. import rules
from ..calendar import month_of
from ..rows import MartRows, both, ratio
from ..world import World


def compute(world: World) -> MartRows:
    """One row per loaded month and municipality."""
    return world.once("conversation_requests", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("conversation_requests", {"0000", *world.municipalities})
    newest = world.newest_as_of
    requested: Counter[tuple[date, str]] = Counter()
    within: Counter[tuple[date, str]] = Counter()
    for row in world.conversation_rows:
        if row.requested_date is None or newest is None:
            continue
        limit = row.requested_date + timedelta(days=rules.REQUEST_DAYS)
        if limit > newest:
            continue
        for municipality in both(row.municipality):
            key = month_of(row.requested_date), municipality
            requested[key] += 1
            if row.status == "held" and row.conversation_date <= limit:
                within[key] += 1
    for month in world.loaded_months:
        for municipality in ("0000", *world.municipalities):
            key = month, municipality
            result.put(
                key,
                {
                    "requested_count": requested[key],
                    "within_10_days_count": within[key],
                    "within_10_days_share": ratio(within[key], requested[key]),
                },
            )
    return result
