{#-
    unique_combination for a `monthly` model, of the months that its newest build wrote: what has not been written since
    it was tested can't have changed, and the test's cost follows the month, not the history.
-#}
{% test unique_in_built_months(model, columns, filled=[]) %}
    {{ rows_not_unique(model, columns, filled, built_months_to_test(model, columns, filled)) }}
{% endtest %}
