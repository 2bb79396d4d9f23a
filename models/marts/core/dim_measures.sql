with measures as (
    select
        measure_id,
        name_da,
        name_en,
        definition_da,
        definition_en,
        unit,
        direction,
        is_comparable,
        legal_reference,
        source_url,
        population_da,
        population_en,
        exclusions_da,
        exclusions_en,
        how_not_to_use_da,
        how_not_to_use_en,
        table_name,
        sort_order,
        evidence
    from {{ ref('measures') }}
)

select
    measure_id,
    name_da,
    name_en,
    definition_da,
    definition_en,
    unit,
    direction,
    is_comparable,
    legal_reference,
    source_url,
    population_da,
    population_en,
    exclusions_da,
    exclusions_en,
    how_not_to_use_da,
    how_not_to_use_en,
    table_name,
    sort_order,
    evidence
from measures
