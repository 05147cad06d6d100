"""The table of limits has every route, and agrees with the code that reads the bodies."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, get_resolver

from config import route_limits, uploads
from config.front.routes import find_route
from config.route_limits import ROUTES, Threads
from integrations.formats.icalendar import components
from integrations.push.webhooks import body as notifications
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


class TestTheTable:
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
            if post not in {"405", "404"} and ROUTES[name].body.largest < 64 * 1024
        }

        assert without == set()


class TestALimit:
    def test_is_at_least_what_is_read(self):
        assert route_limits.JSON.largest == json_parser.LARGEST
        assert route_limits.NOTIFICATION.largest > notifications.LONGEST
        assert route_limits.CALENDAR_FILE.largest > components.LARGEST
        assert route_limits.CALENDAR_FILE.largest > uploads.MOST

    def test_leaves_room_for_several_bodies(self):
        for limit in {route.body for route in ROUTES.values()}:
            assert 4 * limit.largest <= limit.in_memory
            assert 0 < limit.seconds <= 30


class TestAnAddress:
    @pytest.mark.parametrize(
        ("path", "limits"),
        [
            ("/inbox/", ROUTES["inbox"]),
            ("/v1/nothing", ROUTES["api-nothing"]),
            ("/webhooks/google/pubsub", ROUTES["webhook-google-pubsub"]),
            ("/static/nothing.css", route_limits.UNKNOWN),
            ("/readyz", ROUTES["ready"]),
        ],
    )
    def test_has_the_limits_of_its_route(self, path, limits):
        assert find_route(path).limits == limits

    def test_is_logged_as_a_pattern(self):
        assert find_route("/settings/shares/00000000-0000-7000-8000-000000000001/end/").pattern == (
            "settings/shares/<uuid:share_id>/end/"
        )

    def test_that_is_a_file_has_threads_of_its_own(self):
        assert ROUTES["api-attachment"].threads_of("GET") is Threads.FILES
        assert ROUTES["api-attachment"].threads_of("POST") is Threads.PAGES
        assert ROUTES["api-calendar-import"].threads_of("POST") is Threads.UPLOADS
        assert ROUTES["settings-export"].threads_of("GET") is Threads.PAGES
        assert ROUTES["settings-export"].threads_of("POST") is Threads.FILES
