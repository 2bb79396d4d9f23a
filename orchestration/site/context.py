"""What all pages of one language share: the release, the words, names, and how a figure becomes a cell."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from orchestration.lib.periods import first_day, period_months
from orchestration.site import charts
from orchestration.site.data import COUNTRY, ReleaseData, Row
from orchestration.site.parts import LONGEST_TABLE, Cell, Paragraph, Section
from orchestration.site.words import Words, alphabetical


class Site:
    """All that the pages of one language share."""

    def __init__(self, data: ReleaseData, words: Words, drawer: charts.Drawer) -> None:
        self.data, self.w, self.drawer = data, words, drawer
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
        # How wide an interval is, and to how many decimals two figures are equal: as the measures themselves have it.
        self.confidence_z = data.rule("confidence_z")
        self.comparison_decimals = int(data.rule("comparison_decimals"))

    # -- cells ------------------------------------------------------------------------------------------------------

    def nothing(self, hidden: bool) -> Cell:
        """A figure that isn't shown: hidden to protect persons, or not defined."""
        return Cell(hidden=True) if hidden else Cell(self.w.text("undefined"))

    def not_relevant(self) -> Cell:
        """A figure that isn't made here at all."""
        return Cell(self.w.text("not_relevant"))

    def figure(self, value: Any, written: str, suppressed: bool) -> Cell:
        """A figure: shown, hidden, or not defined."""
        if value is None:
            return self.nothing(suppressed)
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
            return self.nothing(False)
        value = None if row["measure_value"] is None else float(row["measure_value"])
        return self.figure(value, self.w.measured(value, unit), is_hidden(row))

    def written(self, row: Row | None, unit: str) -> str:
        """The value of a measure in running text: the figure, the word for hidden, or the mark for not defined."""
        cell = self.measured(row, unit)
        return self.w.text("hidden") if cell.hidden else cell.text

    # -- words ------------------------------------------------------------------------------------------------------

    def month(self, month: date, row: Row | None) -> str:
        """The month of a figure, marked when the figure is provisional."""
        said = self.w.month(month)
        return self.w.text("provisional_month", month=said) if row and row.get("is_provisional") else said

    def period(self, code: str) -> str:
        """A rolling year in words, with its code: juli 2024–juni 2025 (2025QMAT02)."""
        months = period_months(code)
        first, last = (self.w.month(first_day(number)) for number in (months[0], months[-1]))
        return f"{first}–{last} ({code})"

    def reason(self, row: Row) -> str | None:
        """Why a row says what it says, as its table has it, with the language's minus sign; None when it is hidden."""
        reason = row[f"reason_{self.w.language}"]
        return None if reason is None else minus_signs(str(reason))

    def link(self, code: str, prefix: str) -> Cell:
        """A municipality with a link to its page."""
        return Cell(self.names.get(code, code), href=municipality_page(code, prefix))

    def pages(self, prefix: str) -> dict[str, str]:
        """Where the page of each municipality stands."""
        return {code: municipality_page(code, prefix) for code in self.names}

    def missing(self, table: str) -> Section:
        """What is said where the release lacks a table."""
        return Section(paragraphs=[Paragraph(self.w.text("missing_table", table=table), "note")])

    def shortened(self, count: int, table: str, most: int = LONGEST_TABLE) -> str:
        """What is said under a table that shows the first `most` of `count` rows; nothing where it shows all."""
        if count <= most:
            return ""
        return self.w.text("shown_first", shown=self.w.number(most), count=self.w.number(count), table=table)

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

    def category_title(self, row: Row) -> str:
        """Number and name of a category."""
        name = self.w.choose(str(row["category_name_da"]), str(row["category_name_en"]))
        return f"{row['municipality_category']} {name}"

    def level_cell(self, code: str) -> Cell:
        """A municipality's difference from the expected level."""
        row = self.levels.get(code)
        if row is None:
            return Cell(self.w.text("undefined"))
        value = row["difference_percentage_points"]
        number = None if value is None else float(value)
        return self.figure(number, self.w.measured(number, "percentage_points"), bool(row["is_suppressed"]))

    def category_notes(self) -> list[Paragraph]:
        """What is said wherever a category is shown: limits that are only assumed, and months that a mean lacks."""
        notes = [
            self.w.text("assumed_note", goal=self.w.text(f"of_{goal}"), limit=self.w.number(limit, 2))
            for goal, limit in sorted(self.data.assumed_limits.items())
        ]
        if self.data.newest_period is not None:
            year = [first_day(number) for number in period_months(str(self.data.newest_period))]
            found = self.data.measure_rows.get("passive_share", {})
            group = self.data.main_group("passive_share") or ""
            known = sum(
                found.get((group, month), {}).get(COUNTRY, {}).get("measure_value") is not None for month in year
            )
            if 0 < known < len(year):
                notes.append(self.w.text("few_months_note", count=known))
        return [Paragraph(note, "note") for note in notes]

    def _levels(self) -> dict[str, Row]:
        data = self.data
        if not data.has("rpt_benefit_levels"):
            return {}
        rows = data.rows(
            """
            with newest as (
                select
                    period_code,
                    -- The published level where the year has one, else the model's, as the categories choose.
                    if(bool_or(expected_source = 'published'), 'published', 'model') as expected_source
                from main.rpt_benefit_levels
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


def municipality_page(code: str, prefix: str) -> str:
    """The address of a municipality's page. prefix: the way from the page that names it to the site's root."""
    return f"{prefix}municipalities/{code}.html"


def is_hidden(row: Row) -> bool:
    """True when a measure's value isn't shown since it, or a count behind it, is hidden to protect persons."""
    return (
        row["measure_value"] is None
        and bool(row["is_suppressed"])
        and (row["numerator_count"] is None or row["denominator_count"] is None)
    )


def minus_signs(text: str) -> str:
    """A text of the tables, whose negative numbers begin with a hyphen, with minus signs."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)
