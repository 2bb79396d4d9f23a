"""The client of jobindsats.dk's API, version 3: catalogue, descriptions of tables, and whole tables in parts.

Contract: docs/official_sources.md. The service answers with labels, not codes; staging makes codes of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from orchestration.lib.official.answers import Answer, merge_answers, read_answer, read_json
from orchestration.lib.official.http import (
    BadAnswer,
    KeyRefused,
    OfficialSourceError,
    PatientClient,
    QueryRefused,
    SourceTimeout,
)

DEFAULT_URL = "https://api.jobindsats.dk/v3"
METADATA_AGE = timedelta(days=1)

_TABLE_ID = re.compile(r"[a-z0-9_]+")
_ONLY_PERIODS = re.compile(r"only\s+(\d+)\s+periods?\s+are\s+available", re.IGNORECASE)
# The limit of cells is not documented; these words in a refusal mean that a smaller question may be answered.
_TOO_MUCH = re.compile(r"\bcell|\bceller|too (?:many|large)|for mange|limit", re.IGNORECASE)
_LATEST = re.compile(r"latest:(\d+)")
_MUNICIPALITY_LEVEL_SIZE = range(90, 111)


@dataclass(frozen=True)
class CatalogueTable:
    """A table as `/tables` lists it; `update_latest` is the date of its newest figures, as text."""

    table_id: str
    table_name: str
    update_latest: str | None
    update_next: str | None


@dataclass(frozen=True)
class Hierarchy:
    """A way of dividing a dimension; `levels` are (level_id, number of values)."""

    hierarchy_id: str
    dimension_id: str
    levels: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class TableDescription:
    """What `/table/{id}` says: period codes per period type (newest first) and the hierarchies by id."""

    table_id: str
    table_name: str
    periods: dict[str, tuple[str, ...]]
    hierarchies: dict[str, Hierarchy]


@dataclass(frozen=True)
class TableRequest:
    """What to fetch of a table.

    `area_hierarchy` may be None: a table without municipalities. `hierarchies` are further ones that become columns.
    `latest_periods` limits the history (None = all); `periods_per_query` keeps each question small.
    """

    table_id: str
    period_type: str
    area_hierarchy: str | None
    hierarchies: tuple[str, ...] = ()
    latest_periods: int | None = None
    periods_per_query: int = 12


class JobindsatsClient:
    """Asks the API; every method raises an OfficialSourceError that says what went wrong.

    `cache` is a folder for descriptions of tables, kept a day (or until the table is updated).
    """

    def __init__(self, http: PatientClient, cache: Path, clock: Callable[[], datetime], url: str = DEFAULT_URL) -> None:
        self._http = http
        self._cache = cache
        self._clock = clock
        self._url = url.rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def catalogue(self) -> dict[str, CatalogueTable]:
        """All tables by id (lower case), from `/tables`."""
        document = self._get_json("tables", [])
        tables: dict[str, CatalogueTable] = {}
        try:
            for subject in document:
                for group in subject["table_groups"]:
                    for table in group["tables"]:
                        table_id = _checked_table_id(str(table["table_id"]))
                        tables[table_id] = CatalogueTable(
                            table_id,
                            str(table.get("table_name") or ""),
                            _text_or_none(table.get("update_latest")),
                            _text_or_none(table.get("update_next")),
                        )
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswer(f"jobindsats: /tables is not a list of subjects with tables ({error!r})") from error
        if not tables:
            raise BadAnswer("jobindsats: /tables lists no table")
        return tables

    def describe(self, table: CatalogueTable) -> TableDescription:
        """The table's periods and hierarchies, from the cache when it is younger than a day and the table unchanged."""
        now = self._clock()
        cached = self._read_cache(table, now)
        if cached is not None:
            return _description(cached, table.table_id)
        document = self._get_json(f"table/{table.table_id}", [])
        description = _description(document, table.table_id)
        self._write_cache(table, now, document)
        return description

    def data(self, table_id: str, period_type: str, periods: str, hierarchies: Sequence[tuple[str, str]]) -> Answer:
        """One answer of `/data/{table_id}` with all measures.

        `periods` is `latest:N` or codes with commas; `hierarchies` are (id, selection). A `latest:N` above the
        history is refused by the service with the number there is, and asked again with that.
        """
        query = [("mgroup.*", "*"), (f"period.{period_type}", periods)]
        query += [(f"hierarchy.{hierarchy}", selection) for hierarchy, selection in hierarchies]
        try:
            return self._get_answer(table_id, query)
        except QueryRefused as refusal:
            available = _ONLY_PERIODS.search(refusal.cause)
            asked = _LATEST.fullmatch(periods)
            if available is None or asked is None or not 0 < int(available[1]) < int(asked[1]):
                raise
            query[1] = (f"period.{period_type}", f"latest:{available[1]}")
            return self._get_answer(table_id, query)

    def fetch_table(
        self, table: CatalogueTable, request: TableRequest, progress: Callable[[str], None] = lambda text: None
    ) -> Answer:
        """The whole table: every chunk of periods, the municipalities, and the totals that a level leaves out.

        Raises BadAnswer when the table has no row, or changed while it was being fetched.
        """
        description = self.describe(table)
        selections = _selections(description, request)
        names = [hierarchy for hierarchy, _ in selections[0]]
        parts: list[Answer] = []
        needless: set[int] = set()
        chunks = list(_chunks(description, request))
        for number, periods in enumerate(chunks, start=1):
            progress(f"{table.table_id}: part {number} of {len(chunks)}")
            known: set[tuple[Any, ...]] = set()
            for place, selection in enumerate(selections):
                if place in needless:
                    continue
                answers = self._data_in_pieces(request, periods, selection)
                keys = {row[: 1 + len(names)] for answer in answers for row in answer.rows}
                # `*` of a hierarchy may hold its total or not: what the first chunk shows to be there is left out then.
                if number == 1 and place > 0 and keys <= known:
                    needless.add(place)
                known |= keys
                parts.extend(answers)
        answer = merge_answers(parts, 1 + len(names), f"jobindsats {table.table_id}")
        if len(answer.columns) <= 1 + len(names):
            raise BadAnswer(
                f"jobindsats {table.table_id}: the answer has no measure beside {', '.join(answer.columns)}"
            )
        if not answer.rows:
            raise BadAnswer(f"jobindsats {table.table_id}: the answer has no rows")
        if len(parts) > 1 and self.catalogue().get(table.table_id) != table:
            raise BadAnswer(f"jobindsats {table.table_id}: was updated while it was being fetched; fetch it again")
        return answer

    def _data_in_pieces(
        self, request: TableRequest, periods: Sequence[str], selection: Sequence[tuple[str, str]]
    ) -> list[Answer]:
        """The answer for these periods; halved as long as the service finds it too large or takes too long."""
        try:
            return [self.data(request.table_id, request.period_type, ",".join(periods), selection)]
        except (SourceTimeout, QueryRefused) as error:
            too_large = isinstance(error, SourceTimeout) or _TOO_MUCH.search(error.cause) is not None
            if not too_large or len(periods) < 2:
                raise
            half = len(periods) // 2
            return [
                *self._data_in_pieces(request, periods[:half], selection),
                *self._data_in_pieces(request, periods[half:], selection),
            ]

    def _get_answer(self, table_id: str, query: Sequence[tuple[str, str]]) -> Answer:
        response = self._get(f"data/{table_id}", query)
        return read_answer(response.content, f"jobindsats {table_id}")

    def _get_json(self, path: str, query: Sequence[tuple[str, str]]) -> Any:
        return read_json(self._get(path, query).content, f"jobindsats /{path}")

    def _get(self, path: str, query: Sequence[tuple[str, str]]) -> httpx.Response:
        # The service reads its own grammar: these four characters must stand as they are.
        text = urlencode([*query, ("format", "json")], safe=":,*/")
        response = self._http.get(f"{self._url}/{path}?{text}")
        if response.status_code == 401:
            raise KeyRefused("jobindsats: HTTP 401, the key is missing, wrong or of an older version of the API")
        if response.status_code == 422:
            cause = _cause(response)
            raise QueryRefused(f"jobindsats: the query for /{path} was refused: {cause}", cause)
        if response.status_code != 200:
            raise OfficialSourceError(f"jobindsats: HTTP {response.status_code} for /{path}")
        return response

    def _cache_file(self, table: CatalogueTable) -> Path:
        # The name tells services apart, so that a test's stand-in never feeds a real run.
        return self._cache / f"{hashlib.sha256(self._url.encode()).hexdigest()[:8]}_{table.table_id}.json"

    def _read_cache(self, table: CatalogueTable, now: datetime) -> Any | None:
        try:
            kept = json.loads(self._cache_file(table).read_text(encoding="utf-8"))
            kept_at = datetime.fromisoformat(kept["kept_at"])
            if kept["update_latest"] == table.update_latest and timedelta(0) <= now - kept_at < METADATA_AGE:
                return kept["document"]
        except (OSError, ValueError, KeyError, TypeError):
            # A cache that can't be read is no cache.
            return None
        return None

    def _write_cache(self, table: CatalogueTable, now: datetime, document: Any) -> None:
        self._cache.mkdir(parents=True, exist_ok=True)
        file = self._cache_file(table)
        kept = {"kept_at": now.isoformat(), "update_latest": table.update_latest, "document": document}
        unfinished = file.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(json.dumps(kept, ensure_ascii=False, default=str), encoding="utf-8")
        unfinished.replace(file)


def open_jobindsats(
    key: str, cache: Path, clock: Callable[[], datetime], url: str = DEFAULT_URL, **options: Any
) -> JobindsatsClient:
    """A client with its own connections; `options` go to PatientClient (time-out, policy, sleep, report)."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    return JobindsatsClient(PatientClient("jobindsats", headers, **options), cache, clock, url)


def _chunks(description: TableDescription, request: TableRequest) -> Iterator[tuple[str, ...]]:
    """Lists of period codes, or one `latest:N` when the description does not list the periods."""
    if description.periods and request.period_type not in description.periods:
        raise BadAnswer(
            f"jobindsats {request.table_id}: has no period type {request.period_type}, "
            f"only {', '.join(sorted(description.periods))}"
        )
    codes = description.periods.get(request.period_type, ())[: request.latest_periods]
    if not codes:
        yield (f"latest:{request.latest_periods or 1000}",)
    for start in range(0, len(codes), request.periods_per_query):
        yield codes[start : start + request.periods_per_query]


def _selections(description: TableDescription, request: TableRequest) -> list[tuple[tuple[str, str], ...]]:
    """The questions to ask per chunk: the municipalities, then the totals (of the area, of the dimensions, of both)."""
    for hierarchy in (*([request.area_hierarchy] if request.area_hierarchy else []), *request.hierarchies):
        if hierarchy not in description.hierarchies:
            raise BadAnswer(f"jobindsats {request.table_id}: has no hierarchy {hierarchy}")
    members = tuple((hierarchy, "*") for hierarchy in request.hierarchies)
    totals = tuple((hierarchy, "/") for hierarchy in request.hierarchies)
    areas: list[tuple[tuple[str, str], ...]] = []
    if request.area_hierarchy is None:
        # Without a named area the service sums to the country; name it where that is possible, so that it has a label.
        country = next((h for h in ("_hele_landet", "_nykom") if h in description.hierarchies), None)
        areas.append(((country, "/"),) if country else ())
    else:
        areas += [
            ((request.area_hierarchy, _municipality_selection(description, request.area_hierarchy)),),
            ((request.area_hierarchy, "/"),),
        ]
    return [(*area, *dimensions) for dimensions in ([members, totals] if members else [()]) for area in areas]


def _municipality_selection(description: TableDescription, hierarchy_id: str) -> str:
    """`level:<id>` of the level with about 98 members, the municipalities; all members when no level has that size."""
    levels = description.hierarchies[hierarchy_id].levels
    municipal = [level for level, size in levels if size in _MUNICIPALITY_LEVEL_SIZE]
    return f"level:{municipal[0]}" if len(municipal) == 1 else "*"


def _description(document: Any, table_id: str) -> TableDescription:
    try:
        periods = {
            str(kind["periodtype_id"]): tuple(str(value["period_id"]) for value in kind.get("values") or ())
            for kind in document["periods"]
        }
        hierarchies = {
            str(hierarchy["hierarchy_id"]): Hierarchy(
                str(hierarchy["hierarchy_id"]),
                str(dimension["dimension_id"]),
                tuple((str(level["level_id"]), len(level.get("values") or ())) for level in hierarchy["levels"]),
            )
            for dimension in document["dimensions"]
            for hierarchy in dimension["hierarchies"]
        }
        return TableDescription(table_id, str(document.get("table_name") or ""), periods, hierarchies)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadAnswer(
            f"jobindsats: /table/{table_id} does not describe periods and dimensions ({error!r})"
        ) from error


def _checked_table_id(text: str) -> str:
    """The id in lower case; it becomes a file's name, so it may hold nothing but letters, digits and underscores."""
    table_id = text.lower()
    if _TABLE_ID.fullmatch(table_id) is None:
        raise BadAnswer(f"jobindsats: {text!r} is not a table id")
    return table_id


def _cause(response: httpx.Response) -> str:
    try:
        return str(response.json()["cause"])
    except (ValueError, KeyError, TypeError):
        return " ".join(response.text.split())[:160] or "no cause given"


def _text_or_none(value: object) -> str | None:
    return None if value in (None, "") else str(value)
