"""Sending: answered at once, completed later, never idempotent."""

from integrations.sandbox.mail import sent_mail
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail_delivery import deliver_sent_mail, record_acceptance
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import message_writes, mime_composer
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookMailbox
from integrations.sandbox.state import SandboxState

ACCEPTED = 202
MINUTE = 60.0
MAX_RECIPIENTS = 500
# The client's extended property, in lower case.
TAG_SUFFIX = "name antaressend"


def send_mail(request: GraphRequest) -> tuple[int, None]:
    if mime_composer.is_mime(request):
        entry = request.outlook.store.add_message(mime_composer.decode_mime(request), ["DRAFT"])
        return _send_message(request, entry, saves_copy=True)
    parameters = request.read_parameters()
    message = parameters.get("message")
    if not isinstance(message, dict):
        raise problems.bad_request("The message parameter is required.", "ErrorInvalidRequest")
    entry = message_writes.create_draft(request, mime_composer.read_message(message), [])
    return _send_message(
        request, entry, saves_copy=parameters.get("saveToSentItems", True) is not False
    )


def send_draft(request: GraphRequest) -> tuple[int, None]:
    entry = request.find_entry()
    if "DRAFT" not in entry.labels:
        raise problems.bad_request("Only drafts can be sent.", "ErrorInvalidOperation")
    return _send_message(request, entry, saves_copy=True)


def send_reply(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "reply", request.read_parameters()),
        saves_copy=True,
    )


def send_reply_to_all(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "replyAll", request.read_parameters()),
        saves_copy=True,
    )


def send_forward(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "forward", request.read_parameters()),
        saves_copy=True,
    )


def _send_message(
    request: GraphRequest, entry: MailboxEntry, *, saves_copy: bool
) -> tuple[int, None]:
    raw = request.outlook.store.get_raw(entry)
    recipients = sent_mail.read_recipients(raw)
    if not recipients or len(recipients) > MAX_RECIPIENTS:
        if not request.path:
            request.outlook.delete_message(entry)
        raise problems.bad_request("At least one recipient isn't valid.", "ErrorInvalidRecipients")
    minute = int(request.state.clock.now() // MINUTE)
    key = (request.account.oid, minute)
    if request.state.sent_counts[key] >= request.state.knobs.graph_sends_per_minute:
        raise problems.too_many_requests(request.state.knobs.graph_retry_after)
    request.state.sent_counts[key] += 1
    extras = request.outlook.get_extras(entry)
    record_acceptance(
        request.state,
        request.account,
        raw,
        provider="microsoft",
        item_id=request.outlook.make_id(entry.id, immutable=True),
        tag=next((value for name, value in extras.tags.items() if name.endswith(TAG_SUFFIX)), ""),
    )
    knobs = request.state.knobs
    extras.leaves_at = request.state.clock.now() + knobs.graph_send_seconds
    if knobs.graph_send_seconds and knobs.graph_outbox:
        request.outlook.store.relabel(entry, add=["OUTBOX"])
    if not saves_copy:
        deliver_message(request.state, request.outlook, entry)
        request.outlook.delete_message(entry)
    else:
        complete_due_sends(request.state, request.outlook)
    return ACCEPTED, None


def complete_due_sends(state: SandboxState, outlook: OutlookMailbox) -> None:
    """A knob changes their ids."""
    now = state.clock.now()
    for number, extras in list(outlook.extras.items()):
        entry = outlook.store.entries.get(number)
        if not extras.leaves_at or extras.leaves_at > now or entry is None:
            continue
        extras.leaves_at = 0.0
        deliver_message(state, outlook, entry)
        if state.knobs.graph_sent_id_changes:
            raw, thread = outlook.store.get_raw(entry), entry.thread_id
            outlook.delete_message(entry)
            entry = outlook.store.add_message(raw, ["SENT"], thread_id=thread)
            outlook.extras[entry.id] = extras
        else:
            outlook.store.relabel(entry, add=["SENT"], remove=["DRAFT", "OUTBOX"])


def deliver_message(state: SandboxState, outlook: OutlookMailbox, entry: MailboxEntry) -> None:
    account = state.microsoft.accounts.find(outlook.oid)
    if account is not None:
        raw = outlook.store.get_raw(entry)
        deliver_sent_mail(state, account, raw, provider="microsoft")
