"""Does timeliness go with results? Pearson's and Spearman's coefficient per period (see timeliness_and_results.md)."""


def model(dbt, session):
    """Return the coefficients with 95 per cent intervals over the municipalities that have both values."""
    from orchestration.lib.correlation_table import correlation_table

    dbt.config(materialized="table")
    municipalities = dbt.ref("int_timeliness_and_results__municipalities").fetchnumpy()
    return correlation_table(municipalities, dbt.ref("int_benefit_level__periods").fetchnumpy())
