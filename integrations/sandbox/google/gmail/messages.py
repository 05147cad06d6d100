"""users.messages, without sending."""

from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail import listing
from integrations.sandbox.google.gmail.ask import MAX_INSERT_BYTES, Ask
from integrations.sandbox.google.gmail.dates import date_header
from integrations.sandbox.google.scopes import AUTH, METADATA
from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.rendering import url64

MAX_BATCH = 1_000
CONTENT_SCOPES = frozenset(
    {f"{AUTH}gmail.readonly", f"{AUTH}gmail.modify", "https://mail.google.com/"}
)


def list_(ask: Ask) -> dict[str, Any]:
    return listing.messages(ask)


def form_of(ask: Ask) -> tuple[str, frozenset[str]]:
    """
    The format, and for metadata the headers wanted.

    :raises Problem: a content format with the metadata scope alone
    """
    form = ask.choice("format", "full")
    if METADATA in ask.scopes and not ask.scopes & CONTENT_SCOPES and form in ("full", "raw"):
        raise problems.metadata_scope_forbids_format(form)
    return form, frozenset(name.lower() for name in ask.texts("metadataHeaders"))


def get(ask: Ask) -> bytes:
    form, only = form_of(ask)
    entry = ask.entry(ask.path["id"])
    if ask.omissions.from_get(entry.id):
        raise problems.not_found()
    return ask.gallery.message(entry, form, only)


def brief(entry: Entry) -> dict[str, Any]:
    """What changes answer with."""
    return listing.reference(entry) | {"labelIds": sorted(entry.labels)}


def modify(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    entry = ask.entry(ask.path["id"])
    ask.box.relabel(
        entry, add=ask.labels("addLabelIds", body), remove=ask.labels("removeLabelIds", body)
    )
    return brief(entry)


def trash(ask: Ask) -> dict[str, Any]:
    entry = ask.entry(ask.path["id"])
    ask.box.trash(entry)
    return brief(entry)


def untrash(ask: Ask) -> dict[str, Any]:
    entry = ask.entry(ask.path["id"])
    ask.box.relabel(entry, remove=["TRASH"])
    return brief(entry)


def delete(ask: Ask) -> None:
    ask.box.delete(ask.entry(ask.path["id"]))


def _known(ask: Ask, body: dict[str, Any]) -> list[Entry]:
    """Ids that do not exist are passed over, as Gmail promises nothing about them."""
    ids = body.get("ids") or []
    if not ids:
        raise problems.invalid_argument("No message ids specified.")
    if len(ids) > MAX_BATCH:
        raise problems.invalid_argument("Too many message ids in request.")
    found = (ask.box.entries.get(ask.number(each)) for each in ids)
    return [entry for entry in found if entry]


def batch_modify(ask: Ask) -> None:
    body = ask.json()
    add, remove = ask.labels("addLabelIds", body), ask.labels("removeLabelIds", body)
    for entry in _known(ask, body):
        ask.box.relabel(entry, add=add, remove=remove)


def batch_delete(ask: Ask) -> None:
    for entry in _known(ask, ask.json()):
        ask.box.delete(entry)


def insert(ask: Ask) -> dict[str, Any]:
    """Insert and import: straight into the mailbox, dated by the header if asked."""
    body = ask.json()
    raw = ask.raw_of(body, limit=MAX_INSERT_BYTES)
    default = "dateHeader" if ask.method.id.endswith("import") else "receivedTime"
    by_header = ask.text("internalDateSource", default) == "dateHeader"
    thread = body.get("threadId")
    entry = ask.box.add(
        raw,
        ask.labels("labelIds", body),
        date=date_header(raw) if by_header else None,
        thread_id=ask.thread(thread)[0].thread_id if thread else None,
    )
    return brief(entry)


def attachment(ask: Ask) -> dict[str, Any]:
    entry = ask.entry(ask.path["messageId"])
    data = ask.gallery.attachment(entry, ask.path["id"])
    if data is None:
        raise problems.invalid_argument("Invalid attachment token")
    return {"size": len(data), "data": url64(data)}


def profile(ask: Ask) -> dict[str, Any]:
    return {
        "emailAddress": ask.box.email,
        "messagesTotal": len(ask.box.entries),
        "threadsTotal": len(ask.box.threads),
        "historyId": str(ask.box.history_id),
    }
