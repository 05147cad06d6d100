"""`/v1/delegations`: a client lists the people who switched its feature on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import api_tokens, delegations
from accounts.models import Delegation, Membership, ServiceClient
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.integrations import household as houses

pytestmark = pytest.mark.django_db
ADDRESS = "/v1/delegations"


@pytest.fixture
def widget(db) -> ServiceClient:
    return cast.widget()


@pytest.fixture
def ask(widget):
    """Return a function that asks with the widget's own token."""
    token = api_tokens.issue_client_token(client=widget, at=timezone.now())

    def send(**query):
        return Client().get(ADDRESS, query, headers={"Authorization": f"Bearer {token}"})

    return send


@pytest.fixture
def people(widget):
    """Return three households of which each has switched the widget on, oldest first."""
    first = houses.household()
    others = [
        houses.household(who=houses.person(name, first.organisation, at=timezone.now()))
        for name in ("bob", "carol")
    ]
    for house in (first, *others):
        cast.switch_on(house, widget)
    return [first, *others]


def list_users(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["user"]["platform_id"] for row in answer.json()["data"]]


class TestDelegations:
    def test_of_a_feature_that_left_the_registry_have_ended(self, ask, people):
        # Afterwards, the features have their old order, which `monkeypatch.delitem` changes.
        with patch.dict(FEATURES):
            del FEATURES["inbox-widget"]
            rows = ask().json()["data"]

        assert {row["state"] for row in rows} == {"ended"}
        assert {tuple(row["purposes"]) for row in rows} == {()}

    def test_names_people_by_both_ids(self, ask, people):
        rows = ask().json()["data"]

        newest = people[-1]
        assert [row["user"] for row in rows] == [
            {"id": str(house.user.id), "platform_id": house.user.platform_id}
            for house in reversed(people)
        ]
        assert rows[0]["organisation"] == {
            "id": str(newest.organisation.id),
            "platform_id": newest.organisation.platform_id,
        }
        assert rows[0]["purposes"] == ["inbox.display"]
        assert rows[0]["text_version"] == FEATURES["inbox-widget"].version
        assert (rows[0]["state"], rows[0]["switched_off_at"]) == ("on", None)

    def test_are_paged(self, ask, people):
        first = ask(limit=2)
        second = ask(limit=2, cursor=first.json()["next_cursor"])

        assert list_users(first) + list_users(second) == [
            house.user.platform_id for house in reversed(people)
        ]
        assert (first.json()["has_more"], second.json()["has_more"]) == (True, False)
        assert second.json()["next_cursor"] is None

    def test_include_those_that_ended_recently(self, ask, people):
        delegation = Delegation.objects.get(user=people[0].user)
        delegations.switch_delegation_off(
            delegation_id=delegation.id, user_id=people[0].user.id, at=timezone.now()
        )

        listed = ask().json()["data"][-1]

        assert listed["state"] == "ended"
        assert listed["switched_off_at"] is not None

    def test_leave_out_those_that_ended_a_month_ago(self, ask, people):
        long_ago = timezone.now() - timedelta(days=31)
        Delegation.objects.filter(user=people[0].user).update(
            switched_on_at=long_ago, switched_off_at=long_ago
        )

        assert people[0].user.platform_id not in list_users(ask())

    def test_of_people_who_left_have_ended(self, ask, people):
        Membership.objects.filter(user=people[1].user).update(left_at=timezone.now())

        states = {row["user"]["platform_id"]: row["state"] for row in ask().json()["data"]}

        assert states[people[1].user.platform_id] == "ended"
        assert states[people[0].user.platform_id] == "on"

    def test_to_an_older_text_are_outdated(self, ask, people, monkeypatch):
        feature = FEATURES["inbox-widget"]
        monkeypatch.setitem(FEATURES, "inbox-widget", replace(feature, version=feature.version + 1))

        assert {row["state"] for row in ask().json()["data"]} == {"outdated"}

    def test_to_other_features_are_not_listed(self, ask, people):
        delegations.switch_delegation_on(
            user_id=people[0].user.id,
            organisation_id=people[0].organisation.id,
            feature="scheduler",
            feature_version=1,
            at=timezone.now(),
        )

        assert len(ask().json()["data"]) == 3


class TestCaller:
    def test_needs_the_clients_own_token(self, widget, people):
        token = api_tokens.issue_access_token(
            client=widget,
            delegation_id=Delegation.objects.get(user=people[0].user).id,
            purpose="inbox.display",
            at=timezone.now(),
        )

        for header in (f"Bearer {token}", "Bearer x", "Basic eA==", ""):
            answer = Client().get(ADDRESS, headers={"Authorization": header})
            assert answer.status_code == 401

    def test_is_no_person(self, people):
        browser = Client()
        browser.force_login(people[0].user, backend=settings.AUTHENTICATION_BACKENDS[0])

        assert browser.get(ADDRESS).status_code == 401

    def test_reads_nobodys_data(self, widget, people):
        token = api_tokens.issue_client_token(client=widget, at=timezone.now())

        answer = Client().get("/v1/users/me/messages", headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "query", [{"cursor": "x"}, {"limit": "0"}, {"limit": "201"}, {"unknown": "1"}]
    )
    def test_gets_a_clear_error(self, ask, query):
        answer = ask(**query)

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_cannot_use_the_cursor_of_another_client(self, ask, people):
        other = cast.create_declared_client(
            feature="inbox-widget",
            client_id="other-widget",
            purposes=["inbox.display"],
            jwks=cast.KEYS,
            at=timezone.now(),
        )
        token = api_tokens.issue_client_token(client=other, at=timezone.now())
        cursor = ask(limit=1).json()["next_cursor"]

        answer = Client().get(
            ADDRESS, {"cursor": cursor}, headers={"Authorization": f"Bearer {token}"}
        )

        assert answer.status_code == 400

    def test_is_counted_as_a_client(self, ask):
        answer = ask()

        assert '"client"' in answer["RateLimit-Policy"]
