{#-
    First days of the first and of the last month that a `monthly` model builds now.

    The compiled text is a valid date that selects nothing; the materialization puts the batch's months in its place.
    Unit tests override both macros.
-#}
{% macro batch_from() -%}
    date '9999-01-01' /* batch_from */
{%- endmacro %}

{% macro batch_to() -%}
    date '0001-01-01' /* batch_to */
{%- endmacro %}
