{#-
    The validities of one key follow each other without a day missing or doubled, and each lasts at least a day.
    A gap would be a day without rule; an overlap would double every figure that joins the rule.
    `are_gaps_allowed` leaves only the overlap and the empty validity as failures.
-#}
{% test rule_without_gaps_or_overlaps(model, key_columns, are_gaps_allowed=false) %}
with validities as (
    select
        {{ key_columns | join(', ') }},
        valid_from_date,
        valid_to_date,
        lead(valid_from_date) over (
            partition by {{ key_columns | join(', ') }}
            order by valid_from_date, valid_to_date
        ) as next_from_date
    from {{ model }}
)

select
    {{ key_columns | join(', ') }},
    valid_from_date,
    valid_to_date,
    next_from_date,
    case
        when valid_from_date >= valid_to_date then 'empty validity'
        when next_from_date < valid_to_date then 'overlap'
        else 'gap'
    end as failure
from validities
where
    valid_from_date >= valid_to_date
    or next_from_date < valid_to_date
    {% if not are_gaps_allowed %}
    or next_from_date > valid_to_date
    {% endif %}
{% endtest %}
