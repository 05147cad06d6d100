"""config/nginx.conf, read: its sizes are those of the routes, and nothing is put into a file."""

from __future__ import annotations

import pytest

from config.route_limits import NO_BODY, ROUTES
from tests.addresses import address_of
from tests.front.nginx import in_bytes, location_of, read_locations


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
