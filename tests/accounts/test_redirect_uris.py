from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.redirect_uris import (
    MAX_REDIRECT_URIS,
    RedirectUriFault,
    UnusableRedirectUri,
    check_redirect_uris,
)

GOOD = "https://widget.example/antares/callback"


def find_fault(*uris):
    try:
        check_redirect_uris(uris)
    except UnusableRedirectUri as problem:
        return problem.fault
    return None


@pytest.mark.control("5.1.5")
class TestRedirectUris:
    @pytest.mark.parametrize(
        "uri",
        [
            GOOD,
            "https://widget.example/",
            "https://widget.example:8443/callback",
            "https://xn--bcher-kva.example/callback",
            "https://widget.example/callback?tenant=acme&page=%2Finbox",
            "https://192.0.2.7/callback",
            "http://127.0.0.1/callback",
            "http://localhost:8000/callback",
            "https://widget.example/" + "a" * 232,
        ],
    )
    def test_are_taken_as_they_are(self, uri):
        assert check_redirect_uris([uri]) == [uri]

    @pytest.mark.parametrize(
        ("uri", "fault"),
        [
            ("", RedirectUriFault.SCHEME),
            ("/callback", RedirectUriFault.SCHEME),
            ("//widget.example/callback", RedirectUriFault.SCHEME),
            ("https:widget.example/callback", RedirectUriFault.SCHEME),
            ("http://widget.example/callback", RedirectUriFault.SCHEME),
            ("http://localhost.widget.example/", RedirectUriFault.SCHEME),
            ("http://127.0.0.2/callback", RedirectUriFault.SCHEME),
            ("javascript://widget.example/%0Aalert(1)", RedirectUriFault.SCHEME),
            ("com.widget.app://callback", RedirectUriFault.SCHEME),
            ("https://widget.example/callback#", RedirectUriFault.FRAGMENT),
            ("https://widget.example/callback#part", RedirectUriFault.FRAGMENT),
            ("https://*.widget.example/callback", RedirectUriFault.WILDCARD),
            ("https://widget.example/*", RedirectUriFault.WILDCARD),
            ("https://alice@widget.example/", RedirectUriFault.USER),
            ("https://widget.example@evil.example/", RedirectUriFault.USER),
            ("https:///callback", RedirectUriFault.HOST),
            ("https://:443/callback", RedirectUriFault.HOST),
            ("https://widget.example:/callback", RedirectUriFault.HOST),
            ("https://widget.example:0443/callback", RedirectUriFault.HOST),
            ("https://widget.example:65536/callback", RedirectUriFault.HOST),
            ("https://widget..example/", RedirectUriFault.HOST),
            ("https://widget.example./", RedirectUriFault.HOST),
            ("https://-widget.example/", RedirectUriFault.HOST),
            ("https://widget_1.example/", RedirectUriFault.HOST),
            ("https://widget%2Dexample/", RedirectUriFault.SPELLING),
            ("https://127.1/", RedirectUriFault.HOST),
            ("https://0x7f.0.0.1/", RedirectUriFault.HOST),
            ("https://127.0.0.01/", RedirectUriFault.HOST),
            ("https://2130706433/", RedirectUriFault.HOST),
            ("https://[0:0::1]/", RedirectUriFault.HOST),
            ("https://[2001:db8::7]/callback", RedirectUriFault.HOST),
            ("http://[::1]:8000/callback", RedirectUriFault.HOST),
            ("https://[::1/", RedirectUriFault.HOST),
            ("https://" + ".".join(["a" * 50] * 5) + "/", RedirectUriFault.TOO_LONG),
            ("HTTPS://widget.example/", RedirectUriFault.SPELLING),
            ("https://Widget.example/", RedirectUriFault.SPELLING),
            ("https://widget.example", RedirectUriFault.SPELLING),
            ("https://widget.example?tenant=acme", RedirectUriFault.SPELLING),
            ("https://widget.example:443/", RedirectUriFault.SPELLING),
            ("http://localhost:80/", RedirectUriFault.SPELLING),
            ("https://widget.example/a/../b", RedirectUriFault.SPELLING),
            ("https://widget.example/a/.", RedirectUriFault.SPELLING),
            ("https://widget.example/a/%2E%2E/b", RedirectUriFault.SPELLING),
            ("https://widget.example/%61", RedirectUriFault.SPELLING),
            ("https://widget.example/a b", RedirectUriFault.CHARACTER),
            ("https://widget.example/\n", RedirectUriFault.CHARACTER),
            ("https://widget.example/\x00", RedirectUriFault.CHARACTER),
            ("https://widget.example\\@evil.example/", RedirectUriFault.CHARACTER),
            ("https://b\xfccher.example/", RedirectUriFault.CHARACTER),
            ("https://widget.example/%2f", RedirectUriFault.CHARACTER),
            ("https://widget.example/%", RedirectUriFault.CHARACTER),
            ("https://widget.example/[a]", RedirectUriFault.CHARACTER),
            ("https://widget.example/<script>", RedirectUriFault.CHARACTER),
            ("https://widget.example/?flag", RedirectUriFault.QUERY),
            ("https://widget.example/?page=/inbox", RedirectUriFault.QUERY),
            ("https://widget.example/?a=1;b=2", RedirectUriFault.QUERY),
            ("https://widget.example/?x=%FF", RedirectUriFault.QUERY),
            ("https://widget.example/?", RedirectUriFault.QUERY),
            ("https://widget.example/callback;", RedirectUriFault.QUERY),
            ("https://widget.example/?code=1", RedirectUriFault.PARAMETER),
            ("https://widget.example/?a=1&state=", RedirectUriFault.PARAMETER),
            ("https://widget.example/" + "a" * 233, RedirectUriFault.TOO_LONG),
        ],
    )
    def test_that_are_no_exact_address_are_refused(self, uri, fault):
        assert find_fault(uri) == fault

    def test_are_at_most_ten_and_each_once(self):
        uris = [f"{GOOD}/{number}" for number in range(MAX_REDIRECT_URIS + 1)]

        assert check_redirect_uris([]) == []
        assert check_redirect_uris(uris[:-1]) == uris[:-1]
        assert find_fault(*uris) == RedirectUriFault.TOO_MANY
        assert find_fault(uris[0], uris[1], uris[0]) == RedirectUriFault.TWICE

    def test_say_which_of_them_is_refused(self):
        with pytest.raises(UnusableRedirectUri) as refused:
            check_redirect_uris([GOOD, "https://widget.example"])

        assert refused.value.place == 1

    @given(
        st.text("abzAZ019.-_~:/?#[]@!$&'()*+,;=%\\ \t\n\x7f\xe9<>\"", max_size=40).map(
            lambda rest: f"https://{rest}"
        )
        | st.text(max_size=60)
    )
    def test_of_any_text_are_refused_or_lead_to_one_host_by_https(self, uri):
        if find_fault(uri) is not None:
            return
        parts = urlsplit(uri)
        assert (parts.scheme, parts.geturl(), parts.fragment) == ("https", uri.rstrip("?"), "")
        assert parts.hostname == parts.netloc.partition(":")[0] or parts.netloc.startswith("[")
        assert (parts.username, parts.path[:1]) == (None, "/")
        assert uri.isascii()
        assert uri.isprintable()
