{#- One sentence per goal, in both languages, so that a reader sees why without knowing the decision table. -#}
{%- set focus_goals = [
    {
        'code': 'offers', 'value': 'passive_percentage', 'limit': 'passive_limit_percentage',
        'name_da': 'Fokusmålet om aktive tilbud', 'name_en': 'The focus goal on active offers',
        'share_da': 'andelen af passive', 'share_en': 'the passive share',
    },
    {
        'code': 'conversations', 'value': 'few_conversations_percentage',
        'limit': 'few_conversations_limit_percentage',
        'name_da': 'Fokusmålet om samtaler', 'name_en': 'The focus goal on conversations',
        'share_da': 'andelen med for få samtaler', 'share_en': 'the share with too few conversations',
    },
] -%}

with decisions as (
    select
        scenario_code,
        period_code,
        municipality_code,
        period_end_date,
        difference_percentage_points,
        expected_source,
        result_missing_da,
        result_missing_en,
        result_margin,
        result_status,
        passive_percentage,
        passive_limit_percentage,
        offers_status,
        few_conversations_percentage,
        few_conversations_limit_percentage,
        conversations_status,
        municipality_category
    from {{ ref('int_category__decisions') }}
),

category_names as (
    select
        municipality_category,
        name_da,
        name_en,
        valid_from_date,
        valid_to_date
    from {{ ref('category_names') }}
),

sentences as (
    select
        decisions.scenario_code,
        decisions.period_code,
        decisions.municipality_code,
        category_names.name_da as category_name_da,
        category_names.name_en as category_name_en,
        'Kategori ' || decisions.municipality_category || ', ' || category_names.name_da || '.' as category_da,
        'Category ' || decisions.municipality_category || ', ' || category_names.name_en || '.' as category_en,
        case
            when decisions.result_status is null
                then 'Resultatmålet kan ikke vurderes, fordi ' || decisions.result_missing_da || '.'
            else
                'Resultatmålet er ' || case when decisions.result_status = 'met' then '' else 'ikke ' end
                || 'opfyldt, fordi forskellen mellem faktisk og forventet andel på forsørgelse er '
                || {{ reason_number(
                    'decisions.difference_percentage_points', 'da', 'decisions.result_margin'
                ) }}
                || ' procentpoint og højst må være '
                || {{ reason_number('decisions.result_margin', 'da') }}
                || case decisions.expected_source
                    when 'published' then ' (offentliggjort forventet niveau).'
                    else ' (modellens forventede niveau).'
                end
        end as result_da,
        case
            when decisions.result_status is null
                then 'The result goal can not be assessed, because ' || decisions.result_missing_en || '.'
            else
                'The result goal is ' || case when decisions.result_status = 'met' then '' else 'not ' end
                || 'met, because the difference between the actual and the expected share on support is '
                || {{ reason_number(
                    'decisions.difference_percentage_points', 'en', 'decisions.result_margin'
                ) }}
                || ' percentage points and may be at most '
                || {{ reason_number('decisions.result_margin', 'en') }}
                || case decisions.expected_source
                    when 'published' then ' (published expected level).'
                    else ' (expected level of the model).'
                end
        end as result_en,
        {%- for goal in focus_goals %}
        case
            when decisions.{{ goal.code }}_status is null
                then
                    '{{ goal.name_da }} kan ikke vurderes, fordi ingen måned, der tæller, har en andel '
                    || '(ingen personer i gruppen, eller måneder mangler).'
            when decisions.{{ goal.code }}_status = 'not_in_force'
                then '{{ goal.name_da }} er ikke i kraft for perioden og tæller ikke med.'
            else
                '{{ goal.name_da }} er '
                || case when decisions.{{ goal.code }}_status = 'met' then '' else 'ikke ' end
                || 'opfyldt, fordi {{ goal.share_da }} er '
                || {{ reason_number('decisions.' ~ goal.value, 'da', 'decisions.' ~ goal.limit) }}
                || ' pct. og skal være under '
                || {{ reason_number('decisions.' ~ goal.limit, 'da') }} || ' pct.'
        end as {{ goal.code }}_da,
        case
            when decisions.{{ goal.code }}_status is null
                then
                    '{{ goal.name_en }} can not be assessed, because no month that counts has a share '
                    || '(nobody in the group, or months lack).'
            when decisions.{{ goal.code }}_status = 'not_in_force'
                then '{{ goal.name_en }} is not in force for the period and does not count.'
            else
                '{{ goal.name_en }} is '
                || case when decisions.{{ goal.code }}_status = 'met' then '' else 'not ' end
                || 'met, because {{ goal.share_en }} is '
                || {{ reason_number('decisions.' ~ goal.value, 'en', 'decisions.' ~ goal.limit) }}
                || ' per cent and must be below '
                || {{ reason_number('decisions.' ~ goal.limit, 'en') }} || ' per cent.'
        end as {{ goal.code }}_en{{ ',' if not loop.last }}
        {%- endfor %}
    from decisions
    left join category_names
        on
            decisions.municipality_category = category_names.municipality_category
            and {{ in_force_on('decisions.period_end_date', 'category_names') }}
)

select
    scenario_code,
    period_code,
    municipality_code,
    category_name_da,
    category_name_en,
    category_da || ' ' || result_da || ' ' || offers_da || ' ' || conversations_da as reason_da,
    category_en || ' ' || result_en || ' ' || offers_en || ' ' || conversations_en as reason_en
from sentences
