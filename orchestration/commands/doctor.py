"""`make doctor`: the state of the installation. Exit status 0 without problems, 1 with. Changes nothing.

With --alert, problems and overdue months are also sent by the ways that the JOBCENTER_ALERT_ variables name: for a
timer, where Dagster's daemon does not run.
"""

from __future__ import annotations

import argparse
from datetime import date

from orchestration.commands import end
from orchestration.lib.operations import alerts, doctor
from orchestration.lib.progress import counted, say
from orchestration.lib.settings import Settings, SettingsError

_MARKS = {"ok": "ok     ", "warning": "WARNING", "problem": "PROBLEM"}


def main(arguments: list[str] | None = None) -> int:
    """Print all findings; see the module for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.commands.doctor", description=__doc__)
    parser.add_argument("--alert", action="store_true", help="send problems and overdue months")
    parser.add_argument("--on", type=date.fromisoformat, default=None, help="judge deadlines as of this day (today)")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        where = alerts.AlertSettings.from_environment()
    except SettingsError as error:
        say(str(error))
        return 1
    findings = doctor.examine(settings, options.on or date.today())
    for finding in findings:
        print(f"{_MARKS[finding.level]}  {finding.topic:12} {alerts.clean(finding.text)}", flush=True)
    problems = [finding for finding in findings if finding.level == "problem"]
    if options.alert:
        told = [one for one in findings if one.level == "problem" or (one.topic == "months" and one.level == "warning")]
        if told:
            lines = [f"{one.topic}: {one.text}" for one in told]
            for trouble in alerts.send(
                alerts.Alert(f"doctor: {counted(len(told), 'finding', 'findings')}", lines), where
            ):
                say(f"alert: {trouble}")
    print(counted(len(problems), "problem", "problems"), flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    end(main)
