"""users.history, and the watch whose notifications `pushing` sends."""

from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.mail.entry import Change, shown_id

KINDS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
DAY = 86_400
WATCH_SECONDS = 7 * DAY


def list_(ask: Ask) -> dict[str, Any]:
    """:raises Problem: 404 when the start is too old"""
    start, token = ask.text("startHistoryId"), ask.text("pageToken")
    if not start:
        raise problems.invalid_argument("Required parameter: startHistoryId")
    if not start.isdecimal() or (token and not token.isdecimal()):
        raise problems.invalid_argument("Invalid value at 'start_history_id' (TYPE_UINT64)")
    box, clock = ask.box, ask.world.clock
    box.forget_history_before(clock.now() - ask.world.dials.history_days * DAY)
    changes = box.changes_since(int(token or start))
    if changes is None:
        raise problems.not_found()
    kinds = {KINDS.get(kind, "") for kind in ask.texts("historyTypes")} or set(KINDS.values())
    if "" in kinds:
        raise problems.invalid_argument("Invalid value at 'history_types'")
    label = ask.text("labelId")
    matching = [
        change
        for change in changes
        if change.kind in kinds and (not label or label in change.labels | change.changed)
    ]
    size = ask.page_size()
    answer: dict[str, Any] = {"historyId": str(box.history_id)}
    if matching:
        answer["history"] = [_record(ask, change) for change in matching[:size]]
    if len(matching) > size:
        answer["nextPageToken"] = str(matching[size - 1].id)
    return answer


def _record(ask: Ask, change: Change) -> dict[str, Any]:
    reference = {"id": shown_id(change.message_id), "threadId": shown_id(change.thread_id)}
    alive = ask.box.entries.get(change.message_id)
    labels = sorted(alive.labels if alive else change.labels)
    item: dict[str, Any] = {"message": reference | {"labelIds": labels}}
    if change.changed:
        item["labelIds"] = sorted(change.changed)
    return {"id": str(change.id), "messages": [reference], change.kind: [item]}


def watch(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    topic = body.get("topicName", "")
    parts = topic.split("/")
    if len(parts) != 4 or parts[::2] != ["projects", "topics"]:  # noqa: PLR2004
        raise problems.invalid_argument(
            f"Invalid topicName does not match projects/…/topics/*: {topic}"
        )
    if "forbidden" in parts[3]:
        raise problems.topic_forbidden(topic)
    now = ask.world.clock.now()
    current = ask.box.watch
    if current and current["topic"] != topic and float(str(current["until"])) > now:
        raise problems.single_push_client()
    ask.box.watch = {"topic": topic, "until": now + WATCH_SECONDS}
    # One at once, each time, so that whoever asked sees that the way is open.
    ask.world.pushes.mailbox_changed(ask.person)
    return {
        "historyId": str(ask.box.history_id),
        "expiration": str(int((now + WATCH_SECONDS) * 1000)),
    }


def stop(ask: Ask) -> None:
    ask.box.watch = None
