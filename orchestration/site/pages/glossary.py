"""The glossary."""

from __future__ import annotations

from orchestration.site.context import Site
from orchestration.site.parts import Page, Section
from orchestration.site.words import alphabetical

_TERMS = (
    "passive",
    "full_time",
    "obligation",
    "on_time",
    "expected",
    "support_spell",
    "rolling_year",
    "scenario",
    "provisional",
    "job_ready",
    "activity_ready",
    "education_ready",
    "sickness_benefit",
    "benefit_group",
    "target_group",
    "conversation",
    "deadline",
    "active_offer",
    "focus_goal",
    "result_goal",
    "framework",
    "category_1",
    "category_2",
    "category_3",
    "category_4",
    "supervision",
)


def page(site: Site) -> Page:
    """What the words mean."""
    w = site.w
    terms = sorted(
        ((w.text("term_" + t), w.text(f"term_{t}_text")) for t in _TERMS), key=lambda item: alphabetical(item[0])
    )
    return Page("glossary.html", w.text("glossary"), [Section(facts=terms)])
