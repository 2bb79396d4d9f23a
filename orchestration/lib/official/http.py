"""Asking a web service patiently: growing waits, a limit of tries, and errors that say who did what wrong.

Time is injected (`sleep`), so that tests of waits take none.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

USER_AGENT = "job-centre-measures (httpx)"

# 403 is seen for about an hour at a time with a valid key, so it is a passing fault here and not a refusal.
_PASSING_STATUSES = frozenset({403, 408, 429, 500, 502, 503, 504})

_logger = logging.getLogger(__name__)


class OfficialSourceError(RuntimeError):
    """A source could not give what was asked; the message says which source, what was asked and why."""


class SourceUnreachable(OfficialSourceError):
    """No answer at all: no network, no such host, connection refused or time-outs, after all tries."""


class SourceTimeout(SourceUnreachable):
    """The service was there but did not finish its answer in time; a smaller question may help."""


class SourceFault(OfficialSourceError):
    """The service answered with an error on every try."""


class KeyRefused(OfficialSourceError):
    """The service does not accept the key."""


class QueryRefused(OfficialSourceError):
    """The service understood the question and says no; `cause` is its own text."""

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class BadAnswer(OfficialSourceError):
    """The service said that all is well, and sent something that is not the agreed answer."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try and how long to wait (seconds): first_wait, then growth times as long, at most longest_wait."""

    tries: int = 4
    first_wait: float = 2.0
    growth: float = 3.0
    longest_wait: float = 90.0

    def wait(self, failed_tries: int, asked_for: float | None) -> float:
        """Seconds to wait after so many failed tries; the service may ask for more, up to the longest wait."""
        grown = self.first_wait * self.growth ** (failed_tries - 1)
        return min(max(grown, asked_for or 0.0), self.longest_wait)


class PatientClient:
    """Sends requests to one service and repeats those that fail in passing.

    `source` names the service in messages. Headers (which hold the key) never appear in a message.
    """

    def __init__(
        self,
        source: str,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 180.0,
        policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
        report: Callable[[str], None] = _logger.info,
    ) -> None:
        self.source = source
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._report = report
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT, **(headers or {})},
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 15.0)),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str) -> httpx.Response:
        """The answer to a GET; see `_ask` for the errors."""
        return self._ask("GET", url, None)

    def post(self, url: str, content: Mapping[str, Any]) -> httpx.Response:
        """The answer to a POST of JSON; see `_ask` for the errors."""
        return self._ask("POST", url, content)

    def _ask(self, method: str, url: str, content: Mapping[str, Any] | None) -> httpx.Response:
        """The first answer that is not a passing fault, whatever its status.

        Raises SourceTimeout, SourceUnreachable or SourceFault when all tries are used.
        """
        failed = 0
        while True:
            asked_for: float | None = None
            problem: OfficialSourceError
            try:
                response = self._client.request(method, url, json=content)
                if response.status_code not in _PASSING_STATUSES:
                    return response
                asked_for = _retry_after(response)
                problem = SourceFault(
                    f"{self.source}: HTTP {response.status_code} for {_path(url)}: {_start(response)}"
                )
            except httpx.TimeoutException as error:
                kind = SourceUnreachable if isinstance(error, httpx.ConnectTimeout) else SourceTimeout
                problem = kind(f"{self.source}: no answer in time for {_path(url)} ({type(error).__name__})")
            except httpx.ConnectError as error:
                problem = SourceUnreachable(f"{self.source}: can't be reached: is there a network? ({error})")
            except httpx.TransportError as error:
                problem = SourceUnreachable(f"{self.source}: can't be reached ({type(error).__name__}: {error})")
            failed += 1
            if failed >= self._policy.tries:
                raise type(problem)(f"{problem}, {failed} tries")
            seconds = self._policy.wait(failed, asked_for)
            self._report(f"{problem}; try {failed + 1} of {self._policy.tries} in {seconds:.0f} s")
            self._sleep(seconds)


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _path(url: str) -> str:
    return httpx.URL(url).path


def _start(response: httpx.Response) -> str:
    """The beginning of the body on one line: enough to recognise the fault."""
    return " ".join(response.text.split())[:160] or "(empty)"
