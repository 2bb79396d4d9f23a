"""Which cells of the released tables are hidden.

Works on staged copies of the `rpt_*` tables, finds the cells that the rule of `measures.md` section 14 hides, then lets
`secondary` hide what would give them away, and returns a mask per table. Nothing here changes a figure: a cell is shown
as it is or it is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.declarations import declaration_of
from orchestration.lib.disclosure.linked import hide_linked
from orchestration.lib.disclosure.secondary import AreaRow, Cells, ProtectedMonths, protect_families
from orchestration.lib.disclosure.state import Key, TableState, small
from orchestration.lib.release.content import columns_of
from orchestration.lib.rules import RuleMissing, loaded_parameter
from orchestration.lib.sql_text import quoted, sql_literal

PARAMETER = "disclosure_hidden_maximum"
# Columns that are no keys but lead to the rows of other tables.
LINKING = ("baseline_month", "follow_up_month", "expected_source")
# The code of a missing key: equal to itself, and no label's place.
_NO_LABEL = np.iinfo(np.int32).min


class DisclosureError(RuntimeError):
    """Disclosure control can't do its work; the release stops."""


def hidden_maximum(con: duckdb.DuckDBPyConnection, catalog: str, on: date) -> int:
    """The largest count that is hidden: rule parameter `disclosure_hidden_maximum` on the day of the release.

    One value serves a whole release, since a threshold that differed between months would itself tell something.
    Raises DisclosureError when no row of `rule_parameters` states it for that day.
    """
    try:
        value = loaded_parameter(con, catalog, PARAMETER, on)
    except RuleMissing as error:
        raise DisclosureError(f"no rule says which counts are hidden: {error}") from error
    if value < 0 or value != int(value):
        raise DisclosureError(f"rule_parameters: {PARAMETER} is {value}; it must be a whole number of at least 0")
    return int(value)


def read_state(con: duckdb.DuckDBPyConnection, table: str, relation: str, columns: dict[str, str]) -> TableState:
    """Read keys and figures of a staged table in its row order."""
    declaration = declaration_of(table, columns)
    present = [name for name in declaration.figure_columns if name in columns and name not in declaration.words]
    linking = [name for name in LINKING if name in columns and name not in declaration.keys]
    selected = [f"{quoted(name)}::varchar as {quoted('key_' + name)}" for name in (*declaration.keys, *linking)]
    selected += [f"{quoted(name)}::double as {quoted(name)}" for name in present]
    data = con.execute(f"select {', '.join(selected)} from {relation}").to_arrow_table()

    def key(name: str) -> Key:
        coded = data.column("key_" + name).combine_chunks().dictionary_encode()
        codes = coded.indices.fill_null(_NO_LABEL).to_numpy().astype(np.int64)
        return Key(codes, np.asarray([str(label) for label in coded.dictionary.to_pylist()], dtype=np.str_))

    rows = data.num_rows
    state = TableState(
        declaration,
        relation,
        columns,
        keys={name: key(name) for name in declaration.keys},
        figures={name: np.asarray(data.column(name).to_numpy(), dtype=np.float64) for name in present},
        extra={name: key(name) for name in linking},
    )
    for name in (*present, *(word for word in declaration.words if word in columns)):
        state.hidden[name] = np.zeros(rows, dtype=np.bool_)
    return state


def numerator_of(
    state: TableState, share: str | None, numerator: str | None, denominator: str
) -> npt.NDArray[np.float64]:
    """The numerator of a share; where the table has none, share x denominator, which is the same whole number."""
    if numerator is not None and numerator in state.figures:
        return state.figures[numerator]
    assert share is not None
    return np.rint(state.figures[share] * state.figures[denominator])


def hide_primary(state: TableState, maximum: int) -> None:
    """Hide what the rule itself hides: see `measures.md` section 14 and `clarifications.md`.

    A count of 1..maximum as numerator, complement or denominator hides numerator and share; as denominator or count of
    persons it hides every figure of the row; any other count of 1..maximum hides itself.
    """
    declaration = state.declaration
    denominators = [s.denominator for s in declaration.shares if s.denominator in state.figures]
    row_mask = np.zeros(state.row_count, dtype=np.bool_)
    for name in (*declaration.people, *denominators):
        if name in state.figures:
            row_mask |= small(state.figures[name], maximum)
    state.hide_row(row_mask)
    for share in declaration.shares:
        if share.denominator not in state.figures:
            continue
        if not {share.share, share.numerator} & set(state.figures):
            continue
        numerator = numerator_of(state, share.share, share.numerator, share.denominator)
        mask = small(numerator, maximum) | small(state.figures[share.denominator] - numerator, maximum)
        for part in (share.numerator, share.share):
            if part is not None:
                state.hide(part, mask)
    for name in declaration.counts:
        if name in state.figures:
            state.hide(name, small(state.figures[name], maximum))
    state.primary = {name: mask.copy() for name, mask in state.hidden.items()}


@dataclass(frozen=True)
class Context:
    """What disclosure control must know beside the tables: the threshold and who lies where."""

    maximum: int
    areas: tuple[AreaRow, ...]
    area_members: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class ReportRow:
    """One line of the suppression report: how many cells of a column are shown and hidden, and why."""

    table_name: str
    column_name: str
    cell_count: int
    hidden_by_rule_count: int
    hidden_to_protect_count: int


def read_context(con: duckdb.DuckDBPyConnection, catalog: str, on: date) -> Context:
    """Read threshold, areas and benefit areas from the warehouse's seeds; areas may be missing, the threshold not.

    `on` is the day of the release.
    """

    def seed(name: str, columns: str) -> list[tuple[str, ...]]:
        place = con.execute(
            "select schema_name from duckdb_tables() where database_name = ? and table_name = ?", [catalog, name]
        ).fetchone()
        if place is None:
            return []
        return con.execute(f"select {columns} from {quoted(catalog)}.{quoted(place[0])}.{name}").fetchall()

    areas = seed(
        "municipality_areas",
        "area_type_code, area_code::varchar, municipality_code::varchar, valid_from_date::date::varchar, "
        "valid_to_date::date::varchar",
    )
    members: dict[str, set[str]] = {}
    for area, group in seed("benefit_area_members", "benefit_area_code, benefit_group_code"):
        members.setdefault(area, set()).add(group)
    return Context(
        maximum=hidden_maximum(con, catalog, on),
        areas=tuple(
            AreaRow(kind, code, municipality, date.fromisoformat(start), date.fromisoformat(end))
            for kind, code, municipality, start, end in sorted(areas)
        ),
        area_members={area: frozenset(groups) for area, groups in members.items()},
    )


def read_earlier(con: duckdb.DuckDBPyConnection, state: TableState, previous: Path) -> None:
    """Mark what the previous release showed and hid, so that two releases together give nothing away.

    What was hidden stays hidden, and a cell shown before with the same value can't protect another one now. Each
    release takes over what the one before it hid, so looking one release back is looking at all.
    """
    table = state.declaration.table
    alias = "previous"
    if not con.execute("select 1 from duckdb_databases() where database_name = ?", [alias]).fetchone():
        con.execute(f"attach {sql_literal(previous / 'release.duckdb')} as {alias} (read_only)")
    columns = columns_of(con, f"{alias}.main.{quoted(table)}")
    shared = [name for name in state.figures if name in columns]
    if not shared or not set(state.declaration.keys) <= set(columns):
        return
    selected = ", ".join(
        f"coalesce(old.{quoted(n)}::double = new.{quoted(n)}::double, false) as {quoted('known_' + n)}, "
        f"coalesce(old.is_suppressed and old.{quoted(n)} is null and new.{quoted(n)} is not null, false) "
        f"as {quoted('hidden_' + n)}"
        for n in shared
    )
    matched = " and ".join(f"new.{quoted(key)} = old.{quoted(key)}" for key in state.declaration.keys)
    # Rows come as the join finds them, each with its place: sorting them would take longer than the join.
    data = con.execute(
        f"select new.rowid as row_position, {selected} from {state.relation} as new "
        f"inner join {alias}.main.{quoted(table)} as old on {matched}"
    ).fetchnumpy()
    rows = np.asarray(data["row_position"], dtype=np.int64)
    is_matched = np.zeros(state.row_count, dtype=np.bool_)
    is_matched[rows] = True
    if np.count_nonzero(is_matched) != len(rows):
        raise DisclosureError(f"{previous.name} has several rows of {table} with one key, so none is the row before")
    for name in shared:
        for marks, kind in ((state.known, "known_"), (state.hidden_before, "hidden_")):
            marks[name] = np.zeros(state.row_count, dtype=np.bool_)
            marks[name][rows] = data[kind + name]


def masks_for(
    states: Mapping[str, TableState],
    others: Callable[[], Mapping[str, TableState]],
    context: Context,
    earlier: Mapping[str, ProtectedMonths] | None = None,
) -> dict[str, Cells]:
    """Fill `hidden` of every table: first the rule itself, then all that would give a hidden cell away.

    states: the tables of the families; others: gives all other tables, asked for when they are needed, so that they
    may be read meanwhile. earlier: the families as the release before protected them (see `protected_months`).
    Returns this one's.
    """
    _hide_known(states, context.maximum)
    cells = protect_families(states, context.areas, context.maximum, earlier or {})
    rest = others()
    _hide_known(rest, context.maximum)
    hide_linked({**states, **rest}, cells, context.area_members, context.areas)
    return cells


def _hide_known(states: Mapping[str, TableState], maximum: int) -> None:
    """Hide what the rule itself hides, and what an earlier release hid."""
    for state in states.values():
        hide_primary(state, maximum)
        for column, mask in state.hidden_before.items():
            state.hide(column, mask)


def last_resorts(cells: Mapping[str, ProtectedMonths]) -> int:
    """In how many cells nothing but hiding the totals too could help."""
    return sum(sum(family.last_resorts) for family in cells.values())


def hidden_columns(state: TableState) -> Sequence[str]:
    """The columns of which at least one cell is hidden."""
    return [name for name, mask in state.hidden.items() if mask.any()]


def report(states: Mapping[str, TableState]) -> list[ReportRow]:
    """The suppression report of a release: counts only, for cells that have a value."""
    rows = []
    for name, state in sorted(states.items()):
        for column, hidden in state.hidden.items():
            has_value = (
                ~np.isnan(state.figures[column]) if column in state.figures else np.ones(len(hidden), dtype=np.bool_)
            )
            primary = state.primary[column]
            rows.append(
                ReportRow(
                    name,
                    column,
                    int(has_value.sum()),
                    int((primary & hidden & has_value).sum()),
                    int((hidden & ~primary & has_value).sum()),
                )
            )
    return rows
