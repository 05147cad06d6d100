"""One admitted call of Calendar: whose list, then the handler of the method."""

from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.admitted import Admitted
from integrations.sandbox.google.calendar.ask import Ask
from integrations.sandbox.google.calendar.methods import HANDLERS


def play(one: Admitted) -> Any:
    handler = HANDLERS.get(one.method.id)
    if handler is None:
        raise problems.not_implemented(one.method.id)
    if one.person.calendars is None:
        raise problems.calendar_not_found()
    return handler(
        Ask(
            world=one.world,
            call=one.call,
            method=one.method,
            path=one.path,
            person=one.person,
            calendars=one.person.calendars,
            client_id=one.access.client_id,
        )
    )
