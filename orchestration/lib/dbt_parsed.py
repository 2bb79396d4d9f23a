"""dbt on a project that is parsed already: `python -m orchestration.lib.dbt_parsed build …` is `dbt build …`.

dbt's own way to go on from an earlier parse looks at every file again and gives it up when the environment of the
profile differs, as it does for every data folder. The pipeline knows by `manifest_hash` that nothing has changed, and
hands dbt the manifest (`dbtRunner(manifest=…)` is dbt's public way to do so). Exit status: as dbt's, 0, 1 or 2.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder

from orchestration.lib.dbt_manifest import PARSED


def read_manifest(file: Path) -> Manifest:
    """The manifest of a `partial_parse.msgpack`, ready to be run."""
    manifest = Manifest.from_msgpack(file.read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.rebuild_ref_lookup()  # type: ignore[no-untyped-call]  # dbt's own
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]  # dbt's own
    return manifest


def main(arguments: list[str]) -> int:
    """Run dbt with the manifest that JOBCENTER_PARSED names, or as it is where that is not set."""
    parsed = os.environ.get(PARSED)
    finished = dbtRunner(manifest=read_manifest(Path(parsed)) if parsed else None).invoke(arguments)
    if finished.exception is not None:
        print(finished.exception, file=sys.stderr)
        return 2
    return 0 if finished.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
