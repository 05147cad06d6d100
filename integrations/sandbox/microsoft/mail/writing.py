"""Drafts, changes, moves and deletions."""

from typing import Any

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.splitting import split
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import composing, reading, rendering

# A message, its attachments, its extended properties.
Written = tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]
CREATED = 201
# What can be changed on any message; the rest only as long as it is a draft.
ANYWHERE = frozenset(
    {
        "categories", "flag", "importance", "inferenceClassification", "isRead",
        "isDeliveryReceiptRequested", "isReadReceiptRequested", "singleValueExtendedProperties",
    }
)  # fmt: skip
FLAGS = ("notFlagged", "flagged", "complete")


def _created(ask: Ask, entry: Entry) -> tuple[int, dict[str, Any]]:
    return CREATED, ask.context("messages/$entity") | reading.shown(ask, entry, "")


def create(ask: Ask) -> tuple[int, dict[str, Any]]:
    """A draft, in Drafts or the folder of the path."""
    if composing.is_mime(ask):
        entry = ask.outlook.box.add(composing.decoded(ask), ["DRAFT"])
        return _created(ask, entry)
    entry = draft_of(ask, composing.read(ask.json()), [])
    if "folder" in ask.path:
        ask.outlook.move(entry, ask.folder())
    return _created(ask, entry)


def draft_of(
    ask: Ask,
    written: Written,
    headers: list[tuple[str, str]],
    thread_id: int | None = None,
) -> Entry:
    draft, attached, tags = written
    own = [("Message-ID", composing.new_message_id()), *headers]
    own += composing.custom_headers(draft)
    raw = composing.raw(ask, draft, attached, own)
    entry = ask.outlook.box.add(raw, ["DRAFT"], thread_id=thread_id)
    beside = ask.outlook.about(entry)
    beside.draft, beside.attachments, beside.tags, beside.headers = draft, attached, tags, own
    if draft.get("categories") is not None:
        beside.categories = list(draft["categories"])
    return entry


def rewrite(ask: Ask, entry: Entry) -> None:
    """Make the MIME of a draft again, after its parts changed."""
    beside = ask.outlook.about(entry)
    raw = composing.raw(ask, beside.draft, beside.attachments, beside.headers)
    ask.outlook.box.touch(entry, raw)


def reply_draft(ask: Ask, kind: str, given: dict[str, Any]) -> Entry:
    original = ask.entry()
    draft, attached, tags = composing.read(composing.reply(ask, original, kind, given))
    headers = composing.threading_headers(ask, original)
    thread = original.thread_id
    if kind == "forward":
        root = split(ask.outlook.box.raw(original))
        attached += [_kept(one) for one in rendering.attachments(root)]
    return draft_of(ask, (draft, attached, tags), headers, thread)


def _kept(part: Any) -> dict[str, Any]:
    return {
        "name": part.filename or "attachment",
        "contentType": part.mime_type,
        "isInline": rendering.is_inline(part),
        "contentId": part.header("content-id").strip("<> ") or None,
        "bytes": part.decoded(),
    }


def create_reply(ask: Ask) -> tuple[int, dict[str, Any]]:
    return _created(ask, reply_draft(ask, "reply", ask.parameters()))


def create_reply_all(ask: Ask) -> tuple[int, dict[str, Any]]:
    return _created(ask, reply_draft(ask, "replyAll", ask.parameters()))


def create_forward(ask: Ask) -> tuple[int, dict[str, Any]]:
    return _created(ask, reply_draft(ask, "forward", ask.parameters()))


def unchanged(ask: Ask, entry: Entry) -> None:
    """:raises Problem: `If-Match` names another state than the present one"""
    wanted = ask.call.headers.get("if-match", "")
    if wanted not in ("", "*", f'W/"{rendering.etag(ask.outlook, entry)}"'):
        raise problems.conflict(ask.world.dials.graph_conflict_status)


def patch(ask: Ask) -> dict[str, Any]:
    entry, body = ask.entry(), ask.json()
    unchanged(ask, entry)
    draft, _, tags = composing.read(body)
    beside = ask.outlook.about(entry)
    written = {name: value for name, value in draft.items() if name not in ANYWHERE}
    if written and "DRAFT" not in entry.labels:
        raise problems.bad_request(
            f"{sorted(written)} can be changed on drafts only.", "ErrorInvalidPropertySet"
        )
    if (flag := (draft.get("flag") or {}).get("flagStatus")) and flag not in FLAGS:
        raise problems.bad_request(f"flagStatus is one of {FLAGS}.", "ErrorInvalidRequest")
    if draft.get("categories") is not None:
        beside.categories = [str(one) for one in draft["categories"]]
    beside.importance = draft.get("importance") or beside.importance
    beside.tags |= tags
    if written or "importance" in draft:
        if not beside.draft:
            beside.draft, beside.headers = _as_written(ask, entry)
        beside.draft |= written
    if written:
        rewrite(ask, entry)
    elif set(draft) - {"isRead", "flag"} or tags or flag == "complete":
        ask.outlook.box.touch(entry)
        beside.changed[ask.outlook.box.history_id] = frozenset(draft)
    _relabelled(ask, entry, draft, flag)
    beside.modified_at = ask.world.clock.millis()
    return ask.context("messages/$entity") | reading.shown(ask, entry, "")


def _relabelled(ask: Ask, entry: Entry, draft: dict[str, Any], flag: str | None) -> None:
    if flag:
        ask.outlook.about(entry).flag = flag if flag == "complete" else ""
        change = {"add" if flag == "flagged" else "remove": ["STARRED"]}
        ask.outlook.box.relabel(entry, **change)
    if draft.get("isRead") is not None:
        change = {"remove" if draft["isRead"] else "add": ["UNREAD"]}
        ask.outlook.box.relabel(entry, **change)


def _as_written(ask: Ask, entry: Entry) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Of a draft that came as MIME."""
    found = rendering.message(ask.outlook, entry, immutable=True)
    kept = ("subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "replyTo")
    root = split(ask.outlook.box.raw(entry))
    names = ("message-id", "in-reply-to", "references")
    return {name: found[name] for name in kept}, [
        (name, value) for name, value in root.headers if name.lower() in names
    ]


def move(ask: Ask) -> tuple[int, dict[str, Any]]:
    entry = ask.entry()
    folder = ask.outlook.folder(str(ask.parameters().get("destinationId", "")))
    if folder is None:
        raise problems.not_found()
    ask.outlook.move(entry, folder)
    return _created(ask, entry)


def delete(ask: Ask) -> None:
    """To Deleted Items; what is there already goes for good."""
    entry = ask.entry()
    unchanged(ask, entry)
    trash = ask.outlook.folder("deleteditems")
    if trash is None or ask.outlook.folder_of(entry) is trash:
        ask.outlook.delete(entry)
    else:
        ask.outlook.move(entry, trash)


def delete_for_good(ask: Ask) -> None:
    ask.outlook.delete(ask.entry())
