"""Secondary suppression by witnesses.

A hidden cell is safe when there is another table of whole numbers in which that cell has another value while every
figure that is shown stays the same: then nobody, however clever, can tell which of the two is true. `protect` makes
sure that such a *witness* exists for each cell that the rule hides. The witness is always one person moved about:

* inside a table with totals: from (a, g) to (a, h), and another from (b, h) to (b, g): a rectangle of four hidden cells
  leaves the totals of both municipalities, of both groups, of the country and of every area that holds a and b alike;
* in a column without totals over groups: from municipality a to municipality b;
* where the total itself is small: out of the total too, which is then hidden as well.

Where no witness stands ready, the cheapest cells that give one are hidden. Partners are sought inside the same region
and labour-market area, so that area totals stay untouched; where that fails, the areas' cells are hidden too.

Why not Tau-Argus (pytauargus): it protects one table of one variable at a time, so that linked tables (two area
divisions that do not nest, numerators inside denominators, the same persons in several tables, earlier releases) take
its modular runs round in circles, and at some 0.15 s a table and 40 tables a month a first release of 30 months would
take minutes. The witness rule covers the links by construction and takes fractions of a second a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_IMPOSSIBLE = np.inf


@dataclass(frozen=True)
class Geography:
    """Which areas the municipalities of one month lie in.

    areas: area type -> number of the area of each municipality. block: municipalities with the same number share region
    and labour-market area; partner_groups: those with the same number may not be partners (one job centre).
    """

    municipalities: tuple[str, ...]
    areas: dict[str, npt.NDArray[np.int64]]
    area_codes: dict[str, tuple[str, ...]]
    block: npt.NDArray[np.int64]
    partner_group: npt.NDArray[np.int64]
    shared_group: Bools
    neighbour_types: tuple[str, ...]

    @cached_property
    def partners(self) -> list[npt.NDArray[np.int64]]:
        """For each municipality those of its block that may be its partners."""
        return [
            np.flatnonzero((self.block == self.block[a]) & (self.partner_group != self.partner_group[a]))
            for a in range(len(self.municipalities))
        ]

    @cached_property
    def circles(self) -> list[list[npt.NDArray[np.int64]]]:
        """For each municipality where partners are sought, from near to far, so that few area totals are touched."""
        everyone = np.arange(len(self.municipalities))
        return [
            [
                self.partners[a],
                *(
                    everyone[(everyone != a) & (self.areas[kind] == self.areas[kind][a])]
                    for kind in self.neighbour_types
                ),
                everyone[everyone != a],
            ]
            for a in everyone
        ]


@dataclass
class Variable:
    """One figure in the cells of one month: rows are municipalities and, last, the country; with `has_total` the last
    column is the total of the others.

    lose, gain: per way of moving a person, where the figure may fall or rise by one without breaking a rule that a
    reader knows (no count below 0, no part above its whole). The ways of `lose` and `gain` are pairs.
    cost: what it costs to hide a cell that is shown; infinite where an earlier release showed the same value.
    """

    sensitive: Bools
    hidden: Bools
    lose: Sequence[Bools]
    gain: Sequence[Bools]
    cost: Floats
    has_total: bool
    area_sensitive: dict[str, Bools] = field(default_factory=dict)
    area_hidden: dict[str, Bools] = field(default_factory=dict)
    last_resorts: int = 0


def protect(variable: Variable, geography: Geography) -> None:
    """Hide, in place, what is needed so that every sensitive cell has a witness."""
    _Protector(variable, geography).run()


class _Protector:
    def __init__(self, variable: Variable, geography: Geography) -> None:
        self.v = variable
        self.geo = geography
        self.count = len(geography.municipalities)
        self.width = variable.hidden.shape[1] - (1 if variable.has_total else 0)
        self.total = self.width if variable.has_total else None
        self.rows_of_block = {int(b): np.flatnonzero(geography.block == b) for b in np.unique(geography.block)}
        self.everyone = np.arange(self.count)

    def run(self) -> None:
        v, a_count, width = self.v, self.count, self.width
        v.hidden |= v.sensitive
        inner = v.sensitive[:a_count, :width]
        waiting = inner & ~self._has_witness() if inner.any() else inner
        for a, g in zip(*np.nonzero(waiting), strict=True):
            self._protect_cell(int(a), int(g))
        if self.total is not None:
            for a in np.flatnonzero(v.sensitive[:a_count, self.total]):
                self._protect_row_total(int(a))
        for g in np.flatnonzero(v.sensitive[a_count, :width]):
            self._protect_column_total(int(g))
        if self.total is not None and v.sensitive[a_count, self.total]:
            self._last_resort(None, None)
        for kind in self.geo.neighbour_types:
            for area, g in zip(*np.nonzero(v.area_sensitive.get(kind, np.zeros((0, 0), dtype=np.bool_))), strict=True):
                self._protect_area(kind, int(area), int(g))
        self._hide_areas_of_hidden_members()

    # -- where a witness stands ready -------------------------------------------------------------------------------

    def _has_witness(self) -> Bools:
        """Interior cells that have a witness inside their block; conservative where job centres are shared."""
        v, ready = self.v, np.zeros((self.count, self.width), dtype=np.bool_)
        for rows in self.rows_of_block.values():
            hidden = v.hidden[rows, : self.width].astype(np.float32)
            found = np.zeros(hidden.shape, dtype=np.bool_)
            for lose, gain in zip(v.lose, v.gain, strict=True):
                down = hidden * lose[rows, : self.width]
                up = hidden * gain[rows, : self.width]
                for mine, other in ((down, up), (up, down)):
                    if self.total is None:
                        partners = other.sum(axis=0, keepdims=True) - other
                    else:
                        # other[a, h] * mine[b, h] * other[b, g], summed over b and h, without b = a and without h = g.
                        partners = other @ mine.T @ other
                        partners -= (other * mine).sum(axis=1, keepdims=True) * other
                        partners -= other * (mine * other).sum(axis=0, keepdims=True)
                        partners += other * mine * other
                    found |= (mine > 0) & (partners > 0.5)
            ready[rows] = found
        # Partners in the same job centre do not count; the search below looks at those cells one by one.
        ready[self.geo.shared_group] = False
        return ready

    def _price(self) -> Floats:
        return np.where(self.v.hidden, 0.0, self.v.cost)

    # -- making witnesses -------------------------------------------------------------------------------------------

    def _protect_cell(self, a: int, g: int, partners: npt.NDArray[np.int64] | None = None) -> bool:
        for rows in self.geo.circles[a] if partners is None else (partners,):
            choice = self._cheapest(a, g, rows)
            if choice is not None:
                b, h = choice
                cells = [(a, g), (b, g)] if h is None else [(a, g), (b, g), (a, h), (b, h)]
                for row, column in cells:
                    self.v.hidden[row, column] = True
                self._hide_crossed(a, b, [g] if h is None else [g, h])
                return True
        if self.total is not None:
            # A municipality with one group only has nothing to balance inside it: its total moves along.
            return self._protect_row_total(a, partners, g)
        if partners is None:
            self._last_resort(a, g)
        return False

    def _cheapest(self, a: int, g: int, rows: npt.NDArray[np.int64]) -> tuple[int, int | None] | None:
        if len(rows) == 0:
            return None
        v, width = self.v, self.width
        # What every way of moving a person costs alike: the rows' own cells, and those in the column of the cell.
        price = np.where(v.hidden[rows], 0.0, v.cost[rows])
        across = price[:, g]
        if self.total is not None:
            own = np.where(v.hidden[a, :width], 0.0, v.cost[a, :width])
            block_price = price[:, :width] + own[None, :] + across[:, None]
            block_price[:, g] = _IMPOSSIBLE
        best: tuple[float, int, int | None] | None = None
        for lose, gain in zip(v.lose, v.gain, strict=True):
            for mine, other in ((lose, gain), (gain, lose)):
                if not mine[a, g]:
                    continue
                if self.total is None:
                    cost = np.where(other[rows, g], across, _IMPOSSIBLE)
                    position = int(cost.argmin())
                    if cost[position] < (best[0] if best else _IMPOSSIBLE):
                        best = (float(cost[position]), int(rows[position]), None)
                    continue
                allowed = mine[rows, :width] & other[a, :width] & other[rows, g][:, None]
                block_cost = np.where(allowed, block_price, _IMPOSSIBLE)
                position = int(block_cost.argmin())
                row, column = divmod(position, width)
                if block_cost[row, column] < (best[0] if best else _IMPOSSIBLE):
                    best = (float(block_cost[row, column]), int(rows[row]), column)
                if best and best[0] == 0:
                    break
        return None if best is None else (best[1], best[2])

    def _protect_row_total(
        self, a: int, partners: npt.NDArray[np.int64] | None = None, group: int | None = None
    ) -> bool:
        """A person moves from a to b inside a group, and both totals are hidden: for a small total, or a lone group.

        partners: where b may be, everywhere unless given. group: the only group that may be used.
        """
        v, width, price = self.v, self.width, self._price()
        assert self.total is not None
        for candidates in self.geo.circles[a] if partners is None else (partners,):
            if len(candidates) == 0:
                continue
            best, found = _IMPOSSIBLE, None
            for lose, gain in zip(v.lose, v.gain, strict=True):
                for mine, other in ((lose, gain), (gain, lose)):
                    allowed = other[candidates, :width] & mine[a, :width][None, :]
                    if group is not None:
                        allowed[:, np.arange(width) != group] = False
                    cost = (
                        price[candidates, :width] + price[a, :width][None, :] + price[candidates, self.total][:, None]
                    )
                    cost = np.where(allowed, cost, _IMPOSSIBLE)
                    row, column = divmod(int(np.argmin(cost)), width)
                    if cost[row, column] < best:
                        best, found = float(cost[row, column]), (int(candidates[row]), column)
            if found is not None:
                b, g = found
                v.hidden[[a, a, b, b], [g, self.total, g, self.total]] = True
                self._hide_crossed(a, b, [g, self.total])
                return True
        if partners is None:
            self._last_resort(a, group)
        return False

    def _protect_column_total(self, g: int) -> None:
        """The country's figure is small: a person leaves it, for another group where groups have a total."""
        v, width, price, country = self.v, self.width, self._price(), self.count
        best, found = _IMPOSSIBLE, None
        for lose, gain in zip(v.lose, v.gain, strict=True):
            for mine, other in ((lose, gain), (gain, lose)):
                if self.total is None:
                    cost = np.where(mine[:country, g], price[:country, g], _IMPOSSIBLE)
                    row = int(np.argmin(cost))
                    if cost[row] < best:
                        best, found = float(cost[row]), (row, None)
                    continue
                allowed = mine[:country, g][:, None] & other[:country, :width]
                allowed[:, g] = False
                grid = price[:country, :width] + price[country, :width][None, :] + price[:country, g][:, None]
                grid = np.where(allowed, grid, _IMPOSSIBLE)
                row, column = divmod(int(np.argmin(grid)), width)
                if grid[row, column] < best:
                    best, found = float(grid[row, column]), (row, column)
        if found is None:
            self._last_resort(None, g)
            return
        a, h = found
        for column in [g] if h is None else [g, h]:
            v.hidden[[a, country], [column, column]] = True
            for kind in self.geo.neighbour_types:
                v.area_hidden[kind][self.geo.areas[kind][a], column] = True

    def _protect_area(self, kind: str, area: int, g: int) -> None:
        """An area's figure is small: its witness must leave the area.

        Any municipality may be where somebody leaves or enters: the figure can be small where none of theirs is, or
        where theirs are hidden already with the persons that they are a part of.
        """
        v, numbers = self.v, self.geo.areas[kind]
        v.area_hidden[kind][area, g] = True
        inside, outside = np.flatnonzero(numbers == area), np.flatnonzero(numbers != area)
        by_price = np.lexsort((self._price()[inside, g], ~v.sensitive[inside, g]))
        for a in inside[by_price]:
            if not v.sensitive[a, g] and not v.hidden[a, g] and v.cost[a, g] == _IMPOSSIBLE:
                continue  # an earlier release has told it
            if g == self.total:
                is_found = self._protect_row_total(int(a), outside)
            else:
                is_found = self._protect_cell(int(a), g, outside)
            if is_found:
                return
        # The area's total goes with the country's: its other groups would tell what is missing.
        self._last_resort(None, g)
        v.area_hidden[kind][area, g if self.total is None else [g, self.total]] = True

    def _last_resort(self, a: int | None, g: int | None) -> None:
        """Hide the totals along with the cell: with nothing left that holds it, it can't be worked out."""
        v, country = self.v, self.count
        v.last_resorts += 1
        rows = [country] if a is None else [a, country]
        columns = (
            [g]
            if g is not None
            else np.flatnonzero(v.sensitive[rows[0], : self.width]).tolist() or list(range(self.width))
        )
        if self.total is not None and self.total not in columns:
            columns.append(self.total)
        for row in rows:
            v.hidden[row, columns] = True
        if a is not None:
            for kind in self.geo.neighbour_types:
                v.area_hidden[kind][self.geo.areas[kind][a], columns] = True

    # -- areas ------------------------------------------------------------------------------------------------------

    def _hide_crossed(self, a: int, b: int, columns: list[int]) -> None:
        for kind in self.geo.neighbour_types:
            numbers = self.geo.areas[kind]
            if numbers[a] != numbers[b]:
                self.v.area_hidden[kind][numbers[a], columns] = True
                self.v.area_hidden[kind][numbers[b], columns] = True

    def _hide_areas_of_hidden_members(self) -> None:
        """A job centre, or an area of a single municipality, is hidden whenever a member is."""
        members = self.v.hidden[: self.count]
        for kind, numbers in self.geo.areas.items():
            target = self.v.area_hidden[kind]
            alone = np.bincount(numbers, minlength=len(target)) == 1
            rows = np.flatnonzero(alone[numbers]) if kind in self.geo.neighbour_types else self.everyone
            np.logical_or.at(target, numbers[rows], members[rows])
