"""The folder of later files: chosen at the provider, or Antares's own."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from integrations.drive.pages import messages
from integrations.models import DriveFolder, FolderRequest
from tests.integrations.drive.tus_files import make_file
from tests.integrations.google import ALICE_BOX
from tests.integrations.pages.reading import text

pytestmark = pytest.mark.django_db

PAGE, FOLDER, RETURN = "/files/", "/files/folder/", "/drive/google/folder"


@pytest.fixture
def begin(alices, drive):
    """Press the button; return the address of the provider's page."""

    def press() -> str:
        answer = alices.client.post(FOLDER, {"drive": drive.id, "action": "choose"})
        assert answer.status_code == 303
        return answer["Location"]

    return press


def read_messages(client: Client) -> str:
    return text(client.get(PAGE).text)


class TestChosenFolder:
    @pytest.mark.claim("files.folder-chosen")
    def test_takes_later_files(self, alices, google, files, begin):
        folder_id = google.add_folder(ALICE_BOX, "Contracts")
        address = begin()

        answer = alices.arrive(google.pick(address, folder_id))

        assert (answer.status_code, answer["Location"]) == (303, PAGE)
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
        assert answer.content == b""
        page = read_messages(alices.client)
        assert str(messages.FOLDER_CHOSEN) in page
        assert "Contracts" in page
        files.upload(make_file(10))
        (remote,) = files.list_remote()
        assert remote["parents"] == [folder_id]

    def test_asks_for_folders_only(self, begin):
        query = parse_qs(urlsplit(begin()).query)

        assert query["redirect_uri"][0].endswith(RETURN)
        assert query["allow_folder_selection"] == ["true"]
        assert len(query["scope"]) == 1

    @pytest.mark.claim("files.folder-own")
    def test_is_forgotten_for_the_own_one(self, alices, google, files, drive, begin):
        alices.arrive(google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts")))

        alices.client.post(FOLDER, {"drive": drive.id, "action": "own"})

        assert str(messages.FOLDER_OWN) in read_messages(alices.client)
        files.upload(make_file(10))
        (remote,) = files.list_remote()
        names = {file["id"]: file["name"] for file in files.list_everything()}
        assert [names[parent] for parent in remote["parents"]] == ["Antares"]


class TestReturn:
    @pytest.mark.claim("files.folder-unchanged")
    def test_without_a_folder_changes_nothing(self, alices, google, begin):
        alices.arrive(google.pick(begin(), deny=True))

        assert str(messages.NO_FOLDER_CHOSEN) in read_messages(alices.client)
        assert DriveFolder.objects.count() == 0

    def test_is_taken_once(self, alices, google, begin):
        back = google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts"))
        alices.arrive(back)
        read_messages(alices.client)

        alices.arrive(back)

        assert str(messages.FOLDER_REQUEST_UNKNOWN) in read_messages(alices.client)

    def test_of_an_expired_request_is_unknown(self, alices, google, begin):
        back = google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts"))
        request = FolderRequest.objects.get()
        FolderRequest.objects.update(expires_at=request.expires_at.replace(year=2020))

        alices.arrive(back)

        assert str(messages.FOLDER_REQUEST_UNKNOWN) in read_messages(alices.client)
        assert DriveFolder.objects.count() == 0

    def test_in_another_browser_is_unknown(self, alices, alice, google, begin):
        other = Client()
        other.force_login(alice)
        back = urlsplit(google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts")))

        other.get(f"{back.path}?{back.query}")

        assert str(messages.FOLDER_REQUEST_UNKNOWN) in read_messages(other)
        assert DriveFolder.objects.count() == 0

    def test_with_a_folder_of_another_account_is_refused(self, alices, google, begin):
        google.seed("other@example.com", size=0)
        folder_id = google.add_folder("other@example.com", "Theirs")
        back = google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts"))
        parts = urlsplit(back)
        query = parse_qs(parts.query)

        alices.client.get(parts.path, {"state": query["state"][0], "picked_file_ids": folder_id})

        assert str(messages.FOLDER_UNUSABLE) in read_messages(alices.client)
        assert DriveFolder.objects.count() == 0

    def test_with_several_folders_is_refused(self, alices, begin):
        state = parse_qs(urlsplit(begin()).query)["state"][0]

        alices.client.get(RETURN, {"state": state, "picked_file_ids": "one,two"})

        assert str(messages.SEVERAL_FOLDERS_CHOSEN) in read_messages(alices.client)

    def test_with_a_repeated_parameter_is_unknown(self, alices, begin):
        state = parse_qs(urlsplit(begin()).query)["state"][0]

        alices.client.get(f"{RETURN}?state={state}&state={state}&picked_file_ids=one")

        assert str(messages.FOLDER_REQUEST_UNKNOWN) in read_messages(alices.client)

    def test_while_the_drive_does_not_answer_says_so(self, alices, google, begin):
        back = google.pick(begin(), google.add_folder(ALICE_BOX, "Contracts"))
        google.fail_next(count=20, path_prefix="/drive/v3/files", status=500)

        alices.arrive(back)
        google.clear_faults()

        assert str(messages.FOLDER_NOT_CHECKED) in read_messages(alices.client)

    def test_without_a_session_leads_to_the_page(self, google):
        answer = Client().get(RETURN, {"state": "x", "picked_file_ids": "one"})

        assert (answer.status_code, answer["Location"]) == (303, PAGE)

    @pytest.mark.parametrize("provider", ["microsoft", "nowhere"])
    def test_of_a_provider_without_such_a_page_is_unknown(self, alices, provider):
        assert alices.client.get(f"/drive/{provider}/folder").status_code == 404


class TestButtons:
    def test_of_no_drive_are_unknown(self, alices, drive, browser_of, bob):
        for data in ({}, {"drive": "x", "action": "own"}, {"drive": drive.id, "action": "other"}):
            assert alices.client.post(FOLDER, data).status_code == 404
        foreign = {"drive": drive.id, "action": "choose"}
        assert browser_of(bob).client.post(FOLDER, foreign).status_code == 404
        assert FolderRequest.objects.count() == 0
