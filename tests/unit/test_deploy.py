"""The units in deploy/systemd: systemd understands them, and they keep the promises of docs/operations.md."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.lib.settings import PROJECT_ROOT

UNITS = PROJECT_ROOT / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))


def service(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    # Names of settings are written in camel case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((UNITS / name).read_text("utf-8"))
    return parser["Service"]


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for path in (*UNITS.glob("*.service"), *UNITS.glob("*.timer")):
        # Where it is installed stands in the units; here the programs lie elsewhere.
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace("/opt/jobcenter", str(PROJECT_ROOT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    own = [line for line in done.stderr.splitlines() if "jobcenter" in line]
    assert own == [] and done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_may_write_the_system(name: str) -> None:
    unit = service(name)
    assert unit["User"] in ("jobcenter", "jobcenter-web")
    assert unit["ProtectSystem"] == "strict" and unit["NoNewPrivileges"] == "yes"
    assert unit.get("ReadWritePaths", "/srv/jobcenter/data") == "/srv/jobcenter/data"


def test_pages_are_served_on_this_machine_only_and_without_sight_of_persons() -> None:
    site, pages = service("jobcenter-site.service"), service("jobcenter-webserver.service")
    for unit in (site, pages):
        assert "127.0.0.1" in unit["ExecStart"]
        assert unit["IPAddressDeny"] == "any" and unit["IPAddressAllow"] == "localhost"
    assert site["User"] == "jobcenter-web"
    assert site["BindReadOnlyPaths"].startswith("/srv/jobcenter/data/releases:")
    # An empty folder over the whole of the data, and one room of it let through.
    assert pages["TemporaryFileSystem"] == "/srv/jobcenter/data:ro"
    assert pages["BindPaths"] == "/srv/jobcenter/data/dagster"
    assert "JOBCENTER_DATA=/run/" in pages["ExecStart"] and "/srv/jobcenter/landing" in pages["InaccessiblePaths"]
