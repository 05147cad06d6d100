"""Two requests for one mailbox's files at once: its bound, an attachment, a removal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from accounts import row_owner
from accounts.ids import uuid7
from integrations.models import Upload, UploadChunk
from integrations.outbox import upload_body, uploads
from integrations.outbox.upload_errors import UploadLocked, UploadNotReady, UploadsFull
from integrations.outbox.uploads import LIMITS, UploadAccess
from tests.integrations import household as houses
from tests.integrations.purge.conftest import keyring
from tests.races import locks

__all__ = ["keyring"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(9)]

LIMIT = LIMITS["mail"].max_total_bytes


@pytest.fixture
def house(keyring):
    return houses.household()


@pytest.fixture
def access(house) -> UploadAccess:
    integration = house.integration
    owner = (house.user.id, house.organisation.id)
    return UploadAccess(*owner, integration.id, integration.epoch, LIMITS["mail"])


def create(access, size: int) -> Upload:
    return uploads.create_upload(
        access, size=size, filename="a", content_type="text/plain", at=timezone.now()
    )


def attach(house, upload):
    with transaction.atomic():
        return uploads.attach_uploads(
            [upload.id],
            command_id=uuid7(),
            integration_id=house.integration.id,
            user_id=house.user.id,
            organisation_id=house.organisation.id,
            at=timezone.now(),
        )


@contextmanager
def row_locked(table: str, row_id):
    """Hold a row until both requests of a test wait for it."""
    with locks.session() as other:
        other.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE", [row_id])  # noqa: S608
        yield
        locks.wait_for_waiters(2)


def run_both(house, table: str, row_id, *calls):
    """Run the calls at once, behind a locked row; return what each returned or raised."""

    def run(call):
        try:
            with row_owner.acting_for(house.user.id, house.organisation.id):
                return call()
        except (UploadLocked, UploadNotReady, UploadsFull) as error:
            return error
        finally:
            databases.close_all()

    with ThreadPoolExecutor(2) as pool:
        with row_locked(table, row_id):
            running = [pool.submit(run, call) for call in calls]
        return [each.result() for each in running]


class TestTwoRequests:
    def test_do_not_exceed_the_bound_of_a_mailbox(self, house, access):
        ends = run_both(
            house,
            "integrations_integration",
            house.integration.id,
            *[lambda: create(access, LIMIT // 2 + 1)] * 2,
        )

        assert sorted(type(end).__name__ for end in ends) == ["Upload", "UploadsFull"]
        assert Upload.objects.count() == 1

    def test_do_not_send_one_file_twice(self, house, access):
        upload = create(access, 0)

        ends = run_both(
            house, "integrations_upload", upload.id, *[lambda: attach(house, upload)] * 2
        )

        assert sorted(type(end).__name__ for end in ends) == ["UploadNotReady", "list"]

    def test_leave_no_chunk_of_a_removed_file(self, house, access):
        upload = create(access, 1000)
        pieces = iter([b"x" * 10])

        ends = run_both(
            house,
            "integrations_integration",
            house.integration.id,
            # Its first chunk waits for the fence.
            lambda: upload_body.append_body(
                access, upload.id, lambda _: next(pieces, b""), offset=0, length=10
            ),
            # Waits as well, and then removes the file that is being written.
            lambda: remove_behind_the_fence(house, upload),
        )

        assert ends[1] is True
        assert isinstance(ends[0], UploadLocked) or ends[0] == 10
        assert not Upload.objects.exists()
        assert not UploadChunk.objects.exists()


def remove_behind_the_fence(house, upload) -> bool:
    with transaction.atomic():
        type(house.integration).objects.select_for_update(no_key=True).get(id=house.integration.id)
    return uploads.delete_upload(upload.id)
