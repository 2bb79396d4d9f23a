"""How sure a municipality's rank is, by drawing the model's noise anew (see benefit_levels.md)."""


def model(dbt, session):
    """Return the rank's interval and the chances of the best and worst ranks, for the area of all benefits."""
    from orchestration.lib.benefit_level import fit_levels, rank_table

    dbt.config(materialized="table")
    actuals = dbt.ref("int_benefit_level__actuals").fetchnumpy()
    design = dbt.ref("int_benefit_level__design").fetchnumpy()
    periods = dbt.ref("int_benefit_level__periods").fetchnumpy()
    return rank_table(fit_levels(actuals, design, areas=("all",)), periods)
