"""An owner's own entries, found in the ledger among everybody's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.ids import uuid7
from limited_use.guard import guard
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries, ledger_sequencer, subject_access, subject_activity
from limited_use.ledger.entry_filters import EntryActor, EntryFilter
from limited_use.models import Leaf
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from tests.limited_use.conftest import ALICE, OWNING, SHOW_CONTENT, SHOW_METADATA, SYSTEM

# An entry is found by the time in its id, so its moment has to be about now.
NOW = timezone.now().replace(microsecond=0)


def name(of):
    return bytes.fromhex(entries.get_ledger_pseudonym(of))


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestOwnEntries:
    def test_say_what_was_used_for_whom_by_which_rule(self, holder, permit):
        permit(count=3, at=NOW)
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
        permit(use=SHOW_CONTENT, feature="inbox", at=NOW)
        permit(at=NOW + timedelta(hours=1))
        with pytest.raises(AccessRefused):
            permit(use=sentiment, at=NOW)
        names = [name(holder)]

        def found(**by):
            return [
                (one.purpose, one.outcome, one.feature)
                for one in subject_access.find_subject_entries(names, EntryFilter(**by))
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

        def found(actor, owner_actors=frozenset()):
            filters = EntryFilter(actor=actor, owner_actors=owner_actors)
            return subject_access.find_subject_entries(names, filters)

        (theirs,) = found(EntryActor.SERVICE)
        (happened,) = found(EntryActor.NONE)
        hers = frozenset({entries.get_ledger_pseudonym(ALICE.id)})
        (mine,) = found(EntryActor.OWNER, hers)

        assert found(EntryActor.OTHER_PERSON, hers) == found(EntryActor.FEATURE) == []
        assert found(EntryActor.OTHER_PERSON) == [mine]
        assert (theirs.actor_kind, theirs.purpose) == ("system", "sync.store")
        assert (mine.actor_kind, mine.actor) == ("person", entries.get_ledger_pseudonym(ALICE.id))
        assert (happened.actor_kind, happened.actor) == (None, None)

    @pytest.mark.parametrize("word", ['","purpose":"marketing', "%", "inbox.displa", "'", ""])
    def test_are_not_found_by_anything_but_whole_words(self, holder, permit, word):
        permit()

        assert subject_access.find_subject_entries([name(holder)], EntryFilter(purpose=word)) == []

    def test_of_one_day_are_found_by_the_time_in_their_ids(self, holder, permit):
        # A long run loads this module hours before: an id has the time of its making.
        now = timezone.now()
        permit(at=now)

        def count(since, until):
            return subject_activity.count_subject_entries(
                [name(holder)], since=since, until=until, limit=9
            )

        assert count(now - timedelta(hours=1), now + timedelta(hours=1)) == 1
        assert count(now + timedelta(hours=2), now + timedelta(days=9)) == 0
        assert count(now - timedelta(days=9), now - timedelta(days=2)) == 0

    def test_have_the_name_that_their_payload_says(self, holder, ask):
        guard.permits([ask(), ask(actor=ALICE, facts=OWNING)], at=NOW)
        entries.append_ledger_entry({"event": "never.named"})

        leaves = Leaf.objects.all()
        assert {bool(leaf.subject) for leaf in leaves} == {True, False}
        for leaf in leaves:
            named = f'"subject":"{bytes(leaf.subject).hex()}"' if leaf.subject else "never.named"
            assert named.encode() in bytes(leaf.payload)


@pytest.mark.django_db
@pytest.mark.invariant(3)
class TestActivityByDay:
    def summarise(self, holder, *, days=1, **filters):
        starts = [NOW - timedelta(hours=12) + timedelta(days=n) for n in range(1 - days, 2)]
        return subject_activity.summarise_subject_entries(
            [name(holder)], EntryFilter(**filters), day_starts=starts
        )

    def test_counts_requests_once_and_rows_once_for_all_data_classes(self, holder, permit, ask):
        for minute in range(3):
            at = NOW + timedelta(minutes=minute)
            guard.permits(
                [ask(use=SHOW_METADATA, count=20), ask(use=SHOW_CONTENT, count=20)], at=at
            )

        (line,) = self.summarise(holder)

        assert (line.request_count, line.item_count, line.entry_count) == (3, 60, 6)
        assert line.data_classes == ("mail.content", "mail.metadata")
        assert (line.first_at, line.last_at) == (NOW, NOW + timedelta(minutes=2))
        assert (line.outcome, line.purpose) == ("permitted", "inbox.display")
        newest = subject_access.find_subject_entries([name(holder)], limit=1)[0]
        assert line.newest_entry_id == newest.id

    def test_tells_the_owner_from_another_person(self, holder, permit):
        permit(at=NOW)
        hers = frozenset({entries.get_ledger_pseudonym(ALICE.id)})

        assert [line.actor for line in self.summarise(holder)] == [EntryActor.OTHER_PERSON]
        assert [line.actor for line in self.summarise(holder, owner_actors=hers)] == [
            EntryActor.OWNER
        ]

    def test_keeps_missing_facts_and_days_apart(self, holder, permit):
        permit(at=NOW)
        permit(at=NOW - timedelta(days=1))
        with pytest.raises(AccessRefused):
            permit(at=NOW, facts=OWNING - {Fact.CONSENT_CURRENT})

        lines = self.summarise(holder, days=2)

        assert sorted((line.day, line.outcome, line.missing) for line in lines) == [
            (0, "permitted", ()),
            (1, "permitted", ()),
            (1, "refused", ("consent_current",)),
        ]

    def test_leaves_out_other_days_other_people_and_what_is_filtered(self, holder, permit):
        permit(at=NOW)
        permit(at=NOW - timedelta(days=1))

        assert len(self.summarise(holder)) == 1
        assert self.summarise(uuid7()) == []
        assert self.summarise(holder, outcome="refused") == []
        assert self.summarise(holder, outcome="imagined") == []
        assert len(self.summarise(holder, purpose="inbox.display")) == 1

    def test_shows_events_with_the_feature_that_they_are_about(self, ring):
        about = uuid7()
        entries.record_ledger_event(
            event="consent.given", about=about, body={"feature": "inbox"}, at=NOW
        )

        (line,) = self.summarise(about)

        assert (line.actor, line.event, line.feature) == (EntryActor.NONE, "consent.given", "inbox")
        assert (line.outcome, line.item_count) == (None, None)
