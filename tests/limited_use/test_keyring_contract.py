"""What every keyring does, whatever stands behind it."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from accounts.ids import uuid7
from limited_use.policy.key_lines import KeyLine
from limited_use.vault.keyring.keyring_factory import parse_keyring_config
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import (
    EpochGone,
    KeyBinding,
    MacKey,
    NoKeyring,
    RewrapRequest,
    SigningKey,
)
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from tests.limited_use.conftest import EITHER

CONTENT, CREDENTIAL = KeyLine.CONTENT, KeyLine.CREDENTIAL
KEY = bytes(range(32))


def somebody():
    return KeyBinding(uuid7(), secrets.token_bytes(8))


def again(ring):
    """Return the same keyring as another process would make it."""
    if isinstance(ring, FileKeyring):
        return FileKeyring.create(ring._directory)
    return TransitKeyring.create(parse_keyring_config())


@EITHER
class TestKeyring:
    def test_begins_with_one_epoch_per_line(self, ring):
        assert {ring.list_epochs(line) for line in KeyLine} == {(1,)}

    @pytest.mark.control("6.7.1")
    def test_unwraps_what_it_wrapped_for_the_same_holder_line_and_epoch_only(self, ring):
        bound, other = somebody(), somebody()
        wrapped = ring.wrap(CONTENT, 1, KEY, bound)
        ring.create_epoch(CONTENT)

        assert ring.unwrap(CONTENT, 1, wrapped, bound) == KEY
        for line, epoch, whose in (
            (CREDENTIAL, 1, bound),
            (CONTENT, 2, bound),
            (CONTENT, 9, bound),
            (CONTENT, 1, other),
            (CONTENT, 1, KeyBinding(bound.holder, other.key_id)),
            (CONTENT, 1, KeyBinding(other.holder, bound.key_id)),
        ):
            with pytest.raises(EpochGone) as caught:
                ring.unwrap(line, epoch, wrapped, whose)
            assert caught.value.__context__ is None

    @pytest.mark.parametrize("wrapped", [b"", b"damaged", b"\0" * 60, KEY + KEY])
    def test_unwraps_nothing_else(self, ring, wrapped):
        with pytest.raises(EpochGone):
            ring.unwrap(CONTENT, 1, wrapped, somebody())

    def test_wraps_in_sixty_bytes_that_never_look_the_same_twice(self, ring):
        bound = somebody()
        one, two = (ring.wrap(CONTENT, 1, KEY, bound) for _ in range(2))

        assert len(one) == len(two) == 60
        assert one != two
        assert KEY not in one

    def test_numbers_its_epochs_upwards(self, ring):
        assert [ring.create_epoch(CONTENT), ring.create_epoch(CONTENT)] == [2, 3]
        assert ring.list_epochs(CONTENT) == (1, 2, 3)
        assert ring.list_epochs(CREDENTIAL) == (1,)

    @pytest.mark.invariant(6)
    @pytest.mark.scenario("O1")
    def test_destroys_an_epoch_for_good(self, ring):
        bound = somebody()
        old = ring.wrap(CONTENT, 1, KEY, bound)
        ring.create_epoch(CONTENT)
        new = ring.wrap(CONTENT, 2, KEY, bound)

        ring.destroy_epoch(CONTENT, 1)
        ring.destroy_epoch(CONTENT, 1)

        assert ring.list_epochs(CONTENT) == (2,)
        assert ring.unwrap(CONTENT, 2, new, bound) == KEY
        for refused in (
            lambda: ring.unwrap(CONTENT, 1, old, bound),
            lambda: again(ring).unwrap(CONTENT, 1, old, bound),
            lambda: ring.wrap(CONTENT, 1, KEY, bound),
            lambda: ring.rewrap(CONTENT, 2, [RewrapRequest(1, old, bound)]),
        ):
            with pytest.raises(EpochGone):
                refused()
        # The number does not come back, and with it no key of that name.
        assert ring.create_epoch(CONTENT) == 3

    def test_wraps_anew_in_order_however_many(self, ring):
        everybody = [(somebody(), secrets.token_bytes(32)) for _ in range(120)]
        wrapped = [
            RewrapRequest(1, ring.wrap(CONTENT, 1, key, bound), bound) for bound, key in everybody
        ]
        ring.create_epoch(CONTENT)

        anew = ring.rewrap(CONTENT, 2, wrapped)

        ring.destroy_epoch(CONTENT, 1)
        assert [
            ring.unwrap(CONTENT, 2, one, bound)
            for one, (bound, _) in zip(anew, everybody, strict=True)
        ] == [key for _, key in everybody]
        assert ring.rewrap(CONTENT, 2, []) == []

    @pytest.mark.scenario("O1")
    def test_wraps_none_anew_if_one_does_not_unwrap(self, ring):
        bound, other = somebody(), somebody()
        good = RewrapRequest(1, ring.wrap(CONTENT, 1, KEY, bound), bound)

        for bad in (RewrapRequest(1, b"\1" * 60, bound), RewrapRequest(1, good.wrapped, other)):
            with pytest.raises(EpochGone):
                ring.rewrap(CONTENT, 1, [good, bad])

    def test_makes_the_same_mac_in_every_process_and_another_for_each_key(self, ring):
        one, two = (ring.compute_mac(name, b"message") for name in MacKey)

        assert again(ring).compute_mac(MacKey.DIRECTORY, b"message") == one
        assert len({one, two, ring.compute_mac(MacKey.DIRECTORY, b"other")}) == 3
        assert len(one) == 32

    def test_signs_with_ed25519_under_a_key_that_stays(self, ring):
        for name in SigningKey:
            signature = ring.sign(name, b"text")
            public = ring.get_public_key(name)

            assert again(ring).get_public_key(name) == public
            Ed25519PublicKey.from_public_bytes(public).verify(signature, b"text")
        assert len({ring.get_public_key(name) for name in SigningKey}) == 2

    def test_stays_what_it_is_if_it_is_made_again(self, ring):
        wrapped = ring.wrap(CONTENT, ring.create_epoch(CONTENT), KEY, bound := somebody())

        made = again(ring)

        assert made.list_epochs(CONTENT) == (1, 2)
        assert made.unwrap(CONTENT, 2, wrapped, bound) == KEY


@pytest.mark.scenario("A1")
class TestNoKeyring:
    @pytest.fixture(params=["folder", "mount", "keys"])
    def missing(self, request, tmp_path):
        if request.param == "folder":
            return FileKeyring(tmp_path / "nowhere")
        place = request.getfixturevalue("place")
        return TransitKeyring(place if request.param == "keys" else place._replace(mount="none"))

    def test_says_what_to_do(self, missing):
        for call in (
            lambda: missing.list_epochs(CONTENT),
            lambda: missing.compute_mac(MacKey.DIRECTORY, b""),
            lambda: missing.wrap(CONTENT, 1, KEY, somebody()),
            lambda: missing.unwrap(CONTENT, 1, b"\1" * 60, somebody()),
            lambda: missing.sign(SigningKey.LEDGER, b""),
        ):
            with pytest.raises(NoKeyring, match=r"init_keyring|bao secrets enable") as caught:
                call()
            assert caught.value.__context__ is None
