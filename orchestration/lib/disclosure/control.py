"""Which cells of the released tables are hidden.

Works on staged copies of the `rpt_*` tables, finds the cells that the rule of `measures.md` section 14 hides, then lets
`secondary` hide what would give them away, and returns a mask per table. Nothing here changes a figure: a cell is shown
as it is or it is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.declarations import Declaration, declaration_of
from orchestration.lib.release.content import quoted

Mask = npt.NDArray[np.bool_]
PARAMETER = "disclosure_hidden_maximum"


class DisclosureError(RuntimeError):
    """Disclosure control can't do its work; the release stops."""


@dataclass
class TableState:
    """One staged table: its keys, its figures as numbers (NaN = null) and what is hidden of them."""

    declaration: Declaration
    relation: str
    columns: dict[str, str]
    keys: dict[str, npt.NDArray[np.object_]]
    figures: dict[str, npt.NDArray[np.float64]]
    primary: dict[str, Mask] = field(default_factory=dict)
    hidden: dict[str, Mask] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Rows of the table."""
        return len(next(iter(self.keys.values())))

    def hide(self, column: str, mask: Mask) -> None:
        """Hide `column` where `mask` holds."""
        if column in self.hidden:
            self.hidden[column] |= mask

    def hide_row(self, mask: Mask) -> None:
        """Hide every figure of the rows where `mask` holds."""
        for column in self.hidden:
            self.hidden[column] |= mask


def hidden_maximum(con: duckdb.DuckDBPyConnection, catalog: str) -> int:
    """The largest count that is hidden: the newest value of rule parameter `disclosure_hidden_maximum`.

    One value serves a whole release, since a threshold that differed between months would itself tell something.
    Raises DisclosureError when no row of `rule_parameters` states it.
    """
    places = con.execute(
        "select schema_name from duckdb_tables() where database_name = ? and table_name = 'rule_parameters'", [catalog]
    ).fetchall()
    if not places:
        raise DisclosureError("the warehouse has no table rule_parameters, so no rule says which counts are hidden")
    row = con.execute(
        f"select value from {quoted(catalog)}.{quoted(places[0][0])}.rule_parameters "
        "where parameter_code = ? order by valid_from_date desc limit 1",
        [PARAMETER],
    ).fetchone()
    if row is None:
        raise DisclosureError(f"rule_parameters has no row {PARAMETER}, so no rule says which counts are hidden")
    value = int(float(row[0]))
    if value < 0:
        raise DisclosureError(f"rule_parameters: {PARAMETER} is {row[0]}; it must be a whole number of at least 0")
    return value


def read_state(con: duckdb.DuckDBPyConnection, table: str, relation: str, columns: dict[str, str]) -> TableState:
    """Read keys and figures of a staged table in its row order."""
    declaration = declaration_of(table, columns)
    present = [name for name in declaration.figure_columns if name in columns and name not in declaration.words]
    key_list = [f"{quoted(name)}::varchar as {quoted('key_' + name)}" for name in declaration.keys]
    figure_list = [f"{quoted(name)}::double as {quoted(name)}" for name in present]
    data = con.execute(f"select {', '.join(key_list + figure_list)} from {relation}").fetchnumpy()
    keys = {name: np.asarray(data["key_" + name], dtype=object) for name in declaration.keys}
    figures = {name: np.ma.filled(np.ma.asarray(data[name], dtype=np.float64), np.nan) for name in present}
    rows = len(next(iter(keys.values())))
    state = TableState(declaration, relation, columns, keys, figures)
    for name in (*present, *(word for word in declaration.words if word in columns)):
        state.hidden[name] = np.zeros(rows, dtype=np.bool_)
    return state


def numerator_of(state: TableState, share: str | None, numerator: str | None, denominator: str) -> npt.NDArray[np.float64]:
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

    def small(values: npt.NDArray[np.float64]) -> Mask:
        # Full-time persons are not whole: a value between 0 and the maximum is small too.
        return np.asarray((values > 1e-9) & (values <= maximum + 1e-9), dtype=np.bool_)

    declaration = state.declaration
    denominators = [s.denominator for s in declaration.shares if s.denominator in state.figures]
    row_mask = np.zeros(state.row_count, dtype=np.bool_)
    for name in (*declaration.people, *denominators):
        if name in state.figures:
            row_mask |= small(state.figures[name])
    state.hide_row(row_mask)
    for share in declaration.shares:
        if share.denominator not in state.figures:
            continue
        if not {share.share, share.numerator} & set(state.figures):
            continue
        numerator = numerator_of(state, share.share, share.numerator, share.denominator)
        mask = small(numerator) | small(state.figures[share.denominator] - numerator)
        for name in (share.numerator, share.share):
            if name is not None:
                state.hide(name, mask)
    for name in declaration.counts:
        if name in state.figures:
            state.hide(name, small(state.figures[name]))
    state.primary = {name: mask.copy() for name, mask in state.hidden.items()}


def masks_for(states: Mapping[str, TableState], maximum: int) -> None:
    """Fill `hidden` of every table: first the rule itself, then all that would give a hidden cell away."""
    for state in states.values():
        hide_primary(state, maximum)


def hidden_columns(state: TableState) -> Sequence[str]:
    """The columns of which at least one cell that has a value is hidden."""
    return [name for name, mask in state.hidden.items() if mask.any()]
