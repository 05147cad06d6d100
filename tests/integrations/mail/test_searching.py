"""Mail that is not kept here: found at the provider, shown, and stored nowhere."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Alarm
from integrations import connections, providers
from integrations.mail import ObjectNotFound, provider_search, remote_messages
from integrations.mail.remote_message_refs import RemoteMessageRef
from integrations.models import Attachment, Connection, ConnectionStatus, Message, MessageBody
from integrations.providers import errors
from limited_use.guard import guard
from limited_use.models import Leaf
from limited_use.sinks import download_sink, page_sink
from limited_use.vault.envelope import Unopenable
from tests.contract.test_mail_adapter import nested_parts
from tests.fakes import mail as fake
from tests.integrations import household as houses
from tests.integrations.mail.conftest import MAIL, make_context

OLD = MAIL.replace(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Zugspitze").replace(b"<one@", b"<old@")


@pytest.fixture
def old(filled, mailbox):
    """Return the provider's id of a message beyond the horizon."""
    return mailbox.deliver(OLD, at=timezone.now() - timedelta(days=400), label_ids=("INBOX",))


def list_shown(look):
    """Return what a sink is given to show, by mailbox."""
    return [look.shape(row.row, {"email": b"alice@gmail.example"}) for row in look.rows]


def find_in_mailbox(house, words="Zugspitze", **more):
    (box,) = list_shown(provider_search.search_mailboxes(make_context(house), words, **more))
    return box


def place_of(house, words="Zugspitze") -> RemoteMessageRef:
    (message,) = find_in_mailbox(house, words).opened["messages"]
    return message["place"]


def count_rows():
    return (Message.objects.count(), MessageBody.objects.count(), Attachment.objects.count())


@pytest.mark.invariant(11)
class TestMailSearch:
    @pytest.mark.claim("search.not-stored")
    def test_finds_what_is_beyond_the_horizon_and_stores_nothing(self, filled, old):
        before = count_rows()

        (message,) = find_in_mailbox(filled).opened["messages"]

        assert message["subject"] == "Zugspitze"
        assert message["from"][0]["name"] == "Bob B"
        assert message["thread_id"] is None
        assert count_rows() == before

    def test_leads_to_what_is_here(self, filled):
        (message,) = find_in_mailbox(filled, "one@example.test").opened["messages"]

        assert message["thread_id"] == Message.objects.order_by("-received_at")[0].thread_id
        assert message["place"] is None

    def test_goes_on_where_it_ended(self, filled, mailbox):
        start = timezone.now() - timedelta(days=300)
        for day in range(provider_search.MOST + 5):
            mailbox.deliver(OLD, at=start - timedelta(days=day), label_ids=("INBOX",))

        first = find_in_mailbox(filled)
        rest = find_in_mailbox(filled, before=first.clear["before"])

        dates = [one["date"] for one in first.opened["messages"] + rest.opened["messages"]]
        assert len(first.opened["messages"]) == provider_search.MOST
        # The last second of the first page comes again: nothing is left out between.
        assert len(set(dates)) == provider_search.MOST + 5
        assert dates == sorted(dates, reverse=True)
        assert rest.clear["before"] is None

    def test_ends_where_a_whole_page_is_of_one_second(self, filled, mailbox):
        moment = datetime(2024, 5, 1, tzinfo=UTC)
        for _ in range(provider_search.MOST + 1):
            mailbox.deliver(OLD, at=moment, label_ids=("INBOX",))

        first = find_in_mailbox(filled)

        assert find_in_mailbox(filled, before=first.clear["before"]).opened["messages"] == []

    @pytest.mark.clause("SCOPE-MIN")
    def test_shows_nothing_of_spam_and_trash(self, filled, mailbox):
        mailbox.deliver(OLD, label_ids=("SPAM",))
        mailbox.deliver(OLD, label_ids=("TRASH",))

        assert find_in_mailbox(filled).opened["messages"] == []

    @pytest.mark.invariant(8)
    def test_of_a_mailbox_that_cannot_be_asked_says_why_and_asks_the_others(
        self, filled, mailbox, old
    ):
        who = (filled.user, filled.organisation, filled.membership)
        houses.household(who=who)
        mailbox.refuse_next(errors.RateLimited("slowly"))

        first, second = list_shown(
            provider_search.search_mailboxes(make_context(filled), "Zugspitze")
        )

        assert "slow down" in first.clear["failed"]
        assert [one["subject"] for one in second.opened["messages"]] == ["Zugspitze"]

    def test_shows_the_neighbours_of_what_cannot_be_read(self, filled, mailbox, old):
        poison = nested_parts(300).replace(b"deep", b"Zugspitze")
        mailbox.deliver(poison, at=timezone.now() - timedelta(days=410))

        box = find_in_mailbox(filled)

        assert box.clear["failed"] == ""
        assert [one["subject"] for one in box.opened["messages"]] == ["Zugspitze"]

    def test_of_one_mailbox_asks_no_other(self, filled, mailbox, old):
        who = (filled.user, filled.organisation, filled.membership)
        other = houses.household(who=who)

        look = provider_search.search_mailboxes(
            make_context(filled), "Zugspitze", only=other.integration.id
        )

        assert [row.row.integration_id for row in look.rows] == [other.integration.id]

    @pytest.mark.invariant(3)
    @pytest.mark.clause("LU-1")
    def test_is_a_use_that_is_recorded_and_says_nothing_of_what_was_typed(self, filled, old):
        before = Leaf.objects.count()

        find_in_mailbox(filled)

        payloads = [
            bytes(one) for one in Leaf.objects.order_by("id").values_list("payload", flat=True)
        ]
        entries = [orjson.loads(one) for one in payloads[before:]]
        mine = [one for one in entries if one["class"] == "mail.metadata"]
        assert [(one["purpose"], one["recipient"], one["count"]) for one in mine] == [
            ("inbox.display", "owner", None)
        ]
        assert b"Zugspitze" not in b"".join(payloads)

    @pytest.mark.invariant(1)
    def test_of_somebody_elses_mailboxes_is_refused_by_the_guard(self, filled, mallory, old):
        mallory.organisation = filled.organisation

        with pytest.raises(guard.AccessRefused):
            provider_search.search_mailboxes(make_context(mallory, whose=filled), "Zugspitze")

    @pytest.mark.invariant(6)
    def test_is_not_made_where_the_grant_has_ended(self, filled, mailbox, old, monkeypatch):
        def open_mail(access):
            assert access.token()
            return fake.make_open_mail(mailbox)(access)

        google = replace(providers.PROVIDERS["google"], open_mail=open_mail)
        monkeypatch.setitem(providers.PROVIDERS, "google", google)
        Connection.objects.filter(id=filled.connection.id).update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=timezone.now()
        )
        mailbox.calls.clear()

        box = find_in_mailbox(filled)

        assert "Reconnect" in box.clear["failed"]
        assert mailbox.calls == []


@pytest.mark.invariant(11)
class TestAMessageElsewhere:
    @pytest.mark.claim("search.not-kept")
    def test_is_shown_and_stored_nowhere(self, filled, old):
        before = count_rows()
        look = remote_messages.prepare_remote_message_head(make_context(filled), place_of(filled))

        made = look.shape(look.row.row, capture_opened(filled, look))

        assert made.opened["subject"] == "Zugspitze"
        assert [one["filename"] for one in made.opened["files"]] == ["plan.pdf"]
        assert count_rows() == before

    @pytest.mark.invariant(12)
    @pytest.mark.scenario("H1")
    def test_has_a_sanitised_text(self, filled, old):
        text = remote_messages.render_body(make_context(filled), place_of(filled)).decode()

        assert "Hello <b>Alice</b>" in text
        assert "script" not in text
        assert "tracker.example" not in text

    def test_hands_over_its_files(self, filled, old):
        look = remote_messages.prepare_remote_message_head(make_context(filled), place_of(filled))
        (file,) = look.shape(look.row.row, capture_opened(filled, look)).opened["files"]

        found = remote_messages.download_file(make_context(filled), file["place"])

        assert (found.filename, b"".join(found.pieces)) == ("plan.pdf", b"%PDF-1.4\n")

    def test_is_no_file_itself(self, filled, old):
        with pytest.raises(ObjectNotFound):
            remote_messages.download_file(make_context(filled), place_of(filled))

    def test_that_was_deleted_meanwhile_says_so(self, filled, mailbox, old):
        place = place_of(filled)
        mailbox.delete(old)

        look = remote_messages.prepare_remote_message_head(make_context(filled), place)

        assert (
            "it was deleted"
            in look.shape(look.row.row, capture_opened(filled, look)).clear["failed"]
        )
        with pytest.raises(errors.Gone):
            remote_messages.render_body(make_context(filled), place)

    @pytest.mark.invariant(1)
    @pytest.mark.control("3.1.4")
    def test_of_somebody_else_is_not_there(self, filled, mallory, old):
        place = place_of(filled)

        for look in (
            remote_messages.prepare_remote_message_head,
            remote_messages.render_body,
            remote_messages.download_file,
        ):
            with pytest.raises(ObjectNotFound):
                look(make_context(mallory), place)

    @pytest.mark.invariant(1)
    def test_of_somebody_else_is_refused_by_the_guard_to_who_names_them(self, filled, mallory, old):
        place, mallory.organisation = place_of(filled), filled.organisation

        with pytest.raises(guard.AccessRefused):
            remote_messages.render_body(make_context(mallory, whose=filled), place)

    @pytest.mark.invariant(2)
    @pytest.mark.control("4.1.4")
    @pytest.mark.parametrize("spoil", ["row", "seal", "nonsense", "stored"])
    def test_is_reached_by_no_address_that_we_did_not_make(self, filled, old, spoil):
        place = place_of(filled)
        seal = place.seal
        wrong = {
            "row": RemoteMessageRef(place.integration_id, uuid4(), seal),
            "seal": RemoteMessageRef(place.integration_id, place.row, seal[:-6] + "AAAAAA"),
            "nonsense": RemoteMessageRef(place.integration_id, place.row, "A" * 41),
            "stored": get_stored_ref(filled),
        }

        with pytest.raises((Unopenable, ObjectNotFound)):
            remote_messages.render_body(make_context(filled), wrong[spoil])

    @pytest.mark.invariant(5)
    def test_leads_nowhere_once_the_mailbox_is_disconnected(self, filled, old):
        place = place_of(filled)
        connections.disconnect_integration(
            integration_id=filled.integration.id,
            user_id=filled.user.id,
            organisation_id=filled.organisation.id,
            at=timezone.now(),
        )

        with pytest.raises(ObjectNotFound):
            remote_messages.render_body(make_context(filled), place)

    @pytest.mark.invariant(5)
    def test_is_not_opened_by_a_look_from_before_a_disconnect(self, filled, old):
        look = remote_messages.prepare_remote_message_head(make_context(filled), place_of(filled))
        connections.disconnect_integration(
            integration_id=filled.integration.id,
            user_id=filled.user.id,
            organisation_id=filled.organisation.id,
            at=timezone.now(),
        )

        with pytest.raises(Unopenable):
            page_sink.render_page(
                "inbox/elsewhere.html",
                [look.row],
                permits=look.permits,
                actor=filled.actor,
                shape=look.shape,
                at=timezone.now(),
            )

    def test_has_an_address_that_tells_nothing(self, filled, old):
        place = place_of(filled)

        assert old not in place.seal
        assert re.fullmatch(r"[\w-]+", place.seal)
        assert place_of(filled).seal != place.seal


def capture_opened(house, look):
    """Return what the sink would have opened of the row."""
    where = {}

    def keep(box, values):
        where.update(values)
        return b""

    download_sink.pass_through_file(
        look.row, permits=look.permits, actor=house.actor, fetch=keep, at=timezone.now()
    )
    return where


def get_stored_ref(house) -> RemoteMessageRef:
    """Return a summary that is kept here, as if it were an address."""
    message = Message.objects.first()
    raw = Message.objects.filter(id=message.id).values_list("summary", flat=True)[0]
    return RemoteMessageRef(
        house.integration.id, message.id, urlsafe_b64encode(bytes(raw)).decode()
    )


class TestThePages:
    @pytest.fixture
    def hers(self, filled):
        browser = Client()
        browser.force_login(filled.user)
        return browser

    def test_show_what_was_found_and_lead_to_it(self, hers, old):
        page_ = hers.post("/inbox/search/", {"words": "Zugspitze"})

        assert page_.status_code == 200
        assert "no-store" in page_["Cache-Control"]
        assert "Zugspitze" in page_.text
        (address,) = re.findall(r'href="(/inbox/elsewhere/[^"]+)"', page_.text)
        message = hers.get(address)
        text = hers.get(f"{address}body/")
        assert "Antares does not store this message" in message.text
        assert "plan.pdf" in message.text
        assert "sandbox" in text["Content-Security-Policy"]
        (file,) = re.findall(r'href="(/inbox/elsewhere/[^"]+/file/)"', message.text)
        download = hers.get(file)
        assert download.getvalue() == b"%PDF-1.4\n"
        assert download["Content-Disposition"] == 'attachment; filename="plan.pdf"'

    def test_mark_a_sender_whose_name_is_another_address(self, hers, mailbox, filled):
        forged = OLD.replace(b'"Bob B" <bob@example.test>', b"ceo@bank.example <x@evil.example>")
        long_ago = timezone.now() - timedelta(days=400)
        mailbox.deliver(forged, at=long_ago, label_ids=("INBOX",))

        page_ = hers.post("/inbox/search/", {"words": "Zugspitze"})

        assert "Name is not the real address" in page_.text
        (address,) = re.findall(r'href="(/inbox/elsewhere/[^"]+)"', page_.text)
        message = hers.get(address).text
        assert "Name is not the real address" in message
        assert "comes from: <bdi>x@evil.example</bdi>" in message

    def test_go_on_from_page_to_page(self, hers, mailbox, filled):
        start = timezone.now() - timedelta(days=300)
        for day in range(provider_search.MOST + 1):
            mailbox.deliver(OLD, at=start - timedelta(days=day), label_ids=("INBOX",))

        first = hers.post("/inbox/search/", {"words": "Zugspitze"})
        more = dict(
            re.findall(r'type="hidden" name="(words|before|only)" value="([^"]+)"', first.text)
        )
        second = hers.post("/inbox/search/", more)

        assert set(more) == {"words", "before", "only"}
        assert second.status_code == 200
        # The second of the last one comes again.
        assert second.text.count("mail-row") == 2

    def test_ask_nobody_without_words(self, hers, mailbox):
        mailbox.calls.clear()

        assert hers.get("/inbox/search/").status_code == 200
        assert "200 characters" in hers.post("/inbox/search/", {"words": "x" * 201}).text
        assert "200 characters" in hers.post("/inbox/search/", {"words": " "}).text
        assert mailbox.calls == []

    def test_say_what_a_provider_says(self, hers, mailbox, old, filled):
        place = place_of(filled)
        address = f"/inbox/elsewhere/{place.integration_id}/{place.row}/{place.seal}/"
        mailbox.delete(old)

        assert "it was deleted" in hers.get(address).text
        assert "it was deleted" in hers.get(f"{address}body/").text

    def test_know_no_address_of_nobody(self, hers, filled):
        for tail in ("", "body/", "file/"):
            address = f"/inbox/elsewhere/{filled.integration.id}/{uuid4()}/{'A' * 80}/{tail}"
            assert hers.get(address).status_code == 404
        assert not Alarm.objects.exists()

    def test_are_nobody_elses(self, mallory, filled, old):
        place = place_of(filled)
        browser = Client()
        browser.force_login(mallory.user)

        answer = browser.get(f"/inbox/elsewhere/{place.integration_id}/{place.row}/{place.seal}/")

        assert answer.status_code == 404

    def test_are_offered_where_something_is_connected(self, hers, filled):
        assert 'role="search"' in hers.get("/inbox/").text
        connections.disconnect_integration(
            integration_id=filled.integration.id,
            user_id=filled.user.id,
            organisation_id=filled.organisation.id,
            at=timezone.now(),
        )
        assert 'role="search"' not in hers.get("/inbox/").text
