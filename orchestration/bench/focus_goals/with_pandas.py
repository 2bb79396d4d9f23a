"""The focus goals in pandas: columns that are needed, categories for codes, NumPy where pandas would walk groups."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.bench.clock import measured
from orchestration.bench.focus_goals.inputs import COLUMNS, COUNTS, Rules, read_rules, tell

Ints = npt.NDArray[np.int64]

# Room for days and months beside the number of a person in one 64-bit integer.
_DAYS, _MONTHS = 1 << 20, 1 << 12
_MICROHOURS = 1_000_000


def _days(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(pa.int32())).astype(np.int64)


def _month_numbers(days: Ints) -> Ints:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _support(folder: Path, rules: Rules, gap: int) -> pd.DataFrame:
    """Rows in scope with the first day of their support spell, one person after the other."""
    table = pq.read_table(
        folder / "benefit_periods.parquet",
        columns=["person_key", "benefit_code", "match_group_code", "municipality_code", "from_date", "to_date",
                 "benefit_fraction"],
        filters=[("benefit_code", "in", list(rules.groups_in_scope))],
        read_dictionary=["benefit_code", "match_group_code", "municipality_code"],
    )  # fmt: skip
    person, _ = pd.factorize(table["person_key"].to_numpy(), sort=False)
    starts, ends = _days(table["from_date"]), _days(table["to_date"])
    order = np.argsort(person.astype(np.int64) * _DAYS + starts, kind="stable")
    person, starts, ends = person[order].astype(np.int64), starts[order], ends[order]
    # Persons are numbered upwards, so that one running maximum over all rows never reaches into the next person.
    reached = np.maximum.accumulate(person * _DAYS + ends)
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = person[1:] * _DAYS + starts[1:] > reached[:-1] + 1 + gap
    spell_start = np.maximum.accumulate(np.where(is_first, person * _DAYS + starts, 0)) % _DAYS
    # Only rows of a month's last day are the stock.
    is_last_day = _month_numbers(ends + 1) > _month_numbers(ends)
    chosen = order[is_last_day]
    rest = table.take(pa.array(chosen))
    return pd.DataFrame(
        {
            "person_key": rest["person_key"].to_numpy(),
            "month": _month_numbers(ends[is_last_day]),
            "benefit_group_code": rest["benefit_code"].to_pandas(),
            "match_group_code": rest["match_group_code"].to_pandas(),
            "municipality_code": rest["municipality_code"].to_pandas(),
            "from_day": starts[is_last_day],
            "fraction": pc.cast(rest["benefit_fraction"], pa.float64()).to_numpy(),
            "spell_start": spell_start[is_last_day],
        }
    )


def _stock(rows: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row per person and month; where several rows claim the day, the most important benefit has it."""
    person, month = rows["person_key"].to_numpy(), rows["month"].to_numpy()
    # In the order of persons and days the claims of one day stand together.
    is_next_the_same = (person[1:] == person[:-1]) & (month[1:] == month[:-1])
    several = np.append(is_next_the_same, False) | np.insert(is_next_the_same, 0, False)
    claims = rows[several]
    numbers = {code: number for number, code in enumerate(rules.groups_in_scope)}
    ordered = claims.assign(
        priority=claims["benefit_group_code"].map(numbers).astype(int),
        municipality=claims["municipality_code"].astype(str),
        match=claims["match_group_code"].astype(object).fillna("~"),
    ).sort_values(
        ["priority", "fraction", "from_day", "municipality", "match"], ascending=[True, False, False, True, True]
    )
    winners = ordered.drop_duplicates(["person_key", "month"])[list(rows.columns)]
    stock: pd.DataFrame = pd.concat([rows[~several], winners], ignore_index=True)
    return stock


class _Activity:
    """Amounts of something per person and month, summed up over windows of months."""

    def __init__(self, person: Ints, month: Ints, amounts: Ints | None = None) -> None:
        known = person >= 0
        keys = person[known] * _MONTHS + month[known]
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        each = np.ones(len(order), dtype=np.int64) if amounts is None else amounts[known][order]
        self._sums = np.concatenate([[0], np.cumsum(each)])

    def within(self, person: Ints, first: Ints, last: Ints) -> Ints:
        """The sums from month `first` to month `last`."""
        after = np.searchsorted(self._keys, person * _MONTHS + last, "right")
        before = np.searchsorted(self._keys, person * _MONTHS + first, "left")
        return np.asarray(self._sums[after] - self._sums[before])


def _conversations(folder: Path, rules: Rules, persons: pd.Index) -> _Activity:
    table = pq.read_table(
        folder / "conversations.parquet",
        columns=["person_key", "conversation_type_code", "conversation_date"],
        filters=[
            ("status", "in", list(rules.held_statuses)),
            ("conversation_type_code", "in", list(rules.counted_types)),
            ("contact_form", "in", list(rules.counted_forms)),
        ],
    )
    person = persons.get_indexer(table["person_key"].to_numpy()).astype(np.int64)
    kind = table["conversation_type_code"].to_numpy().astype(np.int64)
    known = person >= 0
    # At most one per person, day and type; a type fits into six bits.
    counted = np.unique((person[known] * _DAYS + _days(table["conversation_date"])[known]) * 64 + kind[known])
    return _Activity(counted // 64 // _DAYS, _month_numbers(counted // 64 % _DAYS))


def _offers(folder: Path, persons: pd.Index) -> _Activity:
    table = pq.read_table(folder / "active_offers.parquet", columns=["person_key", "_period"])
    person = persons.get_indexer(table["person_key"].to_numpy()).astype(np.int64)
    return _Activity(person, _month_numbers(_days(table["_period"])))


def _hours(folder: Path, persons: pd.Index) -> _Activity:
    table = pq.read_table(folder / "ordinary_hours.parquet", columns=["person_key", "paid_hours", "_period"])
    person = persons.get_indexer(table["person_key"].to_numpy()).astype(np.int64)
    exact = np.rint(pc.cast(table["paid_hours"], pa.float64()).to_numpy() * _MICROHOURS).astype(np.int64)
    return _Activity(person, _month_numbers(_days(table["_period"])), exact)


def focus_goals(folder: Path) -> pd.DataFrame:
    """fct_focus_goals from the files."""
    rules = read_rules(folder)
    months = pq.read_table(folder / "months.parquet").to_pandas()
    months.index = pd.Index(_month_numbers(months["month"].to_numpy().astype("datetime64[D]").astype(np.int64)))
    stock = _stock(_support(folder, rules, int(months["spell_gap_days"].max())), rules)
    start = stock["spell_start"].to_numpy()
    start_month = _month_numbers(start)
    day = start - start_month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    completed = stock["month"].to_numpy() + 1 - start_month - (day > 1)
    rule: pd.DataFrame = months.loc[stock["month"]]
    is_due = completed >= rule["passive_minimum_months"].to_numpy()
    population, rule = stock[is_due], rule[is_due]

    codes, persons = pd.factorize(population["person_key"].to_numpy())
    person, index = codes.astype(np.int64), pd.Index(persons)
    last = population["month"].to_numpy()
    first = last - rule["activity_window_months"].to_numpy() + 1
    conversations = _conversations(folder, rules, index).within(person, first, last)
    has_offer = _offers(folder, index).within(person, first, last) > 0
    limit = np.rint(rule["hours_limit"].to_numpy().astype(float) * _MICROHOURS)
    is_passive = ~has_offer & (_hours(folder, index).within(person, first, last) < limit)
    counted = pd.DataFrame(
        {
            "month": last,
            "municipality_code": population["municipality_code"].to_numpy(),
            "benefit_group_code": population["benefit_group_code"].to_numpy(),
            "person_count": 1,
            "passive_count": is_passive,
            "few_conversations_count": conversations < rule["few_conversations_minimum"].to_numpy(),
            "uncontacted_count": is_passive & (conversations == 0),
        }
    )
    return _due(folder, months, _with_totals(counted))


def _with_totals(counted: pd.DataFrame) -> pd.DataFrame:
    keys = ["month", "municipality_code", "benefit_group_code"]
    counts = list(COUNTS)
    base = counted.groupby(keys, observed=True)[counts].sum().reset_index()
    base[keys[1:]] = base[keys[1:]].astype(str)
    parts = [base]
    for total in ({"municipality_code": "0000"}, {"benefit_group_code": "all"},
                  {"municipality_code": "0000", "benefit_group_code": "all"}):  # fmt: skip
        parts.append(base.assign(**total).groupby(keys)[counts].sum().reset_index())
    return pd.concat(parts, ignore_index=True)


def _due(folder: Path, months: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Every row that is due: nobody is 0, a window with a hole says nothing."""
    due = pq.read_table(folder / "due_rows.parquet").to_pandas()
    due["number"] = _month_numbers(due["month"].to_numpy().astype("datetime64[D]").astype(np.int64))
    result = due.merge(
        counts.rename(columns={"month": "number"}),
        how="left",
        on=["number", "municipality_code", "benefit_group_code"],
        validate="one_to_one",
    )
    result = result.join(months[["hours_rule_id", "is_provisional", "has_hole_in_window"]], on="number")
    known: Any = ~result["has_hole_in_window"]
    for name in COUNTS:
        result[name] = result[name].fillna(0).astype("Int64").where(known)
    persons = result["person_count"].where(result["person_count"] > 0).astype("Float64")
    for name in COUNTS[1:]:
        result[name.removesuffix("_count") + "_share"] = result[name] / persons
    chosen: pd.DataFrame = result[list(COLUMNS)]
    return chosen


def main() -> None:
    """See the package."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    with measured() as spent:
        result = focus_goals(folder)
    result.to_parquet(target, index=False)
    tell(spent, version=pd.__version__)


if __name__ == "__main__":
    main()
