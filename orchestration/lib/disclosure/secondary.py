"""Lets `witness` protect every family, month by month, and writes what it hides back into the tables' masks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.families import DERIVED, FAMILIES, Family, Figure
from orchestration.lib.disclosure.state import Key, TableState, small
from orchestration.lib.disclosure.witness import Geography, Variable, protect

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
COUNTRY = "0000"
# A zero tells a reader little, yet a shown zero is worth a little more than a cell that is hidden anyway.
_COST_OF_ZERO = 3.0
_COST_OF_TOTAL = 200.0
_COST_OF_COUNTRY = 100_000.0


@dataclass(frozen=True)
class AreaRow:
    """One row of the seed of areas: the municipality lies in the area from `valid_from` until before `valid_to`."""

    area_type: str
    area_code: str
    municipality: str
    valid_from: date
    valid_to: date


@dataclass(kw_only=True)
class ProtectedMonths:
    """What a family hides, month by month.

    hidden: variable ("base" or the part's name) -> hidden cells, month x layer x row x column; area_hidden: the same by
    area type, with areas for rows. fingerprints: per month all that the masks depend on but what earlier releases
    showed; they tell of hidden figures, so they are no reader's business. last_resorts: per month in how many cells
    only hiding the totals too could help.
    """

    hidden: dict[str, Bools] = field(default_factory=dict)
    area_hidden: dict[str, dict[str, Bools]] = field(default_factory=dict)
    fingerprints: list[str] = field(default_factory=list)
    last_resorts: list[int] = field(default_factory=list)

    def take_over(self, month: int, earlier: ProtectedMonths | None) -> bool:
        """Take the masks of a month from an earlier release that protected the same figures; False if it did not."""
        if earlier is None or self.fingerprints[month] not in earlier.fingerprints:
            return False
        then = earlier.fingerprints.index(self.fingerprints[month])
        for name, mask in self.hidden.items():
            mask[month] = earlier.hidden[name][then]
            for kind, area_mask in self.area_hidden[name].items():
                area_mask[month] = earlier.area_hidden[name][kind][then]
        self.last_resorts[month] = earlier.last_resorts[then]
        return True


@dataclass(kw_only=True)
class Cells(ProtectedMonths):
    """Where the rows of a family's tables stand in the arrays month x layer x (municipalities, country) x column."""

    months: tuple[str, ...]
    layers: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    has_total: bool
    area_codes: dict[str, tuple[str, ...]]


def geography_of(month: str, municipalities: Sequence[str], areas: Sequence[AreaRow]) -> Geography:
    """The areas of a month. Municipalities without an area of some type form one of their own there."""
    day = date.fromisoformat(month[:10])
    in_force = tuple(row for row in areas if row.valid_from <= day < row.valid_to)
    return _geography(in_force, tuple(sorted({row.area_type for row in areas})), tuple(municipalities))


@lru_cache(maxsize=64)
def _geography(in_force: tuple[AreaRow, ...], kinds: tuple[str, ...], municipalities: tuple[str, ...]) -> Geography:
    """Kept, since most months have the areas of the month before."""
    numbers: dict[str, Integers] = {}
    codes: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        place = {row.municipality: row.area_code for row in in_force if row.area_type == kind}
        labels = [place.get(code, f"-{code}") for code in municipalities]
        codes[kind] = tuple(sorted(set(labels)))
        index = {label: i for i, label in enumerate(codes[kind])}
        numbers[kind] = np.asarray([index[label] for label in labels], dtype=np.int64)
    neighbours = tuple(kind for kind in ("rar_area", "region") if kind in numbers)
    stacked = (
        np.stack([numbers[kind] for kind in neighbours]) if neighbours else np.zeros((1, len(municipalities)), np.int64)
    )
    block = np.unique(stacked, axis=1, return_inverse=True)[1].astype(np.int64).ravel()
    centre = numbers.get("jobcentre", np.arange(len(municipalities), dtype=np.int64))
    return Geography(
        municipalities=municipalities,
        areas=numbers,
        area_codes=codes,
        block=block,
        partner_group=centre,
        shared_group=np.bincount(centre)[centre] > 1,
        neighbour_types=neighbours,
    )


def protect_families(
    states: Mapping[str, TableState], areas: Sequence[AreaRow], maximum: int, earlier: Mapping[str, ProtectedMonths]
) -> dict[str, Cells]:
    """Protect every family whose first table is there; returns the cells for tables that repeat them.

    earlier: the families as the release before protected them, under the same rules; months whose figures are the same
    are taken over from there. Their cells were all shown or hidden then, so that working them through once more would
    find a witness for each that is hidden already, and hide no other cell of theirs.
    """
    return {
        family.name: _protect_family(family, states, areas, maximum, earlier.get(family.name))
        for family in FAMILIES
        if family.table in states
    }


def _fingerprint(cells: Cells, month: str, geography: Geography, figures: Sequence[tuple[str, Floats | Bools]]) -> str:
    """Of all that decides what is hidden in one month: figures, their places, and who lies in which area."""
    digest = hashlib.blake2b(digest_size=20)
    places = (month, cells.layers, cells.rows, cells.columns, cells.has_total, geography.neighbour_types)
    areas = [
        (kind, geography.area_codes[kind], cells.area_codes[kind], numbers.tolist())
        for kind, numbers in geography.areas.items()
    ]
    digest.update(repr((places, areas, [name for name, _ in figures])).encode())
    for _, values in figures:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def combined(state: TableState, names: Sequence[str]) -> Key:
    """Several keys as one, joined by colons as in the group codes of the long tables; `all` where there is none."""
    if not names:
        return Key(np.zeros(state.row_count, dtype=np.int64), np.asarray(["all"], dtype=np.str_))
    key = state.keys[names[0]]
    for name in names[1:]:
        other = state.keys[name]
        pairs, codes = np.unique(key.codes * len(other.labels) + other.codes, return_inverse=True)
        labels = [f"{key.labels[pair // len(other.labels)]}:{other.labels[pair % len(other.labels)]}" for pair in pairs]
        key = Key(codes.astype(np.int64), np.asarray(labels, dtype=np.str_))
    return key


class _Reader:
    """Turns table columns into arrays and masks back into table columns."""

    def __init__(self, family: Family, states: Mapping[str, TableState], cells: Cells) -> None:
        self.family, self.states, self.cells = family, states, cells
        self.positions: dict[str, tuple[Bools, Integers]] = {}
        self.shape = (len(cells.months), len(cells.layers), len(cells.rows), len(cells.columns))
        for table in {table for figure in self.figures() for table, _ in figure.places} | {
            table for table, _ in family.row_places
        }:
            if table in states:
                self.positions[table] = self._positions(states[table])

    def figures(self) -> list[Figure]:
        return [self.family.base, *(part.figure for part in self.family.parts)]

    def _positions(self, state: TableState) -> tuple[Bools, Integers]:
        cells, family = self.cells, self.family
        month = state.keys["month"].positions_in(cells.months)
        row = state.keys["municipality_code"].positions_in(cells.rows)
        column = combined(state, family.column_keys).positions_in(cells.columns)
        layer = np.zeros(state.row_count, dtype=np.int64)
        if family.layer_key:
            layer = state.keys[family.layer_key].positions_in(cells.layers)
        inside = (month >= 0) & (row >= 0) & (column >= 0) & (layer >= 0)
        flat = np.ravel_multi_index((month[inside], layer[inside], row[inside], column[inside]), self.shape).astype(
            np.int64
        )
        return inside, flat

    def spread(self, table: str, values: npt.NDArray[np.generic], empty: float | bool) -> npt.NDArray[np.generic]:
        inside, flat = self.positions[table]
        array = np.full(int(np.prod(self.shape)), empty, dtype=values.dtype)
        array[flat] = values[inside]
        return array.reshape(self.shape)

    def values(self, figure: Figure) -> Floats | None:
        for table, column in figure.places:
            state = self.states.get(table)
            if state is None or column not in state.figures:
                continue
            numbers = state.figures[column]
            if figure.share_of is not None:
                numbers = np.rint(state.figures[figure.share_of] * state.figures[self.family.base.places[0][1]])
            return np.asarray(self.spread(table, numbers, np.nan), dtype=np.float64)
        return None

    def earlier(self, figure: Figure) -> tuple[Bools, Bools]:
        """Cells that an earlier release showed with the same value, and cells that it hid."""
        known, hidden = np.zeros(self.shape, dtype=np.bool_), np.zeros(self.shape, dtype=np.bool_)
        for table, column in figure.places:
            state = self.states.get(table)
            if state is not None and column in state.known:
                known |= self.spread(table, state.known[column], False).astype(np.bool_)
                hidden |= self.spread(table, state.hidden_before[column], False).astype(np.bool_)
        return known, hidden & ~known

    def hide(self, places: Sequence[tuple[str, str]], mask: Bools) -> None:
        for table, column in places:
            state = self.states.get(table)
            if state is None or column not in state.hidden:
                continue
            inside, flat = self.positions[table]
            rows = np.zeros(state.row_count, dtype=np.bool_)
            rows[inside] = mask.ravel()[flat]
            state.hide(column, rows)


def _protect_family(
    family: Family,
    states: Mapping[str, TableState],
    areas: Sequence[AreaRow],
    maximum: int,
    earlier: ProtectedMonths | None,
) -> Cells:
    state = states[family.table]
    labels = [str(label) for label in combined(state, family.column_keys).labels]
    kept = [
        label
        for label in sorted(labels)
        if label != family.total
        and label not in family.left_out_columns
        and (not family.only_columns or label in family.only_columns)
    ]
    has_total = family.total is not None and family.total in labels
    columns = (*kept, family.total) if has_total and family.total else tuple(kept)
    municipalities = sorted({str(code) for code in state.keys["municipality_code"].labels} - {COUNTRY})
    months = tuple(sorted(str(month) for month in state.keys["month"].labels))
    layers = tuple(sorted(str(layer) for layer in state.keys[family.layer_key].labels)) if family.layer_key else ("",)
    all_codes = {
        kind: tuple(sorted({row.area_code for row in areas if row.area_type == kind}))
        for kind in {row.area_type for row in areas}
    }
    cells = Cells(
        months=months,
        layers=layers,
        rows=(*municipalities, COUNTRY),
        columns=columns,
        has_total=has_total,
        area_codes=all_codes,
    )
    if not months or not kept:
        return cells
    reader = _Reader(family, states, cells)
    base = reader.values(family.base)
    assert base is not None
    present = ~np.isnan(base)
    numbers: dict[str, Floats] = {family.base.name: np.nan_to_num(base)}
    parts = []
    for part in family.parts:
        values = reader.values(part.figure)
        if values is not None:
            parts.append(part)
            numbers[part.figure.name] = np.nan_to_num(values)
    for name, (whole, taken) in DERIVED.items():
        if whole in numbers:
            numbers[name] = numbers[whole] - numbers.get(taken, np.zeros(reader.shape))

    names = ["base", *(part.figure.name for part in parts)]
    for name in names:
        cells.hidden[name] = np.zeros(reader.shape, dtype=np.bool_)
        cells.area_hidden[name] = {
            kind: np.zeros((len(months), len(layers), len(codes), len(columns)), dtype=np.bool_)
            for kind, codes in all_codes.items()
        }
    known = {"base": reader.earlier(family.base)} | {part.figure.name: reader.earlier(part.figure) for part in parts}
    part_names = {part.figure.name for part in parts}
    ways = sorted({frozenset(way & part_names) for way in family.ways}, key=sorted)

    for m, month in enumerate(months):
        geography = geography_of(month, municipalities, areas)
        month_figures = [("present", present[m]), *((name, values[m]) for name, values in sorted(numbers.items()))]
        cells.fingerprints.append(_fingerprint(cells, month, geography, month_figures))
        cells.last_resorts.append(0)
        if cells.take_over(m, earlier):
            continue
        for layer in range(len(layers)):
            at = (m, layer)
            cell_numbers = {name: values[at] for name, values in numbers.items()}
            here = present[at]
            size = cell_numbers[family.base.name]

            def variable(
                name: str,
                sensitive: Bools,
                hidden: Bools,
                lose: list[Bools],
                gain: list[Bools],
                counts: Sequence[Floats],
                here: Bools = here,
                at: tuple[int, int] = at,
                geography: Geography = geography,
            ) -> Variable:
                cost = np.where(counts[0] > 0, counts[0] + 1, _COST_OF_ZERO)
                cost[-1] += _COST_OF_COUNTRY
                if has_total:
                    cost[:, -1] += _COST_OF_TOTAL
                cost[known[name][0][at] | ~here] = np.inf
                area_sensitive, area_hidden = {}, {}
                for kind, numbers_of in geography.areas.items():
                    n = len(geography.area_codes[kind])
                    flagged = np.zeros((n, len(columns)), dtype=np.bool_)
                    for count in counts:
                        sums = np.zeros((n, len(columns)))
                        np.add.at(sums, numbers_of, count[:-1])
                        flagged |= small(sums, maximum)
                    area_sensitive[kind] = flagged
                    area_hidden[kind] = flagged.copy()
                return Variable(
                    sensitive & here,
                    hidden & here,
                    [x & here for x in lose],
                    [x & here for x in gain],
                    cost,
                    has_total,
                    area_sensitive,
                    area_hidden,
                )

            # The persons themselves: hidden with everything that is said about them.
            loses = [_way_may_leave(way, size, cell_numbers, part_names) for way in ways]
            always = np.ones(size.shape, dtype=np.bool_)
            base_variable = variable(
                "base", small(size, maximum), known["base"][1][at], loses, [always] * len(ways), [size]
            )
            protect(base_variable, geography)
            slack = {part.figure.name: part.slack(cell_numbers) for part in parts}
            sensitive = {
                part.figure.name: small(cell_numbers[part.figure.name], maximum)
                | small(cell_numbers[part.whole] - cell_numbers[part.figure.name], maximum)
                for part in parts
            }
            for part in parts:
                # None or all of a few persons: moving one of them, which the base needs anyway, moves the part as well.
                numbers_here = cell_numbers[part.figure.name]
                sensitive[part.figure.name] &= ~(small(size, maximum) & ((numbers_here == 0) | (numbers_here == size)))
            for part in parts:
                # Where a part can't change alone (the only person is passive and uncontacted), the person must move.
                falls, rises = slack[part.figure.name]
                stuck = sensitive[part.figure.name] & ~falls & ~rises & here
                chosen = [i for i, way in enumerate(ways) if part.figure.name in way]
                if stuck[:-1].any() and chosen:
                    moving = variable(
                        "base",
                        stuck,
                        base_variable.hidden | stuck,
                        [loses[i] for i in chosen],
                        [always] * len(chosen),
                        [size],
                    )
                    moving.area_sensitive = {}
                    moving.area_hidden = base_variable.area_hidden
                    protect(moving, geography)
                    base_variable.hidden |= moving.hidden
                    base_variable.last_resorts += moving.last_resorts
                    sensitive[part.figure.name] &= ~stuck
            _store(cells, "base", at, base_variable, geography)

            extra = {part.figure.name: np.zeros(size.shape, dtype=np.bool_) for part in parts}
            for part in parts:
                name = part.figure.name
                falls, rises = slack[name]
                part_variable = variable(
                    name,
                    sensitive[name],
                    base_variable.hidden | known[name][1][at] | extra[name],
                    [falls],
                    [rises],
                    [cell_numbers[name], cell_numbers[part.whole] - cell_numbers[name]],
                )
                for kind, mask in base_variable.area_hidden.items():
                    part_variable.area_hidden[kind] |= mask
                protect(part_variable, geography)
                for other in part.hides:
                    if other in extra:
                        extra[other] |= part_variable.hidden
                _store(cells, name, at, part_variable, geography)

    reader.hide(family.row_places, cells.hidden["base"])
    for part in parts:
        reader.hide(part.figure.places, cells.hidden[part.figure.name])
        for other in part.hides:
            reader.hide(
                next(p.figure.places for p in family.parts if p.figure.name == other), cells.hidden[part.figure.name]
            )
    return cells


def _way_may_leave(way: frozenset[str], size: Floats, numbers: Mapping[str, Floats], names: set[str]) -> Bools:
    """Where a person who is in the parts of `way`, and in no other, may have been one of those counted."""
    allowed = size >= 1
    for name in names:
        left = numbers[name] - (1 if name in way else 0)
        allowed &= (left >= 0) & (left <= size - 1)
    if {"uncontacted", "passive", "few"} <= names:
        remaining = {n: numbers[n] - (1 if n in way else 0) for n in ("uncontacted", "passive", "few")}
        allowed &= remaining["uncontacted"] <= np.minimum(remaining["passive"], remaining["few"])
    if {"passive", "four_weeks"} <= names:
        both = sum(numbers[n] - (1 if n in way else 0) for n in ("passive", "four_weeks"))
        allowed &= both <= size - 1
    if {"on_time", "late"} <= names:
        both = sum(numbers[n] - (1 if n in way else 0) for n in ("on_time", "late"))
        allowed &= both <= size - 1
    return np.asarray(allowed, dtype=np.bool_)


def _store(cells: Cells, name: str, at: tuple[int, int], variable: Variable, geography: Geography) -> None:
    cells.hidden[name][at] |= variable.hidden
    cells.last_resorts[at[0]] += variable.last_resorts
    for kind, codes in geography.area_codes.items():
        known, places = _places(codes, cells.area_codes[kind])
        cells.area_hidden[name][kind][at][places] |= variable.area_hidden[kind][known]


@lru_cache(maxsize=64)
def _places(codes: tuple[str, ...], all_codes: tuple[str, ...]) -> tuple[Integers, Integers]:
    """Which of `codes` stand in `all_codes` (not those that stand for a municipality without area), and where."""
    order = {code: i for i, code in enumerate(all_codes)}
    known = [i for i, code in enumerate(codes) if code in order]
    return np.asarray(known, dtype=np.int64), np.asarray([order[codes[i]] for i in known], dtype=np.int64)
