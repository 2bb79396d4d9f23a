"""What each framework condition weighs in the expected level."""


def model(dbt, session):
    """Return the coefficients with intervals and variance inflation of every fit."""
    from orchestration.lib.benefit_level import coefficient_table, fit_levels

    dbt.config(materialized="table")
    actuals = dbt.ref("int_benefit_level__actuals").fetchnumpy()
    design = dbt.ref("int_benefit_level__design").fetchnumpy()
    periods = dbt.ref("int_benefit_level__periods").fetchnumpy()
    return coefficient_table(fit_levels(actuals, design), periods)
