"""A stand-in for api.jobindsats.dk (version 3) and api.statbank.dk, written from the contract, with faults on demand.

It answers over real HTTP on 127.0.0.1, so that the clients' own reading, waiting and refusing is what is tested.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

KEY = "stand-in-key"
MUNICIPALITY_LEVEL = "_nykom_2"


@dataclass
class Fault:
    """What the next matching request gets instead of an answer: a status and text, or the answer after a delay."""

    path: str
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    breaks_connection: bool = False


@dataclass
class Table:
    """A published table. `figures` are measure cells by (period, area, *dimension labels); the total `Hele landet`."""

    table_id: str
    name: str
    period_type: str
    periods: list[str]
    areas: list[str]
    measures: list[str]
    dimensions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    update_latest: str = "2026-07-26"
    figures: dict[tuple[str, ...], list[Any]] = field(default_factory=dict)
    star_holds_total: bool = True
    cell_limit: int = 1_000_000

    def cells(self, period: str, area: str, labels: tuple[str, ...]) -> list[Any]:
        """The measures of one row: as set in `figures`, else made from the place in the table."""
        known = self.figures.get((period, area, *labels))
        if known is not None:
            return known
        base = 100 * (self.periods.index(period) + 1) + len(area) + sum(map(len, labels))
        return [base + 10 * place for place in range(len(self.measures))]


class OfficialServer:
    """Both services on one port: `jobindsats_url` and `statbank_url`. Use as a context manager.

    `faults` are used up in order, each by the first request whose path begins with the fault's; `requests` are the
    decoded paths with queries (and for the StatBank the bodies) in the order they came.
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.population: dict[tuple[str, str, str], str] = {}
        self.population_updated = "2026-11-11T08:00:00"
        self.extra_areas = ["000", "084", "411"]
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def jobindsats_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v3"

    @property
    def statbank_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, table: Table) -> Table:
        self.tables[table.table_id] = table
        return table

    def take_fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if path.startswith(fault.path):
                self.faults.remove(fault)
                return fault
        return None

    # jobindsats ------------------------------------------------------------------------------------------------

    def tables_document(self) -> list[dict[str, Any]]:
        tables = [
            {
                # The older documentation writes ids in upper case.
                "table_id": table.table_id.upper() if table.table_id == "y01a02" else table.table_id,
                "table_name": table.name,
                "update_freq": "m",
                "update_latest": table.update_latest,
                "update_next": None,
            }
            for table in self.tables.values()
        ]
        groups = [{"table_group_id": 1, "table_group_name": "Alle", "tables": tables}]
        return [{"subject_id": 1815, "subject_name": "Tidlig indsats", "table_groups": groups}]

    def table_document(self, table: Table) -> dict[str, Any]:
        dimensions = [
            {
                "dimension_id": "_omrade",
                "dimension_name": "Område",
                "hierarchies": [
                    {
                        "hierarchy_id": "_nykom",
                        "hierarchy_name": "Kommuner",
                        "levels": [
                            {"level_id": "_nykom_1", "level_name": "I alt", "values": [{"value_id": "/"}]},
                            {
                                "level_id": MUNICIPALITY_LEVEL,
                                "level_name": "Kommune",
                                "values": [{"value_id": f"/{n}/", "value_name": a} for n, a in enumerate(table.areas)],
                            },
                        ],
                    }
                ],
            }
        ]
        for hierarchy, (name, labels) in table.dimensions.items():
            members = [{"value_id": f"/{number}/", "value_name": label} for number, label in enumerate(labels)]
            levels = [{"level_id": f"{hierarchy}_1", "level_name": name, "values": members}]
            hierarchies = [{"hierarchy_id": hierarchy, "hierarchy_name": name, "levels": levels}]
            dimensions.append({"dimension_id": hierarchy, "dimension_name": name, "hierarchies": hierarchies})
        values = [{"period_id": code, "period_name": code} for code in reversed(table.periods)]
        return {
            "table_id": table.table_id,
            "table_name": table.name,
            "periods": [{"periodtype_id": table.period_type, "values": values}],
            "mgroups": [],
            "dimensions": dimensions,
        }

    def data_document(self, table: Table, query: list[tuple[str, str]]) -> tuple[int, Any]:
        given = dict(query)
        if given.get("format") != "json" or given.get("mgroup.*") != "*":
            return 422, _refusal("Unknown format or measure group")
        kinds = [name.removeprefix("period.") for name in given if name.startswith("period.")]
        if kinds != [table.period_type]:
            return 422, _refusal(f"Unknown period type: {', '.join(kinds)}")
        wanted = given[f"period.{table.period_type}"]
        if wanted.startswith("latest:"):
            count = int(wanted.removeprefix("latest:"))
            if count > len(table.periods):
                cause = (
                    f"Requested latest:{count} for type {table.period_type}, "
                    f"but only {len(table.periods)} periods are available."
                )
                return 422, _refusal(cause)
            periods = table.periods[-count:]
        else:
            periods = wanted.split(",")
            if not set(periods) <= set(table.periods):
                return 422, _refusal("Unknown periods")
        named = {name.removeprefix("hierarchy."): value for name, value in query if name.startswith("hierarchy.")}
        unknown = [name for name in named if name != "_nykom" and name not in table.dimensions]
        if unknown:
            return 422, _refusal(f"Unknown hierarchies: {unknown}")
        areas = {"/": ["Hele landet"], f"level:{MUNICIPALITY_LEVEL}": table.areas}.get(
            named.get("_nykom", "/"), ["Hele landet", *table.areas]
        )
        choices: list[tuple[str, ...]] = [()]
        columns = [column for column, is_there in (("Periode", True), ("Område", "_nykom" in named)) if is_there]
        for hierarchy, (name, labels) in table.dimensions.items():
            if hierarchy not in named:
                continue
            columns.append(name)
            shown = labels[:1] if named[hierarchy] == "/" else labels if table.star_holds_total else labels[1:]
            choices = [(*choice, label) for choice in choices for label in shown]
        rows = [
            [period, *([area] if "_nykom" in named else []), *labels, *table.cells(period, area, labels)]
            for period in periods
            for area in areas
            for labels in choices
        ]
        if len(rows) * (len(columns) + len(table.measures)) > table.cell_limit:
            return 422, _refusal("The query returns too many cells")
        return 200, {"columns": [*columns, *table.measures], "rows": rows}

    # StatBank --------------------------------------------------------------------------------------------------

    def statbank_answer(self, function: str, body: dict[str, Any]) -> tuple[int, str]:
        if str(body.get("table", "")).upper() != "FOLK1A":
            return 400, json.dumps({"errorTypeCode": "EXTRACT-NOTFOUND", "message": "Tabellen findes ikke"})
        quarters = sorted({quarter for _, _, quarter in self.population})
        if function == "tableinfo":
            ids = ["OMRÅDE", "KØN", "ALDER", "CIVILSTAND"]
            variables: list[dict[str, Any]] = [{"id": name, "text": name, "time": False, "values": []} for name in ids]
            times = [{"id": quarter, "text": quarter} for quarter in quarters]
            variables.append({"id": "Tid", "text": "tid", "time": True, "values": times})
            return 200, json.dumps({"id": "FOLK1A", "updated": self.population_updated, "variables": variables})
        given = {variable["code"]: variable["values"] for variable in body.get("variables", [])}
        for name in ("OMRÅDE", "KØN", "ALDER", "CIVILSTAND", "Tid"):
            if name not in given:
                message = f"Der skal vælges værdier for variabel: {name}"
                return 400, json.dumps({"errorTypeCode": "EXTRACT-NOTALLOWED", "message": message}, ensure_ascii=False)
        if body.get("format") != "BULK":
            return 400, json.dumps({"errorTypeCode": "REQUEST-LIMIT", "message": "Udtrækket er for stort"})
        ages, chosen = set(given["ALDER"]), set(given["Tid"])
        lines = ["OMRÅDE;KØN;ALDER;CIVILSTAND;TID;INDHOLD"]
        for (area, age, quarter), count in self.population.items():
            if age in ages and quarter in chosen:
                lines.append(f"{area};TOT;{age};TOT;{quarter};{count}")
        for area in self.extra_areas:
            lines += [f"{area};TOT;{age};TOT;{quarter};1" for age in ages for quarter in chosen]
        return 200, "\r\n".join(lines) + "\r\n"


def _refusal(cause: str) -> dict[str, Any]:
    return {"code": 422, "cause": cause, "request_id": "dcaa82ae-d6a7-466d-b6cb-0ea960475bc1"}


def _handler(server: OfficialServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `requests`; nothing is printed."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            server.requests.append(unquote(self.path))
            if self._has_fault(parts.path):
                return
            if not self.headers.get("Authorization", "").startswith("Bearer "):
                return self._send(401, json.dumps({"code": 401, "cause": "Unauthorized"}))
            if self.headers["Authorization"] != f"Bearer {KEY}":
                return self._send(401, json.dumps({"code": 401, "cause": "Unauthorized"}))
            # The service's grammar wants these four characters as they are.
            if any(code in self.path.upper() for code in ("%3A", "%2C", "%2A", "%2F")):
                return self._send(422, json.dumps(_refusal("Malformed query")))
            query = parse_qsl(parts.query)
            steps = parts.path.removeprefix("/v3/").split("/")
            if steps == ["tables"]:
                return self._send(200, json.dumps(server.tables_document(), ensure_ascii=False))
            if len(steps) == 2 and steps[1] in server.tables and steps[0] in ("table", "data"):
                table = server.tables[steps[1]]
                if steps[0] == "table":
                    return self._send(200, json.dumps(server.table_document(table), ensure_ascii=False))
                status, document = server.data_document(table, query)
                return self._send(status, json.dumps(document, ensure_ascii=False))
            return self._send(404, "Not found")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(self.path)
            server.bodies.append(body)
            if self._has_fault(self.path):
                return
            status, text = server.statbank_answer(self.path.removeprefix("/v1/"), body)
            self._send(status, text)

        def _has_fault(self, path: str) -> bool:
            fault = server.take_fault(path)
            if fault is None:
                return False
            if fault.breaks_connection:
                self.close_connection = True
                self.connection.close()
                return True
            time.sleep(fault.delay_seconds)
            if fault.status == 200 and not fault.body:
                return False
            self._send(fault.status, fault.body, fault.headers)
            return True

        def _send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
            content = text.encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                # The client had waited long enough.
                self.close_connection = True

    return Handler
