"""How well the framework conditions explain the level, and how much single municipalities steer the fit."""


def model(dbt, session):
    """Return one row of diagnostics per fit."""
    from orchestration.lib.benefit_level import diagnostics_table, fit_levels

    dbt.config(materialized="table")
    actuals = dbt.ref("int_benefit_level__actuals").fetchnumpy()
    design = dbt.ref("int_benefit_level__design").fetchnumpy()
    return diagnostics_table(fit_levels(actuals, design))
