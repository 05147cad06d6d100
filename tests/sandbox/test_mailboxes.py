import email
from collections import Counter
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.clock import Clock
from integrations.sandbox.google.gmail.listing import HIDDEN
from integrations.sandbox.mail.generator import Generator, Recipe
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.mail.rendering import Gallery, render
from integrations.sandbox.mail.splitting import split
from tests.bench import realistic

UNTIL = 1_790_000_000_000


def mailbox(**changes):
    recipe = Recipe(
        **(
            {"email": "a@example.com", "name": "Alice", "size": 400, "seed": 1, "until": UNTIL}
            | changes
        )
    )
    box = Mailbox(recipe.email, Clock(), seed=recipe.seed)
    box.fill(Generator(recipe))
    return box


def raws(box):
    return [box.raw(entry) for entry in box.newest_first()]


class TestGenerator:
    def test_repeats_itself(self):
        assert raws(mailbox()) == raws(mailbox())

    def test_differs_by_seed(self):
        assert raws(mailbox()) != raws(mailbox(seed=2))

    def test_makes_a_hundred_thousand(self):
        box = mailbox(size=100_000)

        assert len(box.entries) == len(box.order) == 100_000
        assert sum(len(ids) for ids in box.threads.values()) == 100_000

    def test_costs_at_least_what_is_written_down_for_a_sync(self):
        box = mailbox(size=realistic.SIZE, seed=realistic.SEED)
        shown = (one for one in box.entries.values() if not one.labels & HIDDEN)

        threads = Counter(Counter(one.thread_id for one in shown).values())

        assert threads == realistic.THREADS
        assert realistic.least_units(threads) == realistic.LEAST_UNITS

    def test_stays_within_its_days(self):
        order = mailbox(days=30).order
        oldest, newest = order[0][0], order[-1][0]

        assert UNTIL - 30 * 86_400_000 <= oldest < newest <= UNTIL

    def test_shows_every_kind_of_mail(self):
        everything = b"".join(raws(mailbox(size=3_000)))

        for sign in (
            b"text/calendar", b"koi8-r", b"gb18030", b"windows-1252", b"iso-8859-1",
            b"multipart/related",
            b"Content-ID", b"List-Unsubscribe", b"filename*=", b"=?utf-8?B?", b"quoted-printable",
            b"<script>", b"multipart/mixed\r\n\r\n", b"x-no-such-charset", b"open.news.example",
        ):  # fmt: skip
            assert sign in everything

    def test_plants_canaries_in_every_field(self):
        box = mailbox(canary="KANARI")
        gallery = Gallery(box)
        shown = [gallery.message(entry).decode() for entry in box.newest_first()]
        texts = "".join(gallery.rendering(entry).text for entry in box.newest_first())
        everything = "".join(shown) + texts

        for field in ("subject", "from", "cc", "text", "filename", "messageid"):
            assert f"KANARI-{field}" in everything
        assert all("KANARI-subject" in each for each in shown)
        assert "KANARI-label" in {label.name for label in box.labels.values()}


class TestRendering:
    def test_agrees_with_the_standard_library(self):
        for raw in raws(mailbox(malformed=0.0, hostile=0.0)):
            ours = [part for part in split(raw).walk() if part.is_leaf]
            parsed = email.message_from_bytes(raw, policy=policy.compat32)
            theirs = [part for part in parsed.walk() if not part.is_multipart()]

            assert [part.mime_type for part in ours] == [part.get_content_type() for part in theirs]
            for our, their in zip(ours, theirs, strict=True):
                assert our.decoded().rstrip(b"\r\n") == their.get_payload(decode=True).rstrip(
                    b"\r\n"
                )

    def test_survives_five_thousand_parts_inside_each_other(self):
        box = mailbox(size=5, nested_parts=5_000)
        gallery = Gallery(box)

        assert all(gallery.message(entry) for entry in box.newest_first())

    @given(st.binary(max_size=400))
    def test_survives_anything(self, raw):
        assert render(raw, payload_utf8=True).size == len(raw)

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

        assert render(raw, payload_utf8=True).size == len(raw)

    def test_keeps_to_its_memory(self):
        box = mailbox(size=300)
        gallery = Gallery(box)
        gallery.limit = 100_000

        for entry in box.newest_first():
            gallery.message(entry)

        assert gallery.weight <= 100_000


class TestHistory:
    @pytest.mark.parametrize("wrong", [-1, 1])
    def test_knows_only_ids_it_handed_out(self, wrong):
        box = mailbox(size=3)
        start = box.history_id
        box.expire_history()

        assert box.changes_since(start) is None
        assert box.changes_since(box.history_id) == []
        assert box.changes_since(box.history_id + 100) is None

    @given(st.lists(st.sampled_from(["add", "trash", "delete", "star"]), max_size=30))
    def test_replays_to_the_same_mailbox(self, steps):
        box = mailbox(size=10)
        known = {entry.id: entry.labels for entry in box.newest_first()}
        start = box.history_id

        for step in steps:
            target = next(box.newest_first(), None)
            if step == "add":
                box.add(b"Subject: x\r\n\r\n", ["INBOX"])
            elif target and step == "trash":
                box.trash(target)
            elif target and step == "star":
                box.relabel(target, add=["STARRED"])
            elif target:
                box.delete(target)

        for change in box.changes_since(start):
            if change.kind == "messagesDeleted":
                del known[change.message_id]
            else:
                known[change.message_id] = change.labels
        assert known == {entry.id: entry.labels for entry in box.newest_first()}

    @pytest.mark.parametrize(("count", "name"), [(100, "a" * 100), (10_000, "")])
    def test_looks_for_no_file_name_in_a_long_header(self, count, name):
        raw = b'Content-Type: text/plain; name="' + b"a" * count + b'"\r\n\r\nx'

        assert split(raw).filename == name
