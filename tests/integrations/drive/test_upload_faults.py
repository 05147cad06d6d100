"""Every interruption of an upload ends in one file with the right bytes, or in a named failure."""

from __future__ import annotations

import random
import traceback

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.drive import file_transfer, upload_stream
from integrations.models import DriveFile, Integration
from tests.factories import actor_for
from tests.integrations.drive.tus_files import TUS, UNIT, make_checksum, make_file
from tests.integrations.google import ALICE_BOX

pytestmark = [pytest.mark.django_db, pytest.mark.scenario("F4"), pytest.mark.clause("AN-7")]

DATA = make_file(5 * UNIT + 99)


def break_after(size: int):
    """Return a function that reads a body which breaks off after `size` bytes."""
    sent = 0

    def read(count: int) -> bytes:
        nonlocal sent
        if sent >= size:
            raise OSError
        block = DATA[sent : min(sent + count, size)]
        sent += len(block)
        return block

    return read


@pytest.fixture
def begun(files):
    return files.begin(len(DATA))


class TestProviderFaults:
    @pytest.mark.parametrize("cut_at", [0, 1, UNIT - 1, UNIT, 3 * UNIT + 7, len(DATA) - 1])
    @pytest.mark.parametrize("kind", ["cut", "error"])
    def test_a_break_at_any_byte_leaves_one_file(self, files, begun, run_worker, kind, cut_at):
        files.sandbox.fail_upload(kind, cut_at)

        answer = files.send(begun, DATA)

        assert answer.status_code == 503, answer.content
        assert 0 <= files.ask(begun) <= cut_at
        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)
        assert files.read(begun)["state"] == "done"

    @pytest.mark.parametrize("accepted", [UNIT, 4 * UNIT])
    def test_partial_acceptance_is_trusted(self, files, begun, run_worker, accepted):
        files.sandbox.fail_upload("accept", accepted)

        files.send(begun, DATA)

        assert files.ask(begun) <= accepted
        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)

    def test_an_answer_without_a_range_means_that_nothing_is_stored(self, files, begun, run_worker):
        files.sandbox.fail_upload("discard")

        files.send(begun, DATA)

        assert files.ask(begun) == 0
        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)

    def test_a_lost_last_answer_makes_no_second_file(self, files, begun, run_worker):
        files.sandbox.fail_upload("lose_answer")

        assert files.send(begun, DATA).status_code == 503

        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)
        assert files.read(begun)["state"] == "done"

    def test_an_expired_session_begins_again(self, files, begun, run_worker):
        files.send(begun, DATA[: 2 * UNIT])
        files.sandbox.expire_uploads(ALICE_BOX)

        assert files.send(begun, DATA[2 * UNIT :], offset=2 * UNIT).status_code == 503
        assert files.ask(begun) == 0
        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)

    def test_sessions_that_always_expire_are_given_up(self, files, begun):
        for _ in range(file_transfer.MAX_SESSIONS):
            files.send(begun, DATA[:UNIT])
            files.sandbox.expire_uploads(ALICE_BOX)
            files.send(begun, DATA[UNIT:], offset=UNIT)
            if files.read(begun)["state"] == "failed":
                break
            files.http.head(begun, headers=TUS)

        row = files.read(begun)
        assert (row["state"], row["problem"]) == ("failed", "session_expired")

    def test_a_damaged_file_fails_and_goes_to_the_trash(self, files, begun):
        files.sandbox.fail_upload("damage")

        answer = files.send(begun, DATA)

        assert answer.json()["code"] == "upload-failed"
        row = files.read(begun)
        assert (row["state"], row["problem"]) == ("failed", "checksum_mismatch")
        (remote,) = files.list_remote()
        assert remote["trashed"]
        assert Integration.objects.get(product="drive").saved_file_count == 0

    def test_a_file_damaged_in_pieces_is_found_by_the_worker(self, files, begun, run_worker):
        files.sandbox.fail_upload("damage")
        files.send(begun, DATA[:UNIT])
        files.send(begun, DATA[UNIT:], offset=UNIT)

        run_worker()

        row = files.read(begun)
        assert (row["state"], row["problem"]) == ("failed", "checksum_mismatch")

    def test_a_full_drive_is_said(self, files):
        files.sandbox.limit_drive(ALICE_BOX, 1000)
        address = files.begin(len(DATA))

        answer = files.send(address, DATA)

        assert (answer.status_code, answer.json()["code"]) == (422, "upload-failed")
        row = files.read(address)
        assert (row["state"], row["problem"]) == ("failed", "storage_full")

    def test_a_slow_down_is_passed_on(self, files, begun, run_worker):
        files.sandbox.fail_next(problem="drive_user_rate_limit", path_prefix="/upload/drive")

        answer = files.send(begun, DATA)

        assert answer.status_code == 503
        files.finish(begun, DATA)
        files.check_remote(DATA)


class TestClientFaults:
    @pytest.mark.parametrize("cut_at", [0, 1, UNIT, 2 * UNIT + 1, len(DATA) - 1])
    def test_a_body_that_breaks_off_continues(self, files, alice, begun, run_worker, cut_at):
        file = DriveFile.objects.select_related("integration__connection").get()
        actor = actor_for(alice, file.integration.connection.organisation)

        with pytest.raises(upload_stream.BodyInterrupted):
            upload_stream.append_body(file, actor, break_after(cut_at), offset=0, length=len(DATA))

        files.finish(begun, DATA)
        run_worker()
        files.check_remote(DATA)

    def test_a_wrong_offset_is_refused(self, files, begun):
        answer = files.send(begun, DATA[UNIT:], offset=UNIT)

        assert (answer.status_code, answer.json()["code"]) == (409, "upload-offset")
        files.finish(begun, DATA)
        files.check_remote(DATA)

    def test_more_bytes_than_announced_are_refused(self, files, begun):
        answer = files.send(begun, DATA + b"x")

        assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")

    @pytest.mark.claim("file-upload.damaged")
    def test_damaged_bytes_are_refused_before_they_leave(self, files, begun):
        wrong = {"Upload-Checksum": make_checksum(b"other bytes")}

        answer = files.send(begun, DATA, **wrong)

        assert (answer.status_code, answer.json()["code"]) == (460, "upload-checksum")
        assert files.ask(begun) == 0
        assert files.send(begun, DATA, **{"Upload-Checksum": make_checksum(DATA, "sha1")})
        files.check_remote(DATA)

    def test_an_unknown_algorithm_is_refused(self, files, begun):
        answer = files.send(begun, DATA, **{"Upload-Checksum": "crc32 AAAA"})

        assert (answer.status_code, answer.json()["code"]) == (400, "upload-algorithm")

    def test_a_piece_below_the_unit_is_refused(self, files, begun):
        answer = files.send(begun, DATA[:100])

        assert (answer.status_code, answer.json()["code"]) == (422, "upload-piece-too-small")

    def test_a_request_beside_another_is_locked_out(self, files, begun):
        until = timezone.now() + file_transfer.LEASE_TIME
        DriveFile.objects.update(lease_by=DriveFile.objects.get().id, lease_until=until)

        answer = files.send(begun, DATA)

        assert (answer.status_code, answer.json()["code"]) == (423, "upload-locked")
        # Its process is dead: the lease ends by itself.
        DriveFile.objects.update(lease_until=timezone.now())
        files.finish(begun, DATA)
        files.check_remote(DATA)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_any_interruptions_end_in_one_equal_file(files, run_worker, seed):
    """Invariant of F4: after any break, there is one file with these bytes."""
    choose = random.Random(seed)  # noqa: S311 - no secret
    data = make_file(choose.randrange(1, 6 * UNIT), seed)
    before = {file["id"] for file in files.list_remote()}
    address = files.begin(len(data), query="?again=true")
    for _ in range(choose.randrange(4)):
        kind = choose.choice(["cut", "error", "accept", "discard", "lose_answer"])
        files.sandbox.fail_upload(kind, choose.randrange(len(data)))
        offset = files.ask(address)
        end = min(len(data), offset + choose.choice([UNIT, 2 * UNIT, len(data)]))
        files.send(address, data[offset:end], offset=offset)
        if choose.random() < 0.2:
            files.sandbox.expire_uploads(ALICE_BOX)
    files.sandbox.clear_upload_faults()
    for _ in range(10):
        if files.read(address)["state"] not in {"waiting", "uploading"}:
            break
        offset = files.ask(address)
        files.send(address, data[offset:], offset=offset)
    run_worker()

    assert files.read(address)["state"] == "done"
    (remote,) = [file for file in files.list_remote() if file["id"] not in before]
    assert (remote["size"], remote["creations"]) == (len(data), 1)
    assert files.sandbox.drive_content(ALICE_BOX, remote["id"]) == data


class Bug(Exception):
    pass


@pytest.mark.invariant(4)
class TestABugInTheMiddle:
    def test_leaves_nothing_of_what_it_held_for_a_report(self, files, begun, monkeypatch):
        def break_down(*_):
            raise Bug

        monkeypatch.setattr(file_transfer.FileTransfer, "end_request", break_down)

        with pytest.raises(Bug) as caught:
            files.send(begun, DATA)

        modules = (
            "upload_stream.py",
            "file_transfer.py",
            "digested_bytes.py",
            "drive/api/views.py",
        )
        frames = {
            frame.f_code.co_name: frame.f_locals
            for frame, _ in traceback.walk_tb(caught.value.__traceback__)
            if frame.f_code.co_filename.endswith(modules)
        }
        assert {"patch", "append_body", "_pass_body"} <= set(frames)
        assert not any(frames[name] for name in ("patch", "append_body", "_pass_body"))
