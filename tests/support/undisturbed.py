"""One undisturbed run of the whole pipeline on a tiny landing zone, shared by the tests that compare with it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.faults import Place, phase_durations, tiny_landing
from tests.support.landing import hours_rows, write_delivery

# Replacement numbers that no generated person has, so that finding one means that it came from these deliveries.
CANARIES = ("9912519999", "9812519998", "9712519997")


@dataclass(frozen=True)
class Undisturbed:
    """The place, what its release holds, how long each phase took, and the delivery of one month more."""

    place: Place
    hashes: dict[str, str]
    durations: dict[str, float]
    later: Path
    log: str


def run_undisturbed(folder: Path) -> Undisturbed:
    """Make three months of deliveries (and keep a fourth back), and run the pipeline on them."""
    place = Place(folder / "place")
    tiny_landing(place, months=4)
    later = folder / "later"
    shutil.move(place.landing / "2023-04" / "delivery-001", later)
    plant_canaries(place.landing)
    log = run_well(place)
    return Undisturbed(place, place.hashes(), phase_durations(log), later, log)


def run_well(place: Place) -> str:
    """Run a pipeline that must end well; what it said."""
    status, log = place.run()
    if status != 0:
        raise AssertionError(f"the undisturbed pipeline ended with status {status}:\n{log[-3000:]}")
    return log


def plant_canaries(landing: Path) -> None:
    """Numbers to be looked for afterwards: in a good delivery with a broken row, and in a rejected one."""
    good, broken, misnamed = CANARIES
    rows = [*hours_rows(200), {"person_id": good, "paid_hours": "10"}, {"person_id": broken, "paid_hours": "-1"}]
    write_delivery(landing, "2023-02", 8, {"ordinary_hours": rows}, "csv")
    content = f"person_id,paid_hours,{misnamed}\n{misnamed},{misnamed},1\n{misnamed},x\n".encode()
    folder = write_delivery(landing, "2023-01", 9, {"ordinary_hours": content}, "csv", supplier=f"S {misnamed}")
    (folder / f"{misnamed}.txt").write_text(misnamed)
