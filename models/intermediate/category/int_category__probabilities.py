"""How likely a municipality stays on its side of the result goal when only the model's noise is drawn anew."""


def model(dbt, session):
    """Return the probability per scenario, period and municipality; null where there is no standard error."""
    from orchestration.lib.category import probability_table

    dbt.config(materialized="table")
    return probability_table(dbt.ref("int_category__decisions").fetchnumpy())
