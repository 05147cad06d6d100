"""users.history, watch and stop."""

from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import problems
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import HistoryRecord, format_id

KINDS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
DAY = 86_400
WATCH_SECONDS = 7 * DAY


def list_history(request: GmailRequest) -> dict[str, Any]:
    """:raises HttpProblem: 404 when the start is too old"""
    start, token = request.get_param("startHistoryId"), request.get_param("pageToken")
    if not start:
        raise api_problems.invalid_argument("Required parameter: startHistoryId")
    if not start.isdecimal() or (token and not token.isdecimal()):
        raise api_problems.invalid_argument("Invalid value at 'start_history_id' (TYPE_UINT64)")
    mailbox, clock = request.mailbox, request.state.clock
    mailbox.drop_history_before(clock.now() - request.state.knobs.history_days * DAY)
    changes = mailbox.get_changes_since(int(token or start))
    if changes is None:
        raise problems.not_found()
    kinds = {KINDS.get(kind, "") for kind in request.get_params("historyTypes")} or set(
        KINDS.values()
    )
    if "" in kinds:
        raise api_problems.invalid_argument("Invalid value at 'history_types'")
    label = request.get_param("labelId")
    matching = [
        change
        for change in changes
        if change.kind in kinds and (not label or label in change.labels | change.changed_labels)
    ]
    size = request.get_page_size()
    answer: dict[str, Any] = {"historyId": str(mailbox.history_id)}
    if matching:
        answer["history"] = [_describe_change(request, change) for change in matching[:size]]
    if len(matching) > size:
        answer["nextPageToken"] = str(matching[size - 1].id)
    return answer


def _describe_change(request: GmailRequest, change: HistoryRecord) -> dict[str, Any]:
    reference = {"id": format_id(change.message_id), "threadId": format_id(change.thread_id)}
    alive = request.mailbox.entries.get(change.message_id)
    labels = sorted(alive.labels if alive else change.labels)
    item: dict[str, Any] = {"message": reference | {"labelIds": labels}}
    if change.changed_labels:
        item["labelIds"] = sorted(change.changed_labels)
    return {"id": str(change.id), "messages": [reference], change.kind: [item]}


def watch_mailbox(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    topic = body.get("topicName", "")
    parts = topic.split("/")
    if len(parts) != 4 or parts[::2] != ["projects", "topics"]:  # noqa: PLR2004
        raise api_problems.invalid_argument(
            f"Invalid topicName does not match projects/…/topics/*: {topic}"
        )
    if "forbidden" in parts[3]:
        raise problems.topic_forbidden(topic)
    now = request.state.clock.now()
    current = request.mailbox.watch
    if current and current["topic"] != topic and float(str(current["until"])) > now:
        raise problems.single_push_client()
    request.mailbox.watch = {"topic": topic, "until": now + WATCH_SECONDS}
    # A watch notifies at once, so clients see that delivery works.
    request.state.pushes.notify_mailbox_changed(request.account)
    return {
        "historyId": str(request.mailbox.history_id),
        "expiration": str(int((now + WATCH_SECONDS) * 1000)),
    }


def stop_watch(request: GmailRequest) -> None:
    request.mailbox.watch = None
