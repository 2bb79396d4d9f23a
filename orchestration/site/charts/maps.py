"""The tile map: a tile for each municipality, drawn directly."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from orchestration.site.charts.drawer import INK, MUTED, scrolled

# Fill and text colour by class; every pair has a contrast of at least 4.5.
FIFTHS = (("#f1f6fb", INK), ("#c9dff2", INK), ("#93bfe3", INK), ("#2f6fa8", "#ffffff"), ("#0a3a66", "#ffffff"))
# From blue to orange, which readers who can't tell red from green tell apart too.
CATEGORY_FILLS = {
    0: ("#ffffff", INK),
    1: ("#0a3a66", "#ffffff"),
    2: ("#c9dff2", INK),
    3: ("#ffd59a", INK),
    4: ("#a33c00", "#ffffff"),
}
HIDDEN_FILL = ("#e6e6e6", INK)


@cache
def tiles() -> dict[str, tuple[int, int]]:
    """Column and row of every municipality in the tile map."""
    with (Path(__file__).parent / "tiles.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["municipality_code"]: (int(row["tile_column"]), int(row["tile_row"])) for row in csv.DictReader(file)
        }


def short_names(names: Mapping[str, str]) -> dict[str, str]:
    """Names that fit a tile: five letters; where several begin alike, the first one and the last four."""
    beginnings = Counter(name[:5] for name in names.values())
    return {
        code: name[:5] if beginnings[name[:5]] == 1 or len(name) <= 6 else f"{name[0]}.{name[-4:]}"
        for code, name in names.items()
    }


def tile_map(
    names: Mapping[str, str],
    marks: Mapping[str, str],
    fills: Mapping[str, tuple[str, str]],
    pages: Mapping[str, str],
    label: str,
) -> str:
    """The map with a tile for each municipality: letters of the name, and a mark.

    marks: what is written in the tile under the name. fills: fill and text colour. pages: where a click on the tile
    leads; the keyboard and screen readers have the same links in the table beside the map. label: the map in words.
    """
    size, gap = 46, 3
    short = short_names(names)
    places = {code: place for code, place in tiles().items() if code in names}
    if not places:
        return ""
    width = (max(column for column, _ in places.values()) + 1) * size
    height = (max(row for _, row in places.values()) + 1) * size
    parts = [
        f'<svg class="tiles" aria-hidden="true" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
    ]
    for code, (column, row) in sorted(places.items()):
        fill, ink = fills.get(code, HIDDEN_FILL)
        x, y = column * size, row * size
        parts.append(
            f'<a href="{escape(pages[code])}" tabindex="-1">'
            f"<title>{escape(names[code])}: {escape(marks.get(code, ''))}</title>"
            f'<rect x="{x}" y="{y}" width="{size - gap}" height="{size - gap}" rx="4" fill="{fill}" stroke="{MUTED}"/>'
            f'<text x="{x + 21}" y="{y + 18}" fill="{ink}" text-anchor="middle" font-size="12">'
            f"{escape(short[code])}</text>"
            f'<text x="{x + 21}" y="{y + 36}" fill="{ink}" text-anchor="middle" font-size="14" font-weight="bold">'
            f"{escape(marks.get(code, ''))}</text></a>"
        )
    parts.append("</svg>")
    return scrolled("".join(parts), label, "group")
