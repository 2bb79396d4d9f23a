"""Builds the site of a release: pages, tables and charts, in Danish and English, that work from the file system."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestration.lib.release.labels import labels
from orchestration.lib.release.writer import close_folder, sync
from orchestration.site import charts
from orchestration.site.context import Site
from orchestration.site.data import ReleaseData, SiteError
from orchestration.site.pages import (
    accessibility,
    categories,
    downloads,
    front,
    glossary,
    measure,
    measures,
    methods,
    municipalities,
    municipality,
    quality,
    revisions,
    timeliness_and_results,
)
from orchestration.site.parts import Page
from orchestration.site.words import LANGUAGES, Words

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
        for language in LANGUAGES:
            words = Words(language)
            for page in _pages(Site(data, words, drawer)):
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


def _pages(site: Site) -> Iterator[Page]:
    """Every page of a language."""
    yield front.page(site)
    yield municipalities.page(site)
    yield measures.page(site)
    for row in site.data.measures:
        yield measure.page(site, row)
    for code in site.order:
        yield municipality.page(site, code)
    yield categories.page(site)
    yield timeliness_and_results.page(site)
    yield methods.page(site)
    yield glossary.page(site)
    yield quality.page(site)
    yield revisions.page(site)
    yield downloads.page(site)
    yield accessibility.page(site)


__all__: Sequence[str] = ("SiteError", "SiteReport", "build_site", "publish_site")
