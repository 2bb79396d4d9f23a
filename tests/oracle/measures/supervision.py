"""§11 Supervision: from one annual statement to the next."""

from __future__ import annotations

from .. import rules
from ..rows import MartRows
from ..world import World
from .category_assignments import compute as category_assignments


def compute(world: World) -> MartRows:
    """One row per scenario, annual statement (QMAT04) and municipality."""
    return world.once("supervision", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("supervision", world.municipalities)
    categories = category_assignments(world)
    statements = sorted({str(key[1]) for key in categories if str(key[1]).endswith("04")})
    held_back = {(review.municipality, review.period_code) for review in world.qualitative_reviews}
    for scenario in rules.SCENARIOS:
        assessed = [
            code
            for code in statements
            if any(
                values["municipality_category"] != 0
                for key, values in categories.items()
                if key[:2] == (scenario.code, code)
            )
        ]
        run_in = assessed[0] if scenario.is_kl and assessed else None
        for municipality in world.municipalities:
            status, entered_year = "none", None
            for code in statements:
                row = categories[scenario.code, code, municipality]
                if row["municipality_category"] == 0:
                    pass  # leaves the status
                elif status in ("none", "ended"):
                    is_stopped = (municipality, code) in held_back or code == run_in
                    status = "selected" if row["municipality_category"] == 4 and not is_stopped else "none"
                    entered_year = int(code[:4]) if status == "selected" else entered_year
                else:
                    focus = [row["is_conversations_met"]]
                    if row["passive_limit_percentage"] is not None:
                        focus.append(row["is_offers_met"])
                    is_exit = all(focus) or (scenario.is_kl and bool(row["is_result_met"]))
                    status = "ended" if is_exit else "in_recovery"
                key = (scenario.code, int(code[:4]), municipality)
                result.put(key, {"status": status, "entered_year": entered_year})
    return result
