"""The demo's accounts: mail worth reading, and the same people in mail, calendars and Antares."""

from __future__ import annotations

import base64
import email
import io
import json
import re
import struct
import wave
import zlib
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.utils import getaddresses, parsedate_to_datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from accounts import demo_people
from config.embedded import demo_calendars, sandbox_seed
from config.embedded.demo_cast import CAST, COLLEAGUES_DOMAIN
from config.embedded.demo_mail import conversation_files, mailboxes, styled_text
from config.embedded.demo_mail.timeline import Timeline

pytestmark = pytest.mark.thorough("the demo's mail and calendars")
START = datetime(2026, 11, 25, 13, 7, 31, tzinfo=UTC)  # a Wednesday
ACCOUNTS = ("alice@antares.example", "bob@antares.example", "oddities@workshop.example")
MICROSOFT = ("alice.adler@contoso.example", "alice@fabrikam.example", "ada@fabrikam.example")


def list_accounts(seed):
    return {account["email"]: account for account in (*seed["accounts"], *seed["microsoft"])}


def parse_messages(account):
    """Return (seed's message, parsed message) of an account, as in the seed."""
    return [
        (
            message,
            email.message_from_bytes(
                base64.urlsafe_b64decode(message["raw"]), policy=policy.default
            ),
        )
        for message in account["messages"]
    ]


def group_by_thread(parsed):
    """Thread by references, as Gmail does; return lists of parsed messages."""
    threads, thread_of = defaultdict(list), {}
    for _, message in parsed:
        references = (message["References"] or "").split()
        known = [thread_of[reference] for reference in references if reference in thread_of]
        thread = thread_of[message["Message-ID"]] = known[0] if known else message["Message-ID"]
        threads[thread].append(message)
    return threads


def list_files(message):
    return {part.get_filename(): part for part in message.walk() if part.get_filename()}


@pytest.fixture(scope="module")
def seed():
    return sandbox_seed.build_demo_seed(START)


@pytest.fixture(scope="module")
def accounts(seed):
    return list_accounts(seed)


@pytest.fixture(scope="module")
def alices(accounts):
    return parse_messages(accounts["alice@antares.example"])


@pytest.fixture(scope="module")
def files(accounts):
    return {
        name: part.get_content()
        for address, account in accounts.items()
        if address != ACCOUNTS[2] and "messages" in account
        for _, message in parse_messages(account)
        for name, part in list_files(message).items()
    }


class TestDemoSeed:
    def test_is_the_same_for_the_same_minute(self, seed):
        again = sandbox_seed.build_demo_seed(START.replace(second=59))

        assert json.dumps(again) == json.dumps(seed)

    def test_of_another_hour_moves_only_the_mail_of_the_last_hours(self, alices):
        later = list_accounts(sandbox_seed.build_demo_seed(START + timedelta(hours=2)))
        moved = parse_messages(later["alice@antares.example"])

        changed = {
            message["Subject"]
            for (_, message), (_, other) in zip(alices, moved, strict=True)
            if message["Date"] != other["Date"]
        }
        assert changed == {
            "Missed call from Priya Patel",
            "Re: My birthday",
            "Your parcel arrives today",
            "Voicemail from Frank Fischer (0:06)",
        }

    def test_names_its_accounts(self, seed):
        assert tuple(account["email"] for account in seed["accounts"]) == ACCOUNTS
        assert tuple(account["email"] for account in seed["microsoft"]) == MICROSOFT

    def test_keeps_odd_mail_in_the_account_named_after_it(self, accounts):
        odd = accounts["oddities@workshop.example"]

        assert "odd messages" in odd["name"]
        assert odd["messages"][0]["subject"] == "Nine hundred fonts"
        assert odd["malformed"] > 0
        assert odd["hostile"] > 0
        assert all(
            account["malformed"] == account["hostile"] == 0
            for address, account in accounts.items()
            if account.get("mail", True) and address != odd["email"]
        )

    def test_generates_only_mail_that_is_older_than_the_service_keeps(self, accounts):
        newest = [
            datetime.fromtimestamp(account["until"] / 1000, UTC)
            for account in accounts.values()
            if "until" in account
        ]

        assert len(newest) == 4
        assert all(
            START - timedelta(days=92) < until < START - timedelta(days=90) for until in newest
        )


class TestConversations:
    def test_of_alice_are_sixty_in_the_inbox(self, alices):
        threads = group_by_thread(alices)
        inbox = group_by_thread([pair for pair in alices if {"INBOX"} & set(pair[0]["labels"])])

        assert len(threads) == len(inbox) == 60
        assert max(len(messages) for messages in threads.values()) == 9
        assert sum(len(messages) > 1 for messages in threads.values()) > 30

    @pytest.mark.parametrize(
        ("address", "count"), [("alice.adler@contoso.example", 12), ("alice@fabrikam.example", 15)]
    )
    def test_of_alice_at_customers_are_fewer(self, accounts, address, count):
        assert len(group_by_thread(parse_messages(accounts[address]))) == count

    def test_of_bob_are_those_of_alice_in_which_he_takes_part(self, accounts, alices):
        bobs = parse_messages(accounts["bob@antares.example"])
        known = {message["Message-ID"] for _, message in alices}

        assert len(group_by_thread(bobs)) > 10
        assert {message["Message-ID"] for _, message in bobs} <= known
        assert all(
            ("SENT" in values["labels"]) == ("bob@antares.example" in message["From"])
            for values, message in bobs
        )

    def test_belong_together_by_their_headers(self, alices):
        for messages in group_by_thread(alices).values():
            first, *replies = messages
            assert first["In-Reply-To"] is None
            assert {reply["Subject"] for reply in replies} <= {f"Re: {first['Subject']}"}
            for earlier, reply in zip(messages, replies, strict=False):
                assert reply["In-Reply-To"] == earlier["Message-ID"]

    def test_cover_a_life(self, alices):
        subjects = " ".join(message["Subject"] for _, message in alices)

        for subject in (
            "Framework agreement", "Invoice", "Your booking to Hamburg", "Invitation: ", "[Ticket",
            "The ferry is back", "Photos of the harbour day", "Missed call", "Reminder of your",
            "Parents' evening", "Casa Azul", "Retry missed callbacks", "Phones for five bakeries",
            "Your parcel arrives today", "Plan for the next quarter",
        ):  # fmt: skip
            assert subject in subjects

    def test_are_read_and_unread_starred_labelled_and_sent(self, alices):
        labels = [set(values["labels"]) for values, _ in alices]

        for label in ("UNREAD", "STARRED", "IMPORTANT", "SENT", "Label_1", "Label_6"):
            assert sum(label in of_message for of_message in labels) > 2
        assert sum("UNREAD" in of_message for of_message in labels) < 25

    def test_quote_the_message_that_they_answer(self, alices):
        quoting = [
            (earlier, reply)
            for messages in group_by_thread(alices).values()
            for earlier, reply in pairwise(messages)
            if " wrote:" in reply.get_body(("plain",)).get_content()
        ]

        assert len(quoting) > 5
        for earlier, reply in quoting:
            quoted = earlier.get_body(("plain",)).get_content().split(" wrote:")[0]
            assert f"> {quoted.splitlines()[0]}" in reply.get_body(("plain",)).get_content()

    @pytest.mark.parametrize("weekday", range(7))
    def test_are_in_the_past_in_order_and_without_marks_on_every_day(self, weekday):
        start = START.replace(hour=22 if weekday % 2 else 0) + timedelta(days=weekday)
        for address, account in list_accounts(sandbox_seed.build_demo_seed(start)).items():
            if address == ACCOUNTS[2] or "messages" not in account:
                continue
            parsed = parse_messages(account)
            for values, message in parsed:
                at = parsedate_to_datetime(message["Date"])
                assert values["date"] == int(at.timestamp()) * 1000
                assert start - timedelta(days=90) < at < start, message["Subject"]
                text = message["Subject"] + message.get_body(("plain",)).get_content()
                assert not re.search(r"\{\w|\*\*|^#|\]\(", text, re.MULTILINE), text
            for messages in group_by_thread(parsed).values():
                dates = [parsedate_to_datetime(message["Date"]) for message in messages]
                assert dates == sorted(dates), messages[0]["Subject"]

    def test_name_the_day_of_an_event_as_the_calendar_has_it(self, alices):
        timeline = Timeline(START)
        [reminder] = [m for _, m in alices if m["Subject"] == "Reminder of your appointment"]

        dentist = timeline.events["dentist"].start
        day = f"{dentist:%A}, {dentist.day} {dentist:%B}, {dentist:%H:%M}"
        assert day in reminder.get_body(("plain",)).get_content()


class TestAttachments:
    def test_of_kinds_that_people_send(self, files):
        endings = defaultdict(int)
        for name in files:
            endings[name.rpartition(".")[2]] += 1

        assert endings["pdf"] > 20
        assert endings["png"] > 10
        assert set(endings) == {"pdf", "png", "csv", "wav", "ics"}

    def test_pdf_have_a_table_that_points_at_their_objects(self, files):
        for name, content in files.items():
            if not name.endswith(".pdf"):
                continue
            assert content.startswith(b"%PDF-1.4\n")
            assert content.endswith(b"%%EOF\n")
            table = int(re.search(rb"startxref\n(\d+)\n", content)[1])
            assert content[table:].startswith(b"xref\n")
            offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n ", content[table:])]
            size = int(re.search(rb"/Size (\d+)", content)[1])
            assert len(offsets) == size - 1
            for number, offset in enumerate(offsets, 1):
                assert content[offset:].startswith(b"%d 0 obj\n" % number)
            for length, stream in re.findall(
                rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", content, re.DOTALL
            ):
                assert int(length) == len(stream)

    def test_png_have_right_sums_and_as_many_pixels_as_they_say(self, files):
        for name, content in files.items():
            if not name.endswith(".png"):
                continue
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            chunks, position = {}, 8
            while position < len(content):
                (length,) = struct.unpack(">I", content[position : position + 4])
                kind = content[position + 4 : position + 8]
                chunks[kind] = data = content[position + 8 : position + 8 + length]
                (total,) = struct.unpack(">I", content[position + 8 + length :][:4])
                assert total == zlib.crc32(kind + data)
                position += 12 + length
            width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
            pixels = zlib.decompress(chunks[b"IDAT"])
            assert (depth, colours) == (8, 3)
            assert len(pixels) == (width + 1) * height
            assert max(pixels) < len(chunks[b"PLTE"]) // 3 <= 256

    def test_wav_can_be_played(self, files):
        [content] = [content for name, content in files.items() if name.endswith(".wav")]
        with wave.open(io.BytesIO(content)) as recording:
            assert recording.getnframes() / recording.getframerate() == pytest.approx(6, abs=0.1)

    def test_inside_a_text_are_the_pictures_it_names(self, alices):
        named = 0
        for _, message in alices:
            html = message.get_body(("html",))
            cids = set(re.findall(r'src="cid:([^"]+)"', html.get_content())) if html else set()
            known = {
                part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]
            }
            assert cids == known
            named += len(cids)
        assert named > 3


class TestInvitation:
    @pytest.mark.parametrize(
        ("address", "subject"),
        [
            ("alice@antares.example", "Invitation: Contoso go-live check"),
            ("alice.adler@contoso.example", "Invitation: Contract with Fabrikam"),
        ],
    )
    def test_is_also_in_the_calendar(self, accounts, address, subject):
        parsed = parse_messages(accounts[address])
        [invitation] = [message for _, message in parsed if message["Subject"] == subject]
        [part] = [p for p in invitation.walk() if p.get_content_type() == "text/calendar"]
        text = re.sub(r"\r?\n ", "", part.get_content())
        fields = dict(re.findall(r"^(UID|DTSTART|DTEND|SUMMARY):(.*?)\r?$", text, re.MULTILINE))

        [event] = [
            event
            for event in accounts[address]["calendar_fields"]["events"]
            if event["iCalUID"] == fields["UID"]
        ]

        assert part.get_param("method") == "REQUEST"
        for field, name in (("DTSTART", "start"), ("DTEND", "end")):
            at = datetime.strptime(fields[field], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            assert datetime.fromisoformat(event[name]["dateTime"]) == at
        assert event["summary"] == fields["SUMMARY"]
        attendees = {attendee["email"]: attendee for attendee in event["attendees"]}
        assert attendees[address]["responseStatus"] == "needsAction"
        assert set(re.findall(r"ATTENDEE.*mailto:(.*?)\r?$", text, re.MULTILINE)) == set(attendees)
        headers = [invitation[name] for name in ("From", "To", "Cc") if invitation[name]]
        assert {address for _, address in getaddresses(headers)} == set(attendees)


class TestPeople:
    def test_at_antares_are_the_colleagues_of_the_demo(self):
        own = [
            person
            for person in (*demo_people.DEMO_PEOPLE, *demo_people.DEMO_COLLEAGUES)
            if person.platform_id not in demo_people.STRANGERS
        ]

        assert {(person.name, person.email) for person in own} == {
            (member.name, member.email)
            for member in CAST.values()
            if member.is_person and member.email.endswith(f"@{COLLEAGUES_DOMAIN}")
        }

    def test_of_mail_have_one_name_and_address_each(self, accounts):
        cast = {(member.name, member.email) for member in CAST.values()}

        for address, account in accounts.items():
            if address == ACCOUNTS[2] or "messages" not in account:
                continue
            for _, message in parse_messages(account):
                fields = [message[name] for name in ("From", "To", "Cc") if message[name]]
                assert set(getaddresses(map(str, fields))) <= cast

    def test_of_calendars_also_write_mail(self, accounts):
        senders = {
            (member.name, member.email)
            for names in (mailboxes.GOOGLE_FILES, ("contoso",), ("fabrikam",))
            for conversation in conversation_files.read_conversations(*names)
            for message in conversation.messages
            for member in (message.sender,)
        }
        attendees = {
            (attendee["displayName"], attendee["email"])
            for account in accounts.values()
            for event in account.get("calendar_fields", {}).get("events", ())
            for attendee in event.get("attendees", ())
        }

        assert len(attendees) > 12
        assert attendees <= senders
        colleagues = {pair for pair in senders if pair[1].endswith(f"@{COLLEAGUES_DOMAIN}")}
        assert {person.email for person in demo_people.DEMO_COLLEAGUES} <= {
            address for _, address in colleagues & attendees
        }


class TestDemoCalendars:
    @pytest.mark.parametrize("weekday", range(7))
    def test_have_events_with_their_own_ids_on_every_day(self, weekday):
        today = date(2026, 11, 23) + timedelta(days=weekday)
        for build in (
            demo_calendars.build_google_calendars,
            demo_calendars.build_bob_calendars,
            demo_calendars.build_outlook_calendars,
            demo_calendars.build_fabrikam_calendars,
        ):
            fields = build(today)
            events = [
                event
                for calendar in (fields, *fields.get("calendars", ()))
                for event in calendar["events"]
            ]
            assert len({event["id"] for event in events}) == len(events)
            assert len({event["iCalUID"] for event in events}) == len(events)

    def test_have_upcoming_events(self):
        events = demo_calendars.build_google_calendars(START.date())["events"]
        starts = [
            datetime.fromisoformat(event["start"]["dateTime"])
            for event in events
            if "dateTime" in event["start"]
        ]

        assert sum(START < start < START + timedelta(days=14) for start in starts) > 5

    def test_are_on_the_clock_of_berlin(self):
        event = demo_calendars.build_demo_events(date(2026, 7, 15))["dentist"]

        assert event.start.tzinfo == ZoneInfo("Europe/Berlin")
        assert (event.start.hour, event.start.minute) == (8, 15)


class TestStyledText:
    def test_joins_only_lines_that_were_wrapped(self):
        wrapped = "a " * 45 + "\nend of the sentence.\n- an item\n\nBest,\nDana"

        lines = styled_text.reflow(wrapped).splitlines()

        assert lines[0].endswith("end of the sentence.")
        assert lines[1:] == ["- an item", "", "Best,", "Dana"]

    def test_is_plain_without_marks(self):
        text = "# Title\n\n| a | **b** |\n\n[Open](https://x.example/a)\n\n~ *small*"

        assert styled_text.render_plain(text) == (
            "Title\n\na: b\n\nOpen: https://x.example/a\n\nsmall"
        )

    def test_escapes_what_is_not_a_mark(self):
        page = styled_text.render_page("<b> & co", accent="#123456", name="A & B")

        assert "&lt;b&gt; &amp; co" in page
        assert "A &amp; B" in page


class TestConversationFiles:
    @pytest.mark.parametrize(
        "block",
        [
            "key\nSubject: x\n\n-- nobody > alice | 1d 09:00\ntext",
            "key\nSubject: x\n\n-- bob > alice | 1d 09:00 | shouting\ntext",
            "key\nSubject: x\nState: gone\n\n-- bob > alice | 1d 09:00\ntext",
        ],
    )
    def test_with_unknown_people_or_marks_are_refused(self, block):
        with pytest.raises(conversation_files.InvalidConversation):
            conversation_files._parse_conversation(block)
