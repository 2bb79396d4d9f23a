"""The explanation of a figure, on a small hand-made warehouse."""

from pathlib import Path

import duckdb
import pytest

from orchestration.lib.explanation import MEASURES, explain
from orchestration.lib.reading_places import NothingToRead, Place


@pytest.fixture()
def warehouse() -> Place:
    """One municipality with a monthly focus share, a category and a level, and the deliveries behind them."""
    connection = duckdb.connect()
    connection.execute("""
        create schema marts; create schema raw; create schema intermediate;
        create table marts.dim_municipalities as select *, true as is_current
            from (values ('0450', 'Nyborg'), ('0000', 'Hele landet')) as m(municipality_code, municipality_name);
        create table marts.dim_rules as select * from (values
            ('ordinary_hours_limit:all:1900-01-01', 'ordinary_hours_limit', 225::double, 'hours', null::varchar, 'LOAB',
                '', 'seen', date '1900-01-01', date '2021-01-01'),
            ('ordinary_hours_limit:all:2021-01-01', 'ordinary_hours_limit', 100, 'hours', null, 'LOAB', '', 'seen',
                date '2021-01-01', date '9999-12-31'),
            ('passive_minimum_months:all:1900-01-01', 'passive_minimum_months', 12, 'months', null, 'LOAB', '', 'seen',
                date '1900-01-01', date '9999-12-31'),
            ('comparison_decimals:all:1900-01-01', 'comparison_decimals', 9, 'decimals', null, 'X', '', 'project',
                date '1900-01-01', date '2020-06-30'),
            ('comparison_decimals:all:2020-06-30', 'comparison_decimals', 1, 'decimals', null, 'X', '', 'project',
                date '2020-06-30', date '9999-12-31'),
            ('scenario:official:1900-01-01', 'scenario', 0, 'percentage_points', null, 'LOAB', '', 'seen',
                date '1900-01-01', date '9999-12-31')
        ) as r(rule_id, rule_code, value, unit, detail_en, legal_reference, source_url, evidence, valid_from_date,
            valid_to_date);
        alter table marts.dim_rules add column rule_key varchar;
        insert into marts.dim_rules by name select 'goal_limit:offers:1900-01-01' as rule_id, 'goal_limit' as rule_code,
            'offers' as rule_key, 30 as value, date '1900-01-01' as valid_from_date, date '9999-12-31' as valid_to_date;
        create table marts.dim_scenarios as select * from (values
            ('official', null::double, 0.0::double, false, 1), ('draft_2019', 20.0, 0.0, false, 2),
            ('kl_all', 30.0, 0.2, true, 3)
        ) as s(scenario_code, passive_limit_percentage, result_margin, counts_foertidspension, sort_order);
        alter table marts.dim_scenarios add column valid_from_date date default date '1900-01-01';
        alter table marts.dim_scenarios add column valid_to_date date default date '9999-12-31';
        create schema seeds; create schema staging;
        create table intermediate.int_months as select date '2020-06-01' as month, false as has_hole_in_window;
        create table intermediate.int_focus_goals__population as select date '2020-06-01' as month,
            '0450' as municipality_code, 'dagpenge' as benefit_group_code, range <= 10 as is_passive
            from range(1, 41);
        create table intermediate.int_benefit_level__actuals as select '2020QMAT02' as period_code,
            '0450' as municipality_code, 'all' as benefit_area_code, 1600 as actual_full_time_persons,
            20000 as population_16_66;
        create table intermediate.int_benefit_level__coefficients as select '2020QMAT02' as period_code,
            'all' as benefit_area_code, * from (values ('intercept', 4.2::double), ('age_16_24', 0.5))
            as c(term_code, coefficient);
        create table intermediate.int_benefit_level__design as select '2020QMAT02' as period_code,
            '0450' as municipality_code, 'age_16_24' as covariate_code, 10.0::double as covariate_value;
        create table staging.stg_jobindsats__y30r21 as select '' as period_code, '' as municipality_code,
            '' as benefit_area_code, 0.0::double as actual_percentage, 0.0::double as expected_percentage,
            0.0::double as difference_percentage_points;
        create table intermediate.int_category__inputs as select 'official' as scenario_code,
            '2020QMAT02' as period_code, '0450' as municipality_code, date '2020-06-30' as period_end_date,
            9 as comparison_decimals, -1.2::double as difference_percentage_points, 0.0::double as result_margin,
            true as is_offers_in_force, 31.0::double as passive_percentage,
            30.0::double as passive_limit_percentage, true as is_conversations_in_force,
            10.0::double as few_conversations_percentage, 20.0::double as few_conversations_limit_percentage;
        create table seeds.rule_category_decisions as select 'met' as result_status, 'not_met' as offers_status,
            'met' as conversations_status, 3 as municipality_category, date '1900-01-01' as valid_from_date,
            date '9999-12-31' as valid_to_date;
        create table marts.fct_focus_goals as select date '2020-06-01' as month, '0450' as municipality_code,
            'all' as benefit_group_code, 40 as person_count, 10 as passive_count, 0.25::double as passive_share,
            'ordinary_hours_limit:all:1900-01-01' as hours_rule_id;
        create table marts.fct_category_assignments as select 'official' as scenario_code, '2020QMAT02' as period_code,
            '0450' as municipality_code, 3 as municipality_category, 'Opmærksomhedskommune' as category_name_da,
            'Fordi.' as reason_da, 'Because.' as reason_en, -1.2::double as difference_percentage_points,
            0.0::double as result_margin, true as is_result_met, 31.0::double as passive_percentage,
            30.0::double as passive_limit_percentage, false as is_offers_met,
            10.0::double as few_conversations_percentage,
            20.0::double as few_conversations_limit_percentage, true as is_conversations_met,
            1.2::double as result_distance, -1.0::double as passive_distance,
            10.0::double as few_conversations_distance,
            250::bigint as result_persons_to_flip, 4::bigint as passive_persons_to_flip,
            40::bigint as few_conversations_persons_to_flip, null::double as category_probability,
            'scenario:official:1900-01-01 + goal_limit:offers:1900-01-01' as rule_set_id;
        create table marts.fct_benefit_levels as select '2020QMAT02' as period_code, '0450' as municipality_code,
            'all' as benefit_area_code, 'model' as expected_source, 1600.0::double as actual_full_time_persons,
            1840.0::double as expected_full_time_persons, -240.0::double as difference_full_time_persons,
            8.0::double as actual_percentage, 9.2::double as expected_percentage,
            -1.2::double as difference_percentage_points, 0.2::double as difference_standard_error,
            -1.6::double as difference_lower_95, -0.8::double as difference_upper_95, 1 as benchmark_rank,
            null::integer as published_benchmark_rank, -16800000.0::double as potential_dkk;
        create table intermediate.int_benefit_level__model_status as select '2021QMAT02' as period_code,
            false as is_complete, 'all framework conditions (not delivered)' as missing_en;
        create table raw.current_batches as select * from (values
            ('benefit_periods', date '2019-01-01', 1, 100), ('benefit_periods', date '2020-06-01', 2, 110),
            ('benefit_periods', date '2020-07-01', 1, 120), ('conversations', date '2018-01-01', 1, 5),
            ('conversations', date '2020-06-01', 1, 50), ('active_offers', date '2020-06-01', 1, 20)
        ) as b(dataset, period, delivery, row_count);
    """)
    return Place(connection, Path("warehouse.duckdb"), is_release=False)


def shown_sql(text: str) -> str:
    """The query that an explanation prints."""
    return text.split("\nSQL that rebuilds it from the rows beneath the mart\n")[1].split("\n\nIt was run")[0]


def test_a_monthly_share_shows_its_counts_rules_deliveries_and_sql(warehouse: Place) -> None:
    text = explain(warehouse, "nyborg", "2020-06", "passive_share", "all")
    title, place, *_ = text.split("\n")
    assert title.startswith("passive_share · Nyborg (0450)")
    assert place.startswith(f"From {warehouse.path}, ") and place.endswith(" not for publication.")
    assert text.startswith("passive_share · Nyborg (0450) · 2020-06")
    assert "0.25 = 10 ÷ 40 (25.00 per cent)" in text
    assert "ordinary_hours_limit:all:1900-01-01" in text and "225 hours" in text
    assert "ordinary_hours_limit:all:2021-01-01" not in text
    assert "passive_minimum_months:all:1900-01-01" in text
    # all months up to June, not July; a delivery other than the first is named
    assert "benefit_periods        2 months 2019-01 … 2020-06, 210 rows; other than delivery 1: 2020-06/002" in text
    # twelve months back, so not January 2018
    assert "conversations          1 month 2020-06 … 2020-06, 50 rows" in text
    assert "ordinary_hours         nothing delivered for these months" in text


def test_the_sql_that_is_shown_gives_the_figure(warehouse: Place) -> None:
    text = explain(warehouse, "0450", "2020-06", "passive_share", "all")
    assert "It was run: it gives the figure above." in text
    (row,) = warehouse.rows(shown_sql(text))
    assert row == {"benefit_group_code": "all", "passive_count": 10, "person_count": 40, "passive_share": 0.25}


@pytest.mark.parametrize(
    ("period", "measure", "change", "said"),
    [
        (
            "2020-06",
            "passive_share",
            "fct_focus_goals set passive_count = 11",
            "all passive_count: 11 stands, 10 found",
        ),
        (
            "2020QMAT02",
            "benefit_level_difference",
            "fct_benefit_levels set difference_percentage_points = -1",
            "model: -1 stands, -1.2 found",
        ),
        (
            "2020QMAT02",
            "category",
            "fct_category_assignments set municipality_category = 1",
            "1 stands, [3] found",
        ),
    ],
)
def test_a_figure_that_its_rows_do_not_give_is_said(
    warehouse: Place, period: str, measure: str, change: str, said: str
) -> None:
    assert "It was run: it gives the figure above." in explain(warehouse, "0450", period, measure)
    warehouse.connection.execute(f"update marts.{change}")
    text = explain(warehouse, "0450", period, measure)
    assert "It was run, and gives ANOTHER figure:" in text and said in text


def test_a_month_with_a_hole_before_it_says_nothing(warehouse: Place) -> None:
    warehouse.connection.execute(
        "update intermediate.int_months set has_hole_in_window = true;"
        " update marts.fct_focus_goals set passive_count = null, person_count = null, passive_share = null"
    )
    text = explain(warehouse, "0450", "2020-06", "passive_share")
    assert "Null, since a month of the twelve that end with this one was never delivered." in text
    assert "It was run" not in text


def test_a_goals_share_shows_each_scenarios_line(warehouse: Place) -> None:
    text = explain(warehouse, "0450", "2020-06", "passive_share", "all")
    assert "official                 line    30  5.00 percentage points on the good side, 2 persons to flip it" in text
    assert "draft_2019               line    20  5.00 percentage points on the bad side, 2 persons to flip it" in text


def test_a_goals_side_is_told_as_exactly_as_the_rule_in_force_says(warehouse: Place) -> None:
    """From the last day of June 2020 on figures are compared to one decimal: 29.96 is 30.0, which is not below 30."""
    warehouse.connection.execute("update marts.fct_focus_goals set passive_share = 0.2996")
    official = "official                 line    30  0.04 percentage points on the "
    assert official + "bad side" in explain(warehouse, "0450", "2020-06", "passive_share", "all")
    warehouse.connection.execute(
        "delete from marts.dim_rules where rule_id = 'comparison_decimals:all:2020-06-30';"
        " update marts.dim_rules set valid_to_date = '9999-12-31' where rule_code = 'comparison_decimals'"
    )
    assert official + "good side" in explain(warehouse, "0450", "2020-06", "passive_share", "all")
    warehouse.connection.execute("delete from marts.dim_rules where rule_code = 'comparison_decimals'")
    with pytest.raises(NothingToRead, match=r"No rule comparison_decimals in dim_rules of .* for 2020-06\."):
        explain(warehouse, "0450", "2020-06", "passive_share", "all")


def test_a_category_shows_the_distance_to_each_line_and_a_rule_that_is_gone(warehouse: Place) -> None:
    text = explain(warehouse, "Nyborg", "2020QMAT02", "category")
    assert "category 3, Opmærksomhedskommune (official)" in text
    assert "active offers  value         31  line       30  met no     distance         -1  persons to flip 4" in text
    warehouse.connection.execute("delete from marts.dim_rules where rule_code = 'goal_limit'")
    text = explain(warehouse, "Nyborg", "2020QMAT02", "category")
    assert "goal_limit:offers:1900-01-01" in text and "not in dim_rules" in text


def test_a_level_shows_both_sides_of_the_subtraction(warehouse: Place) -> None:
    text = explain(warehouse, "Nyborg", "2020QMAT02", "benefit_level_difference")
    assert "difference -1.2 percentage points = actual 8 − expected 9.2" in text
    assert "95 per cent interval -1.6 to -0.8" in text
    assert "-240, 16,800,000 kr. a year less than expected" in text
    assert "official                 model     line    0  +1.2000" in text
    assert "kl_all" not in text
    # The rolling year ends in June 2020.
    assert "benefit_periods        1 month 2020-06 … 2020-06, 110 rows" in text


@pytest.mark.parametrize(
    ("municipality", "period", "measure", "group", "message"),
    [
        ("Atlantis", "2020-06", "passive_share", None, "no municipality Atlantis"),
        ("Nyborg", "2020-06", "happiness", None, "no measure happiness; there are conversation_coverage"),
        ("Nyborg", "2020QMAT02", "passive_share", None, "give a period such as 2024-03"),
        ("Nyborg", "2020-06", "category", None, "give a period such as 2024QMAT02"),
        ("Nyborg", "2019-01", "passive_share", None, "its months are 2020-06-01 to 2020-06-01"),
        ("Nyborg", "2020-06", "passive_share", "a:b", "groups of this measure are benefit_group_code"),
        ("Nyborg", "2020-06", "passive_share", "foo", "no benefit_group_code foo; there are all"),
        ("Nyborg", "2020QMAT02", "benefit_level_difference", "foo", "no benefit_area_code foo; there are all"),
        ("Nyborg", "2020-06", "passive_share", "x' or '1'='1", "is not a code"),
        ("Nyborg", "2021QMAT02", "benefit_level_difference", None, "lacks all framework conditions"),
        ("Nyborg", "2021QMAT02", "category", None, "are its twelve months loaded"),
        ("Nyborg", "2020QMAT02", "category", "minister", "no scenario minister; there are official"),
        ("Hele landet", "2020QMAT02", "category", None, "the whole country has none"),
    ],
)
def test_a_question_without_answer_says_what_could_be_asked(
    warehouse: Place, municipality: str, period: str, measure: str, group: str | None, message: str
) -> None:
    with pytest.raises(NothingToRead, match=message):
        explain(warehouse, municipality, period, measure, group)


def test_every_measure_names_columns_that_its_mart_has() -> None:
    """The marts' SQL is read, so that a renamed column is found before somebody asks."""
    marts = Path(__file__).resolve().parents[2] / "models" / "marts" / "measures"
    for measure, source in MEASURES.items():
        sql = (marts / f"fct_{source.fact}.sql").read_text(encoding="utf-8")
        last_select = sql[sql.rindex("\nselect\n") :]
        for column in (*source.group_columns, source.value, source.numerator, source.denominator, *source.rule_columns):
            assert column is None or column in last_select, f"{measure}: {column}"
