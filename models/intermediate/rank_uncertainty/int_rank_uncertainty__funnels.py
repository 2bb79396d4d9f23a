"""Funnel limits: how far from the country a municipality of its size may lie by chance (see rank_uncertainty.md)."""


def model(dbt, session):
    """Return the 95 and 99.8 per cent limits with over-dispersion per period, measure and municipality."""
    from orchestration.lib.funnel_table import funnel_table

    dbt.config(materialized="table")
    return funnel_table(dbt.ref("int_rank_uncertainty__shares").fetchnumpy())
