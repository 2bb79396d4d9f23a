{#-
    A person's first row in the batch needs no more than a look at where they stood at the end of the month before it, and
    most have no other. Only the others' rows are compared one after the other: few, when many rows make a batch of one
    month, and most persons when many small months make a batch, which is quicker there than a statement for each. Days
    are split where two rows share one, which is rare.
-#}
{{ config(
    materialized='monthly',
    is_folded=true,
    inputs={'benefit_periods': 'history'},
    contract={'enforced': true}
) }}

with months as (
    select
        month,
        spell_gap_days
    from {{ ref('int_months') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Months after an unknown past: a spell that begins on their first day has no known start.
months_after_unknown as (
    select coalesce(list(month), []) as months
    from {{ ref('int_months') }}
    where not has_previous_month_loaded
),

benefit_groups as (
    select
        benefit_group_code::main.benefit_group_code as benefit_group_code,
        is_in_supervision_scope,
        overlap_priority,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_groups') }}
),

target_group_members as (
    select
        target_group_code::main.target_group_code as target_group_code,
        benefit_group_code::main.benefit_group_code as benefit_group_code,
        nullif(match_group_code, '*')::main.match_group_code as match_group_code,
        match_group_code = '*' as is_of_any_match_group,
        valid_from_date,
        valid_to_date
    from {{ ref('target_group_members') }}
),

benefit_periods as (
    select
        month,
        person_key,
        benefit_group_code,
        match_group_code,
        municipality_code,
        from_date,
        to_date,
        benefit_fraction
    from {{ ref('stg_extracts__benefit_periods') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

persons_with_several_rows as (
    select person_key
    from benefit_periods
    group by person_key
    having count(*) > 1
),

-- Where any two of a person's rows share a day, two that follow one another do.
neighbours as (
    select
        benefit_periods.person_key,
        lag(benefit_periods.to_date) over (
            partition by benefit_periods.person_key
            order by benefit_periods.from_date
        ) >= benefit_periods.from_date as is_overlapping
    from benefit_periods
    semi join persons_with_several_rows on benefit_periods.person_key = persons_with_several_rows.person_key
),

persons_with_overlap as (
    select distinct person_key
    from neighbours
    where is_overlapping
),

overlapping_rows as (
    select benefit_periods.*
    from benefit_periods
    semi join persons_with_overlap on benefit_periods.person_key = persons_with_overlap.person_key
),

-- Union without "all": a boundary that several rows share opens one piece.
boundaries as (
    select
        person_key,
        from_date as boundary_date
    from overlapping_rows
    union
    select
        person_key,
        to_date + 1 as boundary_date
    from overlapping_rows
),

pieces as (
    select
        person_key,
        boundary_date as from_date,
        lead(boundary_date) over (partition by person_key order by boundary_date) - 1 as to_date
    from boundaries
),

claims as (
    select
        overlapping_rows.month,
        pieces.person_key,
        overlapping_rows.benefit_group_code,
        overlapping_rows.match_group_code,
        overlapping_rows.municipality_code,
        pieces.from_date,
        pieces.to_date,
        overlapping_rows.benefit_fraction,
        row_number() over (
            partition by pieces.person_key, pieces.from_date
            order by
                benefit_groups.overlap_priority asc,
                overlapping_rows.benefit_fraction desc,
                overlapping_rows.from_date desc,
                overlapping_rows.municipality_code asc,
                overlapping_rows.match_group_code asc nulls last
        ) as claim_number
    from pieces
    inner join overlapping_rows
        on
            pieces.person_key = overlapping_rows.person_key
            and pieces.from_date >= overlapping_rows.from_date
            and pieces.to_date <= overlapping_rows.to_date
    left join benefit_groups
        on
            overlapping_rows.benefit_group_code = benefit_groups.benefit_group_code
            and {{ in_force_on('pieces.from_date', 'benefit_groups') }}
),

winners as (
    select benefit_periods.*
    from benefit_periods
    anti join persons_with_overlap on benefit_periods.person_key = persons_with_overlap.person_key
    union all by name
    select * exclude (claim_number)
    from claims
    where claim_number = 1
),

ruled as (
    select
        winners.month,
        winners.person_key,
        winners.benefit_group_code,
        winners.municipality_code,
        winners.from_date,
        winners.to_date,
        winners.benefit_fraction,
        winners.person_key in (select person_key from persons_with_several_rows) as has_several_rows,
        coalesce(
            members_of_match_group.target_group_code, members_of_benefit_group.target_group_code
        ) as target_group_code,
        {{ required_rule(
            'benefit_groups.is_in_supervision_scope',
            "'benefit_groups:' || winners.benefit_group_code || ' on ' || winners.from_date"
        ) }} as is_in_scope,
        -- Whoever was on support on that day or later goes on with this row.
        winners.from_date - 1 - months.spell_gap_days as open_from_date
    from winners
    inner join months on winners.month = months.month
    left join benefit_groups
        on
            winners.benefit_group_code = benefit_groups.benefit_group_code
            and {{ in_force_on('winners.from_date', 'benefit_groups') }}
    left join target_group_members as members_of_match_group
        on
            winners.benefit_group_code = members_of_match_group.benefit_group_code
            and winners.match_group_code = members_of_match_group.match_group_code
            and {{ in_force_on('winners.from_date', 'members_of_match_group') }}
    left join target_group_members as members_of_benefit_group
        on
            winners.benefit_group_code = members_of_benefit_group.benefit_group_code
            and members_of_benefit_group.is_of_any_match_group
            and {{ in_force_on('winners.from_date', 'members_of_benefit_group') }}
),

-- Where the persons stood at the end of the month before the batch; nothing, where that month is not loaded.
carried as (
    select
        person_key,
        municipality_code,
        benefit_group_code,
        to_date,
        is_in_scope,
        benefit_spell_start_date,
        support_spell_start_date
    from {{ this }}
    where
        month = ({{ batch_from() }} - interval 1 month)::date
        and is_last_of_month
        and to_date >= {{ batch_from() }} - 1 - (select max(spell_gap_days) from months)
),

-- A person's rows in turn, where there are several in the batch.
compared as (
    select
        *,
        lag(month) over person_days as month_of_row_before,
        lag(municipality_code) over person_days as previous_municipality_code,
        lag(benefit_group_code) over person_days as previous_benefit_group_code,
        lag(is_in_scope) over person_days as previous_is_in_scope,
        lag(to_date) over person_days >= open_from_date as is_going_on,
        coalesce(lead(month) over person_days != month, true) as is_last_of_month
    from ruled
    where has_several_rows
    window person_days as (partition by person_key order by from_date)
),

-- Where a spell starts at a row after the first one, that is known here. Starts only move forward along a person's
-- days, so the latest start so far is the greatest.
in_turn as (
    select
        month,
        person_key,
        from_date,
        to_date,
        benefit_group_code,
        municipality_code,
        benefit_fraction,
        target_group_code,
        is_in_scope,
        max(from_date) filter (
            where not is_going_on or previous_benefit_group_code != benefit_group_code
        ) over person_days as new_benefit_start_date,
        max(from_date) filter (
            where is_in_scope and (not is_going_on or not previous_is_in_scope)
        ) over person_days as new_support_start_date,
        first_value(from_date) over person_days as first_from_date,
        first_value(open_from_date) over person_days as first_open_from_date,
        coalesce(month_of_row_before != month, true) as is_first_of_month,
        is_last_of_month,
        month_of_row_before is null as is_first,
        coalesce(
            month_of_row_before != month
            and is_going_on
            and previous_municipality_code = municipality_code
            and previous_benefit_group_code = benefit_group_code
            and previous_is_in_scope = is_in_scope,
            false
        ) as is_place_kept
    from compared
    window person_days as (partition by person_key order by from_date)
),

in_batch as (
    select *
    from in_turn
    union all by name
    select
        month,
        person_key,
        from_date,
        to_date,
        benefit_group_code,
        municipality_code,
        benefit_fraction,
        target_group_code,
        is_in_scope,
        null::date as new_benefit_start_date,
        null::date as new_support_start_date,
        from_date as first_from_date,
        open_from_date as first_open_from_date,
        true as is_first_of_month,
        true as is_last_of_month,
        true as is_first,
        false as is_place_kept
    from ruled
    where not has_several_rows
),

-- Until a spell starts in the batch, it is that of the first row, which may go on from the month before. A gap that a
-- spell bridges is shorter than a month (a test holds the rule to it): whoever goes on has kept the place since the
-- month directly before.
started as (
    select
        in_batch.month,
        in_batch.person_key,
        in_batch.from_date,
        in_batch.to_date,
        in_batch.benefit_group_code,
        in_batch.municipality_code,
        in_batch.benefit_fraction,
        in_batch.target_group_code,
        in_batch.is_in_scope,
        case
            when in_batch.new_benefit_start_date is not null then in_batch.new_benefit_start_date
            when
                carried.to_date >= in_batch.first_open_from_date
                and carried.benefit_group_code = in_batch.benefit_group_code
                then carried.benefit_spell_start_date
            else in_batch.first_from_date
        end as benefit_spell_start_date,
        case
            when not in_batch.is_in_scope then null
            when in_batch.new_support_start_date is not null then in_batch.new_support_start_date
            when
                carried.to_date >= in_batch.first_open_from_date
                and carried.is_in_scope
                then carried.support_spell_start_date
            else in_batch.first_from_date
        end as support_spell_start_date,
        in_batch.is_last_of_month,
        in_batch.is_first_of_month and in_batch.is_last_of_month as is_only_of_month,
        in_batch.is_place_kept or coalesce(
            in_batch.is_first
            and carried.to_date >= in_batch.first_open_from_date
            and carried.municipality_code = in_batch.municipality_code
            and carried.benefit_group_code = in_batch.benefit_group_code
            and carried.is_in_scope = in_batch.is_in_scope,
            false
        ) as is_place_kept
    from in_batch
    left join carried on in_batch.person_key = carried.person_key
)

select
    started.month,
    started.person_key,
    started.from_date,
    started.to_date,
    started.benefit_group_code,
    started.municipality_code,
    started.benefit_fraction,
    started.target_group_code,
    started.is_in_scope,
    started.benefit_spell_start_date,
    started.support_spell_start_date,
    list_contains(months_after_unknown.months, started.benefit_spell_start_date) as is_benefit_left_censored,
    list_contains(months_after_unknown.months, started.support_spell_start_date) as is_support_left_censored,
    started.is_last_of_month,
    started.is_only_of_month,
    started.is_place_kept
from started
cross join months_after_unknown
