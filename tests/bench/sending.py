"""
From *Send* to accepted, and the memory of a large file on its way to both providers.

*Send* is what a web process does: it checks what was written, asks the guard, counts, seals and
stores the command. The baseline stores a row of the same bytes, in a transaction of its own.
"""

from __future__ import annotations

import itertools
import os
from typing import Any, Final
from uuid import UUID

from django.db import connection, connections, transaction
from django.utils import timezone

from accounts import row_owner
from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.mail.sending import composed_message, send_message
from integrations.mail.sending.composed_message import WrittenMessage
from integrations.models import Connection, Integration, OutboxCommand, OutboxState
from integrations.operations.outbox_kinds import KINDS
from integrations.outbox import dispatch, upload_body, uploads
from integrations.providers import PROVIDERS
from limited_use.agreements import consents
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.bench import classes, connecting, figures, measure, memory, sizes
from tests.bench.figures import Figure
from tests.factories import actor_for, make_organisation, make_user
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import GMAIL_READONLY, Sandbox

# Each person sends less than the bound of an hour.
PEOPLE = sizes.choose_size(20, tiny=2)
RUNS, WARM_UP = sizes.choose_size(1_000, tiny=4), sizes.choose_size(20, tiny=1)
FILE_BYTES = sizes.choose_size(25_000_000, tiny=1_000_000)
MOST_MEGABYTES: Final = 32.0
MOST_MILLISECONDS: Final = 150.0
_COMPOSE: Final = "https://www.googleapis.com/auth/gmail.compose"
_GOOGLE_SCOPE: Final = f"openid email {GMAIL_READONLY} {_COMPOSE}"
_TEXT: Final = "Thank you, I will call you back tomorrow at ten.\n" * 20
_TABLE: Final = "bench_message"


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    sandbox.dial(units_per_minute=0, concurrency=0)
    # Files first: memory that the messages left free would hide a rise.
    files = _measure_files(sandbox)
    return [*_measure_sends(sandbox), *files]


def _measure_sends(sandbox: Sandbox) -> list[Figure]:
    mailboxes = [_make_gmail(sandbox, f"sender{number}@gmail.example") for number in range(PEOPLE)]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_TABLE} (id bigserial PRIMARY KEY, content bytea)")
    turn = itertools.cycle(mailboxes)
    owner = connections["default"]
    before, entries = OutboxCommand.objects.count(), Leaf.objects.count()
    samples = measure.interleaved({"plain": _store_plain_row}, runs=RUNS, warm_up=WARM_UP)
    with classes.logged_in(ProcessClass.WEB) as web, classes.use_database(web):
        sends = measure.interleaved({"sent": lambda: order(next(turn))}, runs=RUNS, warm_up=WARM_UP)
    with classes.use_database(owner):
        count = OutboxCommand.objects.count() - before
        # Two data classes for each message.
        if Leaf.objects.count() - entries != 2 * count:
            raise AssertionError("not every message has its two ledger entries")
    clock, plain = sends.clock["sent"], samples.clock["plain"]
    p95 = 1000 * measure.p95(clock)
    return [
        figures.make_limit_figure(
            "a message accepted, p95",
            p95,
            "ms",
            most=MOST_MILLISECONDS,
            note=f"{count} messages of {PEOPLE} people; median"
            f" {1000 * measure.median(clock):.1f} ms",
        ),
        figures.make_ratio_figure(
            "a message accepted, median",
            1000 * measure.median(clock),
            "ms",
            baseline=1000 * measure.median(plain),
            against="a row of the same bytes, inserted and committed",
        ),
    ]


def _measure_files(sandbox: Sandbox) -> list[Figure]:
    found = []
    makers = {"google": _make_gmail, "microsoft": _make_outlook}
    for provider, make_mailbox in makers.items():
        mailbox = make_mailbox(sandbox, f"files@{provider}.example")
        # Imports, pools and a first connection are no part of a file.
        _send_file(mailbox, 1_000)
        found += _measure_file(provider, mailbox)
    return found


def _measure_file(provider: str, mailbox: Integration) -> list[Figure]:
    with memory.peak() as stored:
        upload_id = _store_file(mailbox, FILE_BYTES)
    command = order(mailbox, upload_ids=(upload_id,))
    with memory.peak() as sent:
        _send(command)
    size = f"{FILE_BYTES / 1_000_000:g} MB"
    return [
        figures.make_limit_figure(
            f"{what} a file of {size}, {provider}", rise, "MB", most=MOST_MEGABYTES
        )
        for what, (rise,) in (("storing", stored), ("sending", sent))
    ]


def _send_file(mailbox: Integration, size: int) -> None:
    _send(order(mailbox, upload_ids=(_store_file(mailbox, size),)))


def _store_file(mailbox: Integration, size: int) -> UUID:
    at, account = timezone.now(), mailbox.connection
    with row_owner.acting_for(account.user_id, account.organisation_id):
        access = uploads.authorize_upload(_get_context(mailbox), mailbox)
        upload = uploads.create_upload(
            access, size=size, filename="plan.pdf", content_type="application/pdf", at=at
        )
        upload_body.append_body(access, upload.id, _Noise(size).read, offset=0, length=size)
    return upload.id


class _Noise:
    """Random bytes, made while they are read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, most: int) -> bytes:
        taken = min(most, self.left)
        self.left -= taken
        return os.urandom(taken)


def order(mailbox: Integration, **values: Any) -> OutboxCommand:
    """Send as the owner's web process does."""
    account, context = mailbox.connection, _get_context(mailbox)
    written = WrittenMessage(
        to="bob@elsewhere.example", cc="", bcc="", subject="Call back", text=_TEXT, **values
    )
    with row_owner.acting_for(account.user_id, account.organisation_id):
        own = send_message.get_own_mailbox(context, mailbox.id)
        content = composed_message.check_message(written)
        return send_message.order_message(context, own, written, content, undo_seconds=5)


def _send(command: OutboxCommand) -> None:
    """:raises AssertionError: unless the mailbox shows the sent message"""
    OutboxCommand.objects.filter(id=command.id).update(due_at=timezone.now())
    dispatch.dispatch_command(KINDS, command.id)
    command.refresh_from_db()
    if command.state != OutboxState.SENT:
        raise AssertionError(f"{command.state}: {command.problem}")


def _get_context(mailbox: Integration) -> RequestContext:
    account = mailbox.connection
    return RequestContext(
        actor_for(account.user, account.organisation), account.user_id, timezone.now()
    )


def _store_plain_row() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_TABLE} (content) VALUES (%s)", [_TEXT.encode()])  # noqa: S608


def _make_gmail(sandbox: Sandbox, email: str) -> Integration:
    sandbox.seed(email, size=0)
    mailbox = connecting.mailbox_of(
        sandbox, *_make_person(), email=email, tokens=sandbox.authorize(email, _GOOGLE_SCOPE)
    )
    return _allow_sending(mailbox)


def _make_outlook(sandbox: Sandbox, email: str) -> Integration:
    MicrosoftSandbox(sandbox).seed(email, size=0)
    return _allow_sending(connecting.outlook_of(sandbox, *_make_person(), email=email))


def _make_person() -> tuple[Any, Any]:
    organisation = make_organisation()
    return make_user("sender", organisation=organisation), organisation


def _allow_sending(mailbox: Integration) -> Integration:
    account: Connection = mailbox.connection
    scopes = PROVIDERS[account.provider].capabilities["mail.send"].scopes
    account.granted_scopes = sorted({*account.granted_scopes, *scopes})
    account.save(update_fields=["granted_scopes"])
    with transaction.atomic():
        consents.give(
            person_id=account.user_id,
            organisation_id=account.organisation_id,
            feature="mail-sending",
            version=FEATURES["mail-sending"].version,
            at=timezone.now(),
        )
    return mailbox
