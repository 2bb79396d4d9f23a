with periods as (
    select
        period_code,
        period_end_date,
        last_month,
        model_municipality_count
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

municipalities as (
    select
        municipality_code,
        municipality_name,
        valid_from_date,
        valid_to_date
    from {{ ref('municipalities') }}
),

covariates as (
    select
        covariate_code,
        label_da,
        label_en,
        sort_order,
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
),

populations as (
    select
        quarter_end_month,
        municipality_code,
        population_16_66
    from {{ ref('int_population__quarters') }}
),

period_municipalities as (
    select
        periods.period_code,
        periods.period_end_date,
        periods.last_month,
        periods.model_municipality_count,
        municipalities.municipality_code,
        municipalities.municipality_name || ' (' || municipalities.municipality_code || ')' as municipality_label
    from periods
    inner join municipalities
        on {{ in_force_on('periods.period_end_date', 'municipalities') }}
),

cells as (
    select
        period_municipalities.period_code,
        period_municipalities.municipality_code,
        period_municipalities.municipality_label,
        covariates.covariate_code,
        covariates.sort_order,
        covariates.label_da || ' (' || covariates.covariate_code || ')' as covariate_label_da,
        covariates.label_en || ' (' || covariates.covariate_code || ')' as covariate_label_en,
        framework_conditions.value is null as is_missing
    from period_municipalities
    inner join covariates
        on {{ in_force_on('period_municipalities.period_end_date', 'covariates') }}
    left join framework_conditions
        on
            period_municipalities.period_code = framework_conditions.period_code
            and period_municipalities.municipality_code = framework_conditions.municipality_code
            and covariates.covariate_code = framework_conditions.covariate_code
),

counted_cells as (
    select
        *,
        bool_and(is_missing) over (partition by period_code) as is_period_missing,
        bool_and(is_missing) over (partition by period_code, municipality_code) as is_municipality_missing,
        bool_and(is_missing) over (partition by period_code, covariate_code) as is_covariate_missing
    from cells
),

counted_populations as (
    select
        period_municipalities.period_code,
        period_municipalities.municipality_code,
        period_municipalities.municipality_label,
        populations.population_16_66 is null as is_missing,
        bool_and(populations.population_16_66 is null) over (
            partition by period_municipalities.period_code
        ) as is_period_missing
    from period_municipalities
    left join populations
        on
            period_municipalities.last_month = populations.quarter_end_month
            and period_municipalities.municipality_code = populations.municipality_code
),

municipality_counts as (
    select
        period_code,
        model_municipality_count,
        count(*) as municipality_count
    from period_municipalities
    group by
        period_code,
        model_municipality_count
),

-- The widest lack is named once: a municipality without any covariate is not named 23 times.
lacks as (
    select
        period_code,
        1 as kind_order,
        '' as item_order,
        'alle rammevilkår (ikke leveret)' as missing_da,
        'all framework conditions (not delivered)' as missing_en
    from counted_cells
    where is_period_missing
    group by period_code

    union all

    select
        period_code,
        2 as kind_order,
        municipality_code as item_order,
        'alle rammevilkår for ' || municipality_label as missing_da,
        'all framework conditions of ' || municipality_label as missing_en
    from counted_cells
    where
        is_municipality_missing
        and not is_period_missing
    group by
        period_code,
        municipality_code,
        municipality_label

    union all

    select
        period_code,
        3 as kind_order,
        printf('%04d', sort_order) as item_order,
        covariate_label_da || ' for alle kommuner' as missing_da,
        covariate_label_en || ' of all municipalities' as missing_en
    from counted_cells
    where
        is_covariate_missing
        and not is_period_missing
    group by
        period_code,
        sort_order,
        covariate_label_da,
        covariate_label_en

    union all

    select
        period_code,
        4 as kind_order,
        printf('%04d', sort_order) || municipality_code as item_order,
        covariate_label_da || ' for ' || municipality_label as missing_da,
        covariate_label_en || ' of ' || municipality_label as missing_en
    from counted_cells
    where
        is_missing
        and not is_municipality_missing
        and not is_covariate_missing

    union all

    select
        period_code,
        5 as kind_order,
        '' as item_order,
        'befolkningen 16-66 år i periodens sidste kvartal (ikke leveret)' as missing_da,
        'the population 16-66 of the period''s last quarter (not delivered)' as missing_en
    from counted_populations
    where is_period_missing
    group by period_code

    union all

    select
        period_code,
        6 as kind_order,
        municipality_code as item_order,
        'befolkningen 16-66 år i periodens sidste kvartal for ' || municipality_label as missing_da,
        'the population 16-66 of the period''s last quarter of ' || municipality_label as missing_en
    from counted_populations
    where
        is_missing
        and not is_period_missing

    union all

    select
        period_code,
        7 as kind_order,
        '' as item_order,
        printf('%d af %d kommuner i kommunelisten', municipality_count, model_municipality_count) as missing_da,
        printf('%d of %d municipalities in the code list', municipality_count, model_municipality_count) as missing_en
    from municipality_counts
    where municipality_count <> model_municipality_count
),

summaries as (
    select
        period_code,
        count(*) as missing_count,
        string_agg(missing_da, '; ' order by kind_order, item_order) as missing_da,
        string_agg(missing_en, '; ' order by kind_order, item_order) as missing_en
    from lacks
    group by period_code
)

select
    periods.period_code,
    summaries.period_code is null as is_complete,
    coalesce(summaries.missing_count, 0) as missing_count,
    summaries.missing_da,
    summaries.missing_en
from periods
left join summaries
    on periods.period_code = summaries.period_code
