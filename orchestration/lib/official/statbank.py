"""The client of Statistics Denmark's StatBank: persons aged 16-66 by municipality and quarter, from table FOLK1A.

BULK is asked for: it has no limit of cells, and every variable must be given. FOLK1A counts persons on the first day of
the quarter; the figure is delivered for the quarter's last month, as the contract of `population` wants it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.lib.official.answers import read_json
from orchestration.lib.official.http import BadAnswer, OfficialSourceError, PatientClient, QueryRefused

DEFAULT_URL = "https://api.statbank.dk/v1"
TABLE = "FOLK1A"
AGES = tuple(str(age) for age in range(16, 67))
QUARTERS_PER_QUERY = 8

_QUARTER = re.compile(r"(\d{4})K([1-4])")
_AREA_VARIABLES = ("OMRÅDE", "KOMMUNEDK")
_TOTALS = {"KØN": "TOT", "CIVILSTAND": "TOT"}


@dataclass(frozen=True)
class TableState:
    """What `/tableinfo` says: when the table was updated (text), its quarters in order, and its area variable."""

    updated: str | None
    quarters: tuple[str, ...]
    area_variable: str


class StatbankClient:
    """Asks the StatBank; needs no key. Every method raises an OfficialSourceError that says what went wrong."""

    def __init__(self, http: PatientClient, url: str = DEFAULT_URL) -> None:
        self._http = http
        self._url = url.rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def table_state(self) -> TableState:
        """The state of FOLK1A; BadAnswer when it has variables that this client can't give values for."""
        document = self._post("tableinfo", {"table": TABLE, "format": "JSON", "lang": "da"})
        info = read_json(document, f"statbank /tableinfo {TABLE}")
        try:
            variables = {str(variable["id"]).upper(): variable for variable in info["variables"]}
            areas = [name for name in _AREA_VARIABLES if name in variables]
            unknown = variables.keys() - {*areas, *_TOTALS, "ALDER", "TID"}
            if len(areas) != 1 or unknown or not {*_TOTALS, "ALDER", "TID"} <= variables.keys():
                raise BadAnswer(f"statbank: {TABLE} has other variables than known: {', '.join(sorted(variables))}")
            quarters = tuple(str(value["id"]).upper() for value in variables["TID"]["values"])
            updated = info.get("updated")
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswer(f"statbank: /tableinfo does not describe {TABLE} ({error!r})") from error
        wrong = [quarter for quarter in quarters if _QUARTER.fullmatch(quarter) is None]
        if wrong or not quarters:
            raise BadAnswer(f"statbank: {TABLE} has no quarters like 2024K1 but {', '.join(wrong) or 'none'}")
        return TableState(None if updated is None else str(updated), tuple(sorted(quarters)), areas[0])

    def population(
        self,
        state: TableState,
        quarters: Sequence[str],
        municipality_codes: Iterable[str],
        progress: Callable[[str], None] = lambda text: None,
    ) -> dict[str, dict[str, int]]:
        """Persons aged 16-66 by quarter and municipality code (4 digits), complete for all the codes asked for.

        Raises BadAnswer naming the quarter and municipality where an age lacks, is missing or comes twice.
        """
        wanted = sorted(municipality_codes)
        result: dict[str, dict[str, int]] = {}
        for start in range(0, len(quarters), QUARTERS_PER_QUERY):
            chunk = quarters[start : start + QUARTERS_PER_QUERY]
            progress(f"population: {chunk[0]} to {chunk[-1]}")
            answer = self._post(
                "data",
                {
                    "table": TABLE,
                    "format": "BULK",
                    "lang": "da",
                    "valuePresentation": "Code",
                    "variables": [
                        {"code": state.area_variable, "values": ["*"]},
                        *({"code": code, "values": [total]} for code, total in _TOTALS.items()),
                        {"code": "ALDER", "values": list(AGES)},
                        {"code": "Tid", "values": list(chunk)},
                    ],
                },
            )
            result.update(_sum_ages(answer, state.area_variable, chunk, wanted))
        return result

    def _post(self, function: str, content: dict[str, Any]) -> bytes:
        response = self._http.post(f"{self._url}/{function}", content)
        if response.status_code in (400, 404):
            cause = _cause(response.content)
            raise QueryRefused(f"statbank: the query to /{function} was refused: {cause}", cause)
        if response.status_code != 200:
            raise OfficialSourceError(f"statbank: HTTP {response.status_code} for /{function}")
        return response.content


def open_statbank(url: str = DEFAULT_URL, **options: Any) -> StatbankClient:
    """A client with its own connections; `options` go to PatientClient (time-out, policy, sleep, report)."""
    return StatbankClient(PatientClient("statbank", **options), url)


def quarter_period(quarter: str) -> str:
    """The month (`YYYY-MM`) for which a quarter (`2024K1`) is delivered: its last."""
    match = _QUARTER.fullmatch(quarter)
    if match is None:
        raise ValueError(f"{quarter!r} is not a quarter like 2024K1")
    return f"{match[1]}-{3 * int(match[2]):02d}"


def _sum_ages(
    content: bytes, area_variable: str, quarters: Sequence[str], wanted: Sequence[str]
) -> dict[str, dict[str, int]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadAnswer(f"statbank: the answer is not UTF-8 (byte {error.start})") from error
    lines = csv.reader(io.StringIO(text), delimiter=";")
    header = [name.upper() for name in next(lines, [])]
    expected = [area_variable, "KØN", "CIVILSTAND", "ALDER", "TID", "INDHOLD"]
    if sorted(header) != sorted(expected):
        raise BadAnswer(f"statbank: the columns are {';'.join(header)[:120]}, not {';'.join(expected)}")
    places = [header.index(name) for name in (area_variable, "ALDER", "TID", "INDHOLD")]
    cells: dict[tuple[str, str, str], int] = {}
    codes = set(wanted)
    for number, line in enumerate(lines, start=1):
        if len(line) != len(header):
            raise BadAnswer(f"statbank: row {number} has {len(line)} cells, not {len(header)}")
        area, age, quarter, count = (line[place].strip() for place in places)
        # StatBank writes 101 where we write 0101; 000 is the country and 081-085 the regions.
        code = area.zfill(4)
        if code not in codes:
            continue
        if not (count.isascii() and count.isdigit()):
            raise BadAnswer(f"statbank: row {number}: no count for municipality {code}, age {age}, {quarter}")
        if (quarter.upper(), code, age) in cells:
            raise BadAnswer(f"statbank: row {number}: municipality {code}, age {age}, {quarter} comes twice")
        cells[quarter.upper(), code, age] = int(count)
    result: dict[str, dict[str, int]] = {}
    for quarter in quarters:
        lacking = sorted({code for code in wanted for age in AGES if (quarter, code, age) not in cells})
        if lacking:
            raise BadAnswer(f"statbank: {quarter} lacks ages of the municipalities {', '.join(lacking)}")
        result[quarter] = {code: sum(cells[quarter, code, age] for age in AGES) for code in wanted}
        empty = [code for code, persons in result[quarter].items() if persons < 1]
        if empty:
            raise BadAnswer(f"statbank: {quarter} has no persons in the municipalities {', '.join(empty)}")
    return result


def _cause(content: bytes) -> str:
    try:
        document = read_json(content, "statbank")
        return f"{document['errorTypeCode']}: {document['message']}"
    except (OfficialSourceError, KeyError, TypeError):
        return " ".join(content.decode("utf-8", errors="replace").split())[:160] or "no cause given"
