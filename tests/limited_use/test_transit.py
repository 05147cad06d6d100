"""The transit keyring where it is not like files: faults, tokens, policies, unsafe keys."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest
from django.core.management import CommandError, call_command

from accounts.ids import uuid7
from limited_use.checks import find_keyring_problems
from limited_use.ledger import entries
from limited_use.models import DataKey, Leaf
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.sinks import download_sink
from limited_use.vault import blind_index, data_keys, opening
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import (
    EpochGone,
    KeyBinding,
    KeyStoreUnavailable,
    MacKey,
    NoKeyring,
    RewrapRequest,
    SigningKey,
)
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from limited_use.vault.sealing import get_sealer
from tests.limited_use.conftest import ALICE, NOW, SHOW_CONTENT
from tests.openbao import proxy

CONTENT, CREDENTIAL = KeyLine.CONTENT, KeyLine.CREDENTIAL
KEY = bytes(range(32))
BOUND = KeyBinding(uuid7(), b"12345678")


@pytest.fixture
def ring(transit_ring, settings):
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    data_keys.drop_cached_keys()
    return transit_ring


@pytest.fixture
def made(openbao, place):
    """Return a place whose keys exist."""
    TransitKeyring.create(place._replace(token=openbao.root))
    return place


def refusing(openbao, mode):
    """Put the key store into a state in which it answers nobody, and return how to end it."""
    if mode == "sealed":
        openbao.seal()
        return openbao.unseal
    openbao.stop()

    def restart():
        openbao.start()
        openbao.unseal()

    return restart


@pytest.mark.django_db
class TestOutage:
    @pytest.mark.claim("open.keys-away")
    @pytest.mark.claim("integrations.nothing-lost")
    @pytest.mark.invariant(2)
    @pytest.mark.parametrize("mode", ["sealed", "stopped"])
    def test_stops_reading_and_sealing_and_loses_nothing(  # noqa: PLR0917
        self, openbao, ring, seal, permit, mode, holder
    ):
        sealed, held = seal(), permit()
        ring.compute_mac(MacKey.PSEUDONYM, b"")
        data_keys.drop_cached_keys()
        recover = refusing(openbao, mode)
        try:
            for refused in (
                lambda: opening.open_sealed_values([sealed], held, at=NOW),
                lambda: get_sealer(holder=holder, epoch=1),
                lambda: data_keys.create_data_key(holder=uuid7(), line=CONTENT, at=NOW),
                lambda: key_epochs.rotate_key_epoch(CONTENT, NOW),
                lambda: ring.sign(SigningKey.LEDGER, b""),
            ):
                with pytest.raises(KeyStoreUnavailable) as caught:
                    refused()
                # It passes by waiting, and shows nothing of what was asked.
                assert not isinstance(caught.value, NoKeyring)
                assert (caught.value.args, caught.value.__context__) == ((), None)
            assert DataKey.objects.count() == 1
            assert [problem.id for problem in find_keyring_problems()] == ["limited_use.E008"]
        finally:
            recover()

        assert opening.open_sealed_values([sealed], held, at=NOW) == [b"canary"]
        assert key_epochs.rotate_key_epoch(CONTENT, NOW).destroyed == (1,)
        data_keys.drop_cached_keys()
        assert opening.open_sealed_values([sealed], held, at=NOW) == [b"canary"]

    @pytest.mark.claim("integrations.nothing-lost")
    @pytest.mark.invariant(5)
    def test_keeps_no_disconnect_waiting(self, openbao, ring, holder, seal, permit):
        sealed, held = seal(), permit()
        openbao.seal()
        try:
            destroyed = data_keys.destroy_returning_id(holder=holder)
            entries.record_ledger_event(
                event="key.destroyed", about=holder, body={"key_id": destroyed}, at=NOW
            )
            with pytest.raises(opening.Unopenable):
                opening.open_sealed_values([sealed], held, at=NOW)
        finally:
            openbao.unseal()
        assert any(b"key.destroyed" in bytes(leaf.payload) for leaf in Leaf.objects.all())

    def test_leaves_a_sink_by_its_own_name(self, openbao, ring, seal, permit, ask):
        from integrations.models import MessageBody

        sealed = seal(column="content", model=MessageBody)
        held = permit(use=SHOW_CONTENT)
        data_keys.drop_cached_keys()
        openbao.seal()
        try:
            with pytest.raises(KeyStoreUnavailable):
                download_sink.open_attachment(sealed, held, actor=ALICE, at=NOW)
        finally:
            openbao.unseal()

        assert download_sink.open_attachment(sealed, held, actor=ALICE, at=NOW) == b"canary"


class TestSlowness:
    @pytest.fixture
    def slow(self, openbao, made, use):
        with proxy.run_proxy(openbao.address) as before:
            yield before, use(made._replace(url=before.address))

    def test_is_an_outage_that_passes(self, slow, monkeypatch):
        before, ring = slow
        wrapped = ring.wrap(CONTENT, 1, KEY, BOUND)
        monkeypatch.setattr(ring._client._client, "timeout", httpx.Timeout(0.2))
        before.delay = 0.5

        with pytest.raises(KeyStoreUnavailable) as caught:
            ring.unwrap(CONTENT, 1, wrapped, BOUND)
        before.delay = 0.0

        assert caught.value.__context__ is None
        assert ring.unwrap(CONTENT, 1, wrapped, BOUND) == KEY

    def test_is_waited_for_by_one_and_told_to_all_who_come_before_it_is_over(
        self, slow, monkeypatch
    ):
        _, ring = slow
        ring.list_epochs(CONTENT)
        asked, is_asked, is_over = [], Event(), Event()
        send = ring._client._client.request

        def request(*arguments, **options):
            asked.append(arguments)
            is_asked.set()
            assert is_over.wait(timeout=60)
            return send(*arguments, **options)

        ring._client._is_down = True
        monkeypatch.setattr(ring._client._client, "request", request)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(ring.list_epochs, CONTENT)
            assert is_asked.wait(timeout=60)
            for _ in range(3):
                with pytest.raises(KeyStoreUnavailable):
                    ring.list_epochs(CONTENT)
            assert len(asked) == 1
            is_over.set()

            assert first.result() == ring.list_epochs(CONTENT) == (1,)

    def test_is_told_to_who_waited_for_the_token_of_a_call_that_failed(self, slow, monkeypatch):
        _, ring = slow
        asked = []

        def wait_for_token():
            ring._client._is_down = True
            return "token"

        monkeypatch.setattr(ring._client, "_get_token", wait_for_token)
        monkeypatch.setattr(ring._client._client, "request", asked.append)

        with pytest.raises(KeyStoreUnavailable):
            ring.list_epochs(CONTENT)
        assert asked == []

    def test_that_began_before_another_was_answered_stops_nobody(self, slow, monkeypatch):
        _, ring = slow
        send = ring._client._client.request

        def fail_late(*_, **__):
            monkeypatch.setattr(ring._client._client, "request", send)
            assert ring.list_epochs(CONTENT) == (1,)
            raise httpx.ReadTimeout("")

        ring.list_epochs(CONTENT)
        monkeypatch.setattr(ring._client._client, "request", fail_late)
        with pytest.raises(KeyStoreUnavailable):
            ring.list_epochs(CONTENT)

        assert not ring._client._is_down

    def test_is_bounded_in_seconds(self, ring):
        timeout = ring._client._client.timeout

        assert timeout.connect <= 1
        assert max(timeout.read, timeout.write, timeout.pool) <= 2


class TestToken:
    def test_that_expired_is_told_to_the_operator(self, openbao, made, use):
        token = openbao.token(made, "web", ttl="1s", renewable=False)
        ring = use(made._replace(token=token))
        assert ring.list_epochs(CONTENT)
        time.sleep(1.2)

        with pytest.raises(NoKeyring, match="no longer knows our token") as caught:
            ring.list_epochs(CONTENT)

        assert token not in str(caught.value)
        assert caught.value.__context__ is None

    def test_that_was_never_one_is_told_to_the_operator(self, made, use):
        with pytest.raises(NoKeyring, match="token"):
            use(made._replace(token="s.unknown")).list_epochs(CONTENT)

    def test_is_renewed_before_it_ends(self, openbao, made, use):
        token = openbao.token(made, "web", ttl="1h")
        ring = use(made._replace(token=token))
        ring.list_epochs(CONTENT)
        store = ring._client
        assert 0 < store._renew_at - time.monotonic() <= 1800
        store._renew_at = 0.0

        ring.list_epochs(CONTENT)

        known = openbao.ask("auth/token/lookup", {"token": token})["data"]
        assert known["last_renewal"]
        assert store._renew_at > time.monotonic()

    def test_that_may_not_be_renewed_is_used_to_its_end(self, openbao, made, use):
        token = openbao.token(made, "web", ttl="1h", renewable=False)
        ring = use(made._replace(token=token))
        ring.list_epochs(CONTENT)
        ring._client._renew_at = 0.0

        assert ring.list_epochs(CONTENT) == (1,)

    def test_of_a_role_is_replaced_when_it_ends(self, openbao, made, use):
        ring = use(made._replace(**openbao.role(made, "web")))
        wrapped = ring.wrap(CONTENT, 1, KEY, BOUND)
        first = ring._client._token
        openbao.ask("auth/token/revoke", {"token": first})

        assert ring.unwrap(CONTENT, 1, wrapped, BOUND) == KEY
        assert ring._client._token != first

    def test_of_a_role_is_replaced_when_it_can_be_renewed_no_more(self, openbao, made, use):
        ring = use(made._replace(**openbao.role(made, "web")))
        ring.list_epochs(CONTENT)
        first = ring._client._token
        openbao.ask("auth/token/revoke", {"token": first})
        ring._client._renew_at = 0.0

        assert ring.list_epochs(CONTENT) == (1,)
        assert ring._client._token != first

    def test_is_not_given_to_an_unknown_role(self, openbao, made, use):
        ids = {**openbao.role(made, "web"), "secret_id": "wrong"}

        with pytest.raises(NoKeyring, match="role"):
            use(made._replace(**ids)).list_epochs(CONTENT)


@pytest.mark.control("6.7.1")
class TestPolicies:
    @pytest.fixture
    def as_(self, openbao, made, use):
        """Return a function that gives the keyring of a process with these policies alone."""
        return lambda *names: use(made._replace(token=openbao.token(made, *names)))

    @pytest.mark.invariant(6)
    def test_turn_an_epoch_without_being_able_to_open_anything(self, as_):
        wrapped = as_("web").wrap(CONTENT, 1, KEY, BOUND)
        ring = as_("purge")

        epoch = ring.create_epoch(CONTENT)
        (anew,) = ring.rewrap(CONTENT, epoch, [RewrapRequest(1, wrapped, BOUND)])
        ring.destroy_epoch(CONTENT, 1)

        with pytest.raises(NoKeyring):
            ring.unwrap(CONTENT, epoch, anew, BOUND)
        assert as_("sync").unwrap(CONTENT, epoch, anew, BOUND) == KEY

    def test_suffice_for_the_service(self, as_):
        ring = as_("web", "sync", "purge")

        assert find_keyring_problems() == []
        assert ring.create_epoch(CREDENTIAL) == 2

    @pytest.mark.django_db
    def test_are_printed_by_the_command_that_makes_the_keys(self, openbao, place, use, capsys):
        use(place._replace(token=openbao.root))

        call_command("init_keyring")
        call_command("init_keyring")

        said = capsys.readouterr().out
        for name in ("web", "sync", "purge", "console"):
            assert f"# bao policy write antares-{name} -\n" in said
        assert f'path "{place.mount}/decrypt/antares-content"' in said
        assert openbao.root not in said

    @pytest.mark.django_db
    def test_stop_the_command_for_whoever_may_not_make_keys(self, place, use):
        use(place)

        with pytest.raises(CommandError, match="policies"):
            call_command("init_keyring")


class TestTransitKeys:
    @pytest.mark.invariant(6)
    def test_that_are_trimmed_are_gone_for_root_as_well(self, openbao, ring):
        named = f"shared/keys/{ring._config.prefix}-content"
        wrapped = ring.wrap(CONTENT, 1, KEY, BOUND)
        ring.create_epoch(CONTENT)
        ring.destroy_epoch(CONTENT, 1)

        with pytest.raises(httpx.HTTPStatusError):
            openbao.ask(f"{named}/config", {"min_decryption_version": 1})
        with pytest.raises(httpx.HTTPStatusError):
            openbao.ask(f"{named}/trim", {"min_available_version": 1})
        with pytest.raises(EpochGone):
            ring.unwrap(CONTENT, 1, wrapped, BOUND)
        assert set(openbao.ask(named)["data"]["keys"]) == {"2"}

    @pytest.mark.invariant(6)
    def test_that_may_not_decrypt_but_are_there_still_count(self, openbao, ring):
        # A turn that was killed between the two steps of destroying.
        ring.create_epoch(CONTENT)
        named = f"shared/keys/{ring._config.prefix}-content"
        openbao.ask(f"{named}/config", {"min_decryption_version": 2, "min_encryption_version": 2})

        assert ring.list_epochs(CONTENT) == (1, 2)
        ring.destroy_epoch(CONTENT, 1)
        assert ring.list_epochs(CONTENT) == (2,)

    @pytest.mark.claim("key-store.transit")
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("content", {"type": "aes256-gcm96", "derived": False}),
            ("content", {"type": "aes256-gcm96", "derived": True, "exportable": True}),
            (
                "credential",
                {"type": "aes256-gcm96", "derived": True, "allow_plaintext_backup": True},
            ),
            ("directory", {"type": "aes256-gcm96"}),
            ("ledger", {"type": "ecdsa-p256"}),
        ],
    )
    def test_of_another_kind_are_refused(self, openbao, place, name, kind):
        openbao.ask(f"{place.mount}/keys/antares-{name}", kind)

        with pytest.raises(NoKeyring, match=f"antares-{name}"):
            TransitKeyring.create(place._replace(token=openbao.root))

    def test_that_sign_may_be_rotated(self, openbao, ring):
        before = ring.get_public_key(SigningKey.LEDGER)
        openbao.ask(f"shared/keys/{ring._config.prefix}-ledger/rotate", {})

        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        # Until somebody asks for the public key anew, what was told still holds.
        Ed25519PublicKey.from_public_bytes(before).verify(
            ring.sign(SigningKey.LEDGER, b"text"), b"text"
        )
        after = ring.get_public_key(SigningKey.LEDGER)
        assert after != before
        Ed25519PublicKey.from_public_bytes(after).verify(
            ring.sign(SigningKey.LEDGER, b"text"), b"text"
        )

    def test_of_the_directory_are_asked_for_once_per_process(self, ring, monkeypatch):
        first = blind_index.compute_blind("sub", "1")
        monkeypatch.setattr(ring._client, "call_api", None)

        assert blind_index.compute_blind("sub", "1") == first
        assert get_keyring() is ring
