"""The proxy in front is named, or none is believed."""

from __future__ import annotations

import pytest

from config.environment import Environment, InvalidSettings
from config.reverse_proxies import TrustedProxies, read_trusted_proxies

SCHEME = ("HTTP_X_FORWARDED_PROTO", "https")


class TestTheProxyInFront:
    @pytest.mark.parametrize(
        ("named", "proxies", "scheme"),
        [
            ({"TRUSTED_PROXY": "nginx"}, TrustedProxies("nginx", 1), SCHEME),
            (
                {"TRUSTED_PROXY": "nginx", "TRUSTED_PROXY_COUNT": "2"},
                TrustedProxies("nginx", 2),
                SCHEME,
            ),
            ({"TRUSTED_PROXY": "none"}, TrustedProxies("none", 0), None),
            # Unsaid, nobody is believed.
            ({}, TrustedProxies("", 0), None),
        ],
    )
    def test_alone_is_believed(self, named, proxies, scheme):
        env = Environment(named)

        assert read_trusted_proxies(env) == proxies
        assert proxies.scheme_header == scheme
        env.raise_problems()

    @pytest.mark.parametrize("count", ["", "-1", "0", "1", "2", "many"])
    @pytest.mark.parametrize("name", ["", "none", "nginx", "haproxy", "NGINX"])
    def test_tells_the_scheme_only_if_it_also_tells_the_address(self, name, count):
        env = Environment({"TRUSTED_PROXY": name, "TRUSTED_PROXY_COUNT": count})

        proxies = read_trusted_proxies(env)

        try:
            env.raise_problems()
        except InvalidSettings:
            return
        is_trusted = name == "nginx" and count in {"", "1", "2"}
        assert (proxies.scheme_header is not None, proxies.count > 0) == (is_trusted, is_trusted)

    @pytest.mark.parametrize(
        "named",
        [
            {"TRUSTED_PROXY": "haproxy"},
            {"TRUSTED_PROXY": "nginx", "TRUSTED_PROXY_COUNT": "0"},
            {"TRUSTED_PROXY": "none", "TRUSTED_PROXY_COUNT": "1"},
            {"TRUSTED_PROXY_COUNT": "1"},
        ],
    )
    def test_is_not_named_by_halves(self, named):
        env = Environment(named)
        assert not read_trusted_proxies(env).count or named["TRUSTED_PROXY"] == "nginx"

        with pytest.raises(InvalidSettings, match="TRUSTED_PROXY"):
            env.raise_problems()
