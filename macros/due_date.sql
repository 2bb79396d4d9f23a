{#- The day `offset_value` days or months after `start_expr`: the same day of a later month, or that month's last day. -#}
{% macro due_date(start_expr, offset_value, offset_unit) -%}
(
    case {{ offset_unit }}
        when 'day' then {{ start_expr }} + {{ offset_value }}::integer
        when 'month' then ({{ start_expr }} + to_months({{ offset_value }}::integer))::date
        else error('Unknown unit of a deadline: ' || {{ offset_unit }})::date
    end
)
{%- endmacro %}
