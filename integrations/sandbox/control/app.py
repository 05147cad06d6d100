"""`POST /_control/<command>` and `GET /_control/<query>`, JSON in and out."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from integrations.sandbox.control import (
    calendars,
    commands,
    drive,
    mailboxes,
    microsoft,
    pushes,
    sending,
)
from integrations.sandbox.control.errors import Misuse
from integrations.sandbox.state import SandboxState

STATE = web.AppKey("world", SandboxState)
ControlFunction = Callable[[SandboxState, dict[str, Any]], dict[str, Any]]

COMMANDS: dict[str, ControlFunction] = {
    "reset": commands.reset_state,
    "clients": commands.add_client,
    "accounts": commands.add_account,
    "dials": commands.set_knobs,
    "faults": commands.add_fault,
    "faults/clear": commands.clear_faults,
    "advance": commands.advance_clock,
    "tokens/expire": commands.expire_access_tokens,
    "tokens/kill": commands.kill_refresh_tokens,
    "grants/revoke": commands.revoke_grants,
    "grants/password": commands.change_password,
    "keys/rotate": commands.rotate_keys,
    "journal/clear": commands.clear_request_log,
    "mail/deliver": mailboxes.deliver_message,
    "mail/delete": mailboxes.delete_message,
    "mail/trash": mailboxes.trash_message,
    "mail/labels": mailboxes.relabel_message,
    "mail/expire-history": mailboxes.expire_history,
    "drafts/edit": sending.edit_draft,
    "drafts/delete": sending.delete_draft,
    "send-as": sending.set_send_as,
    "calendars": calendars.add_calendar,
    "calendars/share": calendars.share_calendar,
    "calendars/forget": calendars.expire_sync_tokens,
    "calendars/failing": calendars.set_failing_calendars,
    "events": calendars.put_event,
    "events/cancel": calendars.cancel_event,
    "drive/files": drive.add_file,
    "drive/files/change": drive.change_file,
    "drive/files/pick": drive.pick_file,
    "drive/limit": drive.set_limit,
    "drive/uploads/faults": drive.add_upload_fault,
    "drive/uploads/faults/clear": drive.clear_upload_faults,
    "drive/uploads/expire": drive.expire_uploads,
    "pubsub": pushes.add_subscription,
    "pubsub/publish": pushes.publish_message,
    "microsoft/accounts": microsoft.add_account,
    "microsoft/accounts/change": microsoft.change_account,
    "microsoft/folders/name": microsoft.name_folder,
    "microsoft/tenants": microsoft.set_tenant,
    "microsoft/tenants/approve": microsoft.approve_client,
    "microsoft/tokens/expire": microsoft.expire_access_tokens,
    "microsoft/tokens/kill": microsoft.kill_refresh_tokens,
    "microsoft/tokens/challenge": microsoft.challenge_tokens,
    "microsoft/tokens/satisfy": microsoft.satisfy_claims,
    "microsoft/consents/forget": microsoft.forget_consents,
    "microsoft/subscriptions/lifecycle": microsoft.send_lifecycle_event,
    "microsoft/keys/rotate": microsoft.rotate_keys,
}
QUERIES: dict[str, ControlFunction] = {
    "health": commands.show_health,
    "dials": commands.set_knobs,
    "people": commands.show_accounts,
    "grants": commands.show_grants,
    "counters": commands.show_counters,
    "requests": commands.show_requests,
    "violations": commands.show_violations,
    "mailbox": mailboxes.show_mailbox,
    "sent": sending.show_accepted_mail,
    "calendar": calendars.show_calendar,
    "drive/files": drive.show_files,
    "drive/content": drive.show_content,
    "drive/uploads": drive.show_uploads,
    "pushes": pushes.show_pushes,
    "microsoft/tenant": microsoft.show_tenant,
    "microsoft/subscriptions": microsoft.show_subscriptions,
    "microsoft/grants": microsoft.show_microsoft_grants,
}


def make_app(state: SandboxState) -> web.Application:
    app = web.Application(client_max_size=256 * 2**20)
    app[STATE] = state
    app.router.add_post("/_control/{command:.+}", _run_command)
    app.router.add_get("/_control/{command:.+}", _run_query)
    return app


async def _run_command(request: web.Request) -> web.Response:
    body = await request.read()
    return _call_control(request, COMMANDS, orjson.loads(body) if body else {})


async def _run_query(request: web.Request) -> web.Response:
    name = request.match_info["command"]
    values = {} if name == "dials" else dict(request.query)
    return _call_control(request, QUERIES, values)


def _call_control(
    request: web.Request, table: dict[str, ControlFunction], values: dict[str, Any]
) -> web.Response:
    command = table.get(request.match_info["command"])
    if command is None:
        return _to_response({"error": f"no such control; there are {sorted(table)}"}, 404)
    try:
        return _to_response(command(request.app[STATE], values))
    except (Misuse, KeyError, TypeError, ValueError) as error:
        return _to_response({"error": f"{type(error).__name__}: {error}"}, 400)


def _to_response(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
