"""Telling people when something is wrong: by e-mail (SMTP) and webhook, as the environment says.

JOBCENTER_ALERT_SMTP     smtp://host:25, smtp+starttls://user:password@host:587 or smtps://user:password@host:465
JOBCENTER_ALERT_MAIL_TO  addresses, comma between; JOBCENTER_ALERT_MAIL_FROM the sender
JOBCENTER_ALERT_WEBHOOK  an address that takes a POST of {"subject": …, "text": …} as JSON

No personal data leave by this way: ten digits in a row are struck out of every text.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from orchestration.lib.pseudonyms import without_personal_numbers
from orchestration.lib.settings import SettingsError

_TIMEOUT_SECONDS = 15
_MOST_LINES = 50
_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class AlertSettings:
    """Where alerts go; nowhere when neither way is set. Addresses with passwords are kept out of `repr`."""

    smtp: str | None = field(default=None, repr=False)
    mail_to: tuple[str, ...] = ()
    mail_from: str = "jobcenter-insight@localhost"
    webhook: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a password that would go over the network in clear, with SettingsError."""
        place = urlsplit(self.smtp or "")
        if place.scheme == "smtp" and "@" in place.netloc:
            raise SettingsError(
                "JOBCENTER_ALERT_SMTP: smtp:// would send name and password in clear; smtp+starttls:// and smtps:// "
                "send them encrypted."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> AlertSettings:
        """Read the variables named above. Raises SettingsError naming the one that can't be used."""
        values = os.environ if environment is None else environment
        smtp = values.get("JOBCENTER_ALERT_SMTP") or None
        mail_to = tuple(
            part.strip() for part in (values.get("JOBCENTER_ALERT_MAIL_TO") or "").split(",") if part.strip()
        )
        webhook = values.get("JOBCENTER_ALERT_WEBHOOK") or None
        if smtp is not None and (urlsplit(smtp).scheme not in _SCHEMES or not urlsplit(smtp).hostname):
            raise SettingsError("JOBCENTER_ALERT_SMTP must look like smtp://host:25, smtp+starttls://… or smtps://….")
        if (smtp is None) != (not mail_to):
            raise SettingsError("JOBCENTER_ALERT_SMTP and JOBCENTER_ALERT_MAIL_TO must be set both, or neither.")
        if webhook is not None and urlsplit(webhook).scheme not in ("http", "https"):
            raise SettingsError("JOBCENTER_ALERT_WEBHOOK must be an http or https address.")
        sender = values.get("JOBCENTER_ALERT_MAIL_FROM") or cls.mail_from
        return cls(smtp=smtp, mail_to=mail_to, mail_from=sender, webhook=webhook)

    @property
    def is_set(self) -> bool:
        """Whether there is any way to tell somebody."""
        return self.smtp is not None or self.webhook is not None


@dataclass(frozen=True)
class Alert:
    """What is told: one subject, and one line for each thing that is wrong."""

    subject: str
    lines: Sequence[str]

    def text(self) -> str:
        """The message, without anything that looks like a CPR number, and not endless."""
        shown = [clean(line) for line in self.lines[:_MOST_LINES]]
        if len(self.lines) > _MOST_LINES:
            shown.append(f"… and {len(self.lines) - _MOST_LINES} more")
        return "\n".join(shown) + "\n"


def clean(text: str) -> str:
    """One line without anything that could be a CPR number, at most 500 characters."""
    return without_personal_numbers(" ".join(text.split()))[:500]


def send(alert: Alert, settings: AlertSettings) -> list[str]:
    """Send an alert by every way that is set; returns what went wrong, one message per way that failed.

    An alert that can't be sent must not stop the work that it is about, so nothing is raised.
    """
    problems = []
    if settings.smtp is not None:
        try:
            _send_mail(alert, settings)
        except (OSError, smtplib.SMTPException) as error:
            problems.append(f"the e-mail could not be sent ({type(error).__name__})")
    if settings.webhook is not None:
        try:
            _call_webhook(alert, settings.webhook)
        except (OSError, ValueError) as error:
            problems.append(f"the webhook could not be called ({type(error).__name__})")
    return problems


def _send_mail(alert: Alert, settings: AlertSettings) -> None:
    place = urlsplit(settings.smtp or "")
    message = EmailMessage()
    message["Subject"] = f"[jobcenter-insight] {clean(alert.subject)}"
    message["From"] = settings.mail_from
    message["To"] = ", ".join(settings.mail_to)
    message.set_content(alert.text())
    host, port = place.hostname or "", place.port or _SCHEMES[place.scheme]
    tls = ssl.create_default_context()
    server: smtplib.SMTP
    if place.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
    with server:
        if place.scheme == "smtp+starttls":
            server.starttls(context=tls)
        if place.username:
            server.login(unquote(place.username), unquote(place.password or ""))
        server.send_message(message)


def _call_webhook(alert: Alert, address: str) -> None:
    body = json.dumps({"subject": clean(alert.subject), "text": alert.text()}, ensure_ascii=False).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json; charset=utf-8"}, method="POST")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
        return
