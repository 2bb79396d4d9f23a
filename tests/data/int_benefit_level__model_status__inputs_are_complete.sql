-- A loaded rolling year without a model: its categories that need one are 0. A warning, since all else is built.
{{ config(severity='warn') }}
select
    period_code,
    missing_da,
    missing_en
from {{ ref('int_benefit_level__model_status') }}
where not is_complete
