"""Dispatches authorized Calendar calls."""

from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.authorized_call import AuthorizedCall
from integrations.sandbox.google.calendar import problems
from integrations.sandbox.google.calendar.methods import HANDLERS
from integrations.sandbox.google.calendar.request import CalendarRequest


def handle_calendar_call(call: AuthorizedCall) -> Any:
    handler = HANDLERS.get(call.method.id)
    if handler is None:
        raise api_problems.not_implemented(call.method.id)
    if call.account.calendars is None:
        raise problems.calendar_not_found()
    return handler(
        CalendarRequest(
            state=call.state,
            call=call.call,
            method=call.method,
            path=call.path,
            account=call.account,
            calendars=call.account.calendars,
            client_id=call.access.client_id,
        )
    )
