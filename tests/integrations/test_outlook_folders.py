"""What becomes of folders at Outlook between two polls, as rows, the API and the pages show it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.utils import timezone

from integrations.models import Message, SyncWork, Thread
from integrations.operations.sync_products import PRODUCTS
from integrations.providers.microsoft import mail_folders
from integrations.sync import sync_engine
from limited_use.models import Leaf
from tests.integrations.microsoft import MicrosoftConnectBrowser, microsoft
from tests.integrations.pages import reading
from tests.worlds.microsoft import MAIL, graph_id

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
BOX = "folders@contoso.example"
FOLDER_CHANGES = "/mailFolders/delta"
MESSAGE_CHANGES = "/messages/delta"


class OutlookPerson:
    """Someone with a mailbox at Outlook, who uses Outlook and our pages."""

    def __init__(self, user, microsoft) -> None:
        self.microsoft, self.sandbox = microsoft, microsoft.sandbox
        self.oid = microsoft.seed(BOX, size=0, labels=[])["oid"]
        self.outlook = microsoft.graph(microsoft.authorize(BOX, MAIL)["access_token"])
        self.browser = MicrosoftConnectBrowser(user, microsoft)

    def make_folder(self, name: str, inside: str = "", **more) -> str:
        path = f"/me/mailFolders/{inside}/childFolders" if inside else "/me/mailFolders"
        made = self.outlook.post(path, json={"displayName": name, **more})
        return made.raise_for_status().json()["id"]

    def change(self, method: str, folder: str, verb: str = "", **body) -> None:
        path = f"/me/mailFolders/{folder}{verb}"
        self.outlook.request(method, path, json=body or None).raise_for_status()

    def deliver(self, folder: str = "", **more) -> str:
        message = graph_id(self.oid, self.microsoft.deliver(BOX, **more)["id"])
        if folder:
            self.move(message, folder)
        return message

    def move(self, message: str, folder: str) -> None:
        path = f"/me/messages/{message}/move"
        self.outlook.post(path, json={"destinationId": folder}).raise_for_status()

    def connect(self) -> None:
        self.browser.connect(BOX)
        sync_until_idle()

    def poll(self) -> Counter:
        """Poll once; return how often Graph was asked what."""
        self.sandbox.clear_journal()
        sync_until_idle()
        return Counter(self.sandbox.counters()["calls"])

    def listed(self) -> list[list[str]]:
        """Return the labels of each message that the API lists."""
        found = self.browser.client.get("/v1/users/me/messages", {"limit": 200}).json()["data"]
        assert len(found) == Message.objects.count()
        return sorted(message["labels"] for message in found)

    def shown(self) -> list[list[str]]:
        """Return the labels that the API lists; pages show the same."""
        found = self.listed()
        pages = [
            self.browser.client.get(f"/inbox/threads/{one.id}/") for one in Thread.objects.all()
        ]
        badges = " ".join(reading.text(page.text) for page in pages)
        assert all(label in badges for labels in found for label in labels)
        return found

    def shown_folders(self) -> list[list[str]]:
        return sorted(Message.objects.values_list("folders", flat=True))


def sync_until_idle() -> None:
    """Do what is due, until nothing is."""
    is_due = True
    while is_due:
        SyncWork.objects.update(next_sync_at=timezone.now(), lease_by=None, lease_until=None)
        is_due = sync_engine.run_sync_turn(
            PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now()
        )
    assert SyncWork.objects.get().failure_count == 0


@pytest.fixture
def person(alice, microsoft):
    made = OutlookPerson(alice, microsoft)
    yield made
    made.outlook.close()


class TestAPollWithoutNews:
    def test_is_one_request_for_all_that_may_have_changed(self, person):
        person.deliver(person.make_folder("Taxes"))
        person.connect()

        asked = person.poll()
        # Names of categories are asked for now and then.
        asked.pop("graph.masterCategories", None)

        assert asked == {
            "/v1.0/$batch": 1,
            "graph.folders.delta": 1,
            # The inbox, drafts, what was sent, the archive, and the person's own.
            "graph.messages.delta": 5,
        }
        assert person.shown() == [["Taxes"]]

    def test_of_a_mailbox_with_many_folders_is_two(self, person):
        made = [person.make_folder(f"Folder {number:02}") for number in range(25)]
        person.connect()

        empty = person.poll()
        person.deliver(made[-1])
        person.poll()

        assert (empty["/v1.0/$batch"], empty["graph.messages.delta"]) == (2, 29)
        assert person.shown() == [["Folder 24"]]

    def test_keeps_the_folders_where_nobody_can_read_them(self, person):
        person.make_folder("Harbour")
        person.connect()

        person.poll()

        assert b"Harbour" not in bytes(SyncWork.objects.get().cursor.ciphertext)

    def test_reads_no_folders_because_a_folder_that_is_not_read_has_more_mail(self, person):
        person.connect()
        person.deliver("junkemail")

        asked = person.poll()

        assert (asked["graph.folders.delta"], asked["graph.folders.get"]) == (1, 0)
        assert person.shown() == []

    def test_keeps_the_links_that_graph_gave_last(self, person):
        """Exchange remembers the last three of each folder, also where nothing was new."""
        person.deliver()
        person.connect()

        asked = [person.poll() for _ in range(8)]

        assert [one["graph.messages.list"] for one in asked] == [0] * 8


class TestAFolder:
    def test_that_is_new_is_read(self, person):
        message = person.deliver()
        person.connect()
        assert person.shown() == [[]]

        person.move(message, person.make_folder("Taxes"))
        person.poll()

        assert person.shown() == [["Taxes"]]

    def test_that_is_new_brings_all_that_is_in_it(self, person):
        message = person.deliver("junkemail")
        person.connect()
        assert person.shown() == []

        person.move(message, person.make_folder("Rescued"))
        person.poll()

        assert person.shown() == [["Rescued"]]

    def test_that_was_renamed_has_its_new_name_and_so_have_those_inside(self, person):
        outer = person.make_folder("Clients")
        person.deliver(person.make_folder("Zugspitze", inside=outer))
        person.connect()

        person.change("PATCH", outer, displayName="Customers")
        asked = person.poll()

        assert person.shown() == [["Customers / Zugspitze"]]
        assert asked["graph.messages.list"] == 0

    def test_that_was_moved_into_another_keeps_its_mail(self, person):
        outer, inner = person.make_folder("Clients"), person.make_folder("Zugspitze")
        person.deliver(inner)
        person.connect()
        before = Message.objects.values_list("id", flat=True).get()

        person.change("POST", inner, "/move", destinationId=outer)
        asked = person.poll()

        assert person.shown() == [["Clients / Zugspitze"]]
        assert Message.objects.values_list("id", flat=True).get() == before
        assert asked["graph.messages.get"] + asked["graph.messages.list"] == 0

    @pytest.mark.parametrize(
        ("method", "verb", "body"),
        [
            ("POST", "/move", {"destinationId": "deleteditems"}),
            ("DELETE", "", {}),
            ("POST", "/permanentDelete", {}),
        ],
        ids=["moved to deleted items", "deleted", "deleted for good"],
    )
    def test_that_is_gone_takes_its_mail_along(self, person, method, verb, body):
        person.deliver()
        outer = person.make_folder("Clients")
        person.deliver(person.make_folder("Zugspitze", inside=outer))
        person.connect()
        assert person.shown() == [[], ["Clients / Zugspitze"]]

        person.change(method, outer, verb, **body)
        person.poll()

        assert person.shown() == [[]]

    @pytest.mark.invariant(1)
    def test_that_is_not_read_has_its_new_name_kept_after_permission_alone(self, person):
        """The list of folders in the cursor has the names of those that are not read, too."""
        folder = person.make_folder("Offers", inside="junkemail")
        person.connect()
        person.poll()
        before = list(Leaf.objects.values_list("id", flat=True))

        person.change("PATCH", folder, displayName="Clinic")
        person.poll()

        written = Leaf.objects.exclude(id__in=before)
        purposes = [json.loads(bytes(one.payload)).get("purpose") for one in written]
        assert "sync.store" in purposes
        assert person.shown() == []

    def test_that_comes_back_from_deleted_items_brings_its_mail_back(self, person):
        folder = person.make_folder("Taxes")
        person.deliver(folder)
        person.connect()
        person.change("DELETE", folder)
        person.poll()
        assert person.shown() == []

        person.change("POST", folder, "/move", destinationId="inbox")
        person.poll()

        assert person.shown() == [["Inbox / Taxes"]]

    def test_that_is_hidden_is_not_read(self, person):
        message = person.deliver()
        person.connect()

        person.move(message, person.make_folder("Sync", isHidden=True))
        person.poll()

        assert person.shown() == []

    def test_that_becomes_the_archive_is_so_after_an_hour(self, person, monkeypatch):
        folder = person.make_folder("Kept")
        person.deliver(folder)
        person.connect()
        assert person.shown() == [["Kept"]]

        # No delta tells it.
        person.microsoft.control("microsoft/folders/name", email=BOX, name="archive", folder=folder)
        person.poll()
        assert person.shown() == [["Kept"]]

        monkeypatch.setattr(mail_folders, "KEPT_FOR", 0.0)
        person.poll()

        assert person.shown() == [[]]
        assert person.shown_folders() == [["archive"]]


class TestMessageInOutlookFolder:
    def test_that_was_moved_between_folders_is_there(self, person):
        one, other = person.make_folder("Taxes"), person.make_folder("Travel")
        message = person.deliver(one)
        person.connect()

        person.move(message, other)
        asked = person.poll()

        assert person.shown() == [["Travel"]]
        assert asked["graph.folders.get"] == 0

    def test_in_a_folder_that_the_delta_has_not_told_yet_is_not_lost(self, person):
        message = person.deliver()
        person.connect()
        person.move(message, person.make_folder("Taxes"))
        unchanged(person)

        person.poll()

        assert person.shown() == [["Taxes"]]

    @pytest.mark.parametrize("is_back", [False, True])
    def test_that_was_taken_out_of_junk_and_then_filed_is_not_lost(self, person, is_back):
        """The inbox tells that it left, and it is older than what was read before."""
        person.microsoft.sandbox.dial(graph_round_trips_lost=True)
        message, taxes = person.deliver("junkemail"), person.make_folder("Taxes")
        person.deliver()
        person.connect()

        person.move(message, "inbox")
        person.move(message, taxes)
        if is_back:
            person.move(message, "inbox")
        person.poll()

        assert person.shown() == [[], [] if is_back else ["Taxes"]]

    def test_of_more_changes_than_a_page_holds_arrives_whatever_its_folder(self, person):
        for name in ("A", "B", "C"):
            person.make_folder(name)
        person.connect()
        # As by a rule of the mailbox: they were in no other folder before.
        for label in ("Label_1", "Label_2", "Label_3"):
            for _ in range(26):
                person.deliver(labels=[label])
        person.deliver()

        person.poll()

        found = Counter(" ".join(labels) for labels in person.listed())
        assert found == {"": 1, "A": 26, "B": 26, "C": 26}


def unchanged(person) -> None:
    """Have the delta of folders tell nothing, once."""
    link = f"{person.microsoft.url}/v1.0/me{FOLDER_CHANGES}?$deltatoken=1"
    person.sandbox.fail_next(
        path_contains=FOLDER_CHANGES, status=200, body={"value": [], "@odata.deltaLink": link}
    )


class TestWhatGraphForgot:
    def test_of_folders_is_read_again_in_the_same_poll(self, person):
        folder = person.make_folder("Taxes")
        person.deliver(folder)
        person.connect()
        person.change("PATCH", folder, displayName="Tax")
        person.sandbox.fail_next(path_contains=FOLDER_CHANGES, problem="graph_sync_state")

        asked = person.poll()

        assert person.shown() == [["Tax"]]
        # Of messages, nothing was.
        assert asked["graph.messages.list"] == 0

    def test_of_one_folder_is_listed_again_in_the_same_poll(self, person):
        person.deliver()
        person.connect()
        person.deliver()
        person.sandbox.fail_next(path_contains=MESSAGE_CHANGES, problem="graph_sync_state")

        asked = person.poll()

        assert len(person.shown()) == 2
        assert asked["graph.messages.list"] > 0

    def test_because_the_folder_is_gone_is_listed_again_in_the_same_poll(self, person):
        folder = person.make_folder("Taxes")
        person.deliver(folder)
        person.deliver()
        person.connect()
        person.change("POST", folder, "/permanentDelete")
        # It went after the folders were asked for.
        unchanged(person)

        person.poll()

        assert person.shown() == [[]]


class TestAPartThatFails:
    @pytest.mark.parametrize("path", [FOLDER_CHANGES, MESSAGE_CHANGES])
    def test_is_asked_again_at_the_next_poll_and_nothing_is_lost(self, person, path):
        folder = person.make_folder("Taxes")
        message = person.deliver()
        person.connect()
        person.move(message, folder)
        person.change("PATCH", folder, displayName="Tax")
        person.sandbox.fail_next(path_contains=path, problem="graph_unavailable")
        work = SyncWork.objects.get()
        SyncWork.objects.update(next_sync_at=timezone.now())
        assert not sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now())
        assert SyncWork.objects.get().failure_count == 1
        assert person.shown() == [[]]

        person.poll()

        assert person.shown() == [["Tax"]]
