{#-
    First and last day of a published period code: 2026M07, 2026Q01, 2022QMAT04 (the four quarters that end with it),
    2025Y01 and 2026MYTD07 (January to the month). Null for anything else, also for a month 13.
-#}
{% macro published_period_start(code_expr) -%}
{%- set year = "cast(" ~ code_expr ~ "[1:4] as integer)" -%}
{%- set number = "cast(" ~ code_expr ~ "[-2:] as integer)" -%}
case
    when regexp_full_match({{ code_expr }}, '\d{4}M(0[1-9]|1[0-2])') then make_date({{ year }}, {{ number }}, 1)
    when regexp_full_match({{ code_expr }}, '\d{4}Q0[1-4]') then make_date({{ year }}, 3 * {{ number }} - 2, 1)
    when regexp_full_match({{ code_expr }}, '\d{4}QMAT0[1-4]')
        then cast(make_date({{ year }}, 3 * {{ number }}, 1) - interval 1 year + interval 1 month as date)
    when regexp_full_match({{ code_expr }}, '\d{4}(Y01|MYTD(0[1-9]|1[0-2]))') then make_date({{ year }}, 1, 1)
end
{%- endmacro %}

{% macro published_period_end(code_expr) -%}
{%- set year = "cast(" ~ code_expr ~ "[1:4] as integer)" -%}
{%- set number = "cast(" ~ code_expr ~ "[-2:] as integer)" -%}
case
    when regexp_full_match({{ code_expr }}, '\d{4}M(YTD)?(0[1-9]|1[0-2])')
        then last_day(make_date({{ year }}, {{ number }}, 1))
    when regexp_full_match({{ code_expr }}, '\d{4}Q(MAT)?0[1-4]')
        then last_day(make_date({{ year }}, 3 * {{ number }}, 1))
    when regexp_full_match({{ code_expr }}, '\d{4}Y01') then make_date({{ year }}, 12, 31)
end
{%- endmacro %}
