"""A feature reads, its copies have to go, and its client says when they have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from uuid import UUID, uuid4

import orjson
import pytest
import time_machine
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import alarms, api_tokens, clients, delegations, memberships
from accounts.client_removals import RemovalsOverdue
from accounts.models import Alarm, ServiceClient
from config.process_classes import ProcessClass
from integrations import connections
from integrations.features import removals
from integrations.mail.sync import message_store
from integrations.models import (
    MAX_REMOVED_ITEMS,
    FeatureRead,
    FeatureRemoval,
    Message,
    PurgeTrigger,
    RemovalReason,
)
from integrations.purge import feature_removals, removal_deadlines
from integrations.tasks.purge import sweep_removals
from limited_use.agreements.service_clients import create_declared_client
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.policy import stored_data
from limited_use.policy.feature_registry import FEATURES, Keeps, compute_feature_digest
from tests.accounts.cast import EC, Asking, post_form
from tests.api import cast, schema
from tests.factories import make_membership, make_organisation
from tests.integrations import household as houses
from tests.walls import acting_as

V1 = "/v1/users/me"
REMOVALS = "/v1/removals"


@pytest.fixture
def own(widget):
    """The client of the inbox widget, with a token that stands for nobody."""
    return make_own_caller(ServiceClient.objects.get(client_id="inbox-widget"))


def make_own_caller(client, **at):
    at = at.get("at") or timezone.now()
    return cast.bearer(api_tokens.issue_client_token(client=client, at=at))


def read_mail(feature):
    assert feature.get(f"{V1}/messages").status_code == 200


def disconnect(house, capture):
    with capture(execute=True):
        return connections.disconnect_integration(
            integration_id=house.integration.id,
            user_id=house.user.id,
            organisation_id=house.organisation.id,
            at=timezone.now(),
        )


def list_removals(own, **query):
    return schema.check_answer(own.get(REMOVALS, query))["data"]


def acknowledge(own, removal_id):
    return own.post(f"{REMOVALS}/{removal_id}/acknowledge")


def list_events(event):
    payloads = [orjson.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [payload for payload in payloads if payload["event"] == event]


@pytest.mark.invariant(5)
@pytest.mark.clause("LU-1")
class TestARead:
    def test_is_noted_with_its_feature_and_delegation(self, alice, widget):
        assert not FeatureRead.objects.exists()

        read_mail(widget)

        read = FeatureRead.objects.get()
        delegation = delegations.Delegation.objects.get()
        assert (read.integration_id, read.feature, read.delegation_id) == (
            alice.integration.id,
            "inbox-widget",
            delegation.id,
        )
        assert (read.user_id, read.organisation_id) == (alice.user.id, alice.organisation.id)
        assert read.first_read_at == read.last_read_at

    def test_of_the_owner_is_not_noted(self, hers):
        read_mail(hers)

        assert not FeatureRead.objects.exists()

    def test_that_the_policy_refuses_is_not_noted(self, alice, mine):
        assistant = create_declared_client(
            feature="reply-assistant",
            purposes=["draft.propose"],
            jwks=cast.KEYS,
            at=timezone.now(),
        )
        caller = cast.feature(assistant, cast.switch_on(alice, assistant), "draft.propose")

        assert caller.get(f"{V1}/messages/{mine.message}").status_code == 403

        assert not FeatureRead.objects.exists()

    def test_writes_at_most_once_a_minute(self, widget):
        read_mail(widget)
        first = FeatureRead.objects.get()
        read_mail(widget)
        assert FeatureRead.objects.get().last_read_at == first.last_read_at

        with time_machine.travel(timezone.now() + timedelta(seconds=61)):
            read_mail(widget)

        read = FeatureRead.objects.get()
        assert read.first_read_at == first.first_read_at
        assert read.last_read_at - first.last_read_at >= timedelta(seconds=60)

    def test_of_a_second_delegation_is_noted_at_once(self, alice, widget):
        read_mail(widget)
        client = ServiceClient.objects.get()
        (first,) = delegations.Delegation.objects.all()
        delegations.switch_delegation_off(
            delegation_id=first.id, user_id=alice.user.id, at=timezone.now()
        )
        second = cast.switch_on(alice, client)

        read_mail(cast.feature(client, second))

        assert FeatureRead.objects.get().delegation_id == second.id

    def test_without_a_note_shows_nothing(self, widget, monkeypatch):
        def fail(**_):
            raise RuntimeError("no room")

        monkeypatch.setattr("integrations.access.feature_reads.record_feature_reads", fail)
        widget.raise_request_exception = False

        answer = widget.get(f"{V1}/messages")

        assert answer.status_code == 500
        assert cast.MARKER not in answer.text


@pytest.mark.invariant(6)
@pytest.mark.clause("LU-1", "WDEL")
class TestADisconnect:
    def test_tells_the_feature_to_delete_everything(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        (delegation,) = delegations.Delegation.objects.all()

        disconnect(alice, django_capture_on_commit_callbacks)

        (removal,) = list_removals(own)
        assert removal["user"] == {
            "id": str(alice.user.id),
            "platform_id": alice.user.platform_id,
        }
        assert (removal["integration"], removal["product"]) == (str(alice.integration.id), "mail")
        assert (removal["reason"], removal["items"]) == ("disconnected", [])
        assert (removal["delegation"], removal["acknowledged_at"]) == (str(delegation.id), None)
        row = FeatureRemoval.objects.get()
        assert row.due_at - row.issued_at == timedelta(hours=24)
        assert row.listed_at is not None

    def test_tells_a_feature_nothing_that_never_read(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        disconnect(alice, django_capture_on_commit_callbacks)

        assert list_removals(own) == []
        assert not FeatureRemoval.objects.exists()

    def test_tells_each_feature_and_none_of_another(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        FeatureRead.objects.create(
            integration=alice.integration,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="scheduler",
            delegation_id=uuid4(),
            first_read_at=timezone.now(),
            last_read_at=timezone.now(),
        )
        scheduler = make_own_caller(
            create_declared_client(
                feature="scheduler",
                purposes=["calendar.schedule"],
                jwks=cast.KEYS,
                at=timezone.now(),
            )
        )

        disconnect(alice, django_capture_on_commit_callbacks)

        (for_widget,), (for_scheduler,) = list_removals(own), list_removals(scheduler)
        assert for_widget["id"] != for_scheduler["id"]
        schema.problem(acknowledge(own, for_scheduler["id"]), 404, "not-found")
        assert acknowledge(scheduler, for_scheduler["id"]).status_code == 200
        assert [row["id"] for row in list_removals(own)] == [for_widget["id"]]

    def test_twice_issues_and_records_one_removal(self, alice, widget):
        read_mail(widget)
        for _ in range(2):
            with transaction.atomic():
                feature_removals.issue_integration_removals(
                    alice.integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
                )

        assert FeatureRemoval.objects.count() == len(list_events("removal.issued")) == 1

    def test_after_a_reconnect_concerns_the_new_integration_alone(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        again = houses.household(who=(alice.user, alice.organisation, alice.membership))
        again.settle()
        read_mail(widget)

        disconnect(again, django_capture_on_commit_callbacks)

        assert [row["integration"] for row in list_removals(own)] == [
            str(alice.integration.id),
            str(again.integration.id),
        ]

    def test_by_a_withdrawal_says_so(self, alice, widget, own):
        read_mail(widget)

        connections.withdraw_consent(
            feature="inbox",
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )

        assert [row["reason"] for row in list_removals(own)] == ["withdrawn"]

    def test_is_recorded_without_an_id_of_a_person(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        (removal,) = list_removals(own)
        acknowledge(own, removal["id"])

        (issued,) = list_events("removal.issued")
        assert issued["body"] == {"feature": "inbox-widget", "reason": "disconnected"}
        (acknowledged,) = list_events("removal.acknowledged")
        assert acknowledged["body"] == {
            "feature": "inbox-widget",
            "reason": "disconnected",
            "late": False,
        }
        assert acknowledged["subject"] == entries.get_ledger_pseudonym(UUID(removal["id"]))
        text = b"".join(bytes(leaf.payload) for leaf in Leaf.objects.all()).decode()
        for raw in (removal["id"], str(alice.user.id), str(alice.integration.id)):
            assert raw not in text


@pytest.mark.clause("LU-1")
class TestSwitchingOff:
    def switch_off(self, alice):
        (live,) = delegations.Delegation.objects.live()
        connections.switch_off_feature(
            delegation_id=live.id,
            user_id=alice.user.id,
            organisation_id=live.organisation_id,
            at=timezone.now(),
        )

    @pytest.mark.parametrize("is_away", [True, False])
    def test_in_another_organisation_ends_nothing(self, alice, widget, own, is_away):
        """A session sees the rows of one organisation: what the feature read would not be found."""
        read_mail(widget)
        (live,) = delegations.Delegation.objects.live()
        other = make_organisation()
        make_membership(alice.user, other)
        browser = cast.browser(alice.user)
        chosen = other if is_away else alice.organisation
        browser.post(reverse("switch_organisation"), {"organisation": str(chosen.id)})

        with acting_as("web"):
            page = browser.post(
                reverse("settings-feature", args=["inbox-widget"]),
                {"switch": "off", "delegation": str(live.id)},
                follow=True,
            )

        assert ("is still on, in another of your organisations" in page.text) is is_away
        assert delegations.Delegation.objects.live().exists() is is_away
        told = [removal["reason"] for removal in list_removals(own)]
        assert told == ([] if is_away else ["switched_off"])

    @pytest.mark.claim("activity.removal-issued")
    def test_tells_the_feature_for_each_integration_that_it_read(self, alice, widget, own):
        second = houses.household(who=(alice.user, alice.organisation, alice.membership))
        second.settle()
        houses.household(who=(alice.user, alice.organisation, alice.membership))
        for house in (alice, second):
            message = house.messages.first()
            assert widget.get(f"{V1}/messages/{message.id}").status_code == 200
        read_ids = {alice.integration.id, second.integration.id}

        self.switch_off(alice)

        listed = list_removals(own)
        assert {row["reason"] for row in listed} == {"switched_off"}
        assert {UUID(row["integration"]) for row in listed} == read_ids

    def test_twice_owes_two_removals_with_a_due_time_each(self, alice, widget, own):
        read_mail(widget)
        self.switch_off(alice)
        (first,) = list_removals(own)
        client = ServiceClient.objects.get()
        second = cast.switch_on(alice, client)
        read_mail(cast.feature(client, second))
        self.switch_off(alice)

        same, later = list_removals(own)
        assert same == first
        assert (later["delegation"], later["items"]) == (str(second.id), [])
        assert first["issued_at"] < later["last_read_at"] < later["issued_at"] < later["due_at"]
        for removal in (first, later):
            assert acknowledge(own, removal["id"]).status_code == 200

    @pytest.mark.parametrize("is_acknowledged", [True, False])
    def test_twice_without_a_read_between_owes_one_removal(
        self, alice, widget, own, is_acknowledged
    ):
        read_mail(widget)
        self.switch_off(alice)
        (removal,) = list_removals(own)
        if is_acknowledged:
            acknowledge(own, removal["id"])
        cast.switch_on(alice, ServiceClient.objects.get())
        self.switch_off(alice)

        assert FeatureRemoval.objects.count() == 1
        assert len(list_events("removal.issued")) == 1

    def test_of_a_feature_that_never_read_tells_nothing(self, alice, widget, own):
        self.switch_off(alice)

        assert list_removals(own) == []


@pytest.mark.clause("LU-1")
class TestADeletedMessage:
    def delete(self, house, ids, reason=RemovalReason.DELETED_AT_PROVIDER):
        with acting_as(ProcessClass.SYNC), transaction.atomic():
            feature_removals.issue_item_removals(
                integration_id=house.integration.id, item_ids=ids, reason=reason, at=timezone.now()
            )

    def test_at_the_provider_is_named_to_the_feature(self, alice, widget, own, mailbox, mine):
        read_mail(widget)
        # What the mailbox in memory calls the message.
        mailbox.delete(cast.FIRST)

        alice.settle()

        assert not Message.objects.filter(id=mine.message).exists()
        (removal,) = list_removals(own)
        assert (removal["reason"], removal["items"]) == ("deleted_at_provider", [mine.message])

    def test_of_a_mailbox_that_no_feature_read_is_named_to_nobody(self, alice, mailbox, mine):
        mailbox.delete(cast.FIRST)

        alice.settle()

        assert not FeatureRemoval.objects.exists()

    def test_beyond_the_horizon_is_named_too(self, alice, widget, own, mine):
        read_mail(widget)
        with acting_as(ProcessClass.PURGE), transaction.atomic():
            message_store.delete_rows(
                [UUID(mine.message)],
                integration_id=alice.integration.id,
                reason=RemovalReason.NO_LONGER_KEPT,
                at=timezone.now(),
            )

        (removal,) = list_removals(own)
        assert (removal["reason"], removal["items"]) == ("no_longer_kept", [mine.message])

    def test_is_named_once(self, alice, widget, own):
        read_mail(widget)
        first, second = uuid4(), uuid4()

        for ids in ([first], [first], [first, second]):
            self.delete(alice, ids)

        (removal,) = list_removals(own)
        assert removal["items"] == [str(first), str(second)]

    def test_fills_removals_of_five_hundred(self, alice, widget, own):
        read_mail(widget)
        ids = [uuid4() for _ in range(2 * MAX_REMOVED_ITEMS + 1)]

        self.delete(alice, ids[:3])
        self.delete(alice, ids[3:])

        listed = list_removals(own)
        assert [len(row["items"]) for row in listed] == [500, 500, 1]
        assert [UUID(item) for row in listed for item in row["items"]] == ids

    def test_an_hour_later_is_named_in_a_removal_with_its_own_due_time(self, alice, widget, own):
        read_mail(widget)
        self.delete(alice, [uuid4()])
        with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=True):
            self.delete(alice, [uuid4()])

        first, second = list_removals(own)
        assert len(first["items"]) == len(second["items"]) == 1
        assert first["due_at"] < second["due_at"]

    def test_that_was_listed_takes_no_further_items(self, alice, widget, own):
        read_mail(widget)
        first, second = uuid4(), uuid4()
        self.delete(alice, [first])
        list_removals(own)

        self.delete(alice, [second])

        assert [row["items"] for row in list_removals(own)] == [[str(first)], [str(second)]]


@pytest.mark.clause("LU-1")
class TestTheList:
    @pytest.fixture
    def many(self, alice, widget):
        read_mail(widget)
        for _ in range(5):
            with transaction.atomic():
                feature_removals.issue_item_removals(
                    integration_id=alice.integration.id,
                    item_ids=[uuid4()],
                    reason=RemovalReason.DELETED_AT_PROVIDER,
                    at=timezone.now(),
                )
            removals.close_removals(
                list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
            )
        return [str(removal.id) for removal in FeatureRemoval.objects.order_by("id")]

    def test_has_pages_oldest_first(self, own, many):
        found, cursor = [], None
        while True:
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            body = schema.check_answer(own.get(REMOVALS, query))
            found += [row["id"] for row in body["data"]]
            cursor = body["next_cursor"]
            assert body["has_more"] is (cursor is not None)
            if cursor is None:
                break

        assert found == many

    def test_of_acknowledged_removals_is_another(self, own, many):
        acknowledge(own, many[1])

        assert [row["id"] for row in list_removals(own, state="acknowledged")] == [many[1]]
        assert many[1] not in [row["id"] for row in list_removals(own)]

    def test_refuses_the_cursor_of_another_client_or_state(self, own, many):
        cursor = schema.check_answer(own.get(REMOVALS, {"limit": 2}))["next_cursor"]
        other = make_own_caller(
            clients.create_service_client(
                client_id="second",
                feature="inbox-widget",
                purposes=["inbox.display"],
                jwks=cast.KEYS,
                at=timezone.now(),
            )
        )

        schema.problem(other.get(REMOVALS, {"cursor": cursor}), 400, "invalid-cursor")
        schema.problem(
            own.get(REMOVALS, {"cursor": cursor, "state": "acknowledged"}), 400, "invalid-cursor"
        )

    @pytest.mark.parametrize(
        "query", [{"state": "all"}, {"limit": 0}, {"limit": 201}, {"user": "me"}, {"cursor": ""}]
    )
    def test_refuses_other_parameters(self, own, query):
        schema.problem(own.get(REMOVALS, query), 400, "bad-request")

    def test_is_for_the_clients_own_token(self, widget, hers):
        for caller in (widget, hers):
            assert caller.get(REMOVALS).status_code in {401, 403}
            assert acknowledge(caller, uuid4()).status_code in {401, 403}

    def test_of_a_retired_client_is_refused(self, own):
        clients.retire_service_client(client_id="inbox-widget", at=timezone.now())

        schema.problem(own.get(REMOVALS), 401, "not-authenticated")


@pytest.mark.clause("LU-1")
class TestAnAcknowledgement:
    def test_repeated_changes_nothing(self, alice, widget, own, django_capture_on_commit_callbacks):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        (removal,) = list_removals(own)

        first = schema.check_answer(acknowledge(own, removal["id"]))
        second = schema.check_answer(acknowledge(own, removal["id"]))

        assert first == second
        assert first["acknowledged_at"] is not None
        assert len(list_events("removal.acknowledged")) == 1

    def test_of_an_unknown_removal_finds_nothing(self, own):
        schema.problem(acknowledge(own, uuid4()), 404, "not-found")

    def test_of_a_removal_that_was_never_listed_finds_nothing(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        removal = FeatureRemoval.objects.get()

        schema.problem(acknowledge(own, removal.id), 404, "not-found")

        assert list_removals(own)
        assert acknowledge(own, removal.id).status_code == 200


@pytest.mark.clause("LU-1", "AN-10")
@pytest.mark.claim("problem.removals-overdue", "problem.removals-unconfirmed")
class TestAnOverdueRemoval:
    @pytest.fixture
    def bobs(self, bob, widget):
        """The widget, for somebody else who switched it on."""
        client = ServiceClient.objects.get()
        return cast.switch_on(bob, client)

    def test_stops_the_feature_until_it_acknowledges(
        self, alice, widget, own, bobs, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        client = ServiceClient.objects.get()
        assert client.removals_due_at == FeatureRemoval.objects.get().due_at
        read_mail(cast.feature(client, bobs))

        with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=True):
            at = timezone.now()
            # A token from before that has not expired.
            client.removals_due_at, due_at = None, client.removals_due_at
            held = cast.feature(client, bobs)
            client.removals_due_at = due_at
            problem = schema.problem(held.get(f"{V1}/messages"), 403, "removals-overdue")
            assert "/v1/removals" in problem["detail"]
            answer = post_form(Asking(bobs, client_id="inbox-widget", alg="ES256", key=EC).form())
            assert answer.status_code == 400
            assert answer.json()["error"] == "unauthorized_client"
            assert "GET /v1/removals" in answer.json()["error_description"]

            caller = make_own_caller(client, at=at)
            (removal,) = list_removals(caller)
            assert acknowledge(caller, removal["id"]).status_code == 200

            assert ServiceClient.objects.get().removals_due_at is None
            assert held.get(f"{V1}/messages").status_code == 200

    def test_of_two_stops_it_until_both_are_acknowledged(
        self, alice, widget, own, bobs, django_capture_on_commit_callbacks
    ):
        client = ServiceClient.objects.get()
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        early = FeatureRemoval.objects.get()
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            feature_removals.issue_item_removals(
                integration_id=alice.integration.id,
                item_ids=[uuid4()],
                reason=RemovalReason.DELETED_AT_PROVIDER,
                at=early.issued_at + timedelta(hours=1),
            )
        client.refresh_from_db()
        assert client.removals_due_at == early.due_at

        first, second = list_removals(own)
        acknowledge(own, first["id"])

        client.refresh_from_db()
        assert client.removals_due_at == FeatureRemoval.objects.get(id=second["id"]).due_at
        acknowledge(own, second["id"])
        client.refresh_from_db()
        assert client.removals_due_at is None

    def test_does_not_stop_another_feature(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        other = create_declared_client(
            feature="scheduler",
            purposes=["calendar.schedule"],
            jwks=cast.KEYS,
            at=timezone.now(),
        )
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)

        other.refresh_from_db()
        assert other.removals_due_at is None


class TestAFeatureThatKeepsCopies:
    @pytest.fixture
    def keeping(self, monkeypatch):
        """The inbox widget, as if it declared that it keeps copies."""
        feature = replace(FEATURES["inbox-widget"], keeps=Keeps.UNTIL_PURGE)
        monkeypatch.setitem(FEATURES, "inbox-widget", feature)
        return feature

    @pytest.mark.claim("stored.feature-copies")
    def test_says_so_before_it_is_switched_on_and_to_everybody(self, alice, hers, keeping):
        described = stored_data.describe_stored_data(keeping)
        assert described == stored_data.FEATURE_COPIES

        for path in ("/settings/features/inbox-widget/", reverse("data-use")):
            assert described in unescape(hers.get(path).text)

    @pytest.mark.claim("stored.feature-copies")
    def test_is_told_to_delete_them_and_stopped_if_it_does_not(
        self, alice, widget, own, keeping, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        with django_capture_on_commit_callbacks(execute=True):
            (live,) = delegations.Delegation.objects.live()
            connections.switch_off_feature(
                delegation_id=live.id,
                user_id=alice.user.id,
                organisation_id=live.organisation_id,
                at=timezone.now(),
            )
        assert [row["reason"] for row in list_removals(own)] == ["switched_off"]
        again = cast.switch_on(alice, ServiceClient.objects.get())

        with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
            client = ServiceClient.objects.get()
            with pytest.raises(RemovalsOverdue):
                cast.feature(client, again)

    def test_is_described_beside_what_antares_stores_for_it(self):
        proposing = replace(FEATURES["reply-assistant"], keeps=Keeps.UNTIL_PURGE)

        described = stored_data.describe_stored_data(proposing)

        assert described.startswith("drafts that it proposes")
        assert described.endswith(stored_data.FEATURE_COPIES)

    def test_is_agreed_to_under_another_digest(self, keeping):
        kept_nothing = replace(keeping, keeps=Keeps.NOTHING)

        assert compute_feature_digest(keeping) != compute_feature_digest(kept_nothing)


class TestTheSweep:
    @pytest.mark.parametrize("returns", [True, False])
    def test_tells_a_feature_whose_person_left_and_came_back(
        self, alice, widget, own, returns, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        with transaction.atomic():
            memberships.end_membership(
                user_id=alice.user.id, organisation_id=alice.organisation.id, at=timezone.now()
            )
        if returns:
            memberships.add_member(
                user_id=alice.user.id, organisation_id=alice.organisation.id, at=timezone.now()
            )

        self.sweep(django_capture_on_commit_callbacks)

        # Of a person who stays away, the disconnect of the integration tells it.
        removals = list_removals(own)
        told = [removal["reason"] for removal in removals]
        assert told == (["switched_off"] if returns else [])
        assert ServiceClient.objects.filter(removals_due_at=None).exists() is not returns
        for removal in removals:
            assert acknowledge(own, removal["id"]).status_code == 200
        self.sweep(django_capture_on_commit_callbacks)
        assert list_removals(own) == []

    def test_of_one_account_that_fails_does_not_stop_the_others(
        self, alice, widget, own, monkeypatch, django_capture_on_commit_callbacks
    ):
        second = houses.household(who=(alice.user, alice.organisation, alice.membership))
        second.settle()
        for house in (alice, second):
            message = house.messages.first()
            assert widget.get(f"{V1}/messages/{message.id}").status_code == 200
        owner = {"user_id": alice.user.id, "organisation_id": alice.organisation.id}
        with transaction.atomic():
            memberships.end_membership(**owner, at=timezone.now())
        memberships.add_member(**owner, at=timezone.now())
        first_id, second_id = sorted([alice.integration.id, second.integration.id])
        issue = feature_removals._issue_whole

        def fail_for_the_first(reads, *arguments, **named):
            if reads[0].integration_id == first_id:
                raise RuntimeError("no room")
            return issue(reads, *arguments, **named)

        monkeypatch.setattr(feature_removals, "_issue_whole", fail_for_the_first)

        self.sweep(django_capture_on_commit_callbacks)

        (removal,) = list_removals(own)
        assert removal["integration"] == str(second_id)

    def sweep(self, capture_callbacks):
        with acting_as(ProcessClass.PURGE), capture_callbacks(execute=True):
            sweep_removals()

    def test_comes_too_late_for_a_person_who_agreed_again(self, alice, widget, own):
        """The new delegation tells the feature itself, before the feature reads with it."""
        read_mail(widget)
        owner = {"user_id": alice.user.id, "organisation_id": alice.organisation.id}
        with transaction.atomic():
            memberships.end_membership(**owner, at=timezone.now())
        memberships.add_member(**owner, at=timezone.now())
        with acting_as("web", alice):
            again = connections.switch_on_feature(
                feature="inbox-widget",
                version=FEATURES["inbox-widget"].version,
                **owner,
                at=timezone.now(),
            )

        read_mail(cast.feature(ServiceClient.objects.get(), again))

        (removal,) = list_removals(own)
        assert removal["reason"] == "switched_off"
        assert removal["delegation"] != str(again.id)

    def test_leaves_a_delegation_that_is_on(self, alice, widget, own):
        read_mail(widget)

        with acting_as(ProcessClass.PURGE):
            sweep_removals()

        assert list_removals(own) == []

    def test_writes_the_due_time_that_an_ended_process_did_not(self, alice, widget):
        read_mail(widget)
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )
        assert ServiceClient.objects.get().removals_due_at is None

        with acting_as(ProcessClass.PURGE):
            sweep_removals()

        assert ServiceClient.objects.get().removals_due_at == FeatureRemoval.objects.get().due_at

    def test_raises_one_alarm_a_day_for_an_overdue_client(self, alice, widget):
        read_mail(widget)
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )
        for hours, count in ((23, 0), (25, 1), (25, 1), (49, 2)):
            with (
                time_machine.travel(timezone.now() + timedelta(hours=hours)),
                acting_as(ProcessClass.PURGE),
            ):
                sweep_removals()
            raised = Alarm.objects.filter(kind="client.removals_overdue")
            assert raised.count() == count
        alarm = raised.first()
        assert (alarm.about, alarm.body) == (
            ServiceClient.objects.get().id,
            {"feature": "inbox-widget", "count": 1},
        )
        assert alarms.was_raised(kind=alarm.kind, about=alarm.about, window=alarm.window)

    def test_deletes_a_removal_ninety_days_after_it_was_acknowledged(
        self, alice, widget, own, django_capture_on_commit_callbacks
    ):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)
        (removal,) = list_removals(own)
        acknowledge(own, removal["id"])

        for days, count in ((89, 1), (91, 0)):
            with (
                time_machine.travel(timezone.now() + timedelta(days=days)),
                acting_as(ProcessClass.PURGE),
            ):
                sweep_removals()
            assert FeatureRemoval.objects.count() == count

    def test_never_deletes_an_open_one(self, alice, widget, django_capture_on_commit_callbacks):
        read_mail(widget)
        disconnect(alice, django_capture_on_commit_callbacks)

        assert removal_deadlines.delete_old_removals(at=timezone.now() + timedelta(days=400)) == 0
        assert FeatureRemoval.objects.open().count() == 1
