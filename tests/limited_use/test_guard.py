from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from config.logging import JsonLineFormatter
from limited_use.guard import decision_entries, guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from tests import unrecorded
from tests.limited_use.conftest import ALICE, NOW, OWNING, SHOW_CONTENT, SHOW_METADATA, SYSTEM

TO_FEATURE = Use(DataClass.MAIL_METADATA, Purpose.INBOX_DISPLAY, Recipient.PLATFORM_FEATURE)
FEATURE_FACTS = OWNING | {Fact.DELEGATION_LIVE, Fact.GRANT_LIVE}
WIDGET = Actor(
    kind=ActorKind.CLIENT,
    id=uuid7(),
    user_id=ALICE.user_id,
    feature="inbox-widget",
    purpose="inbox.display",
)

SHARING = Feature(
    key="calendar",
    title="Calendars",
    where="Calendar",
    says="Shows whom you chose what you chose.",
    purposes=frozenset({Purpose.CALENDAR_SHARE}),
    data_classes=frozenset({DataClass.CALENDAR_EVENT}),
    capabilities=frozenset(),
    disclosure="Planted by a test.",
    retention_days=None,
    version=1,
    platform_client=False,
)


def ledger():
    return [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]


@pytest.mark.django_db(transaction=True)
class TestPermits:
    def test_names_use_holder_epoch_and_actor_for_a_minute_at_most(self, ask, holder):
        permit = guard.permit(ask(), at=NOW)

        assert (permit.use, permit.holder, permit.epoch, permit.actor) == (
            SHOW_METADATA,
            holder,
            1,
            ALICE,
        )
        assert NOW < permit.expires_at <= NOW + timedelta(seconds=60)

    @pytest.mark.invariant(3)
    def test_records_all_of_a_request_in_one_statement(self, ask):
        with CaptureQueriesContext(connection) as queries:
            permits = guard.permits([ask(), ask(use=SHOW_CONTENT)], at=NOW)

        assert len(queries) == 1
        assert [entry["id"] for entry in ledger()] == [str(p.entry_id) for p in permits]
        assert [entry["class"] for entry in ledger()] == ["mail.metadata", "mail.content"]

    @pytest.mark.claim("data-use.refused", "data-use.permits", "uses.only-what-is-on")
    @pytest.mark.invariant(3)
    def test_records_a_refusal_and_everything_asked_beside_it(self, ask):
        marketing = SHOW_METADATA._replace(purpose=Purpose.MARKETING)

        with pytest.raises(AccessRefused) as caught:
            guard.permits([ask(), ask(use=marketing), ask(use=SHOW_CONTENT)], at=NOW)

        assert [entry["event"] for entry in ledger()] == [
            "use.permitted",
            "use.refused",
            "use.permitted",
        ]
        assert ledger()[1]["id"] == str(caught.value.entry_id)

    @pytest.mark.invariant(3)
    def test_refuses_to_work_inside_a_transaction_that_could_roll_it_back(self, ask):
        with transaction.atomic(), pytest.raises(RuntimeError):
            guard.permit(ask(), at=NOW)

        assert ledger() == []

    @pytest.mark.invariant(3)
    def test_keeps_the_refusal_when_the_caller_rolls_back_afterwards(self, ask):
        with pytest.raises(AccessRefused):
            guard.permit(ask(facts=frozenset()), at=NOW)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            raise ZeroDivisionError

        assert [entry["event"] for entry in ledger()] == ["use.refused"]

    @pytest.mark.claim("data-use.permits", "uses.only-what-is-on")
    @pytest.mark.invariant(3)
    def test_gives_no_permit_if_the_ledger_cannot_be_written(self, ask, monkeypatch):
        fixed = uuid7()
        monkeypatch.setattr(decision_entries, "uuid7", lambda: fixed)
        guard.permit(ask(), at=NOW)

        with pytest.raises(IntegrityError):
            guard.permit(ask(), at=NOW)

    @pytest.mark.invariant(3)
    def test_writes_no_id_as_it_stands_in_a_table(self, ask, holder):
        guard.permit(ask(feature="inbox", count=50), at=NOW)

        text = bytes(Leaf.objects.get().payload).decode()
        for raw in (holder, ALICE.id):
            assert str(raw) not in text
            assert raw.hex not in text
        entry = ledger()[0]
        assert entry["subject"] == entries.get_ledger_pseudonym(holder)
        assert (entry["count"], entry["feature"], entry["rule"]) == (
            50,
            "inbox",
            "owner-reads-own-inbox",
        )

    def test_says_rule_clause_and_words_of_a_refusal(self, ask):
        with pytest.raises(AccessRefused) as caught:
            guard.permit(ask(use=SHOW_METADATA._replace(purpose=Purpose.MARKETING)), at=NOW)

        refused = caught.value
        assert refused.decision.rule_id == "never-market"
        assert "LU-4.1" in refused.decision.clauses
        assert refused.message == "Data from your connected accounts is never used for marketing."

    def test_logs_a_refusal_by_rule_clauses_and_feature(self, ask, caplog):
        marketing = ask(use=SHOW_METADATA._replace(purpose=Purpose.MARKETING), actor=WIDGET)

        with pytest.raises(AccessRefused):
            guard.permit(marketing, at=NOW)

        line = json.loads(JsonLineFormatter().format(caplog.records[-1]))
        assert (line["event"], line["rule_id"]) == ("use.refused", "never-market")
        assert line["clause"].split("|")[:2] == ["LU-4", "LU-4.1"]
        assert (line["feature"], line["purpose"]) == ("inbox-widget", "marketing")

    def test_asks_nothing_of_an_empty_request(self, ring):
        assert guard.permits([], at=NOW) == []


@pytest.mark.django_db
@pytest.mark.invariant(1)
class TestFound:
    def test_permits_a_registered_client_its_declared_purpose(self, ask):
        assert (
            guard.permit(ask(use=TO_FEATURE, actor=WIDGET, facts=FEATURE_FACTS), at=NOW).actor
            == WIDGET
        )

    def test_drops_the_claim_of_being_registered(self, ask):
        campaigns = replace(WIDGET, feature="campaigns")
        claimed = FEATURE_FACTS | {Fact.FEATURE_REGISTERED}

        with pytest.raises(AccessRefused) as caught:
            guard.permit(ask(use=TO_FEATURE, actor=campaigns, facts=claimed), at=NOW)

        assert caught.value.decision.missing == {Fact.FEATURE_REGISTERED}

    @pytest.mark.clause("LU-4.2")
    def test_refuses_campaigns_the_purpose_that_somebody_wrote_into_its_row(self, ask):
        campaigns = replace(WIDGET, feature="campaigns", purpose="marketing")
        marketing = TO_FEATURE._replace(purpose=Purpose.MARKETING)

        with pytest.raises(AccessRefused) as caught:
            guard.permit(ask(use=marketing, actor=campaigns, facts=FEATURE_FACTS), at=NOW)

        assert caught.value.decision.rule_id == "never-market"

    def test_refuses_a_purpose_that_is_not_the_tokens(self, ask):
        other = replace(WIDGET, purpose="mail.send")

        with pytest.raises(AccessRefused):
            guard.permit(ask(use=TO_FEATURE, actor=other, facts=FEATURE_FACTS), at=NOW)

    def test_refuses_a_feature_that_is_not_the_clients(self, ask):
        asked = ask(use=TO_FEATURE, actor=WIDGET, facts=FEATURE_FACTS, feature="inbox")

        with pytest.raises(AccessRefused):
            guard.permit(asked, at=NOW)

    def test_lets_no_client_be_the_owner(self, ask):
        with pytest.raises(AccessRefused) as caught:
            guard.permit(ask(actor=WIDGET, facts=FEATURE_FACTS), at=NOW)

        assert Fact.ACTOR_OWNS in caught.value.decision.missing

    def test_lets_no_person_be_a_feature(self, ask):
        with pytest.raises(AccessRefused):
            guard.permit(ask(use=TO_FEATURE, facts=FEATURE_FACTS), at=NOW)

    def test_lets_no_task_be_the_owner(self, ask):
        with pytest.raises(AccessRefused):
            guard.permit(ask(actor=SYSTEM), at=NOW)

    def test_refuses_a_person_another_features_page(self, ask):
        with pytest.raises(AccessRefused):
            guard.permit(ask(feature="inbox-widget"), at=NOW)


@pytest.mark.django_db
@pytest.mark.invariant(1)
class TestOfPersons:
    """What names a person is no client's and no task's, whatever was found of them."""

    @pytest.mark.parametrize(
        ("use", "fact"),
        [
            pytest.param(
                Use(DataClass.MAIL_CONTENT, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT),
                Fact.ITEM_CONSENTED,
                marks=pytest.mark.clause("LU-3.1", "WLU-3.1"),
            ),
            pytest.param(
                Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER),
                Fact.SHARE_LIVE,
                marks=pytest.mark.clause("AN-8"),
            ),
            pytest.param(
                Use(DataClass.MAIL_CONTENT, Purpose.USER_EXPORT, Recipient.OWNER),
                Fact.EXPORT_ASKED,
                marks=pytest.mark.clause("AN-23"),
            ),
        ],
    )
    @pytest.mark.parametrize("actor", [WIDGET, SYSTEM], ids=["client", "task"])
    def test_is_dropped_of_anybody_else(self, ask, monkeypatch, use, fact, actor):
        monkeypatch.setitem(FEATURES, "calendar", SHARING)
        # Of somebody else's, about one item: as near to being permitted as it gets.
        theirs = ask(use=use, facts=frozenset(Fact), item=uuid7(), on_behalf_of=uuid7())

        assert guard.permit(theirs, at=NOW).use == use
        with pytest.raises(AccessRefused) as caught:
            guard.permit(replace(theirs, actor=actor), at=NOW)

        assert fact in caught.value.decision.missing

    @pytest.mark.clause("LU-1", "W-LU1", "AN-7")
    @pytest.mark.parametrize(
        "recipient",
        [Recipient.OWNER, Recipient.OWN_PROVIDER, Recipient.OTHER_OWN_ACCOUNT],
    )
    def test_a_client_is_never_the_owner_and_never_acts_at_the_provider_as_the_owner(
        self, ask, recipient
    ):
        use = Use(DataClass.FILE_CONTENT, Purpose.DRIVE_UPLOAD, recipient)
        request = ask(use=use, facts=frozenset(Fact))

        assert Fact.ACTOR_OWNS in guard.filter_access_facts(request)
        assert Fact.ACTOR_OWNS not in guard.filter_access_facts(replace(request, actor=WIDGET))

    @pytest.mark.clause("AN-7", "LU-2.1")
    def test_a_feature_acts_for_the_owner_where_it_is_the_recipient(self, ask):
        use = Use(DataClass.FILE_CONTENT, Purpose.DRIVE_UPLOAD, Recipient.PLATFORM_FEATURE)

        facts = guard.filter_access_facts(ask(use=use, actor=WIDGET, facts=frozenset(Fact)))

        assert Fact.ACTOR_OWNS in facts

    @pytest.mark.clause("LU-1", "W-LU1")
    def test_opens_no_share_to_a_client(self, ask):
        use = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)

        with pytest.raises(AccessRefused) as caught:
            guard.permit(ask(use=use, actor=WIDGET, facts=frozenset(Fact)), at=NOW)

        assert caught.value.decision.missing == {Fact.SHARE_LIVE, Fact.FEATURE_REGISTERED}


@pytest.mark.django_db
@pytest.mark.clause("LU-3.4", "W-LU3")
class TestWhatIsCounted:
    def test_is_made_of_listed_words_numbers_and_pseudonyms(self, ask):
        # What sums are made of: nothing here could hold a name, an address or a text.
        words = {
            *DataClass,
            *Purpose,
            *Recipient,
            *FEATURES,
            *ActorKind,
            *policy_evaluation.RULE_TEXTS,
        }
        asks = [ask(), ask(use=SHOW_CONTENT, count=3), ask(use=TO_FEATURE, actor=WIDGET)]

        _, _, records = unrecorded.decide_unrecorded(asks, at=NOW)

        for asked, (_, record) in zip(asks, records, strict=True):
            ids = {str(one) for one in (asked.holder, asked.actor.id, asked.on_behalf_of)}
            assert not ids & {str(value) for value in record.values()}
            for name, value in record.items():
                if name in {"class", "purpose", "recipient", "rule", "feature", "actor_kind"}:
                    assert value is None or value in words
                elif name in {"subject", "actor", "on_behalf_of", "policy", "code"}:
                    assert value is None or re.fullmatch(r"[0-9A-Za-z_+-]{0,64}", value)
                elif name == "missing":
                    assert set(value) <= set(Fact)
                elif name == "event":
                    assert value in {"use.permitted", "use.refused"}
                else:
                    assert value is None or isinstance(value, int), name
