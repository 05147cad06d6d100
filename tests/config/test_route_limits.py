"""The table of limits has every route, and agrees with the code that reads the bodies."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, get_resolver

from config import route_limits, uploads
from config.front import body_streams
from config.front.routes import find_front_route
from config.route_limits import ROUTES, ThreadGroup
from integrations.formats.icalendar import icalendar_components
from integrations.outbox.uploads import LIMITS
from integrations.push.webhooks import webhook_body as notifications
from integrations.web.api import json_parser
from tests import routes


def names_of(patterns) -> set[str]:
    return {
        name
        for pattern in patterns
        for name in (
            [pattern.name] if isinstance(pattern, URLPattern) else names_of(pattern.url_patterns)
        )
    }


class TestRouteLimitTable:
    @pytest.mark.control("2.4.1")
    def test_has_every_route_and_no_other(self):
        assert set(ROUTES) == names_of(get_resolver().url_patterns)

    def test_has_each_route_once(self):
        names = [name for _, group in route_limits._GROUPS for name in group.split()]

        assert sorted(names) == sorted(set(names))

    def test_takes_forms_where_a_form_is_answered(self):
        """A route whose POST is declared to do more than 405 takes the largest form."""
        without = {
            name
            for name, kind in routes.ROUTES.items()
            for post in (kind.owner.split()[1],)
            if post not in {"405", "404"} and ROUTES[name].body.max_bytes < 64 * 1024
        }

        assert without == set()


class TestALimit:
    def test_is_at_least_what_is_read(self):
        assert route_limits.JSON.max_bytes == json_parser.MAX_BYTES
        assert route_limits.NOTIFICATION.max_bytes > notifications.LONGEST
        assert route_limits.CALENDAR_FILE.max_bytes > icalendar_components.MAX_BYTES
        assert route_limits.CALENDAR_FILE.max_bytes > uploads.MAX_BYTES
        assert route_limits.FILE_PIECE.max_bytes > LIMITS["mail"].max_bytes

    def test_leaves_room_for_several_bodies(self):
        for limit in {route.body for route in ROUTES.values()}:
            in_memory = body_streams.BUFFER_BYTES if limit.is_streamed else limit.max_bytes
            assert 4 * in_memory <= limit.max_total_bytes
            assert 0 < limit.seconds <= 30


class TestAnAddress:
    @pytest.mark.parametrize(
        ("path", "limits"),
        [
            ("/inbox/", ROUTES["inbox"]),
            ("/v1/nothing", ROUTES["api-nothing"]),
            ("/webhooks/google/pubsub", ROUTES["webhook-google-pubsub"]),
            ("/static/nothing.css", route_limits.UNKNOWN_ROUTE),
            ("/readyz", ROUTES["ready"]),
        ],
    )
    def test_has_the_limits_of_its_route(self, path, limits):
        assert find_front_route(path).limits == limits

    def test_is_logged_as_a_pattern(self):
        assert find_front_route(
            "/settings/shares/00000000-0000-7000-8000-000000000001/end/"
        ).pattern == ("settings/shares/<uuid:share_id>/end/")

    def test_that_is_a_file_has_threads_of_its_own(self):
        assert ROUTES["api-attachment"].get_threads("GET") is ThreadGroup.FILES
        assert ROUTES["api-attachment"].get_threads("POST") is ThreadGroup.PAGES
        assert ROUTES["api-calendar-import"].get_threads("POST") is ThreadGroup.UPLOADS
        assert ROUTES["upload"].get_threads("PATCH") is ThreadGroup.STREAMS
        assert ROUTES["upload"].get_threads("DELETE") is ThreadGroup.PAGES
        assert ROUTES["settings-export"].get_threads("GET") is ThreadGroup.PAGES
        assert ROUTES["settings-export"].get_threads("POST") is ThreadGroup.FILES
