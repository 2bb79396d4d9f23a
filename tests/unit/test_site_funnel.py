"""The funnel of a share: what the limits of chance are compared with, and what stands outside them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.site.pages.measure_charts import funnel_section
from orchestration.site.words import Words

NAMES = {"0101": "København", "0147": "Frederiksberg", "0151": "Ballerup"}


def funnel(country: float, shares: tuple[float, float, float]) -> Any:
    """The section of three municipalities with 100 persons each."""
    site = SimpleNamespace(
        w=Words("en"),
        names=NAMES,
        measure_name=lambda measure: "Share",
        drawer=SimpleNamespace(draw=lambda chart: chart),
        confidence_z=1.959964,
        data=SimpleNamespace(measures_with_funnels=frozenset()),
    )
    rows: dict[str, dict[str, Any]] = {
        code: {"measure_value": share, "denominator_count": 100} for code, share in zip(NAMES, shares, strict=True)
    }
    return funnel_section(site, {"measure_id": "passive_share"}, {**rows, "0000": {"measure_value": country}}, "title")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("country", "shares", "outside"),
    [
        (0.5, (0.5, 0.55, 0.9), 1),
        # Without chance there is no distance to divide by.
        (0.0, (0.0, 0.0, 0.0), 0),
        (1.0, (1.0, 1.0, 1.0), 0),
        (1.0, (1.0, 1.0, 0.99), 1),
    ],
)
def test_how_many_lie_outside_what_chance_explains(
    country: float, shares: tuple[float, float, float], outside: int
) -> None:
    section = funnel(country, shares)
    assert section.figures
    assert section.paragraphs[0].text == Words("en").text("funnel_text", inside=3 - outside, count=3, outside=outside)
