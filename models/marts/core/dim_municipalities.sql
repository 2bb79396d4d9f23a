with municipalities as (
    select
        municipality_code,
        municipality_name,
        valid_from_date,
        valid_to_date
    from {{ ref('municipalities') }}
),

areas as (
    select
        area_type_code,
        area_code,
        area_name,
        municipality_code,
        valid_from_date,
        valid_to_date
    from {{ ref('municipality_areas') }}
),

-- Every day on which one of a municipality's areas changes begins a new row.
change_dates as (
    select
        municipality_code,
        valid_from_date as change_date
    from municipalities
    union
    select
        municipality_code,
        valid_from_date as change_date
    from areas
    union
    select
        municipality_code,
        valid_to_date as change_date
    from areas
),

validities as (
    select
        municipalities.municipality_code,
        municipalities.municipality_name,
        change_dates.change_date as valid_from_date,
        lead(change_dates.change_date, 1, municipalities.valid_to_date) over (
            partition by municipalities.municipality_code
            order by change_dates.change_date
        ) as valid_to_date
    from municipalities
    inner join change_dates
        on
            municipalities.municipality_code = change_dates.municipality_code
            and change_dates.change_date >= municipalities.valid_from_date
            and change_dates.change_date < municipalities.valid_to_date
),

municipalities_with_areas as (
    select
        validities.municipality_code,
        validities.municipality_name,
        region.area_code as region_code,
        region.area_name as region_name,
        rar_area.area_code as rar_area_code,
        rar_area.area_name as rar_area,
        jobcentre.area_code as jobcentre_code,
        jobcentre.area_name as jobcentre,
        validities.valid_from_date,
        validities.valid_to_date
    from validities
    left join areas as region
        on
            validities.municipality_code = region.municipality_code
            and region.area_type_code = 'region'
            and {{ in_force_on('validities.valid_from_date', 'region') }}
    left join areas as rar_area
        on
            validities.municipality_code = rar_area.municipality_code
            and rar_area.area_type_code = 'rar_area'
            and {{ in_force_on('validities.valid_from_date', 'rar_area') }}
    left join areas as jobcentre
        on
            validities.municipality_code = jobcentre.municipality_code
            and jobcentre.area_type_code = 'jobcentre'
            and {{ in_force_on('validities.valid_from_date', 'jobcentre') }}
),

country as (
    select
        '0000' as municipality_code,
        'Hele landet' as municipality_name,
        cast(null as varchar) as region_code,
        cast(null as varchar) as region_name,
        cast(null as varchar) as rar_area_code,
        cast(null as varchar) as rar_area,
        cast(null as varchar) as jobcentre_code,
        cast(null as varchar) as jobcentre,
        min(valid_from_date) as valid_from_date,
        max(valid_to_date) as valid_to_date
    from municipalities
),

all_rows as (
    select
        municipality_code,
        municipality_name,
        region_code,
        region_name,
        rar_area_code,
        rar_area,
        jobcentre_code,
        jobcentre,
        valid_from_date,
        valid_to_date
    from municipalities_with_areas
    union all
    select
        municipality_code,
        municipality_name,
        region_code,
        region_name,
        rar_area_code,
        rar_area,
        jobcentre_code,
        jobcentre,
        valid_from_date,
        valid_to_date
    from country
)

select
    municipality_code,
    municipality_name,
    region_code,
    region_name,
    rar_area_code,
    rar_area,
    jobcentre_code,
    jobcentre,
    valid_from_date,
    valid_to_date,
    valid_to_date = max(valid_to_date) over (partition by municipality_code) as is_current
from all_rows
