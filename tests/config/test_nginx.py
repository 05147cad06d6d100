"""config/nginx.conf, read: its sizes are those of the routes, and nothing is put into a file."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.route_limits import NO_BODY, ROUTES
from tests import test_routes
from tests.front.nginx import in_bytes, location_of, read_locations

VALUES = {"user": "me", "event_id": "a", "seal": "a", "token": "a", "pk": 1, "key": "a"}
UNKNOWN = "00000000-0000-7000-8000-000000000001"


def address_of(name: str) -> str:
    if name == "api-nothing":
        return "/v1/files"
    fixed = {"provider": "google", "code": "a", "clause_id": "a", "uidb36": "a"}
    wanted = test_routes.route(name).wanted
    return reverse(name, kwargs={key: {**VALUES, **fixed}.get(key, UNKNOWN) for key in wanted})


class TestALocation:
    def test_takes_the_largest_body_of_each_of_its_routes(self):
        wrong = []
        for name, limits in ROUTES.items():
            size = in_bytes(location_of(address_of(name)).directives["client_max_body_size"])
            is_right = size >= limits.body.largest
            if limits.body != NO_BODY:
                is_right = size == limits.body.largest
            if not is_right:
                wrong.append(f"{name}: {size}, not {limits.body.largest}")

        assert wrong == []

    @pytest.mark.parametrize("location", read_locations(), ids=lambda one: one.match.pattern)
    def test_holds_bodies_in_memory_or_not_at_all(self, location):
        said = location.directives

        if said.get("proxy_request_buffering") != "off":
            assert said["client_body_buffer_size"] == said["client_max_body_size"]
        assert said["client_body_in_file_only"] == "off"
        assert said["proxy_max_temp_file_size"] == "0"
        assert (said["proxy_cache"], said["proxy_store"]) == ("off", "off")
