"""Where the keys are kept does not answer: nothing is shown, nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings

from limited_use.models import DataKey
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import KeyBinding
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from tests.api import cast
from tests.integrations import household as houses


@pytest.fixture
def outage(alice):
    """Take the keys away, also from memory, and return how to bring them back."""
    folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
    folder.rename(away)
    data_keys.drop_cached_keys()
    yield lambda: away.rename(folder)
    if away.exists():
        away.rename(folder)


@pytest.fixture
def engine(alice, openbao, settings):
    """Return a key store whose transit engine holds the keys of all data keys."""
    former, place = get_keyring(), openbao.place("first-request")._replace(token=openbao.root)
    TransitKeyring.create(place)
    settings.KEYRING = replace(settings.KEYRING, **place._asdict())
    for row in DataKey.objects.all():
        line, binding = KeyLine(row.line), KeyBinding(row.holder, bytes(row.key_id))
        key = former.unwrap(line, row.kek_epoch, bytes(row.wrapped), binding)
        wrapped = get_keyring().wrap(line, row.kek_epoch, key, binding)
        DataKey.objects.filter(pk=row.pk).update(wrapped=wrapped)
    data_keys.drop_cached_keys()
    return openbao


@pytest.mark.invariant(2)
class TestKeyStoreUnavailable:
    def test_ends_for_the_first_request_after_it_returned(self, alice, engine):
        browser = cast.browser(alice.user)
        engine.seal()
        try:
            during = [browser.get("/v1/users/me/messages") for _ in range(2)]
        finally:
            engine.unseal()
        after = browser.get("/v1/users/me/messages")

        assert [answer.json()["code"] for answer in during] == ["key-store-unavailable"] * 2
        assert after.status_code == 200
        assert after.json()["data"][0]["subject"]

    @pytest.mark.parametrize("address", ["/v1/users/me/messages", "/inbox/"])
    def test_is_503_and_passes(self, alice, outage, address):
        browser = cast.browser(alice.user)

        during = browser.get(address)
        outage()
        after = browser.get(address)

        assert during.status_code == 503
        assert b"key-store-unavailable" in during.content or b"Nothing is lost" in during.content
        assert after.status_code == 200

    def test_says_when_to_ask_again(self, alice, outage):
        answer = cast.browser(alice.user).get("/v1/users/me/messages")

        assert answer["Retry-After"] == "5"
        assert answer.json()["code"] == "key-store-unavailable"
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.claim("integrations.nothing-lost")
    @pytest.mark.scenario("U1")
    @pytest.mark.invariant(5)
    def test_leaves_settings_to_be_seen_and_the_account_to_be_ended(self, alice, outage):
        browser = cast.browser(alice.user, recent=True)

        seen = browser.get("/settings/integrations/")
        asked = browser.get(f"/settings/integrations/{alice.integration.id}/disconnect/")

        assert seen.status_code == asked.status_code == 200
        assert "The addresses of your accounts cannot be shown now" in seen.text
        assert "A part of Antares that is needed to show them is not responding" in seen.text
        assert "Disconnect" in seen.text
        assert "alice@gmail.example" not in seen.text


class TestAKeyThatDoesNotOpen:
    @pytest.mark.scenario("U1")
    @pytest.mark.invariant(8)
    def test_keeps_nobody_from_their_settings(self, alice):
        DataKey.objects.filter(holder=alice.connection.id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        seen = cast.browser(alice.user).get("/settings/integrations/")

        assert seen.status_code == 200
        assert "(address cannot be shown)" in seen.text

    @pytest.mark.claim("integrations.addresses-unopenable")
    @pytest.mark.scenario("U1")
    @pytest.mark.invariant(8)
    def test_that_is_gone_leaves_the_account_to_be_ended(self, alice):
        data_keys.destroy_data_key(holder=alice.connection.id)
        browser = cast.browser(alice.user, recent=True)

        seen = browser.get("/settings/integrations/")
        asked = browser.get(f"/settings/integrations/{alice.integration.id}/disconnect/")

        assert seen.status_code == asked.status_code == 200
        assert "Antares cannot open the stored addresses." in seen.text
        assert "is not responding" not in seen.text

    @pytest.mark.claim("integrations.addresses-unopenable")
    @pytest.mark.invariant(8)
    def test_hides_no_other_address(self, alice):
        houses.household(who=(alice.user, alice.organisation, alice.membership))
        DataKey.objects.filter(holder=alice.connection.id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        browser = cast.browser(alice.user)
        seen = browser.get("/settings/integrations/").text
        listed = browser.get("/v1/users/me/connections").json()["data"]

        assert seen.count("alice@gmail.example") == 1
        assert seen.count("(address cannot be shown)") == 1
        assert [one["email"] for one in listed] == [None, "alice@gmail.example"]
