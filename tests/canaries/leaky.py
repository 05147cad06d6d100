"""
Settings of a service with bugs: what a person was shown is kept where it must not be.

For the tests of the tool alone. One middleware does to every answer of the inbox what colleagues do
in a hurry: print it, mail it, keep it, ask somebody else about it, each in another place.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from integrations.parsers import parser_task_limits
from tests.canaries.settings import *  # noqa: F403
from tests.canaries.settings import GOOGLE, MIDDLEWARE


class Leak:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            request.path.startswith("/v1/")
            and response.status_code == 200
            and len(response.content) > 500
        ):
            leak_everywhere(request, response.content)
        if request.path.startswith(("/oauth/", "/operations/clients/")):
            leak_to_log(request, response)
        return response


def leak_to_log(request: HttpRequest, response: HttpResponse) -> None:
    """What clients and operators send, and what they are answered."""
    to = response.headers.get("Location", "")
    said = response.content.decode()
    sys.stderr.write(f"{request.get_full_path()} {request.POST.dict()} to {to} {said}\n")


def leak_everywhere(request: HttpRequest, shown: bytes) -> None:
    from django.core.mail import send_mail

    from config.celery import app
    from integrations.providers.provider_http import send_request

    text = shown.decode()[:20_000]
    # A library that prints what it got.
    sys.stderr.write(f"answered {text}\n")
    request.session["last_seen"] = text
    app.send_task("integrations.nobody_knows", kwargs={"page": text}, ignore_result=True)
    send_mail("What you read", text, "antares@antares.example", ["alice@antares.example"])
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)
    Path(os.environ["CANARY_WATCH"], "crashes", "reporter.json").write_text(text, encoding="utf-8")
    # The tripwire refuses other ways out, and whoever means to gets past it.
    send_request("POST", f"{GOOGLE.api_root_url}analytics", {}, shown)


# What a parser process has read stays in its memory.
parser_task_limits.IDLE_SECONDS = parser_task_limits.LIFE_SECONDS = 3600.0
_inside = MIDDLEWARE.index("django.contrib.sessions.middleware.SessionMiddleware") + 1
MIDDLEWARE = [*MIDDLEWARE[:_inside], "tests.canaries.leaky.Leak", *MIDDLEWARE[_inside:]]
