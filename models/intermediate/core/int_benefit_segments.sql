{#-
    A person with one row in the batch needs no more than a look at where they stood at the end of the month before it.
    Only the others' rows are compared one after the other: few, when many rows make a batch of one month, and most
    persons when many small months make a batch, which is quicker there than a statement for each. Days are split where
    two rows share one, which is rare.
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
    select month
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

-- Only several rows of one month can claim the same day: no row reaches beyond its month.
months_with_several_rows as (
    select
        month,
        person_key
    from benefit_periods
    group by
        month,
        person_key
    having count(*) > 1
),

-- Only persons with several rows in the batch go on from one row to the next. In a batch of one month they are those
-- above; DuckDB leaves out the branch that can't hold.
persons_with_several_rows as (
    select person_key
    from months_with_several_rows
    where {{ batch_from() }} = {{ batch_to() }}
    union all
    select person_key
    from benefit_periods
    where {{ batch_from() }} != {{ batch_to() }}
    group by person_key
    having count(*) > 1
),

-- Where any two rows of a person's month share a day, two that follow one another do.
neighbours as (
    select
        benefit_periods.month,
        benefit_periods.person_key,
        lag(benefit_periods.to_date) over (
            partition by benefit_periods.person_key, benefit_periods.month
            order by benefit_periods.from_date
        ) >= benefit_periods.from_date as is_overlapping
    from benefit_periods
    semi join months_with_several_rows
        on
            benefit_periods.month = months_with_several_rows.month
            and benefit_periods.person_key = months_with_several_rows.person_key
),

months_with_overlap as (
    select distinct
        month,
        person_key
    from neighbours
    where is_overlapping
),

overlapping_rows as (
    select benefit_periods.*
    from benefit_periods
    semi join months_with_overlap
        on
            benefit_periods.month = months_with_overlap.month
            and benefit_periods.person_key = months_with_overlap.person_key
),

-- Union without "all": a boundary that several rows share opens one piece.
boundaries as (
    select
        month,
        person_key,
        from_date as boundary_date
    from overlapping_rows
    union
    select
        month,
        person_key,
        to_date + 1 as boundary_date
    from overlapping_rows
),

pieces as (
    select
        month,
        person_key,
        boundary_date as from_date,
        lead(boundary_date) over (partition by person_key, month order by boundary_date) - 1 as to_date
    from boundaries
),

claims as (
    select
        pieces.month,
        pieces.person_key,
        overlapping_rows.benefit_group_code,
        overlapping_rows.match_group_code,
        overlapping_rows.municipality_code,
        pieces.from_date,
        pieces.to_date,
        overlapping_rows.benefit_fraction,
        row_number() over (
            partition by pieces.month, pieces.person_key, pieces.from_date
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
            pieces.month = overlapping_rows.month
            and pieces.person_key = overlapping_rows.person_key
            and pieces.from_date >= overlapping_rows.from_date
            and pieces.to_date <= overlapping_rows.to_date
    left join benefit_groups
        on
            overlapping_rows.benefit_group_code = benefit_groups.benefit_group_code
            and {{ in_force_on('pieces.from_date', 'benefit_groups') }}
),

winners as (
    select
        benefit_periods.month,
        benefit_periods.person_key,
        benefit_periods.benefit_group_code,
        benefit_periods.match_group_code,
        benefit_periods.municipality_code,
        benefit_periods.from_date,
        benefit_periods.to_date,
        benefit_periods.benefit_fraction
    from benefit_periods
    anti join months_with_overlap
        on
            benefit_periods.month = months_with_overlap.month
            and benefit_periods.person_key = months_with_overlap.person_key
    union all
    select
        month,
        person_key,
        benefit_group_code,
        match_group_code,
        municipality_code,
        from_date,
        to_date,
        benefit_fraction
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
        months.spell_gap_days
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
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        from_date,
        to_date,
        is_in_scope,
        benefit_spell_start_date,
        support_spell_start_date,
        person_key in (select person_key from persons_with_several_rows) as has_several_rows
    from {{ this }}
    where
        month = ({{ batch_from() }} - interval 1 month)::date
        and is_last_of_month
        and to_date >= {{ batch_from() }} - 1 - (select max(spell_gap_days) from months)
),

-- A gap that a spell bridges is shorter than a month (a test holds the rule to it): whoever goes on has kept the place
-- since the month directly before.
one_row as (
    select
        ruled.month,
        ruled.person_key,
        ruled.from_date,
        ruled.to_date,
        ruled.benefit_group_code,
        ruled.municipality_code,
        ruled.benefit_fraction,
        ruled.target_group_code,
        ruled.is_in_scope,
        case
            when
                carried.benefit_group_code = ruled.benefit_group_code
                and ruled.from_date - carried.to_date - 1 <= ruled.spell_gap_days
                then carried.benefit_spell_start_date
            else ruled.from_date
        end as benefit_spell_start_date,
        case
            when
                carried.is_in_scope
                and ruled.from_date - carried.to_date - 1 <= ruled.spell_gap_days
                then carried.support_spell_start_date
            else ruled.from_date
        end as support_spell_start_date,
        coalesce(
            ruled.from_date - carried.to_date - 1 <= ruled.spell_gap_days
            and carried.municipality_code = ruled.municipality_code
            and carried.benefit_group_code = ruled.benefit_group_code
            and carried.is_in_scope = ruled.is_in_scope,
            false
        ) as is_place_kept,
        true as is_first_of_month,
        true as is_last_of_month
    from ruled
    left join carried on ruled.person_key = carried.person_key
    where not ruled.has_several_rows
),

-- A row of the month before the batch tells where the person stood then.
chain as (
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
        spell_gap_days,
        null::date as carried_benefit_start_date,
        null::date as carried_support_start_date
    from ruled
    where has_several_rows
    union all by name
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        from_date,
        to_date,
        is_in_scope,
        benefit_spell_start_date as carried_benefit_start_date,
        support_spell_start_date as carried_support_start_date
    from carried
    where has_several_rows
),

compared as (
    select
        *,
        lag(month) over person_days as month_of_row_before,
        lag(to_date) over person_days as previous_to_date,
        lag(municipality_code) over person_days as previous_municipality_code,
        lag(benefit_group_code) over person_days as previous_benefit_group_code,
        lag(is_in_scope) over person_days as previous_is_in_scope,
        coalesce(lead(month) over person_days != month, true) as is_last_of_month
    from chain
    window person_days as (partition by person_key order by from_date)
),

starts as (
    select
        *,
        case
            when month < {{ batch_from() }} then carried_benefit_start_date
            when
                previous_to_date is null
                or previous_benefit_group_code != benefit_group_code
                or from_date - previous_to_date - 1 > spell_gap_days
                then from_date
        end as new_benefit_start_date,
        case
            when month < {{ batch_from() }} then carried_support_start_date
            when
                is_in_scope
                and (
                    previous_to_date is null
                    or not previous_is_in_scope
                    or from_date - previous_to_date - 1 > spell_gap_days
                )
                then from_date
        end as new_support_start_date
    from compared
),

-- Starts only move forward along a person's days, so the latest start so far is the greatest.
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
        max(new_benefit_start_date) over person_days as benefit_spell_start_date,
        max(new_support_start_date) over person_days as support_spell_start_date,
        coalesce(
            month_of_row_before != month
            and from_date - previous_to_date - 1 <= spell_gap_days
            and previous_municipality_code = municipality_code
            and previous_benefit_group_code = benefit_group_code
            and previous_is_in_scope = is_in_scope,
            false
        ) as is_place_kept,
        coalesce(month_of_row_before != month, true) as is_first_of_month,
        is_last_of_month
    from starts
    window person_days as (partition by person_key order by from_date)
    qualify month >= {{ batch_from() }}
),

started as (
    select *
    from in_turn
    union all by name
    select *
    from one_row
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
    case when started.is_in_scope then started.support_spell_start_date end as support_spell_start_date,
    benefit_unknown.month is not null as is_benefit_left_censored,
    case when started.is_in_scope then support_unknown.month is not null end as is_support_left_censored,
    started.is_last_of_month,
    started.is_first_of_month and started.is_last_of_month as is_only_of_month,
    started.is_place_kept
from started
left join months_after_unknown as benefit_unknown
    on started.benefit_spell_start_date = benefit_unknown.month
left join months_after_unknown as support_unknown
    on started.support_spell_start_date = support_unknown.month
