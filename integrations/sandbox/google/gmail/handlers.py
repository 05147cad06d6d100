"""Dispatches authorized Gmail calls."""

from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.authorized_call import AuthorizedCall
from integrations.sandbox.google.gmail import problems, sending
from integrations.sandbox.google.gmail.methods import HANDLERS
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.rendering import RenderingCache
from integrations.sandbox.state import SandboxState


def handle_gmail_call(call: AuthorizedCall) -> Any:
    account, user_id = call.account, call.path.get("userId", "me")
    if user_id != "me" and user_id.lower() != account.email.lower():
        raise problems.delegation_denied(user_id)
    if account.mailbox is None:
        raise problems.failed_precondition()
    sending.complete_due_sends(call.state)
    handler = HANDLERS.get(call.method.id)
    if handler is None:
        raise api_problems.not_implemented(call.method.id)
    return handler(
        GmailRequest(
            state=call.state,
            call=call.call,
            method=call.method,
            path=call.path,
            account=account,
            mailbox=account.mailbox,
            rendering_cache=_get_rendering_cache(call.state, account),
            scopes=frozenset(call.access.scopes),
        )
    )


def _get_rendering_cache(state: SandboxState, account: SandboxAccount) -> RenderingCache:
    """Start again when a knob changes the format."""
    knobs = state.knobs
    rendering_cache = state.rendering_caches.get(account.sub)
    if rendering_cache is None or rendering_cache.payload_utf8 != knobs.payload_utf8:
        assert account.mailbox is not None  # noqa: S101 - checked by the caller
        rendering_cache = state.rendering_caches[account.sub] = RenderingCache(account.mailbox)
        rendering_cache.payload_utf8 = knobs.payload_utf8
    rendering_cache.limit = knobs.cache_megabytes * 2**20
    rendering_cache.changing_ids = knobs.attachment_ids_change
    return rendering_cache
