"""The page of a municipality."""

from __future__ import annotations

from markupsafe import Markup

from orchestration.site import charts
from orchestration.site.context import Site
from orchestration.site.data import COUNTRY, Row
from orchestration.site.parts import Cell, Column, Figure, Page, Paragraph, Section, Table

_GOALS = (
    (
        "goal_result",
        "is_result_met",
        "difference_percentage_points",
        "result_margin",
        "result_distance",
        "result_persons_to_flip",
        2,
    ),
    (
        "goal_offers",
        "is_offers_met",
        "passive_percentage",
        "passive_limit_percentage",
        "passive_distance",
        "passive_persons_to_flip",
        2,
    ),
    (
        "goal_conversations",
        "is_conversations_met",
        "few_conversations_percentage",
        "few_conversations_limit_percentage",
        "few_conversations_distance",
        "few_conversations_persons_to_flip",
        2,
    ),
)


def page(site: Site, code: str) -> Page:
    """A municipality: category and why, distances, all measures, the letters, its development."""
    sections = [*category_sections(site, code), compare_section(site, code), letters_section(site, code)]
    sections += [supervision_section(site, code), development_section(site, code)]
    return Page(f"municipalities/{code}.html", site.names[code], sections)


def category_sections(site: Site, code: str) -> list[Section]:
    """The category and its reasons, as rpt_category_assignments has them."""
    w = site.w
    if not site.scenarios:
        return [site.missing("rpt_category_assignments")]
    why = Section(w.text("why"), "why")
    official = site.assignments.get((site.scenarios[0], code))
    if official is None:
        why.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
        return [why]
    name = site.scenario_names.get(site.scenarios[0], site.scenarios[0])
    why.paragraphs.append(Paragraph(f"{site.category_title(official)} ({name}, {official['period_code']})", "result"))
    why.paragraphs.append(Paragraph(reason_of(site, official)))
    if official["persons_to_flip"] is not None:
        why.paragraphs.append(Paragraph(w.text("flip_text", count=w.number(int(official["persons_to_flip"])))))
    distances = Table(
        "distances",
        w.text("distances"),
        [
            Column(w.text("goal")),
            Column(w.text("value"), True),
            Column(w.text("limit"), True),
            Column(w.text("is_met")),
            Column(w.text("distance"), True),
            Column(w.text("flip"), True),
        ],
        [],
    )
    for key, met, value, limit, distance, flip, decimals in _GOALS:
        hidden = bool(official["is_suppressed"])
        numbers = {c: None if official[c] is None else float(official[c]) for c in (value, limit, distance)}
        in_force = numbers[limit] is not None
        state = (
            w.text("not_in_force")
            if official[met] is None and not in_force
            else w.text("undefined")
            if official[met] is None
            else w.text("yes" if official[met] else "no")
        )
        distances.rows.append(
            [
                Cell(w.text(key)),
                site.figure(numbers[value], w.number(numbers[value], decimals), hidden),
                site.figure(numbers[limit], w.number(numbers[limit], 1), False),
                Cell(state),
                site.figure(numbers[distance], w.number(numbers[distance], decimals, signed=True), hidden and in_force),
                site.figure(
                    None if official[flip] is None else int(official[flip]),
                    w.number(None if official[flip] is None else int(official[flip])),
                    hidden and in_force,
                ),
            ]
        )
        distances.keys.append(value)
    why.tables.append(distances)
    every = Section(w.text("all_scenarios"), "scenarios")
    table = Table(
        "scenario-categories",
        w.text("all_scenarios"),
        [
            Column(w.text("scenario")),
            Column(w.text("category")),
            Column(w.text("reason")),
            Column(w.text("flip"), True),
        ],
        [],
    )
    for scenario in site.scenarios:
        row = site.assignments.get((scenario, code))
        if row is not None:
            flips = row["persons_to_flip"]
            table.rows.append(
                [
                    Cell(site.scenario_names.get(scenario, scenario)),
                    Cell(site.category_title(row)),
                    Cell(reason_of(site, row)),
                    site.figure(
                        None if flips is None else int(flips),
                        w.number(None if flips is None else int(flips)),
                        bool(row["is_suppressed"]),
                    ),
                ]
            )
            table.keys.append(scenario)
    every.tables.append(table)
    return [why, every]


def reason_of(site: Site, row: Row) -> str:
    """The reason as the table has it, or that it is hidden."""
    reason = row[f"reason_{site.w.language}"]
    return site.w.text("reason_hidden") if reason is None else str(reason)


def compare_section(site: Site, code: str) -> Section:
    """All measures against the country and the similar municipalities."""
    w, data = site.w, site.data
    section = Section(w.text("compare"), "compare")
    similar: list[str] = []
    if data.has("rpt_similar_municipalities"):
        section.paragraphs.append(Paragraph(w.text("compare_text")))
        similar = data.similar.get(code, [])
    columns = [
        Column(w.text("measure")),
        Column(w.text("month")),
        Column(site.names[code], True),
        Column(w.text("country"), True),
    ]
    columns += [Column(site.names.get(other, other), True) for other in similar]
    rows, keys = [], []
    for measure in data.measures:
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        if name == "benefit_level_difference":
            if not site.levels:
                continue
            cells = [site.level_cell(other) for other in (code, *similar)]
            when = str(next(iter(site.levels.values()))["period_code"])
            rows.append(
                [
                    Cell(site.measure_name(measure), href=f"../measures/{name}.html"),
                    Cell(when),
                    cells[0],
                    Cell(w.text("undefined")),
                    *cells[1:],
                ]
            )
            keys.append(name)
            continue
        group, month = data.main_group(name), data.newest_of(name)
        if group is None or month is None:
            continue
        found = data.measure_rows[name].get((group, month), {})
        rows.append(
            [
                Cell(site.measure_name(measure), href=f"../measures/{name}.html"),
                Cell(w.month(month)),
                *(site.measured(found.get(other), unit) for other in (code, COUNTRY, *similar)),
            ]
        )
        keys.append(name)
    section.tables.append(
        Table(
            "compared",
            w.text("compare"),
            columns,
            rows,
            keys,
            empty=w.text("missing_table", table="rpt_measure_results"),
        )
    )
    return section


def letters_section(site: Site, code: str) -> Section:
    """The letters' view: coverage in each target group, before and after."""
    w = site.w
    section = Section(w.text("letters"), "letters")
    if not site.data.has("rpt_follow_up"):
        section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_follow_up"), "note"))
        return section
    rows = site.data.follow_up.get(code, [])
    if rows:
        section.paragraphs.append(Paragraph(w.text("letters_text")))
    table = Table(
        "letters-table",
        w.text("letters"),
        [
            Column(w.text("group")),
            Column(w.text("period")),
            Column(w.text("baseline"), True),
            Column(w.text("follow_up"), True),
            Column(w.text("change"), True),
            Column(w.text("country"), True),
            Column(w.text("status")),
        ],
        [],
    )
    for row in rows:
        numbers = {
            c: None if row[c] is None else float(row[c])
            for c in ("baseline_share", "follow_up_share", "change_percentage_points", "national_follow_up_share")
        }
        hidden = bool(row["is_suppressed"])
        status = str(row["status"]) if row["status"] is not None else None
        table.rows.append(
            [
                Cell(site.groups.get(str(row["target_group_code"]), str(row["target_group_code"]))),
                Cell(str(row["round_code"])),
                site.figure(numbers["baseline_share"], w.measured(numbers["baseline_share"], "share"), hidden),
                site.figure(numbers["follow_up_share"], w.measured(numbers["follow_up_share"], "share"), hidden),
                site.figure(
                    numbers["change_percentage_points"],
                    w.number(numbers["change_percentage_points"], 1, signed=True),
                    hidden,
                ),
                site.figure(
                    numbers["national_follow_up_share"],
                    w.measured(numbers["national_follow_up_share"], "share"),
                    False,
                ),
                Cell(w.text(status) if status and w.has(status) else w.text("undefined")),
            ]
        )
        table.keys.append(f"{row['round_code']}/{row['target_group_code']}")
    section.tables.append(table)
    return section


def supervision_section(site: Site, code: str) -> Section:
    """Where the municipality stands in supervision under each scenario."""
    w = site.w
    section = Section(w.text("supervision"), "supervision")
    if not site.data.has("rpt_supervision"):
        section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_supervision"), "note"))
        return section
    table = Table(
        "supervision-table",
        w.text("supervision"),
        [Column(w.text("scenario")), Column(w.text("period")), Column(w.text("status")), Column(w.text("reason"))],
        [],
    )
    for row in site.data.supervision.get(code, []):
        status, reason = str(row["status"]), row[f"reason_{w.language}"]
        table.rows.append(
            [
                Cell(site.scenario_names.get(str(row["scenario_code"]), str(row["scenario_code"]))),
                Cell(str(row["statement_year"])),
                Cell(w.text(status) if w.has(status) else status),
                Cell(hidden=True)
                if reason is None and row["is_suppressed"]
                else Cell(str(reason or w.text("undefined"))),
            ]
        )
        table.keys.append(f"{row['scenario_code']}/{row['statement_year']}")
    section.tables.append(table)
    return section


def development_section(site: Site, code: str) -> Section:
    """Small time series of the municipality's main measures."""
    w, data = site.w, site.data
    section = Section(w.text("development"), "development")
    for measure in data.measures:
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        group = data.main_group(name)
        if group is None or unit not in ("share", "percentage"):
            continue
        months = data.months(name)
        rows = [data.measure_rows[name][group, month].get(code) for month in months]
        values = [None if row is None or row["measure_value"] is None else float(row["measure_value"]) for row in rows]
        shown = [(month, value) for month, value in zip(months, values, strict=True) if value is not None]
        if len(shown) < 2:
            continue
        text = w.text(
            "development_text",
            measure=site.measure_name(measure),
            first_value=w.measured(shown[0][1], unit),
            first=w.month(shown[0][0]),
            last_value=w.measured(shown[-1][1], unit),
            last=w.month(shown[-1][0]),
        )
        if (name, code) not in site.lines:
            provisional = [bool(row and row["is_provisional"]) for row in rows]
            site.lines[name, code] = charts.small_line(values, provisional)
        section.figures.append(Figure(Markup(charts.small_series(site.lines[name, code], text)), text))
    if not section.figures:
        section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
    return section
