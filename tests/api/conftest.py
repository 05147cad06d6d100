"""Alice with a synced mailbox and a hostile mail in it; Bob beside her, Mallory elsewhere."""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from integrations import providers
from integrations.coordination import person_slots
from limited_use.vault import data_keys
from tests.api import cast
from tests.fakes import mail as fake
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.keyrings import copy_keyring
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]


@pytest.fixture(autouse=True)
def _as_web(requests_act_as_web):
    """A page of the API is answered with the rights of a web process."""


@pytest.fixture(autouse=True)
def _streams_end_with_the_test():
    """
    Give back what answers that a test did not read to the end were lent.

    A server closes each answer. Here one would keep its slot until the garbage collector runs, and
    Alice is the same person for all tests of a module.
    """
    yield
    for budget in (person_slots.STREAM_SLOTS, person_slots.WAIT_SLOTS):
        budget._lent.clear()


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.GMAIL_UNITS_PER_MINUTE = 0
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture(scope="module")
def synced(django_db_setup, django_db_blocker, tmp_path_factory):
    """
    Return Alice's household and her mailbox, synced once for all tests of a module.

    Each test works on copies of both, in a transaction of its own within this one.
    """
    # Settings of a single test that are in force here would come back after the module.
    assert str(settings.KEYRING.folder) == os.environ["KEYRING_DIR"], "request `alice` by name"
    ring = copy_keyring(tmp_path_factory.mktemp("synced") / "keyring")
    with (
        django_db_blocker.unblock(),
        open_test_transaction(),
        override_settings(
            KEYRING=replace(settings.KEYRING, folder=ring._directory), GMAIL_UNITS_PER_MINUTE=0
        ),
        pytest.MonkeyPatch.context() as patch,
    ):
        data_keys.drop_cached_keys()
        box = FakeMailbox()
        offer_mailbox(patch, box)
        house = houses.household()
        cast.fill_mailbox(house, box)
        # Only the rows stay for the tests; no check of theirs is left for the end, or a test could
        # not change tables.
        patch.undo()
        connection.check_constraints()
        yield house, box


@pytest.fixture
def mailbox(request, monkeypatch):
    """Return the mailbox at the provider: Alice's where the test has her, or else an empty one."""
    box = FakeMailbox()
    if "alice" in request.fixturenames:
        _, synced_box = request.getfixturevalue("synced")
        box = copy.deepcopy(synced_box)
    return offer_mailbox(monkeypatch, box)


@pytest.fixture
def alice(synced, db, mailbox):
    house, _ = synced
    return house.read_again()


def offer_mailbox(patch: pytest.MonkeyPatch, box: FakeMailbox) -> FakeMailbox:
    """Have `box` be what Google opens: like a real mailbox, with a live token or not at all."""

    def open_mail(access):
        assert access.token()
        return fake.make_open_mail(box)(access)

    google = replace(providers.PROVIDERS["google"], open_mail=open_mail)
    patch.setitem(providers.PROVIDERS, "google", google)
    return box


@contextmanager
def open_test_transaction():
    """Open a transaction that is undone at the end, and in which others may be durable."""
    with transaction.atomic():
        # As Django's TestCase marks its own.
        connection.atomic_blocks[-1]._from_testcase = True
        yield
        transaction.set_rollback(True)


@pytest.fixture
def bob(alice):
    """A colleague, with a mailbox of his own that is empty."""
    at = timezone.now()
    return houses.household(who=houses.person("bob", alice.organisation, at=at))


@pytest.fixture
def mallory(db, mailbox):
    return houses.household(who=houses.person("mallory", at=timezone.now()))


@pytest.fixture
def mine(alice):
    return cast.get_owned_ids(alice)


@pytest.fixture
def hers(alice):
    """Alice's browser."""
    return cast.browser(alice.user)


@pytest.fixture
def widget(alice):
    """The inbox widget, which Alice switched on."""
    client = cast.widget()
    return cast.feature(client, cast.switch_on(alice, client))
