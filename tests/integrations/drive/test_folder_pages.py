"""The folder of later files: chosen at the provider, or Antares's own."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from integrations.access.fences import DisconnectedError
from integrations.coordination.person_slots import TooManyWaits
from integrations.drive import folders
from integrations.drive.pages import messages
from integrations.models import DriveFolder, FolderRequest
from integrations.providers import errors
from limited_use.vault import sealing
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


@pytest.fixture
def choose(alices, google, begin):
    """Return a function that chooses a new folder."""

    def choose_folder(name: str) -> None:
        alices.arrive(google.pick(begin(), google.add_folder(ALICE_BOX, name)))

    return choose_folder


@pytest.fixture
def use_own(alices, drive):
    """Press the button for Antares's own folder."""
    return lambda: alices.client.post(FOLDER, {"drive": drive.id, "action": "own"})


def list_folder_names(files) -> dict[str, str]:
    """Return the folder's name of each file in the Drive."""
    names = {file["id"]: file["name"] for file in files.list_everything()}
    return {file["name"]: names[file["parents"][0]] for file in files.list_remote()}


def count_own_folders(files) -> int:
    return [file["name"] for file in files.list_everything()].count("Antares")


def damage_folder() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_drivefolder"
            " SET place = set_byte(place, 40, get_byte(place, 40) # 1)"
        )


@pytest.fixture
def refuse_own(use_own, monkeypatch):
    """Return a function that presses the button for Antares's own folder, which fails."""

    def press(error: Exception) -> HttpResponse:
        def refuse(*_: object) -> None:
            raise error

        monkeypatch.setattr(folders, "restore_own_folder", refuse)
        return use_own()

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

    def test_leaves_the_own_one_for_later(self, alices, files, choose, use_own):
        files.upload(make_file(10), filename="a.bin")
        choose("Contracts")
        choose("Invoices")
        files.upload(make_file(11), filename="b.bin")

        use_own()

        page = read_messages(alices.client)
        assert "Antares created this folder." in page
        assert "You chose this folder." not in page
        files.upload(make_file(12), filename="c.bin")
        expected = {"a.bin": "Antares", "b.bin": "Invoices", "c.bin": "Antares"}
        assert list_folder_names(files) == expected
        assert count_own_folders(files) == 1

    def test_leaves_an_own_one_that_is_created_again_if_deleted(
        self, google, files, choose, use_own
    ):
        files.upload(make_file(10), filename="a.bin")
        (remote,) = files.list_remote()
        choose("Contracts")
        google.change_file(ALICE_BOX, remote["parents"][0], deleted=True)

        use_own()

        files.upload(make_file(12), filename="c.bin")
        assert list_folder_names(files) == {"c.bin": "Antares"}

    def test_takes_a_file_while_the_own_one_is_created(
        self, files, choose, use_own, during_creation
    ):
        during_creation(lambda: choose("Contracts"), is_before=True)

        files.upload(make_file(10), filename="a.bin")

        assert list_folder_names(files) == {"a.bin": "Contracts"}
        use_own()
        files.upload(make_file(11), filename="b.bin")
        assert list_folder_names(files) == {"a.bin": "Contracts", "b.bin": "Antares"}
        assert count_own_folders(files) == 1

    def test_of_an_earlier_version_is_forgotten_for_the_own_one(
        self, alices, files, drive, choose, use_own
    ):
        choose("Contracts")
        row = DriveFolder.objects.get()
        sealer = sealing.get_sealer(holder=drive.id, epoch=drive.epoch)
        place = b'{"folder_id": "folder-1", "name": "Contracts", "link": ""}'
        row.place = sealer.seal_value(DriveFolder, "place", row=row.id, data=place)
        row.save()
        assert "You chose this folder." in read_messages(alices.client)

        use_own()

        files.upload(make_file(10), filename="a.bin")
        assert list_folder_names(files) == {"a.bin": "Antares"}

    def test_that_is_damaged_is_replaced_by_the_own_one(self, files, choose, use_own):
        choose("Contracts")
        damage_folder()

        use_own()

        files.upload(make_file(10), filename="a.bin")
        assert list_folder_names(files) == {"a.bin": "Antares"}

    def test_that_is_damaged_is_replaced_by_another_one(self, files, choose):
        choose("Contracts")
        damage_folder()

        choose("Invoices")

        files.upload(make_file(10), filename="a.bin")
        assert list_folder_names(files) == {"a.bin": "Invoices"}


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
    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (errors.Unavailable("down"), messages.FOLDER_NOT_CHECKED),
            (DisconnectedError(), messages.DRIVE_AWAY),
        ],
    )
    def test_for_the_own_folder_says_what_is_wrong(self, alices, choose, refuse_own, error, text):
        choose("Contracts")

        answer = refuse_own(error)

        assert (answer.status_code, answer["Location"]) == (303, PAGE)
        page = read_messages(alices.client)
        assert str(text) in page
        assert "You chose this folder." in page

    def test_for_the_own_folder_waits_for_other_requests(self, choose, refuse_own):
        choose("Contracts")

        answer = refuse_own(TooManyWaits())

        assert answer.status_code == 429
        assert answer["Retry-After"]

    def test_of_no_drive_are_unknown(self, alices, drive, browser_of, bob):
        for data in ({}, {"drive": "x", "action": "own"}, {"drive": drive.id, "action": "other"}):
            assert alices.client.post(FOLDER, data).status_code == 404
        foreign = {"drive": drive.id, "action": "choose"}
        assert browser_of(bob).client.post(FOLDER, foreign).status_code == 404
        assert FolderRequest.objects.count() == 0
