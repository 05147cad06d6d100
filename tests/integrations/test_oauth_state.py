"""The state of a connect: a row that any process can check, once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations.connections import connect_attempts, oauth_state
from integrations.connections.oauth_state import (
    ConnectRequest,
    OAuthStateReplayed,
    UnknownOAuthState,
)
from integrations.models import AttemptOutcome, ConnectAttempt
from tests.factories import make_keyring, make_organisation, make_user

SESSION = "session-of-alice"


def begin(user, organisation, at=None):
    make_keyring()
    journey = ConnectRequest(
        user_id=user.id,
        organisation_id=organisation.id,
        provider="google",
        product="mail",
        feature_versions={"inbox": 1},
    )
    return oauth_state.create_oauth_state(journey, session_key=SESSION, at=at or timezone.now())


def consume(user, state, **values):
    given = {"session_key": SESSION, "provider": "google", "at": timezone.now(), **values}
    return oauth_state.consume_oauth_state(state=state, user_id=user.id, **given)


@pytest.mark.django_db
@pytest.mark.control("3.2.2")
class TestAState:
    def test_has_256_random_bits_and_stands_in_no_row(self, alice, acme):
        attempt, state = begin(alice, acme)
        _, other = begin(alice, acme)

        assert len(state) == 43
        assert state != other
        assert bytes(attempt.state_hash) == hashlib.sha256(state.encode()).digest()

    def test_is_used_up_by_coming_back(self, alice, acme):
        attempt, state = begin(alice, acme)

        assert consume(alice, state).id == attempt.id
        with pytest.raises(OAuthStateReplayed):
            consume(alice, state)

    @pytest.mark.parametrize(
        "other", [{"session_key": "another"}, {"session_key": ""}, {"provider": "microsoft"}]
    )
    def test_is_of_one_browser_and_one_provider(self, alice, acme, other):
        _, state = begin(alice, acme)

        with pytest.raises(UnknownOAuthState):
            consume(alice, state, **other)
        assert consume(alice, state)

    def test_is_of_one_person(self, alice, bob, acme):
        _, state = begin(alice, acme)

        with pytest.raises(UnknownOAuthState):
            consume(bob, state)

    @pytest.mark.parametrize("made_up", ["", "x", "A" * 43])
    def test_cannot_be_made_up(self, alice, made_up):
        with pytest.raises(UnknownOAuthState):
            consume(alice, made_up)

    def test_ends_after_ten_minutes(self, alice, acme):
        attempt, state = begin(alice, acme, at=timezone.now() - oauth_state.LIFETIME)

        with pytest.raises(oauth_state.OAuthStateExpired) as caught:
            consume(alice, state)
        assert caught.value.attempt.id == attempt.id

    @pytest.mark.scenario("A3")
    def test_that_nobody_brings_back_expires_by_itself(self, alice, acme):
        begin(alice, acme)

        assert oauth_state.expire_attempts(at=timezone.now()) == 0
        assert oauth_state.expire_attempts(at=timezone.now() + timedelta(minutes=11)) == 1
        assert ConnectAttempt.objects.get().outcome == AttemptOutcome.EXPIRED

    def test_leaves_no_trace_after_a_month(self, alice, acme):
        begin(alice, acme)
        oauth_state.expire_attempts(at=timezone.now() + timedelta(minutes=11))

        oauth_state.expire_attempts(at=timezone.now() + timedelta(days=31))

        assert not ConnectAttempt.objects.exists()


@pytest.mark.django_db
class TestWhatIsDerivedFromIt:
    @pytest.mark.scenario("A4")
    def test_is_the_same_in_another_process(self, settings):
        make_keyring()
        state = "A" * 43
        program = (
            "import django; django.setup();"
            "from integrations.connections import oauth_state as s;"
            f"print(s.derive_verifier({state!r}), s.derive_nonce({state!r}))"
        )

        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True
        )

        assert answer.stdout.split() == [
            oauth_state.derive_verifier(state),
            oauth_state.derive_nonce(state),
        ]

    @pytest.mark.control("3.2.1")
    def test_differs_by_use_and_by_state(self):
        make_keyring()
        made = {
            derive(state)
            for derive in (oauth_state.derive_verifier, oauth_state.derive_nonce)
            for state in ("a", "b")
        }

        assert len(made) == 4

    @pytest.mark.control("3.2.1")
    def test_is_a_verifier_with_the_challenge_of_rfc_7636(self):
        make_keyring()
        verifier = oauth_state.derive_verifier("a")
        digest = hashlib.sha256(verifier.encode()).digest()

        assert len(verifier) == 43
        assert oauth_state.derive_challenge("a") == urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.django_db(transaction=True)
class TestSeveralProcesses:
    @pytest.mark.scenario("A4")
    @pytest.mark.control("3.2.2")
    def test_bring_one_state_back_and_one_of_them_gets_it(self):
        acme = make_organisation()
        alice = make_user(organisation=acme)
        _, state = begin(alice, acme)

        def bring(_):
            try:
                consume(alice, state)
            except OAuthStateReplayed:
                return False
            finally:
                databases.close_all()
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(bring, range(8))) == 1


@pytest.mark.django_db
@pytest.mark.control("3.2.2")
class TestARefusal:
    def refuse(self, user, organisation, *, at, outcome=AttemptOutcome.FOREIGN_STATE):
        journey = ConnectRequest(
            user_id=user.id,
            organisation_id=organisation.id,
            provider="google",
            product="",
            feature_versions={},
        )
        return oauth_state.record_refused(journey, outcome=outcome, at=at)

    @pytest.mark.scenario("A4")
    def test_is_one_row_per_person_outcome_and_minute_however_often_it_comes(
        self, alice, bob, acme
    ):
        minute = timezone.now().replace(second=0, microsecond=0)

        for second in range(0, 60, 5):
            self.refuse(alice, acme, at=minute + timedelta(seconds=second))

        assert ConnectAttempt.objects.get().ended_at == minute + timedelta(seconds=55)
        self.refuse(alice, acme, at=minute, outcome=AttemptOutcome.REPLAYED)
        self.refuse(bob, acme, at=minute)
        self.refuse(alice, acme, at=minute + timedelta(minutes=1))
        assert ConnectAttempt.objects.count() == 4

    def test_is_shown_as_the_latest_of_its_person(self, alice, acme):
        at = timezone.now()
        self.refuse(alice, acme, at=at)

        shown = connect_attempts.get_unsettled_attempt(
            user_id=alice.id, organisation_id=acme.id, awaited_providers=(), at=at
        )

        assert shown.outcome == AttemptOutcome.FOREIGN_STATE

    def test_is_no_state_that_anybody_can_bring_back(self, alice, acme):
        at = timezone.now()
        refused = self.refuse(alice, acme, at=at)
        minute = refused.began_at.replace(second=0, microsecond=0)
        mark = f"refused {alice.id} {refused.outcome} {minute.isoformat()}"
        assert bytes(refused.state_hash) == hashlib.sha256(mark.encode()).digest()

        with pytest.raises(UnknownOAuthState):
            consume(alice, mark)
