"""Dispatches authorized Drive calls."""

from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.authorized_call import AuthorizedCall
from integrations.sandbox.google.drive import field_selection, problems
from integrations.sandbox.google.drive.methods import HANDLERS
from integrations.sandbox.google.drive.request import DriveRequest


def handle_drive_call(call: AuthorizedCall) -> Any:
    handler = HANDLERS.get(call.method.id)
    if handler is None:
        raise api_problems.not_implemented(call.method.id)
    if call.account.drive is None:
        raise problems.drive_apps_disabled()
    field_selection.check_fields(call.call.get_param("fields"), call.method.response)
    return handler(
        DriveRequest(
            state=call.state,
            call=call.call,
            method=call.method,
            path=call.path,
            account=call.account,
            drive=call.account.drive,
            project=call.access.grant.project,
        )
    )
