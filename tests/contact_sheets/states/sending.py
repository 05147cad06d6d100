"""Writing mail, the outbox, and the permission and choices for sending."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from accounts.ids import uuid7
from integrations.formats.mime.addresses import MailAddress
from integrations.mail.sending.answer_defaults import AnswerMode
from integrations.models import (
    Attachment,
    DraftProposal,
    Integration,
    IntegrationStatus,
    Message,
    OutboxCommand,
    OutboxProblem,
    OutboxState,
    SendingSettings,
    Upload,
)
from integrations.outbox.command_content import CommandContent, QuoteKind, encode_content
from integrations.providers import PROVIDERS
from limited_use.vault import sealing
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("sending", "Writing mail, outbox")
COMPOSE, OUTBOX, ALLOW = "/inbox/compose/", "/inbox/outbox/", "/inbox/sending/allow/"
PROBLEMS = [problem for problem in OutboxProblem if problem]


@GROUP.state()
def new_message(stage):
    _allow_sending(stage)
    return stage.alice.get(COMPOSE)


@GROUP.state()
def message_of_two_accounts(stage):
    _allow_sending(stage)
    rows.connect_google(stage, "mail", email="alice.second@gmail.example", user=stage.user)
    return stage.alice.get(COMPOSE)


@GROUP.states(list(AnswerMode))
def answer(stage, mode):
    _allow_sending(stage)
    message = _find_message_with_file(stage)
    return stage.alice.get(COMPOSE, {"answer": message.id, "mode": mode})


@GROUP.state()
def answer_without_subject(stage):
    _allow_sending(stage)
    stage.mailbox.deliver(b"From: nadia@workshop.example\r\n\r\nHello", at=stage.at, thread="bare")
    stage.mail.settle()
    message = Message.objects.filter(user_id=stage.user.id).order_by("-received_at")[0]
    return stage.alice.get(COMPOSE, {"answer": message.id})


@GROUP.state()
def unsent_message_again(stage):
    _allow_sending(stage)
    command = _add_command(stage, OutboxState.UNDONE, has_copies=True)
    _add_file(stage, command)
    return stage.alice.get(COMPOSE, {"command": command.id})


@GROUP.state()
def forwarded_message_again(stage):
    _allow_sending(stage)
    message = _find_message_with_file(stage)
    command = _add_command(
        stage, OutboxState.UNDONE, quote=QuoteKind.FORWARD, replied_message_id=message.id
    )
    return stage.alice.get(COMPOSE, {"command": command.id})


@GROUP.state()
def unknown_message_again(stage):
    _allow_sending(stage)
    command = _add_command(
        stage, OutboxState.UNKNOWN, problem=OutboxProblem.NOT_FOUND, replied_message_id=uuid7()
    )
    return stage.alice.get(COMPOSE, {"command": command.id})


@GROUP.state()
def damaged_message_again(stage):
    _allow_sending(stage)
    command = _add_command(stage, OutboxState.UNDONE)
    other = _add_command(stage, OutboxState.UNDONE)
    OutboxCommand.objects.filter(id=command.id).update(content=other.content)
    return stage.alice.get(COMPOSE, {"command": command.id})


@GROUP.state()
def proposed_message(stage):
    _allow_sending(stage)
    return stage.alice.get(COMPOSE, {"proposal": _add_proposal(stage).id})


@GROUP.state(status=400)
def message_with_problems(stage):
    _allow_sending(stage)
    values = {
        "sender": "sales@shop.example",
        "to": "nadia",
        "cc": "carol@",
        "bcc": "dan@",
        "subject": "x" * 901,
        "text": "x" * 200_001,
        "upload": [str(uuid7()) for _ in range(26)],
    }
    response = stage.alice.post(COMPOSE, values)
    # The page is the same with a shorter text.
    response.content = response.content.replace(b"x" * 200_001, b"x" * 2_000)
    return response


@GROUP.state(status=400)
def message_with_missing_file(stage):
    _allow_sending(stage)
    return stage.alice.post(COMPOSE, _write(upload=str(uuid7())))


@GROUP.state(status=403)
def message_beyond_the_bound(stage):
    _allow_sending(stage)
    many = ", ".join(f"p{number}@workshop.example" for number in range(51))
    return stage.alice.post(COMPOSE, _write(to=many))


@GROUP.state(status=409)
def message_no_longer_allowed(stage):
    return stage.alice.post(COMPOSE, _write())


@GROUP.state(status=400)
def message_from_ended_access(stage):
    _allow_sending(stage)
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.post(COMPOSE, _write())


@GROUP.state()
def reply_from_ended_access(stage):
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get(COMPOSE)


@GROUP.state(status=404)
def message_of_missing_account(stage):
    values = _write(cc="carol@workshop.example", bcc="dan@workshop.example", mailbox=uuid7())
    return stage.alice.post(COMPOSE, values)


@GROUP.state(status=409)
def message_that_left(stage):
    _allow_sending(stage)
    command = _add_command(stage, OutboxState.SENDING)
    return stage.alice.post(COMPOSE, _write(command=command.id))


@GROUP.state(status=409)
def message_sent_before(stage):
    _allow_sending(stage)
    values = _write(request_key=uuid7().hex)
    stage.alice.post(COMPOSE, values)
    return stage.alice.post(COMPOSE, {**values, "text": "Another text"})


@GROUP.state(status=503)
def message_without_key_store(stage):
    _allow_sending(stage)
    rows.stop_key_store(stage)
    return rows.with_any_status(stage.alice.post(COMPOSE, _write()))


@GROUP.state()
def no_mailbox(stage):
    return stage.add_newcomer().get(COMPOSE)


@GROUP.state()
def outbox_empty(stage):
    return stage.alice.get(OUTBOX)


@GROUP.states(list(OutboxState))
def outbox(stage, state):
    problem = {
        OutboxState.FAILED: OutboxProblem.REJECTED,
        OutboxState.UNKNOWN: OutboxProblem.NOT_FOUND,
    }.get(state, OutboxProblem.NONE)
    command = _add_command(stage, state, problem=problem)
    _add_file(stage, command)
    OutboxCommand.objects.filter(id=command.id).update(file_count=1)
    return stage.alice.get(OUTBOX)


@GROUP.states(PROBLEMS)
def outbox_problem(stage, problem):
    state = (
        OutboxState.UNKNOWN
        if problem in {OutboxProblem.NOT_FOUND, OutboxProblem.RESTORED}
        else OutboxState.FAILED
    )
    _add_command(stage, state, problem=problem)
    return stage.alice.get(OUTBOX)


@GROUP.state()
def outbox_returned(stage):
    command = _add_command(stage, OutboxState.SENT)
    message = Message.objects.filter(
        integration=stage.mail.integration, rfc822_blind__isnull=False
    )[0]
    OutboxCommand.objects.filter(id=command.id).update(
        bounced_at=stage.at,
        rfc822_blind=message.rfc822_blind,
        sending_at=message.received_at,
        sent_at=message.received_at,
    )
    return stage.alice.get(OUTBOX)


@GROUP.state()
def outbox_with_damaged_message(stage):
    command = _add_command(stage, OutboxState.UNDONE)
    other = _add_command(stage, OutboxState.UNDONE)
    OutboxCommand.objects.filter(id=command.id).update(content=other.content)
    return stage.alice.get(OUTBOX)


@GROUP.state()
def outbox_with_proposals(stage):
    _add_proposal(stage)
    # Content of another row does not open.
    damaged, other = _add_proposal(stage), _add_proposal(stage)
    DraftProposal.objects.filter(id=damaged.id).update(content=other.content)
    return stage.alice.get(OUTBOX)


@GROUP.state()
def conversation_with_proposed_answer(stage):
    message = Message.objects.filter(integration=stage.mail.integration).latest("received_at")
    proposal = _add_proposal(stage)
    DraftProposal.objects.filter(id=proposal.id).update(replied_message_id=message.id)
    return stage.alice.get(f"/inbox/threads/{message.thread_id}/")


@GROUP.state()
def outbox_of_many(stage):
    for _ in range(51):
        _add_command(stage, OutboxState.UNDONE)
    return stage.alice.get(OUTBOX)


@GROUP.state()
def outbox_later_page(stage):
    page = outbox_of_many(stage).content.decode()
    older = page.partition('rel="next" href="')[2].partition('"')[0]
    return stage.alice.get(older)


@GROUP.states([OutboxState.WAITING, OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN])
def banner(stage, state):
    is_failed = state in {OutboxState.FAILED, OutboxState.UNKNOWN}
    _add_command(stage, state, problem=OutboxProblem.REJECTED if is_failed else OutboxProblem.NONE)
    return stage.alice.get("/inbox/")


@GROUP.state()
def banner_in_conversation(stage):
    _add_command(stage, OutboxState.WAITING)
    message = Message.objects.filter(integration=stage.mail.integration)[0]
    return stage.alice.get(reverse("inbox-thread", args=[message.thread_id]))


@GROUP.state()
def banner_alone(stage):
    command = _add_command(stage, OutboxState.WAITING)
    return stage.alice.get(f"{OUTBOX}{command.id}/state/")


@GROUP.state()
def allow(stage):
    return stage.alice.get(ALLOW, {"mailbox": stage.mail.integration.id, "next": COMPOSE})


@GROUP.state()
def allow_agreement_alone(stage):
    _grant_sending(stage)
    return stage.alice.get(ALLOW, {"mailbox": stage.mail.integration.id})


@GROUP.state()
def allow_after_refusal(stage):
    return stage.alice.get(ALLOW, {"mailbox": stage.mail.integration.id, "refused": "yes"})


@GROUP.state()
def allow_after_end_of_access(stage):
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get(ALLOW, {"mailbox": stage.mail.integration.id})


@GROUP.state()
def allowed(stage):
    _allow_sending(stage)
    return stage.alice.get(ALLOW, {"mailbox": stage.mail.integration.id})


@GROUP.state()
def settings(stage):
    _allow_sending(stage)
    integration = stage.mail.integration
    chosen = SendingSettings(
        id=uuid7(),
        integration=integration,
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        undo_seconds=20,
    )
    chosen.signature = _get_sealer(stage).seal_value(
        SendingSettings, "signature", row=chosen.id, data="Alice Adler\nKestrel & Sons"
    )
    chosen.save()
    return stage.alice.get(reverse("settings-details", args=[integration.id]))


@GROUP.state()
def settings_at_microsoft(stage):
    connection = rows.connect_microsoft(stage, "mail", email="alice@contoso.example")
    connection.granted_scopes = sorted(
        {*connection.granted_scopes}
        | PROVIDERS[connection.provider].capabilities["mail.send"].scopes
    )
    connection.save(update_fields=["granted_scopes"])
    rows.agree(stage.user, stage.organisation, "mail-sending")
    mailbox = Integration.objects.get(connection_id=connection.id, product="mail")
    return stage.alice.get(reverse("settings-details", args=[mailbox.id]))


def _write(**values):
    return {"to": "nadia@workshop.example", "subject": "Plans", "text": "Dear Nadia,"} | values


def _find_message_with_file(stage):
    files = Attachment.objects.filter(integration_id=stage.mail.integration.id, is_inline=False)
    return files.order_by("id")[0].message


def _grant_sending(stage):
    connection = stage.mail.connection
    scopes = PROVIDERS[connection.provider].capabilities["mail.send"].scopes
    connection.granted_scopes = sorted({*connection.granted_scopes} | scopes)
    connection.save(update_fields=["granted_scopes"])


def _allow_sending(stage):
    _grant_sending(stage)
    rows.agree(stage.user, stage.organisation, "mail-sending")


def _get_sealer(stage):
    integration = stage.mail.integration
    return sealing.get_sealer(holder=integration.id, epoch=integration.epoch)


def _make_content(quote=QuoteKind.NONE, *, has_copies=False):
    nadia = MailAddress("Nadia Novak", "nadia@workshop.example")
    carol = MailAddress("Chen, Carol", "carol@workshop.example")
    return CommandContent(
        MailAddress("", ""),
        (nadia,),
        (carol,) if has_copies else (),
        (),
        "Photos of the old harbour",
        "Dear Nadia,\n\nthank you for the photos.\n\nAlice",
        quote=quote,
    )


def _add_command(
    stage, state, *, problem=OutboxProblem.NONE, has_copies=False, quote=QuoteKind.NONE, **values
):
    integration, at, command_id = stage.mail.integration, stage.at, uuid7()
    is_open = state in {OutboxState.WAITING, OutboxState.DRAFTED, OutboxState.SENDING}
    is_sent = state == OutboxState.SENT
    has_left = is_sent or state in {OutboxState.SENDING, OutboxState.UNKNOWN}
    content = encode_content(_make_content(quote, has_copies=has_copies))
    return OutboxCommand.objects.create(
        id=command_id,
        integration=integration,
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        kind="mail",
        state=state,
        problem=problem,
        recipient_count=1 + has_copies,
        created_at=at,
        changed_at=at,
        undo_until=at + timedelta(seconds=30),
        due_at=at if is_open else None,
        sending_at=at if has_left else None,
        sent_at=at if is_sent else None,
        content=None
        if is_sent
        else _get_sealer(stage).seal_value(OutboxCommand, "content", row=command_id, data=content),
        **values,
    )


def _add_file(stage, command):
    upload_id = uuid7()
    Upload.objects.create(
        id=upload_id,
        integration=stage.mail.integration,
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        command_id=command.id,
        size=18_432,
        received=18_432,
        created_at=stage.at,
        expires_at=stage.at + timedelta(days=1),
        descriptor=_get_sealer(stage).seal_value(
            Upload,
            "descriptor",
            row=upload_id,
            data='{"filename": "harbour.pdf", "content_type": "application/pdf"}',
        ),
    )


def _add_proposal(stage):
    proposal_id = uuid7()
    return DraftProposal.objects.create(
        id=proposal_id,
        integration=stage.mail.integration,
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        feature="reply-assistant",
        delegation_id=uuid7(),
        template_blind=bytes(32),
        recipient_count=1,
        created_at=stage.at,
        expires_at=stage.at + timedelta(days=14),
        content=_get_sealer(stage).seal_value(
            DraftProposal, "content", row=proposal_id, data=encode_content(_make_content())
        ),
    )
