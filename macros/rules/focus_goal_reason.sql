{#- The sentence about one focus goal, Danish or English; `goal_name` and `share_name` name the goal and its share. -#}
{% macro focus_goal_reason(status_expr, value_expr, limit_expr, decimals_expr, language, goal_name, share_name) -%}
{%- set value_text = reason_number(value_expr, language, limit_expr, decimals_expr) -%}
{%- set limit_text = reason_number(limit_expr, language) -%}
{%- if language == 'da' -%}
case
    when {{ status_expr }} is null
        then
            '{{ goal_name }} kan ikke vurderes, fordi ingen måned, der tæller, har en andel '
            || '(ingen personer i gruppen, eller måneder mangler).'
    when {{ status_expr }} = 'not_in_force' then '{{ goal_name }} er ikke i kraft for perioden og tæller ikke med.'
    else
        '{{ goal_name }} er ' || case when {{ status_expr }} = 'met' then '' else 'ikke ' end
        || 'opfyldt, fordi {{ share_name }} er ' || {{ value_text }}
        || ' pct. og skal være under ' || {{ limit_text }} || ' pct.'
end
{%- else -%}
case
    when {{ status_expr }} is null
        then
            '{{ goal_name }} can not be assessed, because no month that counts has a share '
            || '(nobody in the group, or months lack).'
    when {{ status_expr }} = 'not_in_force' then '{{ goal_name }} is not in force for the period and does not count.'
    else
        '{{ goal_name }} is ' || case when {{ status_expr }} = 'met' then '' else 'not ' end
        || 'met, because {{ share_name }} is ' || {{ value_text }} || ' per cent and must be below '
        || {{ limit_text }} || ' per cent.'
end
{%- endif -%}
{%- endmacro %}
