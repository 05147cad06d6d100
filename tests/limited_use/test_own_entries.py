"""An owner's own entries, found in the ledger among everybody's."""

from datetime import timedelta

import pytest

from accounts.ids import uuid7
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries, ledger_sequencer, subject_access
from limited_use.models import Leaf
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from tests.limited_use.conftest import ALICE, NOW, OWNING, SHOW_CONTENT, SHOW_METADATA, SYSTEM


def name(of):
    return bytes.fromhex(entries.get_ledger_pseudonym(of))


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestOwnEntries:
    def test_say_what_was_used_for_whom_by_which_rule(self, holder, permit):
        permit(count=3)
        ledger_sequencer.run_sequencer(NOW)

        (entry,) = subject_access.find_subject_entries([name(holder)])

        assert (entry.at, entry.event, entry.outcome) == (NOW, "use.permitted", "permitted")
        assert (entry.data_class, entry.purpose, entry.recipient) == SHOW_METADATA
        assert (entry.actor_kind, entry.count, entry.place) == ("person", 3, 0)
        assert entry.rule
        assert entry.subject == name(holder)

    def test_are_nobody_elses(self, holder, permit):
        permit()
        entries.record_ledger_event(event="integration.connected", about=uuid7(), at=NOW)

        assert subject_access.find_subject_entries([name(uuid7())]) == []
        assert subject_access.find_subject_entries([]) == []
        assert len(subject_access.find_subject_entries([name(holder)])) == 1

    def test_hold_what_happened_that_was_no_use(self, ring):
        about = uuid7()
        entries.record_ledger_event(event="integration.connected", about=about, at=NOW)

        (entry,) = subject_access.find_subject_entries([name(about)])

        assert (entry.event, entry.outcome, entry.purpose) == ("integration.connected", None, None)
        assert entry.place is None

    def test_come_newest_first_page_by_page(self, holder, permit):
        made = [permit(at=NOW + timedelta(seconds=n)).entry_id for n in range(5)][::-1]
        names = [name(holder)]

        first = subject_access.find_subject_entries(names, limit=2)
        second = subject_access.find_subject_entries(names, limit=2, after=first[-1].id)
        third = subject_access.find_subject_entries(names, limit=2, after=second[-1].id)

        assert [one.id for one in (*first, *second, *third)] == made

    def test_are_found_by_time_purpose_feature_and_outcome(self, holder, permit):
        sentiment = Use(DataClass.MAIL_CONTENT, Purpose.MARKETING, Recipient.THIRD_PARTY)
        permit(use=SHOW_CONTENT, feature="inbox")
        permit(at=NOW + timedelta(hours=1))
        with pytest.raises(AccessRefused):
            permit(use=sentiment)
        names = [name(holder)]

        def found(**by):
            return [
                (one.purpose, one.outcome, one.feature)
                for one in subject_access.find_subject_entries(names, **by)
            ]

        assert found(purpose="marketing") == [("marketing", "refused", None)]
        assert found(feature="inbox") == [("inbox.display", "permitted", "inbox")]
        assert found(outcome="refused") == found(purpose="marketing")
        assert found(outcome="permitted", feature="inbox") == found(feature="inbox")
        assert found(outcome="imagined") == []
        assert len(found(since=NOW + timedelta(minutes=1))) == 1
        assert len(found(until=NOW + timedelta(minutes=1))) == 2
        assert len(found(since=NOW, until=NOW)) == 0

    def test_are_told_apart_by_who_acted(self, holder, permit):
        storing = Use(DataClass.MAIL_CONTENT, Purpose.SYNC_STORE, Recipient.VAULT)
        permit()
        permit(use=storing, actor=SYSTEM, facts=OWNING | {Fact.GRANT_LIVE})
        entries.record_ledger_event(event="integration.connected", about=holder, at=NOW)
        names = [name(holder)]

        (theirs,) = subject_access.find_subject_entries(names, by_service=True)
        happened, mine = subject_access.find_subject_entries(names, by_service=False)

        assert (theirs.actor_kind, theirs.purpose) == ("system", "sync.store")
        assert (mine.actor_kind, mine.actor) == ("person", entries.get_ledger_pseudonym(ALICE.id))
        assert (happened.actor_kind, happened.actor) == (None, None)

    @pytest.mark.parametrize("word", ['","purpose":"marketing', "%", "inbox.displa", "'", ""])
    def test_are_not_found_by_anything_but_whole_words(self, holder, permit, word):
        permit()

        assert subject_access.find_subject_entries([name(holder)], purpose=word) == []

    def test_have_the_name_that_their_payload_says(self, holder, ask):
        guard.permits([ask(), ask(actor=ALICE, facts=OWNING)], at=NOW)
        entries.append_ledger_entry({"event": "never.named"})

        leaves = Leaf.objects.all()
        assert {bool(leaf.subject) for leaf in leaves} == {True, False}
        for leaf in leaves:
            named = f'"subject":"{bytes(leaf.subject).hex()}"' if leaf.subject else "never.named"
            assert named.encode() in bytes(leaf.payload)
