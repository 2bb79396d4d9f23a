"""The accessibility statement."""

from __future__ import annotations

from orchestration.site.context import Site
from orchestration.site.parts import Page, Paragraph, Section


def page(site: Site) -> Page:
    """The accessibility statement."""
    w = site.w
    section = Section(paragraphs=[Paragraph(w.text("accessibility_text")), Paragraph(w.text("accessibility_known"))])
    return Page("accessibility.html", w.text("accessibility"), [section])
