"""A tus client over Django's, and the files that it sends."""

from __future__ import annotations

import random
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

from accounts.actors import SYSTEM
from accounts.ids import uuid7
from integrations.models import Upload, UploadChunk
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

MIB = 1024 * 1024
BODY_TYPE = "application/offset+octet-stream"


def make_file(size: int, seed: int = 1) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - only to be told apart


def encode_metadata(**values: str) -> str:
    return ",".join(f"{key} {b64encode(text.encode()).decode()}" for key, text in values.items())


@dataclass
class TusClient:
    http: Client
    mailbox: UUID

    def create(self, size: int | str, *, metadata: str = "", **more) -> HttpResponse:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size), **more}
        if metadata:
            headers["Upload-Metadata"] = metadata
        return self.http.post(
            f"/uploads/?mailbox={self.mailbox}", b"", content_type="text/plain", headers=headers
        )

    def begin(self, size: int) -> str:
        """Return the new upload's address."""
        answer = self.create(size, metadata=encode_metadata(filename="a.bin"))
        assert answer.status_code == 201, answer.content
        return answer["Location"]

    def send(self, address: str, data: bytes, *, offset: int | str = 0, **more) -> HttpResponse:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), **more}
        # Django's client would send no type with an empty body.
        return self.http.patch(address, data, BODY_TYPE, headers=headers, CONTENT_TYPE=BODY_TYPE)

    def ask(self, address: str) -> HttpResponse:
        return self.http.head(address, headers={"Tus-Resumable": "1.0.0"})

    def remove(self, address: str) -> HttpResponse:
        return self.http.delete(address, headers={"Tus-Resumable": "1.0.0"})


def store_file(client: TusClient, data: bytes) -> Upload:
    address = client.begin(len(data))
    if data:
        assert client.send(address, data).status_code == 204
    return get_upload(address)


def get_upload(address: str) -> Upload:
    return Upload.objects.select_related("integration").get(id=address.split("/")[2])


def list_chunks(upload: Upload) -> list[tuple[int, int]]:
    chunks = UploadChunk.objects.filter(upload_id=upload.id).order_by("offset")
    return list(chunks.values_list("offset", "size"))


@dataclass(frozen=True)
class Outlet:
    account: UUID


def make_permit(upload: Upload, at, *, purpose=Purpose.MAIL_SEND, account=None) -> Permit:
    """Return what the guard would give to a worker that sends; it opens what is really sealed."""
    integration = upload.integration
    return Permit(
        use=Use(DataClass.MAIL_CONTENT, purpose, Recipient.OWN_PROVIDER),
        holder=integration.id,
        epoch=integration.epoch,
        actor=SYSTEM,
        fences=(),
        entry_id=uuid7(),
        expires_at=at + timedelta(seconds=60),
        account=account or integration.connection_id,
    )
