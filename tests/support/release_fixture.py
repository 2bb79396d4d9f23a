"""A small made-up warehouse with the `dim_*` and `rpt_*` tables of schema marts, for tests of the release and the site.

Cells are drawn at random from a fixed seed, totals are added up from the cells, so that every equation that holds in
the real tables holds here too: groups add up to `all`, municipalities to their areas and to 0000.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = PROJECT / "seeds" / "reference"

GROUPS = (
    "dagpenge",
    "kontanthjaelp",
    "uddannelseshjaelp",
    "sho",
    "sygedagpenge",
    "jobafklaring",
    "ressourceforloeb",
    "revalidering",
    "ledighedsydelse",
)
GROUP_WEIGHTS = (0.30, 0.18, 0.12, 0.03, 0.22, 0.06, 0.04, 0.015, 0.035)
TARGET_GROUPS = (
    "dagpengemodtagere",
    "jobparate_kontanthjaelpsmodtagere",
    "aktivitetsparate_kontanthjaelpsmodtagere",
    "uddannelsesparate_uddannelseshjaelpsmodtagere",
    "aktivitetsparate_uddannelseshjaelpsmodtagere",
    "sygedagpengemodtagere",
)
BANDS = ("0_to_1_5", "1_5_to_3", "3_to_6", "6_to_9", "9_to_12", "12_or_more")
SCENARIOS = ("official", "draft_2019", "kl_hearing_2019", "kl_results_first_2020", "kl_all")
CATEGORY_NAMES = {
    0: ("Ikke vurderet", "Not assessed"),
    1: ("Inspirationskommune", "Inspiring"),
    2: ("Ikke aktuel i risiko", "Not at risk at present"),
    3: ("Opmærksomhedskommune", "To watch"),
    4: ("I risiko for skærpet tilsyn", "At risk of supervision"),
}


def _rules() -> pd.DataFrame:
    """The parameters of the seeds, as dim_rules has them."""
    seed = pd.read_csv(PROJECT / "seeds" / "rules" / "rule_parameters.csv")
    rules = seed.rename(columns={"parameter_code": "rule_code"}).assign(rule_key="all", detail_da=None, detail_en=None)
    rules["rule_id"] = rules["rule_code"] + ":all:" + rules["valid_from_date"]
    for column in ("valid_from_date", "valid_to_date"):
        rules[column] = [dt.date.fromisoformat(day) for day in rules[column]]
    columns = ("rule_id", "rule_code", "rule_key", "value", "unit", "detail_da", "detail_en")
    columns += ("valid_from_date", "valid_to_date")
    return rules[[*columns, "legal_reference", "source_url", "evidence", "note"]]


@dataclass(frozen=True)
class Fixture:
    """The warehouse file and what was put into it."""

    path: Path
    months: tuple[dt.date, ...]
    municipalities: tuple[str, ...]


def _months(first: dt.date, count: int) -> tuple[dt.date, ...]:
    return tuple(
        dt.date(first.year + (first.month - 1 + i) // 12, (first.month - 1 + i) % 12 + 1, 1) for i in range(count)
    )


def _share(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    return (numerator / denominator.where(denominator > 0)).astype("float64")


def _totals(cells: pd.DataFrame, keys: list[str], group: str | None, figures: list[str]) -> pd.DataFrame:
    """Cells, plus `all` over the group column, plus 0000 over the municipalities."""
    frame = cells
    if group is not None:
        rest = [key for key in keys if key != group]
        total = frame.groupby(rest, as_index=False)[figures].sum()
        total[group] = "all"
        frame = pd.concat([frame, total], ignore_index=True)
    rest = [key for key in keys if key != "municipality_code"]
    country = frame.groupby(rest, as_index=False)[figures].sum()
    country["municipality_code"] = "0000"
    return pd.concat([frame, country], ignore_index=True)[[*keys, *figures]]


def build(
    path: Path,
    *,
    months: int = 14,
    first: dt.date = dt.date(2023, 1, 1),
    persons: int = 40_000,
    seed: int = 1,
    municipalities: int | None = None,
    change: int = 0,
    without: tuple[str, ...] = (),
) -> Fixture:
    """Write the warehouse and return what it holds.

    persons: about how many are on support in the country in a month. change: another seed for the newest month, as
    if late registrations had come. without: tables to leave out.
    """
    reference = pd.read_csv(REFERENCE / "municipalities.csv", dtype=str)
    if municipalities is not None:
        reference = reference.head(municipalities)
    codes = tuple(reference["municipality_code"])
    size = reference["population_total_rounded"].astype(float).to_numpy()
    size = size / size.sum()
    month_list = _months(first, months)
    names = dict(zip(codes, reference["municipality_name"], strict=True)) | {"0000": "Hele landet"}
    populations = dict(zip(codes, (size * persons * 5).round().astype(int), strict=True))
    populations["0000"] = sum(populations.values())
    tables: dict[str, pd.DataFrame] = {}

    focus_parts, band_parts, recipient_parts, result_parts, coverage_parts, time_parts, request_parts, early_parts = (
        [] for _ in range(8)
    )
    effort = np.random.default_rng(seed).normal(0, 0.07, len(codes))
    for index, month in enumerate(month_list):
        offset = change if index == len(month_list) - 1 else 0
        random = np.random.default_rng((seed, index, offset))
        grid = pd.MultiIndex.from_product([codes, GROUPS], names=["municipality_code", "benefit_group_code"])
        mean = np.outer(size, GROUP_WEIGHTS).ravel() * persons
        frame = grid.to_frame(index=False)
        frame["month"] = month
        stock = random.poisson(mean)
        rate = np.clip(0.26 - np.repeat(effort, len(GROUPS)), 0.03, 0.9)
        focus = frame.copy()
        focus["person_count"] = random.binomial(stock, 0.45)
        focus["passive_count"] = random.binomial(focus["person_count"], rate)
        few_among_passive = random.binomial(focus["passive_count"], 0.4)
        focus["few_conversations_count"] = few_among_passive + random.binomial(
            focus["person_count"] - focus["passive_count"], 0.1
        )
        focus["uncontacted_count"] = random.binomial(few_among_passive, 0.3)
        focus["four_weeks_count"] = random.binomial(focus["person_count"] - focus["passive_count"], 0.7)
        focus["reached_six_months_count"] = random.binomial(stock, 0.08)
        focus["first_offer_in_time_count"] = random.binomial(focus["reached_six_months_count"], 0.6)
        focus_parts.append(focus)

        bands = frame.merge(pd.DataFrame({"duration_band_code": BANDS}), how="cross")
        bands["person_count"] = random.poisson(
            np.repeat(mean, len(BANDS)) * np.tile([0.08, 0.08, 0.14, 0.1, 0.1, 0.5], len(frame))
        )
        bands["passive_count"] = random.binomial(bands["person_count"], 0.5)
        band_parts.append(bands)

        recipients = frame.copy()
        recipients["person_count"] = stock + random.binomial(stock, 0.1)
        recipients["full_time_persons"] = (recipients["person_count"] * random.uniform(0.8, 1.0, len(frame))).round(6)
        pension = pd.DataFrame({"municipality_code": codes, "benefit_group_code": "foertidspension", "month": month})
        pension["person_count"] = random.poisson(size * persons * 0.35)
        pension["full_time_persons"] = (pension["person_count"] * random.uniform(0.95, 1.0, len(codes))).round(6)
        recipient_parts.append(pd.concat([recipients, pension]))

        results = frame.copy()
        results["ended_spell_count"] = random.binomial(stock, 0.07)
        results["days"] = random.poisson(90, len(frame)) * results["ended_spell_count"]
        results["retained_count"] = random.binomial(results["ended_spell_count"], 0.55)
        result_parts.append(results)

        targets = pd.MultiIndex.from_product([codes, TARGET_GROUPS], names=["municipality_code", "target_group_code"])
        coverage = targets.to_frame(index=False)
        coverage["month"] = month
        coverage["person_count"] = random.poisson(np.repeat(size, len(TARGET_GROUPS)) * persons * 0.02)
        coverage["sufficient_count"] = random.binomial(coverage["person_count"], 0.6)
        coverage["conversations"] = random.poisson(coverage["person_count"] * 3.5)
        coverage_parts.append(coverage)

        timeliness = targets.to_frame(index=False).merge(pd.DataFrame({"sequence_number": [1, 2]}), how="cross")
        timeliness["month"] = month
        due = random.poisson(np.repeat(size, 2 * len(TARGET_GROUPS)) * persons * 0.01)
        timeliness["on_time_count"] = random.binomial(due, 0.7)
        timeliness["late_count"] = random.binomial(due - timeliness["on_time_count"], 0.6)
        timeliness["missing_count"] = due - timeliness["on_time_count"] - timeliness["late_count"]
        timeliness["obligation_count"] = due
        timeliness["not_yet_due_count"] = 0
        timeliness["excluded_count"] = random.binomial(due, 0.3)
        time_parts.append(timeliness)

        requests = pd.DataFrame({"municipality_code": codes, "month": month})
        requests["requested_count"] = random.poisson(size * persons * 0.01)
        requests["within_10_days_count"] = random.binomial(requests["requested_count"], 0.75)
        request_parts.append(requests)

        early = pd.DataFrame({"municipality_code": codes, "month": month})
        early["person_count"] = random.poisson(size * persons * 0.03)
        early["met"] = random.binomial(early["person_count"], 0.85)
        early["offered"] = random.binomial(early["person_count"], 0.7)
        early_parts.append(early)

    key3 = ["month", "municipality_code", "benefit_group_code"]
    focus_all = _totals(
        pd.concat(focus_parts),
        key3,
        "benefit_group_code",
        [
            "person_count",
            "passive_count",
            "few_conversations_count",
            "uncontacted_count",
            "four_weeks_count",
            "reached_six_months_count",
            "first_offer_in_time_count",
        ],
    )
    goals = focus_all[[*key3, "person_count"]].copy()
    for name in ("passive", "few_conversations", "uncontacted"):
        goals[name + "_count"] = focus_all[name + "_count"]
        goals[name + "_share"] = _share(focus_all[name + "_count"], focus_all["person_count"])
    goals["hours_rule_id"] = "ordinary_hours_limit:all:2021-01-01"
    tables["rpt_focus_goals"] = goals
    offers = focus_all[[*key3, "person_count", "four_weeks_count"]].copy()
    offers["four_weeks_share"] = _share(offers["four_weeks_count"], offers["person_count"])
    offers["reached_six_months_count"] = focus_all["reached_six_months_count"]
    offers["first_offer_in_time_count"] = focus_all["first_offer_in_time_count"]
    offers["first_offer_in_time_share"] = _share(
        offers["first_offer_in_time_count"], offers["reached_six_months_count"]
    )
    tables["rpt_offer_effort"] = offers

    bands_all = _totals(
        pd.concat(band_parts), [*key3, "duration_band_code"], "benefit_group_code", ["person_count", "passive_count"]
    )
    bands_all["passive_share"] = _share(bands_all["passive_count"], bands_all["person_count"])
    tables["rpt_passive_by_duration"] = bands_all

    recipients = pd.concat(recipient_parts)
    figures = ["person_count", "full_time_persons"]
    inside = _totals(
        recipients[recipients.benefit_group_code != "foertidspension"], key3, "benefit_group_code", figures
    )
    pension = _totals(recipients[recipients.benefit_group_code == "foertidspension"], key3, None, figures)
    both = pd.concat([inside[inside.benefit_group_code == "all"], pension])
    both = both.groupby(["month", "municipality_code"], as_index=False)[figures].sum()
    both["benefit_group_code"] = "all_with_foertidspension"
    # A person may be counted in two groups or municipalities, once in the totals: totals are a little below the sums.
    for part, rows in ((inside, inside.benefit_group_code == "all"), (both, both.municipality_code != "")):
        part.loc[rows, "person_count"] = (part.loc[rows, "person_count"] * 0.97).round()
    inside.loc[(inside.municipality_code == "0000"), "person_count"] = (
        inside.loc[(inside.municipality_code == "0000"), "person_count"] * 0.995
    ).round()
    recipients_all = pd.concat([inside, pension, both])[[*key3, *figures]]
    recipients_all["person_count"] = recipients_all["person_count"].astype("int64")
    recipients_all["population_16_66"] = recipients_all["municipality_code"].map(populations)
    recipients_all["share_of_population_percentage"] = (
        100 * recipients_all["full_time_persons"] / recipients_all["population_16_66"]
    )
    tables["rpt_benefit_recipients"] = recipients_all

    results_all = _totals(
        pd.concat(result_parts), key3, "benefit_group_code", ["ended_spell_count", "days", "retained_count"]
    ).merge(recipients_all[[*key3, "full_time_persons"]], on=key3)
    results_all["average_spell_days"] = _share(results_all["days"], results_all["ended_spell_count"])
    results_all["average_weeks_on_support"] = 31.5
    earlier = results_all[[*key3, "full_time_persons"]].copy()
    earlier["month"] = earlier["month"].map(lambda month: month.replace(year=month.year + 1))
    results_all = results_all.merge(earlier, on=key3, how="left", suffixes=("", "_earlier"))
    results_all["full_time_persons_change"] = (
        results_all["full_time_persons"] - results_all["full_time_persons_earlier"]
    )
    results_all["retained_share"] = _share(results_all["retained_count"], results_all["ended_spell_count"])
    days = results_all["days"].copy()
    tables["rpt_results"] = results_all[
        [
            *key3,
            "full_time_persons",
            "full_time_persons_change",
            "ended_spell_count",
            "average_spell_days",
            "average_weeks_on_support",
            "retained_count",
            "retained_share",
        ]
    ]

    key_target = ["month", "municipality_code", "target_group_code"]
    coverage = _totals(
        pd.concat(coverage_parts), key_target, None, ["person_count", "sufficient_count", "conversations"]
    )
    coverage["sufficient_share"] = _share(coverage["sufficient_count"], coverage["person_count"])
    coverage["average_conversation_count"] = _share(coverage["conversations"], coverage["person_count"])
    coverage = coverage.drop(columns="conversations").assign(
        required_count=4, from_months=6, to_months=9, rule_id="coverage:all:2020-01-01"
    )
    tables["rpt_conversation_coverage"] = coverage

    timeliness = _totals(
        pd.concat(time_parts),
        [*key_target, "sequence_number"],
        None,
        ["obligation_count", "on_time_count", "late_count", "missing_count", "not_yet_due_count", "excluded_count"],
    )
    timeliness["on_time_share"] = _share(timeliness["on_time_count"], timeliness["obligation_count"])
    timeliness["rule_id"] = "conversation_deadline:" + timeliness["target_group_code"] + "/1:2020-01-01"
    tables["rpt_conversation_timeliness"] = timeliness

    requests = _totals(
        pd.concat(request_parts), ["month", "municipality_code"], None, ["requested_count", "within_10_days_count"]
    )
    requests["within_10_days_share"] = _share(requests["within_10_days_count"], requests["requested_count"])
    tables["rpt_conversation_requests"] = requests

    early = _totals(pd.concat(early_parts), ["month", "municipality_code"], None, ["person_count", "met", "offered"])
    early["conversations_met_share"] = _share(early["met"], early["person_count"])
    early["offer_met_share"] = _share(early["offered"], early["person_count"])
    early = early.drop(columns=["met", "offered"]).assign(consecutive_months_below=0, is_flagged=False)
    tables["rpt_early_effort"] = early

    tables |= _measure_tables(tables, days, codes)
    if months >= 12:
        tables |= _period_tables(tables, codes, size, month_list[-1], seed)
    tables |= _small_tables(tables, codes, month_list, reference)

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    con = duckdb.connect(str(path))
    con.execute("create schema marts; create schema seeds; create schema quality")
    for name in ("municipality_areas", "benefit_area_members"):
        con.execute(
            f"create table seeds.{name} as select * from read_csv('{REFERENCE / (name + '.csv')}', all_varchar = true)"
        )
    con.execute(
        "create table seeds.rule_parameters as select 'disclosure_hidden_maximum' as parameter_code, "
        "2::decimal(18,6) as value, date '1900-01-01' as valid_from_date, date '9999-12-31' as valid_to_date"
    )
    newest = month_list[-1]
    for name, frame in sorted(tables.items()):
        if name in without:
            continue
        frame = frame.copy()
        if name.startswith("rpt_"):
            if "municipality_code" in frame:
                frame.insert(
                    list(frame.columns).index("municipality_code") + 1,
                    "municipality_name",
                    frame["municipality_code"].map(names),
                )
            for column in frame:
                if column == "month" or column.endswith("_date"):
                    frame[column] = pd.to_datetime(frame[column])
            if "month" in frame:
                frame["is_provisional"] = frame["month"] > pd.Timestamp(newest) - pd.DateOffset(months=3)
            frame["is_suppressed"] = False
        con.register("frame", frame)
        selected = ", ".join(
            f'"{column}"::date as "{column}"'
            if column == "month" or column.endswith("_date")
            else f'"{column}"::bigint as "{column}"'
            if column.endswith("_count") and column != "average_conversation_count" and "measure_results" not in name
            else f'"{column}"'
            for column in frame
        )
        con.execute(f"create table marts.{name} as select {selected} from frame")
        con.unregister("frame")
    con.execute("comment on table marts.rpt_focus_goals is 'One row per month, municipality and benefit group.'")
    con.execute("comment on column marts.rpt_focus_goals.passive_count is 'Persons without offer or work for a year.'")
    con.close()
    return Fixture(path, month_list, codes)


def _measure_tables(
    tables: dict[str, pd.DataFrame], days: pd.Series, codes: tuple[str, ...]
) -> dict[str, pd.DataFrame]:
    """measure_results as clarifications.md describes it, and area_measure_results from the municipalities' rows."""
    parts = []
    for measure, table, numerator, denominator, value, group, unit in MEASURES:
        source = tables[table]
        part = pd.DataFrame(
            {"measure_id": measure, "month": source["month"], "municipality_code": source["municipality_code"]}
        )
        part["group_code"] = group(source)
        part["numerator_count"] = days if numerator == "days" else source[numerator]
        part["denominator_count"] = source[denominator] if denominator else np.nan
        part["measure_value"] = source[value]
        part["unit"] = unit
        parts.append(part)
    long = pd.concat(parts, ignore_index=True)
    long["period_start_date"] = long["month"]
    long["period_end_date"] = pd.to_datetime(long["month"]) + pd.offsets.MonthEnd(0)
    areas = pd.read_csv(REFERENCE / "municipality_areas.csv", dtype=str)
    areas = areas[areas["valid_to_date"] == "9999-12-31"]
    additive = long[long["measure_id"].isin([m[0] for m in MEASURES if m[3]]) & (long["measure_id"] != "support_share")]
    joined = additive.merge(areas[["area_type_code", "area_code", "municipality_code"]], on="municipality_code")
    area = joined.groupby(["area_type_code", "area_code", "measure_id", "month", "group_code"], as_index=False)[
        ["numerator_count", "denominator_count"]
    ].sum()
    area["measure_value"] = _share(area["numerator_count"], area["denominator_count"])
    return {
        "rpt_measure_results": long[
            [
                "measure_id",
                "period_start_date",
                "period_end_date",
                "municipality_code",
                "group_code",
                "numerator_count",
                "denominator_count",
                "measure_value",
                "unit",
            ]
        ].assign(rule_id="project"),
        "rpt_area_measure_results": area,
    }


MEASURES = (
    (
        "conversation_coverage",
        "rpt_conversation_coverage",
        "sufficient_count",
        "person_count",
        "sufficient_share",
        lambda s: s["target_group_code"],
        "share",
    ),
    (
        "conversation_timeliness",
        "rpt_conversation_timeliness",
        "on_time_count",
        "obligation_count",
        "on_time_share",
        lambda s: s["target_group_code"] + ":" + s["sequence_number"].astype(str),
        "share",
    ),
    (
        "conversation_within_10_days",
        "rpt_conversation_requests",
        "within_10_days_count",
        "requested_count",
        "within_10_days_share",
        lambda s: pd.Series("all", index=s.index),
        "share",
    ),
    (
        "passive_share",
        "rpt_focus_goals",
        "passive_count",
        "person_count",
        "passive_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
    (
        "few_conversations_share",
        "rpt_focus_goals",
        "few_conversations_count",
        "person_count",
        "few_conversations_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
    (
        "uncontacted_share",
        "rpt_focus_goals",
        "uncontacted_count",
        "person_count",
        "uncontacted_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
    (
        "passive_share_by_duration",
        "rpt_passive_by_duration",
        "passive_count",
        "person_count",
        "passive_share",
        lambda s: s["benefit_group_code"] + ":" + s["duration_band_code"],
        "share",
    ),
    (
        "four_weeks_offer_share",
        "rpt_offer_effort",
        "four_weeks_count",
        "person_count",
        "four_weeks_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
    (
        "first_offer_by_6_months_share",
        "rpt_offer_effort",
        "first_offer_in_time_count",
        "reached_six_months_count",
        "first_offer_in_time_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
    (
        "full_time_persons",
        "rpt_benefit_recipients",
        "full_time_persons",
        None,
        "full_time_persons",
        lambda s: s["benefit_group_code"],
        "full-time persons",
    ),
    (
        "support_share",
        "rpt_benefit_recipients",
        "full_time_persons",
        "population_16_66",
        "share_of_population_percentage",
        lambda s: s["benefit_group_code"],
        "percentage",
    ),
    (
        "average_spell_days",
        "rpt_results",
        "days",
        "ended_spell_count",
        "average_spell_days",
        lambda s: s["benefit_group_code"],
        "days",
    ),
    (
        "retention_share",
        "rpt_results",
        "retained_count",
        "ended_spell_count",
        "retained_share",
        lambda s: s["benefit_group_code"],
        "share",
    ),
)


def _period_tables(
    tables: dict[str, pd.DataFrame], codes: tuple[str, ...], size: np.ndarray, newest: dt.date, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables by rolling year: levels, categories, supervision, similar municipalities, KL's figure."""
    random = np.random.default_rng((seed, 999))
    period = f"{newest.year - 1}QMAT04"
    count = len(codes)
    actual = random.normal(15, 3, count).clip(5, 30)
    expected = actual + random.normal(0, 0.8, count)
    levels, similar = [], []
    for area in ("all", "dagpenge", "sygedagpenge", "kontanthjaelp"):
        for source in ("published", "model"):
            share = {"all": 1.0, "dagpenge": 0.3, "sygedagpenge": 0.25, "kontanthjaelp": 0.3}[area]
            frame = pd.DataFrame(
                {
                    "period_code": period,
                    "municipality_code": codes,
                    "benefit_area_code": area,
                    "expected_source": source,
                }
            )
            frame["actual_percentage"] = (actual * share).round(2)
            frame["expected_percentage"] = (expected * share).round(2)
            frame["difference_percentage_points"] = frame["actual_percentage"] - frame["expected_percentage"]
            people = size * 40_000 * 5
            frame["actual_full_time_persons"] = (frame["actual_percentage"] / 100 * people).round(-1)
            frame["expected_full_time_persons"] = (frame["expected_percentage"] / 100 * people).round(-1)
            frame["difference_full_time_persons"] = (
                frame["actual_full_time_persons"] - frame["expected_full_time_persons"]
            )
            error = 0.4 if source == "model" else np.nan
            frame["difference_standard_error"] = error
            frame["difference_lower_95"] = frame["difference_percentage_points"] - 1.959964 * error
            frame["difference_upper_95"] = frame["difference_percentage_points"] + 1.959964 * error
            frame["benchmark_rank"] = frame["difference_percentage_points"].rank(method="first").astype(int)
            frame["published_benchmark_rank"] = (
                frame["benchmark_rank"].astype("float64") if source == "published" else np.nan
            )
            frame["potential_dkk"] = frame["difference_full_time_persons"] * 70_000
            levels.append(frame)
    for index, code in enumerate(codes):
        near = np.argsort(np.abs(expected - expected[index]), kind="stable")
        near = near[near != index][:5]
        for rank, other in enumerate(near, start=1):
            similar.append((period, code, rank, codes[other], expected[other] - expected[index]))
    level = levels[0].set_index("municipality_code")
    goals = tables["rpt_focus_goals"]
    year = goals[(goals.benefit_group_code == "all") & (goals.municipality_code != "0000")]
    mean = year.groupby("municipality_code")[["passive_share", "few_conversations_share"]].mean() * 100
    persons = year.groupby("municipality_code")["person_count"].mean()
    categories, supervision = [], []
    for scenario in SCENARIOS:
        limit = 20.0 if scenario == "draft_2019" else 30.0
        margin = 0.2 if scenario in ("kl_hearing_2019", "kl_all") else 0.0
        order = (1, 3, 2, 4) if scenario in ("kl_results_first_2020", "kl_all") else (1, 2, 3, 4)
        for code in codes:
            difference = float(level.loc[code, "difference_percentage_points"])
            passive, few = float(mean.loc[code].iloc[0]), float(mean.loc[code].iloc[1])
            result, offers, talks = difference <= margin, passive < limit, few < 20
            category = 1 if result and offers and talks else 2 if offers and talks else 3 if result else 4
            flips = [
                max(1, int(np.ceil(abs(distance) / 100 * base - 1e-9)))
                for distance, base in (
                    (margin - difference, 200.0),
                    (limit - passive, persons[code]),
                    (20 - few, persons[code]),
                )
            ]
            categories.append(
                {
                    "scenario_code": scenario,
                    "period_code": period,
                    "municipality_code": code,
                    "is_annual_statement": True,
                    "difference_percentage_points": difference,
                    "expected_source": "published",
                    "result_margin": margin,
                    "is_result_met": result,
                    "passive_percentage": passive,
                    "passive_limit_percentage": limit,
                    "is_offers_met": offers,
                    "few_conversations_percentage": few,
                    "few_conversations_limit_percentage": 20.0,
                    "is_conversations_met": talks,
                    "municipality_category": category,
                    "category_name_da": CATEGORY_NAMES[category][0],
                    "category_name_en": CATEGORY_NAMES[category][1],
                    "category_order": order.index(category) + 1,
                    "category_probability": np.nan,
                    "result_distance": margin - difference,
                    "passive_distance": limit - passive,
                    "few_conversations_distance": 20 - few,
                    "result_persons_to_flip": flips[0],
                    "passive_persons_to_flip": flips[1],
                    "few_conversations_persons_to_flip": flips[2],
                    "persons_to_flip": min(flips),
                    "reason_da": f"Forskel {difference:.2f}, passive {passive:.2f} pct., få samtaler {few:.2f} pct.",
                    "reason_en": f"Difference {difference:.2f}, passive {passive:.2f}%, few conversations {few:.2f}%.",
                    "rule_set_id": f"category:{scenario}:1900-01-01",
                }
            )
            supervision.append(
                (
                    scenario,
                    newest.year - 1,
                    code,
                    "selected" if category == 4 else "none",
                    newest.year - 1 if category == 4 else None,
                    f"Kategori {category}",
                    f"Category {category}",
                )
            )
    timely = tables["rpt_conversation_timeliness"]
    timely = (
        timely[timely.municipality_code != "0000"]
        .groupby("municipality_code")[["on_time_count", "obligation_count"]]
        .sum()
    )
    scatter = pd.DataFrame({"period_code": period, "municipality_code": codes})
    scatter["on_time_share"] = scatter["municipality_code"].map(timely["on_time_count"] / timely["obligation_count"])
    scatter["difference_percentage_points"] = scatter["municipality_code"].map(level["difference_percentage_points"])
    high = scatter["on_time_share"] >= timely["on_time_count"].sum() / timely["obligation_count"].sum()
    good = scatter["difference_percentage_points"] <= 0
    scatter["quadrant_code"] = [
        f"{'high' if h else 'low'}_on_time_{'good' if g else 'poor'}_result" for h, g in zip(high, good, strict=True)
    ]
    quadrants = pd.read_csv(REFERENCE / "quadrants.csv").set_index("quadrant_code")
    for language in ("da", "en"):
        scatter[f"quadrant_name_{language}"] = scatter["quadrant_code"].map(quadrants[f"label_{language}"])
    correlation = pd.DataFrame(
        [(period, count, 0.02, -0.18, 0.22, 0.01, -0.19, 0.21)],
        columns=[
            "period_code",
            "municipality_count",
            "pearson",
            "pearson_lower_95",
            "pearson_upper_95",
            "spearman",
            "spearman_lower_95",
            "spearman_upper_95",
        ],
    )
    ranks = levels[1][["period_code", "municipality_code", "benchmark_rank"]].rename(columns={"benchmark_rank": "rank"})
    ranks = ranks.assign(
        measure_id="benefit_level_difference",
        expected_source="model",
        rank_lower_95=(ranks["rank"] - 12).clip(lower=1),
        rank_upper_95=(ranks["rank"] + 12).clip(upper=count),
        best_ten_probability=0.1,
        worst_ten_probability=0.1,
        # Funnels are those of shares.
        funnel_target=np.nan,
    )
    return {
        "rpt_benefit_levels": pd.concat(levels, ignore_index=True),
        "rpt_similar_municipalities": pd.DataFrame(
            similar,
            columns=[
                "period_code",
                "municipality_code",
                "similarity_rank",
                "similar_municipality_code",
                "expected_percentage_difference",
            ],
        ),
        "rpt_category_assignments": pd.DataFrame(categories),
        "rpt_supervision": pd.DataFrame(
            supervision,
            columns=[
                "scenario_code",
                "statement_year",
                "municipality_code",
                "status",
                "entered_year",
                "reason_da",
                "reason_en",
            ],
        ),
        "rpt_timeliness_and_results": scatter,
        "rpt_timeliness_and_results_correlation": correlation,
        "rpt_rank_uncertainty": ranks,
    }


def _small_tables(
    tables: dict[str, pd.DataFrame], codes: tuple[str, ...], months: tuple[dt.date, ...], reference: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Dimensions, and the follow-up of the letters."""
    areas = pd.read_csv(REFERENCE / "municipality_areas.csv", dtype=str)
    coverage = tables["rpt_conversation_coverage"].set_index(["month", "municipality_code", "target_group_code"])[
        "sufficient_share"
    ]
    follow = []
    for code in codes:
        for target in TARGET_GROUPS:
            base, later = coverage[months[0], code, target], coverage[months[-1], code, target]
            country = coverage[months[-1], "0000", target]
            status = (
                None
                if pd.isna(later)
                else "well_below"
                if later < country - 0.1
                else "below"
                if later < country
                else "at_or_above"
            )
            follow.append(
                (
                    "2018-06",
                    code,
                    target,
                    months[0],
                    months[-1],
                    base,
                    later,
                    (later - base) * 100,
                    country,
                    status,
                    bool(later - base >= 0.05),
                    False,
                )
            )
    measures = pd.read_csv(REFERENCE / "measures.csv", dtype=str)
    measures["is_comparable"] = measures["is_comparable"] == "true"
    municipalities = reference[["municipality_code", "municipality_name", "region_code", "region_name"]].copy()
    for kind in ("rar_area", "jobcentre"):
        names = areas[(areas.area_type_code == kind) & (areas.valid_to_date == "9999-12-31")]
        names = names.drop_duplicates("municipality_code").set_index("municipality_code")
        municipalities[kind + "_name"] = municipalities["municipality_code"].map(names["area_name"])
    # The list holds the country too, as the real one does.
    municipalities.loc[len(municipalities), ["municipality_code", "municipality_name"]] = ["0000", "Hele landet"]
    return {
        "rpt_follow_up": pd.DataFrame(
            follow,
            columns=[
                "round_code",
                "municipality_code",
                "target_group_code",
                "baseline_month",
                "follow_up_month",
                "baseline_share",
                "follow_up_share",
                "change_percentage_points",
                "national_follow_up_share",
                "status",
                "is_improved",
                "is_on_list",
            ],
        ),
        "dim_municipalities": municipalities,
        "dim_benefit_groups": pd.DataFrame(
            {"benefit_group_code": [*GROUPS, "foertidspension", "all", "all_with_foertidspension"]}
        ).assign(
            benefit_group_name_da=lambda f: f["benefit_group_code"].str.capitalize(),
            benefit_group_name_en=lambda f: f["benefit_group_code"].str.capitalize(),
        ),
        "dim_target_groups": pd.DataFrame({"target_group_code": TARGET_GROUPS}).assign(
            target_group_name_da=lambda f: f["target_group_code"].str.replace("_", " ").str.capitalize(),
            target_group_name_en=lambda f: f["target_group_code"].str.replace("_", " ").str.capitalize(),
        ),
        "dim_measures": measures,
        "dim_rules": _rules(),
        "dim_scenarios": pd.DataFrame({"scenario_code": SCENARIOS}).assign(
            scenario_name_da=lambda f: f["scenario_code"], scenario_name_en=lambda f: f["scenario_code"]
        ),
        "dim_months": pd.DataFrame({"month": pd.to_datetime(list(months))}),
    }
