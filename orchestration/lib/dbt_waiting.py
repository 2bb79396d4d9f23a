"""A dbt that has started before it is needed: it imports and reads the manifest while the deliveries are loaded.

`waiting_dbt` starts it. `python -m orchestration.lib.dbt_waiting build …`, which Dagster starts as its dbt, hands it
arguments, environment, folder and output, and ends with its exit status. It serves once; without it, or when it has
gone, dbt starts as it always does.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

from orchestration.lib import garbage
from orchestration.lib.settings import PROJECT_ROOT

# The environment variable that names the socket of a dbt that waits.
WAITING = "JOBCENTER_DBT_WAITING"
_WAIT = "--wait"
_LENGTH = 8
# What the models in Python import, and DuckDB when it gives them rows.
_OF_PYTHON_MODELS = (
    "numpy.ma",
    "orchestration.lib.benefit_level",
    "orchestration.lib.category",
    "orchestration.lib.correlation_table",
    "orchestration.lib.funnel_table",
)


@contextlib.contextmanager
def waiting_dbt(parsed: Path) -> Iterator[None]:
    """Let a dbt start and wait, with the manifest of that `partial_parse.msgpack`, for as long as the block runs.

    Where there is no place for its socket none waits, and dbt starts when it is needed.
    """
    try:
        # Of its own: a socket's path may have 107 characters, a data folder's more.
        folder = Path(tempfile.mkdtemp(prefix="jobcenter-"))
    except OSError:
        yield
        return
    address = folder / "dbt"
    # Ended before it has served, it leaves semaphores to Python, which would say so on the terminal.
    quiet = ["-W", "ignore:resource_tracker:UserWarning"]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(1)
        process = subprocess.Popen(
            [sys.executable, *quiet, "-m", "orchestration.lib.dbt_waiting", _WAIT, str(listener.fileno()), str(parsed)],
            stdin=subprocess.PIPE,
            cwd=PROJECT_ROOT,
            pass_fds=[listener.fileno()],
        )
    os.environ[WAITING] = str(address)
    try:
        yield
    finally:
        os.environ.pop(WAITING, None)
        assert process.stdin is not None
        process.stdin.close()  # which ends it
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _serve(listening: int, parsed: Path) -> None:
    """Wait for one request, run it with its environment, folder and output, and answer its exit status."""
    with socket.socket(fileno=listening) as listener:
        folder = Path(listener.getsockname()).parent
        threading.Thread(target=_end_with_the_starter, args=[folder], daemon=True).start()
        from orchestration.lib import dbt_parsed
        from orchestration.lib.dbt_manifest import PARSED

        manifest = dbt_parsed.read_manifest(parsed)
        for name in _OF_PYTHON_MODELS:
            importlib.import_module(name)
        dbt_parsed.warm_up(manifest)
        garbage.keep_what_is_here()
        connection, _ = listener.accept()
    # Nobody else is served; and a starter that is killed later can't remove it any more.
    shutil.rmtree(folder, ignore_errors=True)
    with connection:
        length, outputs, _, _ = socket.recv_fds(connection, _LENGTH, 2)
        request = json.loads(_received(connection, int.from_bytes(length)))
        for own, given in zip((1, 2), outputs, strict=True):
            os.dup2(given, own)
            os.close(given)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        if os.environ.get(PARSED) == str(parsed):
            status = dbt_parsed.run(request["arguments"], manifest)
        else:
            status = dbt_parsed.main(request["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status]))


def _run_by_the_waiting(arguments: list[str]) -> int | None:
    """dbt's exit status, or None when no dbt waits. A dbt that dies on the way has failed: status 2."""
    address = os.environ.get(WAITING)
    if address is None:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        request = {"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}
        content = json.dumps(request).encode()
        try:
            socket.send_fds(connection, [len(content).to_bytes(_LENGTH)], [1, 2])
            connection.sendall(content)
            status = connection.recv(1)
        except ConnectionError:
            status = b""
    if not status:
        print("dbt ended before it had answered", file=sys.stderr)
        return 2
    return status[0]


def _end_with_the_starter(folder: Path) -> None:
    """A pipeline that is killed leaves no dbt behind that goes on writing, and no folder of its socket."""
    # Not by `sys.stdin`, whose lock Python wants for itself when it ends.
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(2)


def _received(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        part = connection.recv(length - len(content))
        if not part:
            raise ConnectionError("the request ended too early")
        content += part
    return content


class _NoPandas(MetaPathFinder):
    """Lets nobody import pandas in this process.

    The models in Python return Arrow tables; PyArrow and DuckDB import pandas where they find it, only to ask whether
    what they are given is of pandas: half a second and 60 MB. (PyArrow does not understand None among the modules.)
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not for this process", name=fullname)


def main(arguments: list[str]) -> int:
    """Wait for a request, or run dbt: by the one that waits, else here."""
    garbage.search_seldom()
    sys.meta_path.insert(0, _NoPandas())
    if arguments[:1] == [_WAIT]:
        _serve(int(arguments[1]), Path(arguments[2]))
        return 0
    status = _run_by_the_waiting(arguments)
    if status is None:
        from orchestration.lib import dbt_parsed

        status = dbt_parsed.main(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
