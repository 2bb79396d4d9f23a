"""Has charts drawn: what a chart is, and the process that renders it as an image of a page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO, Any

INK, MUTED, ACCENT, COUNTRY_COLOUR = "#1a1a1a", "#595959", "#0b5394", "#a33c00"
_SVG_HEAD = re.compile(r"<svg\b[^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_ARIA = re.compile(r' (?:aria-[a-z]+|role|tabindex)="[^"]*"')
_CONFIG = {
    # The page's own white, and at its edges the shadow that says that there is more to scroll to.
    "background": None,
    # Letters of a browser may be wider than those that the chart was laid out with: room for them at the edges.
    "padding": {"left": 12, "top": 5, "right": 36, "bottom": 5},
    "font": "sans-serif",
    "view": {"stroke": None},
    # The page says the chart in words; the renderer's own descriptions of every mark would be taken out again.
    "aria": False,
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": "#dddddd",
        "labelLimit": 0,
        "labelPadding": 6,
        "titlePadding": 14,
        "labelFlush": False,
    },
}


class ChartError(RuntimeError):
    """A chart can't be drawn; the message says which and why."""


@dataclass(frozen=True)
class Mark:
    """What a mark of a chart means. form: a class of the style sheet (dot, open, diamond, line, dash), or none."""

    form: str
    colour: str
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart that is to be drawn: a Vega-Lite specification, the text that says it in words, and its key."""

    specification: Mapping[str, Any]
    label: str
    language: str
    key: tuple[Mark, ...] = ()


class Drawer:
    """Draws charts in a process of its own, in the order in which they are asked for; see `drawing`."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        errors: IO[bytes],
        requests: ThreadPoolExecutor,
        answers: ThreadPoolExecutor,
    ) -> None:
        """errors: what the process writes when it fails. requests, answers: one thread each."""
        self._process, self._errors, self._requests, self._answers = process, errors, requests, answers

    def draw(self, chart: Chart) -> Future[str]:
        """The chart as SVG, when it is done; its `result` raises ChartError when the chart can't be drawn."""
        request = {
            "vl_spec": {
                "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
                "config": _CONFIG,
                **chart.specification,
            },
            "vl_version": "v5.21",
        }
        self._requests.submit(self._ask, json.dumps(request))
        return self._answers.submit(self._answer, chart)

    def _ask(self, request: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except OSError:
            # Without a request no answer would come: so the answers end too, and tell why.
            self._process.kill()

    def _answer(self, chart: Chart) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            code = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            raise ChartError(
                f"The process that draws the charts ended with code {code} at the chart “{chart.label}”"
                + (f": {said[-1]}" if said else "")
            )
        answer = json.loads(line)
        if "error" in answer:
            raise ChartError(f"The chart “{chart.label}” can't be drawn: {answer['error']}")
        return _framed(answer["svg"], chart)


@contextmanager
def drawing() -> Iterator[Drawer]:
    """The process that draws charts while the pages are made.

    A process, since vl-convert holds on to the interpreter while it draws. It ends with the `with` block, and with the
    process that started it, however that one dies.
    """
    here = Path(__file__).parent
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-P", str(here / "process.py")],
            env={**os.environ, "FONTCONFIG_FILE": str(here / "fonts.conf")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        ) as process,
        # One thread each, so that answers come in the order of the requests.
        ThreadPoolExecutor(1) as requests,
        ThreadPoolExecutor(1) as answers,
    ):
        try:
            yield Drawer(process, errors, requests, answers)
        finally:
            # Killed, so that nobody waits for charts that nobody wants; all that are wanted are drawn by now.
            process.kill()
            requests.shutdown(cancel_futures=True)
            answers.shutdown(cancel_futures=True)
            process.communicate()


def _framed(svg: str, chart: Chart) -> str:
    """The renderer's drawing as an image of the page: with its key and its text, and without a fixed size."""
    svg = _ARIA.sub("", svg)
    head = _SVG_HEAD.search(svg)
    assert head is not None
    inner = svg[head.end() :].replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    return _key(chart.key) + scrolled(
        f'<svg class="chart" aria-hidden="true" viewBox="{head.group(1)}" xmlns="http://www.w3.org/2000/svg">{inner}',
        chart.label,
    )


def scrolled(svg: str, label: str, role: str = "img") -> str:
    """A drawing in a box of its own, which a narrow screen scrolls, by keyboard too. role: `group` with links."""
    return (
        f'<div class="scroll drawing" role="{role}" tabindex="0" aria-label="{escape(label, quote=True)}">{svg}</div>'
    )


def _key(marks: Sequence[Mark]) -> str:
    """What the marks mean, in a line above the chart."""
    items = "".join(
        f'<li><i class="{mark.form}" style="color:{mark.colour}"></i>{escape(mark.text)}</li>' for mark in marks
    )
    return f'<ul class="key">{items}</ul>' if items else ""
