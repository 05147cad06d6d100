"""What a worker saves in Alice's Drive: her mailboxes with files, and orders of hers."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from email.message import EmailMessage
from typing import Final

from django.utils import timezone

from accounts.ids import uuid7
from config.process_classes import ProcessClass
from integrations.drive import upload_worker
from integrations.models import Attachment, DriveFile, Integration, SyncWork
from integrations.operations.file_sources import SOURCES
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.walls import acting_as

PLAN: Final = "Plan.pdf"


def build_mail(data: bytes, *, filename: str = PLAN, subject: str = "with a file") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "bob@example.test", "alice@example.test"
    message["Subject"], message["Message-ID"] = subject, f"<{uuid7()}@example.test>"
    message.set_content("see the file")
    message.add_attachment(data, maintype="application", subtype="pdf", filename=filename)
    return message.as_bytes()


def sync_everything() -> None:
    """Run every piece of work that there is, as a worker would, to its end."""
    for work_id in SyncWork.objects.values_list("id", flat=True):
        again = True
        while again:
            SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
            with acting_as(ProcessClass.SYNC):
                again = sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())


def run_worker(*, has_all_rights: bool = False) -> None:
    """
    Do what is due, with the rights of a worker.

    :param has_all_rights: something else happens in its process
    """
    for file_id in upload_worker.list_due_ids(at=timezone.now()):
        with nullcontext() if has_all_rights else acting_as(ProcessClass.SYNC):
            upload_worker.upload_file(SOURCES, file_id)


def make_due() -> None:
    DriveFile.objects.exclude(due_at=None).update(due_at=timezone.now())


def get_attachment(mailbox: Integration) -> Attachment:
    return Attachment.objects.get(integration_id=mailbox.id)


def get_save_address(attachment: Attachment) -> str:
    return f"/files/save/attachments/{attachment.message_id}/{attachment.id}/"


def order(client, attachment: Attachment, **values: str):
    """Press the button next to the attachment, or on the page."""
    return client.post(get_save_address(attachment), values)


def expire_leases() -> None:
    """As time does after the death of a worker."""
    past = timezone.now() - timedelta(seconds=1)
    DriveFile.objects.exclude(lease_until=None).update(lease_until=past, due_at=past)
