"""One message of another shape than Graph documents leaves the others of its page as they are."""

from __future__ import annotations

import json

import pytest

from integrations.providers import errors
from integrations.providers.mail import FetchTarget, RemoteThread
from integrations.providers.microsoft.graph_mail_adapter import open_mail
from integrations.providers.microsoft.mail_cursor import FolderCursor, GraphMailCursor

FOLDER = {"id": "f1", "displayName": "Inbox", "parentFolderId": "root", "totalItemCount": 2}
COUNT = 8


def message(number: int) -> dict:
    return {
        "id": f"m{number}",
        "conversationId": f"c{number}",
        "parentFolderId": "f1",
        "isRead": False,
        "isDraft": False,
        "flag": {"flagStatus": "notFlagged"},
        "categories": [],
        "importance": "normal",
        "createdDateTime": "2026-11-03T10:00:00Z",
        "lastModifiedDateTime": "2026-11-03T10:00:00Z",
        "sentDateTime": "2026-11-03T10:00:00Z",
        "receivedDateTime": "2026-11-03T10:00:00Z",
        "bodyPreview": "Hello",
        "internetMessageId": f"<{number}@example.com>",
        "subject": "Hello",
        "from": {"emailAddress": {"name": "Bob", "address": "bob@example.com"}},
        "toRecipients": [],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "hasAttachments": False,
        "body": {"contentType": "html", "content": "<p>Hello</p>"},
        "internetMessageHeaders": [],
    }


@pytest.fixture
def adapter(place):
    for name in (
        "drafts", "sentitems", "archive", "deleteditems", "junkemail", "outbox",
        "conversationhistory",
    ):  # fmt: skip
        place.answer_at(f"/v1.0/me/mailFolders/{name}", 404, {"error": {"code": "x"}})
    place.answer_at("/v1.0/me/mailFolders/inbox", body={"id": "f1"})
    place.answer_at(
        "/v1.0/me/mailFolders/delta",
        body={"value": [FOLDER], "@odata.deltaLink": f"{place.url}/v1.0/x"},
    )
    with open_mail(place.access()) as adapter:
        yield adapter


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


ODD = [
    {"parentFolderId": []},
    {"parentFolderId": {}},
    {"receivedDateTime": None},
    {"receivedDateTime": 5},
    {"receivedDateTime": "yesterday"},
    {"conversationId": None},
    {"conversationId": []},
    {"conversationIndex": "é"},
    {"conversationIndex": 5},
    {"flag": "x"},
    {"categories": 5},
    {"categories": [None, {}]},
    {"body": None},
    {"body": {"content": None}},
    {"body": "x"},
    {"body": {"contentType": 5, "content": "x"}},
    {"body": {"contentType": "html", "content": "half \ud800 \x00"}},
    {"from": []},
    {"from": "x"},
    {"toRecipients": "x"},
    {"toRecipients": [None, 5, {}]},
    {"toRecipients": [{"emailAddress": {"name": "\ud800", "address": "\udfff"}}]},
    {"internetMessageHeaders": "x"},
    {"internetMessageHeaders": 5},
    {"internetMessageHeaders": [5]},
    {"internetMessageHeaders": [{"name": None, "value": "x"}]},
    {"internetMessageHeaders": [{"name": "X", "value": "a" * 1000}] * 2000},
    {"singleValueExtendedProperties": 5},
    {"singleValueExtendedProperties": [None]},
    {"singleValueExtendedProperties": [{"id": "Integer 0xZZ", "value": 5}]},
    {"singleValueExtendedProperties": [{"id": "Integer 0x0E08", "value": "9" * 5000}]},
    {"singleValueExtendedProperties": [{"id": "Integer 0x0E08", "value": "-1"}]},
    {"subject": 5},
    {"subject": "\ud83d"},
    {"internetMessageId": 5},
    {"sentDateTime": "0001-01-01T00:00:00+14:00"},
    {"number": 2**70},
    {"number": 1e400},
    {"deep": json.loads(nested(300))},
    {"deep": json.loads(nested(700))},
    {"@odata.type": 5},
    {"hasAttachments": "x"},
    {"bodyPreview": "\ud800" * 400},
    {"id": 5},
    {"id": None},
    {"id": []},
    {"id": "\ud800"},
    {"id": "x" * 10_000},
    {"isDraft": "x", "isRead": []},
    5,
    None,
    "x",
    [],
]


def mixed() -> list:
    """Return good messages, `m0` and so on, and odd ones."""
    odd = [
        {**message(100 + number), **shape} if isinstance(shape, dict) else shape
        for number, shape in enumerate(ODD)
    ]
    return [*map(message, range(COUNT)), *odd]


def name(value: object) -> str:
    return json.dumps(value)[:60]


GOOD = {f"m{number}" for number in range(COUNT)}


class TestOddMessages:
    def test_leave_the_others_of_a_list_as_they_are(self, place, adapter):
        place.answer_at("/v1.0/me/messages", body={"value": mixed()})

        listed = [one.message_id for one in adapter.list_messages().refs]
        found = adapter.fetch_messages([FetchTarget(message_id=one) for one in listed])

        arrived = {one.messages[0].message_id for one in found if isinstance(one, RemoteThread)}
        assert arrived >= GOOD

    def test_leave_the_others_of_a_page_of_changes_as_they_are(self, place, adapter):
        link = f"{place.url}/v1.0/round"
        body = {"value": mixed(), "@odata.deltaLink": link + "2"}
        place.answer_at("/v1.0/round", body=body)
        cursor = str(GraphMailCursor({"f1": FolderCursor(link, is_under_way=False)}))

        page = adapter.get_changes(cursor)

        assert {one.message_id for one in page.upserted} >= GOOD
        assert page.cursor != cursor


class TestALinkToThePageThatHasIt:
    """It would be followed for ever, without a pause."""

    def test_is_followed_to_no_end_of_a_list(self, place, adapter):
        link = f"{place.url}/v1.0/me/messages?$skip=10"
        body = {"value": [message(1)], "@odata.nextLink": link}
        place.answer_at("/v1.0/me/messages", body=body)
        first = adapter.list_messages()

        with pytest.raises(errors.Unexpected):
            adapter.list_messages(page=first.next_page)

    def test_is_followed_to_no_end_of_changes(self, place, adapter):
        link = f"{place.url}/v1.0/round"
        place.answer_at("/v1.0/round", body={"value": [], "@odata.nextLink": link})
        cursor = str(GraphMailCursor({"f1": FolderCursor(link)}))

        with pytest.raises(errors.Unexpected):
            adapter.get_changes(cursor)


def part(number: int, body: object, status: object = 200) -> dict:
    return {"id": str(number), "status": status, "headers": {}, "body": body}


ODD_PARTS = [
    5, None, [], {}, {"id": []}, {"id": "1"}, part(1, None), part(1, 5), part(1, "x", "x"),
    part(1, json.loads(nested(400)), 500), part(1, {"error": "half \ud800"}, 500),
    part(1, {}, 200), part(1, {"parentFolderId": []}), part(2, message(7)), part(-1, message(7)),
    {**part(1, {}, 429), "headers": {"Retry-After": "soon"}}, part(1, {}, 429), part(1, {}, 99999),
]  # fmt: skip


class TestAnOddPartOfABatch:
    @pytest.mark.parametrize("odd", ODD_PARTS, ids=name)
    def test_leaves_the_others_as_they_are(self, place, adapter, odd):
        # Not in the order in which they were asked for, and one of them twice.
        parts = [part(2, message(2)), odd, part(2, message(2)), part(0, message(0))]
        adapter.get_label_names()
        place.answer_at("/v1.0/$batch", body={"responses": parts})

        found = adapter.fetch_messages(
            [FetchTarget(message_id=f"m{number}") for number in range(3)]
        )

        assert [isinstance(one, RemoteThread) for one in found] == [True, False, True]
        assert [found[at].messages[0].message_id for at in (0, 2)] == ["m0", "m2"]

    @pytest.mark.parametrize("responses", [None, 5, "x", {}, [None] * 3], ids=name)
    def test_or_none_at_all_is_no_answer(self, place, adapter, responses):
        adapter.get_label_names()
        place.answer_at("/v1.0/$batch", body={"responses": responses})

        found = adapter.fetch_messages(
            [FetchTarget(message_id=f"m{number}") for number in range(3)]
        )

        assert all(isinstance(one, errors.Unavailable) for one in found)


class TestAnOddListOfAttachments:
    MIME = b"From: bob@example.com\r\nSubject: By MIME\r\n\r\nHello\r\n"

    @pytest.mark.parametrize("files", [5, {"a": 1}, [5], [{}], [{"id": []}], ["x"]], ids=name)
    def test_leaves_the_others_as_they_are(self, place, adapter, files):
        full = [message(number) | {"hasAttachments": True} for number in range(2)]
        parts = [
            [part(number, full[number]) for number in range(2)],
            [part(0, {"value": []}), part(1, {"value": files})],
        ]
        place.answer_at("/v1.0/me/messages/m1/$value", body=self.MIME)
        adapter.get_label_names()
        for one in parts:
            place.answer(body={"responses": one})

        found = adapter.fetch_messages([FetchTarget(message_id="m0"), FetchTarget(message_id="m1")])

        assert [one.messages[0].mail.subject for one in found] == ["Hello", "By MIME"]
