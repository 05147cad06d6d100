"""The cast and their keys: a keyring per test, a holder with a key, actors, permits."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from limited_use.access_request import AccessRequest
from limited_use.guard import guard
from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_factory import _open_transit, get_keyring
from limited_use.vault.keyring.keyring_port import KeyringConfig
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from limited_use.vault.sealing import get_sealer
from tests.keyrings import copy_keyring

# For tests that hold with either keyring.
EITHER = pytest.mark.parametrize("ring", ["file", "transit"], indirect=True)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ALICE = Actor(kind=ActorKind.PERSON, id=UUID(int=0xA11CE), user_id=UUID(int=0xA11CE))
MALLORY = Actor(kind=ActorKind.PERSON, id=UUID(int=0xBAD), user_id=UUID(int=0xBAD))
SYSTEM = Actor(kind=ActorKind.SYSTEM, id=UUID(int=0))
OWNING = frozenset({Fact.ACTOR_OWNS, Fact.INTEGRATION_LIVE, Fact.CONSENT_CURRENT})
SHOW_METADATA = Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.OWNER)
SHOW_CONTENT = Use(DataClass.MAIL_CONTENT, Purpose.INBOX_DISPLAY, Recipient.OWNER)


@pytest.fixture
def ring(request, tmp_path, settings):
    """Return a keyring of this test's own: files, or `transit` where a test asks for it."""
    settings.LEDGER_ORIGIN = "ledger.example/log1"
    data_keys.drop_cached_keys()
    if getattr(request, "param", "file") == "transit":
        return request.getfixturevalue("transit_ring")
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def place(openbao):
    """Return an empty transit engine of this test's own, where a token has our policies."""
    return openbao.place(f"t-{secrets.token_hex(6)}")


@pytest.fixture
def use(settings):
    """Return a function that has the service use a transit engine, and returns its keyring."""

    def use(place):
        settings.KEYRING = replace(settings.KEYRING, **place._asdict())
        return get_keyring()

    yield use
    _open_transit.cache_clear()


@pytest.fixture
def transit_ring(openbao, use):
    """Return a keyring of this test's own, as root: what our policies suffice for is told apart."""
    place = KeyringConfig(
        openbao.address, "shared", f"t-{secrets.token_hex(6)}", token=openbao.root
    )
    TransitKeyring.create(place)
    return use(place)


@pytest.fixture
def holder(ring, db):
    """Return the id of an integration that has a content key, of epoch 1."""
    holder = uuid7()
    data_keys.create_data_key(holder=holder, line=KeyLine.CONTENT, at=NOW)
    return holder


@pytest.fixture
def seal(holder):
    """Return a function that seals bytes for a message's summary, and the row's id."""
    from integrations.models import Message

    def seal(data=b"canary", row=None, column="summary", model=Message):
        row = row or uuid7()
        return get_sealer(holder=holder, epoch=1).seal_value(model, column, row=row, data=data)

    return seal


@pytest.fixture
def ask(holder):
    """Return a function that makes an ask of alice's, to be changed by keyword."""

    def ask(**changes):
        defaults = {
            "use": SHOW_METADATA,
            "holder": holder,
            "epoch": 1,
            "actor": ALICE,
            "on_behalf_of": ALICE.user_id,
            "facts": OWNING,
        }
        return AccessRequest(**{**defaults, **changes})

    return ask


@pytest.fixture
def permit(ask):
    """Return a function that gets alice a permit."""

    def permit(*, at=NOW, **changes):
        return guard.permit(ask(**changes), at=at)

    return permit
