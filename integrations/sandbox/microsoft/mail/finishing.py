"""An upload that is complete becomes an attachment: without a call of Graph's, so one is made."""

from typing import Any

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.messages import Call
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Access
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import attachments
from integrations.sandbox.world import World


def attach(world: World, account: Account, entry: Entry, made: dict[str, Any]) -> str:
    """`{message}/attachments/{attachment}`, as `Location` names it."""
    nobody = Access("", "", account.oid, (), 0.0)
    ask = Ask(world, Call("PUT", ""), account, nobody, {}, {"idtype": "ImmutableId"})
    found = attachments.attach(ask, entry, made)
    message = ask.outlook.id_of(entry.id, immutable=True)
    return f"{message}/attachments/{found['id']}"
