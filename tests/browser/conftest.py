"""A real browser, the network cut, and a site of a made-up release."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from orchestration.lib.release import writer
from orchestration.site.build import SiteReport, publish_site
from tests.support.release_fixture import build

INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium")


@dataclass(frozen=True)
class Site:
    """A release with its site."""

    release: Path
    root: Path
    report: SiteReport


def chromium() -> str:
    """Debian's chromium; installed where it is missing and we may, else a failure that names the command."""
    found = shutil.which("chromium")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(("apt-get", "update"), check=False, capture_output=True)
        subprocess.run(
            INSTALL, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
        found = shutil.which("chromium")
    if found is None:
        pytest.fail(f"the browser tests need chromium; install it as root with: {' '.join(INSTALL)}", pytrace=False)
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A release of 14 months at a twentieth of the country, with its site."""
    folder = tmp_path_factory.mktemp("site")
    fixture = build(folder / "w" / "warehouse.duckdb", months=14, persons=40_000)
    at = dt.datetime(2025, 7, 1, 10, 15, tzinfo=dt.UTC)
    facts = writer.ReleaseFacts(created_at=at, build_id="b1", project_hash="ab" * 32, key_id="k1", is_sample=True)
    identifier = writer.release_identifier(at, "abcdef12")
    release = writer.write_release(fixture.path, folder / "releases", release_id=identifier, facts=facts)
    report = publish_site(release)
    return Site(release, release / "site", report)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a network: every host but this machine's files is unreachable."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--disable-background-networking",
            ],
        )
        yield running
        running.close()
