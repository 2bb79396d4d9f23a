"""What each release hid month by month, kept so that the next one need not work through unchanged months again.

One file per release in `$DATA/protected_months/`, closed to others: the fingerprints in it would tell whether a hidden
figure has changed. Without it, or under other rules, all months are worked through; then another municipality may be
found to balance a hidden one, and its area's figure be hidden besides. A rebuild is therefore given the note as well.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.secondary import ProtectedMonths
from orchestration.lib.settings import PRIVATE_DIRECTORY_MODE, PRIVATE_FILE_MODE

_INCOMPLETE = ".incomplete-"


def rules_identifier(maximum: int) -> str:
    """Names the rules of disclosure control: its code and the largest count that is hidden."""
    digest = hashlib.sha256(str(maximum).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write(folder: Path, release_id: str, rules: str, families: Mapping[str, ProtectedMonths]) -> None:
    """Keep what a release hid, for its private note."""
    folder.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    described = {}
    for family, months in families.items():
        described[family] = {"fingerprints": months.fingerprints, "last_resorts": months.last_resorts}
        for name, mask in months.hidden.items():
            arrays[f"{family}/{name}"] = mask
            for kind, area_mask in months.area_hidden[name].items():
                arrays[f"{family}/{name}/{kind}"] = area_mask
    described_text = json.dumps({"rules": rules, "families": described})
    incomplete = folder / f"{_INCOMPLETE}{release_id}.npz"
    with incomplete.open("wb") as file:
        np.savez_compressed(file, described=np.asarray(described_text), **arrays)  # type: ignore[arg-type]
    incomplete.chmod(PRIVATE_FILE_MODE)
    incomplete.replace(folder / f"{release_id}.npz")


def prune(folder: Path, keep: Collection[str]) -> None:
    """Remove the notes of releases that are gone, and what was left unfinished."""
    for path in folder.glob("*.npz"):
        if path.stem not in keep:
            path.unlink()


def read(folder: Path, release_id: str, rules: str) -> dict[str, ProtectedMonths]:
    """The families as that release protected them; nothing without a whole note, or under other rules."""
    try:
        with np.load(folder / f"{release_id}.npz", allow_pickle=False) as arrays:
            described = json.loads(str(arrays["described"]))
            if described["rules"] != rules:
                return {}
            families = {
                family: ProtectedMonths(fingerprints=found["fingerprints"], last_resorts=found["last_resorts"])
                for family, found in described["families"].items()
            }
            for key in arrays.files:
                family, *place = key.split("/")
                if len(place) == 1:
                    families[family].hidden[place[0]] = arrays[key]
                elif len(place) == 2:
                    families[family].area_hidden.setdefault(place[0], {})[place[1]] = arrays[key]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return {}
    return families
