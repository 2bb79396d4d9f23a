"""The expected level of the model: one weighted least squares fit per period and area (see benefit_levels.md)."""


def model(dbt, session):
    """Return the fitted shares with the noise of each difference; nothing for periods whose inputs are incomplete."""
    from orchestration.lib.benefit_level import fit_levels, fitted_table

    dbt.config(materialized="table")
    actuals = dbt.ref("int_benefit_level__actuals").fetchnumpy()
    design = dbt.ref("int_benefit_level__design").fetchnumpy()
    periods = dbt.ref("int_benefit_level__periods").fetchnumpy()
    return fitted_table(fit_levels(actuals, design), periods)
