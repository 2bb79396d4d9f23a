"""The focus goals in Polars, lazy: sorted columns and joins to the nearest row instead of windows per person."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from orchestration.bench.clock import measured
from orchestration.bench.focus_goals.inputs import COLUMNS, COUNTS, Rules, read_rules, tell

# Room for days and months beside the number of a person in one 64-bit integer.
_DAYS, _MONTHS = 1 << 20, 1 << 16
_KEYS = ("month_number", "municipality_code", "benefit_group_code")


def _month_number(column: str) -> pl.Expr:
    return pl.col(column).dt.year().cast(pl.Int64) * 12 + pl.col(column).dt.month()


def _support(folder: Path, rules: Rules, gap: int) -> pl.LazyFrame:
    """Rows in scope that reach the last day of their month, with the first day of their support spell."""
    begins = pl.col("person") * _DAYS + pl.col("from_date").to_physical()
    return (
        pl.scan_parquet(folder / "benefit_periods.parquet")
        .filter(pl.col("benefit_code").is_in(list(rules.groups_in_scope)))
        .select(
            "person_key", "benefit_code", "match_group_code", "municipality_code", "from_date", "to_date",
            "benefit_fraction",
        )
        .sort("person_key", "from_date")
        # Sorted rows: the number of a person is that of the run, and one running maximum never reaches into the next.
        .with_columns(person=pl.col("person_key").rle_id().cast(pl.Int64))
        .with_columns(begins=begins, reached=(pl.col("person") * _DAYS + pl.col("to_date").to_physical()).cum_max())
        .with_columns(
            spell_start=pl.when((pl.col("begins") > pl.col("reached").shift(1) + 1 + gap).fill_null(True))
            .then("from_date")
            .forward_fill()
        )
        .filter(pl.col("to_date") == pl.col("to_date").dt.month_end())
    )  # fmt: skip


def _stock(rows: pl.LazyFrame, rules: Rules) -> pl.LazyFrame:
    """One row per person and month; where several rows claim the day, the most important benefit has it."""
    marked = rows.with_columns(
        month_number=_month_number("to_date"),
        priority=pl.col("benefit_code").replace_strict(
            {code: number for number, code in enumerate(rules.groups_in_scope)}, return_dtype=pl.Int8
        ),
    )
    # In the order of persons and days the claims of one day stand together.
    day = pl.col("person") * _MONTHS + pl.col("month_number")
    several = (day == day.shift(1)).fill_null(False) | (day == day.shift(-1)).fill_null(False)
    marked = marked.with_columns(is_one_of_several=several)
    winners = (
        marked.filter("is_one_of_several")
        .sort(
            "priority", "benefit_fraction", "from_date", "municipality_code", "match_group_code",
            descending=[False, True, True, False, False], nulls_last=True,
        )
        .unique(["person", "month_number"], keep="first", maintain_order=True)
    )  # fmt: skip
    return pl.concat([marked.filter(~pl.col("is_one_of_several")), winners])


def _activity(folder: Path, rules: Rules) -> pl.LazyFrame:
    """Conversations, offers and hours per person and month."""
    nothing = {
        "conversations": pl.lit(0, pl.Int64),
        "offers": pl.lit(0, pl.Int64),
        "hours": pl.lit(0, pl.Decimal(18, 6)),
    }
    conversations = (
        pl.scan_parquet(folder / "conversations.parquet")
        .filter(
            pl.col("status").is_in(list(rules.held_statuses))
            & pl.col("conversation_type_code").is_in(list(rules.counted_types))
            & pl.col("contact_form").is_in(list(rules.counted_forms))
        )
        .select("person_key", "conversation_date", "conversation_type_code")
        .unique()
        .select(
            "person_key",
            month_number=_month_number("conversation_date"),
            **(nothing | {"conversations": pl.lit(1, pl.Int64)}),
        )
    )
    offers = pl.scan_parquet(folder / "active_offers.parquet").select(
        "person_key", month_number=_month_number("_period"), **(nothing | {"offers": pl.lit(1, pl.Int64)})
    )
    hours = pl.scan_parquet(folder / "ordinary_hours.parquet").select(
        "person_key", month_number=_month_number("_period"), **(nothing | {"hours": pl.col("paid_hours")})
    )
    return pl.concat([conversations, offers, hours]).group_by("person_key", "month_number").agg(pl.col(*nothing).sum())


def _sums_up_to(population: pl.LazyFrame, sums: pl.LazyFrame, key: str, name: str) -> pl.LazyFrame:
    """Bring the running sums of the last activity not after `key`, under names that end with `name`."""
    named = sums.rename({column: f"{column}_{name}" for column in ("conversations", "offers", "hours")})
    return population.join_asof(named, left_on=key, right_on="key", strategy="backward", coalesce=True)


def focus_goals(folder: Path) -> pl.LazyFrame:
    """fct_focus_goals from the files, as a plan."""
    rules = read_rules(folder)
    months = pl.scan_parquet(folder / "months.parquet").with_columns(
        pl.col("spell_gap_days", "passive_minimum_months", "activity_window_months").cast(pl.Int64),
        month_number=_month_number("month"),
    )
    gap = int(months.select(pl.col("spell_gap_days").max()).collect().item())
    # Collected where a plan is read twice, which Polars would otherwise work out twice.
    stock = _stock(_support(folder, rules, gap).collect().lazy(), rules)
    completed = (
        pl.col("month_number") + 1 - _month_number("spell_start") - (pl.col("spell_start").dt.day() > 1).cast(pl.Int64)
    )
    population = (
        stock.join(months, on="month_number")
        .filter(completed >= pl.col("passive_minimum_months"))
        .select(
            "person_key", "person", *_KEYS[:2], "hours_limit", "few_conversations_minimum",
            benefit_group_code="benefit_code",
            last=pl.col("person") * _MONTHS + pl.col("month_number"),
            before=pl.col("person") * _MONTHS + pl.col("month_number") - pl.col("activity_window_months"),
        )
        .sort("last")
        .collect()
        .lazy()
    )  # fmt: skip
    persons = population.select("person_key", "person").unique()
    amounts = ("conversations", "offers", "hours")
    sums = (
        _activity(folder, rules)
        .join(persons, on="person_key")
        .select(*amounts, key=pl.col("person") * _MONTHS + pl.col("month_number"))
        .sort("key")
        .with_columns(pl.col(*amounts).cum_sum())
    )
    # A window's sum is what had been reached at its end less what had been before it, whoever's rows come first.
    windows = _sums_up_to(_sums_up_to(population, sums, "last", "last"), sums, "before", "before").with_columns(
        **{name: pl.col(f"{name}_last").fill_null(0) - pl.col(f"{name}_before").fill_null(0) for name in amounts}
    )
    is_passive = (pl.col("offers") == 0) & (pl.col("hours") < pl.col("hours_limit"))
    counts = (
        windows.group_by(*_KEYS)
        .agg(
            person_count=pl.len(),
            passive_count=is_passive.sum(),
            few_conversations_count=(pl.col("conversations") < pl.col("few_conversations_minimum")).sum(),
            uncontacted_count=(is_passive & (pl.col("conversations") == 0)).sum(),
        )
        .with_columns(pl.col(*COUNTS).cast(pl.Int64))
    )
    return _due(folder, months, _with_totals(counts))


def _with_totals(counts: pl.LazyFrame) -> pl.LazyFrame:
    municipality, group = pl.lit("0000").alias("municipality_code"), pl.lit("all").alias("benefit_group_code")
    totals = [
        counts.with_columns(*total).group_by(*_KEYS).agg(pl.col(*COUNTS).sum())
        for total in ([municipality], [group], [municipality, group])
    ]
    return pl.concat([counts, *totals], how="diagonal")


def _due(folder: Path, months: pl.LazyFrame, counts: pl.LazyFrame) -> pl.LazyFrame:
    """Every row that is due: nobody is 0, a window with a hole says nothing."""
    result = (
        pl.scan_parquet(folder / "due_rows.parquet")
        .with_columns(month_number=_month_number("month"))
        .join(counts, on=_KEYS, how="left")
        .join(months.drop("month"), on="month_number")
        .with_columns(pl.when(~pl.col("has_hole_in_window")).then(pl.col(*COUNTS).fill_null(0)))
    )
    shares = {
        name.removesuffix("_count") + "_share": pl.when(pl.col("person_count") > 0).then(
            pl.col(name) / pl.col("person_count")
        )
        for name in COUNTS[1:]
    }
    return result.with_columns(**shares).select(*COLUMNS)


def main() -> None:
    """See the package."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    with measured() as spent:
        result = focus_goals(folder).collect()
    result.write_parquet(target)
    tell(spent, version=pl.__version__)


if __name__ == "__main__":
    main()
