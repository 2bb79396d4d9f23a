"""The attacker: reads nothing but releases and tries to work out hidden cells.

For each family and month it writes down every equation that a reader knows (groups add up to `all`, municipalities to
their areas and to 0000, the same cell in several tables, parts within wholes) and asks a linear programme for the
smallest and the largest value that a hidden cell can have. A cell is pinned when only one whole number is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix

from orchestration.lib.disclosure.families import FAMILIES, MEASURE_SOURCES, Family, Figure
from orchestration.lib.disclosure.secondary import COUNTRY, AreaRow

# What a reader knows about the parts of a family: the first is never above the second.
_NEVER_ABOVE: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "focus_goals": (
        (("passive",), "person_count"),
        (("few",), "person_count"),
        (("uncontacted",), "passive"),
        (("uncontacted",), "few"),
        (("passive", "four_weeks"), "person_count"),
    ),
    "first_offer": ((("first_offer",), "reached"),),
    "passive_by_duration": ((("passive",), "person_count"),),
    "results": ((("retained",), "ended"),),
    "conversation_coverage": ((("sufficient",), "person_count"),),
    "conversation_timeliness": ((("on_time", "late"), "obligations"),),
    "conversation_requests": ((("within",), "requested"),),
    "early_effort": (),
}


@dataclass(frozen=True)
class Cell:
    """A cell of a family in a month: which figure, layer (or ''), place, and column.

    municipality: its code, 0000 for the country, or type and code of an area with a stroke between them.
    """

    family: str
    figure: str
    month: str
    layer: str
    municipality: str
    column: str


@dataclass(frozen=True)
class Finding:
    """What the attacker knows of a hidden cell: nothing below `lower`, nothing above `upper`."""

    cell: Cell
    lower: float
    upper: float

    @property
    def is_pinned(self) -> bool:
        """True when a single whole number is left."""
        return bool(np.floor(self.upper + 1e-6) <= np.ceil(self.lower - 1e-6))


class Attacker:
    """Attacks a release, with what those before it showed.

    areas: the public list of which municipality lies in which area. earlier: releases before; truth: the same release
    with nothing hidden. A cell that is hidden now and that an earlier release showed with its true value counts as
    known: the attacker guesses, and always rightly, which figures no revision has touched. Sums of areas are taken from
    the attacked release alone. Persons of benefit_recipients do not add up, so their full-time persons are attacked.
    """

    def __init__(
        self, release: Path, areas: Sequence[AreaRow], earlier: Sequence[Path] = (), truth: Path | None = None
    ) -> None:
        if bool(earlier) != (truth is not None):
            raise ValueError("what earlier releases showed is only of use beside the truth, and the other way round")
        self.con = duckdb.connect(str(release / "release.duckdb"), read_only=True)
        self.areas = areas
        self.earlier = [Attacker(one, areas) for one in earlier]
        self.truth = Attacker(truth, areas) if truth is not None else None
        self.tables = {
            str(row[0])
            for row in self.con.execute("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        }

    def close(self) -> None:
        """Close the release files."""
        for one in (*self.earlier, *([self.truth] if self.truth is not None else [])):
            one.close()
        self.con.close()

    def families(self) -> list[Family]:
        """The families that are in the release, and the full-time persons as one more."""
        full_time = Family(
            "full_time_persons",
            Figure(
                "full_time_persons",
                (("rpt_benefit_recipients", "full_time_persons"), ("rpt_results", "full_time_persons")),
            ),
            (),
            ("benefit_group_code",),
            total="all",
            left_out_columns=("foertidspension", "all_with_foertidspension"),
        )
        chosen = [
            f for f in FAMILIES if f.table in self.tables and f.name not in ("benefit_recipients", "pension_recipients")
        ]
        return [*chosen, *([full_time] if full_time.table in self.tables else [])]

    def months(self, family: Family) -> list[str]:
        """Months of the family's first table."""
        rows = self.con.execute(f"select distinct month::varchar from {family.table} order by 1").fetchall()
        return [str(row[0]) for row in rows]

    def find(self, family: Family, month: str, wanted: set[Cell] | None = None) -> list[Finding]:
        """Bounds of the hidden cells of a family in a month; all of them, or those in `wanted`."""
        findings: list[Finding] = []
        known: dict[tuple[str, str, str, str], float | None] = {}
        figures = [family.base, *(part.figure for part in family.parts)]
        for figure in figures:
            self._read(family, figure, month, known)
            self._remember(family, figure, month, known)
        layers = sorted({key[1] for key in known})
        for layer in layers:
            findings += self._solve(family, month, layer, {k: v for k, v in known.items() if k[1] == layer}, wanted)
        return findings

    def _read(
        self, family: Family, figure: Figure, month: str, known: dict[tuple[str, str, str, str], float | None]
    ) -> None:
        column_of = " || ':' || ".join(f"{key}::varchar" for key in family.column_keys) or "'all'"
        layer_of = family.layer_key or "''"
        for table, column in figure.places:
            if table not in self.tables:
                continue
            names = {str(row[0]) for row in self.con.execute(f"describe {table}").fetchall()}
            if column not in names or (column.endswith("_share") and figure.share_of is None):
                continue
            base = family.base.places[0][1]
            value = f"round({figure.share_of} * {base})" if figure.share_of is not None else column
            rows = self.con.execute(
                f"select {layer_of}, municipality_code, {column_of}, {value}::double, is_suppressed, "
                f"{base if family.base.places[0][0] == table and base in names else '1'}::double "
                f"from {table} where month = ?::date",
                [month],
            ).fetchall()
            for layer, code, label, number, _, whole in rows:
                if (family.only_columns and label not in family.only_columns) or label in family.left_out_columns:
                    continue
                key = (figure.name, str(layer), str(code), str(label))
                if figure.share_of is not None and whole == 0:
                    number = 0.0
                if number is not None or key not in known:
                    known[key] = number
        if "rpt_measure_results" in self.tables:
            for measure, source in MEASURE_SOURCES.items():
                for origin, target in (
                    (source.numerator, "numerator_count"),
                    (source.denominator, "denominator_count"),
                ):
                    if (source.table, origin) not in figure.places:
                        continue
                    for code, group, number in self.con.execute(
                        f"select municipality_code, group_code, {target}::double from rpt_measure_results "
                        f"where measure_id = ? and period_start_date = ?::date and {target} is not null",
                        [measure, month],
                    ).fetchall():
                        label, layer = (
                            (group.rpartition(":")[0], group.rpartition(":")[2]) if family.layer_key else (group, "")
                        )
                        key = (figure.name, layer, str(code), label)
                        if key in known:
                            known[key] = number

    def _remember(
        self, family: Family, figure: Figure, month: str, known: dict[tuple[str, str, str, str], float | None]
    ) -> None:
        """Fill in what is hidden now and was shown before with the value that it still has."""
        if self.truth is None:
            return
        # Late and missing are one figure, for they are hidden together, but two numbers.
        first = figure.places[0][1]
        figure = replace(figure, places=tuple(place for place in figure.places if place[1] == first))
        true: dict[tuple[str, str, str, str], float | None] = {}
        self.truth._read(family, figure, month, true)
        for one in self.earlier:
            shown: dict[tuple[str, str, str, str], float | None] = {}
            one._read(family, figure, month, shown)
            for key, value in shown.items():
                if value is not None and key in known and known[key] is None and true[key] == value:
                    known[key] = value

    def _area_values(
        self, family: Family, figure: Figure, month: str, layer: str
    ) -> list[tuple[str, str, str, float | None]]:
        """Area type, area, column and figure of every row about the figure; None where it is hidden."""
        if "rpt_area_measure_results" not in self.tables:
            return []
        found = []
        for measure, source in MEASURE_SOURCES.items():
            for origin, target in ((source.numerator, "numerator_count"), (source.denominator, "denominator_count")):
                if (source.table, origin) not in figure.places:
                    continue
                for kind, area, group, number in self.con.execute(
                    f"select area_type_code, area_code, group_code, {target}::double from rpt_area_measure_results "
                    "where measure_id = ? and month = ?::date",
                    [measure, month],
                ).fetchall():
                    label, at = (
                        (group.rpartition(":")[0], group.rpartition(":")[2]) if family.layer_key else (group, "")
                    )
                    if at == layer:
                        found.append((str(kind), str(area), label, None if number is None else float(number)))
        return found

    def _solve(
        self,
        family: Family,
        month: str,
        layer: str,
        known: Mapping[tuple[str, str, str, str], float | None],
        wanted: set[Cell] | None,
    ) -> list[Finding]:
        unknown = [key for key, value in known.items() if value is None]
        place = {key: i for i, key in enumerate(unknown)}
        equal: list[tuple[dict[int, float], float]] = []
        below: list[tuple[dict[int, float], float]] = []

        def add(
            rows: list[tuple[dict[int, float], float]],
            terms: Sequence[tuple[tuple[str, str, str, str], float]],
            right: float,
        ) -> None:
            row: dict[int, float] = {}
            for key, factor in terms:
                if key not in known:
                    continue
                value = known[key]
                if value is None:
                    row[place[key]] = row.get(place[key], 0.0) + factor
                else:
                    right -= factor * value
            if row:
                rows.append((row, right))

        names = sorted({key[0] for key in known})
        codes = sorted({key[2] for key in known} - {COUNTRY})
        columns = sorted({key[3] for key in known})
        day = date.fromisoformat(month[:10])
        members: dict[tuple[str, str], list[str]] = {}
        for row in self.areas:
            if row.valid_from <= day < row.valid_to:
                members.setdefault((row.area_type, row.area_code), []).append(row.municipality)
        # What is sought, as a sum of cells: of a hidden municipality's or the country's its own.
        sought = {Cell(family.name, key[0], month, key[1], key[2], key[3]): [key] for key in unknown}
        for figure in [family.base, *(part.figure for part in family.parts)]:
            if figure.name not in names:
                continue
            for column in columns:
                terms = [((figure.name, layer, code, column), 1.0) for code in codes]
                add(equal, [*terms, ((figure.name, layer, COUNTRY, column), -1.0)], 0.0)
            if family.total in columns:
                for code in [*codes, COUNTRY]:
                    terms = [((figure.name, layer, code, column), 1.0) for column in columns if column != family.total]
                    add(equal, [*terms, ((figure.name, layer, code, family.total), -1.0)], 0.0)
            for kind, area, column, number in self._area_values(family, figure, month, layer):
                terms = [((figure.name, layer, code, column), 1.0) for code in members.get((kind, area), [])]
                if number is not None:
                    add(equal, terms, number)
                else:
                    cell = Cell(family.name, figure.name, month, layer, f"{kind}/{area}", column)
                    sought[cell] = [key for key, _ in terms if key in known]
        for smaller, larger in _NEVER_ABOVE.get(family.name, ()):
            for code in [*codes, COUNTRY]:
                for column in columns:
                    if (larger, layer, code, column) in known:
                        terms = [((name, layer, code, column), 1.0) for name in smaller]
                        add(below, [*terms, ((larger, layer, code, column), -1.0)], 0.0)
        a_equal, b_equal = _matrix(equal, len(unknown))
        a_below, b_below = _matrix(below, len(unknown))
        findings = []
        for cell, keys in sought.items():
            if wanted is not None and cell not in wanted:
                continue
            told = sum(known[key] or 0.0 for key in keys)
            hidden = [place[key] for key in keys if known[key] is None]
            bounds = []
            for sign in (1.0, -1.0):
                if not hidden:
                    bounds.append(told)
                    continue
                goal = np.zeros(len(unknown))
                goal[hidden] = sign
                answer = linprog(goal, a_below, b_below, a_equal, b_equal, bounds=(0, None), method="highs")
                if answer.status == 3:
                    bounds.append(np.inf if sign < 0 else -np.inf)
                elif answer.status != 0:
                    raise RuntimeError(
                        f"{cell}: the equations of the release contradict one another ({answer.message})"
                    )
                else:
                    bounds.append(told + sign * float(answer.fun))
            findings.append(Finding(cell, bounds[0], bounds[1]))
        return findings


def _matrix(
    rows: Sequence[tuple[dict[int, float], float]], width: int
) -> tuple[csr_matrix | None, npt.NDArray[np.float64] | None]:
    if not rows:
        return None, None
    data, at, columns = [], [], []
    for number, (row, _) in enumerate(rows):
        for column, factor in row.items():
            data.append(factor)
            at.append(number)
            columns.append(column)
    matrix = coo_matrix((data, (at, columns)), shape=(len(rows), width)).tocsr()
    return matrix, np.asarray([right for _, right in rows])
