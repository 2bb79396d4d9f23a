"""Charts as inline SVG.

The charts of the measure pages are Vega-Lite specifications, which a process of their own renders by vl-convert while
the pages are made; the tile map and the small time series of the municipality pages, of which there are hundreds, are
drawn directly. Every chart is an image with a text in words; its figures stand in a table on the same page. What its
marks mean stands at the marks or in a key above them, never in a colour alone and never behind a pointer. A chart has
only the figures that the page shows: a hidden one leaves a gap. On a narrow screen it is scrolled, not shrunk.
"""

from __future__ import annotations

from orchestration.site.charts.drawer import Chart, ChartError, Drawer, drawing
from orchestration.site.charts.funnels import funnel
from orchestration.site.charts.maps import CATEGORY_FILLS, FIFTHS, HIDDEN_FILL, short_names, tile_map, tiles
from orchestration.site.charts.rankings import ranking
from orchestration.site.charts.scatters import scatter
from orchestration.site.charts.small import small_series
from orchestration.site.charts.time_series import series

__all__ = [
    "CATEGORY_FILLS",
    "FIFTHS",
    "HIDDEN_FILL",
    "Chart",
    "ChartError",
    "Drawer",
    "drawing",
    "funnel",
    "ranking",
    "scatter",
    "series",
    "short_names",
    "small_series",
    "tile_map",
    "tiles",
]
