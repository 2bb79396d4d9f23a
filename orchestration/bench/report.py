"""What a record of the benchmark says: ratios against their targets, tables for the terminal and for the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.bench import phases, situations
from orchestration.bench.phases import Phase
from orchestration.bench.run import Record

PAGE = "docs/performance.md"
RUNS = "docs/bench"
README_START, README_END = "<!-- bench -->", "<!-- /bench -->"
_README_BEFORE = "## Development"
_FOCUS_TARGETS = {"pandas": 2.5, "Polars": 1.5, "PostgreSQL": 5.0}
_NEW_MONTH_TARGET = 25.0


@dataclass(frozen=True)
class Ratio:
    """A figure of the benchmark and what it should be; `is_kept` is None where nothing is asked.

    `has_allowed_reason`: the target is missed by no more than the promise allows for a reason that was measured.
    """

    name: str
    value: str
    target: str = ""
    is_kept: bool | None = None
    has_allowed_reason: bool = False

    @property
    def verdict(self) -> str:
        """What the tables say of it."""
        if self.has_allowed_reason:
            return "above, as far as a reason allows"
        return {True: "kept", False: "not kept", None: ""}[self.is_kept]


def is_whole(record: Record) -> bool:
    """Whether the record holds the yardsticks and the other tools too, and not only the pipeline."""
    return "plain_sql" in record


def phases_of(record: Record, situation: str) -> list[Phase]:
    """The phases of a situation of the record."""
    return [Phase(**phase) for phase in situation_of(record, situation)["phases"]]


def situation_of(record: Record, name: str) -> Record:
    """A situation of the record. Raises KeyError."""
    for one in record["situations"]:
        if one["name"] == name:
            found: Record = one
            return found
    raise KeyError(name)


def ratios(record: Record, others: Iterable[Record] = ()) -> list[Ratio]:
    """The figures that the project promises, from one record; the kept runs tell whether a month's cost grows."""
    full, month = phases_of(record, situations.FULL_REFRESH), phases_of(record, situations.NEW_MONTH)
    whole = situation_of(record, situations.FULL_REFRESH)
    month_peak = phases.sum_of(month, without=phases.RELEASING).peak_memory
    plain, floor = record["plain_sql"], record["floor"]
    plain_cpu, plain_wall = _of_plain_sql(plain, "cpu"), _of_plain_sql(plain, "wall")
    floor_cpu = floor["reading"]["cpu"] + floor["writing"]["cpu"]
    without_hash = plain_cpu - plain["hash_in_load"]["cpu"]
    work = {name: phases.work_of(phases_of(record, name)) for name in (situations.FULL_REFRESH, situations.NEW_MONTH)}
    correction = phases.work_of(phases_of(record, situations.CORRECTION))
    months = record["options"]["months"]
    start_up = phases.sum_of(month, only=phases.TOOLS)
    checks, release = phases.sum_of(full, only=phases.CHECKS), phases.sum_of(full, only=phases.RELEASING)
    found = [
        _at_most("Full refresh ÷ plain SQL, CPU", whole["cpu"] / plain_cpu, 1.5),
        _at_most("Full refresh ÷ plain SQL, wall", whole["wall"] / plain_wall, 1.5),
        _at_most("Plain SQL without the hash ÷ floor, CPU", without_hash / floor_cpu, 12, with_reason=25),
        _at_most("Peak memory of the full refresh, GB", whole["peak_memory"] / 1e9, 4),
        _at_least(
            "Full refresh ÷ one new month (load, models, checks), CPU",
            work[situations.FULL_REFRESH].cpu / work[situations.NEW_MONTH].cpu,
            40,
        ),
        _at_most("The tools' start-up in one new month, s", start_up.wall, 25),
        _at_most("Peak memory of one new month (load, models, checks), GB", month_peak / 1e9, 1),
        _at_most(
            "Correction ÷ 14 months of the full refresh, CPU",
            correction.cpu / (work[situations.FULL_REFRESH].cpu * 14 / months),
            1,
        ),
        _at_most("Checks in the full refresh, per cent of its time", 100 * checks.wall / whole["wall"], 20),
        _at_most("Release in the full refresh, per cent of its time", 100 * release.wall / whole["wall"], 10),
        *_focus_ratios(record),
    ]
    found += _growth(record, others)
    speed = record["generator"]["rows_per_second"]
    if speed is not None:
        found.append(_at_least("Generator, million rows a second", speed / 1e6, 1))
    return found


def _of_plain_sql(plain: Record, measure: str) -> float:
    """The load and the models of plain SQL, with as many threads as suit that measure best."""
    # Older records have the first only.
    ways = [plain[name] for name in ("models", "models_with_threads_of_pipeline") if name in plain]
    return float(plain["load"][measure]) + min(float(way[measure]) for way in ways)


def _growth(record: Record, others: Iterable[Record]) -> list[Ratio]:
    """One new month here against one in the shortest kept run of the same code, scale and processor."""
    months = record["options"]["months"]
    shorter = [
        other
        for other in others
        if other["commit"] == record["commit"]
        and other["options"]["scale"] == record["options"]["scale"]
        and other["machine"]["cpu"] == record["machine"]["cpu"]
        and other["options"]["months"] < months
    ]
    if not shorter:
        return []
    first = min(shorter, key=lambda other: int(other["options"]["months"]))
    before = first["options"]["months"]
    costs = [phases.work_of(phases_of(one, situations.NEW_MONTH)).cpu for one in (record, first)]
    name = f"One new month after {months} months ÷ after {before}, CPU"
    return [_at_most(name, costs[0] / costs[1], 1.2)]


def _focus_ratios(record: Record) -> list[Ratio]:
    tools = record["focus_goals"]["tools"]
    ours, newest = tools["this project"]["cpu"], tools["this project, one new month"]["cpu"]
    found = []
    for name, target in _FOCUS_TARGETS.items():
        if name in tools:
            found.append(_at_least(f"Focus goals: {name} ÷ this project, CPU", tools[name]["cpu"] / ours, target))
            found.append(
                _at_least(
                    f"Focus goals: {name} ÷ one new month of this project, CPU",
                    tools[name]["cpu"] / newest,
                    _NEW_MONTH_TARGET,
                )
            )
    return found


def _at_most(name: str, value: float, target: float, with_reason: float | None = None) -> Ratio:
    if with_reason is None:
        return Ratio(name, f"{value:.2f}", f"≤ {target:g}", value <= target)
    promised = f"≤ {target:g}, with a reason ≤ {with_reason:g}"
    return Ratio(name, f"{value:.2f}", promised, value <= target, target < value <= with_reason)


def _at_least(name: str, value: float, target: float) -> Ratio:
    return Ratio(name, f"{value:.2f}", f"≥ {target:g}", value >= target)


Table = tuple[Sequence[str], list[Sequence[str]]]


def situations_table(record: Record) -> Table:
    """One row per situation."""
    rows: list[Sequence[str]] = [
        (
            one["name"], f"{one['wall']:.1f}", f"{one['cpu']:.1f}", _gigabytes(one["peak_memory"]),
            _count(one["rows_in"]), _count(one["rows_out"]), _megabytes(one["read"]), _megabytes(one["written"]),
            _megabytes(one["disk_read"]), _megabytes(one["disk_written"]), _megabytes(one["warehouse_bytes"]),
        )
        for one in record["situations"]
    ]  # fmt: skip
    return (
        ("Situation", "s", "CPU s", "peak GB", "rows in", "rows out", "read MB", "written MB", "from disk MB",
         "to disk MB", "warehouse MB"),
        rows,
    )  # fmt: skip


def phases_table(record: Record, situation: str) -> Table:
    """One row per phase, in the order of the run."""
    return (
        ("Phase", "s", "CPU s", "peak GB", "rows in", "rows out", "read MB", "written MB"),
        [
            (
                phase.name, f"{phase.wall:.1f}", f"{phase.cpu:.1f}", _gigabytes(phase.peak_memory),
                _count(phase.rows_in), _count(phase.rows_out), _megabytes(phase.read), _megabytes(phase.written),
            )
            for phase in phases_of(record, situation)
        ],
    )  # fmt: skip


def yardsticks_table(record: Record) -> Table:
    """The floor, plain SQL and the hash."""
    floor, plain = record["floor"], record["plain_sql"]
    hashed = plain["hash_per_person_and_month"]
    rows = [
        ("Floor: every cell read once", floor["reading"], floor["peak_memory"], floor["rows"]),
        ("Floor: as many bytes written as the warehouse has", floor["writing"], floor["peak_memory"], None),
        ("Plain SQL: load with hash and row rules", plain["load"], plain["peak_memory"], plain["rows"]),
        ("Plain SQL: all models, each with all threads", plain["models"], plain["peak_memory"], plain["compared_rows"]),
    ]
    if "models_with_threads_of_pipeline" in plain:
        shared = plain["models_with_threads_of_pipeline"]
        rows.append(("Plain SQL: all models, each with the pipeline's threads", shared, None, None))
    table = [
        (
            name,
            f"{spent['wall']:.1f}",
            f"{spent['cpu']:.1f}",
            "" if peak is None else _gigabytes(peak),
            _count(count),
        )
        for name, spent, peak, count in rows
    ]
    in_load = plain["hash_in_load"]
    table.append(
        ("Keyed hash in that load, each person once", "", f"{in_load['cpu']:.1f}", "", _count(in_load["hashes"]))
    )
    table.append(
        ("Keyed hash, each person once a month", f"{hashed['wall']:.1f}", f"{hashed['cpu']:.1f}", "",
         _count(hashed["hashes"]))
    )  # fmt: skip
    return ("", "s", "CPU s", "peak GB", "rows or hashes"), list(table)


def tools_table(record: Record) -> Table:
    """The focus goals with each tool."""
    goals = record["focus_goals"]
    rows: list[Sequence[str]] = [
        (
            name, str(one["version"]), f"{one['wall']:.1f}", f"{one['cpu']:.1f}",
            "" if name == "PostgreSQL" else _gigabytes(one["peak_memory"]),
            f"{one['load']['wall']:.1f} / {one['load']['cpu']:.1f}" if "load" in one else "",
        )
        for name, one in goals["tools"].items()
    ]  # fmt: skip
    rows += [(name, "", "", "", "", reason) for name, reason in goals["left_out"].items()]
    return ("Tool", "version", "s", "CPU s", "peak GB", "before that: loading, s / CPU s"), rows


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.2f}"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def as_text(table: Table) -> str:
    """The table for a terminal."""
    head, rows = table
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def as_markdown(table: Table) -> str:
    """The table for a page."""
    head, rows = table
    line = "|" + "|".join(" --- " if column == 0 else " ---: " for column in range(len(head))) + "|"
    return "\n".join(["| " + " | ".join(head) + " |", line, *("| " + " | ".join(row) + " |" for row in rows)])


def ratios_table(record: Record, others: Iterable[Record] = ()) -> Table:
    """The promised figures."""
    return (
        ("Figure", "measured", "promised", ""),
        [(one.name, one.value, one.target, one.verdict) for one in ratios(record, others)],
    )


def why_not_kept(record: Record, others: Iterable[Record] = ()) -> list[str]:
    """For every target that is missed and has a reason that was measured: the figure, and the reason."""
    missed = [one.name for one in ratios(record, others) if one.is_kept is False]
    full, month = phases_of(record, situations.FULL_REFRESH), phases_of(record, situations.NEW_MONTH)
    found = []
    if any(name.startswith("Plain SQL") for name in missed):
        plain = record["plain_sql"]
        load, models = plain["load"]["cpu"], _of_plain_sql(plain, "cpu") - plain["load"]["cpu"]
        found.append(
            "Plain SQL ÷ floor: the floor decodes every cell once. The load tests each row by every rule, replaces its "
            f"person and writes it ({load:.0f} CPU s, {plain['hash_in_load']['cpu']:.0f} of them the "
            "hash); the models group and join the rows of persons at least once for each measure "
            f"({models:.0f} CPU s)."
        )
    if any(name.startswith("Full refresh ÷ one new month") for name in missed):
        of_full, of_month = phases.work_of(full).cpu / record["options"]["months"], phases.work_of(month).cpu
        checks = phases.sum_of(month, only=phases.CHECKS, without=phases.RELEASING).cpu
        facts = phases.sum_of(month, only=[phases.MODELS_PREFIX + "marts"]).cpu
        load = phases.sum_of(month, only=[phases.LOAD]).cpu
        found.append(
            "Full refresh ÷ one new month: a month of the full refresh costs "
            f"{of_full:.1f} CPU s, one new month {of_month:.1f}: the "
            f"load {load:.1f}, checks and tests {checks:.1f}, of which a month has nearly as many as all months have, "
            f"the facts and dimensions {facts:.1f}, which are built whole, since a new month decides what is "
            "provisional in those before it, and the other models the rest."
        )
    held = [one.peak_memory for one in month if one.name == phases.OTHER_CHECKS]
    if held and any(name.startswith("Peak memory of one new month") for name in missed):
        found.append(
            f"Peak memory of one new month: after the load, before anything is checked or built, {_gigabytes(held[0])} "
            "GB are held: Dagster, dbt and Great Expectations, each ready for its work, and what the load has left."
        )
    if any(name.endswith("÷ this project, CPU") for name in missed):
        found.append(
            "Focus goals: the other tools work out what the goals need and nothing else; this project's figure holds "
            "the spells, overlaps, target groups and start dates on which all measures stand."
        )
    return found


def told_runs(measured: Record, cost: str = "work_cpu") -> list[str]:
    """What each run took, of a situation (or the floor) that was measured several times; nothing for another."""
    runs = measured.get("runs", [])
    if len(runs) < 2:
        return []
    each = ", ".join(f"{run[cost]:.1f}" for run in runs)
    work = "work " if cost == "work_cpu" else ""
    return [f"Measured {len(runs)} times on the same data, {work}{each} CPU s: this is the one in the middle."]


def heading(record: Record) -> str:
    """When, on what, how much; and the record's `remark`, where somebody has put one into it by hand."""
    machine, options = record["machine"], record["options"]
    remark = f"\n\n{record['remark']}" if "remark" in record else ""
    return (
        f"{record['at'][:10]}, {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}, Python {machine['python']}, "
        f"DuckDB {record['versions']['duckdb']} with a limit of {options['memory_limit']}. "
        f"Scale {options['scale']:g} ({record['persons_a_month']:,} persons a month), {options['months']} months, "
        f"{_megabytes(record['delivered_bytes'])} MB delivered.{remark}"
    )


def for_terminal(record: Record, others: Iterable[Record] = ()) -> str:
    """All tables of a record."""
    parts = [heading(record), as_text(situations_table(record))]
    for one in record["situations"]:
        if len(one["phases"]) > 1:
            parts.append("\n".join([f"{one['name']}:", *told_runs(one), as_text(phases_table(record, one["name"]))]))
    if not is_whole(record):
        return "\n\n".join(parts)
    goals = record["focus_goals"]
    parts += [
        as_text(yardsticks_table(record)),
        f"Focus goals from {goals['raw_rows']:,} accepted rows (scale {goals['scale']:g}), equal row by row:\n"
        + as_text(tools_table(record)),
        as_text(ratios_table(record, others)),
    ]
    return "\n\n".join(parts)


_WAYS = """ Then they are made again, with as many threads as DuckDB has in the pipeline (one on two cores, where
dbt makes two models at once). What the pipeline takes is divided by the better of the two: processor time by the
cheaper, seconds by the quicker one."""

_PAGE = """# What it costs

Written by `make bench SCALE={scale:g} MONTHS={months} WRITE=yes`; every number is measured, none is estimated.

{heading}

The machine's seconds (wall) move with what else it does; CPU seconds and ratios of one run are what to compare.

## What was promised

{ratios}

*Work* of a situation is load, models and checks; the tools' start-up, the release and the web site are told apart.
{reasons}

## Situations

The pipeline as a command in a process of its own; a process tree is looked at five times a second. *Read* and *written*
are bytes asked of the system, most of them from the page cache; *disk* is what reached it. Memory that several
processes share counts once.

{situations}

{phases}

Dagster's event log says when a step began and ended, dbt's run results when a model or test did. Where two models ran
at once, time, CPU and bytes are shared equally between them, and both have the peak memory of the whole tree: phases
add up to the run, but one model's share is an estimate. Time in no step and no model is the tools' own, and so is what
dbt and the workers of the checks spend while they start beside another step (processor time without seconds).

## Yardsticks of the same run

The floor is one process that decodes every cell of the same files and writes as many bytes as the warehouse has. Plain
SQL is the same load (rules, hash, quarantine) and the same models' compiled SQL in one DuckDB connection, without
Dagster, dbt and checks; its {compared_tables} tables of facts and dimensions ({compared_rows:,} rows) came out equal to
the pipeline's, row by row.{ways}

{yardsticks}{floor_runs}

## The focus goals with other tools

From {raw_rows:,} accepted raw rows in Parquet files (scale {peers_scale:g}, {months} months) to `fct_focus_goals`; all
results are equal row by row. Reading the files counts, starting the tool doesn't; PostgreSQL's loading is told apart.
This project computes spells, target groups and start dates for all measures on the way, the others only what the goals
need. *DuckDB by hand* is what the same engine takes for them alone, all months at once. *One new month* is what this
project does when a month arrives; the others compute everything again. The programs stand in
`orchestration/bench/focus_goals/`.

{tools}

## Cost against months and persons

From the runs kept in [bench/](bench/); `PIPELINE=only` measures a full refresh and one new month of another size.

![CPU seconds against months](bench/cost_by_months.svg)

![CPU seconds against persons](bench/cost_by_persons.svg)
"""


def page(record: Record, others: Iterable[Record] = ()) -> str:
    """docs/performance.md."""
    options, goals = record["options"], record["focus_goals"]
    return _PAGE.format(
        scale=options["scale"],
        months=options["months"],
        heading=heading(record),
        ratios=as_markdown(ratios_table(record, others)),
        reasons="".join(f"\n- {reason}" for reason in why_not_kept(record, others)),
        situations=as_markdown(situations_table(record)),
        phases="\n\n".join(
            "\n\n".join(
                [f"### {one['name'].capitalize()}", *told_runs(one), as_markdown(phases_table(record, one["name"]))]
            )
            for one in record["situations"]
            if len(one["phases"]) > 1
        ),
        yardsticks=as_markdown(yardsticks_table(record)),
        floor_runs="".join(f"\n\nThe floor: {said[0].lower()}{said[1:]}" for said in told_runs(record["floor"], "cpu")),
        ways=_WAYS if "models_with_threads_of_pipeline" in record["plain_sql"] else "",
        compared_tables=record["plain_sql"]["compared_tables"],
        compared_rows=record["plain_sql"]["compared_rows"],
        raw_rows=goals["raw_rows"],
        peers_scale=goals["scale"],
        tools=as_markdown(tools_table(record)),
    )


def readme_section(record: Record, others: Iterable[Record] = ()) -> str:
    """The section of the README, between its marks."""
    return "\n".join(
        [
            README_START,
            "## What it costs",
            "",
            heading(record),
            "",
            as_markdown(_short(situations_table(record))),
            "",
            as_markdown(ratios_table(record, others)),
            "",
            "Phases, yardsticks and other tools, and why what is not kept is not: "
            f"[{PAGE}]({PAGE}), written by `make bench`.",
            README_END,
        ]
    )


def _short(table: Table) -> Table:
    head, rows = table
    return head[:6], [row[:6] for row in rows]


def with_section(readme: str, section: str) -> str:
    """The README with the section in place of the former one, or before `## Development` when there was none."""
    marked = re.compile(re.escape(README_START) + ".*?" + re.escape(README_END), re.DOTALL)
    if marked.search(readme):
        return marked.sub(lambda _: section, readme)
    before, found, after = readme.partition(f"\n{_README_BEFORE}\n")
    if not found:
        raise ValueError(f"README.md has neither {README_START} nor a line {_README_BEFORE}")
    return f"{before}\n{section}\n{found}{after}"


def kept_runs(folder: Path) -> list[Record]:
    """The records kept in the project, by months and scale."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda record: (record["options"]["months"], record["options"]["scale"]))


class HoldsMore(ValueError):
    """The kept record holds more than the one that is to take its place."""


def place_to_keep(project: Path, scale: float, months: int, *, whole: bool) -> Path:
    """The file that keeps the record of a run of this size. Raises HoldsMore."""
    kept = project / RUNS / f"{scale:g}-{months}.json"
    if not whole and kept.exists() and is_whole(json.loads(kept.read_text("utf-8"))):
        raise HoldsMore(
            f"{kept.relative_to(project)} holds yardsticks and other tools too, and is not replaced by a run of the "
            "pipeline alone: leave out WRITE=yes (--write); the record then stands in bench/results"
        )
    return kept


def write_pages(record: Record, project: Path) -> list[Path]:
    """Keep the record and draw the plots; a whole one also writes docs/performance.md and the README's section.

    Raises HoldsMore.
    """
    from orchestration.bench import plots

    runs = project / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    options = record["options"]
    kept = place_to_keep(project, options["scale"], options["months"], whole=is_whole(record))
    kept.write_text(json.dumps(_small(record), indent=1) + "\n", "utf-8")
    readme = project / "README.md"
    others = kept_runs(runs)
    written = [kept, *plots.write_plots(others, runs)]
    if not is_whole(record):
        return written
    (project / PAGE).write_text(page(record, others), "utf-8")
    readme.write_text(with_section(readme.read_text("utf-8"), readme_section(record, others)), "utf-8")
    return [*written, project / PAGE, readme]


def _small(record: Mapping[str, object]) -> Record:
    """The record with rounded numbers, so that a kept one is a page long."""

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return round(value, 3) if value < 1e6 else round(value)
        if isinstance(value, dict):
            return {name: rounded(part) for name, part in value.items() if name != "per_model"}
        if isinstance(value, list):
            return [rounded(part) for part in value]
        return value

    result: Record = {name: rounded(value) for name, value in record.items()}
    return result
