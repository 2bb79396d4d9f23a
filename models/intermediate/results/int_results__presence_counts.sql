{#-
    Distinct persons of twelve months without reading twelve months again for each: a presence is the first of the
    window M−11 … M exactly when the one before it lies before the window, so it is enough to count presences
    by the months since the one before. The window is the year that the average weeks are weeks of.

    Nearly everyone is in one place the whole month and was there the month before, and so on every level: their segment
    says so, and they are counted without a look at who they are. Where the others were before is told by few segments:
    a person's latest one in a place is one that they have left, else they would have kept the place in the next loaded
    month; and who keeps a place from the month before is told by the month's own segment.
-#}
{% set months_back = 11 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with segments as not materialized (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        is_place_kept,
        is_only_of_month and is_place_kept as has_stayed_alone
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and is_in_scope
),

stayed_alone as (
    select
        month,
        municipality_code,
        benefit_group_code,
        count(*) as person_count
    from segments
    where has_stayed_alone
    group by month, municipality_code, benefit_group_code
),

presences as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        bool_or(is_place_kept) as is_place_kept
    from segments
    where not has_stayed_alone
    group by month, person_key, municipality_code, benefit_group_code
),

arrived as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        (month - interval '{{ months_back }} months')::date as window_from_month
    from presences
    where not is_place_kept
),

-- What was left before a month is known by then: the month itself is the last in which it can become known.
left_segments as (
    select
        person_key,
        municipality_code,
        benefit_group_code,
        last_date
    from {{ ref('int_benefit_segments__left') }}
    where
        month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
        and is_in_scope
),

-- A place kept says nothing more about the person's other places of the month: it counts on all its levels itself.
came_back as (
    select
        arrived.month,
        arrived.person_key,
        arrived.municipality_code,
        arrived.benefit_group_code,
        max(left_segments.last_date) filter (
            where
            left_segments.municipality_code = arrived.municipality_code
            and left_segments.benefit_group_code = arrived.benefit_group_code
        ) as previous_date_in_both,
        max(left_segments.last_date) filter (
            where left_segments.municipality_code = arrived.municipality_code
        ) as previous_date_in_municipality,
        max(left_segments.last_date) filter (
            where left_segments.benefit_group_code = arrived.benefit_group_code
        ) as previous_date_in_benefit_group,
        max(left_segments.last_date) as previous_date
    from arrived
    inner join left_segments
        on
            arrived.person_key = left_segments.person_key
            and arrived.window_from_month <= left_segments.last_date
            and arrived.month > left_segments.last_date
    group by arrived.month, arrived.person_key, arrived.municipality_code, arrived.benefit_group_code
),

-- A month more than the window has before this one stands for so many and more, and for never before: it is all the
-- same to the window.
compared as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        1 as months_in_both,
        1 as months_in_municipality,
        1 as months_in_benefit_group,
        1 as months_anywhere
    from presences
    where is_place_kept
    union all
    select
        arrived.month,
        arrived.person_key,
        arrived.municipality_code,
        arrived.benefit_group_code,
        coalesce(date_diff('month', came_back.previous_date_in_both, arrived.month), {{ months_back + 1 }})
            as months_in_both,
        coalesce(date_diff('month', came_back.previous_date_in_municipality, arrived.month), {{ months_back + 1 }})
            as months_in_municipality,
        coalesce(date_diff('month', came_back.previous_date_in_benefit_group, arrived.month), {{ months_back + 1 }})
            as months_in_benefit_group,
        coalesce(date_diff('month', came_back.previous_date, arrived.month), {{ months_back + 1 }}) as months_anywhere
    from arrived
    left join came_back
        on
            arrived.person_key = came_back.person_key
            and arrived.month = came_back.month
            and arrived.municipality_code = came_back.municipality_code
            and arrived.benefit_group_code = came_back.benefit_group_code
),

-- Who was in two municipalities or groups within the month is still one person of the levels above.
in_several_places as (
    select
        month,
        person_key
    from presences
    group by month, person_key
    having count(*) > 1
),

in_one_place as (
    select
        compared.month,
        compared.municipality_code,
        compared.benefit_group_code,
        compared.months_in_both,
        compared.months_in_municipality,
        compared.months_in_benefit_group,
        compared.months_anywhere,
        count(*) as person_count
    from compared
    anti join in_several_places
        on
            compared.person_key = in_several_places.person_key
            and compared.month = in_several_places.month
    group by
        compared.month,
        compared.municipality_code,
        compared.benefit_group_code,
        compared.months_in_both,
        compared.months_in_municipality,
        compared.months_in_benefit_group,
        compared.months_anywhere
    union all
    select
        month,
        municipality_code,
        benefit_group_code,
        1 as months_in_both,
        1 as months_in_municipality,
        1 as months_in_benefit_group,
        1 as months_anywhere,
        person_count
    from stayed_alone
),

places as (
    select
        compared.month,
        compared.person_key,
        compared.municipality_code,
        compared.benefit_group_code,
        compared.months_in_both,
        compared.months_in_municipality,
        compared.months_in_benefit_group,
        compared.months_anywhere
    from compared
    semi join in_several_places
        on
            compared.person_key = in_several_places.person_key
            and compared.month = in_several_places.month
),

-- One row per person and place of each level: as many months as the nearest presence there.
places_of_levels as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        months_in_both as months_since_previous
    from places
    union all
    select
        month,
        person_key,
        municipality_code,
        'all' as benefit_group_code,
        min(months_in_municipality) as months_since_previous
    from places
    group by month, person_key, municipality_code
    union all
    select
        month,
        person_key,
        '0000' as municipality_code,
        benefit_group_code,
        min(months_in_benefit_group) as months_since_previous
    from places
    group by month, person_key, benefit_group_code
    union all
    select
        month,
        person_key,
        '0000' as municipality_code,
        'all' as benefit_group_code,
        min(months_anywhere) as months_since_previous
    from places
    group by month, person_key
),

counted as (
    select
        month,
        municipality_code,
        benefit_group_code,
        months_in_both as months_since_previous,
        person_count
    from in_one_place
    union all
    select
        month,
        municipality_code,
        'all' as benefit_group_code,
        months_in_municipality as months_since_previous,
        person_count
    from in_one_place
    union all
    select
        month,
        '0000' as municipality_code,
        benefit_group_code,
        months_in_benefit_group as months_since_previous,
        person_count
    from in_one_place
    union all
    select
        month,
        '0000' as municipality_code,
        'all' as benefit_group_code,
        months_anywhere as months_since_previous,
        person_count
    from in_one_place
    union all
    select
        month,
        municipality_code,
        benefit_group_code,
        months_since_previous,
        1 as person_count
    from places_of_levels
)

select
    month,
    municipality_code,
    benefit_group_code,
    months_since_previous::integer as months_since_previous,
    sum(person_count)::bigint as person_count
from counted
group by month, municipality_code, benefit_group_code, months_since_previous
