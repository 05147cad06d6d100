"""The pages of files: the list, its buttons, and the question before the trash."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts import memberships
from integrations.drive import uploads
from integrations.drive.pages import messages, views
from integrations.models import (
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    FileSourceKind,
    Integration,
    IntegrationStatus,
)
from limited_use.models import Leaf
from limited_use.vault import sealing
from tests import drive as drive_rows
from tests.integrations.drive.tus_files import make_file
from tests.integrations.google import ALICE_BOX
from tests.integrations.pages.reading import text

pytestmark = pytest.mark.django_db

PAGE = "/files/"
MARKUP = "<b>Plan.pdf"


@pytest.fixture
def page(alices):
    """Return how to read Alice's list as text."""
    return lambda: text(alices.client.get(PAGE).text)


@pytest.fixture
def act(alices):
    return lambda file, action, **more: alices.client.post(
        f"{PAGE}{file.id}/", {"action": action, **more}
    )


@pytest.fixture
def make_row(drive):
    """Return how to create a row in a state."""

    def make(state=DriveFileState.WAITING, **values) -> DriveFile:
        at = timezone.now()
        if state in {DriveFileState.FAILED, DriveFileState.DONE, DriveFileState.CANCELLED}:
            values = {"finished_at": at, **values}
        values = {"due_at": None, **values}
        return drive_rows.make_drive_file(drive, at, state=state, **values)

    return make


def read_buttons(html: str) -> set[str]:
    """Return what forms of the list order."""
    listed = html.partition("data-file-list")[2]
    return set(re.findall(r'name="action" value="(\w+)"', listed))


class TestPageWithoutADrive:
    def test_offers_to_connect_one(self, alices, page):
        assert "No Drive connected" in page()
        assert "/settings/connect/google/?product=drive" in alices.client.get(PAGE).text

    def test_is_for_members(self, google):
        answer = Client().get(PAGE)

        assert answer.status_code == 302
        assert "/accounts/login/" in answer["Location"]


class TestList:
    @pytest.mark.claim("files.done")
    def test_shows_a_file_in_the_drive(self, alices, files):
        data = make_file(10)
        files.upload(data, filename="Plan.pdf")

        html = alices.client.get(PAGE).text

        files.check_remote(data)
        assert "Plan.pdf" in text(html)
        assert "In the Drive" in text(html)
        assert 'rel="noopener noreferrer">Open in Drive' in html
        assert "https://drive.google.com/file/d/" in html

    def test_escapes_names(self, alices, drive, make_row, page):
        seal(make_row(), drive, filename=MARKUP, content_type="text/plain")

        assert MARKUP in page()
        assert MARKUP not in alices.client.get(PAGE).text

    @pytest.mark.claim("files.done")
    @pytest.mark.parametrize("state", DriveFileState)
    def test_says_done_only_of_a_file_that_was_compared(self, make_row, page, state):
        make_row(state, problem="rejected" if state == DriveFileState.FAILED else "")

        assert ("In the Drive" in page()) == (state == DriveFileState.DONE)
        assert str(messages.STATES[state][0]) in page()

    @pytest.mark.parametrize(
        ("state", "buttons"),
        [
            (DriveFileState.PROPOSED, {"accept", "decline"}),
            (DriveFileState.WAITING, {"pause", "cancel"}),
            (DriveFileState.UPLOADING, {"pause", "cancel"}),
            (DriveFileState.PAUSED, {"resume", "cancel"}),
            (DriveFileState.CHECKING, set()),
            (DriveFileState.DONE, {"remove"}),
            (DriveFileState.FAILED, {"remove"}),
            (DriveFileState.CANCELLED, {"remove"}),
        ],
    )
    def test_has_the_buttons_of_each_state(self, alices, make_row, state, buttons):
        make_row(state, problem="rejected" if state == DriveFileState.FAILED else "")

        html = alices.client.get(PAGE).text

        assert read_buttons(html) == buttons
        assert ("/trash/" in html) == (state == DriveFileState.DONE)

    @pytest.mark.parametrize("problem", [problem for problem in DriveFileProblem if problem])
    def test_says_why_a_file_failed(self, make_row, page, problem):
        make_row(DriveFileState.FAILED, problem=problem)

        assert str(messages.PROBLEMS[problem]) in page()

    @pytest.mark.parametrize(
        "problem", [DriveFileProblem.SCOPE_MISSING, DriveFileProblem.GRANT_ENDED]
    )
    def test_links_to_connect_again(self, alices, drive, make_row, problem):
        make_row(DriveFileState.FAILED, problem=problem)

        html = alices.client.get(PAGE).text

        assert f"?product=drive&amp;connection={drive.connection_id}" in html

    def test_links_to_choose_a_folder(self, alices, make_row):
        make_row(DriveFileState.FAILED, problem=DriveFileProblem.FOLDER_GONE)

        assert "/files/#folder" in alices.client.get(PAGE).text

    @pytest.mark.claim("files.proposal-ended")
    @pytest.mark.claim("files.abandoned")
    @pytest.mark.parametrize("state", [DriveFileState.PROPOSED, DriveFileState.WAITING])
    def test_says_that_a_file_was_given_up(self, make_row, page, state):
        at = timezone.now()
        feature = "recordings" if state == DriveFileState.PROPOSED else ""
        make_row(state, proposed_by=feature, expires_at=at)

        assert uploads.give_up_abandoned_files(at=at) == 1

        expected = messages.PROPOSAL_ENDED if feature else messages.PROBLEMS["abandoned"]
        assert str(expected) in page()
        assert uploads.LIFETIME.days == 6

    @pytest.mark.claim("files.namesake")
    def test_says_that_the_folder_had_a_file_of_this_name(self, files, page):
        files.upload(make_file(10))
        files.upload(make_file(11))

        assert page().count("The folder had a file with this name. Both are kept.") == 1
        assert len(files.list_remote()) == 2

    def test_names_a_source_that_was_not_read(self, make_row, drive, page):
        file = make_row(source=FileSourceKind.ATTACHMENT, source_id=uuid4(), size=None)
        seal(file, drive, filename="", content_type="")

        assert "Attachment of a message" in page()

    def test_shows_how_much_of_a_file_has_been_sent(self, alices, make_row):
        make_row(DriveFileState.UPLOADING, size=9, received=4)

        assert '<progress class="progress" max="9" value="4"' in alices.client.get(PAGE).text

    def test_shows_bytes_of_a_file_without_a_size(self, alices, make_row):
        make_row(
            DriveFileState.UPLOADING,
            source=FileSourceKind.MAIL_EXPORT,
            source_id=uuid4(),
            size=None,
            received=4,
        )

        html = alices.client.get(PAGE).text

        # Without a value, the browser shows that something goes on, and no share.
        assert re.search(r'<progress class="progress" aria-label="[^"]+"></progress>', html)
        assert "4\xa0bytes</p>" in html

    @pytest.mark.parametrize(("hours", "may_retry"), [(1, True), (3, False)])
    def test_offers_another_try_of_a_copy_while_its_confirmation_holds(
        self, alices, make_row, page, hours, may_retry
    ):
        make_row(
            DriveFileState.FAILED,
            source=FileSourceKind.MAIL_EXPORT,
            source_id=uuid4(),
            problem=DriveFileProblem.SOURCE_GONE,
            size=None,
        )
        DriveFile.objects.update(created_at=timezone.now() - timedelta(hours=hours))

        assert ("retry" in read_buttons(alices.client.get(PAGE).text)) == may_retry
        assert "Order it again on the page of the account." in page()

    @pytest.mark.claim("files.proposal-waits")
    def test_shows_which_feature_proposes_a_file(self, alices, files, make_row, run_worker, page):
        make_row(DriveFileState.PROPOSED, proposed_by="recordings")

        run_worker()

        assert "From Recordings in Drive" in page()
        assert "only if you accept it" in page()
        assert files.list_remote() == []

    def test_opens_with_one_permission_for_all_rows(self, alices, make_row):
        for _ in range(3):
            make_row()
        before = Leaf.objects.count()

        alices.client.get(PAGE)

        # Of files, and of the account's address.
        assert Leaf.objects.count() - before == 2

    def test_pages(self, alices, make_row, monkeypatch):
        monkeypatch.setattr(views, "PAGE", 2)
        for _ in range(3):
            make_row()

        first = alices.client.get(PAGE).text
        older = re.search(r'rel="next" href="([^"]+)"', first)[1]
        second = alices.client.get(older).text

        assert [one.count("data-file=") for one in (first, second)] == [3, 2]
        assert "Newest" in second

    def test_starts_again_from_a_cursor_that_is_none(self, alices, drive):
        assert alices.client.get(f"{PAGE}?cursor=x")["Location"] == PAGE

    def test_shows_damaged_names_as_unnamed(self, make_row, page):
        first, second = make_row(), make_row()
        DriveFile.objects.filter(id=first.id).update(descriptor=second.descriptor)

        assert "(unnamed)" in page()

    def test_of_an_ended_access_can_be_read(self, drive, make_row, page):
        make_row(DriveFileState.DONE)
        Integration.objects.filter(id=drive.id).update(status=IntegrationStatus.REAUTH_REQUIRED)

        assert "no longer lets Antares use this Drive" in page()
        assert "plan.pdf" in page()

    def test_names_the_account_and_its_folder(self, files, page):
        assert f"Files go to the folder Antares in the Drive of {ALICE_BOX}" in page()
        assert "creates it if it does not exist" in page()

        files.upload(make_file(10))

        assert "Antares created this folder" in page()


class TestButtons:
    @pytest.mark.parametrize(
        ("state", "action", "expected"),
        [
            (DriveFileState.WAITING, "pause", DriveFileState.PAUSED),
            (DriveFileState.PAUSED, "resume", DriveFileState.WAITING),
            (DriveFileState.UPLOADING, "cancel", DriveFileState.CANCELLED),
            (DriveFileState.PROPOSED, "accept", DriveFileState.WAITING),
            (DriveFileState.PROPOSED, "decline", DriveFileState.CANCELLED),
        ],
    )
    def test_change_the_state(self, act, make_row, state, action, expected):
        file = make_row(state)

        answer = act(file, action)

        assert (answer.status_code, answer["Location"]) == (303, PAGE)
        file.refresh_from_db()
        assert file.state == expected

    def test_try_a_source_again(self, act, make_row):
        file = make_row(
            DriveFileState.FAILED,
            problem=DriveFileProblem.UNAVAILABLE,
            source=FileSourceKind.CALENDAR,
            source_id=uuid4(),
        )

        act(file, "retry")

        file.refresh_from_db()
        assert (file.state, file.problem) == (DriveFileState.WAITING, "")

    @pytest.mark.claim("files.removed")
    def test_remove_an_entry_and_leave_the_file(self, alices, files, act):
        files.upload(make_file(10))

        answer = act(DriveFile.objects.get(), "remove")

        assert str(messages.REMOVED) in text(alices.client.get(answer["Location"]).text)
        assert DriveFile.objects.count() == 0
        assert len(files.list_remote()) == 1

    def test_say_that_the_state_has_changed(self, alices, act, make_row):
        answer = act(make_row(DriveFileState.DONE), "pause")

        assert str(messages.STATE_CHANGED) in text(alices.client.get(answer["Location"]).text)

    def test_answer_a_script_with_the_row(self, act, make_row):
        file = make_row()

        answer = act(file, "pause", part="row")

        assert "Paused" in text(answer.text)
        assert f'data-file="{file.id}"' in answer.text
        assert act(file, "cancel", part="row").status_code == 200
        assert act(file, "remove", part="row").status_code == 204

    def test_without_an_action_are_unknown(self, act, make_row):
        assert act(make_row(), "other").status_code == 404

    def test_of_another_person_are_unknown(self, browser_of, bob, make_row):
        file, stranger = make_row(DriveFileState.DONE), browser_of(bob).client

        answers = [
            stranger.post(f"{PAGE}{file.id}/", {"action": "remove"}),
            stranger.get(f"{PAGE}{file.id}/row/"),
            stranger.get(f"{PAGE}{file.id}/trash/"),
            stranger.post(f"{PAGE}{file.id}/trash/"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 4
        assert stranger.get(f"{PAGE}states/").json() == {"files": {}}
        assert DriveFile.objects.count() == 1

    def test_need_the_forms_token(self, alices, make_row):
        file = make_row()
        client = Client(enforce_csrf_checks=True)
        client.cookies = alices.client.cookies

        for path in (f"{PAGE}{file.id}/", f"{PAGE}{file.id}/trash/", f"{PAGE}folder/"):
            assert client.post(path, {"action": "cancel"}).status_code == 403
        file.refresh_from_db()
        assert file.state == DriveFileState.WAITING


class TestStates:
    def test_are_returned_without_opening_anything(self, alices, make_row):
        file = make_row(DriveFileState.UPLOADING, size=9, received=4)
        before = Leaf.objects.count()

        answer = alices.client.get(f"{PAGE}states/")

        assert answer.json() == {
            "files": {str(file.id): {"state": "uploading", "received": 4, "size": 9}}
        }
        assert Leaf.objects.count() == before


class TestTrash:
    @pytest.mark.claim("files.trashed")
    def test_is_asked_and_done(self, alices, files):
        files.upload(make_file(10), filename="Plan.pdf")
        path = f"{PAGE}{DriveFile.objects.get().id}/trash/"

        question = text(alices.client.get(path).text)
        answer = alices.client.post(path)

        assert "Move this file to the Drive" in question
        assert "Plan.pdf" in question
        assert str(messages.TRASHED) in text(alices.client.get(answer["Location"]).text)
        assert DriveFile.objects.count() == 0
        (remote,) = files.list_remote()
        assert remote["trashed"]

    def test_that_fails_keeps_the_entry(self, alices, files, google):
        files.upload(make_file(10))
        google.fail_next(count=9, path_prefix="/drive/v3/files", status=403)

        answer = alices.client.post(f"{PAGE}{DriveFile.objects.get().id}/trash/")
        google.clear_faults()

        assert str(messages.NOT_TRASHED) in text(alices.client.get(answer["Location"]).text)
        assert DriveFile.objects.count() == 1

    def test_of_an_unfinished_file_is_refused(self, alices, make_row):
        file = make_row()

        assert alices.client.get(f"{PAGE}{file.id}/trash/").status_code == 404
        answer = alices.client.post(f"{PAGE}{file.id}/trash/")

        assert str(messages.STATE_CHANGED) in text(alices.client.get(answer["Location"]).text)


class TestDamagedFile:
    @pytest.mark.claim("files.mismatch")
    def test_is_named_and_in_the_trash(self, files, google, page):
        google.fail_upload("damage")
        address = files.begin(10)

        files.send(address, make_file(10))

        assert str(messages.PROBLEMS["checksum_mismatch"]) in page()
        (remote,) = files.list_remote()
        assert remote["trashed"]


class TestEndedPermission:
    @pytest.mark.claim("files.stopped")
    def test_is_why_a_file_stops(self, alice, acme, make_row, run_worker):
        at = timezone.now()
        file = make_row(
            source=FileSourceKind.CALENDAR, source_id=uuid4(), source_integration_id=uuid4()
        )
        DriveFile.objects.filter(id=file.id).update(due_at=at)
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=at)

        run_worker()

        memberships.add_member(user_id=alice.id, organisation_id=acme.id, at=timezone.now())
        file.refresh_from_db()
        assert file.problem == DriveFileProblem.STOPPED


class TestSameFile:
    @pytest.mark.claim("files.again", "file-upload.again")
    def test_is_kept_twice_if_the_person_says_so(self, alices, files):
        data = make_file(10)
        files.upload(data)

        refused = files.create(10)
        files.upload(data, query="?again=true")

        assert refused.status_code == 409
        assert refused.json()["code"] == "file-uploaded-before"
        assert len(files.list_remote()) == 2
        assert "both are kept" in text(alices.client.get(PAGE).text)


def seal(file: DriveFile, drive: Integration, **values: str) -> None:
    sealer = sealing.get_sealer(holder=drive.id, epoch=drive.epoch)
    file.descriptor = sealer.seal_value(
        DriveFile, "descriptor", row=file.id, data=orjson.dumps(values)
    )
    file.save(update_fields=["descriptor"])
