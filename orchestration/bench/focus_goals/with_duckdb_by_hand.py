"""The focus goals in DuckDB by hand: what the goals need and nothing else, all months at once, bits instead of rows.

`… INPUTS RESULT.parquet`. What this project's own models could cost at best, had they no other measure to serve: whole
months are bits of one number per person, and only the other rows are put in order. DuckDB's own settings, no project.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.bench.clock import measured
from orchestration.bench.focus_goals.inputs import COLUMNS, Rules, read_rules, tell
from orchestration.lib.sql_text import sql_file, sql_literal

# A number without a sign has 64 bits, of which the last is free for a step to the left.
_MOST_MONTHS = 63


class TooManyMonths(ValueError):
    """More calendar months than a number has room for."""


def _listed(codes: tuple[object, ...]) -> str:
    return ", ".join(str(code) if isinstance(code, int) else sql_literal(str(code)) for code in codes)


def _months(folder: Path) -> str:
    """The loaded months with their numbers, their windows as bits, and the latest start of whoever is due."""
    return f"""
        create temp table months as
        select
            *,
            (1::ubigint << number) as bit,
            (((1::ubigint << window_width) - 1)::ubigint << (number + 1 - window_width)::ubigint) as window_bits,
            (next_month_date - to_months(passive_minimum_months))::date as latest_start_date
        from (
            select
                *,
                date_diff('month', min(month) over (), month)::ubigint as number,
                least(activity_window_months, number + 1)::ubigint as window_width
            from {sql_file(folder / "months.parquet")}
        )"""


def _spells(folder: Path, in_scope: str, gap: int) -> Iterator[str]:
    """Support spells: runs of whole months and the other rows in the order of their days; kept where long enough."""
    rows = f"{sql_file(folder / 'benefit_periods.parquet')} as rows inner join months on rows._period = months.month"
    whole = "from_date = month and to_date = as_of_date"
    yield f"""
        create temp table whole_months as
        select person_key, bit_or(bit) as bits
        from {rows} where {in_scope} and {whole} group by person_key"""
    # The first and the last month of each run stand at the same place of two lists.
    yield f"""
        create temp table pieces as
        with ends as (
            select
                person_key,
                unnest([
                    i for i in range(0, {_MOST_MONTHS}) if ((bits & ~(bits << 1::ubigint)) >> i::ubigint) & 1 = 1
                ]) as first_number,
                unnest([
                    i for i in range(0, {_MOST_MONTHS}) if ((bits & ~(bits >> 1::ubigint)) >> i::ubigint) & 1 = 1
                ]) as last_number
            from whole_months
        )
        select ends.person_key, firsts.month as from_date, lasts.as_of_date as to_date
        from ends
        inner join months as firsts on ends.first_number = firsts.number
        inner join months as lasts on ends.last_number = lasts.number"""
    yield f"""
        insert into pieces
        select person_key, from_date, to_date from {rows} where {in_scope} and not ({whole})"""
    yield f"""
        create temp table spells as
        with reached as (
            select person_key, from_date, max(to_date) over (
                partition by person_key order by from_date rows between unbounded preceding and 1 preceding
            ) as reached_date
            from pieces
        ),
        starts as (
            select
                person_key,
                from_date as start_date,
                lead(from_date, 1, date '9999-01-01') over (
                    partition by person_key order by from_date
                ) as next_start_date
            from reached
            where reached_date is null or reached_date < from_date - 1 - {gap}
        )
        select * from starts
        where next_start_date > start_date + to_months((select min(passive_minimum_months) - 1 from months))"""


def _population(folder: Path, in_scope: str, rules: Rules) -> Iterator[str]:
    """Whoever has been on support long enough on a month's last day; the most important benefit has the day."""
    groups = _listed(rules.groups_in_scope)
    yield f"create type benefit_group_code as enum ({groups})"
    yield f"""
        create temp table claims as
        select
            rows.person_key, number, rows.benefit_code::benefit_group_code as benefit_group_code,
            rows.municipality_code, rows.match_group_code, rows.benefit_fraction, rows.from_date
        from {sql_file(folder / "benefit_periods.parquet")} as rows
        inner join months on rows._period = months.month and rows.to_date = months.as_of_date
        inner join spells
            on
                rows.person_key = spells.person_key
                -- One condition instead of two, lest the spells are joined to the months first.
                and spells.start_date <= least(months.latest_start_date, rows.from_date)
                and spells.next_start_date > rows.from_date
        where {in_scope}"""
    yield """
        create temp table disputed as
        select person_key, number from claims group by all having count(*) > 1"""
    yield """
        create temp table population as
        select person_key, number, benefit_group_code, municipality_code
        from claims anti join disputed using (person_key, number)
        union all
        (
            select distinct on (person_key, number) person_key, number, benefit_group_code, municipality_code
            from claims semi join disputed using (person_key, number)
            order by
                person_key, number, benefit_group_code, benefit_fraction desc, from_date desc, municipality_code,
                match_group_code nulls last
        )"""


def _activity(folder: Path, rules: Rules, most_asked: int) -> Iterator[str]:
    """Bits of months with an offer; and of months with at least one, two … conversations, up to what is asked for."""
    at_least = ", ".join(f"bit_or(bit) filter (where held >= {n}) as bits_{n}" for n in range(1, most_asked + 1))
    yield f"""
        create temp table held as
        with counted as (
            select distinct person_key, conversation_date, conversation_type_code, _period
            from {sql_file(folder / "conversations.parquet")}
            where
                status in ({_listed(rules.held_statuses)})
                and conversation_type_code in ({_listed(rules.counted_types)})
                and contact_form in ({_listed(rules.counted_forms)})
                and person_key in (select person_key from spells)
        ),
        per_month as (
            select person_key, bit, count(*) as held
            from counted inner join months on counted._period = months.month
            group by all
        )
        select person_key, {at_least} from per_month group by person_key"""
    yield f"""
        create temp table offered as
        select person_key, bit_or(bit) as bits
        from {sql_file(folder / "active_offers.parquet")} as offers inner join months on offers._period = months.month
        where person_key in (select person_key from spells)
        group by person_key"""


def _counts(folder: Path, most_asked: int) -> Iterator[str]:
    """Population and activity brought together; hours are added up for those without an offer alone."""
    held = " + ".join(f"coalesce(bit_count((bits_{n} & window_bits)::hugeint), 0)" for n in range(1, most_asked + 1))
    yield f"""
        create temp table evidenced as
        select
            population.*, {held} as held,
            coalesce(offered.bits & window_bits, 0) = 0 as has_no_offer
        from population
        inner join months using (number)
        left join held using (person_key)
        left join offered using (person_key)"""
    yield f"""
        create temp table working as
        select evidenced.person_key, evidenced.number
        from evidenced
        inner join months using (number)
        inner join (
            select hours.person_key, hours.paid_hours, months.number as hours_number
            from {sql_file(folder / "ordinary_hours.parquet")} as hours
            inner join months on hours._period = months.month
            where hours.person_key in (select person_key from spells)
        ) as hours
            on
                evidenced.person_key = hours.person_key
                and hours_number <= evidenced.number
                and hours_number + activity_window_months > evidenced.number
        where has_no_offer
        group by all
        having sum(paid_hours) >= any_value(hours_limit)"""
    yield f"""
        create temp table counts as
        with judged as (
            select
                evidenced.*, few_conversations_minimum, month,
                has_no_offer and working.person_key is null as is_passive
            from evidenced
            inner join months using (number)
            left join working using (person_key, number)
        ),
        summed as (
            select
                month,
                coalesce(municipality_code, '0000') as municipality_code,
                coalesce(benefit_group_code::varchar, 'all') as benefit_group_code,
                count(*) as person_count,
                count(*) filter (where is_passive) as passive_count,
                count(*) filter (where held < few_conversations_minimum) as few_conversations_count,
                count(*) filter (where is_passive and held = 0) as uncontacted_count
            from judged
            group by month, cube(municipality_code, benefit_group_code)
        ),
        due as (
            select
                due_rows.*, hours_rule_id, is_provisional,
                case when not has_hole_in_window then coalesce(person_count, 0) end as person_count,
                case when not has_hole_in_window then coalesce(passive_count, 0) end as passive_count,
                case when not has_hole_in_window then coalesce(few_conversations_count, 0) end
                    as few_conversations_count,
                case when not has_hole_in_window then coalesce(uncontacted_count, 0) end as uncontacted_count
            from {sql_file(folder / "due_rows.parquet")} as due_rows
            inner join months using (month)
            left join summed using (month, municipality_code, benefit_group_code)
        )
        select
            *,
            passive_count / nullif(person_count, 0)::double as passive_share,
            few_conversations_count / nullif(person_count, 0)::double as few_conversations_share,
            uncontacted_count / nullif(person_count, 0)::double as uncontacted_share
        from due"""


def focus_goals(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the table `counts`, fct_focus_goals from the files. Raises TooManyMonths."""
    rules = read_rules(folder)
    connection.execute(_months(folder))
    last, gap, most_asked = connection.execute(
        "select max(number), max(spell_gap_days), max(few_conversations_minimum) from months"
    ).fetchone() or (0, 0, 0)
    if last >= _MOST_MONTHS:
        raise TooManyMonths(f"{last + 1} months from the first to the last; a number holds {_MOST_MONTHS}")
    in_scope = f"benefit_code in ({_listed(rules.groups_in_scope)})"
    for statements in (
        _spells(folder, in_scope, gap),
        _population(folder, in_scope, rules),
        _activity(folder, rules, most_asked),
        _counts(folder, most_asked),
    ):
        for statement in statements:
            connection.execute(statement)


def main() -> None:
    """See the module."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    connection = duckdb.connect(":memory:", config={"preserve_insertion_order": False})
    try:
        with measured() as spent:
            focus_goals(connection, folder)
    except TooManyMonths as reason:
        print(json.dumps({"left_out": str(reason)}))
        return
    connection.execute(f"copy (select {', '.join(COLUMNS)} from counts) to {sql_literal(target)} (format parquet)")
    tell(spent, version=duckdb.__version__)


if __name__ == "__main__":
    main()
