"""
Every text that Microsoft can deliver, and what this run does about it.

Those of mail and calendars come from the models of msgraph-sdk, which Microsoft generates from
Graph's own description: each says of its properties how they are read, and is asked. An answer of
nothing but canaries is made of the same, so that a new property is seeded without being told. What
leads from a resource to others, such as a calendar's events, comes only to whoever expands it, as
we do what differs from a series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.entity import Entity
from msgraph.generated.models.event import Event
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.mailbox_settings import MailboxSettings
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.main_error import MainError
from msgraph.generated.models.outlook_category import OutlookCategory

from integrations.providers import PROVIDERS
from tests.canaries.fields import CLAIMS

#: What is answered where a method's path ends in it, ids and what is asked of it left out.
RESOURCES: Final[Mapping[str, Any]] = {
    "mailFolders": MailFolder,
    "messages": Message,
    "attachments": FileAttachment,
    "masterCategories": OutlookCategory,
    "mailboxSettings": MailboxSettings,
    "calendar": Calendar,
    "calendars": Calendar,
    "events": Event,
    "calendarView": Event,
    "instances": Event,
}
#: What else answers: what is said of what went wrong.
_BESIDE: Final = frozenset({MainError})
#: Methods that answer with nothing of `RESOURCES`, and what they answer with.
BESIDE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "GET /subscriptions",
            "POST /subscriptions",
            "PATCH /subscriptions/{id}",
            "DELETE /subscriptions/{id}",
        ),
        "what we sent to make it, with an id and an expiry",
    ),
    "POST /$batch": "what each of its parts answers with, which are requests of these",
}
#: What our requests have expanded, by model: it comes along with the resource.
_EXPANDED: Final[Mapping[Any, tuple[str, ...]]] = {Event: ("exceptionOccurrences",)}
# https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
TOKEN_ERROR: Final = (
    "error", "error_description", "error_uri", "suberror", "trace_id", "correlation_id",
    "timestamp",
)  # fmt: skip
CALLBACK: Final = (
    "error", "error_description", "error_subcode", "error_uri", "session_state", "tenant", "scope",
    "admin_consent",
)  # fmt: skip
#: Of an id_token: those of OpenID, and Entra's own (learn.microsoft.com, "id-token-claims").
ENTRA_CLAIMS: Final = (
    *(one for one in CLAIMS[7:] if one != "name"), "upn", "verified_primary_email", "ctry", "acct",
    "login_hint", "family", "tenant_region_scope", "xms_pl", "xms_tpl", "vnet",
)  # fmt: skip
# Where names and ids of a resource lead to another request, they are the real ones.
_WITNESSED: Final = "the provider's id; the ones that we sent back are searched for as they were"
_TIME: Final = "a moment, which is no word"
EXPLAINED: Final[Mapping[str, str]] = {
    "Message.id": _WITNESSED,
    "Message.conversationId": _WITNESSED,
    "Message.parentFolderId": _WITNESSED,
    "FileAttachment.id": _WITNESSED,
    "MailFolder.id": _WITNESSED,
    "MailFolder.parentFolderId": _WITNESSED,
    "Calendar.id": _WITNESSED,
    "Event.seriesMasterId": _WITNESSED,
    "Event.start.dateTime": _TIME,
    "Event.end.dateTime": _TIME,
    "Event.exceptionOccurrences.start.dateTime": _TIME,
    "Event.exceptionOccurrences.end.dateTime": _TIME,
}
_PLACE: Final = re.compile(r"(url|uri|link)$", re.IGNORECASE)


class _Node:
    """What a model reads a property from: takes down how, and what of, and has nothing to give."""

    kind: str = ""
    model: Any = None

    def get_str_value(self) -> None:
        self.kind = "text"

    def get_enum_value(self, _: Any) -> None:
        # One of Graph's own words; there may be others than the model knows.
        self.kind = "text"

    def get_uuid_value(self) -> None:
        self.kind = "text"

    def get_collection_of_enum_values(self, _: Any) -> None:
        self.kind = "texts"

    def get_collection_of_primitive_values(self, of: Any) -> None:
        self.kind = "texts" if of is str else ""

    def get_object_value(self, model: Any) -> None:
        self.kind, self.model = "one", model

    def get_collection_of_object_values(self, model: Any) -> None:
        self.kind, self.model = "many", model

    def __getattr__(self, name: str) -> Any:
        # Numbers, moments, yes and no.
        return lambda *_: None


def fill_resource(model: Any, mark: str, at: str = "") -> dict[str, Any]:
    """Return a resource of which every text is a canary; what is no text is left out."""
    made: dict[str, Any] = {}
    for name, node in _properties(model, at):
        path = f"{at or model.__name__}.{name}"
        if node.kind in {"text", "texts"}:
            text = _text(mark, path)
            made[name] = text if node.kind == "text" else [text]
        elif node.kind:
            inside = fill_resource(node.model, mark, path)
            made[name] = inside if node.kind == "one" else [inside]
    return made


def make_error(mark: str, more: str) -> dict[str, Any]:
    """Return an error of Graph's; `more` stands at the end of its message: it is told by that."""
    made = fill_resource(MainError, mark)
    made["message"] += f"-{more}"
    return {"error": made}


def _text(mark: str, path: str) -> str:
    text = f"{mark}-{word(path)}"
    if _PLACE.search(path):
        return f"https://x.example/{text}"
    return f"{text}@x.example" if path.endswith(".address") else text


def word(path: str) -> str:
    """Return under which word the canary of a property is planted."""
    return "ms" + re.sub(r"[^a-z0-9]", "", path.lower())


def _properties(model: Any, at: str) -> Iterator[tuple[str, _Node]]:
    expanded = () if at else _EXPANDED.get(model, ())
    # The model, as it reads itself.
    for name, read in model().get_field_deserializers().items():
        node = _Node()
        read(node)
        if node.model is None or not issubclass(node.model, Entity) or name in expanded:
            yield name, node


def _texts(model: Any, at: str = "") -> Iterator[str]:
    for name, node in _properties(model, at):
        path = f"{at or model.__name__}.{name}"
        if node.model is not None:
            yield from _texts(node.model, path)
        elif node.kind:
            yield path


def deliverable() -> list[str]:
    """Return every text of every answer that we ask for."""
    models = {*RESOURCES.values(), *_BESIDE}
    return sorted(path for model in models for path in _texts(model))


def seeded() -> dict[str, str]:
    """Return by property the word under which its canary was planted."""
    found = {path: word(path) for path in deliverable() if path not in EXPLAINED}
    found |= {f"token.{one}": word(f"token.{one}") for one in TOKEN_ERROR}
    found |= {f"claim.{one}": word(f"claim.{one}") for one in ENTRA_CLAIMS}
    return {f"Microsoft {name}": planted for name, planted in found.items()}


def claims(mark: str) -> dict[str, str]:
    """Return what an id_token says besides who it is of."""
    return {one: f"{mark}-{word(f'claim.{one}')}" for one in ENTRA_CLAIMS}


def unaccounted() -> list[str]:
    """Return the methods of which nobody here knows the answer, and what is explained in vain."""
    methods = set().union(*(one.methods for one in PROVIDERS["microsoft"].capabilities.values()))
    unknown = {one for one in methods if not set(one.split("/")) & RESOURCES.keys()}
    stale = (EXPLAINED.keys() - set(deliverable())) | (BESIDE.keys() - methods)
    return sorted((unknown - BESIDE.keys()) | stale)
