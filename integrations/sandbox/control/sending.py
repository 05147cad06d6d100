"""Control functions for drafts, send-as addresses, and the journal of accepted mail."""

from dataclasses import asdict
from typing import Any

from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.control.mailboxes import find_account, find_mailbox
from integrations.sandbox.google.gmail.send_as import list_addresses
from integrations.sandbox.mail import draft_edits
from integrations.sandbox.mail.entry import MailboxEntry, format_id
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]


def _find_draft(mailbox: SandboxMailbox, values: Values) -> MailboxEntry:
    """The newest, without an id."""
    wanted = values.get("id")
    for entry in mailbox.iterate_newest_first():
        if "DRAFT" in entry.labels and wanted in (None, format_id(entry.id)):
            return entry
    raise Misuse("no such draft")


def edit_draft(state: SandboxState, values: Values) -> Values:
    """{email, text, id?, provider?}: as the user in the provider's own client."""
    account, mailbox = find_account(state, values), find_mailbox(state, values)
    entry, text = _find_draft(mailbox, values), require_text(values, "text")
    content = draft_edits.replace_text(mailbox.get_raw(entry), text)
    if isinstance(account, MicrosoftAccount):
        # The same message, with another change key.
        mailbox.mark_changed(entry, content)
        return {"id": format_id(entry.id)}
    draft_id = next(key for key, message_id in mailbox.drafts.items() if message_id == entry.id)
    new_entry = mailbox.add_message(
        draft_edits.keep_known_headers(content), ["DRAFT"], thread_id=entry.thread_id
    )
    mailbox.delete_message(entry)
    if state.knobs.gmail_edits_change_draft_ids:
        draft_id = mailbox.make_draft_id()
    mailbox.drafts[draft_id] = new_entry.id
    return {"id": format_id(new_entry.id), "draft": draft_id}


def delete_draft(state: SandboxState, values: Values) -> Values:
    """{email, id?, provider?}"""
    account, mailbox = find_account(state, values), find_mailbox(state, values)
    entry = _find_draft(mailbox, values)
    if isinstance(account, MicrosoftAccount) and account.outlook is not None:
        account.outlook.delete_message(entry)
    else:
        mailbox.delete_message(entry)
    return {}


def set_send_as(state: SandboxState, values: Values) -> Values:
    """
    {email, signature?, aliases?: [{email, name?, signature?, default?, verified?: true}]}:
    `signature` is that of the account's own address, as HTML.
    """
    account = find_account(state, values)
    account.send_as = []
    own_address = list_addresses(account)[0]
    own_address["signature"] = values.get("signature", "")
    for alias in values.get("aliases", []):
        is_default = bool(alias.get("default", False))
        own_address["isDefault"] = own_address["isDefault"] and not is_default
        account.send_as.append(
            {
                "sendAsEmail": require_text(alias, "email"),
                "displayName": alias.get("name", ""),
                "replyToAddress": "",
                "signature": alias.get("signature", ""),
                "treatAsAlias": True,
                "isDefault": is_default,
                "verificationStatus": "accepted" if alias.get("verified", True) else "pending",
            }
        )
    return {"sendAs": account.send_as}


def show_accepted_mail(state: SandboxState, values: Values) -> Values:
    """{email?, tag?}: one entry per acceptance, so two entries of a tag are a duplicate."""
    accepted = [
        mail
        for mail in state.accepted_mail
        if values.get("email", mail.email) == mail.email and values.get("tag", mail.tag) == mail.tag
    ]
    return {"count": len(accepted), "sent": [asdict(mail) for mail in accepted]}
