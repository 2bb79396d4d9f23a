"""dbt on a project that is parsed already: `python -m orchestration.lib.dbt_parsed build …` is `dbt build …`.

dbt's own way to go on from an earlier parse looks at every file again and gives it up when the environment of the
profile differs, as it does for every data folder. The pipeline knows by `manifest_hash` that nothing has changed, and
hands dbt the manifest (`dbtRunner(manifest=…)` is dbt's public way to do so). Exit status: as dbt's, 0, 1 or 2.

dbt also renders every line of its log, ten for each one that is shown, before it asks whether anybody wants the line;
here it asks first, which saves a tenth of the time between the models.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder
from dbt_common.events.base_types import EventMsg
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.logger import _Logger

from orchestration.lib.dbt_manifest import PARSED

_LEVELS = {
    "test": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
}


class ParsedManifest(Manifest):
    """A manifest that was read: a run lays a copy of it beside its results, where dbt would write all of it anew.

    That took seconds at the end of each run. The copy tells when the project was parsed, not when it was run, and has
    no compiled code: that stands in the run's folder `compiled`.
    """

    text = b""

    def write(self, path: str) -> None:
        """Write the manifest as it was parsed."""
        Path(path).write_bytes(self.text)


def read_manifest(file: Path) -> Manifest:
    """The manifest of a `partial_parse.msgpack` (beside it `manifest.json`), ready to be run."""
    manifest = ParsedManifest.from_msgpack(file.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.text = file.with_name("manifest.json").read_bytes()
    manifest.rebuild_ref_lookup()  # type: ignore[no-untyped-call]  # dbt's own
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]  # dbt's own
    return manifest


def warm_up(manifest: Manifest) -> bool:
    """Let dbt list a model: its adapter is imported then, and its validators are made. False when it could not.

    For a process that waits anyway. It neither opens the database nor prints nor writes anything.
    """
    arguments = ["--quiet", "--log-level-file", "none", "--no-write-json", "list", "--select", "int_months"]
    with contextlib.redirect_stdout(io.StringIO()):
        return dbtRunner(manifest=manifest).invoke(arguments).success


class _Wanted:
    """A log's filter that lets through what the log would show."""

    def __init__(self, log: _Logger) -> None:
        self._log, self._passes = log, log.filter

    def __call__(self, event: EventMsg) -> bool:
        level = _LEVELS.get(event.info.level, logging.ERROR)
        # What `print` in a macro says is shown at any level.
        is_printed = event.info.name == "PrintEvent"
        shown = self._log._python_logger
        return (is_printed or shown is None or shown.isEnabledFor(level)) and self._passes(event)


def render_wanted_lines_only(_: EventMsg) -> None:
    """Called with each event of dbt; gives each of its logs the filter once."""
    for log in get_event_manager().loggers:
        if not isinstance(log.filter, _Wanted):
            log.filter = _Wanted(log)


def run(arguments: list[str], manifest: Manifest | None) -> int:
    """Run dbt with that manifest, or let dbt parse the project."""
    finished = dbtRunner(manifest=manifest, callbacks=[render_wanted_lines_only]).invoke(arguments)
    if finished.exception is not None:
        print(finished.exception, file=sys.stderr)
        return 2
    return 0 if finished.success else 1


def main(arguments: list[str]) -> int:
    """Run dbt with the manifest that JOBCENTER_PARSED names, or as it is where that is not set."""
    parsed = os.environ.get(PARSED)
    return run(arguments, read_manifest(Path(parsed)) if parsed else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
