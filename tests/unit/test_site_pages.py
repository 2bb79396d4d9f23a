"""What the pages say of figures that tie, are hidden, provisional or not to be compared, and of assumed limits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from orchestration.site import charts
from orchestration.site.context import Site, minus_signs
from orchestration.site.data import ReleaseData, SiteError
from orchestration.site.pages import (
    categories,
    front,
    measure,
    methods,
    municipality,
    quality,
    revisions,
    timeliness_and_results,
)
from orchestration.site.pages.measure_charts import ranking_text
from orchestration.site.parts import LONGEST_TABLE, Page, Section, Table
from orchestration.site.words import Words

CODES = tuple(charts.tiles())[:30]
MONTHS = (dt.date(2025, 1, 1), dt.date(2025, 2, 1))
HIDDEN, EMPTY = CODES[0], CODES[1]
PERIOD = "2025QMAT02"


class _Drawer:
    """Keeps the charts that are asked for."""

    def __init__(self) -> None:
        self.charts: list[charts.Chart] = []

    def draw(self, chart: charts.Chart) -> Future[str]:
        self.charts.append(chart)
        done: Future[str] = Future()
        done.set_result("<svg/>")
        return done


def figure(
    measure_id: str, code: str, group: str, month: dt.date, counts: tuple[Any, Any], **other: Any
) -> dict[str, Any]:
    """A row of rpt_measure_results."""
    count, persons = counts
    value = None if count is None or not persons else count / persons
    return {
        "measure_id": measure_id,
        "group_code": group,
        "period_start_date": month,
        "municipality_code": code,
        "numerator_count": count,
        "denominator_count": persons,
        "measure_value": value,
        "is_suppressed": False,
        "is_provisional": month == MONTHS[-1],
        "rule_id": f"rule:{group}",
        **other,
    }


def passive(code: str, month: dt.date) -> dict[str, Any]:
    """The passive share: one hidden, one without persons, the rest from 5 to 32 of 100, all different."""
    if code == HIDDEN:
        return figure("passive_share", code, "all", month, (None, 12), is_suppressed=True)
    if code == EMPTY:
        return figure("passive_share", code, "all", month, (0, 0))
    return figure("passive_share", code, "all", month, (3 + CODES.index(code), 100))


def figures() -> list[dict[str, Any]]:
    """Rows of four measures."""
    rows = []
    for month in MONTHS:
        for code in ("0000", *CODES):
            rows.append(
                passive(code, month) if code != "0000" else figure("passive_share", code, "all", month, (600, 3000))
            )
            rows.append(figure("full_time_persons", code, "all", month, (40, None), measure_value=40.5))
            for group in ("dagpengemodtagere:1", "dagpengemodtagere:2", "sygedagpengemodtagere:1"):
                shown = code == "0000" or CODES.index(code) > 20
                row = figure("conversation_timeliness", code, group, month, (9, 10) if shown else (None, 10))
                rows.append({**row, "is_suppressed": not shown})
    return rows


def assignment(code: str, scenario: str, place: int) -> dict[str, Any]:
    """A row of rpt_category_assignments."""
    hidden = code == HIDDEN
    return {
        "scenario_code": scenario,
        "period_code": PERIOD,
        "municipality_code": code,
        "difference_percentage_points": None if hidden else -0.06,
        "result_margin": 0.0,
        "is_result_met": True,
        "result_distance": None if hidden else 0.06,
        "result_persons_to_flip": None if hidden else 6,
        "passive_percentage": None if hidden else 28.35,
        "passive_limit_percentage": 30.0,
        "is_offers_met": None if hidden else True,
        "passive_distance": None if hidden else 1.65,
        "passive_persons_to_flip": None if hidden else 8,
        "few_conversations_percentage": None if hidden else 16.66,
        "few_conversations_limit_percentage": None if place == 1 else 20.0,
        "is_conversations_met": None if place == 1 else True,
        "few_conversations_distance": None if hidden or place == 1 else 3.34,
        "few_conversations_persons_to_flip": None if hidden or place == 1 else 16,
        "municipality_category": 1,
        "category_name_da": "Inspirationskommune",
        "category_name_en": "Inspiring",
        "persons_to_flip": None if hidden else 6,
        "reason_da": None if hidden else "Forskellen er -0,06 procentpoint.",
        "reason_en": None if hidden else "The difference is -0.06 percentage points.",
        "rule_set_id": f"scenario:{scenario}:1900-01-01 + goal_limit:conversations:1900-01-01",
        "is_suppressed": hidden,
    }


def supervised(code: str, scenario: str, year: int) -> dict[str, Any]:
    """A row of rpt_supervision."""
    return {
        "scenario_code": scenario,
        "statement_year": year,
        "municipality_code": code,
        "status": "none" if scenario == "official" else "selected",
        "reason_da": None if code == HIDDEN else f"Fordi {scenario} {year}.",
        "reason_en": None if code == HIDDEN else f"Because of {scenario} {year}.",
        "is_suppressed": code == HIDDEN,
    }


def tables() -> dict[str, pd.DataFrame]:
    """A release of 30 municipalities and two months, the second provisional."""
    measures = pd.read_csv(Path(__file__).parents[2] / "seeds/reference/measures.csv", dtype=str)
    measures = measures[measures["measure_id"].isin(("passive_share", "full_time_persons", "conversation_timeliness"))]
    always = {"valid_from_date": dt.date(1900, 1, 1), "valid_to_date": dt.date(9999, 12, 31)}
    letters = {"rule_id": "r", "rule_code": "follow_up_round", **always}
    goal = {"rule_code": "goal_limit", "value": 20.0, "evidence": "assumed"}
    return {
        "dim_measures": measures.assign(is_comparable=measures["is_comparable"] == "true"),
        "dim_municipalities": pd.DataFrame(
            {"municipality_code": CODES, "municipality_name": [f"By {code}" for code in CODES], "region_name": "Region"}
        ),
        "dim_months": pd.DataFrame({"month": MONTHS}),
        # Their alphabetical order is another.
        "dim_scenarios": pd.DataFrame(
            [("official", "Gældende", 1), ("draft", "Udkast", 2), ("a_wish", "Ønske", 3)],
            columns=["scenario_code", "scenario_name_da", "sort_order"],
        ).assign(scenario_name_en=["In force", "Draft", "Wish"]),
        "dim_target_groups": pd.DataFrame(
            [("sygedagpengemodtagere", "Syge", 2), ("dagpengemodtagere", "Ledige", 1)],
            columns=["target_group_code", "target_group_name_da", "sort_order"],
        ).assign(target_group_name_en=["Sick", "Unemployed"]),
        "dim_rules": pd.DataFrame(
            [
                {"rule_id": "goal_limit:conversations:1900-01-01", "rule_key": "conversations", **goal, **always},
                {"rule_id": "z", "rule_code": "confidence_z", "rule_key": "all", "value": 2.0, **always},
                {"rule_key": "1", "detail_en": "May 2017 to May 2018", "detail_da": "Maj 2017 til maj 2018", **letters},
                {"rule_key": "2", "detail_en": "May 2018 to June 2018", "detail_da": "Maj til juni 2018", **letters},
                {"rule_id": "d", "rule_code": "comparison_decimals", "rule_key": "all", "value": 6.0, **always},
            ]
        ),
        "rpt_measure_results": pd.DataFrame(figures()),
        "rpt_benefit_recipients": pd.DataFrame({"month": MONTHS}),
        "rpt_category_assignments": pd.DataFrame(
            [assignment(code, s, n) for code in CODES for n, s in enumerate(("official", "draft", "a_wish"))]
        ),
        "rpt_supervision": pd.DataFrame(
            [supervised(code, s, y) for code in CODES for s in ("a_wish", "draft", "official") for y in (2024, 2023)]
        ),
        "rpt_follow_up": pd.DataFrame(
            {"municipality_code": pd.Series([], dtype=str), "round_code": "", "target_group_code": ""}
        ),
    }


Change = Callable[[dict[str, pd.DataFrame]], None]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes the site of the release, changed or not, in a language."""
    opened: list[ReleaseData] = []

    def site(change: Change = lambda content: None, language: str = "en") -> Site:
        content = tables()
        change(content)
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        (folder / "manifest.json").write_text('{"previous_release_id": null}', "utf-8")
        with closing(duckdb.connect(str(folder / "release.duckdb"))) as con:
            con.execute("create schema meta")
            con.execute("create table meta.release as select 'r' as release_id, 2 as hidden_maximum")
            con.execute("create table meta.tables (table_name varchar, row_count bigint)")
            for name, frame in content.items():
                con.execute(f"create table main.{name} as select * from frame")
                con.execute("insert into meta.tables values (?, ?)", [name, len(frame)])
        opened.append(ReleaseData(folder))
        return Site(opened[-1], Words(language), _Drawer())  # type: ignore[arg-type]

    yield site
    for data in opened:
        data.close()


def section(page: Page, name: str) -> Section:
    """The named section of a page."""
    return next(part for part in page.sections if part.name == name)


def table(page: Page, name: str) -> Table:
    """The named table of a page."""
    return next(found for part in page.sections for found in part.tables if found.name == name)


def row(page: Page, name: str, key: str) -> list[str]:
    """The cells of a table's row as they are read."""
    found = table(page, name)
    return ["hidden" if cell.hidden else cell.text for cell in found.rows[found.keys.index(key)]]


def said(part: Section) -> str:
    """The paragraphs of a section."""
    return " ".join(paragraph.text for paragraph in part.paragraphs)


def measure_page(site: Site, name: str) -> Page:
    """The page of a measure."""
    return measure.page(site, next(found for found in site.data.measures if found["measure_id"] == name))


def values(counts: Callable[[int], tuple[Any, Any]], measure_id: str = "passive_share") -> Change:
    """Other counts for the municipalities of a measure."""

    def change(content: dict[str, pd.DataFrame]) -> None:
        kept = content["rpt_measure_results"]
        kept = kept[(kept["measure_id"] != measure_id) | (kept["municipality_code"] == "0000")]
        rows = [
            figure(measure_id, code, "all", month, counts(n), is_suppressed=counts(n)[0] is None)
            for month in MONTHS
            for n, code in enumerate(CODES)
        ]
        content["rpt_measure_results"] = pd.concat([kept, pd.DataFrame(rows)])

    return change


def test_a_hidden_figure_hides_its_interval_and_rank_and_one_without_persons_has_none(
    make: Callable[..., Site],
) -> None:
    page = measure_page(make(), "passive_share")
    assert row(page, "values", HIDDEN) == [f"By {HIDDEN}", "hidden", "12", *["hidden"] * 4]
    assert row(page, "values", EMPTY) == [f"By {EMPTY}", "0", "0", "–", "–", "–", "–"]
    assert row(page, "values", CODES[2])[-1] == "1"
    assert row(page, "values", "0000")[-1] == "not applicable"
    assert table(page, "values").columns[-1].label == "Rank (1 = best)"
    assert "28 of 30. Hidden: 1. Without a figure: 1. The shown are no random sample" in said(section(page, "table"))
    by_rank = table(page, "by-rank")
    assert by_rank.keys == list(CODES[2:]) and by_rank.folded


def test_the_confidence_is_the_rule_of_the_release(make: Callable[..., Site]) -> None:
    def without(content: dict[str, pd.DataFrame]) -> None:
        content["dim_rules"] = content["dim_rules"][content["dim_rules"]["rule_code"] != "confidence_z"]

    assert (make().confidence_z, make().comparison_decimals) == (2.0, 6)
    with pytest.raises(SiteError, match=r"has no rule confidence_z for 2025-02-01: add it to .*rule_parameters\.csv"):
        make(without)


def test_ties_are_counted_among_the_shown(make: Callable[..., Site]) -> None:
    # Four hidden, 17 with none of 10, nine with all of 10: the hidden, whatever they are, are in no count.
    site = make(values(lambda n: (None, 10) if n < 4 else (0, 10) if n < 21 else (10, 10)))
    page = measure_page(site, "passive_share")
    text = said(section(page, "ranking"))
    assert text.startswith(
        "Lowest: 17 municipalities with the same figure (0.0%). Highest: 9 municipalities with the same"
    )
    assert "The whole country: 20.0%. The lines show 95 per cent uncertainty." in text
    assert row(page, "values", CODES[21])[-1] == "18" and row(page, "values", CODES[4])[-1] == "1"
    # Two different values make no five classes.
    assert "fewer than 5 different figures" in said(section(page, "map")) and not section(page, "map").figures


def test_the_country_may_be_hidden_and_a_measure_without_intervals_names_no_lines(make: Callable[..., Site]) -> None:
    def hide(content: dict[str, pd.DataFrame]) -> None:
        rows = content["rpt_measure_results"]
        country = (rows["municipality_code"] == "0000") & (rows["measure_id"] == "passive_share")
        newest = country & (rows["period_start_date"] == MONTHS[1])
        rows.loc[newest, ["numerator_count", "is_suppressed"]] = [None, True]
        content["dim_measures"]["unit"] = "days"

    site = make(hide)
    points = [{"name": "A", "value": 1.0}, {"name": "B", "value": 2.0}]
    hidden = {"measure_value": None, "is_suppressed": True, "numerator_count": None, "denominator_count": 9}
    text = ranking_text(site, points, hidden, "days", False)
    assert text == "Lowest: A (1.0). Highest: B (2.0). The whole country: hidden."
    assert ranking_text(site, points, None, "days", False) == "Lowest: A (1.0). Highest: B (2.0)."
    assert section(measure_page(site, "passive_share"), "ranking").heading == "Ranking"


@pytest.mark.parametrize("counts", [lambda n: (None, 10) if n < 11 else (n, 100), lambda n: (5, 10)])
def test_a_remnant_and_figures_that_are_all_alike_are_not_ranked(make: Callable[..., Site], counts: Any) -> None:
    site = make(values(counts))
    page = measure_page(site, "passive_share")
    assert {part.name for part in page.sections}.isdisjoint(("map", "ranking"))
    assert "left out: they need at least 20 municipalities" in said(section(page, "comparison"))
    assert all(column.label != "Rank (1 = best)" for column in table(page, "values").columns)
    assert all(found.name != "by-rank" for part in page.sections for found in part.tables)


def test_what_can_not_be_compared_has_no_rank_map_ranking_or_denominator(make: Callable[..., Site]) -> None:
    page = measure_page(make(), "full_time_persons")
    assert [column.label for column in table(page, "values").columns] == ["Municipality", "Value"]
    assert [column.label for column in table(page, "months").columns] == ["Month", "Value"]
    assert {part.name for part in page.sections}.isdisjoint(("map", "ranking", "funnel"))
    text = said(section(page, "comparison"))
    assert "can not be compared by the raw figure" in text and "Depends on framework conditions" in text


def test_the_map_has_a_legend_of_shown_figures_that_says_which_end_is_best(make: Callable[..., Site]) -> None:
    part = section(measure_page(make(), "passive_share"), "map")
    (drawn,) = part.figures
    assert [entry.mark for entry in drawn.legend] == ["1", "2", "3", "4", "5", "·"]
    assert (
        drawn.legend[0].text == "5.0% to 10.0%, municipalities: 6"
        and drawn.legend[5].text == "hidden or without a figure"
    )
    assert "lowest is best" in drawn.caption and "do not compare shares from before and after" in drawn.caption


def test_the_map_of_categories_names_its_colours(make: Callable[..., Site]) -> None:
    drawn = section(categories.page(make()), "category-map").figures[0]
    assert [(entry.mark, entry.fill, entry.text) for entry in drawn.legend] == [
        ("1", charts.CATEGORY_FILLS[1][0], "Inspiring")
    ]


def test_a_funnel_that_is_left_out_says_that_figures_are_hidden(make: Callable[..., Site]) -> None:
    page = measure_page(make(values(lambda n: (None, 10))), "passive_share")
    assert "hidden, or fewer than 3" in said(section(page, "funnel"))


def test_provisional_months_are_marked_on_every_page(make: Callable[..., Site]) -> None:
    site = make()
    page = measure_page(site, "passive_share")
    assert row(page, "months", "2025-02-01")[0] == "February 2025 (provisional)"
    assert row(page, "months", "2025-01-01")[0] == "January 2025"
    assert "February 2025 (provisional)" in section(page, "table").heading
    assert row(front.page(site), "national", "passive_share")[4] == "February 2025 (provisional)"
    place = municipality.page(site, CODES[5])
    assert row(place, "compared", "passive_share")[4] == "February 2025 (provisional)"
    assert row(place, "development-table", "2025-02-01")[0] == "February 2025 (provisional)"


def test_a_municipality_page_names_the_group_of_each_figure_and_has_every_target_group(
    make: Callable[..., Site],
) -> None:
    page = municipality.page(make(), CODES[25])
    assert row(page, "compared", "conversation_timeliness")[3] == "Unemployed, deadline no.\u00a01"
    assert any(
        "(Unemployed, deadline no.\u00a01): 90.0%" in drawn.caption for drawn in section(page, "development").figures
    )
    assert any(">country 90.0%<" in drawn.svg for drawn in section(page, "development").figures)
    found = table(page, "parts-conversation_timeliness")
    assert found.keys == ["dagpengemodtagere:1", "dagpengemodtagere:2", "sygedagpengemodtagere:1"]
    assert found.caption == "Conversations on time, February 2025 (provisional)"
    assert row(page, found.name, "sygedagpengemodtagere:1") == [
        "Sick, deadline no.\u00a01",
        "90.0%",
        "90.0%",
        "9",
        "10",
    ]
    hidden = municipality.page(make(), CODES[3])
    assert row(hidden, found.name, "dagpengemodtagere:2")[1:] == ["hidden", "90.0%", "hidden", "10"]
    assert section(hidden, "").facts == [("Municipality number", CODES[3]), ("Region", "Region")]


def test_supervision_begins_with_the_rules_in_force(make: Callable[..., Site]) -> None:
    site = make()
    page = municipality.page(site, CODES[5])
    official = section(page, "supervision")
    assert [p.text for p in official.paragraphs[:2]] == [
        "2024 under the rules in force: not selected.",
        "Because of official 2024.",
    ]
    assert table(page, "supervision-table").keys == ["official/2023", "official/2024"]
    assert section(page, "supervision-others").heading == "If other rules applied"
    assert table(page, "supervision-others-table").keys == ["draft/2023", "draft/2024", "a_wish/2023", "a_wish/2024"]
    assert site.scenarios == ["official", "draft", "a_wish"]


def test_a_hidden_reason_is_explained_once_in_each_table(make: Callable[..., Site]) -> None:
    page = municipality.page(make(), HIDDEN)
    for name in ("scenario-categories", "supervision-table", "supervision-others-table"):
        found = table(page, name)
        assert [cells[-1 if "super" in name else 2].hidden for cells in found.rows] == [True] * len(found.rows)
        assert found.note.startswith("The reason names figures that are hidden")
    assert said(section(page, "why")).count("The reason names figures that are hidden") == 1
    cells = table(page, "distances").rows[1]
    assert [cell.hidden for cell in cells[1:]] == [True, False, True, True, True]


def test_an_assumed_limit_is_marked_wherever_a_category_rests_on_it(make: Callable[..., Site]) -> None:
    def seen(content: dict[str, pd.DataFrame]) -> None:
        content["dim_rules"]["evidence"] = "seen"

    note = "The limit of 20.00 per cent for the focus goal on conversations is assumed"
    site, sure = make(), make(seen)
    page = municipality.page(site, CODES[5])
    assert row(page, "distances", "few_conversations_percentage")[2] == "20.00 (assumed)"
    assert row(page, "distances", "passive_percentage")[1:3] == ["28.35", "30.00"]
    for found in (
        section(page, "why"),
        section(page, "supervision"),
        section(categories.page(site), "category-map"),
        section(front.page(site), "category-map"),
    ):
        assert note in said(found)
    plain = municipality.page(sure, CODES[5])
    assert row(plain, "distances", "few_conversations_percentage")[2] == "20.00"
    assert note not in said(section(plain, "why")) and note not in said(section(front.page(sure), "category-map"))


def test_a_mean_of_fewer_than_twelve_months_says_so_wherever_a_category_is_shown(make: Callable[..., Site]) -> None:
    def whole(content: dict[str, pd.DataFrame]) -> None:
        first = content["rpt_measure_results"]
        rows = first[(first["measure_id"] == "passive_share") & (first["period_start_date"] == MONTHS[0])]
        others = [dt.date(2024 + month // 13, (month - 1) % 12 + 1, 1) for month in (*range(7, 13), *range(15, 19))]
        more = [rows.assign(period_start_date=month) for month in others]
        content["rpt_measure_results"] = pd.concat([first, *more], ignore_index=True)

    note = "The focus goals are means of at most 2 of the rolling year's twelve months"
    site = make()
    for found in (
        section(municipality.page(site, CODES[5]), "why"),
        section(categories.page(site), "category-map"),
        section(front.page(site), "category-map"),
    ):
        assert note in said(found)
    assert "twelve months" not in said(section(municipality.page(make(whole), CODES[5]), "why"))


def test_a_new_rule_is_told_and_the_sentence_begins_with_it(make: Callable[..., Site]) -> None:
    def ruled(content: dict[str, pd.DataFrame]) -> None:
        rows = content["rpt_measure_results"]
        rows.loc[(rows["measure_id"] == "passive_share") & (rows["period_start_date"] == MONTHS[0]), "rule_id"] = "old"

    told, same = (said(section(measure_page(site, "passive_share"), "series")) for site in (make(ruled), make()))
    assert "From February 2025 a new rule is measured by." in told and "The country is at " in told
    assert "The country went from " in same and "new rule" not in same


@pytest.mark.parametrize(("count", "words"), [(1, "at least 1 person are"), (1200, "at least 1,200 persons are")])
def test_the_nearest_goal_is_said_to_turn_not_the_category(make: Callable[..., Site], count: int, words: str) -> None:
    def near(content: dict[str, pd.DataFrame]) -> None:
        rows = content["rpt_category_assignments"]
        rows.loc[rows["municipality_code"] == CODES[5], "persons_to_flip"] = count

    text = said(section(municipality.page(make(near), CODES[5]), "why"))
    assert words in text and "Whether the category then changes depends on the other goals." in text


def test_revisions_begin_with_the_newest_release_and_end_with_tables_that_repeat(make: Callable[..., Site]) -> None:
    def revised(content: dict[str, pd.DataFrame]) -> None:
        rows = [(release, name) for release in ("r1", "r2") for name in ("rpt_area_measure_results", "rpt_focus_goals")]
        content["rpt_revisions"] = pd.DataFrame(
            [
                {
                    "release_id": release, "table_name": name, "key": f"{release} {name}",
                    "column_name": "passive_count",
                    "old_value": "7.0", "new_value": None, "cause": "correction", "delivery": None,
                }
                for release, name in rows
            ]
        )  # fmt: skip

    found = table(revisions.page(make(revised)), "revisions-all")
    assert [row[1].text for row in found.rows] == [
        "r2 rpt_focus_goals", "r2 rpt_area_measure_results", "r1 rpt_focus_goals", "r1 rpt_area_measure_results",
    ]  # fmt: skip
    assert [cell.text for cell in found.rows[0][3:5]] == ["7", "–"]


def test_a_funnel_of_the_year_is_named_where_there_is_one(make: Callable[..., Site]) -> None:
    def funnels(content: dict[str, pd.DataFrame]) -> None:
        content["rpt_rank_uncertainty"] = pd.DataFrame([{"measure_id": "passive_share", "funnel_target": 0.3}])

    note = "The table rpt_rank_uncertainty has the rolling year's funnel"
    assert note in said(section(measure_page(make(funnels), "passive_share"), "funnel"))
    assert note not in said(section(measure_page(make(), "passive_share"), "funnel"))


@pytest.mark.parametrize("source", ["model", "published"])
def test_ranks_of_the_model_stand_with_their_intervals(make: Callable[..., Site], source: str) -> None:
    def ranked(content: dict[str, pd.DataFrame]) -> None:
        measures = content["dim_measures"]
        one = measures[measures["measure_id"] == "passive_share"].assign(
            measure_id="benefit_level_difference", unit="percentage_points", direction="lower_is_better"
        )
        content["dim_measures"] = pd.concat([measures, one], ignore_index=True)
        levels = pd.DataFrame({"municipality_code": CODES, "benchmark_rank": range(1, len(CODES) + 1)})
        levels["difference_percentage_points"] = levels["benchmark_rank"] / 10
        content["rpt_benefit_levels"] = levels.assign(
            period_code=PERIOD, benefit_area_code="all", expected_source=source, actual_percentage=9.0,
            expected_percentage=9.0, difference_full_time_persons=10, difference_lower_95=None,
            difference_upper_95=None, is_suppressed=False,
        )  # fmt: skip
        rank = levels["benchmark_rank"]
        intervals = levels[["municipality_code"]].assign(
            period_code=PERIOD, expected_source="model", measure_id="benefit_level_difference",
            rank_lower_95=(rank - 1.5).clip(lower=1), rank_upper_95=rank + 1.5, funnel_target=None,
        )  # fmt: skip
        intervals.loc[6, "rank_upper_95"] = 29.0  # the seventh
        intervals.loc[3, ["rank_lower_95", "rank_upper_95"]] = None  # hidden in the release
        content["rpt_rank_uncertainty"] = intervals

    site = make(ranked)
    page = measure_page(site, "benefit_level_difference")
    by_rank = table(page, "by-rank")
    labels_of = [column.label for column in by_rank.columns]
    if source == "published":
        assert labels_of == ["Municipality", "Rank (1 = best)", "Value"] and "Ranks are" not in said(page.sections[1])
        return
    assert labels_of[3:] == ["Rank, best (95%)", "Rank, worst (95%)"]
    assert [cell.text for cell in by_rank.rows[6][1:]] == ["7", "+0.70", "5", "29"]
    assert [cell.text for cell in by_rank.rows[3][3:]] == [site.nothing(True).text] * 2
    note = said(section(page, "table"))
    assert re.search(r"for the middle municipality the places .* span 5\. The least certain is", note)
    assert f"The least certain is By {CODES[6]}: number 7, between 5 and 29." in note


def test_periods_are_said_in_months_and_reasons_have_minus_signs(make: Callable[..., Site]) -> None:
    page = municipality.page(make(language="da"), CODES[5])
    assert table(page, "distances").caption == "Afstand til hvert mål, juli 2024–juni 2025 (2025QMAT02)"
    assert section(page, "why").paragraphs[0].text.endswith("– Gældende, juli 2024–juni 2025 (2025QMAT02)")
    assert section(page, "why").paragraphs[1].text == "Forskellen er −0,06 procentpoint."
    assert minus_signs("2019-06839 er -0,06 (-3)") == "2019-06839 er −0,06 (−3)"


def test_no_letters_to_follow_up_is_explained_by_the_months(make: Callable[..., Site]) -> None:
    text = said(section(municipality.page(make(), CODES[5]), "letters"))
    assert "before and after: May 2017 to May 2018; May 2018 to June 2018." in text
    assert "January 2025 to February 2025" in text


def test_a_table_that_is_cut_says_so(make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> None:
    site = make()
    assert site.shortened(LONGEST_TABLE, "dim_rules") == ""
    assert site.shortened(1401, "dim_rules") == "Shown: the first 400 of 1,401. The rest is in the table dim_rules."

    def deliveries(count: int) -> Table:
        rows = [{"period": "2025-01", "delivery": 1, "status": "accepted", "rows": 9}] * count
        monkeypatch.setattr(site.data, "rows", lambda query: rows if "meta.deliveries" in query else [])
        return table(quality.page(site), "deliveries-table")

    assert (len(deliveries(400).rows), deliveries(400).note) == (400, "")
    assert len(deliveries(401).rows) == 400 and "the first 400 of 401" in deliveries(401).note


def test_the_checks_of_the_warehouse_are_counted_and_those_that_warned_named(
    make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make()
    assert "does not say which checks" in said(section(quality_without_meta(site, monkeypatch), "checks"))
    site.data.checks = [
        {
            "layer": layer, "table_name": f"{layer}.t", "suite": layer, "check_name": f"check_{number}",
            "severity": "warn", "is_passed": (layer, number) != ("marts", 1),
        }
        for layer, count in (("raw", 3), ("marts", 2))
        for number in range(count)
    ]  # fmt: skip
    page = quality_without_meta(site, monkeypatch)
    assert row(page, "checks-table", "raw") == ["Raw deliveries (raw)", "3", "0"]
    assert row(page, "checks-table", "marts") == ["Finished figures (marts)", "2", "1"]
    assert [[cell.text for cell in cells] for cells in table(page, "warnings-table").rows] == [["marts.t", "check_1"]]


def quality_without_meta(site: Site, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page of a release that says nothing else about itself."""
    monkeypatch.setattr(site.data, "rows", lambda query: [])
    return quality.page(site)


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (
            ("category_decision", "met/met/not_met", 3, "category", None),
            "opfyldt, tilbud opfyldt, samtaler ikke opfyldt",
            "3",
        ),
        (
            (
                "conversation_deadline",
                "dagpengemodtagere/2",
                1,
                "conversations",
                "inden for 42 dage fra forløbets begyndelse",
            ),
            "Frist for samtaler: Ledige, frist nr.\u00a02",
            "1 samtale, inden for 42 dage fra forløbets begyndelse",
        ),
        (("goal_limit", "offers", 30, "percent", None), "Fokusmålets grænse: fokusmålet om aktive tilbud", "30 pct."),
        (("confidence_z", "all", 1.959964, "standard_errors", None), "procents usikkerhed", "1,959964 standardfejl"),
        (("early_effort_share", "all", 0.8, "share", None), "krævet andel", "80 pct."),
        (("contact_form", "video", 1, "is_counted", "Video"), "Samtaleform, der tæller: Video", "tæller"),
        (("a_new_rule", "all", None, None, None), "a_new_rule", ""),
    ],
)
def test_rules_are_said_in_words(make: Callable[..., Site], rule: tuple[Any, ...], name: str, value: str) -> None:
    site = make(language="da")
    found = dict(zip(("rule_code", "rule_key", "value", "unit", "detail_da"), rule, strict=True))
    assert methods.rule_name(site, found).endswith(name) and methods.rule_value(site, found) == value


@pytest.mark.parametrize(
    ("lower", "upper", "meaning"), [(-0.1, 0.3, "holds 0"), (-0.4, -0.1, "lies below 0"), (0.1, 0.4, "lies above 0")]
)
def test_a_correlation_is_said_with_what_its_interval_means(
    make: Callable[..., Site], lower: float, upper: float, meaning: str
) -> None:
    def add(content: dict[str, pd.DataFrame]) -> None:
        interval = {"pearson": (lower + upper) / 2, "pearson_lower_95": lower, "pearson_upper_95": upper}
        content["rpt_timeliness_and_results_correlation"] = pd.DataFrame(
            [{"period_code": PERIOD, "municipality_count": 28, **interval}]
        )
        row = {"period_code": PERIOD, "difference_percentage_points": 0.1, "quadrant_code": None}
        row |= {"quadrant_name_da": None, "quadrant_name_en": None}
        content["rpt_timeliness_and_results"] = pd.DataFrame(
            [
                {**row, "municipality_code": CODES[2], "on_time_share": 0.5, "is_suppressed": False},
                {**row, "municipality_code": HIDDEN, "on_time_share": None, "is_suppressed": True},
            ]
        )

    page = timeliness_and_results.page(make(add))
    assert meaning in said(section(page, "figure"))
    assert row(page, "kl", HIDDEN) == [f"By {HIDDEN}", "hidden", "+0.10", "hidden"]
    assert row(page, "kl", CODES[2]) == [f"By {CODES[2]}", "50.0%", "+0.10", "–"]
