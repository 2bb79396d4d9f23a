"""§12 Follow-up letters: the minister's list."""

from __future__ import annotations

from fractions import Fraction

from .. import rules
from ..rows import MartRows, rounded
from ..world import World
from .conversation_coverage import compute as conversation_coverage


def compute(world: World) -> MartRows:
    """One row per round whose two months are loaded, municipality and target group."""
    return world.once("follow_up", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("follow_up", world.municipalities)
    coverage = conversation_coverage(world)
    for code, baseline_month, follow_up_month in rules.FOLLOW_UP_ROUNDS:
        if not (world.is_loaded(baseline_month) and world.is_loaded(follow_up_month)):
            continue
        for municipality in world.municipalities:
            well_below = 0
            rows: dict[str, dict[str, object]] = {}
            for group in rules.TARGET_GROUPS:
                before = coverage[baseline_month, municipality, group]["sufficient_share"]
                after_row = coverage[follow_up_month, municipality, group]
                after = after_row["sufficient_share"]
                national = coverage[follow_up_month, "0000", group]["sufficient_share"]
                change = status = is_improved = None
                if isinstance(before, Fraction) and isinstance(after, Fraction):
                    change = 100 * (after - before)
                    is_improved = rounded(change) >= rules.IMPROVED_PERCENTAGE_POINTS
                if isinstance(after, Fraction) and isinstance(national, Fraction):
                    if rounded(after) < rounded(national - rules.WELL_BELOW_SHARE):
                        status = "well_below"
                    else:
                        status = "below" if rounded(after) < rounded(national) else "at_or_above"
                persons = after_row["person_count"]
                assert isinstance(persons, int)
                well_below += status == "well_below" and persons >= rules.FOLLOW_UP_MINIMUM_PERSONS
                rows[group] = {
                    "baseline_month": baseline_month,
                    "follow_up_month": follow_up_month,
                    "baseline_share": before,
                    "follow_up_share": after,
                    "change_percentage_points": change,
                    "national_follow_up_share": national,
                    "status": status,
                    "is_improved": is_improved,
                }
            for group, values in rows.items():
                is_on_list = well_below >= rules.FOLLOW_UP_MINIMUM_GROUPS
                result.put((code, municipality, group), values | {"is_on_list": is_on_list})
    return result
