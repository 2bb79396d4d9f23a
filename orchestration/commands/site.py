"""Build the web site of a release: `python -m orchestration.commands.site [--release ID]`.

Takes the current release unless told otherwise, writes into its folder `site` and prints where the pages are.
Exit status 0, or 2 when there is no release to build from, or it can't be read, or its folder can't be written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.commands import end
from orchestration.lib.release.writer import current_release
from orchestration.lib.settings import Settings, SettingsError
from orchestration.site.build import SiteError, publish_site


def chosen_release(release_id: str | None) -> Path:
    """The folder of the named or the current release; SiteError when there is none."""
    releases = Settings.from_environment().releases
    folder = current_release(releases) if release_id is None else releases / release_id
    if folder is None or not folder.is_dir():
        what = "no current release" if release_id is None else f"no release {release_id}"
        raise SiteError(f"there is {what} in {releases}: `make run` or `make pipeline` makes one")
    return folder.resolve()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="site", description=__doc__)
    parser.add_argument("--release", help="id of a release; the current one unless given")
    options = parser.parse_args(arguments)
    try:
        folder = chosen_release(options.release)
        report = publish_site(folder)
    except (SiteError, SettingsError, OSError, duckdb.Error) as error:
        print(f"site: {error}", file=sys.stderr)
        return 2
    built = f"built in {report.seconds:.0f} s" if report.seconds else "was there already"
    print(f"site: {report.pages} pages, largest {report.largest_bytes // 1000} kB, {built}")
    print(f"site: open {folder / 'site' / 'index.html'} or run `make serve`")
    return 0


if __name__ == "__main__":
    end(main)
