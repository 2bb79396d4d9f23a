"""What the Makefile calls: ``python -m orchestration.commands.<name>``."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from orchestration.lib import garbage

# Before a command imports anything.
garbage.search_seldom()


def end(main: Callable[[], int], text: str | None = None) -> NoReturn:
    """Run a command and end with its status; with 141, as other programs do, when nobody reads its output any more.

    ``text`` is for a command without options: ``--help`` prints it, and any other word ends with 2 before anything is
    done.
    """
    if text is not None:
        _refuse_options(text)
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would write the rest again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 128 + signal.SIGPIPE
    # Python would look through millions of objects for circles before it lets go of them all: two seconds for nothing.
    gc.freeze()
    sys.exit(status)


def port_number(text: str) -> int:
    """The port that an option names; raises the error of which argparse makes a message."""
    import argparse

    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _refuse_options(text: str) -> None:
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"python -m orchestration.commands.{Path(sys.argv[0]).stem}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
