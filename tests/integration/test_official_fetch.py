"""The clients and the fetch against a stand-in that speaks both services' contracts, with and without faults."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.commands import fetch as fetch_command
from orchestration.lib.loading import load_pending
from orchestration.lib.official.answers import read_answer
from orchestration.lib.official.fetching import Fetcher, FetchError, OfficialSettings, Outcome, read_queries
from orchestration.lib.official.http import (
    BadAnswer,
    KeyRefused,
    QueryRefused,
    RetryPolicy,
    SourceFault,
    SourceTimeout,
    SourceUnreachable,
)
from orchestration.lib.official.jobindsats import CatalogueTable, JobindsatsClient, TableRequest, open_jobindsats
from orchestration.lib.official.landing import newest_delivered
from orchestration.lib.official.statbank import AGES, open_statbank
from orchestration.lib.official.status import read_statuses
from orchestration.lib.settings import Settings
from tests.support.official_server import KEY, Fault, OfficialServer, Table

PROJECT = Path(__file__).resolve().parents[2]
REAL = PROJECT.parent / "shared" / "real"

MUNICIPALITIES = [f"Kommune {number}" for number in range(98)]
GROUPS = ["Ydelsesgrupper i alt", "A-dagpenge mv."]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 19, 8, 56, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def server() -> Iterator[OfficialServer]:
    with OfficialServer() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three tables to fetch, one of them by name, and the real list of municipalities."""
    seeds = tmp_path / "project" / "seeds" / "reference"
    seeds.mkdir(parents=True)
    shutil.copy(PROJECT / "seeds" / "reference" / "municipalities.csv", seeds)
    (seeds / "jobindsats_tables.csv").write_text(
        "table_id,period_type_code,area_hierarchy_code\ny30r21,QMAT,_nykom\ny01a02,M,_nykom\n", encoding="utf-8"
    )
    (seeds / "jobindsats_queries.csv").write_text(
        "query_code,table_id,table_name_pattern,period_type_code,area_hierarchy_code,hierarchy_codes,latest_periods,"
        "periods_per_query\n"
        "y30r21,y30r21,,QMAT,_nykom,_ygrp_y30r21,,3\n"
        "talks,,afholdelse af samtaler,M,_nykom,,,12\n",
        encoding="utf-8",
    )
    return tmp_path / "project"


def expected_level(update_latest: str = "2026-07-26") -> Table:
    return Table(
        "y30r21",
        "Forventet og faktisk antal",
        "QMAT",
        ["2020QMAT02", "2020QMAT04", "2021QMAT02", "2021QMAT04"],
        MUNICIPALITIES,
        ["Antal: Faktisk antal", "Andel : Faktisk andel (pct.)"],
        {"_ygrp_y30r21": ("Ydelsesgrupper", GROUPS)},
        update_latest,
    )


def persons() -> Table:
    months = [f"{2025 + place // 12}M{place % 12 + 1:02d}" for place in range(14)]
    return Table("y01a02", "Antal personer", "M", months, MUNICIPALITIES, ["Antal personer", "Andel i pct."])


def add_population(server: OfficialServer, quarters: tuple[str, ...]) -> None:
    codes = (PROJECT / "seeds" / "reference" / "municipalities.csv").read_text(encoding="utf-8").splitlines()[1:]
    for line in codes:
        for age in AGES:
            for quarter in quarters:
                server.population[line[1:4], age, quarter] = "10"


def client(
    server: OfficialServer, cache: Path, clock: Clock, waits: list[float], key: str = KEY, timeout: float = 5.0
) -> JobindsatsClient:
    return open_jobindsats(
        key,
        cache,
        clock,
        server.jobindsats_url,
        timeout_seconds=timeout,
        sleep=waits.append,
        policy=RetryPolicy(tries=4),
    )


def fetcher(server: OfficialServer, project: Path, clock: Clock, waits: list[float], key: str | None = KEY) -> Fetcher:
    settings = OfficialSettings(
        project.parent / "landing", project.parent / "data", project, key, server.jobindsats_url, server.statbank_url
    )
    options: dict[str, Any] = {"timeout_seconds": 5.0, "sleep": waits.append, "policy": RetryPolicy(tries=3)}
    return Fetcher(settings, clock, client_options=options)


def results(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.query_code: outcome.result for outcome in outcomes}


def landing_files(project: Path) -> list[str]:
    landing = project.parent / "landing"
    return sorted(str(path.relative_to(landing)) for path in landing.rglob("*") if path.is_file())


REQUEST = TableRequest("y30r21", "QMAT", "_nykom", ("_ygrp_y30r21",), None, 3)
ENTRY = CatalogueTable("y30r21", "Forventet og faktisk antal", "2026-07-26", None)


# The client -------------------------------------------------------------------------------------------------------


def test_a_whole_table_comes_in_parts_with_the_totals_beside_the_level(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    table = server.add(expected_level())
    table.figures["2021QMAT04", "Kommune 7", "A-dagpenge mv."] = [None, 3.1]
    said: list[str] = []
    answer = client(server, tmp_path, clock, waits).fetch_table(ENTRY, REQUEST, said.append)
    assert answer.columns == ("Periode", "Område", "Ydelsesgrupper", *table.measures)
    keys = {row[:3] for row in answer.rows}
    assert len(keys) == len(answer.rows) == 4 * 99 * 2
    assert ("2020QMAT02", "Hele landet", "Ydelsesgrupper i alt") in keys
    assert ("2021QMAT04", "Kommune 7", "A-dagpenge mv.", None, Decimal("3.1")) in answer.rows
    assert said == ["y30r21: part 1 of 2", "y30r21: part 2 of 2"]
    data = [request for request in server.requests if request.startswith("/v3/data/")]
    assert "period.QMAT=2021QMAT04,2021QMAT02,2020QMAT04" in data[0]
    assert "hierarchy._nykom=level:_nykom_2" in data[0] and "mgroup.*=*" in data[0]
    # The first part showed that `*` holds the total of the dimension: the second asks half the questions.
    assert len(data) == 4 + 2
    assert waits == []


def test_a_total_that_the_members_lack_is_fetched_in_every_part(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level()).star_holds_total = False
    answer = client(server, tmp_path, clock, waits).fetch_table(ENTRY, REQUEST)
    assert len({row[:3] for row in answer.rows}) == len(answer.rows) == 4 * 99 * 2


def test_latest_above_the_history_is_asked_again_with_the_number_there_is(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    answer = client(server, tmp_path, clock, waits).data("y30r21", "QMAT", "latest:40", [("_nykom", "/")])
    assert len(answer.rows) == 4
    assert [request.split("period.QMAT=")[1].split("&")[0] for request in server.requests] == ["latest:40", "latest:4"]


def test_another_refusal_is_said_in_the_services_words(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    asking = client(server, tmp_path, clock, waits)
    with pytest.raises(QueryRefused, match=r"Unknown hierarchies: \['_hele_landet'\]"):
        asking.data("y30r21", "QMAT", "latest:1", [("_hele_landet", "/")])
    with pytest.raises(QueryRefused, match="Unknown period type: M"):
        asking.data("y30r21", "M", "latest:40", [])
    with pytest.raises(BadAnswer, match="has no period type M, only QMAT"):
        asking.fetch_table(ENTRY, TableRequest("y30r21", "M", "_nykom"))
    with pytest.raises(BadAnswer, match="has no hierarchy _region"):
        asking.fetch_table(ENTRY, TableRequest("y30r21", "QMAT", "_region"))
    assert waits == []


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503, 504])
def test_passing_faults_are_tried_again_with_growing_waits(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float], status: int
) -> None:
    server.add(expected_level())
    text = "You do not have permission to view this directory or page."
    server.faults.extend(Fault("/v3/tables", status, text) for _ in range(3))
    assert set(client(server, tmp_path, clock, waits).catalogue()) == {"y30r21"}
    assert waits == [2.0, 6.0, 18.0]


def test_a_broken_connection_is_tried_again_and_the_wanted_wait_is_kept(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    server.faults.append(Fault("/v3/tables", breaks_connection=True))
    server.faults.append(Fault("/v3/tables", 429, "slow down", {"Retry-After": "30"}))
    assert client(server, tmp_path, clock, waits).catalogue()
    assert waits == [2.0, 30.0]


def test_after_the_last_try_the_fault_is_named(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.faults.extend(Fault("/v3/tables", 503, "busy") for _ in range(4))
    with pytest.raises(SourceFault, match="HTTP 503 for /v3/tables: busy, 4 tries"):
        client(server, tmp_path, clock, waits).catalogue()
    assert len(waits) == 3


def test_slow_answers_are_asked_for_in_halves(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(persons())
    asking = client(server, tmp_path, clock, waits, timeout=0.25)
    entry = CatalogueTable("y01a02", "Antal personer", "2026-07-26", None)
    asking.describe(entry)
    server.faults.extend(Fault("/v3/data/y01a02", delay_seconds=0.4) for _ in range(4))
    answer = asking.fetch_table(entry, TableRequest("y01a02", "M", "_nykom", periods_per_query=14))
    assert len(answer.rows) == 14 * 99
    assert len(waits) == 3


def test_one_period_that_stays_too_slow_is_a_time_out(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    server.faults.extend(Fault("/v3/data", delay_seconds=0.3) for _ in range(4))
    with pytest.raises(SourceTimeout, match="/v3/data/y30r21"):
        client(server, tmp_path, clock, waits, timeout=0.1).data("y30r21", "QMAT", "2020QMAT02", [])


def test_a_question_over_the_cell_limit_is_asked_in_halves(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(persons()).cell_limit = 98 * 4 * 4
    entry = CatalogueTable("y01a02", "Antal personer", "2026-07-26", None)
    answer = client(server, tmp_path, clock, waits).fetch_table(entry, TableRequest("y01a02", "M", "_nykom"))
    assert len(answer.rows) == 14 * 99


def test_a_wrong_key_is_refused_at_once_and_never_repeated(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    with pytest.raises(KeyRefused, match="401") as caught:
        client(server, tmp_path, clock, waits, key="wrong-key").catalogue()
    assert "wrong-key" not in str(caught.value)
    assert waits == []
    server.faults.append(Fault("/v3/tables", 200, "Forkert nøgle eller nøglen er udløbet."))
    with pytest.raises(KeyRefused):
        client(server, tmp_path, clock, waits).catalogue()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v3/tables", "[]"),
        ("/v3/tables", '{"code": 1}'),
        ("/v3/tables", '[{"table_groups": [{"tables": [{"table_id": "../x"}]}]}]'),
        ("/v3/table/", '{"periods": []}'),
        ("/v3/data/", '{"columns": ["Periode", "Område", "Ydelsesgrupper", "N"], "rows": []}'),
        ("/v3/data/", "<html>maintenance</html>"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float], path: str, body: str
) -> None:
    server.add(expected_level())
    server.faults.extend(Fault(path, 200, body) for _ in range(8))
    asking = client(server, tmp_path, clock, waits)
    with pytest.raises(BadAnswer):
        asking.catalogue()
        asking.fetch_table(ENTRY, REQUEST)


def test_a_table_updated_while_it_was_fetched_is_refused(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level(update_latest="2026-08-19"))
    with pytest.raises(BadAnswer, match="was updated while it was being fetched"):
        client(server, tmp_path, clock, waits).fetch_table(ENTRY, REQUEST)


def test_descriptions_are_kept_a_day_or_until_the_table_moves(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    asking = client(server, tmp_path, clock, waits)
    first = asking.describe(ENTRY)
    clock.now += timedelta(hours=23)
    assert asking.describe(ENTRY) == first
    assert len(server.requests) == 1
    asking.describe(CatalogueTable("y30r21", "", "2026-08-19", None))
    assert len(server.requests) == 2
    clock.now += timedelta(hours=25)
    asking.describe(CatalogueTable("y30r21", "", "2026-08-19", None))
    assert len(server.requests) == 3


def test_no_network_is_unreachable(tmp_path: Path, clock: Clock, waits: list[float]) -> None:
    asking = open_jobindsats(KEY, tmp_path, clock, "http://127.0.0.1:9/v3", sleep=waits.append)
    with pytest.raises(SourceUnreachable, match=r"can't be reached: is there a network\? "):
        asking.catalogue()
    assert waits == [2.0, 6.0, 18.0]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real figures (../shared/real) are not here")
def test_the_recorded_refusal_is_understood(
    server: OfficialServer, tmp_path: Path, clock: Clock, waits: list[float]
) -> None:
    text = json.loads((REAL / "jobindsats_v3_answers.json").read_text(encoding="utf-8"))["failures"]["recruitment"]
    server.faults.append(Fault("/v3/data/y25i14", 422, text[text.index("{") :]))
    with pytest.raises(QueryRefused) as caught:
        client(server, tmp_path, clock, waits).data("y25i14", "M", "latest:12", [])
    assert caught.value.cause == "Unknown hierarchies: ['_hele_landet']"


# The StatBank -----------------------------------------------------------------------------------------------------


def test_population_is_the_sum_of_the_ages_of_the_98(server: OfficialServer) -> None:
    add_population(server, ("2026K2", "2026K3"))
    server.population["101", "16", "2026K3"] = "1010"
    asking = open_statbank(server.statbank_url)
    state = asking.table_state()
    population = asking.population(state, state.quarters, ["0101", "0825"])
    assert state.quarters == ("2026K2", "2026K3")
    assert population == {"2026K2": {"0101": 510, "0825": 510}, "2026K3": {"0101": 1510, "0825": 510}}
    assert server.bodies[-1]["format"] == "BULK"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({("825", "66", "2026K3"): None}, "2026K3 lacks ages of the municipalities 0825"),
        ({("825", "66", "2026K3"): ".."}, "no count for municipality 0825, age 66, 2026K3"),
        ({("0825", "66", "2026K3"): "1"}, "municipality 0825, age 66, 2026K3 comes twice"),
    ],
)
def test_an_incomplete_population_is_refused_by_name(
    server: OfficialServer, change: dict[tuple[str, str, str], str | None], message: str
) -> None:
    add_population(server, ("2026K3",))
    for key, count in change.items():
        if count is None:
            del server.population[key]
        else:
            server.population[key] = count
    asking = open_statbank(server.statbank_url)
    with pytest.raises(BadAnswer, match=message):
        asking.population(asking.table_state(), ["2026K3"], ["0101", "0825"])


def test_the_statbanks_refusal_is_said_in_its_words(server: OfficialServer) -> None:
    body = '{"errorTypeCode": "EXTRACT-NOTALLOWED", "message": "Der skal vælges værdier for variabel: KØN"}'
    server.faults.append(Fault("/v1/tableinfo", 400, body))
    with pytest.raises(QueryRefused, match="EXTRACT-NOTALLOWED: Der skal vælges"):
        open_statbank(server.statbank_url).table_state()


# The fetch --------------------------------------------------------------------------------------------------------


def test_fetched_tables_are_deliveries_and_nothing_is_delivered_twice(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    server.add(persons())
    run = fetcher(server, project, clock, waits)
    first = run.fetch_jobindsats()
    assert results(first) == {"y30r21": "delivered", "talks": "not in the catalogue", "y01a02": "delivered"}
    assert landing_files(project) == [
        "2026-08/delivery-901/jobindsats_y30r21.json",
        "2026-08/delivery-901/manifest.json",
        "2026-08/delivery-902/jobindsats_y01a02.json",
        "2026-08/delivery-902/manifest.json",
    ]
    before = len(server.requests)
    assert set(results(run.fetch_jobindsats()).values()) == {"unchanged", "not in the catalogue"}
    # Only the catalogue was asked: no table has moved.
    assert len(server.requests) == before + 1
    assert len(landing_files(project)) == 4


def test_a_moved_date_with_the_same_figures_delivers_nothing_and_new_figures_a_vintage(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    table = server.add(expected_level())
    run = fetcher(server, project, clock, waits)
    run.fetch_jobindsats({"y30r21"})
    table.update_latest = "2026-09-26"
    clock.now = datetime(2026, 9, 30, tzinfo=UTC)
    assert "the same figures as 2026-08/901" in run.fetch_jobindsats({"y30r21"})[0].detail
    table.update_latest = "2026-10-26"
    table.figures["2020QMAT02", "Kommune 1", "A-dagpenge mv."] = [1, 2]
    assert results(run.fetch_jobindsats({"y30r21"})) == {"y30r21": "delivered"}
    newest = newest_delivered(project.parent / "landing", "jobindsats", "jobindsats_y30r21")
    assert newest is not None and (newest.period, newest.delivery) == ("2026-09", 901)
    assert len(landing_files(project)) == 4


def test_a_lost_data_folder_costs_a_fetch_but_no_second_delivery(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    run = fetcher(server, project, clock, waits)
    run.fetch_jobindsats({"y30r21"})
    shutil.rmtree(project.parent / "data")
    assert results(run.fetch_jobindsats({"y30r21"})) == {"y30r21": "unchanged"}
    assert len(landing_files(project)) == 2


def test_a_table_is_found_by_its_name(server: OfficialServer, project: Path, clock: Clock, waits: list[float]) -> None:
    table = persons()
    table.table_id, table.name = "y30x99", "Fokusmål: Afholdelse af samtaler. Antal og andel personer"
    server.add(table)
    outcome = fetcher(server, project, clock, waits).fetch_jobindsats({"talks"})[0]
    assert (outcome.query_code, outcome.table_id, outcome.result) == ("talks", "y30x99", "delivered")
    assert landing_files(project)[0] == "2026-08/delivery-901/jobindsats_y30x99.json"


def test_one_table_that_fails_leaves_the_others_alone(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    server.add(persons())
    server.faults.extend(Fault("/v3/data/y30r21", 500, "no") for _ in range(3))
    run = fetcher(server, project, clock, waits)
    assert results(run.fetch_jobindsats()) == {
        "y30r21": "failed",
        "talks": "not in the catalogue",
        "y01a02": "delivered",
    }
    assert landing_files(project)[0] == "2026-08/delivery-901/jobindsats_y01a02.json"
    status = read_statuses(project.parent / "data")["jobindsats"]
    assert (status.source.state, status.tables["y01a02"].state) == ("failed", "ok")
    assert "HTTP 500" in status.source.reason
    clock.now += timedelta(hours=1)
    run.fetch_jobindsats()
    assert read_statuses(project.parent / "data")["jobindsats"].source.state == "ok"


def test_without_a_key_the_source_is_stale_since_the_last_success(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    fetcher(server, project, clock, waits).fetch_jobindsats({"y30r21"})
    files = landing_files(project)
    shutil.rmtree(project.parent / "data")
    clock.now += timedelta(days=40)
    without_key = fetcher(server, project, clock, waits, key=None)
    outcomes = without_key.fetch_jobindsats()
    assert results(outcomes) == {"y30r21": "stale", "talks": "stale", "y01a02": "stale"}
    assert "no key" in outcomes[0].detail and "stale, since 2026-08-19T08:56:00+00:00" in outcomes[0].detail
    assert "never fetched" in outcomes[2].detail
    assert landing_files(project) == files
    status = read_statuses(project.parent / "data")["jobindsats"].source
    assert (status.state, status.since) == ("stale", "2026-08-19T08:56:00+00:00")


def test_without_network_all_tables_are_stale_after_one_round_of_tries(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    server.add(persons())
    server.faults.extend(Fault("/v3/table/y30r21", breaks_connection=True) for _ in range(3))
    outcomes = fetcher(server, project, clock, waits).fetch_jobindsats()
    assert results(outcomes) == {"y30r21": "stale", "talks": "not in the catalogue", "y01a02": "stale"}
    assert len(waits) == 2
    assert landing_files(project) == []


def test_a_refused_key_fails_and_shows_nothing_of_it(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    run = fetcher(server, project, clock, waits, key="secret-key-1")
    outcomes = run.fetch_jobindsats()
    assert set(results(outcomes).values()) == {"failed"}
    assert "secret-key-1" not in f"{outcomes} {run!r}"
    written = (project.parent / "data" / "official_sources.json").read_text(encoding="utf-8")
    assert "secret-key-1" not in written and "401" in written


def test_population_is_delivered_for_the_last_month_of_each_quarter(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    add_population(server, ("2014K4", "2026K2", "2026K3"))
    run = fetcher(server, project, clock, waits)
    outcome = run.fetch_population()
    assert [(made.period, made.delivery) for made in outcome.deliveries] == [("2026-06", 901), ("2026-09", 901)]
    lines = outcome.deliveries[0].file.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["municipality_code,population_16_66", "0101,510"] and len(lines) == 99
    manifest = json.loads((outcome.deliveries[0].file.parent / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["supplier"], manifest["files"][0]["rows"]) == ("statbank", 98)
    before = len(server.requests)
    assert run.fetch_population().result == "unchanged"
    assert len(server.requests) == before + 1
    server.population_updated = "2027-02-11T08:00:00"
    server.population["101", "16", "2026K3"] = "11"
    assert [(made.period, made.delivery) for made in run.fetch_population().deliveries] == [("2026-09", 902)]


def test_a_failed_population_delivers_nothing(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    add_population(server, ("2026K2", "2026K3"))
    del server.population["825", "20", "2026K3"]
    outcome = fetcher(server, project, clock, waits).fetch_population()
    assert outcome.result == "failed" and "0825" in outcome.detail and "never fetched" in outcome.detail
    assert landing_files(project) == []


def test_a_landing_zone_that_can_not_be_written_is_a_failure_not_a_crash(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    server.add(expected_level())
    (project.parent / "landing").write_text("a file where the folder should be")
    assert results(fetcher(server, project, clock, waits).fetch_jobindsats({"y30r21"})) == {"y30r21": "failed"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,,,M,_nykom,,,12", "row 1: give either table_id or table_name_pattern"),
        ("a,,[,M,_nykom,,,12", "row 1"),
        ("a,t,,M,_nykom,,x,12", "row 1"),
        ("a,t,,M,_nykom,,0,12", "row 1: latest_periods and periods_per_query must be at least 1"),
    ],
)
def test_a_wrong_row_of_the_seed_is_named(project: Path, row: str, message: str) -> None:
    seed = project / "seeds" / "reference" / "jobindsats_queries.csv"
    seed.write_text(f"{seed.read_text(encoding='utf-8').splitlines()[0]}\n{row}\n", encoding="utf-8")
    with pytest.raises(FetchError, match=message):
        read_queries(project)


def test_the_projects_own_seeds_can_be_read() -> None:
    queries = {query.query_code: query for query in read_queries(PROJECT)}
    assert queries["y30r21"].period_type == "QMAT" and queries["y30r21"].hierarchies == ("_ygrp_y30r21",)
    assert {"ptv_a02", "y01a02", "y07a02", "y60a02"} <= queries.keys()
    assert sum(query.name_pattern is not None for query in queries.values()) >= 3


# The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def environment(server: OfficialServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("JOBINDSATS_KEY", "JOBINDSATS_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JOBCENTER_LANDING", str(tmp_path / "landing"))
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("JOBINDSATS_URL", server.jobindsats_url)
    monkeypatch.setenv("STATBANK_URL", server.statbank_url)
    return tmp_path


def test_the_command_prints_one_line_per_table(
    server: OfficialServer, environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add(expected_level())
    add_population(server, ("2026K3",))
    key_file = environment / "key"
    key_file.write_text(f"{KEY}\n")
    monkeypatch.setenv("JOBINDSATS_KEY_FILE", str(key_file))
    assert fetch_command.main([]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) == len(read_queries(PROJECT)) + 1
    assert lines[0].startswith("jobindsats y30r21") and "delivered" in lines[0] and "792 rows" in lines[0]
    assert lines[-1].startswith("statbank   population") and "1 of 1 quarters" in lines[-1]
    assert "y30r21: part 1 of 1" in printed.err
    assert "2 delivered" in printed.err and printed.err.endswith("`make pipeline` loads what came\n")
    assert KEY not in printed.out + printed.err


def test_the_command_without_a_key_says_so_and_ends_well(
    server: OfficialServer, environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_population(server, ("2026K3",))
    assert fetch_command.main([]) == 0
    assert fetch_command.main(["--table", "y30r21"]) == 0
    printed = capsys.readouterr()
    assert printed.err.endswith("1 stale: nothing came, and nothing was changed; the pipeline works on what it has\n")
    # What all tables lack is said once, the population is fetched without a key, and one table is named as it is.
    every, population, one = printed.out.splitlines()
    assert "no key" in every and "never fetched" in every and f" {len(read_queries(PROJECT))} tables " in every
    assert population.startswith("statbank   population") and "no key" in one and " y30r21 " in one
    assert not list((environment / "landing").rglob("jobindsats_*"))


def test_the_command_fails_when_a_source_does(
    server: OfficialServer, environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults.append(Fault("/v1/tableinfo", 404, '{"errorTypeCode": "REQUEST-NOTFOUND", "message": "nej"}'))
    assert fetch_command.main(["--only-population"]) == 1
    assert "REQUEST-NOTFOUND: nej" in capsys.readouterr().out


def test_wrong_arguments_are_said_plainly(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_command.main(["--table", "nothing"]) == 2
    assert fetch_command.main(["--v2-file", "x.csv"]) == 2
    assert fetch_command.main(["--only-population", "--first-quarter", "2026Q1"]) == 2
    monkeypatch.setenv("JOBINDSATS_KEY_FILE", str(environment / "none"))
    assert fetch_command.main([]) == 2
    said = capsys.readouterr().err
    assert "not in the seeds: nothing" in said and "--fetched" in said and "2024K1" in said
    assert "JOBINDSATS_KEY_FILE" in said and "can't be read" in said


def test_an_old_v2_file_becomes_a_delivery_of_the_month_it_was_fetched_in(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = environment / "Y30R21.csv"
    file.write_text("\ufeffArea;Periode;Faktisk andel (pct.)\nAarhus;2020QMAT02;9,28\n", encoding="utf-8")
    arguments = ["--v2-file", str(file), "--table-id", "y30r21", "--fetched", "2021-10"]
    assert fetch_command.main(arguments) == 0
    assert "1 rows as 2021-10/901" in capsys.readouterr().out
    delivered = environment / "landing" / "2021-10" / "delivery-901" / "jobindsats_y30r21.json"
    assert read_answer(delivered.read_bytes(), "x").rows == (("2020QMAT02", "Aarhus", Decimal("9.28")),)


# The way into the warehouse ---------------------------------------------------------------------------------------


def test_what_was_fetched_is_accepted_by_the_loader_and_every_vintage_stays(
    server: OfficialServer, project: Path, clock: Clock, waits: list[float]
) -> None:
    table = server.add(expected_level())
    table.figures["2020QMAT02", "Kommune 1", "A-dagpenge mv."] = [None, 3.10]
    add_population(server, ("2026K3",))
    run = fetcher(server, project, clock, waits)
    run.fetch_jobindsats({"y30r21"})
    table.update_latest = "2026-08-20"
    table.figures["2020QMAT02", "Kommune 1", "A-dagpenge mv."] = [5, 3.15]
    run.fetch_jobindsats({"y30r21"})
    run.fetch_population()
    settings = Settings(landing=project.parent / "landing", data=project.parent / "data")
    with duckdb.connect() as connection:
        report = load_pending(connection, settings)
        assert [(loaded.path, loaded.rows) for loaded in report.accepted] == [
            ("2026-08/delivery-901", 792),
            ("2026-08/delivery-902", 792),
            ("2026-09/delivery-901", 98),
        ]
        assert (report.rejected, report.superseded) == ([], [])
        changed = connection.execute(
            """select _delivery, cells[4:5] from raw.jobindsats_rows
            where cells[1:3] = ['2020QMAT02', 'Kommune 1', 'A-dagpenge mv.'] order by 1"""
        ).fetchall()
        assert changed == [(901, [None, "3.1"]), (902, ["5", "3.15"])]
        assert connection.execute("select count(*), min(supplier) from raw.population").fetchone() == (98, "statbank")
        assert load_pending(connection, settings).unchanged == 3
