"""Tables that repeat or sum up cells of others hide what those hide, and sums that would tell too much."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from orchestration.lib.disclosure.families import MEASURE_SOURCES
from orchestration.lib.disclosure.secondary import COUNTRY, AreaRow, Cells, combined
from orchestration.lib.disclosure.state import Key, Mask, TableState
from orchestration.lib.periods import period_months

_ALL = "all"
_MODEL = "model"
_OFFICIAL = "official"
_WITH_PENSION = "all_with_foertidspension"


def hide_linked(
    states: Mapping[str, TableState],
    cells: Mapping[str, Cells],
    area_members: Mapping[str, frozenset[str]],
    areas: Sequence[AreaRow],
) -> None:
    """Hide in every table what its source tables hide.

    area_members: benefit area -> its benefit groups; areas: which municipality lies where. Order matters: sources
    first, then what is made of them.
    """
    _pension_totals(states)
    _results(states)
    _levels(states, area_members)
    _timeliness_and_results(states, areas)
    _categories(states)
    _rank_uncertainty(states)
    _follow_up(states)
    _published_against_computed(states)
    _measure_results(states)
    _area_measure_results(states, cells)


def _positions(source: TableState, keys: Sequence[str], wanted: Sequence[Key]) -> npt.NDArray[np.int64]:
    """Row of the source for each wanted key, -1 where there is none."""
    mine = np.zeros(source.row_count, dtype=np.int64)
    theirs = np.zeros(len(wanted[0]), dtype=np.int64)
    missing = np.zeros(len(wanted[0]), dtype=np.bool_)
    for name, key in zip(keys, wanted, strict=True):
        own = source.keys[name]
        places = key.positions_in(own.labels)
        missing |= places < 0
        mine = mine * len(own.labels) + own.codes
        theirs = theirs * len(own.labels) + np.maximum(places, 0)
    order = np.argsort(mine, kind="stable")
    if len(order) == 0:
        return np.full(len(theirs), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(mine[order], theirs), len(order) - 1)
    found = order[at]
    return np.asarray(np.where(missing | (mine[found] != theirs), -1, found), dtype=np.int64)


def _taken(mask: Mask | None, positions: npt.NDArray[np.int64]) -> Mask:
    if mask is None or len(mask) == 0:
        return np.zeros(len(positions), dtype=np.bool_)
    return np.asarray((positions >= 0) & mask[np.maximum(positions, 0)], dtype=np.bool_)


def _pension_totals(states: Mapping[str, TableState]) -> None:
    """all_with_foertidspension = all + foertidspension: hidden when one of the two is."""
    state = states.get("rpt_benefit_recipients")
    if state is None:
        return
    group, month, municipality = (state.keys[name] for name in ("benefit_group_code", "month", "municipality_code"))
    for part in (_ALL, "foertidspension"):
        wanted = [month, municipality, group.mapped(lambda label, part=part: part if label == _WITH_PENSION else "")]  # type: ignore[misc]
        positions = _positions(state, ("month", "municipality_code", "benefit_group_code"), wanted)
        state.hide_row(_taken(state.hidden["person_count"], positions))


def _month_number(months: Key) -> npt.NDArray[np.int64]:
    numbers = np.asarray([int(label[:4]) * 12 + int(label[5:7]) - 1 for label in months.labels], dtype=np.int64)
    return numbers[months.codes] if len(months) else np.zeros(0, dtype=np.int64)


def _months_back(months: Key, back: int) -> Key:
    def earlier(label: str) -> str:
        number = int(label[:4]) * 12 + int(label[5:7]) - 1 - back
        return f"{number // 12:04d}-{number % 12 + 1:02d}-01"

    return months.mapped(earlier)


def _results(states: Mapping[str, TableState]) -> None:
    """Full-time persons stand in benefit_recipients too; a change tells the other month; so does a year's average."""
    results, recipients = states.get("rpt_results"), states.get("rpt_benefit_recipients")
    if results is None or recipients is None:
        return
    keys = ("month", "municipality_code", "benefit_group_code")
    source = recipients.hidden["full_time_persons"]

    def hidden_at(back: int) -> Mask:
        wanted = [
            _months_back(results.keys["month"], back),
            results.keys["municipality_code"],
            results.keys["benefit_group_code"],
        ]
        return _taken(source, _positions(recipients, keys, wanted))

    now = hidden_at(0)
    results.hide("full_time_persons", now)
    results.hide("full_time_persons_change", now | hidden_at(12))
    window = np.zeros(results.row_count, dtype=np.bool_)
    for back in range(12):
        window |= hidden_at(back)
    results.hide("average_weeks_on_support", window)


def _levels(states: Mapping[str, TableState], area_members: Mapping[str, frozenset[str]]) -> None:
    """A year's mean of an area is hidden when a month of a group in it is: the other months would tell it."""
    levels, recipients = states.get("rpt_benefit_levels"), states.get("rpt_benefit_recipients")
    if levels is None or recipients is None:
        return
    hidden = recipients.hidden["full_time_persons"]
    month = _month_number(recipients.keys["month"][hidden])
    municipality = recipients.keys["municipality_code"][hidden].text()
    group = recipients.keys["benefit_group_code"][hidden].text()
    touched: dict[str, set[tuple[str, int]]] = {}
    for area, members in area_members.items():
        # The totals are shown as rows of their own; inside them the hidden groups balance one another.
        names = {area} if area in (_ALL, _WITH_PENSION) else set(members)
        chosen = np.isin(group, sorted(names))
        touched[area] = set(zip(municipality[chosen], month[chosen].tolist(), strict=True))
    model = levels.keys["expected_source"].equals(_MODEL)
    rows = np.fromiter(
        (
            bool(is_model)
            and any((str(code), number) in touched.get(str(area), ()) for number in period_months(str(period)))
            for is_model, period, code, area in zip(
                model,
                levels.keys["period_code"].text(),
                levels.keys["municipality_code"].text(),
                levels.keys["benefit_area_code"].text(),
                strict=True,
            )
        ),
        dtype=np.bool_,
        count=levels.row_count,
    )
    levels.hide_row(rows)


def _timeliness_and_results(states: Mapping[str, TableState], areas: Sequence[AreaRow]) -> None:
    """The year's share on time adds up a municipality's obligations: it stays only where a hidden month has company.

    Company = in the same half-year a second hidden column in which a second municipality is hidden in both columns too:
    then persons can be moved about without the year's figures changing. Otherwise the year's share is hidden, for the
    municipality and for those that could have balanced it.
    """
    table, source = states.get("rpt_timeliness_and_results"), states.get("rpt_conversation_timeliness")
    if table is None or source is None:
        return
    municipal = ~source.keys["municipality_code"].equals(COUNTRY)
    numbers = _month_number(source.keys["month"])
    codes, row = source.keys["municipality_code"].labels, source.keys["municipality_code"].codes
    joined = combined(source, ("month", "target_group_code", "sequence_number"))
    columns, column = joined.labels, joined.codes
    half = np.zeros(len(columns), dtype=np.int64)
    half[column] = numbers // 6
    on_time = np.nan_to_num(source.figures["on_time_count"])
    missed = np.nan_to_num(source.figures["obligation_count"]) - on_time

    def grid(mask: Mask) -> npt.NDArray[np.float32]:
        cells = np.zeros((len(codes), len(columns)), dtype=np.float32)
        cells[row, column] = mask & municipal
        return cells

    parts, wholes = source.hidden["on_time_count"], source.hidden["obligation_count"]
    # (needed, pairs of falls and rises): the share's numerator moves alone, or an obligation with its outcome moves.
    moves = (
        (
            grid(source.primary["on_time_count"] & ~wholes),
            [(grid(parts & (on_time >= 1)), grid(parts & (missed >= 1)))],
        ),
        (
            grid(source.primary["obligation_count"]),
            [(grid(wholes & (on_time >= 1)), grid(wholes)), (grid(wholes & (missed >= 1)), grid(wholes))],
        ),
    )
    blocks = _blocks(areas, codes)
    closed: dict[int, set[str]] = {}
    for number in np.unique(half):
        at = half == number
        rows: set[int] = set()
        for needed_grid, pairs in moves:
            needed = needed_grid[:, at] > 0
            safe = np.zeros(needed.shape, dtype=np.bool_)
            for falls, rises in pairs:
                for mine, other in ((falls[:, at], rises[:, at]), (rises[:, at], falls[:, at])):
                    for block in blocks:
                        safe[block] |= _rectangles(mine[block], other[block])
            for a, position in zip(*np.nonzero(needed & ~safe), strict=True):
                rows.add(int(a))
                able = np.logical_or.reduce([(falls[:, at] + rises[:, at])[:, position] > 0 for falls, rises in pairs])
                able[a] = False
                near = next((block for block in blocks if a in block), np.arange(0))
                candidates = [int(b) for b in near if able[b]] or [int(b) for b in np.flatnonzero(able)]
                # One partner is enough, and one that is closed already costs nothing.
                if candidates and not rows & set(candidates):
                    rows.add(candidates[0])
        closed[int(number)] = {str(codes[i]) for i in rows}
    table.hide(
        "on_time_share",
        np.fromiter(
            (
                any(str(code) in closed.get(number // 6, ()) for number in period_months(str(period))[::6])
                for period, code in zip(
                    table.keys["period_code"].text(), table.keys["municipality_code"].text(), strict=True
                )
            ),
            dtype=np.bool_,
            count=table.row_count,
        ),
    )
    difference = "difference_percentage_points"
    table.hide(difference, _copies(_hidden_levels(states, difference), _official_sources(states, table), table))


def _blocks(areas: Sequence[AreaRow], codes: npt.NDArray[np.str_]) -> list[npt.NDArray[np.int64]]:
    """Rows of `codes` that lie in the same areas, so that a person moved between them changes no area's figure."""
    newest = {(row.area_type, row.municipality): row.area_code for row in sorted(areas, key=lambda row: row.valid_from)}
    labels = [tuple(newest.get((kind, str(code)), "") for kind in ("region", "rar_area")) for code in codes]
    return [
        np.asarray([i for i, label in enumerate(labels) if label == wanted], dtype=np.int64)
        for wanted in sorted(set(labels))
    ]


def _rectangles(mine: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> Mask:
    """Cells (a, c) for which other rows b and columns d give (a, c), (b, d) in `mine` and (a, d), (b, c) in `other`."""
    partners = other @ mine.T @ other
    partners -= (other * mine).sum(axis=1, keepdims=True) * other
    partners -= other * (mine * other).sum(axis=0, keepdims=True)
    partners += other * mine * other
    return np.asarray((mine > 0) & (partners > 0.5), dtype=np.bool_)


def _hidden_levels(states: Mapping[str, TableState], column: str) -> set[tuple[str, str, str]]:
    """Source, period and municipality of the levels whose figure is hidden in either total."""
    levels = states.get("rpt_benefit_levels")
    if levels is None or column not in levels.hidden:
        return set()
    chosen = levels.hidden[column] & levels.keys["benefit_area_code"].equals(_ALL, _WITH_PENSION)
    keys = (levels.keys[name][chosen].text() for name in ("expected_source", "period_code", "municipality_code"))
    return set(zip(*keys, strict=True))


def _copies(
    hidden: Collection[tuple[str, str, str]], sources: npt.NDArray[np.str_], table: TableState
) -> npt.NDArray[np.bool_]:
    """Rows that repeat a hidden level; `sources`: from which source each row has it."""
    keys = (table.keys[name].text() for name in ("period_code", "municipality_code"))
    return np.fromiter((key in hidden for key in zip(sources, *keys, strict=True)), np.bool_, table.row_count)


def _official_sources(states: Mapping[str, TableState], table: TableState) -> npt.NDArray[np.str_]:
    """From which source a row's period has its level under the rules in force, which is that of the categories."""
    categories = states.get("rpt_category_assignments")
    source_of: dict[str, str] = {}
    if categories is not None and "expected_source" in categories.extra:
        official = categories.keys["scenario_code"].equals(_OFFICIAL)
        periods = categories.keys["period_code"][official].text()
        source_of = dict(zip(periods, categories.extra["expected_source"][official].text(), strict=True))
    periods = table.keys["period_code"].text()
    # A level that no category names is the model's, whose figures are the ones that are hidden.
    return np.asarray([source_of.get(period, _MODEL) for period in periods], dtype=np.str_)


def _categories(states: Mapping[str, TableState]) -> None:
    """The focus goals are means of twelve monthly shares: a hidden month hides the mean and all that repeats it."""
    table, goals = states.get("rpt_category_assignments"), states.get("rpt_focus_goals")
    if table is None:
        return
    windows = [period_months(str(period)) for period in table.keys["period_code"].text()]
    codes = [str(code) for code in table.keys["municipality_code"].text()]
    any_hidden = np.zeros(table.row_count, dtype=np.bool_)
    if goals is not None:
        total = goals.keys["benefit_group_code"].equals(_ALL)
        for prefix, share in (("passive", "passive_share"), ("few_conversations", "few_conversations_share")):
            chosen = goals.hidden[share] & total
            touched = set(
                zip(
                    goals.keys["municipality_code"][chosen].text(),
                    _month_number(goals.keys["month"][chosen]).tolist(),
                    strict=True,
                )
            )
            rows = np.fromiter(
                (
                    any((code, number) in touched for number in window)
                    for code, window in zip(codes, windows, strict=True)
                ),
                dtype=np.bool_,
                count=table.row_count,
            )
            for column in (f"{prefix}_percentage", f"{prefix}_distance", f"{prefix}_persons_to_flip"):
                table.hide(column, rows)
            any_hidden |= rows
    column = "difference_percentage_points"
    source = table.extra["expected_source"].text()
    table.hide(column, _copies(_hidden_levels(states, column), source, table))
    result = table.hidden[column]
    for column in ("result_distance", "result_persons_to_flip", "category_probability"):
        table.hide(column, result)
    any_hidden |= result
    for column in ("persons_to_flip", "reason_da", "reason_en"):
        table.hide(column, any_hidden)
    supervision = states.get("rpt_supervision")
    if supervision is not None:
        hidden_rows = np.flatnonzero(any_hidden)
        scenarios, periods = table.keys["scenario_code"].text(), table.keys["period_code"].text()
        hidden_statements = {(str(scenarios[i]), str(periods[i])[:4], codes[i]) for i in hidden_rows}
        rows = np.fromiter(
            (
                (str(scenario), str(year)[:4], str(code)) in hidden_statements
                for scenario, year, code in zip(
                    supervision.keys["scenario_code"].text(),
                    supervision.keys["statement_year"].text(),
                    supervision.keys["municipality_code"].text(),
                    strict=True,
                )
            ),
            dtype=np.bool_,
            count=supervision.row_count,
        )
        supervision.hide("reason_da", rows)
        supervision.hide("reason_en", rows)


def _rank_uncertainty(states: Mapping[str, TableState]) -> None:
    """Repeats a year's shares beside their ranks: the value, the count and the funnel that is made of it are hidden."""
    table = states.get("rpt_rank_uncertainty")
    if table is None:
        return
    repeated = (
        ("passive_share", "rpt_category_assignments", "passive_percentage"),
        ("few_conversations_share", "rpt_category_assignments", "few_conversations_percentage"),
        ("benefit_level_difference", "rpt_category_assignments", "difference_percentage_points"),
        ("conversation_timeliness", "rpt_timeliness_and_results", "on_time_share"),
    )
    for measure, name, column in repeated:
        source = states.get(name)
        if source is None or column not in source.hidden:
            continue
        chosen = source.hidden[column]
        if "scenario_code" in source.keys:
            # The ranks are those of the rules in force; another scenario may have another level.
            chosen = chosen & source.keys["scenario_code"].equals(_OFFICIAL)
        pairs = set(
            zip(source.keys["period_code"][chosen].text(), source.keys["municipality_code"][chosen].text(), strict=True)
        )
        rows = table.keys["measure_id"].equals(measure) & np.fromiter(
            (
                pair in pairs
                for pair in zip(table.keys["period_code"].text(), table.keys["municipality_code"].text(), strict=True)
            ),
            dtype=np.bool_,
            count=table.row_count,
        )
        table.hide_row(rows)


def _follow_up(states: Mapping[str, TableState]) -> None:
    """The letters' shares are those of conversation_coverage in two months."""
    table, source = states.get("rpt_follow_up"), states.get("rpt_conversation_coverage")
    if table is None or source is None:
        return
    keys = ("month", "municipality_code", "target_group_code")
    change = np.zeros(table.row_count, dtype=np.bool_)
    for months, column in (("baseline_month", "baseline_share"), ("follow_up_month", "follow_up_share")):
        if months not in table.extra:
            continue
        wanted = [table.extra[months], table.keys["municipality_code"], table.keys["target_group_code"]]
        rows = _taken(source.hidden["sufficient_share"], _positions(source, keys, wanted))
        table.hide(column, rows)
        change |= rows
    table.hide("change_percentage_points", change)


def _published_against_computed(states: Mapping[str, TableState]) -> None:
    table, source = states.get("rpt_published_against_computed"), states.get("rpt_benefit_recipients")
    if table is None or source is None:
        return
    keys = ("month", "municipality_code", "benefit_group_code")
    rows = _taken(source.hidden["person_count"], _positions(source, keys, [table.keys[key] for key in keys]))
    table.hide_row(rows)


def _measure_results(states: Mapping[str, TableState]) -> None:
    """The long table hides exactly the cells that the source tables hide."""
    table = states.get("rpt_measure_results")
    if table is None:
        return
    for name, source in MEASURE_SOURCES.items():
        state = states.get(source.table)
        rows = np.flatnonzero(table.keys["measure_id"].equals(name))
        if state is None or len(rows) == 0:
            continue
        group = table.keys["group_code"][rows]
        wanted = [table.keys["period_start_date"][rows], table.keys["municipality_code"][rows]]
        if len(source.group_keys) == 1:
            wanted.append(group)
        elif len(source.group_keys) == 2:
            wanted += [group.mapped(_before_colon), group.mapped(_after_colon)]
        positions = _positions(state, ("month", "municipality_code", *source.group_keys), wanted)
        for column, origin in (
            ("numerator_count", source.numerator),
            ("denominator_count", source.denominator),
            ("measure_value", source.value),
        ):
            if column not in table.hidden:
                continue
            mask = _taken(state.hidden.get(origin) if origin else None, positions)
            primary = _taken(state.primary.get(origin) if origin else None, positions)
            # Where the source row is known its mask stands alone, so that the two tables say the same.
            known = positions >= 0
            table.hidden[column][rows[known]] = mask[known]
            table.primary[column][rows[known]] = primary[known]
    levels = states.get("rpt_benefit_levels")
    rows = np.flatnonzero(table.keys["measure_id"].equals("benefit_level_difference"))
    if levels is not None and len(rows):
        group = table.keys["group_code"][rows]
        wanted = [
            table.keys["period_end_date"][rows].mapped(_period_ending),
            table.keys["municipality_code"][rows],
            group.mapped(_before_colon),
            group.mapped(_after_colon),
        ]
        positions = _positions(
            levels, ("period_code", "municipality_code", "benefit_area_code", "expected_source"), wanted
        )
        mask = _taken(levels.hidden["difference_percentage_points"], positions)
        for column in ("numerator_count", "measure_value"):
            table.hidden[column][rows] |= mask


def _before_colon(label: str) -> str:
    return label.rpartition(":")[0]


def _after_colon(label: str) -> str:
    return label.rpartition(":")[2]


def _period_ending(day: str) -> str:
    """2024-06-30 -> 2024QMAT02."""
    return f"{day[:4]}QMAT{(int(day[5:7]) - 1) // 3 + 1:02d}"


def _area_measure_results(states: Mapping[str, TableState], cells: Mapping[str, Cells]) -> None:
    """Area rows hide their own small cells and those that a witness in `secondary` crosses."""
    table = states.get("rpt_area_measure_results")
    if table is None:
        return
    for name, source in MEASURE_SOURCES.items():
        family = cells.get(source.family)
        if family is None or not family.hidden:
            continue
        for kind, codes in family.area_codes.items():
            rows = np.flatnonzero(table.keys["measure_id"].equals(name) & table.keys["area_type_code"].equals(kind))
            if len(rows) == 0:
                continue
            group = table.keys["group_code"][rows]
            layer = np.zeros(len(rows), dtype=np.int64)
            if source.family == "passive_by_duration":
                layer = group.mapped(_after_colon).positions_in(family.layers)
                group = group.mapped(_before_colon)
            at = (
                table.keys["month"][rows].positions_in(family.months),
                layer,
                table.keys["area_code"][rows].positions_in(codes),
                group.positions_in(family.columns),
            )
            inside = np.logical_and.reduce([part >= 0 for part in at])
            place = tuple(np.maximum(part, 0) for part in at)
            base = family.area_hidden["base"][kind][place] & inside
            part_mask = base | (
                family.area_hidden[source.part][kind][place] & inside if source.part in family.hidden else base
            )
            for column, mask in (
                ("numerator_count", part_mask),
                ("denominator_count", base),
                ("measure_value", part_mask),
            ):
                if column in table.hidden and not (column == "denominator_count" and name == "support_share"):
                    table.hidden[column][rows] |= mask
