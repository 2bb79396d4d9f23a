with facts as (
    select
        period_code,
        municipality_count,
        pearson,
        pearson_lower_95,
        pearson_upper_95,
        spearman,
        spearman_lower_95,
        spearman_upper_95
    from {{ ref('fct_timeliness_and_results_correlation') }}
)

select
    period_code,
    municipality_count,
    pearson,
    pearson_lower_95,
    pearson_upper_95,
    spearman,
    spearman_lower_95,
    spearman_upper_95
from facts
