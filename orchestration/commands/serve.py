"""Serve the current release on this machine: `python -m orchestration.commands.serve [--port 8080]`.

Follows `releases/current`, so that a new release is seen without a restart. Listens on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from orchestration.commands import end, port_number
from orchestration.commands.site import chosen_release
from orchestration.lib.settings import Settings, SettingsError
from orchestration.site.build import SiteError, publish_site


class _Handler(SimpleHTTPRequestHandler):
    """Files of the current release only: nothing beside it, no listings of folders."""

    # What a reader sees who follows a link to a page of an earlier release, or mistypes an address.
    error_message_format = """<!doctype html>
<html lang="da"><head><meta charset="utf-8"><title>%(code)d – Jobcentermål</title></head>
<body style="font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem">
<h1>Siden findes ikke</h1>
<p>Adressen passer ikke til nogen side i den aktuelle udgivelse. <a href="/site/index.html">Gå til forsiden</a>.</p>
<h2 lang="en">There is no such page</h2>
<p lang="en">No page of the current release has this address.
<a href="/site/en/index.html">Go to the front page</a>.</p>
</body></html>
"""

    def translate_path(self, path: str) -> str:
        # The link is followed anew for each request, and a path may not leave the release it names.
        root = Path(self.directory).resolve()
        wanted = Path(super().translate_path(path)).resolve()
        return str(wanted) if wanted == root or root in wanted.parents else str(root / "nothing")

    error_content_type = "text/html;charset=utf-8"

    def list_directory(self, path: object) -> None:
        self.send_error(404)

    # Of GET and HEAD alike.
    def send_head(self) -> io.BytesIO | BinaryIO | None:
        if self.path in ("", "/"):
            self.send_response(302)
            self.send_header("Location", "/site/index.html")
            self.end_headers()
            return None
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing for each request."""


def server(releases: Path, port: int) -> ThreadingHTTPServer:
    """A server of `releases/current`; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(releases / "current")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; exit status 0, or 2 when there is no release, no site of it, or the port is taken."""
    parser = argparse.ArgumentParser(prog="serve", description=__doc__)
    parser.add_argument("--port", type=port_number, default=8080)
    options = parser.parse_args(arguments)
    try:
        publish_site(chosen_release(None))
        with server(Settings.from_environment().releases, options.port) as running:
            print(f"serve: http://127.0.0.1:{running.server_port}/ (stop with Ctrl-C)", flush=True)
            running.serve_forever()
    except (SiteError, SettingsError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"serve: port {options.port} can't be used ({error.strerror}); choose another: make serve PORT=…",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    end(main)
