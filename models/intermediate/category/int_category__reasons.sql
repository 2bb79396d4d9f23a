-- One sentence per goal, in both languages, so that a reader sees why without knowing the decision table.
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
        comparison_decimals,
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
                    'decisions.difference_percentage_points', 'da', 'decisions.result_margin',
                    'decisions.comparison_decimals'
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
                    'decisions.difference_percentage_points', 'en', 'decisions.result_margin',
                    'decisions.comparison_decimals'
                ) }}
                || ' percentage points and may be at most '
                || {{ reason_number('decisions.result_margin', 'en') }}
                || case decisions.expected_source
                    when 'published' then ' (published expected level).'
                    else ' (expected level of the model).'
                end
        end as result_en,
        {{ focus_goal_reason(
            'decisions.offers_status', 'decisions.passive_percentage', 'decisions.passive_limit_percentage',
            'decisions.comparison_decimals', 'da', 'Fokusmålet om aktive tilbud', 'andelen af passive'
        ) }} as offers_da,
        {{ focus_goal_reason(
            'decisions.offers_status', 'decisions.passive_percentage', 'decisions.passive_limit_percentage',
            'decisions.comparison_decimals', 'en', 'The focus goal on active offers', 'the passive share'
        ) }} as offers_en,
        {{ focus_goal_reason(
            'decisions.conversations_status', 'decisions.few_conversations_percentage', 'decisions.few_conversations_limit_percentage',
            'decisions.comparison_decimals', 'da', 'Fokusmålet om samtaler', 'andelen med for få samtaler'
        ) }} as conversations_da,
        {{ focus_goal_reason(
            'decisions.conversations_status', 'decisions.few_conversations_percentage', 'decisions.few_conversations_limit_percentage',
            'decisions.comparison_decimals', 'en', 'The focus goal on conversations', 'the share with too few conversations'
        ) }} as conversations_en
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
