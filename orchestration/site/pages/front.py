"""The front page: what is new in the release, and the country as a whole."""

from __future__ import annotations

from orchestration.site.context import Site
from orchestration.site.data import COUNTRY
from orchestration.site.pages import categories
from orchestration.site.parts import Cell, Column, Page, Paragraph, Section, Table


def page(site: Site) -> Page:
    """What changed, and the country as a whole."""
    w, data = site.w, site.data
    intro = Section(paragraphs=[Paragraph(w.text("front_intro"), "lead")])
    if data.newest_month:
        intro.paragraphs.append(Paragraph(w.text("newest_month", month=w.month(data.newest_month))))
    if data.newest_period:
        period = site.period(data.newest_period)
        intro.paragraphs.append(Paragraph(w.text("newest_period", period=period)))
    changed = Section(w.text("changed"), "changed")
    count = data.tables.get("rpt_revisions", 0)
    if count:
        changed.paragraphs.append(Paragraph(w.text("changed_count", count=w.number(count))))
        changed.links.append((w.text("revisions"), "revisions.html"))
    else:
        is_first = data.manifest["previous_release_id"] is None
        changed.paragraphs.append(Paragraph(w.text("changed_first" if is_first else "changed_none")))
    picture = Section(w.text("national_picture"), "country")
    rows, keys = [], []
    for measure in data.measures:
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        group, month = data.main_group(name), data.newest_of(name)
        if group is None or month is None:
            continue
        row = data.measure_rows[name].get((group, month), {}).get(COUNTRY)
        rows.append(
            [
                Cell(site.measure_name(measure), href=f"measures/{name}.html"),
                site.measured(row, unit),
                Cell(site.unit_name(unit)),
                Cell(site.group_name(group)),
                Cell(site.month(month, row)),
            ]
        )
        keys.append(name)
    picture.tables.append(
        Table(
            "national",
            w.text("national_picture"),
            # Figures next to their names: a phone shows the first columns.
            [
                Column(w.text("measure")),
                Column(w.text("value"), True),
                Column(w.text("unit")),
                Column(w.text("group")),
                Column(w.text("month")),
            ],
            rows,
            keys,
            empty=w.text("missing_table", table="rpt_measure_results"),
        )
    )
    overview = categories.overview(site)
    overview.links.append((w.text("categories"), "categories.html"))
    return Page("index.html", w.text("site_title"), [intro, changed, picture, overview])
