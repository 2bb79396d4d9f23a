"""Cost against months and against persons, from the kept runs, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert as vlc

from orchestration.bench import phases, situations
from orchestration.bench.run import Record

_SHOWN = (situations.FULL_REFRESH, situations.CORRECTION, situations.NEW_MONTH)
_TITLE = "CPU seconds of load, models and checks"


def write_plots(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write `cost_by_months.svg` and `cost_by_persons.svg`; a line joins runs of one scale, or of as many months."""
    rows = [
        {
            "situation": name,
            "months": record["options"]["months"],
            "persons": record["persons_a_month"],
            "scale": f"scale {record['options']['scale']:g}",
            "length": f"{record['options']['months']} months",
            "cpu": _work(record, name),
        }
        for record in records
        for name in _SHOWN
        # A kept record may have been made for one of them.
        if any(one["name"] == name for one in record["situations"])
    ]
    targets = {
        "cost_by_months.svg": ("months", "Months before", "scale"),
        "cost_by_persons.svg": ("persons", "Persons a month", "length"),
    }
    written = []
    for file, (column, title, line) in targets.items():
        path = folder / file
        path.write_text(vlc.vegalite_to_svg(_chart(rows, column, title, line).to_dict()), "utf-8")
        written.append(path)
    return written


def _work(record: Record, situation: str) -> float:
    spent = [
        phases.Phase(**phase) for one in record["situations"] if one["name"] == situation for phase in one["phases"]
    ]
    return phases.work_of(spent).cpu


def _chart(rows: list[dict[str, Any]], column: str, title: str, line: str) -> alt.Chart:
    # From 7,500 to 750,000 persons: equal steps are equal factors.
    scale = alt.Scale(zero=True) if column == "months" else alt.Scale(type="log")
    return (
        alt.Chart(alt.Data(values=rows), width=520, height=300)
        .mark_line(point=alt.OverlayMarkDef(size=60))
        .encode(
            x=alt.X(f"{column}:Q", title=title, scale=scale),
            y=alt.Y("cpu:Q", title=_TITLE, scale=alt.Scale(type="log")),
            color=alt.Color("situation:N", title=None, sort=list(_SHOWN)),
            detail=f"{line}:N",
            shape=alt.Shape(f"{line}:N", title=None),
        )
        .configure_view(strokeWidth=0)
        # Room on the right: a browser's font may be wider than the one that the width was worked out for.
        .configure(font="sans-serif", background="white", padding={"left": 5, "top": 5, "right": 30, "bottom": 5})
    )
