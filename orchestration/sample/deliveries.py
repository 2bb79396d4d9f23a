"""From a month's arrays to the files of a delivery: tables in contract order, a few faulty rows, manifest last."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.lib.contracts import DatasetContract
from orchestration.sample.activities import CONTACT_FORMS, OFFER_TYPES, STATUSES, Conversations, Offers, Work
from orchestration.sample.careers import MATCH_GROUPS, NEVER, Careers, Ints, Segments, month_ends
from orchestration.sample.world import BENEFITS, FOERTIDSPENSION, KONTANTHJAELP, World

# Share of the rows that one rule breaks; all together stay well below the two per cent that reject a delivery.
_FAULT_SHARE = 0.0002
# Below this many rows a data set gets no faulty row, so that none is ever rejected for a single one.
_FEWEST_ROWS = 300
_SUPPLIER = "STAR"
MANIFEST_NAME = "manifest.json"
# Columns with few values that are no dictionaries.
_FEW = ("from_date", "to_date", "benefit_fraction", "conversation_date", "conversation_type_code", "hours_per_week")

_STREAM_FAULTS, _STREAM_CORRECTION = 7, 8


@dataclass(frozen=True)
class Delivery:
    """One delivery that is ready to be written; ``formats`` gives the ending of each data set's file."""

    period: date
    number: int
    delivered_at: str
    tables: Mapping[str, pa.Table]
    formats: Mapping[str, str]
    is_faulty: bool = False


def period_code(month: date) -> str:
    """``2024-03``."""
    return f"{month.year:04d}-{month.month:02d}"


def delivered_at(month: date, day: int = 2) -> str:
    """When the delivery of a month arrives: early in the second month after it, 06:00 Danish time."""
    number = month.year * 12 + month.month - 1 + 2
    year, month_number = divmod(number, 12)
    # On these days of the month summer time is in force from April to October.
    offset = "+02:00" if 4 <= month_number + 1 <= 10 else "+01:00"
    return f"{year:04d}-{month_number + 1:02d}-{day:02d}T06:00:00{offset}"


class TableMaker:
    """Makes the tables of the data sets; knows the contracts, the world and the persons."""

    def __init__(self, contracts: Mapping[str, DatasetContract], world: World, careers: Careers) -> None:
        self._contracts = contracts
        self._world = world
        self._careers = careers
        self._municipalities = pa.array(world.municipality_codes)

    # --- the data sets ------------------------------------------------------------------------------------------

    def benefit_periods(self, month: date, segments: Segments) -> pa.Table:
        """Segments, some overlapping rows, faulty rows."""
        rng = self._rng(month, 1)
        first, last = month_ends(month)
        person, benefit, match = self._careers.cpr[segments.slot], segments.benefit, segments.match_group
        municipality, percent = segments.municipality, segments.percent
        starts, ends = segments.from_day, segments.to_day

        # Two benefits on one day: mostly one that must give way, now and then one that takes the day.
        doubled = np.flatnonzero(rng.random(len(segments)) < 0.006)
        gives_way = rng.random(len(doubled)) < 0.75
        other = np.where(gives_way, KONTANTHJAELP, rng.integers(0, FOERTIDSPENSION, len(doubled))).astype(np.int8)
        rows = np.concatenate([np.arange(len(segments)), doubled])
        extra = slice(len(segments), None)
        benefit, match, percent = benefit[rows], match[rows], percent[rows]
        starts, ends = starts[rows], ends[rows]
        benefit[extra] = other
        match[extra] = np.where(other == KONTANTHJAELP, 1, -1)
        starts[extra] += ((ends[extra] - starts[extra]) * rng.random(len(doubled)) * 0.6).astype(np.int32)
        order = np.argsort(rows, kind="stable")
        rows, benefit, match, percent = rows[order], benefit[order], match[order], percent[order]
        table = pa.table(
            {
                "person_id": _person_ids(person[rows]),
                "benefit_code": _labels(benefit, pa.array(BENEFITS)),
                "match_group_code": _labels(match, pa.array(MATCH_GROUPS)),
                "municipality_code": _labels(municipality[rows], self._municipalities),
                "from_date": _dates(starts[order]),
                "to_date": _dates(ends[order]),
                "benefit_fraction": _decimals(percent.astype(np.int64), 3, 2),
            }
        )
        return self._with_faults(
            "benefit_periods",
            table,
            rng,
            [
                _same,
                _put("benefit_code", "fleksjob"),
                _put("municipality_code", "0411"),
                _put_day("from_date", first - 1),
                _put_day("to_date", last + 3),
                _swap_dates,
                _put_number("benefit_fraction", 0),
                _put("benefit_code", None),
                _put("person_id", "71019999"),
            ],
        )

    def conversations(self, month: date, made: Conversations) -> pa.Table:
        """Conversations, double registrations under one id, faulty rows."""
        rng = self._rng(month, 2)
        _, last = month_ends(month)
        number = np.arange(len(made.slot))
        # Registered when it was booked, and again, under the same id, when it was over.
        again = np.flatnonzero(rng.random(len(number)) < 0.003)
        rows = np.concatenate([number, again])
        status = made.status[rows]
        status[len(number) :] = 1
        registered = made.registered_second[rows]
        registered[len(number) :] -= 3 * 86_400
        order = np.argsort(rows, kind="stable")
        rows, status, registered = rows[order], status[order], registered[order]
        requested = made.requested_day[rows]
        table = pa.table(
            {
                "conversation_id": _identifiers(f"C{month:%Y%m}-", number[rows]),
                "person_id": _person_ids(self._careers.cpr[made.slot[rows]]),
                "municipality_code": _labels(made.municipality[rows], self._municipalities),
                "conversation_type_code": pa.array(made.type_code[rows].astype(np.int32)),
                "contact_form": _labels(made.contact_form[rows], pa.array(CONTACT_FORMS)),
                "status": _labels(status, pa.array(STATUSES)),
                "conversation_date": _dates(made.day[rows]),
                "requested_date": _dates(requested, requested == NEVER),
                "registered_at": pa.array(registered.view("datetime64[s]")).cast(pa.timestamp("us")),
            }
        )
        return self._with_faults(
            "conversations",
            table,
            rng,
            [
                _put_integer("conversation_type_code", 99),
                _put("contact_form", "fax"),
                _put_day("conversation_date", last + 2),
                _put_day("requested_date", last + 20),
                _put("status", None),
                _same,
            ],
        )

    def active_offers(self, month: date, offers: Offers) -> pa.Table:
        """Parts of offers, faulty rows."""
        rng = self._rng(month, 3)
        _, last = month_ends(month)
        table = pa.table(
            {
                "offer_id": _identifiers("O-", offers.offer_id),
                "person_id": _person_ids(self._careers.cpr[offers.slot]),
                "municipality_code": _labels(offers.municipality, self._municipalities),
                "offer_type": _labels(offers.offer_type, pa.array(OFFER_TYPES)),
                "from_date": _dates(offers.from_day),
                "to_date": _dates(offers.to_day),
                "hours_per_week": _decimals(offers.hours.astype(np.int64) * 10, 3, 1, offers.hours < 0),
            }
        )
        return self._with_faults(
            "active_offers",
            table,
            rng,
            [_put("offer_type", "kursus"), _put_number("hours_per_week", 80), _put_day("to_date", last + 9), _same],
        )

    def ordinary_hours(self, month: date, work: Work) -> pa.Table:
        """Paid hours, faulty rows."""
        rng = self._rng(month, 4)
        table = pa.table(
            {"person_id": _person_ids(self._careers.cpr[work.slot]), "paid_hours": pa.array(work.hundredths / 100)}
        )
        faults = [_put_number("paid_hours", 0), _put_number("paid_hours", 900), _put_number("paid_hours", 17.5)]
        return self._with_faults("ordinary_hours", table, rng, faults)

    def population(self, month: date) -> pa.Table:
        """Persons aged 16-66, one row per municipality."""
        return self._ordered(
            "population",
            pa.table(
                {
                    "municipality_code": self._municipalities,
                    "population_16_66": pa.array(self._world.population_16_66(month)),
                }
            ),
        )

    def framework_conditions(self, month: date) -> pa.Table:
        """One row per municipality and covariate, for the four quarters that end with this month."""
        values = self._world.framework_conditions(month)
        municipalities, covariates = values.shape
        hundredths = np.rint(values.ravel() * 100).astype(np.int64)
        quarters = f"{month.year}QMAT{month.month // 3:02d}"
        return self._ordered(
            "framework_conditions",
            pa.table(
                {
                    "municipality_code": _labels(
                        np.repeat(np.arange(municipalities), covariates).astype(np.int8), self._municipalities
                    ),
                    "period_code": pa.array([quarters] * values.size),
                    "covariate_code": pa.array(list(self._world.covariate_codes) * municipalities),
                    "value": _decimals(hundredths, 9, 2),
                }
            ),
        )

    # --- faulty rows and corrections ----------------------------------------------------------------------------

    def corrected(self, month: date, conversations: pa.Table, benefit_periods: pa.Table) -> dict[str, pa.Table]:
        """What a later delivery of the month says: paid-back benefits gone, calls by phone found to be by video."""
        rng = np.random.default_rng([self._careers.seed, _STREAM_CORRECTION, month.year * 12 + month.month])
        kept = pa.array(rng.random(benefit_periods.num_rows) >= 0.002)
        by_video = pa.array(rng.random(conversations.num_rows) < 0.01)
        position = conversations.schema.get_field_index("contact_form")
        form = pc.if_else(by_video, "video", conversations["contact_form"].cast(pa.string()))
        return {
            "benefit_periods": benefit_periods.filter(kept),
            "conversations": conversations.set_column(position, "contact_form", form),
        }

    def _with_faults(
        self, name: str, table: pa.Table, rng: np.random.Generator, faults: list[Callable[[pa.Table], pa.Table]]
    ) -> pa.Table:
        """Add, after the good rows, copies of some of them that each break a rule."""
        table = self._ordered(name, table)
        if table.num_rows < _FEWEST_ROWS:
            return table
        if table.num_rows * _FAULT_SHARE < 1:
            # Too few rows for all: one of the faults.
            faults = [faults[int(rng.integers(len(faults)))]]
        each = max(1, round(table.num_rows * _FAULT_SHARE))
        pieces = [table]
        for fault in faults:
            chosen = np.sort(rng.choice(table.num_rows, each, replace=False))
            pieces.append(fault(table.take(pa.array(chosen))))
        return pa.concat_tables(pieces).unify_dictionaries()

    def _ordered(self, name: str, table: pa.Table) -> pa.Table:
        """Columns as the contract has them; KeyError when the generator lacks one."""
        return table.select(list(self._contracts[name].column_names))

    def _rng(self, month: date, part: int) -> np.random.Generator:
        return np.random.default_rng([self._careers.seed, _STREAM_FAULTS, month.year * 12 + month.month, part])


# --- writing ----------------------------------------------------------------------------------------------------


def folder_of(landing: Path, period: date, number: int) -> Path:
    """Where a delivery is written."""
    return landing / period_code(period) / f"delivery-{number:03d}"


def write_delivery(landing: Path, delivery: Delivery) -> int:
    """Write the files and, last, the manifest; returns the bytes written."""
    folder = folder_of(landing, delivery.period, delivery.number)
    manifest_path = folder / MANIFEST_NAME
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    size = 0
    for dataset, table in delivery.tables.items():
        path = folder / f"{dataset}.{delivery.formats[dataset]}"
        digest = _write_table(path, table)
        rows = table.num_rows + (1 if delivery.is_faulty else 0)
        files.append({"dataset": dataset, "file": path.name, "rows": rows, "sha256": digest})
        size += path.stat().st_size
    manifest = {
        "contract_version": "1",
        "period": period_code(delivery.period),
        "delivery": delivery.number,
        "delivered_at": delivery.delivered_at,
        "supplier": _SUPPLIER,
        "files": files,
    }
    # Whoever watches the folder must never see half a manifest.
    unfinished = folder / ".manifest.json.part"
    unfinished.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(manifest_path)
    return size


def _write_table(path: Path, table: pa.Table) -> str:
    if path.suffix == ".parquet":
        # Looking for dictionaries and smallest values of identifiers would take half of the time and help nobody.
        repeating = [field.name for field in table.schema if pa.types.is_dictionary(field.type) or field.name in _FEW]
        pq.write_table(
            table,
            path,
            compression="zstd",
            use_dictionary=repeating,
            write_statistics=[field.name for field in table.schema if not pa.types.is_string(field.type)],
            store_schema=False,
            store_decimal_as_integer=True,
            row_group_size=262_144,
        )
        with path.open("rb") as written:
            return hashlib.file_digest(written, "sha256").hexdigest()
    buffer = io.BytesIO()
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    pa_csv.write_csv(_as_text(table), buffer, options)
    content = buffer.getvalue()
    if path.suffix == ".gz":
        # No name and no time in the header: the same rows are the same bytes.
        content = gzip.compress(content, compresslevel=3, mtime=0)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _as_text(table: pa.Table) -> pa.Table:
    """Dictionaries and timestamps as the contract writes them in CSV."""
    for position, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(position, column.name, table[column.name].cast(pa.string()))
        elif pa.types.is_timestamp(column.type):
            # Casting is fifty times as fast as strftime.
            text = pc.replace_substring(table[column.name].cast(pa.timestamp("s")).cast(pa.string()), " ", "T")
            table = table.set_column(position, column.name, text)
    return table


# --- columns ----------------------------------------------------------------------------------------------------


def _person_ids(numbers: Ints) -> pa.Array:
    return _digits("", numbers, 10)


def _identifiers(prefix: str, numbers: npt.NDArray[np.integer]) -> pa.Array:
    return _digits(prefix, numbers.astype(np.int64), 8)


def _digits(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """Texts of a prefix and a number with leading zeros, written digit by digit: casting takes many times as long."""
    start = len(prefix)
    letters = np.empty((len(numbers), start + width), dtype=np.uint8)
    letters[:, :start] = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    rest = numbers
    for position in range(start + width - 1, start - 1, -1):
        tens = rest // 10
        letters[:, position] = rest - tens * 10 + ord("0")
        rest = tens
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * (start + width)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(letters))


def _labels(numbers: npt.NDArray[np.int8], labels: pa.Array) -> pa.Array:
    """Texts for small numbers, as a dictionary; a negative number is null."""
    positions = pa.array(numbers.astype(np.int32), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(positions, labels)


def _dates(days: npt.NDArray[np.int32], is_null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(days, type=pa.int32(), mask=is_null).cast(pa.date32())


def _decimals(
    scaled: npt.NDArray[np.int64], digits: int, places: int, is_null: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Decimals from whole numbers of their last place, by way of their memory: casting takes far longer."""
    memory = np.zeros((len(scaled), 2), dtype=np.int64)
    memory[:, 0] = scaled
    # The upper half of a 128-bit number repeats the sign.
    memory[:, 1] = scaled >> 63
    decimals = pa.Array.from_buffers(pa.decimal128(digits, places), len(scaled), [None, pa.py_buffer(memory)])
    return decimals if is_null is None else pc.if_else(pa.array(~is_null), decimals, None)


# --- faults: each gives a table of rows that break one rule -------------------------------------------------------


def _same(rows: pa.Table) -> pa.Table:
    return rows


def _put(column: str, value: str | None) -> Callable[[pa.Table], pa.Table]:
    def fault(rows: pa.Table) -> pa.Table:
        values = pa.array([value] * rows.num_rows, pa.string())
        is_dictionary = pa.types.is_dictionary(rows.schema.field(column).type)
        return _replace(rows, column, values.dictionary_encode() if is_dictionary else values)

    return fault


def _put_day(column: str, day: int) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: _replace(rows, column, pa.array([day] * rows.num_rows, pa.int32()).cast(pa.date32()))


def _put_integer(column: str, value: int) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: _replace(rows, column, pa.array([value] * rows.num_rows, pa.int32()))


def _put_number(column: str, value: float) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: _replace(
        rows, column, pa.array([value] * rows.num_rows, pa.float64()).cast(rows.schema.field(column).type)
    )


def _swap_dates(rows: pa.Table) -> pa.Table:
    """The last day before the first; a run of one day stays as it is, and is then the same row twice."""
    starts = rows["from_date"]
    return _replace(_replace(rows, "from_date", rows["to_date"]), "to_date", starts)


def _replace(rows: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(column), column, values)
