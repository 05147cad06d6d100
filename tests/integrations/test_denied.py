"""A refusal for want of a permission: looked into before anybody is asked to reconnect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Alarm
from integrations.connections import status_messages
from integrations.models import Connection, Integration, IntegrationStatus, StatusReason, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine, sync_error_policy
from tests.integrations import microsoft as at_microsoft
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = (IntegrationStatus.DEGRADED, StatusReason.SCOPE_MISSING)


@dataclass
class DeniedAccount:
    """A connected mailbox, and what its provider does to it. `at` is the time of the next turn."""

    client: Client
    refuse: Callable[[int], None]
    token_requests: Callable[[], int]
    withdraw: Callable[[], None]
    at: datetime

    def turn(self) -> float:
        """Let a worker have the next turn; return how long it rests from then on, in seconds."""
        work = SyncWork.objects.get()
        self.at = max(self.at, work.next_sync_at)
        sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=self.at)
        return (SyncWork.objects.get().next_sync_at - self.at).total_seconds()

    def settle(self) -> None:
        while SyncWork.objects.get().last_synced_at is None:
            self.turn()

    @property
    def status(self) -> tuple[str, str]:
        integration = Integration.objects.get()
        return integration.status, integration.status_reason

    def card(self) -> str:
        (card,) = reading.cards(self.client.get("/settings/integrations/").text)
        return card

    @property
    def asks_to_reconnect(self) -> bool:
        return "Grant permission<" in self.card()


@pytest.fixture
def gmail(browser_of, alice, google):
    def refuse(count: int) -> None:
        google.fail_next(count, path_prefix="/gmail", problem="insufficient_scope")

    browser = browser_of(alice)
    browser.connect()
    return DeniedAccount(
        browser.client,
        refuse,
        lambda: google.calls("/token"),
        lambda: None,
        timezone.now(),
    )


@pytest.fixture
def outlook(alice, microsoft):
    sandbox = microsoft.sandbox

    def refuse(count: int) -> None:
        sandbox.fail_next(count, path_prefix="/v1.0", problem="graph_access_denied")

    def withdraw() -> None:
        sandbox.dial(graph_withheld_scopes="Mail.Read")

    browser = at_microsoft.MicrosoftConnectBrowser(alice, microsoft)
    browser.connect()
    return DeniedAccount(
        browser.client,
        refuse,
        lambda: len(sandbox.requests("/common/oauth2/v2.0/token")),
        withdraw,
        timezone.now(),
    )


@pytest.fixture(params=["gmail", "outlook"])
def account(request):
    return request.getfixturevalue(request.param)


@pytest.mark.scenario("A5")
class TestOneRefusal:
    def test_asks_nobody_to_reconnect_and_is_over_at_the_next_look(self, account):
        account.settle()
        before = account.status
        account.refuse(1)

        rests = account.turn()
        during = (account.status, account.asks_to_reconnect)
        account.turn()

        assert before == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert rests <= 60
        assert during == (before, False)
        assert account.status == before
        assert SyncWork.objects.get().denial_count == 0

    def test_in_the_first_sync_is_no_more_than_a_try_that_failed(self, account):
        account.refuse(1)

        rests = account.turn()

        assert rests <= 60
        assert not account.asks_to_reconnect
        assert "The last check failed." in reading.text(account.card())
        account.settle()
        assert account.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)

    def test_is_looked_into_with_a_new_token(self, account):
        account.settle()
        before = account.token_requests()
        account.refuse(1)

        account.turn()
        account.turn()

        assert account.token_requests() == before + 1


@pytest.mark.scenario("A5")
class TestRefusalsThatDoNotEnd:
    def test_are_told_within_minutes_and_tried_again_every_hour(self, account):
        account.settle()
        began = account.at
        account.refuse(1_000)

        looks = 0
        while account.status != TOLD:
            rests = account.turn()
            looks += 1

        assert looks == 1 + len(sync_error_policy.DENIAL_PAUSES)
        assert account.at - began < timedelta(minutes=5) + timedelta(seconds=60)
        assert account.asks_to_reconnect
        assert str(status_messages.REASON[StatusReason.SCOPE_MISSING]) in reading.text(
            account.card()
        )
        assert 3_000 < rests < 3_700

    def test_are_over_by_themselves_once_the_provider_answers(self, account, sandbox):
        account.settle()
        account.refuse(1_000)
        while account.status != TOLD:
            account.turn()
        sandbox.clear_faults()

        account.turn()

        assert account.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert not account.asks_to_reconnect


class TestAPermissionThatIsGone:
    @pytest.mark.scenario("A5")
    def test_is_told_at_the_first_look_with_the_new_token(self, outlook):
        outlook.settle()
        outlook.withdraw()
        outlook.refuse(1)

        outlook.turn()
        assert not outlook.asks_to_reconnect
        outlook.turn()

        assert outlook.status == TOLD
        assert outlook.asks_to_reconnect
        assert "Mail.Read" not in Connection.objects.get().granted_scopes


class TestGooglesRefusals:
    def test_for_asking_too_often_are_never_taken_for_a_missing_permission(self, gmail, google):
        body = {
            "error": {
                "code": 403,
                "errors": [{"reason": "insufficientPermissions"}, {"reason": "rateLimitExceeded"}],
            }
        }
        gmail.settle()
        for _ in range(6):
            google.fail_next(path_prefix="/gmail", status=403, body=json.dumps(body))
            gmail.turn()
            assert not gmail.asks_to_reconnect

        gmail.turn()

        assert gmail.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)

    def test_without_a_known_reason_tell_nobody_at_once(self, gmail, google):
        gmail.settle()
        body = json.dumps({"error": {"code": 403, "errors": [{"reason": "forbidden"}]}})
        google.fail_next(path_prefix="/gmail", status=403, body=body)

        rests = gmail.turn()

        assert rests <= 60
        assert gmail.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert not Alarm.objects.exists()
        gmail.turn()
        assert SyncWork.objects.get().denial_count == 0

    def test_without_a_known_reason_that_last_are_told_to_operators(self, gmail, google):
        gmail.settle()
        body = json.dumps({"error": {"code": 403, "errors": [{"reason": "forbidden"}]}})
        google.fail_next(100, path_prefix="/gmail", status=403, body=body)

        for _ in range(1 + len(sync_error_policy.DENIAL_PAUSES)):
            gmail.turn()

        assert gmail.status == (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
        assert Alarm.objects.get().kind == "provider.unexpected"
