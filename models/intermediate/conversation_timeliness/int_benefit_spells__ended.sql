{#- How far back a spell's start can matter: no deadline lies later than 24 months after it (a test holds it). -#}
{% set months_back = 25 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with left_segments as not materialized (
    select
        month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        is_benefit_left_censored,
        last_date,
        municipality_code,
        target_group_code
    from {{ ref('int_benefit_segments__left') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and benefit_spell_start_date >= ({{ batch_from() }} - interval '{{ months_back }} months')::date
),

-- A spell that goes on from a left segment does so first in a segment that hasn't kept the place: a later one of the
-- month, or the next month's first.
segments as (
    select
        person_key,
        from_date,
        benefit_group_code,
        benefit_spell_start_date
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and not is_place_kept
)

-- Ended, where no other segment of the spell follows.
select
    left_segments.month,
    left_segments.person_key,
    left_segments.benefit_group_code,
    left_segments.benefit_spell_start_date,
    left_segments.is_benefit_left_censored,
    left_segments.last_date,
    left_segments.municipality_code,
    left_segments.target_group_code
from left_segments
anti join segments
    on
        left_segments.person_key = segments.person_key
        and left_segments.benefit_group_code = segments.benefit_group_code
        and left_segments.benefit_spell_start_date = segments.benefit_spell_start_date
        and left_segments.last_date < segments.from_date
