"""Google's picker on the authorization endpoint, and what it makes visible."""

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from googleapiclient.errors import HttpError

from tests.sandbox.conftest import DRIVE_FILE, drive
from tests.worlds.sandbox import CLIENT_ID, REDIRECT_URI

ME, BOB = "alice@example.com", "bob@example.com"
FOLDER = "application/vnd.google-apps.folder"


@pytest.fixture(autouse=True)
def alice(sandbox):
    return sandbox.seed(ME)


@pytest.fixture
def folder(sandbox):
    return sandbox.add_folder(ME, "Archive <2026>")


def get_url(sandbox, **changes):
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": DRIVE_FILE,
        "state": "some-state",
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": ME,
        "trigger_onepick": "true",
        "allow_folder_selection": "true",
    } | changes
    return f"{sandbox.url}/o/oauth2/v2/auth?{urlencode({k: v for k, v in query.items() if v})}"


def read_callback(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def get_offered(sandbox, **changes):
    return sandbox.offered_files(httpx.get(get_url(sandbox, **changes)).text)


class TestPicker:
    def test_returns_the_files_beside_a_code(self, sandbox, folder):
        answer = read_callback(sandbox.pick(get_url(sandbox), folder))

        assert answer["picked_file_ids"] == folder
        assert (answer["state"], answer["scope"]) == ("some-state", DRIVE_FILE)
        tokens = sandbox.token(
            grant_type="authorization_code", code=answer["code"], redirect_uri=REDIRECT_URI
        )
        assert tokens["scope"] == DRIVE_FILE
        assert tokens["refresh_token"]

    def test_shows_the_file_to_the_project(self, sandbox, folder):
        files = drive(sandbox, sandbox.authorize(ME, DRIVE_FILE)["access_token"]).files()
        with pytest.raises(HttpError) as error:
            files.get(fileId=folder).execute()
        assert error.value.status_code == 404

        sandbox.pick(get_url(sandbox), folder)

        assert files.get(fileId=folder).execute()["name"] == "Archive <2026>"
        body = {"name": "Mail", "mimeType": FOLDER, "parents": [folder]}
        assert files.create(body=body, fields="parents").execute() == {"parents": [folder]}

    def test_does_not_show_what_is_inside(self, sandbox, folder):
        inside = sandbox.add_file(ME, "old.txt", parent=folder, text="x")
        sandbox.pick(get_url(sandbox), folder)

        files = drive(sandbox, sandbox.authorize(ME, DRIVE_FILE)["access_token"]).files()

        assert [file["id"] for file in files.list().execute()["files"]] == [folder]
        assert inside in get_offered(sandbox)

    def test_can_be_cancelled(self, sandbox, folder):
        answer = read_callback(sandbox.pick(get_url(sandbox), deny=True))

        assert answer["error"] == "access_denied"
        assert "code" not in answer

    def test_picks_several_only_if_allowed(self, sandbox, folder):
        other = sandbox.add_folder(ME, "Other")

        with pytest.raises(RuntimeError, match="Only one"):
            sandbox.pick(get_url(sandbox), folder, other)
        back = sandbox.pick(get_url(sandbox, allow_multiple="true"), folder, other)

        assert read_callback(back)["picked_file_ids"] == f"{folder},{other}"

    def test_offers_what_was_asked_for(self, sandbox, folder):
        text = sandbox.add_file(ME, "a.txt", text="x")
        picture = sandbox.add_file(ME, "b.png", text="x")
        trashed = sandbox.add_file(ME, "c.txt", text="x")
        sandbox.change_file(ME, trashed, trashed=True)

        assert get_offered(sandbox) == {
            folder: "Archive <2026>",
            text: "a.txt",
            picture: "b.png",
        }
        assert set(get_offered(sandbox, allow_folder_selection="")) == {text, picture}
        assert set(get_offered(sandbox, mimetypes=f"{FOLDER},image/png")) == {folder, picture}
        assert set(get_offered(sandbox, file_ids=text)) == {text}

    def test_takes_only_files_of_the_account(self, sandbox, folder):
        sandbox.seed(BOB)
        url = get_url(sandbox, login_hint="")

        with pytest.raises(RuntimeError, match="does not offer"):
            sandbox.pick(url, folder, email=BOB)

    @pytest.mark.parametrize(
        "changes",
        [
            {"scope": f"openid {DRIVE_FILE}"},
            {"scope": "openid"},
            {"prompt": "select_account"},
            {"allow_multiple": "1"},
        ],
    )
    def test_refuses_other_requests(self, sandbox, changes):
        page = httpx.get(get_url(sandbox, **changes))

        assert page.status_code == 400
        assert "invalid_request" in page.text

    def test_belongs_to_the_project_of_the_client(self, sandbox, folder):
        sandbox.register_client("other-client", redirect_uris=(REDIRECT_URI,), project="other")
        sandbox.pick(get_url(sandbox, client_id="other-client"), folder)

        files = drive(sandbox, sandbox.authorize(ME, DRIVE_FILE)["access_token"]).files()

        assert files.list().execute()["files"] == []
