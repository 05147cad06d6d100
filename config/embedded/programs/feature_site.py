"""A feature's own site on this machine: one page, before and after the hand-over."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from antares_client import (
    Antares,
    AntaresError,
    ApiClient,
    DelegationEnded,
    HandedOver,
    HandOverDeclined,
    PendingHandOver,
)

_STYLE: Final = "body{font:1rem/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem}"

#: Returns the lines that the page shows of a person's data.
ListLines = Callable[[ApiClient], Iterable[str]]


@dataclass(slots=True)
class _Visitor:
    pending: PendingHandOver | None = None
    handed_over: HandedOver | None = None
    notice: str = ""


@dataclass(slots=True)
class FeatureSite:
    """
    :param redirect_uri: the registered address; the site listens at its host and port
    :param list_lines: what the feature shows of the person's data
    """

    antares: Antares
    title: str
    purpose: str
    redirect_uri: str
    list_lines: ListLines
    _visitors: dict[str, _Visitor] = field(default_factory=dict)

    @property
    def cookie_name(self) -> str:
        # Browsers send the cookies of a host to all of its ports, and so to the other programs.
        return f"feature_session_{urlsplit(self.redirect_uri).port}"

    def serve(self) -> None:
        """Serve until Ctrl-C."""
        parts = urlsplit(self.redirect_uri)
        server = ThreadingHTTPServer((parts.hostname or "", parts.port or 80), _make_handler(self))
        sys.stdout.write(f"{self.title}: open http://{parts.netloc}/\n")
        sys.stdout.flush()
        with server, suppress(KeyboardInterrupt):
            server.serve_forever()

    def get_visitor(self, cookie: str) -> tuple[str, _Visitor]:
        """Return the visitor with the session's key; a new one for an unknown cookie."""
        # Not by `SimpleCookie`: one name of another program that it refuses would hide all others.
        parts = (part.strip().partition("=") for part in cookie.split(";"))
        key = next((value for name, _, value in parts if name == self.cookie_name), "")
        if key not in self._visitors:
            key = secrets.token_urlsafe(24)
            self._visitors[key] = _Visitor()
        return key, self._visitors[key]

    def begin(self, visitor: _Visitor) -> str:
        """Return the address to which the person is sent."""
        address: str
        address, visitor.pending = self.antares.begin_hand_over(
            purpose=self.purpose, redirect_uri=self.redirect_uri
        )
        return address

    def come_back(self, visitor: _Visitor, query: str) -> None:
        pending, visitor.pending = visitor.pending, None
        if pending is None:
            visitor.notice = "Please start again."
            return
        try:
            visitor.handed_over = self.antares.complete_hand_over(pending, query)
        except HandOverDeclined as answer:
            visitor.notice = f"Antares did not let this feature in: {answer.description}"
        except (AntaresError, httpx.RequestError) as error:
            visitor.notice = f"Antares did not let this feature in: {error}"

    def render(self, visitor: _Visitor) -> str:
        notice, visitor.notice = visitor.notice, ""
        body = f"<p role='status'>{escape(notice)}</p>" if notice else ""
        handed_over = visitor.handed_over
        if handed_over is None:
            body += "<p><a href='/start'>Ask Antares for my data</a></p>"
        else:
            body += self._render_data(visitor, handed_over)
        return (
            f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(self.title)}"
            f"</title><meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
            f"<h1>{escape(self.title)}</h1>{body}"
        )

    def _render_data(self, visitor: _Visitor, handed_over: HandedOver) -> str:
        api = self.antares.act_for_person(handed_over.delegation, purpose=self.purpose)
        try:
            lines = list(self.list_lines(api))
        except DelegationEnded as refusal:
            visitor.handed_over = None
            return (
                f"<p role='status'>{escape(refusal.description)}</p>"
                "<p><a href='/start'>Ask again</a></p>"
            )
        except (AntaresError, httpx.RequestError) as error:
            return f"<p role='alert'>{escape(str(error))}</p>"
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        return f"<p>For {escape(handed_over.platform_user)}:</p><ul>{items}</ul>"


def _make_handler(site: FeatureSite) -> type[BaseHTTPRequestHandler]:
    callback = urlsplit(site.redirect_uri).path

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            key, visitor = site.get_visitor(self.headers.get("Cookie", ""))
            if parts.path == "/start":
                self._redirect(site.begin(visitor), key)
            elif parts.path == callback:
                site.come_back(visitor, parts.query)
                # The address with the code leaves the browser's history.
                self._redirect("/", key)
            elif parts.path == "/":
                self._answer(site.render(visitor), key)
            else:
                self.send_error(404)

        def _redirect(self, address: str, key: str) -> None:
            self.send_response(303)
            self.send_header("Location", address)
            self._end_headers(key)

        def _answer(self, page: str, key: str) -> None:
            content = page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self._end_headers(key)
            self.wfile.write(content)

        def _end_headers(self, key: str) -> None:
            self.send_header(
                "Set-Cookie", f"{site.cookie_name}={key}; HttpOnly; SameSite=Lax; Path=/"
            )
            self.send_header("Cache-Control", "no-store")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing: a request line may hold a code."""

    return Handler
