"""An owner's own copy of their mail: what is in it, who gets it, and how it ends."""

from __future__ import annotations

import io
import json
import mailbox as mailboxes
import zipfile
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.utils import timezone

from accounts.models import Alarm, Membership
from integrations import connections, mail
from integrations.access import export_permits
from integrations.formats.mime.message import MAX_TEXT
from integrations.mail import mailbox_export, messages
from integrations.models import (
    Attachment,
    Export,
    ExportOutcome,
    Integration,
    IntegrationStatus,
    Message,
    MessageBody,
    PurgeTrigger,
)
from limited_use.guard.guard import AccessRefused
from limited_use.models import DataKey, Leaf
from limited_use.policy.policy_vocabulary import Fact
from limited_use.vault.fields import StoredCiphertext
from tests.api import cast
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.factories import (
    actor_for,
    make_connection,
    make_integration,
    make_message,
    make_organisation,
    make_user,
)

pytestmark = pytest.mark.django_db

ACCOUNT = "alice.a@mail.example"


@pytest.fixture
def mailbox():
    home = make_organisation()
    user = make_user(organisation=home, password="correct horse")
    return make_integration(make_connection(user, home, email=ACCOUNT))


@pytest.fixture
def alice(mailbox):
    return actor_for(mailbox.connection.user, mailbox.connection.organisation)


@pytest.fixture
def other(mailbox):
    """Return another mailbox of hers."""
    connection = mailbox.connection
    return make_integration(make_connection(connection.user, connection.organisation))


def fill_mailbox(mailbox, count):
    return [
        make_message(mailbox, subject=f"Letter {n}", text=f"Text {n}\nFrom here on", html="<p>x")
        for n in range(count)
    ]


def stream_export(actor, mailbox, now=timezone.now):
    export_id = mailbox_export.request_export(actor=actor, integration_id=mailbox.id, at=now())
    return mailbox_export.stream_export(export_id=export_id, actor=actor, now=now)


def read_finished_copy(parts):
    """Return what is in a copy that came to its end."""
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        return archive.read("mail.mbox")


def read_copy(data, tmp_path):
    """Return what a mail program reads in a copy."""
    (tmp_path / "copy.mbox").write_bytes(data)
    with closing(mailboxes.mbox(tmp_path / "copy.mbox", create=False)) as found:
        return [message_from_bytes(one.as_bytes(), policy=policy.default) for one in found]


def disconnect_mailbox(mailbox):
    connections.disconnect_integration(
        integration_id=mailbox.id,
        user_id=mailbox.connection.user_id,
        organisation_id=mailbox.connection.organisation_id,
        trigger=PurgeTrigger.OWNER,
        at=timezone.now(),
    )


def list_export_decisions():
    said = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [one for one in said if one.get("purpose") == "user.export"]


@pytest.mark.clause("AN-23")
@pytest.mark.clause("WDEL")
class TestMailboxExport:
    @pytest.mark.claim("export.whole", "export.about")
    @pytest.mark.claim("export.holds")
    def test_holds_every_message_and_says_what_it_is(self, alice, mailbox, tmp_path):
        fill_mailbox(mailbox, 3)

        about, *letters, end = read_copy(
            read_finished_copy(stream_export(alice, mailbox)), tmp_path
        )

        assert about["Subject"] == "About this export"
        assert ACCOUNT in about.get_content()
        assert "does not contain: attachments" in about.get_content()
        assert [one["Subject"] for one in letters] == ["Letter 0", "Letter 1", "Letter 2"]
        assert "Number of messages: 3." in end.get_content()

    @pytest.mark.claim("export.about")
    @pytest.mark.claim("export.contents", "export.no-attachments")
    def test_holds_headers_text_and_names_of_attachments(self, alice, mailbox, tmp_path):
        make_message(
            mailbox,
            subject="Grüße",
            text="Grüße\nFrom here on",
            html="<p>Grüße",
            sender=("Bob B", "bob@example.org"),
            folders=("inbox", "important"),
            attachments=[("plän.pdf", "application/pdf", 12)],
        )

        letter = read_copy(read_finished_copy(stream_export(alice, mailbox)), tmp_path)[1]

        assert letter["Subject"] == "Grüße"
        assert letter["From"] == "Bob B <bob@example.org>"
        assert letter["X-Antares-Attachment-Not-Kept"] == "application/pdf; 12 bytes; plän.pdf"
        assert letter.get_all("X-Antares-Filed") == ["inbox", "important"]
        plain, html = letter.iter_parts()
        assert plain.get_content() == "Grüße\n>From here on\n"
        assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>Grüße\n")

    @pytest.mark.claim("export.damaged", "export.notes")
    @pytest.mark.invariant(8)
    @pytest.mark.parametrize("column", ["summary", "content"])
    def test_holds_a_note_for_a_message_that_is_damaged_and_all_others(
        self, alice, mailbox, tmp_path, column
    ):
        damaged = fill_mailbox(mailbox, 3)[1]
        model = {"summary": Message, "content": MessageBody}[column]
        (raw,) = model.objects.filter(pk=damaged.id).values_list(column, flat=True)
        row = model.objects.get(pk=damaged.id)
        row.__dict__[column] = StoredCiphertext(bytes(raw)[:-1] + bytes([bytes(raw)[-1] ^ 1]))
        row.save(update_fields=[column])

        _, *letters, end = read_copy(read_finished_copy(stream_export(alice, mailbox)), tmp_path)

        assert [one["Subject"] for one in letters] == [
            "Letter 0",
            messages.EXPORT_DAMAGED_TITLE,
            "Letter 2",
        ]
        assert f"{damaged.received_at:%Y-%m-%d %H:%M}" in letters[1].get_content()
        assert "Number of messages: 2." in end.get_content()
        assert "that Antares cannot open, each with a note: 1." in end.get_content()
        kept = Export.objects.get()
        assert (kept.outcome, kept.message_count) == (ExportOutcome.COMPLETE, 2)
        assert Alarm.objects.get().kind == "record.damaged"

    @pytest.mark.claim("feature.export")
    def test_holds_nothing_of_any_other_mailbox(self, alice, mailbox, other):
        fill_mailbox(mailbox, 1)
        make_message(other, subject="OTHER")

        assert b"OTHER" not in read_finished_copy(stream_export(alice, mailbox))

    @pytest.mark.claim("feature.export", "stored.no-copy")
    def test_is_not_kept_by_antares(self, alice, mailbox):
        fill_mailbox(mailbox, 3)
        before = dump_tables()

        assert b"Letter 2" in read_finished_copy(stream_export(alice, mailbox))

        # The row of an export has its state and numbers.
        assert list_changed_tables(before) <= TABLES_OF_A_RECORD | {"integrations_export"}

    def test_is_whole_where_there_is_no_mail(self, alice, mailbox, tmp_path):
        _, end = read_copy(read_finished_copy(stream_export(alice, mailbox)), tmp_path)

        assert "Number of messages: 0." in end.get_content()

    def test_is_had_after_the_grant_ended_elsewhere(self, alice, mailbox):
        fill_mailbox(mailbox, 1)
        Integration.objects.update(status=IntegrationStatus.REAUTH_REQUIRED)

        assert b"Letter 0" in read_finished_copy(stream_export(alice, mailbox))

    @pytest.mark.invariant(3)
    def test_is_recorded_part_by_part_with_how_many(self, alice, mailbox, monkeypatch):
        monkeypatch.setattr(mailbox_export, "MOST_MESSAGES", 2)
        fill_mailbox(mailbox, 3)

        b"".join(stream_export(alice, mailbox))

        mail = [one for one in list_export_decisions() if one["class"] == "mail.content"]
        assert [one["count"] for one in mail] == [2, 1, 0]
        assert {one["event"] for one in list_export_decisions()} == {"use.permitted"}

    def test_holds_no_more_than_a_part_in_memory(self, alice, mailbox, monkeypatch):
        monkeypatch.setattr(mailbox_export, "MOST_BYTES", 1)
        fill_mailbox(mailbox, 3)

        parts = list(stream_export(alice, mailbox))

        assert [part.count(b"Subject: Letter") for part in parts] == [0, 1, 1, 1, 0, 0]

    @pytest.mark.invariant(5)
    def test_outlives_the_permits_of_its_parts(self, alice, mailbox, monkeypatch):
        monkeypatch.setattr(mailbox_export, "MOST_MESSAGES", 1)
        fill_mailbox(mailbox, 3)
        clock = iter(timezone.now() + timedelta(minutes=2 * n) for n in range(99))

        assert b"This export is complete" in read_finished_copy(
            stream_export(alice, mailbox, now=lambda: next(clock))
        )


@pytest.mark.invariant(5)
class TestACopyThatBreaksOff:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        monkeypatch.setattr(mailbox_export, "MOST_MESSAGES", 1)

    def rest(self, parts):
        """Return the rest of it, having seen that it opens as no archive."""
        came = b"".join(parts)
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(self.begun + came))
        return came

    def begin(self, parts, count):
        self.begun = b"".join(next(parts) for _ in range(count))
        return self.begun

    @pytest.mark.claim("export.broken")
    @pytest.mark.claim("export.whole")
    @pytest.mark.claim("export.breaks-off")
    def test_says_so_when_it_is_disconnected_in_the_middle(self, alice, mailbox):
        fill_mailbox(mailbox, 3)
        parts = stream_export(alice, mailbox)
        assert b"Letter 0" in self.begin(parts, 2)

        disconnect_mailbox(mailbox)

        rest = self.rest(parts)
        assert b"NOT complete" in rest
        assert b"Letter" not in rest

    def test_says_so_when_it_is_disconnected_after_its_last_message(self, alice, mailbox):
        fill_mailbox(mailbox, 1)
        parts = stream_export(alice, mailbox)
        self.begin(parts, 2)

        disconnect_mailbox(mailbox)
        mailbox_is_empty(mailbox)

        assert b"NOT complete" in self.rest(parts)

    def test_says_so_when_the_key_goes_between_a_decision_and_opening(
        self, alice, mailbox, monkeypatch
    ):
        fill_mailbox(mailbox, 2)
        parts = stream_export(alice, mailbox)
        self.begin(parts, 2)
        grant = export_permits.to_export

        def granted(**asked):
            found = grant(**asked)
            DataKey.objects.filter(holder=mailbox.id).delete()
            return found

        monkeypatch.setattr(export_permits, "to_export", granted)

        assert b"NOT complete" in self.rest(parts)

    def test_ends_when_its_owner_leaves_the_organisation(self, alice, mailbox):
        fill_mailbox(mailbox, 2)
        parts = stream_export(alice, mailbox)
        self.begin(parts, 1)

        Membership.objects.update(left_at=timezone.now(), epoch=2)

        assert b"NOT complete" in self.rest(parts)

    def test_ends_when_it_lasts_for_longer_than_a_download_may(self, alice, mailbox):
        fill_mailbox(mailbox, 3)
        began = timezone.now()
        clock = iter(began + timedelta(minutes=50 * n) for n in range(99))

        parts = stream_export(alice, mailbox, now=lambda: next(clock))
        self.begin(parts, 1)

        assert b"NOT complete" in self.rest(parts)

    def test_is_remembered_as_that(self, alice, mailbox):
        fill_mailbox(mailbox, 2)
        parts = stream_export(alice, mailbox)
        self.begin(parts, 2)

        # Whoever downloaded it closed the browser.
        parts.close()

        export = Export.objects.get()
        assert (export.outcome, export.message_count) == (ExportOutcome.INTERRUPTED, 0)
        assert export.ended_at


@pytest.mark.invariant(1)
class TestExportRequest:
    def test_is_good_for_one_copy(self, alice, mailbox):
        export_id = mailbox_export.request_export(
            actor=alice, integration_id=mailbox.id, at=timezone.now()
        )
        b"".join(mailbox_export.stream_export(export_id=export_id, actor=alice, now=timezone.now))

        with pytest.raises(AccessRefused) as caught:
            export_permits.to_export(actor=alice, export_id=export_id, count=1, at=timezone.now())
        assert Fact.EXPORT_ASKED in caught.value.decision.missing

    @pytest.mark.claim("feature.export")
    def test_of_somebody_else_is_worth_nothing(self, alice, mailbox):
        fill_mailbox(mailbox, 1)
        export_id = mailbox_export.request_export(
            actor=alice, integration_id=mailbox.id, at=timezone.now()
        )
        home = make_organisation()
        mallory = actor_for(make_user("mallory", organisation=home), home)

        came = b"".join(
            mailbox_export.stream_export(export_id=export_id, actor=mallory, now=timezone.now)
        )

        assert ACCOUNT.encode() not in came
        assert b"Letter" not in came
        assert {one["event"] for one in list_export_decisions()} == {"use.refused"}

    def test_is_possible_for_what_is_ones_own_and_live(self, alice, mailbox):
        home = make_organisation()
        mallory = actor_for(make_user("mallory", organisation=home), home)

        with pytest.raises(mail.ObjectNotFound):
            mailbox_export.request_export(
                actor=mallory, integration_id=mailbox.id, at=timezone.now()
            )
        disconnect_mailbox(mailbox)
        with pytest.raises(mail.ObjectNotFound):
            mailbox_export.request_export(actor=alice, integration_id=mailbox.id, at=timezone.now())


class TestExportPage:
    @pytest.fixture
    def browser(self, mailbox):
        return cast.browser(mailbox.connection.user, recent=True)

    @pytest.mark.claim("export.holds", "export.no-attachments", "feature.export", "notice.rights")
    @pytest.mark.claim("export.about", "export.contents")
    def test_says_what_a_copy_holds_and_what_not(self, browser, mailbox, other, tmp_path):
        make_message(mailbox, attachments=[("plan.pdf", "application/pdf", 12)])
        fill_mailbox(mailbox, 1)
        fill_mailbox(other, 3)
        path = f"/settings/integrations/{mailbox.id}/export/"

        page = browser.get(path).content.decode()
        about, *letters, _ = read_copy(
            read_finished_copy(browser.post(path).streaming_content), tmp_path
        )

        assert "the 2 messages that Antares stores" in page
        assert len(letters) == 2
        cut = f"of a long one, the first {MAX_TEXT:,} characters"
        assert cut in page
        assert cut in " ".join(about.get_content().split())
        assert ACCOUNT in about.get_content()
        assert "Not the attachments themselves" in page
        parts = [part for letter in letters for part in letter.walk()]
        assert {part.get_content_maintype() for part in parts} == {"text", "multipart"}

    @pytest.mark.clause("AN-23")
    def test_answers_with_a_file_that_no_browser_renders_or_keeps(self, browser, mailbox):
        fill_mailbox(mailbox, 1)

        answer = browser.post(f"/settings/integrations/{mailbox.id}/export/")

        assert b"Letter 0" in read_finished_copy(answer.streaming_content)
        assert answer["Content-Type"] == "application/zip"
        assert answer["Content-Disposition"].startswith('attachment; filename="antares-mail-')
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.claim("feature.export")
    @pytest.mark.control("2.4.1")
    def test_asks_who_they_are_first(self, mailbox):
        browser = cast.browser(mailbox.connection.user)

        answer = browser.post(f"/settings/integrations/{mailbox.id}/export/")

        assert "/reauthenticate/" in answer.url
        assert not Export.objects.exists()

    def test_shows_how_the_last_copies_ended(self, browser, mailbox):
        b"".join(browser.post(f"/settings/integrations/{mailbox.id}/export/").streaming_content)

        page = browser.get(f"/settings/integrations/{mailbox.id}/export/").content.decode()

        assert "Complete" in page

    def test_shows_how_far_a_download_has_come(self, browser, mailbox, monkeypatch):
        monkeypatch.setattr(mailbox_export, "MOST_MESSAGES", 1)
        fill_mailbox(mailbox, 3)
        path = f"/settings/integrations/{mailbox.id}/export/"

        parts = iter(browser.post(path).streaming_content)
        for _ in range(3):
            next(parts)
        during = browser.get(path).text
        list(parts)
        after = browser.get(path).text

        assert "1 of 3 messages" in during
        assert "In progress" in during
        assert 'hx-trigger="every 2s"' in during
        assert "Complete" in after
        assert "every 2s" not in after

    def test_continues_after_the_password(self, mailbox):
        browser = cast.browser(mailbox.connection.user)
        path = f"/settings/integrations/{mailbox.id}/export/"
        explained = browser.get(path).text

        asked = browser.post(path)
        confirmed = browser.post(asked.url, {"password": "correct horse", "next": path})
        page = browser.get(confirmed.url).text

        assert "names of its attachments" in explained
        assert confirmed.url == path
        assert 'data-export="now"' in page
        assert "Your download starts now." in page
        # Once: a page that is loaded again starts nothing.
        assert 'data-export="now"' not in browser.get(path).text
        assert b"This export is complete" in read_finished_copy(
            browser.post(path).streaming_content
        )

    def test_gives_no_more_than_ten_an_hour(self, browser, mailbox):
        path = f"/settings/integrations/{mailbox.id}/export/"
        statuses = []
        for _ in range(11):
            answer = browser.post(path)
            statuses.append(answer.status_code)
            # Read to its end, as two are given at a time.
            answer.getvalue()

        assert statuses == [200] * 10 + [302]


def mailbox_is_empty(mailbox):
    for model in (MessageBody, Attachment, Message):
        model.objects.filter(integration_id=mailbox.id).delete()
