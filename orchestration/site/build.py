"""Builds the site of a release: pages, tables and charts, in Danish and English, that work from the file system."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from orchestration.lib.periods import first_day, period_months
from orchestration.lib.release.labels import labels
from orchestration.lib.release.writer import close_folder, sync
from orchestration.site import charts
from orchestration.site.data import COUNTRY, ReleaseData, Row
from orchestration.site.words import LANGUAGES, Words, alphabetical

MENU = (
    ("front", "index.html"),
    ("municipalities", "municipalities.html"),
    ("measures", "measures.html"),
    ("categories", "categories.html"),
    ("timeliness_results", "timeliness_and_results.html"),
    ("methods", "methods.html"),
    ("glossary", "glossary.html"),
    ("quality", "quality.html"),
    ("revisions", "revisions.html"),
    ("downloads", "downloads.html"),
    ("accessibility", "accessibility.html"),
)
# A page stays quick and below its size limit; the rest of a long table is in the downloads.
LONGEST_TABLE = 400
_Z95 = 1.959964
# The dates with which rules say "always".
_EVER = (date(1900, 1, 1), date(9999, 12, 31))
_NAMED_IN_FUNNEL = 8
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


class SiteError(RuntimeError):
    """The site can't be built; the message says why."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what is read, and the raw value behind it."""

    text: str = ""
    value: str | None = None
    hidden: bool = False
    href: str | None = None

    def html(self, hidden: str) -> str:
        """The cell's content. hidden: the word for a figure that isn't shown."""
        if self.hidden:
            return f'<span class="hidden">{escape(hidden)}</span>'
        text = escape(self.text)
        if self.href:
            return f'<a href="{escape(self.href)}">{text}</a>'
        return text if self.value is None else f'<data value="{escape(self.value)}">{text}</data>'


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers are set to the right, dates are never broken."""

    label: str
    number: bool = False
    date: bool = False


@dataclass
class Table:
    """A table of a page. keys: what each row is about, for tests and links."""

    name: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    keys: list[str] = field(default_factory=list)
    note: str = ""
    empty: str = ""

    def body(self, hidden: str) -> Markup:
        """The rows as HTML: a template takes many times as long for the cells, of which a site has tens of thousands.

        hidden: the word for a figure that isn't shown.
        """
        starts = [
            '<td class="n">' if column.number else '<td class="d">' if column.date else "<td>"
            for column in self.columns[1:]
        ]
        lines = []
        for place, (first, *rest) in enumerate(self.rows):
            key = f' data-key="{escape(self.keys[place])}"' if self.keys else ""
            cells = "".join(
                [f"{start}{cell.html(hidden)}</td>" for start, cell in zip(starts, rest, strict=True)],
            )
            lines.append(f'<tr{key}><th scope="row">{first.html(hidden)}</th>{cells}</tr>\n')
        return Markup("".join(lines))


@dataclass(frozen=True)
class Figure:
    """A chart and its text."""

    drawing: Markup | Future[str]
    caption: str

    @property
    def svg(self) -> Markup:
        """The chart, waited for if it is still being drawn."""
        return self.drawing if isinstance(self.drawing, Markup) else Markup(self.drawing.result())


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, with a class of the style sheet if any."""

    text: str
    kind: str = ""


@dataclass
class Section:
    """A part of a page: paragraphs first, then tables, then charts, since the table is what counts."""

    heading: str = ""
    name: str = ""
    paragraphs: list[Paragraph] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)


@dataclass
class Page:
    """A page of one language; `path` is relative to the language's folder."""

    path: str
    title: str
    sections: list[Section]

    @property
    def root(self) -> str:
        """The way back to the site's root."""
        return "../" * (self.path.count("/") + 1)

    @property
    def waits(self) -> bool:
        """True when a chart of the page is drawn by the charts' process."""
        return any(isinstance(figure.drawing, Future) for section in self.sections for figure in section.figures)


@dataclass(frozen=True)
class SiteReport:
    """What was built: pages, the largest page's size in bytes, and the seconds it took."""

    pages: int
    largest_bytes: int
    seconds: float


def publish_site(release: Path) -> SiteReport:
    """Build the site of a release into its folder `site`, whole and on the disk or not at all, closed for writing.

    A site that is there already stays as it is. Raises SiteError when the folder holds no release or can't be written.
    """
    target = release / "site"
    if target.exists():
        sizes = [path.stat().st_size for path in target.rglob("*.html")]
        return SiteReport(len(sizes), max(sizes, default=0), 0.0)
    unfinished = release / ".incomplete-site"
    try:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        report = build_site(release, unfinished)
        close_folder(unfinished)
        unfinished.replace(target)
        sync(release)
    except OSError as error:
        raise SiteError(f"the web site of {release} can't be written: {error}") from error
    return report


def build_site(release: Path, target: Path) -> SiteReport:
    """Build the site of the release in `release` into the empty or new folder `target`."""
    if not (release / "release.duckdb").is_file():
        raise SiteError(f"{release} holds no release.duckdb, so there is nothing to build a site from")
    started = time.monotonic()
    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("page.html.j2")
    style = Markup((here / "style.css").read_text("utf-8"))
    largest = pages = 0

    def write(page: Page, words: Words) -> None:
        nonlocal largest, pages
        content = template.render(
            page=page,
            w=words,
            menu=MENU,
            other=next(other for other in LANGUAGES if other != words.language),
            style=style,
            release=data.release,
            sample=sample[words.language],
        ).encode()
        path = target / words.language / page.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        pages += 1
        largest = max(largest, len(content))

    with charts.drawing() as drawer, closing(ReleaseData(release)) as data:
        # A release older than this mark says nothing about it.
        is_sample = data.release.get("is_sample", False)
        sample = {language: labels().sample(language) if is_sample else "" for language in LANGUAGES}
        waiting: list[tuple[Page, Words]] = []
        lines: dict[tuple[str, str], str] = {}
        for language in LANGUAGES:
            words = Words(language)
            for page in _Site(data, words, drawer, lines).pages():
                if page.waits:
                    waiting.append((page, words))
                else:
                    write(page, words)
        start = environment.get_template("start.html.j2").render(
            style=style, languages=[Words(code) for code in LANGUAGES], sample=sample
        )
        (target / "index.html").write_text(start, "utf-8")
        try:
            for page, words in waiting:
                write(page, words)
        except charts.ChartError as error:
            raise SiteError(str(error)) from error
    return SiteReport(pages + 1, largest, time.monotonic() - started)


class _Site:
    """All pages of one language."""

    def __init__(
        self, data: ReleaseData, words: Words, drawer: charts.Drawer, lines: dict[tuple[str, str], str]
    ) -> None:
        """lines: the small lines by measure and municipality, shared by the languages."""
        self.data, self.w, self.drawer, self.lines = data, words, drawer, lines
        self.names = {str(row["municipality_code"]): str(row["municipality_name"]) for row in data.municipalities}
        self.order = sorted(self.names, key=lambda code: alphabetical(self.names[code]))
        self.groups = {
            **data.group_names("dim_target_groups", "target_group_code", "target_group_name", words.language),
            **data.group_names("dim_benefit_groups", "benefit_group_code", "benefit_group_name", words.language),
        }
        self.scenario_names = data.group_names("dim_scenarios", "scenario_code", "scenario_name", words.language)
        self.assignments: dict[tuple[str, str], Row] = {}
        self.scenarios: list[str] = []
        if data.newest_period is not None:
            rows = data.rows(
                "select * from main.rpt_category_assignments "
                "where period_code = (select max(period_code) from main.rpt_category_assignments) "
                "order by scenario_code, municipality_code"
            )
            self.assignments = {(str(row["scenario_code"]), str(row["municipality_code"])): row for row in rows}
            codes = {scenario for scenario, _ in self.assignments}
            self.scenarios = sorted(
                codes,
                key=lambda code: (
                    code != "official",
                    list(self.scenario_names).index(code) if code in self.scenario_names else 99,
                ),
            )
        self.levels = self._levels()

    def pages(self) -> Iterator[Page]:
        """Every page of the language."""
        yield self.front()
        yield self.municipality_list()
        yield self.measure_list()
        for measure in self.data.measures:
            yield self.measure(measure)
        for code in self.order:
            yield self.municipality(code)
        yield self.categories()
        yield self.timeliness_and_results()
        yield self.methods()
        yield self.glossary()
        yield self.quality()
        yield self.revisions()
        yield self.downloads()
        yield self.accessibility()

    # -- cells ------------------------------------------------------------------------------------------------------

    def figure(self, value: Any, written: str, suppressed: bool) -> Cell:
        """A figure: shown, hidden, or not defined."""
        if value is None:
            return Cell(hidden=True) if suppressed else Cell(self.w.text("undefined"))
        return Cell(written, value=repr(float(value)) if isinstance(value, float) else str(value))

    def count(self, row: Row, column: str) -> Cell:
        """A whole number of a row, or a sum of full-time persons."""
        value = row.get(column)
        number = None if value is None else float(value)
        decimals = 0 if number is None or number == int(number) else 1
        return self.figure(
            value if value is None else number if decimals else int(number or 0),
            self.w.number(number, decimals),
            bool(row.get("is_suppressed")),
        )

    def measured(self, row: Row | None, unit: str) -> Cell:
        """The value of a measure."""
        if row is None:
            return Cell(self.w.text("undefined"))
        value = None if row["measure_value"] is None else float(row["measure_value"])
        hidden = bool(row["is_suppressed"]) and (row["numerator_count"] is None or row["denominator_count"] is None)
        return self.figure(value, self.w.measured(value, unit), hidden)

    def link(self, code: str, prefix: str) -> Cell:
        """A municipality with a link to its page."""
        return Cell(self.names.get(code, code), href=f"{prefix}municipalities/{code}.html")

    def missing(self, table: str) -> Section:
        """What is said where the release lacks a table."""
        return Section(paragraphs=[Paragraph(self.w.text("missing_table", table=table), "note")])

    def measure_name(self, measure: Row) -> str:
        """The measure's name."""
        return self.w.choose(str(measure["name_da"]), str(measure["name_en"]))

    def group_name(self, code: str) -> str:
        """The name of a group, with duration or deadline where the code has one."""
        base, _, rest = code.partition(":")
        name = self.groups.get(base, base)
        if not rest:
            return name
        if self.w.has("band_" + rest):
            return f"{name}, {self.w.text('band_' + rest)}"
        return self.w.text("deadline_of", group=name, number=rest)

    def unit_name(self, unit: str) -> str:
        """The unit in words."""
        return self.w.text("unit_" + unit) if self.w.has("unit_" + unit) else unit

    # -- benefit levels as a measure --------------------------------------------------------------------------------

    def _levels(self) -> dict[str, Row]:
        data = self.data
        if not data.has("rpt_benefit_levels"):
            return {}
        rows = data.rows(
            """
            with newest as (
                select period_code, max(expected_source) as expected_source from main.rpt_benefit_levels
                where period_code = (
                        select max(period_code) from main.rpt_benefit_levels where benefit_area_code = 'all'
                    )
                    and benefit_area_code = 'all'
                group by period_code
            )
            select levels.* from main.rpt_benefit_levels as levels
            inner join newest
                on levels.period_code = newest.period_code and levels.expected_source = newest.expected_source
            where levels.benefit_area_code = 'all'
            """
        )
        return {str(row["municipality_code"]): row for row in rows}

    # -- pages ------------------------------------------------------------------------------------------------------

    def front(self) -> Page:
        """What changed, and the country as a whole."""
        w, data = self.w, self.data
        intro = Section(paragraphs=[Paragraph(w.text("front_intro"), "lead")])
        if data.newest_month:
            intro.paragraphs.append(Paragraph(w.text("newest_month", month=w.month(data.newest_month))))
        if data.newest_period:
            months = period_months(data.newest_period)
            first, last = (w.month(first_day(number)) for number in (months[0], months[-1]))
            intro.paragraphs.append(
                Paragraph(w.text("newest_period", period=data.newest_period, first=first, last=last))
            )
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
                    Cell(self.measure_name(measure), href=f"measures/{name}.html"),
                    Cell(self.group_name(group)),
                    Cell(w.month(month)),
                    self.measured(row, unit),
                    Cell(self.unit_name(unit)),
                ]
            )
            keys.append(name)
        picture.tables.append(
            Table(
                "national",
                w.text("national_picture"),
                [
                    Column(w.text("measure")),
                    Column(w.text("group")),
                    Column(w.text("month")),
                    Column(w.text("value"), True),
                    Column(w.text("unit")),
                ],
                rows,
                keys,
                empty=w.text("missing_table", table="rpt_measure_results"),
            )
        )
        overview = self.category_overview()
        overview.links.append((w.text("categories"), "categories.html"))
        return Page("index.html", w.text("site_title"), [intro, changed, picture, overview])

    def category_overview(self) -> Section:
        """How many municipalities are in each category, and the map."""
        w = self.w
        if not self.scenarios:
            return self.missing("rpt_category_assignments")
        scenario = self.scenarios[0]
        rows = [self.assignments[scenario, code] for code in self.order if (scenario, code) in self.assignments]
        section = Section(w.text("category_map"), "category-map")
        counts: dict[int, int] = {}
        titles: dict[int, str] = {}
        for row in rows:
            category = int(row["municipality_category"])
            counts[category] = counts.get(category, 0) + 1
            titles[category] = self.category_title(row)
        section.tables.append(
            Table(
                "category-counts",
                f"{self.scenario_names.get(scenario, scenario)}, {self.data.newest_period}",
                [Column(w.text("category")), Column(w.text("category_count"), True)],
                [[Cell(titles[c]), Cell(w.number(counts[c]), value=str(counts[c]))] for c in sorted(counts)],
                [str(c) for c in sorted(counts)],
            )
        )
        marks = {str(row["municipality_code"]): str(row["municipality_category"]) for row in rows}
        fills = {code: charts.CATEGORY_FILLS[int(mark)] for code, mark in marks.items()}
        explained = w.text("map_explained", what=w.text("map_what_category"))
        section.figures.append(
            Figure(Markup(charts.tile_map(self.names, marks, fills, w.text("category_map"))), explained)
        )
        return section

    def category_title(self, row: Row) -> str:
        """Number and name of a category."""
        name = self.w.choose(str(row["category_name_da"]), str(row["category_name_en"]))
        return f"{row['municipality_category']} {name}"

    def municipality_list(self) -> Page:
        """All municipalities with region and category."""
        w = self.w
        rows, keys = [], []
        regions = {str(r["municipality_code"]): str(r.get("region_name") or "") for r in self.data.municipalities}
        for code in self.order:
            cells = [self.link(code, ""), Cell(regions.get(code, ""))]
            if self.scenarios:
                row = self.assignments.get((self.scenarios[0], code))
                cells.append(Cell(self.category_title(row) if row else w.text("undefined")))
            rows.append(cells)
            keys.append(code)
        columns = [Column(w.text("municipality")), Column(w.text("region"))]
        if self.scenarios:
            columns.append(Column(f"{w.text('category')} {self.data.newest_period}"))
        section = Section(tables=[Table("municipalities", w.text("all_municipalities"), columns, rows, keys)])
        return Page("municipalities.html", w.text("municipalities"), [section])

    def measure_list(self) -> Page:
        """All measures with their definitions."""
        w = self.w
        rows = [
            [
                Cell(self.measure_name(m), href=f"measures/{m['measure_id']}.html"),
                Cell(w.choose(str(m["definition_da"]), str(m["definition_en"]))),
            ]
            for m in self.data.measures
        ]
        table = Table("measures", w.text("measures"), [Column(w.text("measure")), Column(w.text("definition"))], rows)
        return Page("measures.html", w.text("measures"), [Section(tables=[table])])

    def measure(self, measure: Row) -> Page:
        """A measure: definition, the table, map, ranking, funnel, time series."""
        name = str(measure["measure_id"])
        sections = [self.measure_facts(measure)]
        sections += (
            self.level_sections(measure) if name == "benefit_level_difference" else self.measure_sections(measure)
        )
        return Page(f"measures/{name}.html", self.measure_name(measure), sections)

    def measure_facts(self, measure: Row) -> Section:
        """The definition and what goes with it."""
        w = self.w
        section = Section()
        section.paragraphs.append(
            Paragraph(w.choose(str(measure["definition_da"]), str(measure["definition_en"])), "lead")
        )
        for key in ("population", "exclusions", "how_not_to_use"):
            text = measure.get(f"{key}_{w.language}")
            if text:
                section.facts.append((w.text(key), str(text)))
        section.facts.append((w.text("unit"), self.unit_name(str(measure["unit"]))))
        if measure.get("legal_reference"):
            section.facts.append((w.text("legal_reference"), str(measure["legal_reference"])))
        return section

    def measure_sections(self, measure: Row) -> list[Section]:
        """The table first, then its charts."""
        w, data = self.w, self.data
        name, unit = str(measure["measure_id"]), str(measure["unit"])
        group, month = data.main_group(name), data.newest_of(name)
        if group is None or month is None:
            return [Section(paragraphs=[Paragraph(w.text("no_rows"), "note")])]
        rows = data.measure_rows[name].get((group, month), {})
        is_share = unit == "share"
        title = f"{self.measure_name(measure)}, {self.group_name(group)}, {w.month(month)}"
        ranked = _ranks(
            {code: rows[code]["measure_value"] for code in self.order if code in rows}, str(measure["direction"])
        )
        intervals = {code: _wilson(row) for code, row in rows.items()} if is_share else {}
        columns = [
            Column(w.text("municipality")),
            Column(w.text("numerator"), True),
            Column(w.text("denominator"), True),
            Column(w.text("value"), True),
        ]
        if is_share:
            columns += [Column(w.text("lower_95"), True), Column(w.text("upper_95"), True)]
        columns.append(Column(w.text("rank"), True))
        body, keys = [], []
        for code in [COUNTRY, *self.order]:
            row = rows.get(code)
            if row is None:
                continue
            first = Cell(w.text("country")) if code == COUNTRY else self.link(code, "../")
            cells = [
                first,
                self.count(row, "numerator_count"),
                self.count(row, "denominator_count"),
                self.measured(row, unit),
            ]
            if is_share:
                interval = intervals.get(code)
                cells += (
                    [Cell(w.measured(bound, unit)) for bound in interval]
                    if interval
                    else [Cell(w.text("undefined"))] * 2
                )
            cells.append(Cell(str(ranked[code])) if code in ranked else Cell(w.text("undefined")))
            body.append(cells)
            keys.append(code)
        table = Section(w.text("table_of", what=title), "table")
        if any(row["is_provisional"] for row in rows.values()):
            table.paragraphs.append(Paragraph(w.text("provisional_note"), "note"))
        table.tables.append(Table("values", title, columns, body, keys))
        sections = [table, self.map_section(measure, {c: r["measure_value"] for c, r in rows.items()}, title)]
        sections.append(self.ranking_section(measure, rows, intervals, title))
        if is_share:
            sections.append(self.funnel_section(measure, rows, title))
        sections.append(self.series_section(measure, group))
        newest = sorted(
            (code, found[COUNTRY])
            for (code, at), found in data.measure_rows[name].items()
            if at == month and COUNTRY in found
        )
        if len(newest) > 1:
            by_group = Section(w.text("groups_table"), "groups")
            by_group.tables.append(
                Table(
                    "groups-values",
                    f"{w.text('groups_table')}, {w.month(month)}",
                    [
                        Column(w.text("group")),
                        Column(w.text("numerator"), True),
                        Column(w.text("denominator"), True),
                        Column(w.text("value"), True),
                    ],
                    [
                        [
                            Cell(self.group_name(code)),
                            self.count(row, "numerator_count"),
                            self.count(row, "denominator_count"),
                            self.measured(row, unit),
                        ]
                        for code, row in newest
                    ],
                    [code for code, _ in newest],
                )
            )
            sections.append(by_group)
        return sections

    def map_section(self, measure: Row, values: Mapping[str, Any], title: str) -> Section:
        """The tile map by fifths."""
        w = self.w
        shown = {code: float(value) for code, value in values.items() if value is not None and code in self.names}
        section = Section(w.text("map"), "map")
        classes = _fifths(shown)
        fills = {code: charts.FIFTHS[number - 1] for code, number in classes.items()}
        marks = {code: str(classes[code]) if code in classes else "·" for code in self.names}
        explained = w.text("map_explained", what=w.text("map_what_fifth"))
        section.figures.append(
            Figure(Markup(charts.tile_map(self.names, marks, fills, f"{w.text('map')}: {title}")), explained)
        )
        return section

    def ranking_section(
        self, measure: Row, rows: Mapping[str, Row], intervals: Mapping[str, tuple[float, float] | None], title: str
    ) -> Section:
        """The ranking with intervals."""
        w, unit = self.w, str(measure["unit"])
        section = Section(w.text("ranking"), "ranking")
        points = []
        for code, row in rows.items():
            if code in self.names and row["measure_value"] is not None:
                interval = intervals.get(code)
                points.append(
                    {
                        "name": self.names[code],
                        "value": float(row["measure_value"]),
                        "lower": interval[0] if interval else None,
                        "upper": interval[1] if interval else None,
                    }
                )
        if not points:
            section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
            return section
        points.sort(key=lambda point: (point["value"], alphabetical(str(point["name"]))))
        country = rows.get(COUNTRY, {}).get("measure_value")
        country = None if country is None else float(country)
        text = w.text(
            "ranking_text",
            low=points[0]["name"],
            low_value=w.measured(float(str(points[0]["value"])), unit),
            high=points[-1]["name"],
            high_value=w.measured(float(str(points[-1]["value"])), unit),
            country_value=w.measured(country, unit),
        )
        section.paragraphs = [Paragraph(text), Paragraph(w.text("ranking_warning"), "note")]
        chart = charts.ranking(
            points, country, f"{self.measure_name(measure)} ({self.unit_name(unit)})", text, w.language, unit == "share"
        )
        section.figures.append(Figure(self.drawer.draw(chart), title))
        return section

    def funnel_section(self, measure: Row, rows: Mapping[str, Row], title: str) -> Section:
        """Shares against size, with the limits of chance around the country's share."""
        w = self.w
        section = Section(w.text("funnel"), "funnel")
        country = rows.get(COUNTRY, {}).get("measure_value")
        points = [
            {"name": self.names[code], "value": float(row["measure_value"]), "size": float(row["denominator_count"])}
            for code, row in sorted(rows.items())
            if code in self.names and row["measure_value"] is not None and row["denominator_count"]
        ]
        if country is None or len(points) < 3:
            section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
            return section
        centre = float(country)

        def limit(size: float) -> float:
            return _Z95 * math.sqrt(centre * (1 - centre) / size)

        def distance(point: Mapping[str, object]) -> float:
            """From the country's share, in limits. Without chance (a share of 0 or 1) whatever differs is far away."""
            away, chance = abs(float(str(point["value"])) - centre), limit(float(str(point["size"])))
            return away / chance if chance else math.inf if away else 0.0

        for point in points:
            point["outside"] = distance(point) > 1
        # Only the farthest are named in the chart, so that names don't cover one another; all stand in the table.
        farthest = sorted(points, key=lambda point: -distance(point))
        for place, point in enumerate(farthest):
            point["labelled"] = bool(point["outside"]) and place < _NAMED_IN_FUNNEL
        sizes = [float(str(point["size"])) for point in points]
        low, high = math.log(min(sizes)), math.log(max(sizes))
        steps = [math.exp(low + (high - low) * i / 40) for i in range(41)]
        limits = [
            {"size": s, "lower": max(0.0, centre - limit(s)), "upper": min(1.0, centre + limit(s))} for s in steps
        ]
        outside = sum(bool(point["outside"]) for point in points)
        text = w.text("funnel_text", inside=len(points) - outside, count=len(points), outside=outside)
        section.paragraphs.append(Paragraph(text))
        chart = charts.funnel(points, limits, centre, w.text("size"), self.measure_name(measure), text, w.language)
        section.figures.append(Figure(self.drawer.draw(chart), title))
        return section

    def series_section(self, measure: Row, group: str) -> Section:
        """The country month by month, with the revisions that the release names."""
        w, unit = self.w, str(measure["unit"])
        name = str(measure["measure_id"])
        section = Section(w.text("series"), "series")
        months = self.data.months(name)
        rows = [(month, self.data.measure_rows[name][group, month].get(COUNTRY)) for month in months]
        shown = [(month, row) for month, row in rows if row is not None]
        points = [
            {
                "month": month.isoformat(),
                "value": float(row["measure_value"]),
                "provisional": bool(row["is_provisional"]),
            }
            for month, row in shown
            if row["measure_value"] is not None
        ]
        section.tables.append(
            Table(
                "months",
                f"{self.measure_name(measure)}, {w.text('country')}, {self.group_name(group)}",
                [
                    Column(w.text("month")),
                    Column(w.text("numerator"), True),
                    Column(w.text("denominator"), True),
                    Column(w.text("value"), True),
                ],
                [
                    [
                        Cell(w.month(month)),
                        self.count(row, "numerator_count"),
                        self.count(row, "denominator_count"),
                        self.measured(row, unit),
                    ]
                    for month, row in reversed(shown)
                ],
                [month.isoformat() for month, _ in reversed(shown)],
            )
        )
        if len(points) > 1:
            text = w.text(
                "series_text",
                first=w.month(date.fromisoformat(str(points[0]["month"]))),
                first_value=w.measured(float(str(points[0]["value"])), unit),
                last=w.month(date.fromisoformat(str(points[-1]["month"]))),
                last_value=w.measured(float(str(points[-1]["value"])), unit),
            )
            section.paragraphs.append(Paragraph(text))
            chart = charts.series(points, self.unit_name(unit), text, w.language, unit == "share")
            section.figures.append(Figure(self.drawer.draw(chart), self.measure_name(measure)))
        table = measure.get("table_name")
        if self.data.has("rpt_revisions") and table:
            revisions = self.revision_table(f"rpt_{table}", w.text("series_revisions"), 30)
            if revisions.rows:
                section.tables.append(revisions)
        return section

    def level_sections(self, measure: Row) -> list[Section]:
        """The expected level's page: the year's table, map and ranking with the model's intervals."""
        w = self.w
        if not self.levels:
            return [self.missing("rpt_benefit_levels")]
        first = next(iter(self.levels.values()))
        title = f"{self.measure_name(measure)}, {first['period_code']} ({first['expected_source']})"
        fields = (
            ("actual_percentage", 2),
            ("expected_percentage", 2),
            ("difference_percentage_points", 2),
            ("difference_lower_95", 2),
            ("difference_upper_95", 2),
            ("difference_full_time_persons", 0),
            ("benchmark_rank", 0),
        )
        label = labels().column
        body = []
        for code in self.order:
            row = self.levels.get(code)
            if row is not None:
                cells = [
                    self.figure(
                        None if row[c] is None else float(row[c]),
                        w.number(None if row[c] is None else float(row[c]), d),
                        bool(row["is_suppressed"]) and c not in ("benchmark_rank", "expected_percentage"),
                    )
                    for c, d in fields
                ]
                body.append([self.link(code, "../"), *cells])
        keys = [code for code in self.order if code in self.levels]
        columns = [Column(w.text("municipality")), *(Column(label(c, w.language), True) for c, _ in fields)]
        table = Section(w.text("table_of", what=title), "table", tables=[Table("values", title, columns, body, keys)])
        rows = {code: {"measure_value": row["difference_percentage_points"]} for code, row in self.levels.items()}
        intervals = {
            code: (float(row["difference_lower_95"]), float(row["difference_upper_95"]))
            if row["difference_lower_95"] is not None and row["difference_upper_95"] is not None
            else None
            for code, row in self.levels.items()
        }
        values = {code: row["difference_percentage_points"] for code, row in self.levels.items()}
        return [table, self.map_section(measure, values, title), self.ranking_section(measure, rows, intervals, title)]

    def municipality(self, code: str) -> Page:
        """A municipality: category and why, distances, all measures, the letters, its development."""
        sections = [*self.category_sections(code), self.compare_section(code), self.letters_section(code)]
        sections += [self.supervision_section(code), self.development_section(code)]
        return Page(f"municipalities/{code}.html", self.names[code], sections)

    def category_sections(self, code: str) -> list[Section]:
        """The category and its reasons, as rpt_category_assignments has them."""
        w = self.w
        if not self.scenarios:
            return [self.missing("rpt_category_assignments")]
        why = Section(w.text("why"), "why")
        official = self.assignments.get((self.scenarios[0], code))
        if official is None:
            why.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
            return [why]
        name = self.scenario_names.get(self.scenarios[0], self.scenarios[0])
        why.paragraphs.append(
            Paragraph(f"{self.category_title(official)} ({name}, {official['period_code']})", "result")
        )
        why.paragraphs.append(Paragraph(self.reason(official)))
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
                    self.figure(numbers[value], w.number(numbers[value], decimals), hidden),
                    self.figure(numbers[limit], w.number(numbers[limit], 1), False),
                    Cell(state),
                    self.figure(
                        numbers[distance], w.number(numbers[distance], decimals, signed=True), hidden and in_force
                    ),
                    self.figure(
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
        for scenario in self.scenarios:
            row = self.assignments.get((scenario, code))
            if row is not None:
                flips = row["persons_to_flip"]
                table.rows.append(
                    [
                        Cell(self.scenario_names.get(scenario, scenario)),
                        Cell(self.category_title(row)),
                        Cell(self.reason(row)),
                        self.figure(
                            None if flips is None else int(flips),
                            w.number(None if flips is None else int(flips)),
                            bool(row["is_suppressed"]),
                        ),
                    ]
                )
                table.keys.append(scenario)
        every.tables.append(table)
        return [why, every]

    def reason(self, row: Row) -> str:
        """The reason as the table has it, or that it is hidden."""
        reason = row[f"reason_{self.w.language}"]
        return self.w.text("reason_hidden") if reason is None else str(reason)

    def compare_section(self, code: str) -> Section:
        """All measures against the country and the similar municipalities."""
        w, data = self.w, self.data
        section = Section(w.text("compare"), "compare")
        similar: list[str] = []
        if data.has("rpt_similar_municipalities"):
            section.paragraphs.append(Paragraph(w.text("compare_text")))
            similar = data.similar.get(code, [])
        columns = [
            Column(w.text("measure")),
            Column(w.text("month")),
            Column(self.names[code], True),
            Column(w.text("country"), True),
        ]
        columns += [Column(self.names.get(other, other), True) for other in similar]
        rows, keys = [], []
        for measure in data.measures:
            name, unit = str(measure["measure_id"]), str(measure["unit"])
            if name == "benefit_level_difference":
                if not self.levels:
                    continue
                cells = [self.level_cell(other) for other in (code, *similar)]
                when = str(next(iter(self.levels.values()))["period_code"])
                rows.append(
                    [
                        Cell(self.measure_name(measure), href=f"../measures/{name}.html"),
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
                    Cell(self.measure_name(measure), href=f"../measures/{name}.html"),
                    Cell(w.month(month)),
                    *(self.measured(found.get(other), unit) for other in (code, COUNTRY, *similar)),
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

    def level_cell(self, code: str) -> Cell:
        """A municipality's difference from the expected level."""
        row = self.levels.get(code)
        if row is None:
            return Cell(self.w.text("undefined"))
        value = row["difference_percentage_points"]
        number = None if value is None else float(value)
        return self.figure(number, self.w.measured(number, "percentage_points"), bool(row["is_suppressed"]))

    def letters_section(self, code: str) -> Section:
        """The letters' view: coverage in each target group, before and after."""
        w = self.w
        section = Section(w.text("letters"), "letters")
        if not self.data.has("rpt_follow_up"):
            section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_follow_up"), "note"))
            return section
        rows = self.data.follow_up.get(code, [])
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
                    Cell(self.groups.get(str(row["target_group_code"]), str(row["target_group_code"]))),
                    Cell(str(row["round_code"])),
                    self.figure(numbers["baseline_share"], w.measured(numbers["baseline_share"], "share"), hidden),
                    self.figure(numbers["follow_up_share"], w.measured(numbers["follow_up_share"], "share"), hidden),
                    self.figure(
                        numbers["change_percentage_points"],
                        w.number(numbers["change_percentage_points"], 1, signed=True),
                        hidden,
                    ),
                    self.figure(
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

    def supervision_section(self, code: str) -> Section:
        """Where the municipality stands in supervision under each scenario."""
        w = self.w
        section = Section(w.text("supervision"), "supervision")
        if not self.data.has("rpt_supervision"):
            section.paragraphs.append(Paragraph(w.text("missing_table", table="rpt_supervision"), "note"))
            return section
        table = Table(
            "supervision-table",
            w.text("supervision"),
            [Column(w.text("scenario")), Column(w.text("period")), Column(w.text("status")), Column(w.text("reason"))],
            [],
        )
        for row in self.data.supervision.get(code, []):
            status, reason = str(row["status"]), row[f"reason_{w.language}"]
            table.rows.append(
                [
                    Cell(self.scenario_names.get(str(row["scenario_code"]), str(row["scenario_code"]))),
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

    def development_section(self, code: str) -> Section:
        """Small time series of the municipality's main measures."""
        w, data = self.w, self.data
        section = Section(w.text("development"), "development")
        for measure in data.measures:
            name, unit = str(measure["measure_id"]), str(measure["unit"])
            group = data.main_group(name)
            if group is None or unit not in ("share", "percentage"):
                continue
            months = data.months(name)
            rows = [data.measure_rows[name][group, month].get(code) for month in months]
            values = [
                None if row is None or row["measure_value"] is None else float(row["measure_value"]) for row in rows
            ]
            shown = [(month, value) for month, value in zip(months, values, strict=True) if value is not None]
            if len(shown) < 2:
                continue
            text = w.text(
                "development_text",
                measure=self.measure_name(measure),
                first_value=w.measured(shown[0][1], unit),
                first=w.month(shown[0][0]),
                last_value=w.measured(shown[-1][1], unit),
                last=w.month(shown[-1][0]),
            )
            if (name, code) not in self.lines:
                provisional = [bool(row and row["is_provisional"]) for row in rows]
                self.lines[name, code] = charts.small_line(values, provisional)
            section.figures.append(Figure(Markup(charts.small_series(self.lines[name, code], text)), text))
        if not section.figures:
            section.paragraphs.append(Paragraph(w.text("no_rows"), "note"))
        return section

    def categories(self) -> Page:
        """The categories under each scenario side by side, and who moves."""
        w = self.w
        if not self.scenarios:
            return Page("categories.html", w.text("categories"), [self.missing("rpt_category_assignments")])
        names = [self.scenario_names.get(scenario, scenario) for scenario in self.scenarios]
        table = Table(
            "side-by-side",
            f"{w.text('side_by_side')}, {self.data.newest_period}",
            [Column(w.text("municipality")), *(Column(name) for name in names)],
            [],
        )
        for code in self.order:
            cells = [self.link(code, "")]
            for scenario in self.scenarios:
                row = self.assignments.get((scenario, code))
                cells.append(Cell(str(row["municipality_category"]) if row else w.text("undefined")))
            table.rows.append(cells)
            table.keys.append(code)
        first = self.scenarios[0]
        titles: dict[int, str] = {
            int(row["municipality_category"]): self.category_title(row) for row in self.assignments.values()
        }
        side = Section(
            w.text("side_by_side"),
            "side",
            paragraphs=[Paragraph("; ".join(titles[c] for c in sorted(titles)) + ".")],
            tables=[table],
        )
        sections = [side, self.category_overview()]
        for scenario, name in zip(self.scenarios[1:], names[1:], strict=True):
            moved = []
            for code in self.order:
                before, after = self.assignments.get((first, code)), self.assignments.get((scenario, code))
                if before and after and before["municipality_category"] != after["municipality_category"]:
                    text = w.text("from_to", before=self.category_title(before), after=self.category_title(after))
                    moved.append((code, [self.link(code, ""), Cell(text)]))
            section = Section(f"{w.text('moves')}: {name}", f"moves-{scenario}")
            section.paragraphs.append(
                Paragraph(w.text("moves_text", scenario=names[0]) if moved else w.text("moves_none"))
            )
            if moved:
                section.tables.append(
                    Table(
                        f"moved-{scenario}",
                        name,
                        [Column(w.text("municipality")), Column(w.text("category"))],
                        [cells for _, cells in moved],
                        [code for code, _ in moved],
                    )
                )
            sections.append(section)
        return Page("categories.html", w.text("categories"), sections)

    def timeliness_and_results(self) -> Page:
        """KL's figure."""
        w, data = self.w, self.data
        path, title = "timeliness_and_results.html", w.text("timeliness_results")
        if not data.has("rpt_timeliness_and_results"):
            return Page(path, title, [self.missing("rpt_timeliness_and_results")])
        rows = data.rows(
            "select * from main.rpt_timeliness_and_results where period_code = "
            "(select max(period_code) from main.rpt_timeliness_and_results)"
        )
        if not rows:
            return Page(path, title, [Section(paragraphs=[Paragraph(w.text("no_rows"), "note")])])
        period = str(rows[0]["period_code"])
        by_code = {str(row["municipality_code"]): row for row in rows}
        correlations = {str(r["period_code"]): r for r in data.table("rpt_timeliness_and_results_correlation")}
        correlation = correlations.get(period)
        section = Section("", "figure")
        if correlation and correlation["pearson"] is not None:
            section.paragraphs.append(
                Paragraph(
                    w.text(
                        "kl_text",
                        pearson=w.number(float(correlation["pearson"]), 2),
                        lower=w.number(float(correlation["pearson_lower_95"]), 2),
                        upper=w.number(float(correlation["pearson_upper_95"]), 2),
                        count=correlation["municipality_count"],
                    )
                )
            )
        section.paragraphs.append(Paragraph(w.text("kl_not_cause"), "note"))
        label = labels().column
        table = Table(
            "kl",
            f"{title}, {period}",
            [
                Column(w.text("municipality")),
                Column(label("on_time_share", w.language), True),
                Column(label("difference_percentage_points", w.language), True),
                Column(w.text("quadrant")),
            ],
            [],
        )
        for code in self.order:
            row = by_code.get(code)
            if row is None:
                continue
            share = None if row["on_time_share"] is None else float(row["on_time_share"])
            difference = (
                None if row["difference_percentage_points"] is None else float(row["difference_percentage_points"])
            )
            hidden, quadrant = bool(row["is_suppressed"]), row["quadrant_code"]
            name = row.get(f"quadrant_name_{w.language}") or (
                w.text(str(quadrant)) if quadrant and w.has(str(quadrant)) else w.text("undefined")
            )
            table.rows.append(
                [
                    self.link(code, ""),
                    self.figure(share, w.measured(share, "share"), hidden),
                    self.figure(difference, w.number(difference, 2, signed=True), hidden),
                    Cell(str(name)),
                ]
            )
            table.keys.append(code)
        section.tables.append(table)
        points = [
            {"x": float(row["on_time_share"]), "y": float(row["difference_percentage_points"])}
            for row in rows
            if row["on_time_share"] is not None and row["difference_percentage_points"] is not None
        ]
        if points:
            chart = charts.scatter(
                points,
                label("on_time_share", w.language),
                label("difference_percentage_points", w.language),
                None,
                f"{title}, {period}",
                w.language,
            )
            drawn = w.text("kl_drawn", drawn=len(points), hidden=len(rows) - len(points))
            section.figures.append(Figure(self.drawer.draw(chart), drawn))
        return Page(path, title, [section])

    def methods(self) -> Page:
        """How the figures are made, and every dated rule."""
        w = self.w
        sections = [
            Section(paragraphs=[Paragraph(w.text("methods_text")), Paragraph(w.text("methods_uncertainty"))]),
            Section(
                w.text("suppression"),
                "suppression",
                paragraphs=[Paragraph(w.text("suppression_text", maximum=self.data.release["hidden_maximum"]))],
            ),
        ]
        rules = Section(w.text("rules"), "rules", paragraphs=[Paragraph(w.text("rules_text"))])
        rows = self.data.table("dim_rules", "rule_id") if self.data.has("dim_rules") else []
        rules.tables.append(
            Table(
                "rules-table",
                w.text("rules"),
                [
                    Column(w.text("rule")),
                    Column(w.text("value")),
                    Column(w.text("from"), date=True),
                    Column(w.text("to"), date=True),
                    Column(w.text("legal_reference")),
                ],
                [
                    [
                        Cell(str(row["rule_id"])),
                        Cell(_plain(row.get("value")) or str(row.get("detail") or "")),
                        Cell(
                            w.text("since_ever") if row["valid_from_date"] == _EVER[0] else str(row["valid_from_date"])
                        ),
                        Cell(w.text("still_valid") if row["valid_to_date"] == _EVER[1] else str(row["valid_to_date"])),
                        Cell(str(row.get("legal_reference") or "")),
                    ]
                    for row in rows[:LONGEST_TABLE]
                ],
                note=w.text("shown_first", shown=LONGEST_TABLE, count=len(rows), table="dim_rules")
                if len(rows) > LONGEST_TABLE
                else "",
                empty=w.text("missing_table", table="dim_rules"),
            )
        )
        return Page("methods.html", w.text("methods"), [*sections, rules])

    def glossary(self) -> Page:
        """What the words mean."""
        w = self.w
        terms = sorted(
            ((w.text("term_" + t), w.text(f"term_{t}_text")) for t in _TERMS), key=lambda item: alphabetical(item[0])
        )
        return Page("glossary.html", w.text("glossary"), [Section(facts=terms)])

    def quality(self) -> Page:
        """Hidden figures, published against computed, deliveries."""
        w, data = self.w, self.data
        hidden = Section(w.text("suppression"), "suppression")
        hidden.paragraphs.append(Paragraph(w.text("suppression_text", maximum=data.release["hidden_maximum"])))
        report = data.rows("select * from meta.suppression where cell_count > 0 order by table_name, column_name")
        columns = [
            Column(w.text("table")),
            Column(w.text("column")),
            Column(w.text("shown_cells"), True),
            Column(w.text("by_rule"), True),
            Column(w.text("to_protect"), True),
        ]
        hidden.tables.append(
            Table(
                "suppression-table",
                w.text("suppression"),
                columns,
                [
                    [
                        Cell(labels().table(str(row["table_name"]), w.language)),
                        Cell(labels().column(str(row["column_name"]), w.language)),
                        *(
                            self.count(row, name)
                            for name in ("cell_count", "hidden_by_rule_count", "hidden_to_protect_count")
                        ),
                    ]
                    for row in report
                ],
                [f"{row['table_name']}.{row['column_name']}" for row in report],
            )
        )
        published = Section(w.text("published_computed"), "published")
        if data.has("rpt_published_against_computed"):
            found = data.rows(
                "select count(*) as compared, count(*) filter (is_within_tolerance) as within "
                "from main.rpt_published_against_computed where is_within_tolerance is not null"
            )[0]
            said = w.text(
                "published_computed_text", within=w.number(found["within"]), count=w.number(found["compared"])
            )
            published.paragraphs.append(Paragraph(said if found["compared"] else w.text("nothing_compared")))
        else:
            published.paragraphs.append(
                Paragraph(w.text("missing_table", table="rpt_published_against_computed"), "note")
            )
        deliveries = Section(w.text("deliveries"), "deliveries")
        rows = data.rows("select * from meta.deliveries order by period desc, delivery desc")
        deliveries.tables.append(
            Table(
                "deliveries-table",
                w.text("deliveries"),
                [
                    Column(w.text("period")),
                    Column(w.text("delivery"), True),
                    Column(w.text("status")),
                    Column(w.text("rows"), True),
                ],
                [
                    [
                        Cell(str(row["period"])),
                        Cell(str(row["delivery"])),
                        Cell(w.text(f"delivery_{row['status']}")),
                        Cell(w.number(row["rows"])),
                    ]
                    for row in rows[:LONGEST_TABLE]
                ],
            )
        )
        return Page("quality.html", w.text("quality"), [hidden, published, deliveries])

    def revision_table(self, table: str | None, caption: str, most: int) -> Table:
        """Revised figures, of one table or of all."""
        w = self.w
        count, rows = self.data.revisions(table, most)
        return Table(
            f"revisions-{table or 'all'}",
            caption,
            [
                Column(w.text("table")),
                Column(w.text("key")),
                Column(w.text("column")),
                Column(w.text("old_value")),
                Column(w.text("new_value")),
                Column(w.text("cause")),
                Column(w.text("delivery")),
            ],
            [
                [
                    Cell(labels().table(str(row["table_name"]), w.language)),
                    Cell(str(row["key"])),
                    Cell(labels().column(str(row["column_name"]), w.language)),
                    Cell(_plain(row["old_value"]) or w.text("undefined")),
                    Cell(_plain(row["new_value"]) or w.text("undefined")),
                    Cell(w.text(f"cause_{row['cause']}")),
                    Cell(str(row.get("delivery") or "")),
                ]
                for row in rows
            ],
            note=w.text("shown_first", shown=most, count=w.number(count), table="rpt_revisions")
            if count > most
            else "",
            empty=w.text("nothing_revised"),
        )

    def revisions(self) -> Page:
        """Figures that changed since an earlier release."""
        w = self.w
        if not self.data.has("rpt_revisions"):
            return Page("revisions.html", w.text("revisions"), [self.missing("rpt_revisions")])
        section = Section(
            paragraphs=[Paragraph(w.text("revisions_text"))],
            tables=[self.revision_table(None, w.text("revisions"), LONGEST_TABLE)],
        )
        return Page("revisions.html", w.text("revisions"), [section])

    def downloads(self) -> Page:
        """All files of the release, its hashes and its versions."""
        w, data = self.w, self.data
        # The site lies in the release's folder `site`, and pages in its language folders.
        up = "../../"
        files = Section("", "files", paragraphs=[Paragraph(w.text("downloads_text"))])
        plain = [
            ("release.duckdb", w.text("file_duckdb")),
            ("manifest.json", w.text("file_manifest")),
            ("datapackage.json", w.text("file_datapackage")),
            ("csv/codebook.csv", w.text("file_codebook")),
        ]
        files.tables.append(
            Table(
                "files-table",
                w.text("file"),
                [Column(w.text("file")), Column(w.text("what"))],
                [[Cell(name, href=up + name), Cell(text)] for name, text in plain if (data.folder / name).exists()],
            )
        )
        books = Section(w.text("workbooks"), "workbooks")
        for path in sorted((data.folder / "excel").glob("*.xlsx")):
            books.links.append((labels().subject(path.stem, w.language), f"{up}excel/{path.name}"))
        tables = Section(w.text("table"), "tables")
        rows = []
        for row in data.rows("select * from meta.tables order by table_name"):
            name = str(row["table_name"])
            rows.append(
                [
                    Cell(labels().table(name, w.language)),
                    Cell(w.number(row["row_count"])),
                    Cell("CSV", href=f"{up}csv/{name}.csv"),
                    Cell("Parquet", href=f"{up}parquet/{name}.parquet"),
                    Cell(str(row["sha256"])),
                ]
            )
        tables.tables.append(
            Table(
                "tables-table",
                w.text("table"),
                [
                    Column(w.text("table")),
                    Column(w.text("rows"), True),
                    Column("CSV"),
                    Column("Parquet"),
                    Column(w.text("hash")),
                ],
                rows,
            )
        )
        facts = Section(w.text("release"), "release")
        facts.facts = [
            (w.text("release"), str(data.release["release_id"])),
            (w.text("project_commit"), str(data.release["project_commit"] or data.release["project_hash"])),
            ("DuckDB", str(data.release["duckdb_version"])),
        ]
        return Page("downloads.html", w.text("downloads"), [files, books, tables, facts])

    def accessibility(self) -> Page:
        """The accessibility statement."""
        w = self.w
        section = Section(
            paragraphs=[Paragraph(w.text("accessibility_text")), Paragraph(w.text("accessibility_known"))]
        )
        return Page("accessibility.html", w.text("accessibility"), [section])


def _wilson(row: Row) -> tuple[float, float] | None:
    """Wilson's 95 per cent interval of a share, from the shown counts."""
    if row["numerator_count"] is None or not row["denominator_count"]:
        return None
    n, k = float(row["denominator_count"]), float(row["numerator_count"])
    share, z2 = k / n, _Z95 * _Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(max(0.0, share * (1 - share) / n + z2 / (4 * n * n)))
    return centre - half, centre + half


def _ranks(values: Mapping[str, Any], direction: str) -> dict[str, int]:
    """Rank 1 is the best; equal values share a rank."""
    sign = -1.0 if direction.startswith("higher") else 1.0
    shown = {code: sign * round(float(value), 9) for code, value in values.items() if value is not None}
    ordered = sorted(shown.values())
    first: dict[float, int] = {}
    for place, value in enumerate(ordered, start=1):
        first.setdefault(value, place)
    return {code: first[value] for code, value in shown.items()}


def _fifths(values: Mapping[str, float]) -> dict[str, int]:
    """Which fifth each value belongs to, 1 = lowest; equal values are in the same fifth."""
    ordered = sorted(values.values())
    count = len(ordered)
    if count == 0:
        return {}
    below: dict[float, int] = {}
    for place, value in enumerate(ordered):
        below.setdefault(value, place)
    return {code: min(5, 1 + below[value] * 5 // count) for code, value in values.items()}


def _plain(value: Any) -> str:
    """A value as short text."""
    if value is None:
        return ""
    if isinstance(value, float) or hasattr(value, "as_tuple"):
        return f"{float(value):g}"
    return str(value)


__all__: Sequence[str] = ("SiteError", "SiteReport", "build_site", "publish_site")
