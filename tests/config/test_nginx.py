"""config/nginx.conf, read: its sizes are those of the routes, and nothing is put into a file."""

from __future__ import annotations

import re

import pytest

from config.route_limits import NO_BODY, ROUTES
from tests.addresses import address_of
from tests.config.test_sites import names_of
from tests.front.nginx import FILE, HOST, STAFF_HOST, in_bytes, location_of, read_locations


class TestALocation:
    @pytest.mark.parametrize(("host", "process_class"), [(HOST, "web"), (STAFF_HOST, "staff")])
    def test_takes_the_largest_body_of_each_of_its_routes(self, host, process_class):
        wrong = []
        for name in names_of(process_class) - {"home"}:
            limits, location = ROUTES[name], location_of(address_of(name), host)
            size = in_bytes(location.directives["client_max_body_size"])
            is_right = size >= limits.body.max_bytes
            if limits.body != NO_BODY:
                is_right = size == limits.body.max_bytes
            if not is_right:
                wrong.append(f"{name}: {size}, not {limits.body.max_bytes}")

        assert wrong == []

    @pytest.mark.parametrize(
        "location",
        [*read_locations(), *read_locations(STAFF_HOST)],
        ids=lambda one: one.match.pattern,
    )
    def test_holds_bodies_in_memory_or_not_at_all(self, location):
        said = location.directives

        if said.get("proxy_request_buffering") != "off":
            assert said["client_body_buffer_size"] == said["client_max_body_size"]
        assert said["client_body_in_file_only"] == "off"
        assert said["proxy_max_temp_file_size"] == "0"
        assert (said["proxy_cache"], said["proxy_store"]) == ("off", "off")


class TestANetwork:
    """Whom nginx counts connections and uploads for."""

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2::3", "2001:db8:1:2"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
            # The zeros of its network are not written.
            ("2001:db8::3", "2001:db8"),
            ("2001:db8::3:4:5:6", "2001:db8"),
            ("::1", "::1"),
        ],
    )
    def test_of_ipv6_is_half_an_address(self, address, network):
        patterns = re.findall(r'"~(\^\(\?<.*?)"', FILE.read_text(encoding="utf-8"))
        found = [re.match(one.replace("(?<", "(?P<"), address) for one in patterns]

        assert len(patterns) == 2
        assert next((one[1] for one in found if one), address) == network
