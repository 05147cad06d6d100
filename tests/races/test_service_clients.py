"""Operators who change the same client at the same moment, and a client that asks meanwhile."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts import api_tokens, client_usage, clients, delegations
from accounts.ids import uuid7
from accounts.models import Delegation, ServiceClient, ServiceToken
from limited_use.agreements import service_clients
from limited_use.agreements.service_clients import Operator, OperatorChannel
from limited_use.ledger import entries
from tests.integrations import household
from tests.races.test_withdraw import do_together
from tests.review.client_world import FEATURE, NEW, list_entries, register, write_keys

pytestmark = pytest.mark.django_db(transaction=True)


def get_result(act, *refusals):
    try:
        return act()
    except refusals as refusal:
        return type(refusal)


def retire():
    by = Operator(uuid7(), OperatorChannel.PAGE)
    return service_clients.retire_client(client_id=FEATURE, by=by, at=timezone.now())


def switch_on():
    user, organisation, _ = household.person("alice", at=timezone.now())
    return delegations.switch_delegation_on(
        user_id=user.id,
        organisation_id=organisation.id,
        feature=FEATURE,
        feature_version=1,
        at=timezone.now(),
    )


class TestTwoOperators:
    def test_register_one_client_of_a_feature_with_one_entry(self):
        operators = [uuid7() for _ in range(4)]

        results = do_together(
            *(
                lambda operator=operator: get_result(
                    lambda: register(operator), clients.ServiceClientExists
                )
                for operator in operators
            )
        )

        [client] = ServiceClient.objects.all()
        assert results.count(clients.ServiceClientExists) == 3
        [entry] = list_entries()
        winner = operators[results.index(client)]
        assert entry["actor"] == entries.get_ledger_pseudonym(winner)

    def test_register_one_client_after_a_retired_one(self):
        register()
        retire()

        do_together(*[lambda: get_result(register, clients.ServiceClientExists)] * 3)

        live = ServiceClient.objects.live().values_list("client_id", flat=True)
        assert list(live) == [f"{FEATURE}-2"]
        assert ServiceClient.objects.count() == 2

    def test_retire_a_client_once(self):
        register()

        results = do_together(*[lambda: get_result(retire, clients.ClientNotLive)] * 3)

        assert results.count(clients.ClientNotLive) == 2
        assert [entry["event"] for entry in list_entries()] == [
            "client.registered",
            "client.retired",
        ]

    def test_replace_keys_that_both_saw_once(self):
        client = register()
        seen = clients.compute_client_digest(client)

        def replace():
            return service_clients.replace_client_keys(
                client_id=FEATURE,
                jwks=json.loads(write_keys(NEW)),
                seen_digest=seen,
                by=Operator(uuid7(), OperatorChannel.PAGE),
                at=timezone.now(),
            )

        results = do_together(*[lambda: get_result(replace, clients.ClientChanged)] * 2)

        assert results.count(clients.ClientChanged) == 1
        assert len(list_entries()) == 2


class TestATokenBesideTheEndOfItsClient:
    def test_opens_nothing_whoever_came_first(self):
        client, delegation = register(), switch_on()

        def issue():
            return api_tokens.issue_access_token(
                client=client,
                delegation_id=delegation.id,
                purpose="inbox.display",
                at=timezone.now(),
            )

        token, _ = do_together(issue, retire)

        assert api_tokens.find_access_token(token, at=timezone.now()) is None
        assert Delegation.objects.live().get() == delegation

    def test_that_was_checked_before_it_opens_nothing_after_it(self, monkeypatch):
        """The request read a live client, and stores its token when the client is retired."""
        client, delegation = register(), switch_on()
        count = client_usage.count_client_user

        def count_then_retire(**values):
            count(**values)
            do_together(retire)

        monkeypatch.setattr(client_usage, "count_client_user", count_then_retire)
        token = api_tokens.issue_access_token(
            client=client, delegation_id=delegation.id, purpose="inbox.display", at=timezone.now()
        )

        assert ServiceToken.objects.count() == 1
        assert api_tokens.find_access_token(token, at=timezone.now()) is None
