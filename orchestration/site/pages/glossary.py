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
)


def page(site: Site) -> Page:
    """What the words mean."""
    w = site.w
    terms = sorted(
        ((w.text("term_" + t), w.text(f"term_{t}_text")) for t in _TERMS), key=lambda item: alphabetical(item[0])
    )
    return Page("glossary.html", w.text("glossary"), [Section(facts=terms)])
