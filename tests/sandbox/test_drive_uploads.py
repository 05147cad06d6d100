"""Resumable uploads: the protocol by raw HTTP, and Google's own client."""

import contextlib
import hashlib
import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaFileUpload, MediaIoBaseUpload

from tests.sandbox.conftest import DRIVE_FILE, drive

ME = "alice@example.com"
BLOCK = 262_144
WEEK = 7 * 86_400
CONTENT = bytes(range(256)) * 4096  # Four blocks.
SIZE = len(CONTENT)
FIELDS = "id,name,size,md5Checksum,sha1Checksum,sha256Checksum"


@pytest.fixture
def token(sandbox):
    sandbox.seed(ME)
    return sandbox.authorize(ME, DRIVE_FILE)["access_token"]


@pytest.fixture
def files(sandbox, token):
    return drive(sandbox, token).files()


@pytest.fixture
def http():
    with httpx.Client() as client:
        yield client


class Upload:
    """A session by raw HTTP."""

    def __init__(self, sandbox, token, http, *, size=None, fields=FIELDS, **metadata):
        self.http, self.token = http, token
        headers = {"Authorization": f"Bearer {token}", "X-Upload-Content-Type": "text/plain"}
        if size is not None:
            headers["X-Upload-Content-Length"] = str(size)
        self.created = http.post(
            f"{sandbox.url}/upload/drive/v3/files",
            params={"uploadType": "resumable", "fields": fields},
            headers=headers,
            json={"name": "mail.mbox", **metadata},
        )
        self.address = self.created.headers.get("location", "")

    def put(self, content=b"", content_range=None, **more):
        headers = {"Content-Range": f"bytes {content_range}"} if content_range else {}
        return self.http.put(self.address, content=content, headers=headers, **more)

    def send(self, start, end, total=SIZE):
        return self.put(CONTENT[start:end], f"{start}-{end - 1}/{total}")

    def ask(self, total=SIZE):
        return self.put(content_range=f"*/{total}")

    def break_after(self, size, content_range, length):
        """Send the beginning of a body, then close the connection."""
        target = urlsplit(self.address)
        head = (
            f"PUT {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\n"
            f"Content-Range: bytes {content_range}\r\nContent-Length: {length}\r\n\r\n"
        )
        with socket.create_connection((target.hostname, target.port)) as connection:
            connection.sendall(head.encode() + CONTENT[:size])


@pytest.fixture
def upload(sandbox, token, http):
    return Upload(sandbox, token, http, size=len(CONTENT))


def get_md5(content):
    return hashlib.new("md5", content, usedforsecurity=False).hexdigest()


def get_state(answer):
    return answer.status_code, answer.headers.get("range")


def get_reason(answer):
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


class TestSession:
    def test_has_a_secret_address_that_needs_no_token(self, upload, sandbox):
        assert upload.created.status_code == 200
        assert upload.address.startswith(f"{sandbox.url}/upload/drive/v3/files?")
        assert "upload_id=" in upload.address
        assert upload.created.headers["x-guploader-uploadid"] in upload.address
        assert upload.put(CONTENT).status_code == 200

    def test_lives_for_a_week(self, upload, sandbox):
        sandbox.advance(WEEK - 60)
        assert get_state(upload.ask()) == (308, None)

        sandbox.advance(61)
        assert upload.ask().status_code == 404
        assert sandbox.uploads() == []

    def test_can_be_expired_by_control(self, upload, sandbox):
        assert sandbox.expire_uploads(ME) == 1
        assert upload.send(0, BLOCK).status_code == 404

    def test_needs_a_token_to_begin(self, sandbox, token, http):
        assert Upload(sandbox, "x", http).created.status_code == 401

    def test_can_be_cancelled(self, upload, sandbox):
        assert upload.http.delete(upload.address).status_code == 499
        assert upload.ask().status_code == 499
        assert sandbox.drive_files(ME) == []


class TestContent:
    def test_arrives_in_chunks(self, upload, sandbox):
        first, second = upload.send(0, BLOCK), upload.send(BLOCK, 3 * BLOCK)
        last = upload.send(3 * BLOCK, 4 * BLOCK)

        assert get_state(first) == (308, f"bytes=0-{BLOCK - 1}")
        assert get_state(second) == (308, f"bytes=0-{3 * BLOCK - 1}")
        file = last.json()
        assert last.status_code == 200
        assert file["size"] == str(len(CONTENT))
        for name in ("md5", "sha1", "sha256"):
            assert file[f"{name}Checksum"] == hashlib.new(name, CONTENT).hexdigest()
        assert sandbox.drive_content(ME, file["id"]) == CONTENT

    @pytest.mark.parametrize("size", [None, len(CONTENT)])
    def test_arrives_in_one_request(self, sandbox, token, http, size):
        upload = Upload(sandbox, token, http, size=size)

        file = upload.put(CONTENT).json()

        assert file["md5Checksum"] == get_md5(CONTENT)

    def test_arrives_in_one_request_of_unknown_length(self, sandbox, token, http):
        upload = Upload(sandbox, token, http)

        file = upload.put(CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000)).json()

        assert file["sha256Checksum"] == hashlib.sha256(CONTENT).hexdigest()

    @pytest.mark.parametrize("difference", [-1, 1])
    def test_of_unknown_length_ends_at_the_announced_size(self, sandbox, token, http, difference):
        upload = Upload(sandbox, token, http, size=SIZE + difference)

        answer = upload.put(iter([CONTENT]))

        if difference < 0:
            assert answer.json()["md5Checksum"] == get_md5(CONTENT[:-1])
        else:
            assert get_state(answer) == (308, f"bytes=0-{SIZE - 1}")

    def test_may_have_an_unknown_size_until_the_last_chunk(self, sandbox, token, http):
        upload = Upload(sandbox, token, http)

        first = upload.send(0, 2 * BLOCK, "*")
        asked = upload.ask("*")
        last = upload.send(2 * BLOCK, 2 * BLOCK + 5, 2 * BLOCK + 5)

        assert get_state(first) == get_state(asked) == (308, f"bytes=0-{2 * BLOCK - 1}")
        assert last.json()["size"] == str(2 * BLOCK + 5)

    def test_may_be_empty(self, sandbox, token, http):
        assert Upload(sandbox, token, http, size=0).put().json()["size"] == "0"

    def test_gets_the_same_answer_after_its_end(self, upload, sandbox):
        first = upload.put(CONTENT)

        again = [upload.ask(), upload.put(CONTENT), upload.send(0, BLOCK)]

        assert [answer.content for answer in again] == [first.content] * 3
        [file] = sandbox.drive_files(ME)
        assert (file["id"], file["creations"]) == (first.json()["id"], 1)


class TestOffsets:
    def test_ignore_what_is_already_stored(self, upload, sandbox):
        upload.send(0, 2 * BLOCK)

        middle, last = upload.send(BLOCK, 3 * BLOCK), upload.send(0, 4 * BLOCK)

        assert get_state(middle) == (308, f"bytes=0-{3 * BLOCK - 1}")
        assert last.json()["md5Checksum"] == get_md5(CONTENT)

    def test_leave_no_gap(self, upload):
        upload.send(0, BLOCK)

        assert upload.send(2 * BLOCK, 3 * BLOCK).status_code == 400
        assert get_state(upload.ask()) == (308, f"bytes=0-{BLOCK - 1}")

    @pytest.mark.parametrize(
        ("size", "content_range"),
        [
            (1000, f"0-999/{len(CONTENT)}"),
            (BLOCK, f"0-{BLOCK - 2}/{len(CONTENT)}"),
            (BLOCK, f"0-{BLOCK - 1}/{len(CONTENT) + 1}"),
            (BLOCK, f"0-{BLOCK - 1}"),
            (1000, "0-999/*"),
            (1000, f"*/{len(CONTENT)}"),
            (BLOCK, f"{len(CONTENT)}-{len(CONTENT) + BLOCK - 1}/{len(CONTENT)}"),
        ],
    )
    def test_have_to_fit(self, upload, size, content_range):
        assert upload.put(CONTENT[:size], content_range).status_code == 400
        assert get_state(upload.ask()) == (308, None)


class TestBrokenConnection:
    def test_keeps_whole_blocks(self, upload):
        upload.break_after(2 * BLOCK + 5, f"0-{4 * BLOCK - 1}/{4 * BLOCK}", 4 * BLOCK)

        answer = upload.ask()
        while answer.headers.get("range") is None:
            answer = upload.ask()
        assert get_state(answer) == (308, f"bytes=0-{2 * BLOCK - 1}")
        finished = upload.send(2 * BLOCK, 4 * BLOCK)
        assert finished.json()["md5Checksum"] == get_md5(CONTENT)

    def test_does_not_lock_out_a_later_request(self, upload):
        target = urlsplit(upload.address)
        with socket.create_connection((target.hostname, target.port)) as connection:
            head = f"PUT {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\n"
            head += f"Content-Length: {len(CONTENT)}\r\n\r\n"
            connection.sendall(head.encode() + CONTENT[:10])
            while upload.ask().status_code != 308:
                pass

            file = upload.put(CONTENT).json()

            assert file["md5Checksum"] == get_md5(CONTENT)


class TestConcurrentRequests:
    def test_create_one_undamaged_file(self, upload, sandbox):
        def send(_):
            with httpx.Client() as client:
                with contextlib.suppress(httpx.TransportError):
                    return client.put(upload.address, content=CONTENT * 8).status_code
                return None

        upload = Upload(sandbox, upload.token, upload.http, size=8 * SIZE)
        with ThreadPoolExecutor(4) as pool:
            statuses = set(pool.map(send, range(4)))

        assert statuses <= {200, None}
        file = upload.put(CONTENT * 8).json()
        assert file["md5Checksum"] == get_md5(CONTENT * 8)
        assert len(sandbox.drive_files(ME)) == 1


class TestFaults:
    def test_accept_a_part(self, upload, sandbox):
        sandbox.fail_upload("accept", 2 * BLOCK + 100)

        assert get_state(upload.put(CONTENT)) == (308, f"bytes=0-{2 * BLOCK - 1}")
        assert upload.send(2 * BLOCK, 4 * BLOCK).status_code == 200

    def test_accept_nothing(self, upload, sandbox):
        sandbox.fail_upload("accept", count=2)

        assert get_state(upload.send(0, BLOCK)) == (308, None)
        assert get_state(upload.send(0, BLOCK)) == (308, None)
        assert get_state(upload.send(0, BLOCK)) == (308, f"bytes=0-{BLOCK - 1}")

    def test_discard_what_is_stored(self, upload, sandbox):
        upload.send(0, BLOCK)
        sandbox.fail_upload("discard")

        assert get_state(upload.send(BLOCK, 2 * BLOCK)) == (308, None)
        file = upload.put(CONTENT).json()
        assert file["md5Checksum"] == get_md5(CONTENT)

    def test_cut_the_connection(self, upload, sandbox):
        sandbox.fail_upload("cut", BLOCK + 1)

        with pytest.raises(httpx.TransportError):
            upload.put(CONTENT)
        assert get_state(upload.ask()) == (308, f"bytes=0-{BLOCK - 1}")

    def test_fail_after_some_bytes(self, upload, sandbox):
        sandbox.fail_upload("error", 3 * BLOCK, status=502)

        assert upload.put(CONTENT).status_code == 502
        assert get_state(upload.ask()) == (308, f"bytes=0-{3 * BLOCK - 1}")

    def test_lose_the_last_answer(self, upload, sandbox):
        sandbox.fail_upload("lose_answer")
        assert upload.send(0, BLOCK).status_code == 308

        with pytest.raises(httpx.TransportError):
            upload.send(BLOCK, 4 * BLOCK)

        [file] = sandbox.drive_files(ME)
        assert upload.ask().json()["id"] == file["id"]
        assert file["creations"] == 1

    def test_damage_content(self, upload, sandbox):
        sandbox.fail_upload("damage", email=ME)

        file = upload.put(CONTENT).json()

        stored = sandbox.drive_content(ME, file["id"])
        assert stored[1:] == CONTENT[1:]
        assert file["size"] == str(len(CONTENT))
        assert file["md5Checksum"] == get_md5(stored)
        assert file["md5Checksum"] != get_md5(CONTENT)

    def test_of_other_accounts_do_not_matter(self, upload, sandbox):
        sandbox.fail_upload("accept", email="bob@example.com")

        assert upload.put(CONTENT).status_code == 200

    def test_for_any_call_work_too(self, upload, sandbox):
        path = {"method": "PUT", "path_prefix": "/upload/drive/v3/files"}
        sandbox.fail_next(problem="drive_user_rate_limit", **path)
        sandbox.fail_next(drop="before", **path)

        assert get_reason(upload.put(CONTENT)) == (403, "userRateLimitExceeded")
        with pytest.raises(httpx.TransportError):
            upload.put(CONTENT)
        assert get_state(upload.ask()) == (308, None)


class TestLog:
    def test_has_ranges_and_outcomes(self, upload, sandbox):
        sandbox.fail_upload("cut", BLOCK)
        with pytest.raises(httpx.TransportError):
            upload.put(CONTENT)
        upload.ask()

        logged = [
            (request["body"], request["status"], request["user"])
            for request in sandbox.requests("/upload/drive/")
            if request["method_id"] == "drive.uploads"
        ]

        assert logged == [("", 0, ME), (f"bytes */{SIZE}", 308, ME)]
        assert sandbox.calls("drive.files.create") == 1

    def test_lists_sessions(self, upload, sandbox):
        upload.send(0, BLOCK)

        [session] = sandbox.uploads(ME)

        assert (session["stored"], session["total"]) == (BLOCK, SIZE)
        assert session["metadata"] == {"name": "mail.mbox", "mimeType": "text/plain"}
        assert (session["complete"], session["cancelled"]) == (False, False)


class TestStorage:
    def test_refuses_a_session_that_cannot_fit(self, sandbox, token, http):
        sandbox.limit_drive(ME, len(CONTENT) + 10, other_usage=11)

        refused = Upload(sandbox, token, http, size=len(CONTENT)).created

        assert get_reason(refused) == (403, "storageQuotaExceeded")

    def test_refuses_the_last_byte(self, upload, sandbox):
        upload.send(0, BLOCK)
        sandbox.limit_drive(ME, len(CONTENT) - 1)

        assert get_reason(upload.send(BLOCK, 4 * BLOCK)) == (403, "storageQuotaExceeded")
        assert sandbox.drive_files(ME) == []


class TestIds:
    def test_create_a_file_once(self, sandbox, token, http, files):
        [file_id] = files.generateIds(count=1).execute()["ids"]
        uploads = [Upload(sandbox, token, http, id=file_id) for _ in range(2)]

        answers = [upload.put(CONTENT) for upload in uploads]

        assert answers[0].json()["id"] == file_id
        assert get_reason(answers[1]) == (409, "fileIdInUse")
        third = Upload(sandbox, token, http, id=file_id).created
        assert get_reason(third) == (409, "fileIdInUse")

    def test_come_from_the_account(self, sandbox, token, http):
        refused = Upload(sandbox, token, http, id="1" + "x" * 32).created

        assert get_reason(refused) == (400, "invalid")


class TestGooglesClient:
    def test_uploads_a_file(self, files, tmp_path):
        path = tmp_path / "mail.mbox"
        path.write_bytes(CONTENT + b"end")
        media = MediaFileUpload(str(path), chunksize=2 * BLOCK, resumable=True)

        request = files.create(body={"name": "mail.mbox"}, media_body=media, fields=FIELDS)
        progress, answer = [], None
        while answer is None:
            status, answer = request.next_chunk()
            progress.append(status.resumable_progress if status else None)

        assert progress == [2 * BLOCK, 4 * BLOCK, None]
        assert answer["md5Checksum"] == get_md5(CONTENT + b"end")

    def test_resumes_after_an_error(self, files, sandbox):
        media = MediaIoBaseUpload(io.BytesIO(CONTENT), "text/plain", BLOCK, resumable=True)
        request = files.create(body={"name": "mail.mbox"}, media_body=media, fields=FIELDS)
        assert request.next_chunk()[1] is None
        sandbox.fail_upload("error")
        with pytest.raises(HttpError):
            request.next_chunk()

        answer = None
        while answer is None:
            _, answer = request.next_chunk()

        assert answer["md5Checksum"] == get_md5(CONTENT)

    def test_resumes_in_another_process(self, files):
        body, media = {"name": "mail.mbox"}, io.BytesIO(CONTENT)

        def make_request():
            upload = MediaIoBaseUpload(media, "text/plain", BLOCK, resumable=True)
            return files.create(body=body, media_body=upload, fields=FIELDS)

        first, second = make_request(), make_request()
        first.next_chunk()
        second.resumable_uri = first.resumable_uri
        second._in_error_state = True
        answer = None
        while answer is None:
            _, answer = second.next_chunk()

        assert answer["size"] == str(len(CONTENT))

    @pytest.mark.parametrize("content", [b"", b"short"])
    def test_uploads_what_is_small(self, files, content):
        media = MediaIoBaseUpload(io.BytesIO(content), "text/plain", resumable=True)

        answer = files.create(body={"name": "a"}, media_body=media, fields="size").execute()

        assert answer == {"size": str(len(content))}

    def test_downloads_it(self, upload, files):
        file = upload.put(CONTENT).json()

        assert files.get_media(fileId=file["id"]).execute() == CONTENT

    def test_metadata_are_those_of_the_beginning(self, sandbox, token, http):
        upload = Upload(sandbox, token, http, fields="*", appProperties={"key": "1"})

        file = json.loads(upload.put(b"x").content)

        assert file["appProperties"] == {"key": "1"}
        assert file["mimeType"] == "text/plain"
