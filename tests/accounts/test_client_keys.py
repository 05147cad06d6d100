from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from accounts.client_keys import (
    MAX_KEY_SET,
    MAX_KEYS,
    KeySetFault,
    UnusableClientKeys,
    list_client_keys,
    parse_key_set,
)
from tests.accounts.cast import EC, PEM_HEAD, RSA

PUBLIC_RSA, PUBLIC_EC = RSA.as_dict(private=False), EC.as_dict(private=False)
PRIVATE = EC.as_dict(private=True)


def write_set(*keys, **more):
    return json.dumps({"keys": list(keys), **more})


def find_fault(text):
    try:
        parse_key_set(text)
    except UnusableClientKeys as problem:
        return problem.fault
    return None


class TestKeySet:
    def test_is_stored_without_members_of_which_nothing_is_known(self):
        text = write_set({**PUBLIC_EC, "use": "sig", "note": "of the team"}, owner="the team")

        assert parse_key_set(text) == {"keys": [{**PUBLIC_EC, "use": "sig"}]}

    def test_names_kind_and_thumbprint_of_each_key(self):
        listed = list_client_keys(parse_key_set(write_set(PUBLIC_RSA, PUBLIC_EC)))

        assert [(key.kid, key.kind) for key in listed] == [
            (RSA.kid, "RSA 2048"),
            (EC.kid, "P-256"),
        ]
        assert [key.thumbprint for key in listed] == [RSA.thumbprint(), EC.thumbprint()]

    @pytest.mark.control("4.1.3")
    @pytest.mark.parametrize(
        "text",
        [
            write_set(PRIVATE),
            write_set(RSA.as_dict(private=True)),
            write_set(PUBLIC_EC, private=PRIVATE),
            write_set({**PUBLIC_EC, "note": [{"deep": PRIVATE}]}),
            write_set({"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}),
            write_set({"\u0064": "escaped", **PUBLIC_EC}).replace('"d"', '"\\u0064"'),
            # Neither of them is JSON.
            json.dumps(PRIVATE)[:-1],
            PEM_HEAD.replace("PRIVATE", "EC PRIVATE") + "\nMHcCAQ…",
            json.dumps(PRIVATE) + " " * MAX_KEY_SET,
        ],
    )
    def test_with_a_private_key_anywhere_is_refused_for_that(self, text):
        assert find_fault(text) == KeySetFault.PRIVATE

    @pytest.mark.control("4.1.3")
    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("", KeySetFault.UNREADABLE),
            ("keys", KeySetFault.UNREADABLE),
            ("[]", KeySetFault.UNREADABLE),
            ("{}", KeySetFault.UNREADABLE),
            ('{"keys": {}}', KeySetFault.UNREADABLE),
            ('{"keys": ["text"]}', KeySetFault.UNREADABLE),
            ("[" * 5000, KeySetFault.UNREADABLE),
            (write_set({"kty": "RSA", "kid": "one"}), KeySetFault.UNREADABLE),
            (write_set({**PUBLIC_EC, "x": "AAAA"}), KeySetFault.UNREADABLE),
            (write_set({**PUBLIC_EC, "x": 5}), KeySetFault.UNREADABLE),
            (write_set({**PUBLIC_RSA, "e": "AA"}), KeySetFault.UNREADABLE),
            (write_set(), KeySetFault.EMPTY),
            (
                write_set(*({**PUBLIC_EC, "kid": str(number)} for number in range(MAX_KEYS + 1))),
                KeySetFault.TOO_MANY,
            ),
            (write_set(PUBLIC_EC) + " " * MAX_KEY_SET, KeySetFault.TOO_LONG),
            (write_set(PUBLIC_EC, PUBLIC_EC), KeySetFault.KID),
            (write_set({**PUBLIC_EC, "kid": ""}), KeySetFault.KID),
            (write_set({**PUBLIC_EC, "kid": 7}), KeySetFault.KID),
            (write_set({**PUBLIC_EC, "kid": "a\nb"}), KeySetFault.KID),
            (write_set({**PUBLIC_EC, "kid": "a" * 129}), KeySetFault.KID),
            (write_set({**PUBLIC_EC, "kty": ["EC"]}), KeySetFault.UNSUPPORTED),
            (write_set({**PUBLIC_EC, "use": "enc"}), KeySetFault.UNSUPPORTED),
            (write_set({**PUBLIC_EC, "alg": "RS256"}), KeySetFault.UNSUPPORTED),
            (write_set({**PUBLIC_EC, "key_ops": ["encrypt"]}), KeySetFault.UNSUPPORTED),
            (
                write_set(
                    OKPKey.generate_key("Ed25519", parameters={"kid": "o"}).as_dict(private=False)
                ),
                KeySetFault.UNSUPPORTED,
            ),
            (
                write_set(ECKey.generate_key("P-384", {"kid": "e"}).as_dict(private=False)),
                KeySetFault.UNSUPPORTED,
            ),
        ],
    )
    def test_is_refused_with_its_fault(self, text, fault):
        assert find_fault(text) == fault

    @pytest.mark.control("4.1.3")
    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
    def test_with_a_weak_key_is_refused(self):
        weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)

        assert find_fault(write_set(weak)) == KeySetFault.SIZE

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["keys", "kty", "kid", "crv", "x", "y", "n", "e", "use", "alg"])
                    | st.text(max_size=5),
                    inner,
                    max_size=5,
                )
            ),
        )
    )
    def test_of_any_json_is_taken_or_refused_with_a_fault(self, value):
        for text in (json.dumps(value), json.dumps({"keys": [value]})):
            assert find_fault(text) in {None, *KeySetFault}
