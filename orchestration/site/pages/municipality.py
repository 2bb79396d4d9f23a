"""The page of a municipality: category and why, all measures, target groups, letters, supervision, development."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from orchestration.site import charts
from orchestration.site.context import Site, municipality_page
from orchestration.site.data import COUNTRY, Row
from orchestration.site.pages.measure_charts import since_rule
from orchestration.site.parts import Cell, Column, Figure, Page, Paragraph, Section, Table

_DECIMALS = 2


@dataclass(frozen=True)
class _Goal:
    """A goal's columns in rpt_category_assignments."""

    name: str
    met: str
    value: str
    limit: str
    distance: str
    flip: str


_GOALS = (
    _Goal(
        "result",
        "is_result_met",
        "difference_percentage_points",
        "result_margin",
        "result_distance",
        "result_persons_to_flip",
    ),
    _Goal(
        "offers",
        "is_offers_met",
        "passive_percentage",
        "passive_limit_percentage",
        "passive_distance",
        "passive_persons_to_flip",
    ),
    _Goal(
        "conversations",
        "is_conversations_met",
        "few_conversations_percentage",
        "few_conversations_limit_percentage",
        "few_conversations_distance",
        "few_conversations_persons_to_flip",
    ),
)


def page(site: Site, code: str) -> Page:
    """A municipality: category and why, distances, all measures, the letters, its development."""
    sections = [_facts(site, code), *_category_sections(site, code), _compare_section(site, code)]
    sections += [_groups_section(site, code), _letters_section(site, code)]
    sections += [*_supervision_sections(site, code), _development_section(site, code)]
    return Page(municipality_page(code, ""), site.names[code], sections)


def _facts(site: Site, code: str) -> Section:
    """The municipality's number and region."""
    row = next(row for row in site.data.municipalities if row["municipality_code"] == code)
    section = Section(facts=[(site.w.text("municipality_code"), code)])
    if row.get("region_name"):
        section.facts.append((site.w.text("region"), str(row["region_name"])))
    return section


def _category_sections(site: Site, code: str) -> list[Section]:
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
    period = site.period(str(official["period_code"]))
    why.paragraphs.append(Paragraph(f"{site.category_title(official)} – {name}, {period}", "result"))
    why.paragraphs.append(Paragraph(site.reason(official) or w.text("reason_hidden")))
    why.paragraphs += site.category_notes()
    if official["persons_to_flip"] is not None:
        count = int(official["persons_to_flip"])
        persons = w.text("flip_one_person") if count == 1 else w.text("flip_persons", count=w.number(count))
        why.paragraphs.append(Paragraph(w.text("flip_text", persons=persons)))
    why.tables.append(_distances_table(site, official, period))
    every = Section(w.text("all_scenarios"), "scenarios")
    every.tables.append(_scenarios_table(site, code, period))
    return [why, every]


def _distances_table(site: Site, official: Row, period: str) -> Table:
    """How far each goal is from its limit under the rules in force."""
    w = site.w
    columns = [
        Column(w.text("goal")),
        Column(w.text("value"), True),
        Column(w.text("limit"), True),
        Column(w.text("is_met")),
        Column(w.text("distance"), True),
        Column(w.text("flip"), True),
    ]
    rows = [_distance_row(site, official, goal) for goal in _GOALS]
    return Table("distances", f"{w.text('distances')}, {period}", columns, rows, [goal.value for goal in _GOALS])


def _distance_row(site: Site, official: Row, goal: _Goal) -> list[Cell]:
    """One goal: the municipality's figure, the limit, and what lies between."""
    w, hidden = site.w, bool(official["is_suppressed"])
    value, limit, distance = (
        None if official[column] is None else float(official[column])
        for column in (goal.value, goal.limit, goal.distance)
    )
    written = w.number(limit, _DECIMALS)
    if goal.name in site.data.assumed_limits:
        written = w.text("assumed_limit", limit=written)
    first = [
        Cell(w.text(f"goal_{goal.name}")),
        site.figure(value, w.number(value, _DECIMALS), hidden),
    ]
    if limit is None:
        return [*first, site.not_relevant(), Cell(w.text("not_in_force")), site.not_relevant(), site.not_relevant()]
    met, flip = official[goal.met], None if official[goal.flip] is None else int(official[goal.flip])
    return [
        *first,
        site.figure(limit, written, False),
        site.nothing(hidden) if met is None else Cell(w.text("yes" if met else "no")),
        site.figure(distance, w.number(distance, _DECIMALS, signed=True), hidden),
        site.figure(flip, w.number(flip), hidden),
    ]


def _scenarios_table(site: Site, code: str, period: str) -> Table:
    """The category under each scenario; a hidden reason is explained once, below the table."""
    w = site.w
    columns = [
        Column(w.text("scenario")),
        Column(w.text("category")),
        Column(w.text("reason"), running=True),
        Column(w.text("flip"), True),
    ]
    rows, keys, note = [], [], ""
    for scenario in site.scenarios:
        row = site.assignments.get((scenario, code))
        if row is None:
            continue
        reason = site.reason(row)
        flips = None if row["persons_to_flip"] is None else int(row["persons_to_flip"])
        rows.append(
            [
                Cell(site.scenario_names.get(scenario, scenario)),
                Cell(site.category_title(row)),
                Cell(hidden=True) if reason is None else Cell(reason),
                site.figure(flips, w.number(flips), bool(row["is_suppressed"])),
            ]
        )
        keys.append(scenario)
        note = note or (w.text("reason_hidden") if reason is None else "")
    return Table("scenario-categories", f"{w.text('all_scenarios')}, {period}", columns, rows, keys, note=note)


def _compare_section(site: Site, code: str) -> Section:
    """All measures against the country and the similar municipalities."""
    w, data = site.w, site.data
    section = Section(w.text("compare"), "compare")
    similar: list[str] = []
    if data.has("rpt_similar_municipalities"):
        section.paragraphs.append(Paragraph(w.text("compare_text")))
        similar = data.similar.get(code, [])
    section.paragraphs.append(Paragraph(w.text("compare_months"), "note"))
    # The place's own figures next to their names: a phone shows the first columns.
    columns = [
        Column(w.text("measure")),
        Column(site.names[code], True),
        Column(w.text("country"), True),
        Column(w.text("group")),
        Column(w.text("month")),
    ]
    columns += [Column(site.names.get(other, other), True, href=f"{other}.html") for other in similar]
    rows, keys = [], []
    for measure in data.measures:
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        first = Cell(site.measure_name(measure), href=f"../measures/{name}.html")
        if name == "benefit_level_difference":
            if site.levels:
                rows.append([first, *_level_cells(site, code, similar)])
                keys.append(name)
            continue
        group, month = data.main_group(name), data.newest_of(name)
        if group is None or month is None:
            continue
        found = data.measure_rows[name].get((group, month), {})
        mine, country, *others = (site.measured(found.get(other), unit) for other in (code, COUNTRY, *similar))
        about = (Cell(site.group_name(group)), Cell(site.month(month, found.get(code))))
        rows.append([first, mine, country, *about, *others])
        keys.append(name)
    empty = w.text("missing_table", table="rpt_measure_results")
    section.tables.append(Table("compared", w.text("compare"), columns, rows, keys, empty=empty))
    return section


def _level_cells(site: Site, code: str, similar: Iterable[str]) -> list[Cell]:
    """The difference from the expected level, which isn't made for the country, with its group and period."""
    period = str(next(iter(site.levels.values()))["period_code"])
    return [
        site.level_cell(code),
        site.not_relevant(),
        Cell(site.group_name("all")),
        Cell(site.period(period)),
        *(site.level_cell(other) for other in similar),
    ]


def _groups_section(site: Site, code: str) -> Section:
    """Every target group, deadline and band of duration of the measures that have them, a table for each measure."""
    data = site.data
    section = Section(site.w.text("parts"), "parts")
    for measure in data.measures:
        name = str(measure["measure_id"])
        groups = [
            group
            for group in data.newest_groups(name)
            if group.partition(":")[0] in data.target_groups or group.startswith("all:")
        ]
        if len(groups) > 1:
            section.tables.append(_groups_table(site, code, measure, groups))
    if not section.tables:
        section.paragraphs.append(Paragraph(site.w.text("no_rows"), "note"))
    return section


def _groups_table(site: Site, code: str, measure: Row, groups: list[str]) -> Table:
    """The groups of a measure in its newest month, the municipality beside the country."""
    w, data = site.w, site.data
    name, unit = str(measure["measure_id"]), str(measure["unit"])
    month = data.newest_of(name)
    assert month is not None
    found = [data.measure_rows[name][group, month] for group in groups]
    said = site.month(month, next((rows[code] for rows in found if code in rows), None))
    columns = [
        Column(w.text("group")),
        Column(site.names[code], True),
        Column(w.text("country"), True),
        Column(w.text("numerator"), True),
        Column(w.text("denominator"), True),
    ]
    body = []
    for group, rows in zip(groups, found, strict=True):
        row = rows.get(code)
        counts = [
            site.count(row, column) if row else site.nothing(False)
            for column in ("numerator_count", "denominator_count")
        ]
        values = [site.measured(row, unit), site.measured(rows.get(COUNTRY), unit)]
        body.append([Cell(site.group_name(group)), *values, *counts])
    return Table(f"parts-{name}", f"{site.measure_name(measure)}, {said}", columns, body, groups)


def _letters_section(site: Site, code: str) -> Section:
    """The letters' view: coverage in each target group, before and after."""
    w = site.w
    section = Section(w.text("letters"), "letters")
    if not site.data.has("rpt_follow_up"):
        section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_follow_up"), "note"))
        return section
    rows = site.data.follow_up.get(code, [])
    if not rows:
        section.paragraphs.append(Paragraph(_why_no_letters(site), "note"))
        return section
    section.paragraphs.append(Paragraph(w.text("letters_text")))
    columns = [
        Column(w.text("group")),
        Column(w.text("period")),
        Column(w.text("baseline"), True),
        Column(w.text("follow_up"), True),
        Column(w.text("change"), True),
        Column(w.text("country"), True),
        Column(w.text("status")),
    ]
    keys = [f"{row['round_code']}/{row['target_group_code']}" for row in rows]
    cells = [_letter_cells(site, row) for row in rows]
    section.tables.append(Table("letters-table", w.text("letters"), columns, cells, keys))
    return section


def _why_no_letters(site: Site) -> str:
    """Why no round of the letters can be followed up: the release's months lie elsewhere."""
    w, data = site.w, site.data
    months = (
        data.rows("select min(month) as first, max(month) as last from main.dim_months")
        if data.has("dim_months")
        else []
    )
    if not months or months[0]["first"] is None:
        return w.text("no_rows")
    found = data.rows("select * from main.dim_rules where rule_code = 'follow_up_round' order by rule_key")
    rounds = "; ".join(str(row[f"detail_{w.language}"]) for row in found)
    first, last = (w.month(months[0][end]) for end in ("first", "last"))
    return w.text("letters_none", rounds=rounds, first=first, last=last)


def _letter_cells(site: Site, row: Row) -> list[Cell]:
    """One target group in one round."""
    w, hidden = site.w, bool(row["is_suppressed"])
    before, after, change, country = (
        None if row[column] is None else float(row[column])
        for column in ("baseline_share", "follow_up_share", "change_percentage_points", "national_follow_up_share")
    )
    status = None if row["status"] is None else str(row["status"])
    return [
        Cell(site.groups.get(str(row["target_group_code"]), str(row["target_group_code"]))),
        Cell(str(row.get(f"round_name_{w.language}") or row["round_code"])),
        site.figure(before, w.measured(before, "share"), hidden),
        site.figure(after, w.measured(after, "share"), hidden),
        site.figure(change, w.number(change, 1, signed=True), hidden),
        site.figure(country, w.measured(country, "share"), False),
        Cell(w.text(status)) if status and w.has(status) else site.nothing(hidden),
    ]


def _supervision_sections(site: Site, code: str) -> list[Section]:
    """Where the municipality stands in supervision: first by the rules in force, then under the other scenarios."""
    w = site.w
    section = Section(w.text("supervision"), "supervision")
    if not site.data.has("rpt_supervision"):
        section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_supervision"), "note"))
        return [section]
    every = site.data.supervision.get(code, [])
    official = [row for row in every if row["scenario_code"] == "official"]
    if official:
        newest = max(official, key=lambda row: int(row["statement_year"]))
        status = _status(site, newest)
        section.paragraphs.append(
            Paragraph(w.text("supervision_now", status=status, year=newest["statement_year"]), "result")
        )
        section.paragraphs.append(Paragraph(site.reason(newest) or _no_reason(site, newest)))
        section.paragraphs += site.category_notes()
    section.tables.append(_supervision_table(site, "supervision-table", w.text("supervision_official"), official))
    others = [row for row in every if row["scenario_code"] != "official"]
    if not others:
        return [section]
    places = {scenario: place for place, scenario in enumerate(site.scenario_names)}
    others.sort(
        key=lambda row: (
            places.get(str(row["scenario_code"]), len(places)),
            str(row["scenario_code"]),
            row["statement_year"],
        )
    )
    other = Section(w.text("supervision_others"), "supervision-others")
    other.paragraphs.append(Paragraph(w.text("supervision_others_text")))
    other.tables.append(_supervision_table(site, "supervision-others-table", w.text("supervision_others"), others))
    return [section, other]


def _status(site: Site, row: Row) -> str:
    """A status of supervision in words."""
    status = str(row["status"])
    return site.w.text(status) if site.w.has(status) else status


def _no_reason(site: Site, row: Row) -> str:
    """What is said for a reason that isn't there."""
    return site.w.text("reason_hidden" if row["is_suppressed"] else "undefined")


def _supervision_table(site: Site, name: str, caption: str, rows: list[Row]) -> Table:
    """Statements in the order given; a hidden reason is explained once, below the table."""
    w = site.w
    columns = [
        Column(w.text("scenario")),
        Column(w.text("statement_year")),
        Column(w.text("status")),
        Column(w.text("reason"), running=True),
    ]
    body, note = [], ""
    for row in rows:
        reason = site.reason(row)
        if reason is None and row["is_suppressed"]:
            note = w.text("reason_hidden")
        body.append(
            [
                Cell(site.scenario_names.get(str(row["scenario_code"]), str(row["scenario_code"]))),
                Cell(str(row["statement_year"])),
                Cell(_status(site, row)),
                site.nothing(bool(row["is_suppressed"])) if reason is None else Cell(reason),
            ]
        )
    keys = [f"{row['scenario_code']}/{row['statement_year']}" for row in rows]
    return Table(name, caption, columns, body, keys, note=note)


def _development_section(site: Site, code: str) -> Section:
    """Small time series of the municipality's main measures, and their figures."""
    w, data = site.w, site.data
    section = Section(w.text("development"), "development")
    drawn: list[tuple[Row, dict[date, Row]]] = []
    for measure in data.measures:
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        group = data.main_group(name)
        if group is None or unit not in ("share", "percentage"):
            continue
        months = data.months(name)
        rows = [data.measure_rows[name][group, month].get(code) for month in months]
        values = [_value(row) for row in rows]
        shown = [
            (month, row) for month, row in zip(months, rows, strict=True) if row and row["measure_value"] is not None
        ]
        if len(shown) < 2:
            continue
        (first, first_row), (last, last_row) = since_rule(shown)[0], shown[-1]
        text = w.text(
            "development_one_month" if first == last else "development_text",
            measure=site.measure_name(measure),
            group=site.group_name(group),
            first_value=site.written(first_row, unit),
            first=site.month(first, first_row),
            last_value=site.written(last_row, unit),
            last=site.month(last, last_row),
        )
        provisional = [bool(row and row["is_provisional"]) for row in rows]
        country = [_value(data.measure_rows[name][group, month].get(COUNTRY)) for month in months]
        drawing = charts.small_series(values, provisional, country, months, w, unit, text, _rules(rows))
        section.figures.append(Figure(Markup(drawing), text))
        drawn.append((measure, {month: row for month, row in zip(months, rows, strict=True) if row}))
    if not section.figures:
        section.paragraphs.append(Paragraph(w.text("development_none"), "note"))
        return section
    section.paragraphs.append(Paragraph(w.text("development_note"), "note"))
    section.tables.append(_development_table(site, drawn))
    return section


def _rules(rows: Sequence[Row | None]) -> list[str]:
    """The rule of each month; a month without a row has that of the month before, so that it breaks no line twice."""
    rules: list[str] = []
    for row in rows:
        rules.append(str(row["rule_id"]) if row else rules[-1] if rules else "")
    return rules


def _value(row: Row | None) -> float | None:
    """The figure of a row; None where it is hidden or there is none."""
    return None if row is None or row["measure_value"] is None else float(row["measure_value"])


def _development_table(site: Site, drawn: list[tuple[Row, dict[date, Row]]]) -> Table:
    """The figures behind the small lines, the newest month first."""
    w = site.w
    months = sorted({month for _, rows in drawn for month in rows}, reverse=True)
    body = []
    for month in months:
        mine = [(rows.get(month), str(measure["unit"])) for measure, rows in drawn]
        provisional = next((row for row, _ in mine if row and row.get("is_provisional")), None)
        body.append([Cell(site.month(month, provisional)), *(site.measured(row, unit) for row, unit in mine)])
    return Table(
        "development-table",
        w.text("development"),
        [Column(w.text("month")), *(Column(site.measure_name(measure), True) for measure, _ in drawn)],
        body,
        [month.isoformat() for month in months],
        folded=w.text("development_unfold"),
    )
