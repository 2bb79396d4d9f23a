"""Doing harm on purpose: pipelines killed at seeded moments, full and closed disks, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.lib.operations import revisions
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.release import writer
from orchestration.lib.release.content import content_hash
from orchestration.lib.settings import PROJECT_ROOT
from orchestration.lib.sql_text import sql_file
from orchestration.sample import generate_sample
from tests.support import steps

# The line with which a phase begins; a killed run is placed by the last one that it printed.
PHASES = {
    "start": "landing zone",
    "load": r"\d+/\d+ 20\d\d-\d\d/",
    "build": "checking raw",
    "check": "checking staging",
    "publish": "writing the release",
}
PIPELINE = ("orchestration.commands.pipeline",)
_SAID = re.compile(r"\[\s*(\d+\.\d) s\] (.*)")


@dataclass
class Place:
    """A landing zone and a data folder, and pipelines run on them as processes of their own."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JOBCENTER_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **kept,
            "JOBCENTER_LANDING": str(self.landing),
            "JOBCENTER_DATA": str(self.data),
            "JOBCENTER_MEMORY_LIMIT": "1GB",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            "GX_ANALYTICS_ENABLED": "false",
        }

    def start(
        self, log: Path, limit: Callable[[], None] | None = None, command: Sequence[str] = PIPELINE
    ) -> subprocess.Popen[bytes]:
        """Start `make pipeline`'s command in a group of its own, so that it can be killed with its children."""
        # On a full disk Python would leave cut-off bytecode in the project, and stumble over it ever after.
        special = {"PYTHONDONTWRITEBYTECODE": "1"} if limit is not None else {}
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=PROJECT_ROOT,
                env={**self.environment(), **special},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=limit,
            )

    def run(self, limit: Callable[[], None] | None = None) -> tuple[int, str]:
        """Run a pipeline to its end; its status and what it said."""
        log = self.folder / "run.log"
        status = self.start(log, limit).wait()
        return status, log.read_text("utf-8", "replace")

    def hashes(self) -> dict[str, str]:
        """Content hash of every table of the current release, as its manifest has them."""
        current = writer.current_release(self.releases)
        if current is None:
            return {}
        tables = json.loads((current / writer.MANIFEST).read_text("utf-8"))["tables"]
        return {name: table["sha256"] for name, table in tables.items()}


def tiny_landing(place: Place, months: int = 3, seed: int = 1) -> None:
    """A sample of some thousand rows."""
    place.folder.mkdir(parents=True, exist_ok=True)
    # Smaller, and the smallest municipality has no more inhabitants than disclosure control hides.
    generate_sample(place.landing, scale=0.006, start="2023-01", months=months, seed=seed, progress=lambda line: None)


def wrong_with_releases(releases: Path) -> list[str]:
    """What must never be: `current` naming what is not whole, or a table that is not what the manifest says."""
    if not (releases / writer.CURRENT).is_symlink():
        return []
    current = writer.current_release(releases)
    if current is None:
        return ["current names no folder"]
    wrong = [] if not current.name.startswith(writer.INCOMPLETE_PREFIX) else ["current names an unfinished release"]
    wrong += [f"{name} is missing" for name in ("csv", "excel") if not (current / name).exists()]
    manifest = json.loads((current / writer.MANIFEST).read_text("utf-8"))
    with duckdb.connect(str(current / "release.duckdb"), read_only=True) as con:
        for name, table in manifest["tables"].items():
            hashed = list(revisions.HASHED_COLUMNS if name == revisions.TABLE else table["columns"])
            parquet = current / "parquet" / f"{name}.parquet"
            for relation in (f"main.{name}", f"read_parquet({sql_file(parquet)})"):
                if content_hash(con, relation, hashed) != table["sha256"]:
                    wrong.append(f"{relation} is not what the manifest says")
    return wrong


@dataclass(frozen=True)
class Kill:
    """One kill: of what and when it was to be, where it hit, and what was wrong right afterwards (nothing, we hope).

    `aim` is `pipeline`, or the name of a step (tests/support/steps.py) that ran alone.
    """

    seed: int
    aim: str
    phase: str
    delay_seconds: float
    is_whole_group: bool
    hit_phase: str
    wrong: tuple[str, ...]


MISSED = "ended before"


def phase_durations(log: str) -> dict[str, float]:
    """Seconds from the first line of each phase to that of the next, from the log of an undisturbed run."""
    said = [(float(found[1]), found[2]) for found in map(_SAID.match, log.splitlines()) if found]
    starts = {}
    for phase, sign in PHASES.items():
        moments = [moment for moment, text in said if re.match(sign, text)]
        if moments:
            starts[phase] = moments[0]
    ordered = sorted(starts.items(), key=lambda item: item[1])
    ends = [moment for _, moment in ordered[1:]] + [said[-1][0]]
    durations = {phase: max(0.1, end - start) for (phase, start), end in zip(ordered, ends, strict=True)}
    loading = [moment for moment, text in said if re.match(PHASES["load"], text)]
    if loading:
        # Up to the last delivery, not to the end of Dagster's step: the rest of it writes nothing.
        durations["load"] = loading[-1] - loading[0] + 0.5
    return durations


def phase_of(log: str) -> str:
    """The phase in which a log ends."""
    found = "start"
    for line in _SAID.findall(log):
        found = next((phase for phase, sign in PHASES.items() if re.match(sign, line[1])), found)
    return found


def kill_once(place: Place, seed: int, aim: str, durations: Mapping[str, float]) -> Kill:
    """Start a pipeline or a step of it, and kill it at a moment that the seed decides.

    `aim`: `pipeline` (the seed decides the phase too), `pipeline:<phase>`, or a step. Every fourth time only the
    process itself is killed and its children are left to find out. A run that ends before its moment must have ended
    well.
    """
    dice = random.Random(seed)
    what, _, phase = aim.partition(":")
    phase = phase or (what if what in steps.STEPS else dice.choice(sorted(durations)))
    is_step = what in steps.STEPS
    sign = re.escape(steps.BEGIN) if is_step else PHASES[phase]
    delay = dice.uniform(0, durations[phase])
    is_whole_group = dice.random() >= 0.25
    log = place.folder / "killed.log"
    process = place.start(log, command=("tests.support.steps", what) if is_step else PIPELINE)
    seen_at: float | None = None
    while process.poll() is None:
        text = log.read_text("utf-8", "replace")
        if seen_at is None and any(re.match(sign, said) for _, said in _SAID.findall(text)):
            seen_at = time.monotonic()
        if seen_at is not None and time.monotonic() - seen_at >= delay:
            break
        time.sleep(0.02)
    text = log.read_text("utf-8", "replace")
    status = process.poll()
    if status is None:
        os.killpg(process.pid, signal.SIGKILL) if is_whole_group else process.kill()
        process.wait()
        hit = phase if is_step else phase_of(text)
    else:
        hit = MISSED
    wrong = wrong_with_releases(place.releases)
    if status not in (None, 0):
        wrong.append(f"the run before its kill ended with status {status}: {text[-1500:]}")
    return Kill(seed, what, phase, round(delay, 2), is_whole_group, hit, tuple(wrong))


def survive(
    place: Place, plan: Sequence[tuple[int, str]], durations: Mapping[str, float], expected: Mapping[str, str]
) -> tuple[list[Kill], list[str]]:
    """Kill one run after the other on the same folder, then let one finish; the kills, and what is wrong then.

    `plan`: seed and aim of each kill, see kill_once. The step `publish` refuses, as it should, before a pipeline has
    come as far as that; a release that it has made after all is taken back: the next one shall have work to do.
    """
    before, kills = writer.current_release(place.releases), []
    for seed, aim in plan:
        kills.append(kill_once(place, seed, aim, durations))
        if aim == "publish":
            take_back(place.releases, before)
    status, text = place.run()
    wrong = [f"{kill.aim}: {message}" for kill in kills for message in kill.wrong]
    wrong += wrong_with_releases(place.releases)
    if status != 0:
        wrong.append(f"the pipeline after the kills ended with status {status}: {text[-1500:]}")
    found = place.hashes()
    wrong += [
        f"{name} differs" for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)
    ]
    wrong += [f"{path.name} is left over" for path in left_over(place.releases)]
    status, text = place.run()
    if status != 0 or "nothing new" not in text:
        wrong.append(f"the run after that was not idle: {text[-1500:]}")
    return kills, wrong


def take_back(releases: Path, before: Path | None) -> None:
    """Let `current` name the release `before` (or nothing) again, and remove what was made current since."""
    now = writer.current_release(releases)
    if now == before or now is None:
        return
    if before is None:
        (releases / writer.CURRENT).unlink()
    else:
        writer.make_current(releases, before.name)
    remove_tree(now)


def left_over(releases: Path) -> list[Path]:
    """What killed runs left: candidates, unfinished folders, and finished releases that were never current."""
    published = set()
    release = writer.current_release(releases)
    while release is not None and release.is_dir():
        published.add(release.name)
        previous = json.loads((release / writer.MANIFEST).read_text("utf-8"))["previous_release_id"]
        release = releases / previous if previous is not None else None
    found = [path for path in releases.iterdir() if path.name not in published and path.name != writer.CURRENT]
    return [*found, *(releases.parent / "candidates").iterdir()]


# What Python tells its audit hooks before it changes or opens a file.
_STEPS = {"open", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.link", "shutil.rmtree"}


def killed_at(step: int, folder: Path, work: Callable[[], object]) -> bool:
    """Do `work` in a copy of this process that dies, as by SIGKILL, before its step of that number on `folder`.

    A step is a call that opens, renames, makes or removes something below the folder. False when the work ended, well,
    before that step.
    """
    child = os.fork()
    if child == 0:
        _work_and_die(step, str(folder), work)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise AssertionError(f"the work before step {step} ended with status {status}")
    return status != 0


def _work_and_die(step: int, folder: str, work: Callable[[], object]) -> None:
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        # Inside rmtree the names are relative to an open folder, which comes as the last argument.
        if event in _STEPS and (str(arguments[0]).startswith(folder) or event in ("os.remove", "os.rmdir")):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    status = 1
    try:
        sys.addaudithook(hook)
        work()
        status = 0
    finally:
        os._exit(status)


def files_under(folder: Path) -> Iterator[Path]:
    """Every regular file below a folder."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def holding(folder: Path, needles: Sequence[bytes]) -> list[Path]:
    """Files that hold one of the needles, as they stand or inside what DuckDB and Parquet compress with dictionaries.

    DuckDB files are opened too and every text and number column is searched, since compressed text can't be grepped.
    """
    found = []
    for path in files_under(folder):
        content = path.read_bytes()
        is_table = path.suffix in (".duckdb", ".parquet") and bool(content)
        if any(needle in content for needle in needles) or (is_table and _in_tables(path, needles)):
            found.append(path)
    return found


def _in_tables(path: Path, needles: Sequence[bytes]) -> bool:
    texts = [needle.decode("ascii") for needle in needles if needle.isascii()]
    with duckdb.connect() as con:
        if path.suffix == ".parquet":
            relations = [f"read_parquet('{path}')"]
        else:
            con.execute(f"attach '{path}' as searched (read_only)")
            relations = [
                f'searched."{schema}"."{table}"'
                for schema, table in con.execute(
                    "select schema_name, table_name from duckdb_tables() where database_name = 'searched'"
                ).fetchall()
            ]
        for relation in relations:
            pattern = "|".join(re.escape(text) for text in texts)
            row = con.execute(
                f"select count(*) from {relation} as r where regexp_matches(r::varchar, ?)", [pattern]
            ).fetchone()
            if row is not None and row[0]:
                return True
    return False
