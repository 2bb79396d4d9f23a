"""Lines for who waits at the terminal stay apart from what tools print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import subprocess, sys
from pathlib import Path
from orchestration.lib.progress import output_to, say
file = Path(sys.argv[1])
try:
    with output_to(file):
        print("printed")
        subprocess.run(["echo", "by a child"], check=True)
        print("an error", file=sys.stderr)
        subprocess.run("echo 'an error of a child' >&2", shell=True, check=True)
        say("said")
        raise ValueError
except ValueError:
    print("printed after")
    print("an error afterwards", file=sys.stderr)
"""


def test_only_what_is_said_reaches_the_terminal_while_tools_print(tmp_path: Path) -> None:
    file = tmp_path / "details.log"
    file.write_text("of the run before\n")
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(file)], capture_output=True, text=True, check=True)
    assert [line.split("] ")[-1] for line in done.stdout.splitlines()] == ["said", "printed after"]
    assert done.stderr == "an error afterwards\n"
    assert sorted(file.read_text().splitlines()) == ["an error", "an error of a child", "by a child", "printed"]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "details.log"
    subprocess.run([sys.executable, "-c", _PROGRAM, str(file)], capture_output=True, check=True)
    assert file.stat().st_mode & 0o777 == 0o600


def test_work_goes_on_when_nobody_reads_what_is_said() -> None:
    program = (
        "import sys; from orchestration.lib.progress import say, say_below; sys.stdin.read(); say('x'); say_below('y')"
    )
    started = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.close()
    started.communicate()
    assert started.returncode == 0


def test_lines_below_are_indented() -> None:
    program = "from orchestration.lib.progress import say_below; say_below('one\\ntwo')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "  one\n  two\n"
