"""The focus goals in PostgreSQL: a server of its own in a temporary folder, loaded, analysed, then one query.

`… INPUTS RESULT.parquet`. Loading is told apart from the query. Run by root the server is run by the user `postgres`.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.bench.clock import Spent
from orchestration.bench.focus_goals.inputs import COLUMNS, Rules, read_rules, tell
from orchestration.bench.process_tree import cpu_so_far
from orchestration.lib.sql_text import sql_file, sql_literal

_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "1GB",
    "work_mem": "1GB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "max_parallel_workers_per_gather": str(os.cpu_count() or 1),
    "random_page_cost": "1.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
}
_TABLES = {
    "benefit_periods": """
        person_key bigint, benefit_code text, match_group_code text, municipality_code text, from_date date,
        to_date date, benefit_fraction numeric(18, 6), month date""",
    "conversations": """
        person_key bigint, conversation_type_code integer, contact_form text, status text, conversation_date date,
        month date""",
    "active_offers": "person_key bigint, month date",
    "ordinary_hours": "person_key bigint, paid_hours numeric(18, 6), month date",
    "months": """
        month date, as_of_date date, spell_gap_days integer, passive_minimum_months integer,
        activity_window_months integer, few_conversations_minimum integer, hours_limit numeric, hours_rule_id text,
        has_hole_in_window boolean, is_provisional boolean""",
    "due_rows": "month date, municipality_code text, benefit_group_code text",
}
# A key of 64 bits without a sign fits when the lower half of the range is moved below zero.
_KEY = "(person_key::hugeint - 9223372036854775808)::bigint as person_key"


class NoPostgres(RuntimeError):
    """PostgreSQL can't be run here; the message says why."""


@dataclass(frozen=True)
class _Server:
    """A running server: its programs, its folder (socket and files) and the id of its first process."""

    programs: Path
    folder: Path
    pid: int

    def run(self, statement: str, output: Path | None = None) -> Spent:
        """Run SQL with psql; what the server's processes spent on it. Raises CalledProcessError."""
        command = [str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        before, began = cpu_so_far(self.pid), time.perf_counter()
        with output.open("wb") if output else tempfile.TemporaryFile() as target:
            subprocess.run(
                [*command, "-U", _USER, "-d", "postgres", "-f", "-"],
                input=statement.encode(), stdout=target, check=True,
            )  # fmt: skip
        wall = time.perf_counter() - began
        time.sleep(0.5)  # until the session's process is counted by the server
        return Spent(wall, cpu_so_far(self.pid) - before)


def programs() -> Path:
    """The folder of the server's programs, the newest version installed. Raises NoPostgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    if initdb is None:
        raise NoPostgres("PostgreSQL is not installed (apt-get install postgresql)")
    return Path(initdb).resolve().parent


@contextmanager
def running_server() -> Iterator[_Server]:
    """A fresh server in a temporary folder; stopped and removed afterwards. Raises NoPostgres."""
    place = programs()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam(_USER)
        except KeyError:
            raise NoPostgres(f"root may not run PostgreSQL, and there is no user {_USER}") from None
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    data = folder / "data"
    try:
        subprocess.run(
            [*as_user, str(place / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*as_user, str(place / "postgres"), "-D", str(data), "-k", str(folder), *settings],
                stdout=log, stderr=log, cwd="/",
            )  # fmt: skip
        try:
            _wait(place, folder, server)
            yield _Server(place, folder, server.pid)
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder)


def _wait(place: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        ready = subprocess.run([str(place / "pg_isready"), "-q", "-h", str(folder)], check=False)
        if ready.returncode == 0:
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise NoPostgres("the server did not start: " + (folder / "log").read_text("utf-8", "replace")[-500:])


def load(server: _Server, folder: Path) -> Spent:
    """Bring the files into tables by COPY, and gather statistics."""
    total = Spent()
    with duckdb.connect(":memory:") as connection:
        for table, columns in _TABLES.items():
            names = [line.split()[0] for line in columns.replace("numeric(18, 6)", "numeric").split(",")]
            chosen = ", ".join(
                _KEY if name == "person_key" else "_period as month" if name == "month" and "key" in columns else name
                for name in names
            )
            source, file = sql_file(folder / f"{table}.parquet"), server.folder / f"{table}.csv"
            connection.execute(
                f"copy (select {chosen} from {source}) to {sql_literal(file)} (format csv, header false)"
            )
            file.chmod(0o644)
            spent = server.run(
                f"create unlogged table {table} ({columns}); copy {table} from {sql_literal(file)} with (format csv); "
                f"analyze {table};"
            )
            file.unlink()
            total.wall += spent.wall
            total.cpu += spent.cpu
    return total


def query(rules: Rules, gap: int, window: int) -> str:
    """One statement from the raw tables to fct_focus_goals."""

    def listed(codes: tuple[object, ...]) -> str:
        return ", ".join(str(code) if isinstance(code, int) else f"'{code}'" for code in codes)

    priority = " ".join(f"when '{code}' then {number}" for number, code in enumerate(rules.groups_in_scope))
    shares = {
        name: f"{name}_count::double precision / nullif(person_count, 0)"
        for name in ("passive", "few_conversations", "uncontacted")
    }
    return f"""
        with reached as (
            select *, max(to_date) over (
                partition by person_key order by from_date, to_date rows between unbounded preceding and 1 preceding
            ) as reached_date
            from benefit_periods
            where benefit_code in ({listed(rules.groups_in_scope)})
        ),
        started as (
            select *, max(
                case when reached_date is null or from_date > reached_date + 1 + {gap} then from_date end
            ) over (
                partition by person_key order by from_date, to_date rows unbounded preceding
            ) as spell_start
            from reached
        ),
        population as (
            select distinct on (started.person_key, months.month)
                started.person_key, months.month, months.hours_limit, months.few_conversations_minimum,
                started.municipality_code, started.benefit_code as benefit_group_code,
                (12 * extract(year from months.month) + extract(month from months.month))::integer as month_number
            from started
            inner join months on started.to_date = months.as_of_date
            where
                12 * (extract(year from months.month) - extract(year from spell_start))
                + extract(month from months.month) + 1 - extract(month from spell_start)
                - case when extract(day from spell_start) > 1 then 1 else 0 end >= months.passive_minimum_months
            order by
                started.person_key, months.month, case started.benefit_code {priority} end,
                started.benefit_fraction desc, started.from_date desc, started.municipality_code,
                started.match_group_code nulls last
        ),
        counted as (
            select person_key, month from conversations
            where
                status in ({listed(rules.held_statuses)})
                and conversation_type_code in ({listed(rules.counted_types)})
                and contact_form in ({listed(rules.counted_forms)})
            group by person_key, month, conversation_date, conversation_type_code
        ),
        events as (
            select person_key, month_number, municipality_code, benefit_group_code, hours_limit,
                few_conversations_minimum, month, 0 as conversations, 0 as offers, 0::numeric as hours
            from population
            union all
            select person_key, (12 * extract(year from month) + extract(month from month))::integer, null, null, null,
                null, null, conversations, offers, hours
            from (
                select person_key, month, 1 as conversations, 0 as offers, 0 as hours from counted
                union all
                select person_key, month, 0, 1, 0 from active_offers
                union all
                select person_key, month, 0, 0, paid_hours from ordinary_hours
            ) as activities
        ),
        evidence as (
            select month, municipality_code, benefit_group_code, hours_limit, few_conversations_minimum,
                sum(conversations) over last_months as conversations, sum(offers) over last_months as offers,
                sum(hours) over last_months as hours
            from events
            window last_months as (
                partition by person_key order by month_number range between {window - 1} preceding and current row
            )
        ),
        counts as (
            select
                month, coalesce(municipality_code, '0000') as municipality_code,
                coalesce(benefit_group_code, 'all') as benefit_group_code,
                count(*) as person_count,
                count(*) filter (where offers = 0 and hours < hours_limit) as passive_count,
                count(*) filter (where conversations < few_conversations_minimum) as few_conversations_count,
                count(*) filter (where offers = 0 and hours < hours_limit and conversations = 0) as uncontacted_count
            from evidence
            where month is not null
            group by month, cube (municipality_code, benefit_group_code)
        ),
        known as (
            select due_rows.month, due_rows.municipality_code, due_rows.benefit_group_code, hours_rule_id,
                is_provisional,
                case when not has_hole_in_window then coalesce(person_count, 0) end as person_count,
                case when not has_hole_in_window then coalesce(passive_count, 0) end as passive_count,
                case when not has_hole_in_window then coalesce(few_conversations_count, 0) end
                    as few_conversations_count,
                case when not has_hole_in_window then coalesce(uncontacted_count, 0) end as uncontacted_count
            from due_rows
            inner join months using (month)
            left join counts using (month, municipality_code, benefit_group_code)
        )
        select {
        ", ".join(
            f"{shares[name.removesuffix('_share')]} as {name}" if name.endswith("_share") else name for name in COLUMNS
        )
    }
        from known
    """


def main() -> None:
    """See the module; prints why it is left out when there is no server to be had."""
    try:
        measure(Path(sys.argv[1]), Path(sys.argv[2]))
    except NoPostgres as reason:
        print(json.dumps({"left_out": str(reason)}))


def measure(folder: Path, target: Path) -> None:
    """Load, query, write the result. Raises NoPostgres."""
    rules = read_rules(folder)
    with duckdb.connect(":memory:") as connection:
        gap, window = connection.execute(
            f"select max(spell_gap_days), max(activity_window_months) from {sql_file(folder / 'months.parquet')}"
        ).fetchone() or (0, 12)
        result = target.with_suffix(".csv")
        with running_server() as server:
            loading = load(server, folder)
            spent = server.run(f"copy ({query(rules, gap, window)}) to stdout with (format csv, header true)", result)
            version = subprocess.run(
                [str(server.programs / "postgres"), "--version"], check=True, capture_output=True, text=True
            ).stdout.split()[2]
        connection.execute(
            f"copy (select * from read_csv({sql_file(result)}, header = true, "
            f"types = {{'municipality_code': 'varchar', 'passive_share': 'double', "
            f"'few_conversations_share': 'double', 'uncontacted_share': 'double', "
            f"'is_provisional': 'boolean'}})) to {sql_literal(target)} (format parquet)"
        )
    result.unlink()
    tell(spent, version=version, load=vars(loading))


if __name__ == "__main__":
    main()
