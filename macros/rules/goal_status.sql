{#-
    The three states of a goal, as the decision table spells them; null = in force without a value (not assessed).
    Values are held against limits after rounding to `decimals_expr` decimals: the arithmetic's noise decides nothing.
-#}
{% macro result_goal_status(difference_expr, margin_expr, decimals_expr) -%}
case
    when {{ difference_expr }} is null then null
    when
        round(cast({{ difference_expr }} as double), {{ decimals_expr }})
        <= round(cast({{ margin_expr }} as double), {{ decimals_expr }})
        then 'met'
    else 'not_met'
end
{%- endmacro %}

{% macro focus_goal_status(is_in_force_expr, value_expr, limit_expr, decimals_expr) -%}
case
    when not {{ is_in_force_expr }} then 'not_in_force'
    when {{ value_expr }} is null then null
    when
        round(cast({{ value_expr }} as double), {{ decimals_expr }})
        < round(cast({{ limit_expr }} as double), {{ decimals_expr }})
        then 'met'
    else 'not_met'
end
{%- endmacro %}
