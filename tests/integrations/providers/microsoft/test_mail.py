"""What Graph's mail does that no other provider's does. What all do alike is `tests/contract`."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from integrations.coordination import person_slots
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers import errors
from integrations.providers.mail import FetchTarget
from integrations.providers.microsoft import (
    attachments,
    graph_http,
    mail_delta_pages,
    mail_folders,
    microsoft_config,
)
from integrations.providers.microsoft.graph_mail_adapter import open_mail
from integrations.providers.microsoft.mail_cursor import FolderCursor, GraphMailCursor
from tests.contract.reading import fetch_message
from tests.contract.test_mail_adapter import letter
from tests.contract.worlds import ALICE, MicrosoftWorld
from tests.worlds.microsoft import MAIL, control_id


@pytest.fixture
def world(sandbox):
    made = MicrosoftWorld(sandbox)
    yield made
    made.check()


@pytest.fixture
def graph(world):
    """Graph for Alice, who may write: another program of hers."""
    token = world.microsoft.authorize(ALICE, MAIL)["access_token"]
    with world.microsoft.graph(token) as client:
        yield client


def make_folder(graph, name: str, inside: str = "") -> str:
    path = f"/me/mailFolders/{inside}/childFolders" if inside else "/me/mailFolders"
    return graph.post(path, json={"displayName": name}).json()["id"]


def move(graph, message_id: str, folder: str) -> None:
    moved = graph.post(f"/me/messages/{message_id}/move", json={"destinationId": folder})
    assert moved.json()["id"] == message_id


def get_first_cursor(world) -> str:
    return world.adapter.get_profile().cursor


def upserted(world, cursor: str) -> tuple[list[str], str]:
    """What the pages from there on bring, and where they end."""
    found, more = [], True
    while more:
        page = world.adapter.get_changes(cursor)
        found += [ref.message_id for ref in page.upserted]
        cursor, more = page.cursor, page.has_more
    return found, cursor


class TestFiling:
    def test_shows_a_folder_of_ones_own_as_a_label_with_its_path(self, world, graph):
        outer = make_folder(graph, "Clients")
        inner = make_folder(graph, "Zugspitze", inside=outer)
        message_id = world.deliver()
        move(graph, message_id, inner)

        filing = fetch_message(world.adapter, message_id).filing

        assert (filing.folders, filing.labels) == (("archive",), (inner,))
        assert world.adapter.get_label_names()[inner] == "Clients / Zugspitze"

    def test_shows_categories_flags_and_importance(self, world, graph):
        message_id = world.deliver(label_ids=("INBOX",))
        graph.patch(
            f"/me/messages/{message_id}",
            json={
                "categories": ["Receipts"],
                "importance": "high",
                "flag": {"flagStatus": "flagged"},
            },
        )

        filing = fetch_message(world.adapter, message_id).filing

        assert filing.folders == ("inbox", "important")
        assert (filing.is_unread, filing.is_starred) == (False, True)
        assert [world.adapter.get_label_names()[one] for one in filing.labels] == ["Receipts"]

    @pytest.mark.invariant(11)
    @pytest.mark.parametrize("folder", ["deleteditems", "junkemail", "conversationhistory"])
    def test_reads_nothing_of_what_is_hidden_or_inside_it(self, world, graph, folder):
        inside = make_folder(graph, "Old", inside=folder)
        message_id, kept = world.deliver(), world.deliver()
        move(graph, message_id, inside)

        (gone,) = world.adapter.fetch_messages([FetchTarget(message_id=message_id)])

        assert isinstance(gone, errors.Gone)
        assert [ref.message_id for ref in world.adapter.list_messages().refs] == [kept]


@pytest.mark.scenario("D3")
class TestMoves:
    def test_are_not_deletions(self, world, graph):
        folder = make_folder(graph, "Clients")
        message_id = world.deliver()
        cursor = get_first_cursor(world)
        move(graph, message_id, folder)

        page = world.adapter.get_changes(cursor)

        # It is fetched only where it is not here yet.
        assert [one.message_id for one in page.upserted] == [message_id]
        assert page.filings[message_id].labels == (folder,)
        assert (page.deleted, page.refiled) == ((), ())

    def test_there_and_back_lose_nothing(self, world, graph):
        world.sandbox.dial(graph_round_trips_lost=True)
        folder = make_folder(graph, "Clients")
        message_id = world.deliver()
        cursor = get_first_cursor(world)
        move(graph, message_id, folder)
        move(graph, message_id, "inbox")

        page = world.adapter.get_changes(cursor)

        assert list(page.filings) == [message_id]
        assert page.deleted == ()

    def test_of_what_was_never_told_bring_it(self, world, graph):
        folder = make_folder(graph, "Clients")
        cursor = get_first_cursor(world)
        message_id = world.deliver()
        move(graph, message_id, folder)

        page = world.adapter.get_changes(cursor)

        assert [one.message_id for one in page.upserted] == [message_id]
        assert (page.deleted, page.refiled) == ((), ())

    def test_out_of_sight_take_it_away(self, world, graph):
        message_id = world.deliver()
        cursor = get_first_cursor(world)
        move(graph, message_id, "conversationhistory")

        assert world.adapter.get_changes(cursor).deleted == (message_id,)


class TestRounds:
    @pytest.mark.scenario("S10")
    def test_follow_empty_pages_and_repetitions(self, world):
        world.sandbox.dial(graph_empty_pages=True, graph_repetition=True)
        cursor = get_first_cursor(world)
        sent = [world.deliver() for _ in range(60)]

        found, _ = upserted(world, cursor)

        assert set(found) == set(sent)

    def test_of_a_new_folder_begin_with_all_that_is_in_it(self, world, graph):
        message_id = world.deliver(label_ids=("TRASH",))
        cursor = get_first_cursor(world)
        folder = make_folder(graph, "Rescued")
        move(graph, message_id, folder)

        page = world.adapter.get_changes(cursor)

        assert [ref.message_id for ref in page.upserted] == [message_id]
        assert not page.has_more

    def test_too_long_for_the_beginning_go_on_where_they_stood(self, world, monkeypatch):
        monkeypatch.setattr(mail_delta_pages, "FIRST_ROUNDS", 1)
        monkeypatch.setattr(mail_delta_pages, "FIRST_PAGE", 2)
        long_ago = datetime.now(UTC) - timedelta(days=3)
        for hours in range(5):
            world.deliver(at=long_ago - timedelta(hours=hours))
        cursor = get_first_cursor(world)
        new = world.deliver()

        found, cursor = upserted(world, cursor)
        later, _ = upserted(world, cursor)

        # What has not changed since the beginning is no news: the listing brings it.
        assert found + later == [new]

    def test_survive_an_outage_in_the_middle(self, world):
        cursor = get_first_cursor(world)
        sent = world.deliver()
        world.sandbox.fail_next(path_contains="/messages/delta", problem="graph_throttled")
        with pytest.raises(errors.RateLimited) as caught:
            world.adapter.get_changes(cursor)

        assert caught.value.retry_after == 2.128
        assert [ref.message_id for ref in world.adapter.get_changes(cursor).upserted] == [sent]
        world.sandbox.clear_journal()

    @pytest.mark.scenario("S5")
    @pytest.mark.parametrize("cursor", ["", "{}", '{"places": {"a": 1}, "newest": ""}', "17"])
    def test_begin_anew_with_a_cursor_that_is_none(self, world, cursor):
        with pytest.raises(errors.CursorExpired):
            world.adapter.get_changes(cursor)

    def test_are_begun_with_one_request_of_each_folder_whatever_is_in_it(self, world):
        for label in ("INBOX", "SENT"):
            for _ in range(60):
                world.deliver(label_ids=(label,))
        world.sandbox.clear_journal()

        get_first_cursor(world)

        assert world.sandbox.calls("graph.messages.delta") == 4

    def test_of_many_folders_lose_no_link(self, world, graph):
        """Exchange remembers the last three of each folder."""
        for name in ("A", "B", "C", "D", "E", "F"):
            make_folder(graph, name)
        cursor = get_first_cursor(world)
        sent = []
        for number in range(6):
            # More pages of the first than links are remembered.
            count, label = 26 if number else 220, f"Label_{number + 2}"
            sent += [world.deliver(label_ids=(label,)) for _ in range(count)]

        found, _ = upserted(world, cursor)

        assert sorted(found) == sorted(sent)


class TestHeads:
    def test_come_with_the_listing_and_are_asked_for_once_that_is_read(self, world):
        sent = world.deliver(bytes(letter()))
        wanted = [FetchTarget(message_id=sent)]
        world.adapter.list_messages()
        world.sandbox.clear_journal()

        first = world.adapter.fetch_messages(wanted)
        world.microsoft.mail("labels", ALICE, id=control_id(sent), add=["STARRED"])
        again = world.adapter.fetch_messages(wanted)

        read = f"/v1.0/me/messages/{sent}"
        asked = [one["path"] for one in world.sandbox.requests("/v1.0/me/messages/")]
        assert asked == [read, read]
        starred = [one.messages[0].filing.is_starred for one in (*first, *again)]
        assert starred == [False, True]

    def test_come_with_what_is_new(self, world):
        cursor = get_first_cursor(world)
        sent = world.deliver(bytes(letter()))
        world.adapter.get_changes(cursor)
        world.sandbox.clear_journal()

        (found,) = world.adapter.fetch_messages([FetchTarget(message_id=sent)])

        assert found.messages[0].message_id == sent
        assert len(world.sandbox.requests("/v1.0")) == 1


class TestSearching:
    def test_takes_quotes_and_bounds_along(self, world):
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=100)
        wanted = world.deliver(at=at)
        world.deliver(at=at + timedelta(days=3))

        found = world.adapter.list_messages(query='"message 0"', until=at + timedelta(days=1))

        assert [ref.message_id for ref in found.refs] == [wanted]


class TestOneMailbox:
    def test_is_asked_four_things_at_once_whoever_asks(self, place):
        # Four come, and while they are here nobody else does.
        place.together, place.pause = 4, 0.05
        access = place.access()
        with ThreadPoolExecutor(3) as pool:
            list(
                pool.map(
                    lambda _: graph_http.send_graph_reads(
                        [graph_http.GraphApiRequest("/me")] * 4, access
                    ),
                    range(3),
                )
            )

        assert place.most_at_once == 4


class TestWhatGraphTellsInPart:
    FOLDER = {"id": "f1", "displayName": "Inbox", "parentFolderId": "root", "totalItemCount": 2}
    WHOLE = {
        "id": "m1",
        "conversationId": "c1",
        "parentFolderId": "f1",
        "isRead": False,
        "isDraft": False,
        "flag": {"flagStatus": "notFlagged"},
        "categories": ["Blue"],
        "importance": "normal",
        "createdDateTime": "2026-11-03T10:00:00Z",
        "receivedDateTime": "2026-11-03T10:00:00Z",
        "bodyPreview": "Hello",
    }

    @pytest.fixture
    def adapter(self, place):
        for name in ("drafts", "sentitems", "archive", "deleteditems", "junkemail", "outbox"):
            place.answer_at(f"/v1.0/me/mailFolders/{name}", 404, {"error": {"code": "x"}})
        place.answer_at("/v1.0/me/mailFolders/conversationhistory", 404, {"error": {"code": "x"}})
        place.answer_at("/v1.0/me/mailFolders/inbox", body={"id": "f1"})
        place.answer_at(
            "/v1.0/me/mailFolders/delta",
            body={"value": [self.FOLDER], "@odata.deltaLink": f"{place.url}/v1.0/x"},
        )
        with open_mail(place.access()) as adapter:
            yield adapter

    def told(self, place, *items) -> str:
        link = f"{place.url}/v1.0/round"
        place.answer_at("/v1.0/round", body={"value": list(items), "@odata.deltaLink": link + "2"})
        return str(GraphMailCursor({"f1": FolderCursor(link, is_under_way=False)}))

    @pytest.mark.parametrize("item", [{"subject": "x"}, {"isRead": True, "subject": "x"}, {}])
    def test_is_looked_up(self, place, adapter, item):
        place.answer_at("/v1.0/me/messages/m1", body=self.WHOLE)
        cursor = self.told(place, {"id": "m1", "@odata.etag": "x", **item})

        (ref,) = adapter.get_changes(cursor).upserted

        assert (ref.message_id, ref.thread_id) == ("m1", "c1")
        link = next(one for one in place.heard if one.path == "/v1.0/round")
        assert 'IdType="ImmutableId"' in link.headers["prefer"]

    def test_in_another_way_is_news(self, place, adapter):
        cursor = self.told(place, self.WHOLE | {"categories": 1}, self.WHOLE | {"id": "m2"})

        page = adapter.get_changes(cursor)

        assert [one.message_id for one in page.upserted] == ["m1", "m2"]
        assert page.filings.keys() == {"m2"}

    def test_of_a_draft_is_news_each_time(self, place, adapter):
        cursor = self.told(place, self.WHOLE | {"isDraft": True})

        page = adapter.get_changes(cursor)

        assert [one.message_id for one in page.upserted] == ["m1"]
        assert page.filings == {}

    @pytest.mark.parametrize(
        ("now", "item"),
        [
            ({"flag": {"flagStatus": "flagged"}}, {"flag": {"flagStatus": "flagged"}}),
            ({"categories": []}, {"categories": []}),
            ({"importance": "high"}, {"importance": "high", "lastModifiedDateTime": "x"}),
            ({"isRead": True}, {"isRead": True, "changeKey": "x"}),
        ],
    )
    def test_of_its_filing_is_merged_with_the_rest_and_needs_no_content(
        self, place, adapter, now, item
    ):
        place.answer_at("/v1.0/me/messages/m1", body={**self.WHOLE, **now})
        cursor = self.told(place, {"id": "m1", "@odata.etag": "x", **item})

        page = adapter.get_changes(cursor)

        (change,) = page.refiled
        assert (change.ref.message_id, page.upserted) == ("m1", ())
        assert change.filing.is_starred == ("flag" in now)
        assert change.filing.is_unread == ("isRead" not in now)
        assert ("important" in change.filing.folders) == ("importance" in now)
        assert change.filing.labels == (() if "categories" in now else ("category:Blue",))

    def test_and_takes_back_is_gone(self, place, adapter):
        place.answer_at("/v1.0/me/messages/m1", 404, {"error": {"code": "ErrorItemNotFound"}})
        cursor = self.told(place, self.WHOLE, {"id": "m1", "@removed": {"reason": "deleted"}})

        page = adapter.get_changes(cursor)

        assert (page.deleted, page.upserted) == (("m1",), ())

    def test_says_nothing_of_a_folder_that_went_with_its_mail(self, place, adapter):
        places = {"f1": FolderCursor("x"), "f2": FolderCursor("y")}

        with pytest.raises(errors.CursorExpired):
            adapter.get_changes(str(GraphMailCursor(places)))

    def test_is_followed_to_no_other_host(self, place, adapter):
        elsewhere = FolderCursor("https://graph.example/v1.0/round", is_under_way=False)

        with pytest.raises(errors.CursorExpired):
            adapter.get_changes(str(GraphMailCursor({"f1": elsewhere})))


class TestFoldersThatWereKept:
    """They are asked what changed of them, and read again if anything did that matters here."""

    @pytest.fixture
    def adapter(self, place):
        missing = {"error": {"code": "ErrorItemNotFound"}}
        for name in ("drafts", "sentitems", "archive", "deleteditems", "junkemail", "outbox"):
            place.answer_at(f"/v1.0/me/mailFolders/{name}", 404, missing)
        place.answer_at("/v1.0/me/mailFolders/conversationhistory", 404, missing)
        place.answer_at("/v1.0/me/mailFolders/inbox", body={"id": "f1"})
        self.answer(place, "me/mailFolders/delta", TestWhatGraphTellsInPart.FOLDER, last="again")
        self.answer(place, "round", last="round2")
        with open_mail(place.access()) as adapter:
            yield adapter

    def answer(self, place, path: str, *items, following: str = "", last: str = "") -> None:
        links = {"@odata.nextLink": following, "@odata.deltaLink": last}
        shown = {name: f"{place.url}/v1.0/{link}" for name, link in links.items() if link}
        place.answer_at(f"/v1.0/{path}", body={"value": list(items), **shown})

    def cursor(self, place, name: str = "", *, read_at: float | None = None) -> str:
        """Return a cursor with the inbox, and with a folder of that name."""
        entries = {"f1": ("Inbox", "root", True)}
        places = {"f1": FolderCursor(f"{place.url}/v1.0/round", is_under_way=False)}
        if name:
            entries["f2"] = (name, "root", True)
            places["f2"] = FolderCursor(f"{place.url}/v1.0/other", is_under_way=False)
        kept = mail_folders.FolderList(
            {"inbox": "f1"},
            entries,
            f"{place.url}/v1.0/changes",
            time.time() if read_at is None else read_at,
        )
        return str(GraphMailCursor(places, folders=kept))

    def was_read(self, place) -> bool:
        return any(one.path.startswith("/v1.0/me/mailFolders/inbox") for one in place.heard)

    @pytest.mark.parametrize(
        "told",
        [
            {"id": "f1", "totalItemCount": 5, "unreadItemCount": 1},
            {"id": "f1", "displayName": "Inbox", "parentFolderId": "root", "isHidden": False},
            {"id": "f2", "@removed": {"reason": "deleted"}},
        ],
    )
    def test_are_not_read_again_where_nothing_changed(self, place, adapter, told):
        self.answer(place, "changes", told, last="changes2")

        page = adapter.get_changes(self.cursor(place))

        assert not self.was_read(place)
        assert "/v1.0/changes2" in page.cursor
        assert page.upserted == page.refiled == page.deleted == ()

    @pytest.mark.parametrize(
        "told",
        [
            {"id": "f1", "displayName": "Posteingang"},
            {"id": "f1", "parentFolderId": "f9"},
            {"id": "f1", "isHidden": True},
            {"id": "f1", "@removed": {"reason": "deleted"}},
            {"id": "f2", "displayName": "New"},
            5,
        ],
    )
    def test_are_read_again_where_something_did(self, place, adapter, told):
        # On the second page.
        self.answer(place, "changes", following="more")
        self.answer(place, "more", told, last="changes2")

        page = adapter.get_changes(self.cursor(place))

        assert self.was_read(place)
        assert "/v1.0/again" in page.cursor

    @pytest.mark.parametrize("status", [410, 404])
    @pytest.mark.parametrize("path", ["changes", "more"])
    def test_are_read_again_where_graph_forgot_what_it_told(self, place, adapter, path, status):
        self.answer(place, "changes", following="more")
        place.answer_at(f"/v1.0/{path}", status, {"error": {"code": "x"}})

        assert "/v1.0/again" in adapter.get_changes(self.cursor(place)).cursor

    @pytest.mark.parametrize("age", [-60, 3_601])
    def test_are_read_again_after_an_hour(self, place, adapter, age):
        adapter.get_changes(self.cursor(place, read_at=time.time() - age))

        assert self.was_read(place)
        assert not [one for one in place.heard if one.path == "/v1.0/changes"]

    def test_wait_while_another_is_in_the_middle_of_a_round(self, place, adapter):
        self.answer(place, "changes", last="changes2")
        self.answer(place, "changes2", last="changes3")
        self.answer(place, "other", last="other2")
        entries = {"f1": ("Inbox", "root", True), "f2": ("Taxes", "root", True)}
        kept = mail_folders.FolderList(
            {"inbox": "f1"}, entries, f"{place.url}/v1.0/changes", time.time()
        )
        under_way = FolderCursor(f"{place.url}/v1.0/round", is_under_way=True)
        idle = FolderCursor(f"{place.url}/v1.0/other", is_under_way=False)

        first = adapter.get_changes(
            str(GraphMailCursor({"f1": under_way, "f2": idle}, folders=kept))
        )
        asked = [one.path for one in place.heard]
        self.answer(place, "round2", last="round3")
        second = adapter.get_changes(first.cursor)

        assert ("/v1.0/round" in asked, "/v1.0/other" in asked) == (True, False)
        assert (first.has_more, second.has_more) == (True, False)
        assert "/v1.0/other" in [one.path for one in place.heard]

    @pytest.mark.parametrize(
        ("told", "names"), [({"totalItemCount": 9}, False), ({"displayName": "Tax"}, True)]
    )
    def test_say_whether_names_of_labels_changed(self, place, adapter, told, names):
        inbox = TestWhatGraphTellsInPart.FOLDER
        self.answer(place, "me/mailFolders/delta", inbox, {**inbox, "id": "f2", **told})
        self.answer(place, "other", last="other2")
        self.answer(place, "changes", {"id": "f2", **told}, last="changes2")

        assert adapter.get_changes(self.cursor(place, "Taxes")).has_new_names == names


class TestScopes:
    @pytest.mark.invariant(11)
    def test_are_for_the_methods_that_are_called(self, world):
        message = letter()
        message.add_attachment(b"menu", maintype="application", subtype="pdf", filename="a.pdf")
        message_id, other = world.deliver(bytes(message)), world.deliver()
        world.sandbox.clear_journal()
        cursor = get_first_cursor(world)
        world.adapter.get_label_names()
        world.adapter.list_messages()
        (file,) = fetch_message(world.adapter, message_id).mail.attachments
        # Their heads came with the listing; once more, they are asked for.
        world.adapter.fetch_messages(
            [FetchTarget(message_id=message_id), FetchTarget(message_id=other)]
        )
        world.adapter.get_changes(cursor)
        list(world.adapter.open_attachment(message_id, file.part))
        # As it was kept before Graph's ids were.
        list(world.adapter.open_attachment(message_id, "0"))

        called = {f"{one['method']} {templated(one['path'])}" for one in requests_of(world)}

        declared = {one for one in microsoft_config.MAIL_READ.methods if "subscriptions" not in one}
        assert called == declared

    @pytest.mark.invariant(11)
    def test_are_no_more_than_these_take(self, world):
        def refused(call) -> bool:
            try:
                call()
            except errors.ScopeMissing:
                return True
            return False

        no_settings = world.opened("openid Mail.Read")
        no_mail = world.opened("openid MailboxSettings.Read")

        assert refused(no_settings.get_label_names)
        assert not refused(no_settings.list_messages)
        assert not refused(no_settings.get_profile)
        assert refused(no_mail.list_messages)


def requests_of(world) -> list[dict]:
    return world.sandbox.requests("/v1.0")


def templated(path: str) -> str:
    return re.sub(
        r"/(mailFolders|messages|attachments)/(?!delta)[^/]+",
        r"/\1/{id}",
        path.removeprefix("/v1.0"),
    )


class TestGraphAttachments:
    """Each is found in its message; a few messages are in memory at a time."""

    @pytest.fixture
    def begin(self, world, monkeypatch):
        monkeypatch.setattr(attachments, "PATIENCE", 0.05)
        message_id = world.deliver(bytes(letter()))
        return lambda: world.adapter.open_attachment(message_id, "")

    def test_wait_for_messages_that_others_search(self, begin):
        with ExitStack() as others:
            for _ in range(attachments.MAX_IN_MEMORY):
                others.enter_context(attachments._hold_memory_slot())

            with pytest.raises(ParsersBusy):
                begin()

        assert b"".join(begin())

    def test_are_found_while_others_are_not_read(self, begin):
        unread = [begin() for _ in range(2 * attachments.MAX_IN_MEMORY)]

        assert all(b"".join(file) for file in unread)

    def test_of_one_person_leave_others_a_place(self):
        assert attachments.MAX_IN_MEMORY > person_slots.MOST_WAITS

    def test_that_are_not_there_hold_nothing(self, world, begin):
        for _ in range(2 * attachments.MAX_IN_MEMORY):
            with pytest.raises(errors.Gone):
                world.adapter.open_attachment(world.deliver(), "7")

        assert b"".join(begin())
