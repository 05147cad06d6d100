"""What can be done to mailboxes from outside: fill, deliver, delete, relabel, look."""

import base64
from dataclasses import fields
from typing import Any

from integrations.sandbox.control.errors import Misuse, text
from integrations.sandbox.google.gmail.listing import HIDDEN
from integrations.sandbox.mail import mime
from integrations.sandbox.mail.entry import Entry, shown_id
from integrations.sandbox.mail.generator import Generator, Recipe
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.people import Person
from integrations.sandbox.world import World

Values = dict[str, Any]
GET_UNITS, THREAD_UNITS = 20, 40
RECIPE_FIELDS = {field.name for field in fields(Recipe)}
DEFAULT_LABELS = ["INBOX", "UNREAD", "CATEGORY_PERSONAL"]


def make(world: World, person: Person, values: Values) -> Mailbox:
    """
    {size?: 0, seed?: 0, days?, until?, canary?, malformed?, hostile?, nested_parts?, labels?,
    messages?: [deliveries]}
    """
    seed = int(values.get("seed", 0))
    box = Mailbox(person.email, world.clock, seed=seed)
    more = {
        n: v for n, v in values.items() if n in RECIPE_FIELDS - {"email", "name", "size", "seed"}
    }
    more.setdefault("until", world.clock.millis())
    if "labels" in more:
        more["labels"] = tuple(more["labels"])
    size = int(values.get("size", 0))
    box.fill(Generator(Recipe(email=person.email, name=person.name, size=size, seed=seed, **more)))
    for message in values.get("messages", []):
        _deliver(box, message)
    box.on_change = lambda: world.pushes.mailbox_changed(person)
    return box


def person(world: World, values: Values) -> Person:
    """Of Google; with `provider: "microsoft"`, of Microsoft."""
    theirs = values.get("provider") == "microsoft"
    people = world.microsoft.people if theirs else world.people
    found = people.find(text(values, "email"))
    if found is None:
        raise Misuse("no such account")
    return found


def mailbox(world: World, values: Values) -> Mailbox:
    box = person(world, values).mailbox
    if box is None:
        raise Misuse("this account has no Gmail")
    return box


def _entry(box: Mailbox, values: Values) -> Entry:
    entry = box.entries.get(int(text(values, "id"), 16))
    if entry is None:
        raise Misuse("no such message")
    return entry


def deliver(world: World, values: Values) -> Values:
    """{email, raw? (base64url) | text fields, labels?, date? (ms), thread_id?, history?: true}"""
    return _shown(_deliver(mailbox(world, values), values))


def _deliver(box: Mailbox, values: Values) -> Entry:
    raw = values.get("raw")
    content = (
        base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)) if raw else _written(box, values)
    )
    labels = values.get("labels", DEFAULT_LABELS)
    if unknown := set(labels) - set(box.labels):
        raise Misuse(f"no such labels: {sorted(unknown)}")
    thread = values.get("thread_id")
    return box.add(
        content,
        labels,
        date=values.get("date"),
        thread_id=int(thread, 16) if thread else None,
    )


def _written(box: Mailbox, values: Values) -> bytes:
    """
    {sender?, sender_email?, to?, subject?, text?, html?, headers?, attachments?:
    [{filename, content_type?, text | data (base64)}]}
    """
    sender = (values.get("sender", "Bob Builder"), values.get("sender_email", "bob@example.org"))
    headers = [
        ("From", mime.address(*sender)),
        ("To", values.get("to", box.email)),
        ("Subject", mime.word(values.get("subject", "Hello"))),
    ]
    given = dict(values.get("headers", {}))
    given.setdefault("Message-ID", f"<{box.new_draft_id()}@example.org>")
    headers += [(name, str(value)) for name, value in given.items()]
    body = mime.text(values.get("text", "Hello."), "plain")
    if html := values.get("html"):
        body = mime.multipart("alternative", "=_alt", [body, mime.text(html, "html")])
    if attachments := values.get("attachments"):
        body = mime.multipart("mixed", "=_mix", [body, *(_attached(each) for each in attachments)])
    return mime.message(headers, body)


def _attached(values: Values) -> bytes:
    data = values.get("text", "").encode() or base64.b64decode(values.get("data", ""))
    kind = values.get("content_type", "application/octet-stream")
    return mime.attachment(kind, text(values, "filename"), data)


def delete(world: World, values: Values) -> Values:
    """{email, id}: for good, as if another client had."""
    box = mailbox(world, values)
    box.delete(_entry(box, values))
    return {}


def trash(world: World, values: Values) -> Values:
    box = mailbox(world, values)
    entry = _entry(box, values)
    box.trash(entry)
    return _shown(entry)


def relabel(world: World, values: Values) -> Values:
    """{email, id, add?, remove?}"""
    box = mailbox(world, values)
    entry = _entry(box, values)
    box.relabel(entry, add=values.get("add", []), remove=values.get("remove", []))
    return _shown(entry)


def expire_history(world: World, values: Values) -> Values:
    box = mailbox(world, values)
    box.expire_history()
    return {"historyId": str(box.history_id)}


def look(world: World, values: Values) -> Values:
    """{email, limit?}: the newest messages, and the summary."""
    box = mailbox(world, values)
    entries = list(box.newest_first())[: int(values.get("limit", len(box.order)))]
    return summary(person(world, values)) | {"messages": [_shown(entry) for entry in entries]}


def _shown(entry: Entry) -> Values:
    return {
        "id": shown_id(entry.id),
        "threadId": shown_id(entry.thread_id),
        "date": entry.date,
        "labelIds": sorted(entry.labels),
        "historyId": str(entry.history_id),
    }


def summary(person: Person) -> Values:
    """
    Totals, thread sizes, and the fewest units that fetch it all: 20 a message, 40 a thread.

    `listed…` are the same for what lists show, which is without spam and trash.
    """
    box = person.mailbox
    if box is None:
        raise Misuse("this account has no Gmail")
    sizes: dict[int, int] = {}
    for ids in box.threads.values():
        sizes[len(ids)] = sizes.get(len(ids), 0) + 1
    listed: dict[int, int] = {}
    for entry in box.entries.values():
        if not entry.labels & HIDDEN:
            listed[entry.thread_id] = listed.get(entry.thread_id, 0) + 1
    return {
        "email": person.email,
        "sub": person.sub,
        "messagesTotal": len(box.entries),
        "threadsTotal": len(box.threads),
        "historyId": str(box.history_id),
        "threadSizes": {str(size): sizes[size] for size in sorted(sizes)},
        "leastUnits": sum(min(THREAD_UNITS, GET_UNITS * size) * n for size, n in sizes.items()),
        "listedTotal": sum(listed.values()),
        "listedLeastUnits": sum(min(THREAD_UNITS, GET_UNITS * size) for size in listed.values()),
    }
