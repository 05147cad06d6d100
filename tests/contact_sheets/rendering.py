"""Renders states: the page of each, and everything that a browser asks for to show it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.test import Client

from tests.contact_sheets.stage import Stage
from tests.contact_sheets.state import State
from tests.contact_sheets.template_branches import RenderedTemplates
from tests.strict_templates import UnknownVariable

# Documents and pictures within a page, and parts that its scripts ask for.
_PARTS = re.compile(
    r'<(?:iframe|img)\b[^>]*?\bsrc="([^"]+)"|\bhx-get="([^"]+)"'
    r'|\bdata-(?:addresses|senders|outbox|states|document)="([^"]+)"'
)
# Headers that a server adds, or that are about the connection.
_DROPPED = frozenset({"content-length", "set-cookie", "vary"})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """
    A rendered state.

    :param path: address of the page, with its query
    :param parts: answers to what the page asks for, by address
    """

    state: State
    path: str
    answer: Answer
    parts: dict[str, Answer] = field(default_factory=dict)

    @property
    def is_document(self) -> bool:
        """Whether the answer is a whole page, and not a part that a script asks for."""
        return self.answer.body.lstrip()[:9].lower() == b"<!doctype"


@dataclass(frozen=True, slots=True)
class Rendering:
    """
    :param problems: a line for each state that is not shown
    :param routes: names of the routes that returned a page
    """

    pages: list[Page]
    problems: list[str]
    routes: set[str]
    templates: RenderedTemplates


def render_states(stage: Stage, states: Iterable[State], *, has_parts: bool) -> Rendering:
    """:param has_parts: whether what the pages ask for is rendered as well, for a browser"""
    rendering = Rendering([], [], set(), RenderedTemplates())
    by_scene: dict[Any, list[State]] = {}
    for state in states:
        by_scene.setdefault((state.group, state.scene), []).append(state)
    with rendering.templates.recording():
        for (_, scene), scene_states in by_scene.items():
            with _open_scene(stage, scene):
                for state in scene_states:
                    with stage.open_state():
                        _render_or_report(stage, state, rendering, has_parts=has_parts)
    return rendering


@contextmanager
def _open_scene(stage: Stage, scene: Callable[[Stage], Any] | None) -> Iterator[None]:
    if scene is None:
        yield
        return
    with stage.open_state():
        stage.scene = scene(stage)
        yield


def _render_or_report(stage: Stage, state: State, rendering: Rendering, *, has_parts: bool) -> None:
    try:
        response = state.show(stage)
        path = _check_response(state, response)
        if (match := response.wsgi_request.resolver_match) is not None:
            rendering.routes.add(match.view_name)
        answer = _read_answer(response)
        parts = _render_parts(response.client, path, answer) if has_parts else {}
        rendering.pages.append(Page(state, path, answer, parts))
    # `UnknownVariable` is no `Exception`.
    except (Exception, UnknownVariable) as error:  # noqa: BLE001 - any failure is reported
        rendering.problems.append(_describe_failure(state, error))


def _check_response(state: State, response: Any) -> str:
    """Return the address of the page."""
    path: str = response.wsgi_request.get_full_path()
    is_expected = getattr(response, "is_any_status", response.status_code == state.status)
    where = response.headers.get("Location", "")
    assert is_expected, f"{path} is answered {response.status_code} {where}"
    assert response["Content-Type"].startswith("text/html"), f"{path} is no page"
    return path


def _render_parts(client: Client, path: str, page: Answer) -> dict[str, Answer]:
    parts: dict[str, Answer] = {}
    for source, poll, data in _PARTS.findall(page.body.decode()):
        target = urlsplit(urljoin(path, unescape(source or poll or data)))
        asked = target.path + (f"?{target.query}" if target.query else "")
        is_own = not target.scheme and not asked.startswith(settings.STATIC_URL)
        if is_own and asked not in parts:
            headers = {"HX-Request": "true"} if poll else {}
            parts[asked] = _read_answer(client.get(asked, headers=headers))
    return parts


def _read_answer(response: Any) -> Answer:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    headers = {
        name: value for name, value in response.headers.items() if name.lower() not in _DROPPED
    }
    return Answer(response.status_code, headers, body)


def _describe_failure(state: State, error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    words = " ".join(str(error).split())[:400]
    return f"{state.name}: {type(error).__name__}: {words} ({where.filename}:{where.lineno})"
