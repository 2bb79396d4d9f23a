"""Funnel limits: how far from the country a municipality of its size may lie by chance (see rank_uncertainty.md)."""


def model(dbt, session):
    """Return the 95 and 99.8 per cent limits with over-dispersion per period, measure and municipality."""
    from orchestration.lib.funnel_table import funnel_table

    dbt.config(materialized="table")
    shares = dbt.ref("int_rank_uncertainty__shares").fetchnumpy()
    return funnel_table(shares, dbt.ref("int_benefit_level__periods").fetchnumpy())
