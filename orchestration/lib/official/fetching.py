"""One fetch of the official sources: which tables, what changed, what is delivered, and how each source then stands.

A failed fetch leaves the landing zone as it was. Nothing is delivered twice: a table whose date of update has not moved
is not asked for, and one whose figures are those of its newest delivery is not delivered again.
"""

from __future__ import annotations

import csv
import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from orchestration.lib.official.answers import Answer, read_answer
from orchestration.lib.official.http import KeyRefused, OfficialSourceError, SourceTimeout, SourceUnreachable
from orchestration.lib.official.jobindsats import (
    DEFAULT_URL as JOBINDSATS_URL,
)
from orchestration.lib.official.jobindsats import (
    CatalogueTable,
    JobindsatsClient,
    TableRequest,
    open_jobindsats,
)
from orchestration.lib.official.landing import Delivered, FetchedFile, deliver, newest_delivered
from orchestration.lib.official.statbank import DEFAULT_URL as STATBANK_URL
from orchestration.lib.official.statbank import StatbankClient, open_statbank, quarter_period
from orchestration.lib.official.status import (
    JOBINDSATS,
    STATBANK,
    ItemStatus,
    SourceStatus,
    State,
    next_status,
    read_statuses,
    with_known_success,
    write_statuses,
)

POPULATION_ITEM = "population"
# More tables than this are counted in a reason and not named: the table of statuses names them all.
_NAMED_TABLES = 3
# The first quarter whose month has a partition.
FIRST_QUARTER = "2015K1"

NO_KEY = "no key: set JOBINDSATS_KEY or JOBINDSATS_KEY_FILE (docs/official_sources.md says how to get one)"

_TABLES_SEED = Path("seeds/reference/jobindsats_tables.csv")
_QUERIES_SEED = Path("seeds/reference/jobindsats_queries.csv")
_MUNICIPALITIES_SEED = Path("seeds/reference/municipalities.csv")

Result = Literal["delivered", "unchanged", "not in the catalogue", "stale", "failed"]


class FetchError(RuntimeError):
    """The fetch can't begin: a seed is wrong, the key file can't be read, or another fetch runs."""


@dataclass(frozen=True)
class OfficialSettings:
    """Where to ask, with which key, and where what comes goes. The key is kept out of `repr`."""

    landing: Path
    data: Path
    project: Path
    key: str | None = field(default=None, repr=False)
    jobindsats_url: str = JOBINDSATS_URL
    statbank_url: str = STATBANK_URL

    @classmethod
    def from_environment(
        cls, landing: Path, data: Path, project: Path, environment: Mapping[str, str] | None = None
    ) -> OfficialSettings:
        """Read JOBINDSATS_KEY, JOBINDSATS_KEY_FILE, JOBINDSATS_URL and STATBANK_URL; an empty one counts as not set.

        Raises FetchError when the key file can't be read or is empty; the message holds its name, never its content.
        """
        values = os.environ if environment is None else environment
        key = (values.get("JOBINDSATS_KEY") or "").strip() or None
        key_file = values.get("JOBINDSATS_KEY_FILE") or ""
        if key is None and key_file:
            try:
                key = Path(key_file).expanduser().read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise FetchError(f"JOBINDSATS_KEY_FILE: {key_file} can't be read ({type(error).__name__})") from error
            if not key:
                raise FetchError(f"JOBINDSATS_KEY_FILE: {key_file} is empty")
        if key is not None and not (key.isascii() and key.isprintable()):
            raise FetchError("JOBINDSATS_KEY: a key is one line of plain letters, digits and signs")
        return cls(
            landing,
            data,
            project,
            key,
            values.get("JOBINDSATS_URL") or JOBINDSATS_URL,
            values.get("STATBANK_URL") or STATBANK_URL,
        )


@dataclass(frozen=True)
class TableQuery:
    """A table to fetch, by id, or by the pattern of its name where the id is not known beforehand."""

    query_code: str
    table_id: str | None
    name_pattern: str | None
    period_type: str
    area_hierarchy: str | None
    hierarchies: tuple[str, ...]
    latest_periods: int | None
    periods_per_query: int

    def request(self, table_id: str) -> TableRequest:
        """The request for one table that the query stands for."""
        return TableRequest(
            table_id,
            self.period_type,
            self.area_hierarchy,
            self.hierarchies,
            self.latest_periods,
            self.periods_per_query,
        )


@dataclass(frozen=True)
class Outcome:
    """What came of one table: result, a sentence about it, and the deliveries made (several for population)."""

    source: str
    query_code: str
    table_id: str
    result: Result
    detail: str
    deliveries: tuple[Delivered, ...] = ()
    row_count: int | None = None


@dataclass(frozen=True)
class Fetcher:
    """One fetch with its surroundings. `client_options` go to the HTTP clients (time-out, retry policy, sleep)."""

    settings: OfficialSettings
    clock: Callable[[], datetime]
    progress: Callable[[str], None] = lambda text: None
    client_options: Mapping[str, Any] = field(default_factory=dict)

    def fetch_jobindsats(self, only: Collection[str] | None = None) -> list[Outcome]:
        """Fetch the tables of the seeds (those whose query code or table id is in `only`), one outcome each."""
        queries = [query for query in read_queries(self.settings.project) if only is None or query.query_code in only]
        with _one_at_a_time(self.settings.data):
            if self.settings.key is None:
                return [
                    self._note(JOBINDSATS, query.query_code, self._known_id(query), "stale", NO_KEY)
                    for query in queries
                ]
            client = open_jobindsats(
                self.settings.key,
                self.settings.data / "tmp" / "jobindsats",
                self.clock,
                self.settings.jobindsats_url,
                report=self.progress,
                **self.client_options,
            )
            with closing(client):
                try:
                    catalogue = client.catalogue()
                except OfficialSourceError as error:
                    return [
                        self._note(JOBINDSATS, query.query_code, self._known_id(query), _result_of(error), str(error))
                        for query in queries
                    ]
                return self._fetch_queries(client, catalogue, queries)

    def fetch_population(self, first_quarter: str = FIRST_QUARTER) -> Outcome:
        """Fetch persons aged 16-66 of all quarters from the first one; a delivery per quarter with new figures."""
        quarter_period(first_quarter)
        with _one_at_a_time(self.settings.data):
            client = open_statbank(self.settings.statbank_url, report=self.progress, **self.client_options)
            with closing(client):
                try:
                    return self._fetch_population(client, first_quarter)
                except (OfficialSourceError, OSError) as error:
                    return self._note(STATBANK, POPULATION_ITEM, POPULATION_ITEM, _result_of(error), str(error))

    def _fetch_queries(
        self, client: JobindsatsClient, catalogue: Mapping[str, CatalogueTable], queries: list[TableQuery]
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        lost: OfficialSourceError | None = None
        for query, table_id in _found_tables(queries, catalogue):
            if table_id is None:
                detail = f"no table of that {'id' if query.table_id else 'name'} in the catalogue"
                self._forget(JOBINDSATS, self._known_id(query))
                outcomes.append(
                    Outcome(JOBINDSATS, query.query_code, self._known_id(query), "not in the catalogue", detail)
                )
                continue
            if lost is None:
                try:
                    outcomes.append(self._fetch_table(client, catalogue[table_id], query))
                    continue
                except (OfficialSourceError, OSError) as error:
                    problem = error
                # Without network or with a refused key the other tables would only wait through the same tries.
                if isinstance(problem, KeyRefused | SourceUnreachable) and not isinstance(problem, SourceTimeout):
                    lost = problem
            else:
                problem = lost
            outcomes.append(self._note(JOBINDSATS, query.query_code, table_id, _result_of(problem), str(problem)))
        return outcomes

    def _fetch_table(self, client: JobindsatsClient, table: CatalogueTable, query: TableQuery) -> Outcome:
        dataset = f"jobindsats_{table.table_id}"
        newest = newest_delivered(self.settings.landing, JOBINDSATS, dataset)
        before = self._item(JOBINDSATS, table.table_id)
        held_date = before.update_latest if before is not None and newest is not None else None
        if held_date is not None and held_date == table.update_latest:
            detail = f"nothing newer than {held_date}"
            return self._note(JOBINDSATS, query.query_code, table.table_id, "unchanged", detail, held_date)
        answer = client.fetch_table(table, query.request(table.table_id), self.progress)
        if newest is not None and _digest_of(newest.file) == answer.digest():
            detail = f"the same figures as {newest.period}/{newest.delivery}"
            return self._note(JOBINDSATS, query.query_code, table.table_id, "unchanged", detail, table.update_latest)
        delivered = deliver_answer(self.settings.landing, table.table_id, answer, self.clock())
        return self._note(
            JOBINDSATS,
            query.query_code,
            table.table_id,
            "delivered",
            f"{len(answer.rows)} rows as {delivered.period}/{delivered.delivery}",
            table.update_latest,
            (delivered,),
            len(answer.rows),
        )

    def _fetch_population(self, client: StatbankClient, first_quarter: str) -> Outcome:
        state = client.table_state()
        quarters = [quarter for quarter in state.quarters if quarter >= first_quarter]
        held = {
            quarter: newest_delivered(self.settings.landing, STATBANK, "population", quarter_period(quarter))
            for quarter in quarters
        }
        before = self._item(STATBANK, POPULATION_ITEM)
        held_date = before.update_latest if before is not None and all(held.values()) else None
        if held_date is not None and held_date == state.updated:
            detail = f"nothing newer than {held_date}"
            return self._note(STATBANK, POPULATION_ITEM, POPULATION_ITEM, "unchanged", detail, held_date)
        codes = _read_column(self.settings.project / _MUNICIPALITIES_SEED, "municipality_code")
        population = client.population(state, quarters, codes, self.progress)
        deliveries = []
        for quarter in quarters:
            content = _population_csv(population[quarter])
            newest = held[quarter]
            if newest is not None and newest.file.is_file() and newest.file.read_bytes() == content:
                continue
            file = FetchedFile("population", "population.csv", content, len(population[quarter]))
            deliveries.append(deliver(self.settings.landing, quarter_period(quarter), STATBANK, file, self.clock()))
        row_count = sum(len(population[quarter]) for quarter in quarters)
        if not deliveries:
            detail = f"the same figures as before in {len(quarters)} quarters"
            return self._note(STATBANK, POPULATION_ITEM, POPULATION_ITEM, "unchanged", detail, state.updated)
        names = ", ".join(f"{made.period}/{made.delivery}" for made in deliveries[-3:])
        detail = f"{len(deliveries)} of {len(quarters)} quarters, the newest as {names}"
        return self._note(
            STATBANK, POPULATION_ITEM, POPULATION_ITEM, "delivered", detail, state.updated, tuple(deliveries), row_count
        )

    def _note(
        self,
        source: str,
        query_code: str,
        table_id: str,
        result: Result,
        detail: str,
        update_latest: str | None = None,
        deliveries: tuple[Delivered, ...] = (),
        row_count: int | None = None,
    ) -> Outcome:
        """Write the outcome into the status file at once: a fetch that breaks off is known as far as it came."""
        state: State = "failed" if result == "failed" else "stale" if result == "stale" else "ok"
        statuses = read_statuses(self.settings.data)
        tables = dict(statuses[source].tables) if source in statuses else {}
        now = self.clock()
        dataset = "population" if source == STATBANK else f"jobindsats_{table_id}"
        newest = newest_delivered(self.settings.landing, source, dataset)
        status = next_status(tables.get(table_id), state, detail, now, update_latest)
        status = with_known_success(status, newest.delivered_at if newest else None)
        # A table found by name stood under the query's code as long as its id was not known.
        tables.pop(query_code, None)
        tables[table_id] = status
        before = statuses[source].source if source in statuses else None
        statuses[source] = SourceStatus(source_status(before, tables, now), tables)
        write_statuses(self.settings.data, statuses)
        if state != "ok":
            since = f"since {status.since}" if status.since else "never fetched"
            detail = f"{detail} ({state}, {since})"
        return Outcome(source, query_code, table_id, result, detail, deliveries, row_count)

    def _item(self, source: str, table_id: str) -> ItemStatus | None:
        status = read_statuses(self.settings.data).get(source)
        return status.tables.get(table_id) if status else None

    def _forget(self, source: str, item: str) -> None:
        """A table that the source does not have is neither stale nor failed."""
        statuses = read_statuses(self.settings.data)
        if source in statuses and item in statuses[source].tables:
            tables = {name: status for name, status in statuses[source].tables.items() if name != item}
            overall = source_status(statuses[source].source, tables, self.clock())
            write_statuses(self.settings.data, {**statuses, source: SourceStatus(overall, tables)})

    @staticmethod
    def _known_id(query: TableQuery) -> str:
        return query.table_id or query.query_code


def deliver_answer(landing: Path, table_id: str, answer: Answer, fetched_at: datetime) -> Delivered:
    """Put a table into the landing zone as a delivery of the month in which it was fetched."""
    file = FetchedFile(f"jobindsats_{table_id}", f"jobindsats_{table_id}.json", answer.to_json(), len(answer.rows))
    return deliver(landing, f"{fetched_at:%Y-%m}", JOBINDSATS, file, fetched_at)


def read_queries(project: Path) -> list[TableQuery]:
    """The tables of the seeds: `jobindsats_queries` says how to ask, `jobindsats_tables` names all the others.

    Raises FetchError naming the seed, row and column that can't be read.
    """
    queries: dict[str, TableQuery] = {}
    for number, row in enumerate(_read_rows(project / _QUERIES_SEED), start=1):
        place = f"{_QUERIES_SEED}, row {number}"
        pattern = row["table_name_pattern"] or None
        if (pattern is None) == (not row["table_id"]):
            raise FetchError(f"{place}: give either table_id or table_name_pattern")
        try:
            re.compile(pattern or "")
            latest = int(row["latest_periods"]) if row["latest_periods"] else None
            per_query = int(row["periods_per_query"] or 12)
        except (re.error, ValueError) as error:
            raise FetchError(f"{place}: {error}") from error
        if per_query < 1 or (latest is not None and latest < 1):
            raise FetchError(f"{place}: latest_periods and periods_per_query must be at least 1")
        queries[row["query_code"]] = TableQuery(
            row["query_code"],
            row["table_id"] or None,
            pattern,
            row["period_type_code"],
            row["area_hierarchy_code"] or None,
            tuple(row["hierarchy_codes"].split()),
            latest,
            per_query,
        )
    named = {query.table_id for query in queries.values()}
    for row in _read_rows(project / _TABLES_SEED):
        table_id = row["table_id"].lower()
        if table_id in named:
            continue
        named.add(table_id)
        queries[table_id] = TableQuery(
            table_id, table_id, None, row["period_type_code"], row["area_hierarchy_code"] or None, (), None, 12
        )
    return list(queries.values())


def _found_tables(
    queries: list[TableQuery], catalogue: Mapping[str, CatalogueTable]
) -> Iterator[tuple[TableQuery, str | None]]:
    """Each query with the tables it means; None where the catalogue has none. A table is fetched once."""
    taken: set[str] = {query.table_id for query in queries if query.table_id}
    for query in queries:
        if query.table_id is not None:
            yield query, query.table_id if query.table_id in catalogue else None
            continue
        pattern = re.compile(query.name_pattern or "", re.IGNORECASE)
        matches = [table.table_id for table in catalogue.values() if pattern.search(table.table_name)]
        if not matches:
            yield query, None
        for table_id in sorted(set(matches) - taken):
            taken.add(table_id)
            yield query, table_id


def source_status(before: ItemStatus | None, tables: Mapping[str, ItemStatus], now: datetime) -> ItemStatus:
    """The source stands as its worst table."""
    states: tuple[State, ...] = ("failed", "stale")
    bad = {state: sorted(name for name, item in tables.items() if item.state == state) for state in states}
    worst: State = "failed" if bad["failed"] else "stale" if bad["stale"] else "ok"
    if worst == "ok":
        return next_status(before, "ok", f"{len(tables)} tables as the source has them", now, None)
    reason = _reasons({name: tables[name].reason for name in bad[worst]})
    successes = [item.last_success_at for item in tables.values() if item.last_success_at is not None]
    status = next_status(before, worst, reason, now, None)
    return with_known_success(status, max(successes, default=None))


def _reasons(reasons: Mapping[str, str]) -> str:
    """The reasons of the tables as one text: each with its tables, or their number where they are many."""
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names_by_reason.setdefault(reason, []).append(name)
    if len(names_by_reason) == 1:
        return next(iter(names_by_reason))
    return "; ".join(
        f"{', '.join(names) if len(names) <= _NAMED_TABLES else f'{len(names)} tables'}: {reason}"
        for reason, names in names_by_reason.items()
    )


def _result_of(error: Exception) -> Literal["stale", "failed"]:
    """Stale when the source could not be asked at all, failed when it answered wrongly or its answer can't be kept."""
    unreachable = isinstance(error, SourceUnreachable) and not isinstance(error, SourceTimeout)
    return "stale" if unreachable else "failed"


def _digest_of(file: Path) -> str | None:
    try:
        return read_answer(file.read_bytes(), file.name).digest()
    except (OfficialSourceError, OSError):
        # A file that can't be read is not the same figures: fetch them again.
        return None


def _population_csv(persons: Mapping[str, int]) -> bytes:
    lines = ["municipality_code,population_16_66", *(f"{code},{count}" for code, count in sorted(persons.items()))]
    return ("\n".join(lines) + "\n").encode()


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise FetchError(f"{path.name}: can't be read ({error.strerror})") from error


def _read_column(path: Path, column: str) -> list[str]:
    try:
        return list(dict.fromkeys(row[column] for row in _read_rows(path)))
    except KeyError as error:
        raise FetchError(f"{path.name}: has no column {column}") from error


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    """Two fetches at once could deliver the same figures twice."""
    folder = data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "fetch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FetchError("another fetch of the official sources is running") from error
        yield
