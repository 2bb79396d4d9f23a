"""The parts that pages are made of, and the HTML of a table's rows."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from markupsafe import Markup, escape

# A page stays quick and below its size limit; the rest of a long table is in the downloads.
LONGEST_TABLE = 400
# Sections with which a page gets a list of them.
_LONG_PAGE = 4


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
    """A column's heading; numbers are set to the right, dates are never broken, running text keeps some width."""

    label: str
    number: bool = False
    date: bool = False
    running: bool = False
    href: str | None = None


@dataclass
class Table:
    """A table of a page.

    keys: what each row is about, for tests and links. empty: what is said instead of a table without rows. folded: the
    line that unfolds the table, where it says once more what stands elsewhere on the page.
    """

    name: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    keys: list[str] = field(default_factory=list)
    note: str = ""
    empty: str = ""
    folded: str = ""

    def body(self, hidden: str) -> Markup:
        """The rows as HTML: a template takes many times as long for the cells, of which a site has tens of thousands.

        hidden: the word for a figure that isn't shown.
        """
        starts = [
            '<td class="n">'
            if column.number
            else '<td class="d">'
            if column.date
            else '<td class="t">'
            if column.running
            else "<td>"
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
class LegendEntry:
    """What a fill of a map means: the mark in the tile, its colours, and the meaning in words."""

    mark: str
    fill: str
    ink: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A chart, its text, and what its fills mean."""

    drawing: Markup | Future[str]
    caption: str
    legend: tuple[LegendEntry, ...] = ()

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
    def contents(self) -> list[tuple[str, str]]:
        """Heading and id of the sections, for a page so long that a reader needs them."""
        named = [(section.heading, section.name) for section in self.sections if section.heading and section.name]
        return named if len(named) >= _LONG_PAGE else []

    @property
    def waits(self) -> bool:
        """True when a chart of the page is drawn by the charts' process."""
        return any(isinstance(figure.drawing, Future) for section in self.sections for figure in section.figures)
