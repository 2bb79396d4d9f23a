"""Data Docs: Great Expectations' own pages as HTML on disk, readable without a network, and an index over the layers.

Pages are made where the suites are checked, since that takes Great Expectations; they are written, and the index is
made, by whoever asked.

Great Expectations renders the content; the frame around it (styles, navigation) is ours, because its own frame loads
style sheets, scripts and a logo from other hosts. A folder per layer and build, of which the last ones are kept.
"""

import json
import re
import shutil
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from orchestration.expectations.results import NOT_CHECKED, WHAT_TO_DO, ExpectationResult
from orchestration.expectations.suites import LAYERS, Layer, Suite

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

TEMPLATES = Path(__file__).parent / "templates"
_SUMMARY = "summary.json"


def write_pages(
    folder: Path,
    pages: Sequence[tuple[Suite, str]],
    results: Sequence[ExpectationResult],
    *,
    build_id: str,
    keep: int,
) -> None:
    """Write a page per suite to ``<folder>/<layer>/<build>/<suite>.html`` and renew ``<folder>/index.html``.

    Suites of the same build and layer that were validated in an earlier call keep their pages. Of each layer the
    ``keep`` newest builds stay (at least 1); older folders are deleted.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, not {keep}")
    build = re.sub(r"[^\w.-]+", "-", build_id)
    for suite, page in pages:
        target = folder / suite.layer / build
        target.mkdir(parents=True, exist_ok=True)
        mine = [result for result in results if result.suite == suite.name and result.layer == suite.layer]
        (target / f"{suite.name}.html").write_text(page, encoding="utf-8")
        _add_to_summary(target, suite, mine, build_id)
    for layer in {suite.layer for suite, _ in pages}:
        for old in _builds(folder, layer)[keep:]:
            shutil.rmtree(old)
    _write_index(folder)


def index_page(folder: Path) -> Path:
    """The page that a reader opens first."""
    return folder / "index.html"


@lru_cache(maxsize=1)
def _view() -> Any:
    """Great Expectations' page view with our frame; kept, because compiling its templates is the costly part."""
    from great_expectations.render.view import DefaultJinjaPageView

    view = DefaultJinjaPageView()
    package = jinja2.PackageLoader("great_expectations", "render/view/templates")
    view.env.loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES), package])
    return view


def render_suite(
    suite: Suite, validation: "ExpectationSuiteValidationResult", results: Sequence[ExpectationResult], build_id: str
) -> str:
    """A suite's page."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    sections: list[dict[str, Any]] = []
    # A suite that could not be evaluated would fill the page with tracebacks; our own table says what was wrong.
    if not any(result.observed.startswith(NOT_CHECKED) for result in results):
        document = ValidationResultsPageRenderer(run_info_at_end=True).render(validation).to_json_dict()
        # Its overview and run info repeat what our header says, with links to pages that this site does not have.
        sections = [part for part in document["sections"] if part["section_name"] not in ("Overview", "Run Info")]
    for section in sections:
        section["content_blocks"] = [
            block for block in section["content_blocks"] if block.get("content_block_type") != "header"
        ]
    html: str = (
        _view()
        .env.get_template("suite_page.j2")
        .render(
            sections=sections,
            suite=suite,
            results=results,
            build_id=build_id,
            query=suite.query(),
            breaking_rows={check.name: suite.breaking_rows(check) for check in suite.checks},
            what_to_do=WHAT_TO_DO[suite.layer],
            checked_at=_moment(results),
        )
    )
    return html


def _moment(results: Sequence[ExpectationResult]) -> str:
    return max(result.checked_at for result in results).strftime("%Y-%m-%d %H:%M UTC")


def _add_to_summary(target: Path, suite: Suite, results: Sequence[ExpectationResult], build_id: str) -> None:
    path = target / _SUMMARY
    summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"suites": {}}
    summary["build_id"] = build_id
    summary["checked_at"] = _moment(results)
    # The order in which builds are kept and listed: to the microsecond, since a small build takes less than a minute.
    summary["order"] = max(result.checked_at for result in results).isoformat()
    summary["suites"][suite.name] = {
        "table": suite.table,
        "checks": len(results),
        "errors": sum(not result.success and result.severity == "error" for result in results),
        "warnings": sum(not result.success and result.severity == "warn" for result in results),
        "failed": [
            {
                "severity": result.severity,
                "expectation": result.expectation,
                "meaning": result.meaning,
                "observed": result.observed,
            }
            for result in results
            if not result.success
        ],
    }
    # Renamed into its place: half a summary, left by a killed run, would stop every later one.
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(summary, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.replace(path)


def _summary(build: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((build / _SUMMARY).read_text(encoding="utf-8"))
    return summary


def _builds(folder: Path, layer: Layer) -> list[Path]:
    """The folders of a layer's validations, newest first."""
    found = [path.parent for path in (folder / layer).glob(f"*/{_SUMMARY}")]
    return sorted(found, key=lambda build: (_summary(build)["order"], build.name), reverse=True)


def _write_index(folder: Path) -> None:
    layers = []
    for layer in LAYERS:
        builds = [{"folder": f"{layer}/{build.name}", **_summary(build)} for build in _builds(folder, layer)]
        layers.append({"name": layer, "latest": builds[0] if builds else None, "earlier": builds[1:]})
    # Great Expectations' own environment would say the same of these templates, after an import of seconds.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=False)
    environment.globals["ge_version"] = version("great-expectations")
    html = environment.get_template("index_of_layers.j2").render(layers=layers)
    index_page(folder).write_text(html, encoding="utf-8")
