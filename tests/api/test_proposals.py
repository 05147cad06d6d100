"""Drafts that features propose: to correspondents, to few owners, and read by the owner alone."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import delegations
from accounts.models import Alarm, Delegation
from config.process_classes import ProcessClass
from integrations.connections import consents as connected_consents
from integrations.mail.sending import known_recipients, proposals
from integrations.models import (
    DraftProposal,
    Integration,
    IntegrationStatus,
    Message,
    OutboxCommand,
    Reply,
)
from integrations.tasks.outbox import clear_outbox
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.stored_data import STORED_DATA
from tests.api import cast
from tests.api.calendars.asking import ok
from tests.api.schema import problem
from tests.api.sending_requests import (
    V1,
    allow_sending,
    make_message,
    open_assistant,
    post_json,
    propose,
)
from tests.api.test_limited_use import list_entries_since
from tests.database_rows import dump_tables
from tests.integrations import household as houses
from tests.walls import acting_as

MARKER = "zx-proposed-3391"
#: The sender of Alice's mail.
KNOWN = [{"name": "Bob", "address": "bob@example.test"}]
UNKNOWN = {"name": "", "address": "stranger@example.test"}

pytestmark = pytest.mark.clause("AN-11")


@pytest.fixture
def alice(alice):
    return allow_sending(alice)


@pytest.fixture
def assistant(alice):
    """Reply suggestions, which Alice switched on."""
    return open_assistant(alice)


class TestProposing:
    def test_seals_the_draft_and_returns_its_id_alone(self, alice, assistant, mine):
        before = Leaf.objects.count()

        body = ok(propose(assistant, alice, subject=MARKER, text=MARKER, answer=mine.message), 201)

        proposal = DraftProposal.objects.get()
        assert body == {"id": str(proposal.id)}
        assert (proposal.user_id, proposal.feature) == (alice.user.id, "reply-assistant")
        stored = b"".join(dump_tables().values())
        assert MARKER.encode() not in stored
        assert MARKER.encode().hex().encode() not in stored
        assert proposal.expires_at - proposal.created_at == timedelta(days=14)
        recorded = {
            (entry["event"], entry["recipient"], entry["class"])
            for entry in list_entries_since(before)
            if entry.get("purpose") == "draft.propose"
        }
        assert recorded == {
            ("use.permitted", "vault", "mail.metadata"),
            ("use.permitted", "platform_feature", "mail.metadata"),
            ("use.permitted", "platform_feature", "mail.content"),
        }

    def test_compares_addresses_without_letter_case(self, alice, assistant):
        ok(propose(assistant, alice, to=[{"address": "BOB@Example.TEST"}]), 201)

    @pytest.mark.invariant(15)
    @pytest.mark.parametrize(
        "to", [[UNKNOWN], [*KNOWN, UNKNOWN], [UNKNOWN, *KNOWN]], ids=["alone", "last", "first"]
    )
    def test_to_a_stranger_is_refused_without_saying_who(self, alice, assistant, to):
        before = Leaf.objects.count()

        answer = propose(assistant, alice, to=to)

        body = problem(answer, 403, "limited-use-refused")
        assert body["rule"] == "propose-to-correspondents"
        assert "AN-11" in body["clauses"]
        assert body["ledger_entry"] in {entry["id"] for entry in list_entries_since(before)}
        assert b"@" not in answer.content
        assert not DraftProposal.objects.exists()

    def test_looks_at_every_message_whatever_is_found(self, alice, assistant, monkeypatch):
        opened_counts = []
        compare = known_recipients.comparison_sink.are_all_known

        def count_rows(values, rows, **more):
            opened_counts.append(len(rows))
            return compare(values, rows, **more)

        monkeypatch.setattr(known_recipients.comparison_sink, "are_all_known", count_rows)

        ok(propose(assistant, alice), 201)
        problem(propose(assistant, alice, key="key-00000002", to=[UNKNOWN]), 403,
                "limited-use-refused")  # fmt: skip

        assert opened_counts == [Message.objects.filter(integration=alice.integration).count()] * 2

    def test_to_a_correspondent_of_an_unsent_draft_is_refused(self, alice, assistant):
        Message.objects.update(folders=["drafts"])

        body = problem(propose(assistant, alice), 403, "limited-use-refused")

        assert body["rule"] == "propose-to-correspondents"

    @pytest.mark.invariant(15)
    def test_to_500_people_is_refused_before_any_mail_is_opened(self, alice, assistant):
        before = Leaf.objects.count()
        crowd = [{"address": f"p{number}@example.test"} for number in range(500)]

        body = problem(propose(assistant, alice, to=crowd), 403, "limited-use-refused")

        assert body["rule"] == "few-recipients"
        assert "AN-11" in body["clauses"]
        assert {entry["event"] for entry in list_entries_since(before)} == {"use.refused"}
        for _ in range(9):
            propose(assistant, alice, to=crowd)
        alarm = Alarm.objects.get(kind="sending.limit_reached")
        assert (alarm.count, alarm.window) == (10, "few-recipients reply-assistant")

    @pytest.mark.parametrize("more", [{"to": []}, {"bcc": []}, {"undo_seconds": 5}])
    def test_names_what_is_wrong(self, alice, assistant, more):
        problem(propose(assistant, alice, **more), 400, "bad-request")

    def test_for_a_foreign_mailbox_or_message_is_not_found(self, alice, bob, assistant):
        problem(propose(assistant, alice, mailbox=str(bob.integration.id)), 404, "not-found")
        problem(propose(assistant, alice, answer=str(uuid4())), 404, "not-found")

    def test_by_a_person_is_refused(self, alice, hers):
        problem(propose(hers, alice), 403, "not-permitted")

    def test_by_a_feature_with_another_purpose_is_refused(self, alice, widget):
        problem(propose(widget, alice), 403, "limited-use-refused")

        assert not DraftProposal.objects.exists()

    def test_without_the_owners_agreement_to_sending_is_refused(self, alice, assistant):
        connected_consents.consents.withdraw(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="mail-sending",
            at=timezone.now(),
        )

        body = problem(propose(assistant, alice), 403, "limited-use-refused")

        assert body["missing"] == ["consent_current"]

    def test_beyond_100_a_day_is_too_many(self, alice, assistant, monkeypatch):
        monkeypatch.setattr(
            "integrations.mail.api.proposal_views.PROPOSALS",
            proposals.Rate("proposals", 1, 24 * 60 * 60),
        )
        ok(propose(assistant, alice), 201)

        answer = propose(assistant, alice, key="key-00000002")

        problem(answer, 429, "rate-limited")
        assert not Reply.objects.filter(status=None, held_until__isnull=False).exists()

    @pytest.mark.invariant(5)
    def test_while_the_feature_is_switched_off_stores_nothing(self, alice, assistant, monkeypatch):
        get_sealer = proposals.sealing.get_sealer

        def switch_off_first(**more):
            delegation = Delegation.objects.get(feature="reply-assistant")
            delegations.switch_delegation_off(
                delegation_id=delegation.id, user_id=alice.user.id, at=timezone.now()
            )
            return get_sealer(**more)

        monkeypatch.setattr(proposals.sealing, "get_sealer", switch_off_first)

        body = problem(propose(assistant, alice), 403, "limited-use-refused")

        assert "delegation_live" in body["missing"]
        assert not DraftProposal.objects.exists()


class TestSameText:
    @pytest.fixture
    def owners(self, alice):
        """Return a caller for each of many people with one correspondent, like Alice."""

        def make_owner(number):
            return houses.household(
                who=houses.person(f"owner{number}", alice.organisation, at=timezone.now()),
                features=("inbox", "mail-sending"),
            )

        return make_owner

    def propose_to(self, house, text, monkeypatch, **more):
        monkeypatch.setattr(known_recipients, "are_recipients_known", lambda *_, **__: True)
        return propose(
            open_assistant(house),
            house,
            key=f"key-{house.user.id}-{text[-8:]!r}",
            text=text,
            **more,
        )

    @pytest.mark.invariant(15)
    def test_reaches_50_owners_a_day_and_is_refused_for_the_next(self, alice, owners, monkeypatch):
        monkeypatch.setattr(proposals, "TEMPLATE_RATE", proposals.Rate("template", 3, 86_400))
        houses_of_owners = [owners(number) for number in range(4)]
        texts = [
            f"Hello {house.user.name}, order {number} now: https://shop.example/{uuid4()}"
            for number, house in enumerate(houses_of_owners)
        ]
        for house, text in zip(houses_of_owners[:3], texts, strict=False):
            ok(self.propose_to(house, text, monkeypatch), 201)
        before = Leaf.objects.count()

        body = problem(
            self.propose_to(houses_of_owners[3], texts[3], monkeypatch), 403, "limited-use-refused"
        )

        assert body["rule"] == "propose-no-campaign"
        assert {"AN-11", "LU-4.1"} <= set(body["clauses"])
        assert body["ledger_entry"] in {entry["id"] for entry in list_entries_since(before)}
        assert DraftProposal.objects.count() == 3

    def test_to_one_owner_counts_once(self, alice, owners, monkeypatch):
        monkeypatch.setattr(proposals, "TEMPLATE_RATE", proposals.Rate("template", 2, 86_400))
        first, second, third = owners(1), owners(2), owners(3)
        client = open_assistant(first)
        monkeypatch.setattr(known_recipients, "are_recipients_known", lambda *_, **__: True)
        for number in range(3):
            ok(propose(client, first, key=f"key-0000000{number}"), 201)

        ok(self.propose_to(second, "Hello", monkeypatch), 201)
        # The bound is reached, and the refusal does not count as received.
        late = open_assistant(third)
        for number in range(2):
            problem(propose(late, third, key=f"key-0000001{number}"), 403, "limited-use-refused")
        ok(propose(client, first, key="key-00000009"), 201)

    @pytest.mark.invariant(15)
    def test_stays_the_same_whatever_names_the_feature_gives_to_the_recipients(
        self, alice, owners, monkeypatch
    ):
        """A feature that names its recipients by words of the text would remove those words."""
        text = "Hello, our spring sale ends tomorrow"
        for number, word in enumerate(text.split()):
            to = [{"name": f"{word} Bob", "address": "bob@example.test"}]
            ok(self.propose_to(owners(number), text, monkeypatch, to=to), 201)

        templates = DraftProposal.objects.values_list("template_blind", flat=True)
        assert len(set(map(bytes, templates))) == 1

    def test_of_the_real_bound_is_50(self):
        assert (proposals.TEMPLATE_RATE.limit, proposals.TEMPLATE_RATE.seconds) == (50, 86_400)


class TestSameKey:
    def test_returns_the_same_id_also_after_the_grant_ended(self, alice, assistant):
        first = ok(propose(assistant, alice), 201)
        Integration.objects.filter(id=alice.integration.id).update(
            status=IntegrationStatus.REAUTH_REQUIRED
        )

        assert ok(propose(assistant, alice), 201) == first
        problem(propose(assistant, alice, key="key-00000002"), 404, "not-found")
        assert Reply.objects.count() == 1

    def test_returns_the_same_id_even_when_the_draft_is_gone(self, alice, assistant):
        first = ok(propose(assistant, alice), 201)
        DraftProposal.objects.all().delete()

        answer = propose(assistant, alice)

        assert ok(answer, 201) == first
        assert answer.headers["Idempotent-Replayed"] == "true"
        assert not DraftProposal.objects.exists()

    def test_with_another_draft_is_refused(self, alice, assistant):
        ok(propose(assistant, alice), 201)

        problem(propose(assistant, alice, text="Other"), 422, "key-reused")

    def test_is_needed(self, alice, assistant):
        problem(post_json(assistant, "proposals", make_message(alice)), 400, "bad-request")


class TestOwner:
    @pytest.fixture
    def proposal_id(self, alice, assistant):
        return ok(propose(assistant, alice, subject="Plan", text=MARKER), 201)["id"]

    def test_lists_and_reads_what_was_proposed(self, alice, hers, proposal_id):
        (listed,) = ok(hers.get(f"{V1}/proposals"))["data"]
        body = ok(hers.get(f"{V1}/proposals/{proposal_id}"))

        assert (listed["proposed_by"], listed["subject"], listed["opened_at"]) == (
            "reply-assistant", "Plan", None,
        )  # fmt: skip
        assert (body["to"], body["text"]) == (KNOWN, MARKER)
        assert DraftProposal.objects.get().opened_at is not None

    def test_lists_page_by_page(self, alice, assistant, hers):
        ids = [
            ok(propose(assistant, alice, key=f"key-0000000{number}", text=f"Text {word}"), 201)[
                "id"
            ]
            for number, word in enumerate(["one", "two", "three"])
        ]

        first = ok(hers.get(f"{V1}/proposals", {"limit": 2}))
        second = ok(hers.get(f"{V1}/proposals", {"limit": 2, "cursor": first["next_cursor"]}))

        assert [entry["id"] for entry in first["data"] + second["data"]] == ids[::-1]
        assert (first["has_more"], second["has_more"]) == (True, False)
        assert second["next_cursor"] is None

    def test_reading_is_recorded(self, alice, hers, proposal_id):
        before = Leaf.objects.count()

        ok(hers.get(f"{V1}/proposals/{proposal_id}"))

        (entry,) = list_entries_since(before)
        assert (entry["purpose"], entry["recipient"]) == ("mail.send", "owner")
        assert entry["subject"] == entries.get_ledger_pseudonym(alice.integration.id)

    @pytest.mark.claim("stored.proposed-drafts")
    def test_deletes_it(self, hers, proposal_id):
        assert hers.delete(f"{V1}/proposals/{proposal_id}").status_code == 204

        problem(hers.get(f"{V1}/proposals/{proposal_id}"), 404, "not-found")
        problem(hers.delete(f"{V1}/proposals/{proposal_id}"), 404, "not-found")

    @pytest.mark.parametrize("who", ["bob", "mallory"])
    def test_alone_knows_of_it(self, request, hers, proposal_id, who):
        stranger = cast.browser(request.getfixturevalue(who).user)

        assert ok(stranger.get(f"{V1}/proposals"))["data"] == []
        problem(stranger.get(f"{V1}/proposals/{proposal_id}"), 404, "not-found")
        problem(stranger.delete(f"{V1}/proposals/{proposal_id}"), 404, "not-found")
        assert DraftProposal.objects.get().opened_at is None

    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_is_not_the_feature_that_proposed(self, assistant, proposal_id, method):
        body = problem(
            getattr(assistant, method)(f"{V1}/proposals/{proposal_id}"), 403, "limited-use-refused"
        )

        assert body["rule"] == "features-never-send"
        assert DraftProposal.objects.filter(id=proposal_id).exists()


@pytest.mark.claim("feature.reply-assistant-disclosure", "stored.proposed-drafts")
class TestEnd:
    @pytest.mark.parametrize("opened_at", [None, timezone.now()], ids=["unread", "opened"])
    def test_comes_after_14_days(self, alice, assistant, hers, opened_at):
        ok(propose(assistant, alice), 201)
        ok(propose(assistant, alice, key="key-00000002"), 201)
        old = DraftProposal.objects.order_by("id").first()
        said = re.search(
            r"deletes a draft (\d+) days after it was proposed, opened or not\.",
            str(FEATURES["reply-assistant"].disclosure),
        )
        at_most = re.search(r"for at most (\d+) days", str(STORED_DATA["reply-assistant"]))
        assert old.expires_at - old.created_at == timedelta(days=int(said[1]))
        assert said[1] == at_most[1]
        DraftProposal.objects.filter(id=old.id).update(
            expires_at=timezone.now(), opened_at=opened_at
        )

        with acting_as(ProcessClass.PURGE):
            clear_outbox()

        assert [str(one) for one in DraftProposal.objects.values_list("id", flat=True)] == [
            ok(hers.get(f"{V1}/proposals"))["data"][0]["id"]
        ]
        assert DraftProposal.objects.get().id != old.id

    def test_comes_when_the_feature_is_switched_off(self, alice, assistant):
        ok(propose(assistant, alice), 201)
        delegation = Delegation.objects.get(feature="reply-assistant")

        with acting_as(ProcessClass.WEB, alice):
            connected_consents.switch_off_feature(
                delegation_id=delegation.id,
                user_id=alice.user.id,
                organisation_id=delegation.organisation_id,
                at=timezone.now(),
            )

        assert not DraftProposal.objects.exists()


def test_a_proposal_sends_nothing(alice, assistant, mailbox):
    calls = list(mailbox.calls)

    ok(propose(assistant, alice), 201)

    assert (OutboxCommand.objects.count(), mailbox.calls) == (0, calls)
