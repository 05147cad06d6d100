"""The table of routes that wait for a provider or stream: complete, and with nothing else in it."""

from __future__ import annotations

import ast
import inspect

import pytest
from django.urls import URLPattern, get_resolver

from integrations.web.slow_routes import COSTLY_ROUTES, RouteCost
from tests import reach

#: By which a thread waits for somebody else: a slot is lent there.
WAITS = "integrations.coordination.person_slots.hold_wait_slot"
STREAMS = "integrations.coordination.person_slots.hold_stream_slot"
UPLOADS = "integrations.coordination.person_slots.hold_upload_slot"
#: Routes whose code mentions sleeping, and that wait for no provider.
SLEEP_FOR_NOBODY = {
    "connect-begin": "opens an address for an account's access, and never calls it",
    "webhook-google-channel": "runs a transaction again after a deadlock, in milliseconds",
    "webhook-google-pubsub": "runs a transaction again after a deadlock, in milliseconds",
    "webhook-microsoft-subscription": "runs a transaction again after a deadlock, in milliseconds",
}
COSTS = {
    frozenset({WAITS}): RouteCost.WAIT,
    frozenset({STREAMS}): RouteCost.STREAM,
    frozenset({WAITS, STREAMS}): RouteCost.WAIT_AND_STREAM,
    frozenset({UPLOADS}): RouteCost.RECEIVE,
    frozenset({WAITS, UPLOADS}): RouteCost.WAIT_AND_RECEIVE,
}


def routes(patterns=None):
    """Yield every named route with the function or class that answers it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if not isinstance(pattern, URLPattern):
            yield from routes(pattern.url_patterns)
        elif pattern.name is not None:
            view = getattr(pattern.callback, "cls", None) or inspect.unwrap(pattern.callback)
            yield pattern.name, f"{view.__module__}.{view.__qualname__}"


def cost_of(view: str) -> RouteCost | None:
    found = frozenset(reach.find_reached_names(view)) & {WAITS, STREAMS, UPLOADS}
    return COSTS[found] if found else None


class TestCostlyRouteTable:
    def test_names_every_route_that_waits_or_streams_and_no_other(self):
        found = {name: cost for name, view in routes() if (cost := cost_of(view)) is not None}

        assert found == dict(COSTLY_ROUTES)

    def test_would_miss_none_whose_way_to_the_provider_is_a_callback(self):
        search = "integrations.mail.pages.remote_search_views.search_mail"

        assert "integrations.grants.provider_calls.open_mailbox" in reach.find_reached_names(search)
        assert WAITS not in reach.find_reached_names("integrations.mail.pages.views.show_threads")


class TestEveryStream:
    def test_of_the_service_holds_a_slot(self):
        made = [
            (module, node)
            for module, tree in reach._modules().items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith(("StreamingHttpResponse", "FileResponse"))
        ]

        assert len(made) == 6
        for module, node in made:
            assert ast.unparse(node.args[0]).startswith("person_slots.hold_stream_slot("), module


class TestEveryDoorToAProvider:
    """Where a page or the API waits for somebody else: each holds a slot of the person."""

    DOORS = {
        "integrations.grants.provider_calls.open_mailbox",
        "integrations.grants.provider_calls.open_file",
        "integrations.grants.provider_calls.open_calendars",
        "integrations.calendar.refresh_on_read.wait_for_refresh",
    }

    @pytest.mark.parametrize("door", sorted(DOORS))
    def test_waits_in_a_slot(self, door):
        assert WAITS in reach.find_reached_names(door)

    def test_is_the_only_way_in(self):
        behind = {
            "integrations.grants.provider_calls._open_mail",
            "integrations.calendar.refresh_on_read._poll_until_current",
        }

        mentioned = {name for name, found in reach._definitions().items() if found & behind}

        assert mentioned <= self.DOORS

    def test_is_passed_by_every_route_that_may_sleep(self):
        sleeping = {
            name for name, view in routes() if "time.sleep" in reach.find_reached_names(view)
        }

        assert sleeping - COSTLY_ROUTES.keys() == SLEEP_FOR_NOBODY.keys()
