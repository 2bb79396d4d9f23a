"""The units in deploy/systemd: systemd understands them, and they keep the promises of docs/operations.md."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.lib.official.fetching import FetchError, OfficialSettings
from orchestration.lib.operations.alerts import AlertSettings
from orchestration.lib.operations.keeping import Keep
from orchestration.lib.settings import PROJECT_ROOT, Settings

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
    writes = unit.get("ReadWritePaths", "").split()
    # The daemon runs the weekly fetch, which delivers; every other service can only look at deliveries, if at all.
    assert set(writes) <= {"/srv/jobcenter/data", "/srv/jobcenter/landing"}
    assert ("/srv/jobcenter/landing" in writes) == (name == "jobcenter-daemon.service")
    read_only = [*unit.get("ReadOnlyPaths", "").split(), *unit.get("InaccessiblePaths", "").split()]
    assert ("/srv/jobcenter/landing" in [path.lstrip("-") for path in read_only]) == (
        name != "jobcenter-daemon.service"
    )


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
    hidden = [path.lstrip("-") for path in pages["InaccessiblePaths"].split()]
    assert {path for name, path in example(commented=True).items() if name.endswith("KEY_FILE")} <= set(hidden)


def example(*, commented: bool = False) -> dict[str, str]:
    """The variables of the example, with those that are commented out when asked for."""
    lines = (UNITS / "jobcenter.env.example").read_text("utf-8").splitlines()
    lines = [line.removeprefix("#") if commented else line for line in lines]
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def test_the_example_of_settings_names_what_the_code_reads_and_can_be_used_as_it_is() -> None:
    settings = Settings.from_environment(example())
    daemon = service("jobcenter-daemon.service")
    assert {str(settings.landing), str(settings.data)} == set(daemon["ReadWritePaths"].split())
    assert example()["DAGSTER_HOME"] == str(settings.dagster_home)
    # A key file that is not there stops the whole fetch: its line is there, to be switched on with the key.
    assert OfficialSettings.from_environment(settings.landing, settings.data, PROJECT_ROOT, example()).key is None
    with pytest.raises(FetchError, match="JOBINDSATS_KEY_FILE"):
        OfficialSettings.from_environment(settings.landing, settings.data, PROJECT_ROOT, example(commented=True))
    assert AlertSettings.from_environment(example(commented=True)).is_set and Keep.from_environment(example())


def test_the_account_of_the_daemon_and_the_suppliers_can_both_deliver_as_the_page_sets_it_up() -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text("utf-8")
    set_up = page.partition("```sh")[2].partition("```")[0]
    landing = str(Settings.from_environment(example()).landing)
    owner = service("jobcenter-daemon.service")["User"]
    assert f"install -d -o {owner} -g {owner} -m 0750 {landing}" in set_up
    (access_list,) = re.findall(rf"setfacl -m (\S+) {landing}", set_up)
    # Of the folder itself, and of every folder that either of them makes in it.
    assert {"u:jobcenter-supplier:rwx", "d:u:jobcenter-supplier:rwx", f"d:u:{owner}:rwx"} <= set(access_list.split(","))
    for account in (owner, "jobcenter-web", "jobcenter-supplier"):
        assert re.search(rf"^adduser .*\b{account}\b", set_up, re.MULTILINE)
    assert re.search(r"^apt-get install .*\bacl\b", set_up, re.MULTILINE)
