"""Renders Vega-Lite charts for `drawer.py`, in a process of its own; run as a script, it imports vl-convert alone.

Reads a line of JSON for each chart (the arguments of `vegalite_to_svg`) and answers with a line of JSON: `svg`, or
`error` when the chart can't be drawn. Ends when its input ends, as it does when the process that started it dies.
"""

from __future__ import annotations

import json
import sys

import vl_convert


def main() -> None:
    """Answer every line of the input."""
    # The engine starts on its first chart, in about a second: now, while the first chart's figures are being read.
    vl_convert.vegalite_to_svg({"data": {"values": []}, "mark": "point"}, vl_version="v5.21")
    for line in sys.stdin:
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(**json.loads(line))}
        except ValueError as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody waits for an answer any more.
        sys.exit(1)
