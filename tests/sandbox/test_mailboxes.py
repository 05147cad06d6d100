import email
from collections import Counter
from email import policy
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.google.gmail.message_lists import HIDDEN
from integrations.sandbox.mail import bulk_mail, topics
from integrations.sandbox.mail.generator import MailboxRecipe, MailGenerator
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.mail.mime_parser import parse_message
from integrations.sandbox.mail.rendering import RenderingCache, render_message
from tests.bench import realistic

UNTIL = 1_790_000_000_000


def make_mailbox(**changes):
    recipe = MailboxRecipe(
        **(
            {"email": "a@example.com", "name": "Alice", "size": 400, "seed": 1, "until": UNTIL}
            | changes
        )
    )
    mailbox = SandboxMailbox(recipe.email, SandboxClock(), seed=recipe.seed)
    mailbox.add_generated(MailGenerator(recipe))
    return mailbox


def list_raw_messages(mailbox):
    return [mailbox.get_raw(entry) for entry in mailbox.iterate_newest_first()]


class TestGenerator:
    def test_repeats_itself(self):
        assert list_raw_messages(make_mailbox()) == list_raw_messages(make_mailbox())

    def test_differs_by_seed(self):
        assert list_raw_messages(make_mailbox()) != list_raw_messages(make_mailbox(seed=2))

    def test_makes_a_hundred_thousand(self):
        mailbox = make_mailbox(size=100_000)

        assert len(mailbox.entries) == len(mailbox.order) == 100_000
        assert sum(len(ids) for ids in mailbox.threads.values()) == 100_000

    def test_costs_at_least_what_is_written_down_for_a_sync(self):
        mailbox = make_mailbox(size=realistic.SIZE, seed=realistic.SEED)
        listed = (entry for entry in mailbox.entries.values() if not entry.labels & HIDDEN)

        threads = Counter(Counter(entry.thread_id for entry in listed).values())

        assert threads == realistic.THREADS
        assert realistic.least_units(threads) == realistic.LEAST_UNITS

    def test_stays_within_its_days(self):
        order = make_mailbox(days=30).order
        oldest, newest = order[0][0], order[-1][0]

        assert UNTIL - 30 * 86_400_000 <= oldest < newest <= UNTIL

    def test_shows_every_kind_of_mail(self):
        everything = b"".join(list_raw_messages(make_mailbox(size=3_000)))

        for sign in (
            b"text/calendar", b"koi8-r", b"gb18030", b"windows-1252", b"iso-8859-1",
            b"multipart/related",
            b"Content-ID", b"List-Unsubscribe", b"filename*=", b"=?utf-8?B?", b"quoted-printable",
            b"<script>", b"multipart/mixed\r\n\r\n", b"x-no-such-charset", b"open.news.example",
        ):  # fmt: skip
            assert sign in everything

    def test_writes_sentences_to_and_from_the_people_it_is_given(self):
        people = (("Bob Brandt", "bob@antares.example"),)
        mailbox = make_mailbox(
            kinds=("personal",), people=people, malformed=0.0, hostile=0.0, label_share=0.0
        )
        addresses, sentences = (
            set(),
            {
                sentence
                for topic in topics.TOPICS
                for sentence in (*topic.sentences, *topics.COMMON_SENTENCES)
            },
        )
        for raw in list_raw_messages(mailbox):
            message = email.message_from_bytes(raw, policy=policy.default)
            addresses |= {message["From"], message["To"]}
            text = message.get_body(("plain",)).get_content()
            assert any(sentence in text for sentence in sentences), text

        assert addresses == {"Alice <a@example.com>", "Bob Brandt <bob@antares.example>"}
        assert not any(
            label.startswith("Label_")
            for entry in mailbox.entries.values()
            for label in entry.labels
        )

    def test_gives_newsletters_a_headline_of_their_own_as_subject(self):
        headlines = {
            headline for stories in bulk_mail.NEWSLETTERS.values() for headline, _ in stories
        }
        messages = [
            email.message_from_bytes(raw, policy=policy.default)
            for raw in list_raw_messages(make_mailbox(malformed=0.0, hostile=0.0))
        ]
        newsletters = [message for message in messages if message["List-Unsubscribe"]]

        assert newsletters
        for message in newsletters:
            assert message["Subject"] in headlines
            assert escape(message["Subject"]) in message.get_body(("html",)).get_content()

    def test_plants_canaries_in_every_field(self):
        mailbox = make_mailbox(canary="KANARI")
        rendering_cache = RenderingCache(mailbox)
        rendered = [
            rendering_cache.render_json(entry).decode() for entry in mailbox.iterate_newest_first()
        ]
        texts = "".join(
            rendering_cache.get_rendering(entry).text for entry in mailbox.iterate_newest_first()
        )
        everything = "".join(rendered) + texts

        for field in ("subject", "from", "cc", "text", "filename", "messageid"):
            assert f"KANARI-{field}" in everything
        assert all("KANARI-subject" in message for message in rendered)
        assert "KANARI-label" in {label.name for label in mailbox.labels.values()}


class TestRendering:
    def test_agrees_with_the_standard_library(self):
        for raw in list_raw_messages(make_mailbox(malformed=0.0, hostile=0.0)):
            parsed_parts = [part for part in parse_message(raw).list_parts() if part.is_leaf]
            parsed = email.message_from_bytes(raw, policy=policy.compat32)
            library_parts = [part for part in parsed.walk() if not part.is_multipart()]

            assert [part.mime_type for part in parsed_parts] == [
                part.get_content_type() for part in library_parts
            ]
            for part, library_part in zip(parsed_parts, library_parts, strict=True):
                assert part.decode_body().rstrip(b"\r\n") == library_part.get_payload(
                    decode=True
                ).rstrip(b"\r\n")

    def test_survives_five_thousand_parts_inside_each_other(self):
        mailbox = make_mailbox(size=5, nested_parts=5_000)
        rendering_cache = RenderingCache(mailbox)

        assert all(rendering_cache.render_json(entry) for entry in mailbox.iterate_newest_first())

    @given(st.binary(max_size=400))
    def test_survives_anything(self, raw):
        assert render_message(raw, payload_utf8=True).size == len(raw)

    @given(
        st.lists(
            st.sampled_from(
                [
                    b"Content-Type: multipart/mixed; boundary=x\r\n",
                    b"\r\n",
                    b"--x\r\n",
                    b"--x--",
                    b"\n",
                    b"Content-Transfer-Encoding: base64\r\n",
                    b"Subject: =?utf-8?B?/w==?=\r\n",
                    b"===",
                    b"Content-Disposition: attachment; filename*0*=x''%\r\n",
                    b"\xff\x00",
                    b"Content-Type: text/plain; charset=\r\n",
                    b" folded\r\n",
                ]
            ),
            max_size=30,
        )
    )
    def test_survives_broken_mime(self, pieces):
        raw = b"".join(pieces)

        assert render_message(raw, payload_utf8=True).size == len(raw)

    def test_keeps_to_its_memory(self):
        mailbox = make_mailbox(size=300)
        rendering_cache = RenderingCache(mailbox)
        rendering_cache.limit = 100_000

        for entry in mailbox.iterate_newest_first():
            rendering_cache.render_json(entry)

        assert rendering_cache.size_in_memory <= 100_000


class TestMailboxHistory:
    @pytest.mark.parametrize("wrong", [-1, 1])
    def test_knows_only_ids_it_handed_out(self, wrong):
        mailbox = make_mailbox(size=3)
        start = mailbox.history_id
        mailbox.expire_history()

        assert mailbox.get_changes_since(start) is None
        assert mailbox.get_changes_since(mailbox.history_id) == []
        assert mailbox.get_changes_since(mailbox.history_id + 100) is None

    @given(st.lists(st.sampled_from(["add", "trash", "delete", "star"]), max_size=30))
    def test_replays_to_the_same_mailbox(self, steps):
        mailbox = make_mailbox(size=10)
        known = {entry.id: entry.labels for entry in mailbox.iterate_newest_first()}
        start = mailbox.history_id

        for step in steps:
            target = next(mailbox.iterate_newest_first(), None)
            if step == "add":
                mailbox.add_message(b"Subject: x\r\n\r\n", ["INBOX"])
            elif target and step == "trash":
                mailbox.trash_message(target)
            elif target and step == "star":
                mailbox.relabel(target, add=["STARRED"])
            elif target:
                mailbox.delete_message(target)

        for change in mailbox.get_changes_since(start):
            if change.kind == "messagesDeleted":
                del known[change.message_id]
            else:
                known[change.message_id] = change.labels
        assert known == {entry.id: entry.labels for entry in mailbox.iterate_newest_first()}

    @pytest.mark.parametrize(("count", "name"), [(100, "a" * 100), (10_000, "")])
    def test_looks_for_no_file_name_in_a_long_header(self, count, name):
        raw = b'Content-Type: text/plain; name="' + b"a" * count + b'"\r\n\r\nx'

        assert parse_message(raw).filename == name
