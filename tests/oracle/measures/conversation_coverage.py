"""§4 Conversation coverage: enough counted conversations within the spell so far?"""

from __future__ import annotations

from collections import defaultdict

from .. import rules
from ..calendar import last_day
from ..rows import MartRows, both, ratio
from ..world import World


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality and target group."""
    return world.once("conversation_coverage", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("conversation_coverage", {"0000", *world.municipalities})
    for month in world.loaded_months:
        as_of = last_day(month)
        conversations: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in world.stock(month):
            if row.target_group is None:
                continue
            window = rules.window(row.target_group, as_of)
            if window.from_months <= row.benefit_months < window.to_months:
                count = row.person.conversations_between(row.benefit_spell.first, as_of)
                for municipality in both(row.municipality):
                    conversations[municipality, row.target_group].append(count)
        for group in rules.TARGET_GROUPS:
            window = rules.window(group, as_of)
            for municipality in ("0000", *world.municipalities):
                counts = conversations[municipality, group]
                sufficient = sum(1 for count in counts if count >= window.required_count)
                result.put(
                    (month, municipality, group),
                    {
                        "person_count": len(counts),
                        "sufficient_count": sufficient,
                        "sufficient_share": ratio(sufficient, len(counts)),
                        "average_conversation_count": ratio(sum(counts), len(counts)),
                        "required_count": window.required_count,
                        "from_months": window.from_months,
                        "to_months": window.to_months,
                        "rule_id": window.rule_id,
                    },
                )
    return result
