"""The site in a real browser: loads without a network, holds together, and is usable by everybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from orchestration.site.context import minus_signs
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE_TYPES = (
    "index.html",
    "municipalities.html",
    "measures.html",
    "measures/passive_share.html",
    "measures/benefit_level_difference.html",
    "measures/conversation_timeliness.html",
    "municipalities/0101.html",
    "municipalities/0825.html",
    "categories.html",
    "timeliness_and_results.html",
    "methods.html",
    "glossary.html",
    "quality.html",
    "revisions.html",
    "downloads.html",
    "accessibility.html",
)
LARGEST_PAGE = 400_000


def opened(browser: Browser, path: Path) -> tuple[Page, list[str], list[str]]:
    """Open a page from the file system; returns it with its console errors and its requests for anything else."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    return page, errors, [url for url in requests if not url.startswith(("file://", "data:"))]


def test_every_page_loads_without_errors_and_asks_no_other_host(site: Site, browser: Browser) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda request: problems.append(request.url) if not request.url.startswith(("file://", "data:")) else None,
    )
    paths = sorted(site.root.rglob("*.html"))
    assert len(paths) == site.report.pages > 2 * 98
    for language in ("da", "en"):
        # The country is on the list of municipalities, and yet no municipality.
        assert len(list((site.root / language / "municipalities").glob("*.html"))) == 98
    for path in paths:
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1, path
    page.close()
    assert problems == []


@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize("path", PAGE_TYPES)
def test_no_accessibility_violation(site: Site, browser: Browser, language: str, path: str) -> None:
    page, errors, foreign = opened(browser, site.root / language / path)
    try:
        # A chart is one image with a name; its thousands of inner nodes, which no reader meets, would take minutes.
        results = Axe().run(
            page,
            context={"exclude": [["svg.chart > *"]]},
            options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
        )
        found = [(v["id"], v["nodes"][0]["html"][:200]) for v in results.response["violations"]]
        assert found == []
        assert results.response["passes"], "axe-core ran no rule"
        assert errors == [] and foreign == []
    finally:
        page.close()


def test_start_page_is_accessible_too(site: Site, browser: Browser) -> None:
    page, errors, _ = opened(browser, site.root / "index.html")
    assert Axe().run(page).response["violations"] == [] and errors == []
    page.close()


def test_axe_core_finds_a_planted_fault(site: Site, browser: Browser, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    content = (site.root / "da" / "index.html").read_text("utf-8")
    broken.write_text(
        content.replace("</main>", '<img src="data:,"><p style="color:#ccc">Denne tekst er for svag</p></main>'),
        "utf-8",
    )
    page, _, _ = opened(browser, broken)
    found = {v["id"] for v in Axe().run(page).response["violations"]}
    page.close()
    assert {"image-alt", "color-contrast"} <= found


@pytest.mark.parametrize("width", [320, 1200])
def test_pages_fit_a_narrow_screen_and_reach_everything_by_keyboard(site: Site, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((site.root / "da" / "municipalities" / "0101.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
    page.close()
    assert "scroll" in seen and "A" in seen


@pytest.mark.parametrize("path", PAGE_TYPES)
def test_no_page_is_wider_than_a_phone(site: Site, browser: Browser, path: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site.root / "da" / path).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_long_tables_are_shown_whole_and_their_first_column_stays(site: Site, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site.root / "da" / "measures" / "passive_share.html").as_uri())
    box = page.locator("#table .scroll").first
    assert box.evaluate("node => node.scrollHeight - node.clientHeight") <= 1
    assert box.evaluate("node => node.scrollWidth - node.clientWidth") > 50
    first = page.locator("#values tbody th").nth(5)
    before = first.bounding_box()
    box.evaluate("node => { node.scrollLeft = 50 }")
    after = first.bounding_box()
    assert before is not None and after is not None and abs(before["x"] - after["x"]) <= 1
    page.close()


def test_the_second_order_unfolds_by_keyboard_and_the_best_comes_first(site: Site, browser: Browser) -> None:
    page, _, _ = opened(browser, site.root / "da" / "measures" / "passive_share.html")
    ranks = page.locator("#by-rank tbody tr td:nth-child(2)")
    assert not ranks.first.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert ranks.first.is_visible()
    shown = [int(text) for text in ranks.all_inner_texts()]
    page.close()
    assert shown[0] == 1 and shown == sorted(shown) and len(shown) >= 20


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("href"):
            self.links.append(str(values["href"]))
        if values.get("id"):
            self.ids.append(str(values["id"]))


@pytest.mark.parametrize("path", ["index.html", "categories.html", "measures/passive_share.html"])
def test_a_click_on_a_tile_of_the_map_leads_to_the_municipality(site: Site, browser: Browser, path: str) -> None:
    page, errors, _ = opened(browser, site.root / "da" / path)
    assert page.locator("svg.tiles a").count() == 98
    tile = page.locator("svg.tiles a", has_text="Ballerup:")
    tile.click()
    assert page.url.endswith("/da/municipalities/0151.html") and page.locator("h1").inner_text() == "Ballerup"
    page.close()
    assert errors == []


def test_links_hold_pages_are_small_and_the_site_is_quick(site: Site) -> None:
    parsed: dict[Path, _Links] = {}
    for path in site.root.rglob("*.html"):
        parsed[path.resolve()] = parser = _Links()
        parser.feed(path.read_text("utf-8"))
        assert len(parser.ids) == len(set(parser.ids)), f"{path}: an id stands twice"
    for path, parser in parsed.items():
        assert path.stat().st_size < LARGEST_PAGE, path
        for link in parser.links:
            if link.startswith("data:"):
                continue
            assert not re.match(r"[a-z]+:", link), f"{path} leads away to {link}"
            name, fragment = urldefrag(link)
            target = (path.parent / unquote(name)).resolve() if name else path
            assert target.is_file(), f"{path}: {link} leads nowhere"
            if fragment:
                assert fragment in parsed[target].ids, f"{path}: {link} leads nowhere"
    assert site.report.largest_bytes < LARGEST_PAGE


def figures(page: Page, table: str) -> dict[str, list[str | None]]:
    """Row key -> the raw value behind each cell, 'hidden' where it is hidden, None where there is no figure."""
    script = """table => Object.fromEntries([...document.querySelectorAll(`#${table} tbody tr`)].map(row => [
        row.dataset.key, [...row.cells].slice(1).map(cell => {
            const data = cell.querySelector('data');
            return data ? data.value : cell.querySelector('.hidden') ? 'hidden' : null;
        })]))"""
    return page.evaluate(script, table)  # type: ignore[no-any-return]


@pytest.mark.parametrize("language", ["da", "en"])
def test_figures_of_a_measure_equal_the_release(site: Site, browser: Browser, language: str) -> None:
    page, _, _ = opened(browser, site.root / language / "measures" / "passive_share.html")
    shown = figures(page, "values")
    page.close()
    with duckdb.connect(str(site.release / "release.duckdb"), read_only=True) as con:
        expected = con.execute(
            "select municipality_code, passive_count, person_count, passive_share from rpt_focus_goals "
            "where benefit_group_code = 'all' and month = (select max(month) from rpt_focus_goals)"
        ).fetchall()
    assert len(shown) == len(expected) == 99
    for code, count, persons, share in expected:
        cells = shown[code]
        for cell, value in zip(cells[:3], (count, persons, share), strict=True):
            if value is None:
                assert cell in ("hidden", None), code
            else:
                assert cell is not None and float(cell) == pytest.approx(float(value), abs=1e-12), code
    assert any("hidden" in cells for cells in shown.values())


@pytest.mark.parametrize("language", ["da", "en"])
def test_every_municipality_page_says_its_category_and_reasons(site: Site, browser: Browser, language: str) -> None:
    with duckdb.connect(str(site.release / "release.duckdb"), read_only=True) as con:
        rows = con.execute(
            f"select municipality_code, scenario_code, municipality_category, category_name_{language}, "
            f"reason_{language}, "
            "passive_percentage, passive_distance from rpt_category_assignments "
            "where period_code = (select max(period_code) from rpt_category_assignments)"
        ).fetchall()
    by_code: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        by_code.setdefault(row[0], []).append(row)
    assert len(by_code) == 98
    page = browser.new_page()
    for code, mine in by_code.items():
        page.goto((site.root / language / "municipalities" / f"{code}.html").as_uri())
        texts = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('#scenario-categories tbody tr')]"
            ".map(row => [row.dataset.key, [row.cells[1].innerText, row.cells[2].innerText]]))"
        )
        distances = figures(page, "distances")
        assert set(texts) == {row[1] for row in mine}
        for _, scenario, category, name, reason, percentage, distance in mine:
            assert texts[scenario][0] == f"{category} {name}"
            if reason is not None:
                assert texts[scenario][1] == minus_signs(str(reason))
            else:
                assert texts[scenario][1] in ("skjult", "hidden")
            if scenario == "official":
                assert page.locator("#why .result").inner_text().startswith(f"{category} {name}")
                for place, value in ((0, percentage), (3, distance)):
                    cell = distances["passive_percentage"][place]
                    assert cell == "hidden" if value is None else float(str(cell)) == pytest.approx(float(value))
    page.close()


def test_screenshots_of_each_page_type(site: Site, browser: Browser, tmp_path: Path) -> None:
    """Pictures for people to look at; the test sees that no page is blank and no chart is empty."""
    for path in PAGE_TYPES:
        page, _, _ = opened(browser, site.root / "da" / path)
        picture = page.screenshot(path=tmp_path / (path.replace("/", "_") + ".png"), full_page=True)
        assert len(picture) > 10_000
        for box in page.locator("main svg").all()[:5]:
            size = box.bounding_box()
            assert size is not None and size["width"] > 200 and size["height"] > 50, path
        page.close()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["da", "en"])
def test_texts_of_charts_are_whole_apart_and_large_enough(
    site: Site, browser: Browser, width: int, language: str
) -> None:
    """In the browser's own letters, which are wider than those that the charts are laid out with."""
    # Texts that pass the edge of their drawing, that lie on another text, or that are shown too small to read.
    script = """() => [...document.querySelectorAll('main svg')].flatMap(svg => {
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
        const boxes = texts.map(text => text.getBoundingClientRect());
        const shrunk = frame.width / svg.viewBox.baseVal.width;
        return texts.flatMap((text, i) => {
            const box = boxes[i], found = [];
            if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5) found.push('cut off');
            if (parseFloat(getComputedStyle(text).fontSize) * shrunk < 9.5) found.push('too small');
            if (boxes.some((other, j) => j < i && box.left < other.right && other.left < box.right
                && box.top + 4 < other.bottom && other.top + 4 < box.bottom)) found.push('on another');
            return found.map(what => `${text.textContent} ${what}`);
        });
    })"""
    page = browser.new_page(viewport={"width": width, "height": 900})
    measured = 0
    for path in ("municipalities/0101.html", "municipalities/0760.html", "timeliness_and_results.html", "index.html"):
        page.goto((site.root / language / path).as_uri())
        assert page.evaluate(script) == [], path
    for measure in sorted((site.root / language / "measures").glob("*.html")):
        page.goto(measure.as_uri())
        assert page.evaluate(script) == [], measure.name
        measured += page.locator("svg.chart text").count()
    page.close()
    assert measured > 500
