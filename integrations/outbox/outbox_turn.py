"""One worker's turn at a command: its lease, its permits, and calls to the mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from django.db import transaction

from integrations.access import fences, permits
from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.grants import access_tokens
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import OutboxCommand, OutboxState
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import MailAdapter, MailUnits
from integrations.providers.outgoing_mail import OutgoingMail, OutgoingMailLimits
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink
from limited_use.vault import sealing

from . import command_outcomes
from .remote_state import RemoteState

T = TypeVar("T")

# Age of a lease that is renewed. One request, of a piece of a file, takes two minutes at most.
_RENEWED_AFTER: Final = timedelta(minutes=1)
# As the sync of mail stores Message-IDs (`integrations.mail.sync.provider_ids`).
_RFC822: Final = "mail.rfc822"


class CommandKind(Protocol):
    """How a kind of command becomes a mail. Raises the errors of permits and of the mailbox."""

    def authorize(self, command: OutboxCommand, *, at: datetime) -> None:
        """
        Ask the guard once more, before the provider is asked to send.

        :raises limited_use.guard.guard.AccessRefused:
        """

    def build_mail(self, turn: OutboxTurn) -> OutgoingMail:
        """
        Return the mail of the turn's command. Its files are read with `read_under_lease`.

        :raises errors.Rejected: if it cannot be sent
        """


@dataclass(slots=True)
class OutboxTurn:
    """
    :param clock: the current time; provider calls take time
    :param remote: what is known of the message at the provider
    """

    lease: Lease
    command: OutboxCommand
    kind: CommandKind
    clock: Callable[[], datetime]
    adapter: MailAdapter
    units: MailUnits
    limits: OutgoingMailLimits
    permit: Permit
    remote: RemoteState = field(default_factory=RemoteState)
    _session: ProviderSession | None = None
    _renewed_at: datetime | None = None

    @property
    def tag(self) -> str:
        """Finds the message again, in drafts and in sent mail."""
        return str(self.command.id)

    def call(self, units: int, request: Callable[[MailAdapter], T]) -> T:
        """
        See `ProviderSession.call`.

        :raises fences.DisconnectedError, leases.LeaseLost: before anything is sent
        """
        self._renew_old_lease()
        if self._session is None:
            connection = self.command.integration.connection
            admission = WorkerAdmission(connection.id, PROVIDERS[connection.provider], slots=1)
            self._session = ProviderSession(self.adapter.access, admission)
        return self._session.call(lambda: request(self.adapter), units=units)

    def read_under_lease(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """
        Yield the pieces of a file, which may leave slowly.

        :raises fences.DisconnectedError, leases.LeaseLost: before the next piece
        """
        for piece in pieces:
            self._renew_old_lease()
            yield piece

    def save(self, remote: RemoteState | None = None, **values: Any) -> None:
        """
        Save values under the fence, and renew the lease.

        :raises fences.DisconnectedError, leases.LeaseLost:
        """
        values |= self._seal_remote(remote)
        now = self.clock()
        with transaction.atomic(durable=True):
            self._hold_fence()
            leases.renew(self.lease, at=now, **values)
        self._renewed_at = now
        self._apply(remote, values)

    def release(self, remote: RemoteState | None = None, **values: Any) -> None:
        """Save values as `save` does, and end the turn."""
        values |= self._seal_remote(remote)
        with transaction.atomic():
            self._hold_fence()
            leases.release(self.lease, **values)
        self._apply(remote, values)

    def settle_as_sent(self, remote: RemoteState, **values: Any) -> None:
        """The mailbox shows the sent message. Raises as `save`."""
        values |= self._seal_remote(remote)
        with transaction.atomic(durable=True):
            self._hold_fence()
            leases.renew(self.lease, at=self.clock())
            command_outcomes.mark_sent(self.command, at=self.clock(), **values)
        self.command.state = OutboxState.SENT
        self.remote = remote

    def compute_blind(self, rfc822_id: str) -> bytes:
        """Return the keyed hash with which the sync stores Message-IDs."""
        return self._get_sealer().compute_blind(_RFC822, rfc822_id)

    def _renew_old_lease(self) -> None:
        renewed_at = self._renewed_at or self.lease.claimed_at
        if self.clock() - renewed_at >= _RENEWED_AFTER:
            self.save()

    def _hold_fence(self) -> None:
        fences.lock_integration(integration_id=self.command.integration_id, epoch=self.permit.epoch)

    def _seal_remote(self, remote: RemoteState | None) -> dict[str, Any]:
        if remote is None:
            return {}
        sealed = self._get_sealer().seal_value(
            OutboxCommand, "remote", row=self.command.id, data=remote.encode()
        )
        return {"remote": sealed}

    def _get_sealer(self) -> sealing.Sealer:
        return sealing.get_sealer(holder=self.command.integration_id, epoch=self.permit.epoch)

    def _apply(self, remote: RemoteState | None, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self.command, name, value)
        if remote is not None:
            self.remote = remote


@contextmanager
def open_turn(
    lease: Lease,
    command: OutboxCommand,
    kind: CommandKind,
    clock: Callable[[], datetime],
) -> Iterator[OutboxTurn]:
    """
    Ask for permits, then open the mailbox.

    :raises limited_use.guard.guard.AccessRefused, fences.DisconnectedError:
    :raises errors.Rejected: if the provider has no mail
    """
    connection = command.integration.connection
    granted = permits.to_use_mailbox(integration_id=command.integration_id, at=clock())
    provider = PROVIDERS[connection.provider]
    if provider.open_mail is None or provider.mail_units is None or provider.outgoing_mail is None:
        raise errors.Rejected("this provider sends no mail")
    access = access_tokens.get_worker_provider_access(connection, granted.credential)
    with provider.open_mail(access) as adapter:
        remote = RemoteState()
        if command.remote is not None:
            (remote,) = provider_sink.pick_parts(
                [command.remote], granted.remote, RemoteState.decode, to=adapter.access, at=clock()
            )
        yield OutboxTurn(
            lease=lease,
            command=command,
            kind=kind,
            clock=clock,
            adapter=adapter,
            units=provider.mail_units,
            limits=provider.outgoing_mail,
            permit=granted.remote,
            remote=remote,
        )
