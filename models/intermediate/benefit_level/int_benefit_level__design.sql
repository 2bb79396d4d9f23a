with periods as (
    select
        period_code,
        period_end_date
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

model_status as (
    select period_code
    from {{ ref('int_benefit_level__model_status') }}
    where is_complete
),

covariates as (
    select
        covariate_code,
        is_reference,
        valid_from_date,
        valid_to_date
    from {{ ref('framework_covariates') }}
),

framework_conditions as (
    select
        municipality_code,
        period_code,
        covariate_code,
        value
    from {{ ref('stg_extracts__framework_conditions') }}
)

select
    periods.period_code,
    framework_conditions.municipality_code,
    framework_conditions.covariate_code,
    cast(framework_conditions.value as double) as covariate_value
from periods
inner join model_status
    on periods.period_code = model_status.period_code
inner join framework_conditions
    on periods.period_code = framework_conditions.period_code
inner join covariates
    on
        framework_conditions.covariate_code = covariates.covariate_code
        and {{ in_force_on('periods.period_end_date', 'covariates') }}
where not covariates.is_reference
