"""What was published can be built again from the deliveries known then and the project's own copy: equal hashes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lib.operations import rebuilding
from orchestration.lib.release import writer
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.faults import Place
from tests.support.undisturbed import Undisturbed


@pytest.mark.slow
def test_a_release_is_rebuilt_with_equal_hashes(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """A month that came later, and is not in the release, must make no difference."""
    place = Place(tmp_path / "place")
    shutil.copytree(undisturbed.place.folder, place.folder, symlinks=True)
    shutil.copytree(undisturbed.later, place.landing / "2023-04" / "delivery-001")
    release = writer.current_release(place.releases)
    assert release is not None
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.commands.rebuild", release.name],
        cwd=PROJECT_ROOT,
        env=place.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert f"equal to {release.name}" in done.stdout
    (rebuilt,) = writer.release_folders(place.data / "rebuilds" / release.name / "data" / "releases")
    assert rebuilding.compare(release, rebuilt).is_equal
    assert len(rebuilding.compare(release, rebuilt).equal) >= 25
    # The release itself and what is current are untouched.
    assert writer.release_folders(place.releases) == [release]
