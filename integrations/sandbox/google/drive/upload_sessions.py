"""Upload sessions. The address of a session is a secret that needs no token."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.google.drive.content import StoredContent
from integrations.sandbox.google.drive.store import AccountDrive
from integrations.sandbox.google.drive.upload_faults import UploadFaultQueue
from integrations.sandbox.http_messages import HttpAnswer

# Source: the Drive API's guide to uploads.
LIFETIME_SECONDS = 7 * 86_400


@dataclass
class UploadSession:
    """
    `total` is the size in bytes, None as long as it is unknown. `answer` is the last one, with
    the file.
    """

    id: str
    account: SandboxAccount
    drive: AccountDrive
    project: str
    metadata: dict[str, Any]
    mime_type: str
    fields: str
    expires_at: float
    content: StoredContent
    total: int | None = None
    cancelled: bool = False
    answer: HttpAnswer | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _abort_writer: Callable[[], None] | None = None

    async def acquire(self, abort: Callable[[], None]) -> None:
        """Become the only writer: the connection of an earlier one is cut."""
        if self._abort_writer:
            self._abort_writer()
        await self._lock.acquire()
        self._abort_writer = abort

    def release(self) -> None:
        self._abort_writer = None
        self._lock.release()


class UploadSessionStore:
    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._sessions: dict[str, UploadSession] = {}
        self.faults = UploadFaultQueue()

    def add(  # noqa: PLR0913 - the fields of a session
        self,
        account: SandboxAccount,
        drive: AccountDrive,
        project: str,
        *,
        metadata: dict[str, Any],
        mime_type: str,
        fields: str,
        total: int | None,
        checksums: Collection[str],
    ) -> UploadSession:
        session = UploadSession(
            id=f"ABP{secrets.token_urlsafe(96)}",
            account=account,
            drive=drive,
            project=project,
            metadata=metadata,
            mime_type=mime_type,
            fields=fields,
            total=total,
            content=StoredContent(checksums=checksums),
            expires_at=self._clock.now() + LIFETIME_SECONDS,
        )
        self._sessions[session.id] = session
        return session

    def find(self, upload_id: str) -> UploadSession | None:
        session = self._sessions.get(upload_id)
        if session is None or session.expires_at <= self._clock.now():
            self._sessions.pop(upload_id, None)
            return None
        return session

    def list_all(self, email: str = "") -> list[UploadSession]:
        """Those that have not expired."""
        sessions = [self.find(upload_id) for upload_id in list(self._sessions)]
        return [
            session
            for session in sessions
            if session and email.lower() in ("", session.account.email.lower())
        ]

    def expire(self, session: UploadSession) -> None:
        self._sessions.pop(session.id, None)
