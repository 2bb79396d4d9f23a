"""Alerts reach a local mail server and a local webhook, and carry no CPR number."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from orchestration.commands import doctor as doctor_command
from orchestration.commands import pipeline
from orchestration.defs.operations import sensors
from orchestration.lib.operations.alerts import Alert, AlertSettings, send
from orchestration.lib.settings import SettingsError
from tests.support.landing import benefit_rows, load, make_settings, write_delivery

CANARY = "6101509999"


class _MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a sender needs."""

    def handle(self) -> None:
        received: list[str] = self.server.received  # type: ignore[attr-defined]
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(text)
                received.append("".join(lines))
            self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            if verb == "QUIT":
                return


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tests need no access log."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[list]:
    server.received = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.received  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], list[dict[str, str]]]]:
    """A mail server and a webhook, and the environment that names them."""
    mail_server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailHandler)
    hook_server = HTTPServer(("127.0.0.1", 0), _HookHandler)
    monkeypatch.setenv("JOBCENTER_ALERT_SMTP", f"smtp://127.0.0.1:{mail_server.server_address[1]}")
    monkeypatch.setenv("JOBCENTER_ALERT_MAIL_TO", "drift@example.org, vagt@example.org")
    monkeypatch.setenv("JOBCENTER_ALERT_WEBHOOK", f"http://127.0.0.1:{hook_server.server_address[1]}/hook")
    with serving(mail_server) as mails, serving(hook_server) as calls:
        yield mails, calls


def test_both_ways_carry_the_alert_without_numbers(receivers: tuple[list[str], list[dict[str, str]]]) -> None:
    mails, calls = receivers
    alert = Alert(f"kørslen fejlede {CANARY}", [f"række {CANARY}", "190175-1234 står her", *map(str, range(60))])
    assert send(alert, AlertSettings.from_environment()) == []
    (mail,), (call,) = mails, calls
    message = message_from_bytes(mail.encode(), policy=default)
    assert message["To"] == "drift@example.org, vagt@example.org"
    assert message["Subject"] == "[jobcenter-insight] kørslen fejlede <ten digits>"
    text = message.get_content()
    assert "række <ten digits>" in text and "… and 12 more" in text
    assert call["subject"] == "kørslen fejlede <ten digits>" and call["text"].splitlines() == text.splitlines()
    assert CANARY not in mail + str(call) and "190175" not in mail + str(call)


def test_a_password_never_goes_over_the_network_in_clear() -> None:
    for place in ("smtp://drift:secret@127.0.0.1:25", "smtp://drift@127.0.0.1"):
        with pytest.raises(SettingsError, match=r"smtp\+starttls") as told:
            AlertSettings(smtp=place, mail_to=("a@example.org",))
        with pytest.raises(SettingsError, match="JOBCENTER_ALERT_SMTP"):
            AlertSettings.from_environment({"JOBCENTER_ALERT_SMTP": place, "JOBCENTER_ALERT_MAIL_TO": "a@example.org"})
        assert "secret" not in str(told.value)
    for place in ("smtp+starttls://drift:secret@127.0.0.1:587", "smtps://drift:secret@127.0.0.1"):
        assert AlertSettings(smtp=place, mail_to=("a@example.org",)).is_set


def test_a_receiver_that_is_down_is_told_and_raises_nothing() -> None:
    where = AlertSettings(smtp="smtp://127.0.0.1:1", mail_to=("a@example.org",), webhook="http://127.0.0.1:1/")
    problems = send(Alert("x", ["y"]), where)
    assert len(problems) == 2 and "e-mail" in problems[0] and "webhook" in problems[1]


@pytest.mark.parametrize(
    "environment",
    [
        {"JOBCENTER_ALERT_SMTP": "mail.example.org", "JOBCENTER_ALERT_MAIL_TO": "a@example.org"},
        {"JOBCENTER_ALERT_SMTP": "smtp://mail.example.org"},
        {"JOBCENTER_ALERT_MAIL_TO": "a@example.org"},
        {"JOBCENTER_ALERT_WEBHOOK": "file:///etc/passwd"},
    ],
)
def test_settings_that_can_not_work_are_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="JOBCENTER_ALERT_"):
        AlertSettings.from_environment(environment)


def test_a_pipeline_that_stops_is_told(
    receivers: tuple[list[str], list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JOBCENTER_LANDING", str(tmp_path / "absent"))
    monkeypatch.setenv("JOBCENTER_DATA", str(tmp_path / "data"))
    assert pipeline.main() == pipeline.EXIT_SET_UP
    assert len(receivers[0]) == 1 and "absent is no folder" in receivers[1][0]["text"]


def test_an_overdue_month_is_told_once(
    receivers: tuple[list[str], list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2024-01", 1, {"benefit_periods": benefit_rows("2024-01", 60)})
    load(settings, now=datetime(2024, 3, 1, tzinfo=UTC))
    monkeypatch.setenv("JOBCENTER_LANDING", str(settings.landing))
    monkeypatch.setenv("JOBCENTER_DATA", str(settings.data))
    context = dg.build_sensor_context()
    sensors.alert_missing_month(context)
    assert len(receivers[0]) == 1
    assert "2024-01 was due on 2024-03-15: missing" in receivers[1][0]["text"]
    sensors.alert_missing_month(dg.build_sensor_context(cursor=context.cursor))
    assert len(receivers[0]) == 1


def test_a_failed_run_is_told_with_the_checks_that_failed(
    receivers: tuple[list[str], list[dict[str, str]]],
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("gx_raw", asset="figures", blocking=True)])
    def figures() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(asset_key="figures", check_name="gx_raw", passed=False)
        raise ValueError(f"row {CANARY}")

    job = dg.define_asset_job("pipeline", selection="*")
    definitions = dg.Definitions(assets=[figures], jobs=[job])
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("pipeline").execute_in_process(instance=instance, raise_on_error=False)
        event = next(event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE")
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_failed_run",
            dagster_event=event,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        sensors.alert_failed_run(context)
    assert "check failed: figures: gx_raw" in receivers[1][0]["text"]
    assert CANARY not in receivers[0][0] + receivers[1][0]["text"]


def test_the_doctor_tells_with_alert(
    receivers: tuple[list[str], list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path)
    write_delivery(settings.landing, "2024-01", 1, {"benefit_periods": benefit_rows("2024-01", 60)})
    load(settings, now=datetime(2024, 3, 1, tzinfo=UTC))
    monkeypatch.setenv("JOBCENTER_LANDING", str(settings.landing))
    monkeypatch.setenv("JOBCENTER_DATA", str(settings.data))
    monkeypatch.setenv("JOBCENTER_KEY", "short")
    assert doctor_command.main(["--alert", "--on", "2024-03-16"]) == 1
    told = receivers[1][0]["text"]
    assert "overdue: 2024-01" in told and "The key in JOBCENTER_KEY has 5 bytes" in told
