"""Each promise of the page that withdraws an agreement, against rows, the provider and receipts."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations import connections
from integrations.models import AttemptOutcome, Message, PurgeJob, Thread
from limited_use.models import Consent
from tests.broker import record_messages
from tests.factories import make_keyring
from tests.integrations import removal_world
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading
from tests.integrations.removal_world import RemovalAtGoogle, RemovalAtMicrosoft, RemovalWorld
from tests.walls import requests_act_as_web

__all__ = ["microsoft", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("requests_act_as_web"),
    pytest.mark.clause("AN-2", "WDEL"),
    pytest.mark.invariant(6),
]
FEATURES = {"mail": "inbox", "calendar": "calendar"}


@pytest.fixture
def alice(alice):
    """Return Alice, who can confirm that it is her: an empty password is not an unusable one."""
    alice.password = ""
    alice.save(update_fields=["password"])
    return alice


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch, settings):
    make_keyring()
    settings.GMAIL_UNITS_PER_MINUTE = 0
    record_messages(monkeypatch)


@pytest.fixture
def account(request):
    """Return the account at the provider that a test names."""
    made = {"google": RemovalAtGoogle, "microsoft": RemovalAtMicrosoft}[request.param]
    return made(request.getfixturevalue(request.param))


def connect_account(user, account, product) -> RemovalWorld:
    assert account.connect(user, product).outcome == AttemptOutcome.CONNECTED
    return RemovalWorld(user, account)


def address_of(product):
    return reverse("settings-feature-withdraw", args=[FEATURES[product]])


def read_main_text(world, product) -> str:
    answer = world.client.get(address_of(product))
    assert answer.status_code == 200
    return reading.text(answer.text.split("<main")[1])


def withdraw(world, product) -> PurgeJob:
    assert world.client.post(address_of(product)).status_code == 302
    return PurgeJob.objects.get(integration=world.integrations[product])


@pytest.mark.parametrize("product", ["mail", "calendar"])
@pytest.mark.parametrize("account", ["google", "microsoft"], indirect=True)
class TestWithdrawing:
    @pytest.mark.claim("withdraw.disconnects", "withdraw.unreadable-at-once")
    @pytest.mark.claim("feature.withdraw-ends", "stored.mail", "withdraw.receipts")
    def test_ends_the_agreement_and_removes_the_copy_with_a_receipt(self, alice, account, product):
        world = connect_account(alice, account, product)
        settings = reading.text(world.client.get(reverse("settings-access")).text)
        assert "Ends the access and removes the stored copy." in settings
        page = read_main_text(world, product)
        assert "Antares stores no copy without your agreement." in page
        assert "Withdrawing disconnects 1 account and removes its stored data." in page
        assert "You cannot undo this." in page
        assert "The stored copy is unreadable at once and removed within an hour." in page
        assert "You get a signed receipt." in page
        assert world.has_rows(product)
        assert world.has_keys(product)

        job = withdraw(world, product)

        # In the commit of the answer.
        assert not world.has_keys(product)
        assert world.live == set()
        assert not Consent.objects.filter(feature=FEATURES[product], withdrawn_at=None).exists()
        world.finish(job)
        # The access ends: no token is left, and Google lists none; Microsoft offers no end.
        assert not world.has_tokens
        assert (account.list_scopes() == set()) is (account.key == "google")
        assert removal_world.is_removed_within_an_hour(world, product)
        assert not world.has_rows(product)
        assert world.has_receipt(product)
        with pytest.raises(connections.NoEarlierConsent):
            connections.renew_consent(
                feature=FEATURES[product],
                version=1,
                user_id=alice.id,
                organisation_id=world.connection.organisation_id,
                at=timezone.now(),
            )

    @pytest.mark.claim("withdraw.unchanged-there")
    def test_changes_nothing_at_the_provider(self, alice, account, product):
        world = connect_account(alice, account, product)
        label = account.key.title()
        is_mail = product == "mail"
        says = f"mail at {label} stays as it is." if is_mail else f"calendars at {label} stay as"
        assert says in read_main_text(world, product)
        before = account.look_at_content()

        world.finish(withdraw(world, product))

        assert account.look_at_content() == before


@pytest.mark.parametrize("account", ["google"], indirect=True)
class TestWhatIsCounted:
    @pytest.mark.claim("withdraw.counts")
    def test_is_what_the_rows_hold_and_what_goes(self, alice, account):
        world = connect_account(alice, account, "mail")
        mail = world.integrations["mail"]
        messages = Message.objects.filter(integration=mail)
        threads = Thread.objects.filter(integration=mail)
        assert (messages.count(), threads.count()) == (2, 2)
        assert "2 messages in 2 conversations" in read_main_text(world, "mail")

        world.finish(withdraw(world, "mail"))

        assert (messages.count(), threads.count()) == (0, 0)
