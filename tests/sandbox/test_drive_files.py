"""Google Drive as the sandbox plays it, through Google's own client."""

import hashlib
import io

import httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

from integrations.sandbox import schemas
from integrations.sandbox.google.drive.methods import HANDLERS
from tests.sandbox.conftest import AUTH, DRIVE_FILE, drive

ME = "alice@example.com"
FOLDER = "application/vnd.google-apps.folder"
ALL = "id,name,mimeType,parents,size,md5Checksum,trashed,version,appProperties,webViewLink"


@pytest.fixture
def service(sandbox):
    sandbox.seed(ME)
    return drive(sandbox, sandbox.authorize(ME, DRIVE_FILE)["access_token"])


@pytest.fixture
def files(service):
    return service.files()


def create(files, name="Mail", mime_type=FOLDER, **more):
    body = {"name": name, "mimeType": mime_type, **more}
    return files.create(body=body, fields=ALL).execute()


def get_refusal(request):
    with pytest.raises(HttpError) as error:
        request.execute()
    return error.value.status_code, error.value.error_details[0]["reason"]


def list_names(files, q="", **more):
    return [file["name"] for file in files.list(q=q, **more).execute()["files"]]


class TestMethods:
    def test_exist(self):
        assert set(HANDLERS) <= set(schemas.get_methods())


class TestAbout:
    def test_shows_storage(self, service, sandbox):
        sandbox.limit_drive(ME, 1000, other_usage=10)
        sandbox.add_file(ME, "a", text="12345")

        about = service.about().get(fields="user(emailAddress),storageQuota").execute()

        assert about["user"] == {"emailAddress": ME}
        quota = about["storageQuota"]
        assert (quota["limit"], quota["usage"], quota["usageInDrive"]) == ("1000", "15", "5")

    def test_has_no_limit_if_storage_is_unlimited(self, service, sandbox):
        sandbox.limit_drive(ME, 0)

        about = service.about().get(fields="storageQuota").execute()

        assert "limit" not in about["storageQuota"]

    def test_requires_fields(self, service):
        assert get_refusal(service.about().get()) == (400, "required")


class TestAccess:
    def test_needs_drive_in_the_account(self, sandbox):
        sandbox.seed("bob@example.com", drive=False)
        token = sandbox.authorize("bob@example.com", DRIVE_FILE)["access_token"]

        assert get_refusal(drive(sandbox, token).files().list()) == (403, "domainPolicy")

    def test_needs_the_scope(self, sandbox, service):
        token = sandbox.authorize(ME, f"openid email {AUTH}calendar")["access_token"]

        request = drive(sandbox, token).files().list()

        with pytest.raises(HttpError, match="insufficient authentication scopes"):
            request.execute()

    def test_ends_at_files_of_the_user(self, files, sandbox):
        file_id = sandbox.add_file(ME, "mine.txt", text="x")
        folder_id = sandbox.add_folder(ME, "Mine")

        assert list_names(files) == []
        for request in (
            files.get(fileId=file_id),
            files.get_media(fileId=file_id),
            files.update(fileId=file_id, body={"name": "x"}),
            files.delete(fileId=file_id),
            files.create(body={"name": "x", "parents": [folder_id]}),
            files.get(fileId="root"),
        ):
            assert get_refusal(request) == (404, "notFound")

    def test_counts_units(self, files, sandbox):
        files.list().execute()
        create(files)

        assert sandbox.units() == 150
        sandbox.dial(drive_units_per_minute=1)
        assert get_refusal(files.list()) == (403, "userRateLimitExceeded")

    def test_meets_queued_problems(self, files, sandbox):
        sandbox.fail_next(problem="insufficient_file_permissions", path_prefix="/drive/v3/")

        assert get_refusal(files.list()) == (403, "insufficientFilePermissions")


class TestCreate:
    def test_makes_a_folder(self, files):
        folder = create(files)
        child = create(files, "Child", parents=[folder["id"]])

        assert folder.keys() == {
            "id", "name", "mimeType", "parents", "trashed", "version", "webViewLink",
        }  # fmt: skip
        assert child["parents"] == [folder["id"]]

    def test_answers_four_fields_by_default(self, files):
        answer = files.create(body={"name": "a"}).execute()

        assert answer.keys() == {"kind", "id", "name", "mimeType"}

    def test_accepts_equal_names(self, files):
        assert create(files)["id"] != create(files)["id"]

    def test_takes_content_in_one_request(self, files, sandbox):
        content = b"\r\n--boundary\r\n\r\nFrom x\n\r\n"
        media = MediaIoBaseUpload(io.BytesIO(content), "text/plain")

        answer = files.create(body={"name": "a"}, media_body=media, fields=ALL).execute()

        assert (answer["size"], answer["mimeType"]) == (str(len(content)), "text/plain")
        md5 = hashlib.new("md5", content, usedforsecurity=False)
        assert answer["md5Checksum"] == md5.hexdigest()
        assert sandbox.drive_content(ME, answer["id"]) == content
        assert files.get_media(fileId=answer["id"]).execute() == content

    def test_takes_an_id_once(self, files):
        first, second = files.generateIds(count=2).execute()["ids"]
        create(files, id=first)
        files.delete(fileId=first).execute()

        again = files.create(body={"id": first, "name": "again"})

        assert get_refusal(again) == (409, "fileIdInUse")
        assert create(files, id=second)["id"] == second
        unknown = files.create(body={"id": "1unknown", "name": "x"})
        assert get_refusal(unknown) == (400, "invalid")

    def test_wants_a_folder_as_parent(self, files):
        file = create(files, mime_type="text/plain")

        for parents, refusal in (
            (["unknown"], (404, "notFound")),
            ([file["id"]], (403, "parentNotAFolder")),
            (["root", "root"], (400, "invalid")),
        ):
            request = files.create(body={"name": "x", "parents": parents})
            assert get_refusal(request) == refusal

    def test_ends_at_the_limit(self, files, sandbox):
        sandbox.limit_drive(ME, 4)
        media = MediaIoBaseUpload(io.BytesIO(b"12345"), "text/plain")

        request = files.create(body={"name": "a"}, media_body=media)

        assert get_refusal(request) == (403, "storageQuotaExceeded")


class TestList:
    def test_searches(self, files, sandbox):
        folder = create(files, "It's \\ here")
        create(files, "a.txt", "text/plain", parents=[folder["id"]])
        old = create(files, "b.txt", "text/plain", parents=[folder["id"]])
        files.update(fileId=old["id"], body={"trashed": True}).execute()

        inside = f"'{folder['id']}' in parents"
        assert list_names(files, inside) == ["b.txt", "a.txt"]
        assert list_names(files, f"{inside} and trashed = false") == ["a.txt"]
        assert list_names(files, f"{inside} and trashed=true") == ["b.txt"]
        assert list_names(files, f"mimeType='{FOLDER}'") == [folder["name"]]
        assert list_names(files, "name = 'It\\'s \\\\ here' and 'root' in parents") == [
            folder["name"]
        ]
        assert list_names(files, "mimeType != 'text/plain'") == [folder["name"]]
        assert list_names(files, orderBy="name desc")[0] == folder["name"]

    @pytest.mark.parametrize("q", ["name", "name = 'a' and", "name = 'a' or name = 'b'", "x='1'"])
    def test_refuses_other_queries(self, files, q):
        assert get_refusal(files.list(q=q)) == (400, "invalid")

    def test_has_pages(self, files):
        names = {create(files, str(number))["name"] for number in range(5)}
        request, listed = files.list(pageSize=2), []
        while request is not None:
            answer = request.execute()
            listed += [file["name"] for file in answer["files"]]
            request = files.list_next(request, answer)

        assert len(listed) == 5
        assert set(listed) == names
        assert get_refusal(files.list(pageToken="x")) == (400, "invalid")

    def test_masks_fields(self, files):
        create(files)

        answer = files.list(fields="files(name)").execute()

        assert answer == {"files": [{"name": "Mail"}]}

    @pytest.mark.parametrize("fields", ["files(title)", "file", "files(id", "files/owners/mail"])
    def test_refuses_unknown_fields(self, files, fields):
        assert get_refusal(files.list(fields=fields)) == (400, "invalidParameter")


class TestUpdate:
    def test_changes_metadata(self, files):
        file = create(files, appProperties={"a": "1", "b": "2"})

        body = {"name": "Post", "appProperties": {"a": None, "c": "3"}}
        changed = files.update(fileId=file["id"], body=body, fields=ALL).execute()

        assert changed["name"] == "Post"
        assert changed["appProperties"] == {"b": "2", "c": "3"}
        assert int(changed["version"]) > int(file["version"])

    def test_moves(self, files):
        first, second = create(files, "first"), create(files, "second")
        file = create(files, parents=[first["id"]])

        moved = files.update(
            fileId=file["id"],
            addParents=second["id"],
            removeParents=first["id"],
            fields="parents",
        ).execute()

        assert moved == {"parents": [second["id"]]}
        inside_itself = files.update(fileId=second["id"], addParents=file["id"])
        assert get_refusal(inside_itself) == (400, "invalid")
        body = {"parents": [first["id"]]}
        by_body = files.update(fileId=file["id"], body=body)
        assert get_refusal(by_body) == (403, "fieldNotWritable")

    def test_trashes_a_folder_with_its_files(self, files):
        folder = create(files)
        file = create(files, parents=[folder["id"]])

        files.update(fileId=folder["id"], body={"trashed": True}).execute()

        assert files.get(fileId=file["id"], fields="trashed").execute() == {"trashed": True}

    def test_sees_only_its_own_properties(self, files, sandbox):
        create(files, appProperties={"a": "1"})

        [file] = sandbox.drive_files(ME)

        assert file["app_properties"] == {"sandbox-project": {"a": "1"}}


class TestDelete:
    def test_takes_what_is_inside(self, files, sandbox):
        folder = create(files)
        file = create(files, parents=[folder["id"]])

        assert files.delete(fileId=folder["id"]).execute() == ""

        assert get_refusal(files.get(fileId=file["id"])) == (404, "notFound")
        assert [each["deleted"] for each in sandbox.drive_files(ME)] == [True, True]


class TestControl:
    def test_picks_without_a_page(self, files, sandbox):
        file_id = sandbox.add_file(ME, "mine.txt", text="x")
        sandbox.pick_file(ME, file_id)

        assert files.get_media(fileId=file_id).execute() == b"x"

    def test_seeds_files(self, sandbox):
        fields = {"limit": 100, "files": [{"name": "a", "folder": True}, {"name": "b"}]}
        sandbox.seed("bob@example.com", drive_fields=fields)

        files = sandbox.drive_files("bob@example.com")

        assert [(file["name"], file["project"]) for file in files] == [("a", ""), ("b", "")]

    def test_leaves_out_checksums(self, files, sandbox):
        sandbox.dial(drive_checksums="sha256")
        media = MediaIoBaseUpload(io.BytesIO(b"x"), "text/plain", resumable=True)

        answer = files.create(
            body={"name": "a"}, media_body=media, fields="md5Checksum,sha256Checksum"
        ).execute()

        assert answer == {"sha256Checksum": hashlib.sha256(b"x").hexdigest()}

    def test_describes_misuse(self, sandbox, service):
        with pytest.raises(RuntimeError, match="lose_answer"):
            sandbox.fail_upload("explode")

    def test_knows_no_other_uploads(self, files, sandbox):
        answer = httpx.put(f"{sandbox.url}/upload/drive/v3/files?upload_id=x", content=b"x")

        assert answer.status_code == 404
