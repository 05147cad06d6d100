"""Turns a complete upload into an attachment."""

from typing import Any

from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraAccessToken
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import attachments
from integrations.sandbox.state import SandboxState


def attach_upload(
    state: SandboxState, account: MicrosoftAccount, entry: MailboxEntry, attachment: dict[str, Any]
) -> str:
    """`{message}/attachments/{attachment}`, for `Location`."""
    access = EntraAccessToken("", "", account.oid, (), 0.0)
    request = GraphRequest(
        state, HttpCall("PUT", ""), account, access, {}, {"idtype": "ImmutableId"}
    )
    attached = attachments.attach_to_draft(request, entry, attachment)
    message = request.outlook.make_id(entry.id, immutable=True)
    return f"{message}/attachments/{attached['id']}"
