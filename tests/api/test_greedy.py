"""A person who asks for more at a time than their share, as their pages and the API answer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic

import pytest
from django.db import connection

from integrations.coordination import person_slots
from integrations.coordination.person_slots import STREAM_SLOTS, WAIT_SLOTS
from integrations.grants import admission_control, provider_calls, quota_buckets
from integrations.mail.file_stream import FIRST_BYTES
from integrations.models import Export
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from integrations.web import retry_pages
from tests.api import cast, schema
from tests.integrations.mail.test_attachments import PICTURE

V1 = "/v1/users/me"
LIMIT = 6_000


@pytest.fixture
def place(alice):
    return cast.make_remote_attachment_ref(alice)


@pytest.fixture
def waits(alice):
    """Two requests of Alice's that wait for a provider."""
    lent = [WAIT_SLOTS.lend_slot(alice.user.id), WAIT_SLOTS.lend_slot(alice.user.id)]
    yield lent
    for slot in lent:
        slot.give_back()


def make_remote_file_path(place, more: str = "") -> str:
    return f"/inbox/elsewhere/{place.integration_id}/{place.row}/{place.seal}/{more}"


@pytest.mark.claim("problem.too-many-waits")
class TestAThirdWait:
    """Refused at once, whatever it waits for; the provider is not asked."""

    def test_of_a_search_says_so_and_posts_the_same_again_by_itself(self, hers, waits, mailbox):
        asked = len(mailbox.calls)

        page = hers.post("/inbox/search/", {"words": "plans & <ideas>"})

        assert page.status_code == 429
        assert page["Retry-After"] == "2"
        assert "Two of your requests are waiting for a provider." in page.text
        assert "The search continues automatically." in page.text
        assert 'hx-post="/inbox/search/" hx-trigger="every 2s" hx-target="#content"' in page.text
        assert '<input type="hidden" name="words" value="plans &amp; &lt;ideas&gt;">' in page.text
        assert len(mailbox.calls) == asked

    def test_of_a_search_further_back_keeps_where_it_goes_on(self, hers, waits, alice):
        given = {
            "words": "plans",
            "before": "2026-11-20T10:00:00+0000",
            "only": str(alice.integration.id),
        }

        page = hers.post("/inbox/search/", given)

        again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        again.pop("csrfmiddlewaretoken", None)
        assert again == given

    def test_of_a_message_that_is_not_kept_asks_again_by_itself(self, hers, waits, place):
        page = hers.get(make_remote_file_path(place))

        assert page.status_code == 429
        assert page["Refresh"] == f"2; url={make_remote_file_path(place)}?again=1"
        assert "This page tries again automatically." in page.text

    def test_of_its_text_asks_again_in_its_frame(self, hers, waits, place):
        frame = hers.get(make_remote_file_path(place, "body/"))

        assert frame.status_code == 429
        assert frame["Refresh"] == f"2; url={make_remote_file_path(place, 'body/')}?again=1"
        assert frame["X-Frame-Options"] == "SAMEORIGIN"
        assert "sandbox" in frame["Content-Security-Policy"]
        assert "The text appears in a moment." in frame.text

    def test_of_pictures_asks_again_in_the_frame_of_their_text(self, alice, hers, waits, mailbox):
        mailbox.deliver(PICTURE)
        alice.settle()
        message = alice.messages.filter(has_attachments=False).latest("received_at")
        asked = len(mailbox.calls)

        frame = hers.get(f"/inbox/messages/{message.id}/body/")

        assert frame.status_code == 429
        assert frame["Refresh"] == f"2; url=/inbox/messages/{message.id}/body/?again=1"
        assert frame["X-Frame-Options"] == "SAMEORIGIN"
        assert len(mailbox.calls) == asked
        waits.pop().give_back()
        assert "data:image/png" in hers.get(f"/inbox/messages/{message.id}/body/?again=1").text

    def test_of_a_file_begins_it_by_itself(self, hers, waits, mine, place, alice):
        for address in (
            make_remote_file_path(place, "file/"),
            f"/inbox/messages/{mine.message}/attachments/{mine.attachment}/",
        ):
            page = hers.get(address)

            assert page.status_code == 429
            assert page["Refresh"] == f"2; url={address}?again=1"
        assert STREAM_SLOTS.count_lent(alice.user.id) == 0

    def test_of_the_api_is_a_problem_that_says_when(self, hers, waits, mine, alice):
        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        said = schema.problem(answer, 429, "too-many-waits")
        assert said["limited_by"] == "self"
        assert answer["Retry-After"] == "2"
        assert STREAM_SLOTS.count_lent(alice.user.id) == 0

    def test_by_a_feature_counts_for_the_person_it_acts_for(self, widget, waits, mine):
        answer = widget.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        schema.problem(answer, 429, "too-many-waits")

    def test_takes_nothing_from_anybody_else(self, bob, waits):
        assert cast.browser(bob.user).post("/inbox/search/", {"words": "x"}).status_code == 200

    def test_is_answered_once_one_of_the_two_has_ended(self, hers, waits, place):
        waits.pop().give_back()

        assert hers.get(make_remote_file_path(place)).status_code == 200
        assert hers.post("/inbox/search/", {"words": cast.MARKER}).status_code == 200

    def test_leaves_what_is_kept_here_alone(self, hers, waits, mine):
        for address in (
            "/inbox/",
            f"/inbox/threads/{mine.thread}/",
            f"/inbox/messages/{mine.message}/body/",
            f"{V1}/messages/{mine.message}",
        ):
            assert hers.get(address).status_code == 200

    def test_is_asked_again_ten_times_and_not_for_ever(self, hers, waits, place):
        page, times = hers.get(make_remote_file_path(place)), 0
        while "Refresh" in page:
            times += 1
            page = hers.get(page["Refresh"].partition("url=")[2])

        assert times == retry_pages.MAX_RETRIES
        assert page.status_code == 429
        assert "automatically" not in page.text

    @pytest.mark.parametrize("again", ["-1", "x", "9999999", "\u0663", ""])
    def test_is_asked_again_from_the_beginning_where_the_count_is_none(
        self, hers, waits, place, again
    ):
        page = hers.get(make_remote_file_path(place), {"again": again})

        assert page["Refresh"] == f"2; url={make_remote_file_path(place)}?again=1"


class TestAThirdStream:
    @pytest.fixture
    def begin(self, hers, mine, alice) -> dict[str, Callable]:
        """How each kind of file is asked for."""
        recent = cast.browser(alice.user, recent=True)
        return {
            "csv": lambda: hers.get("/settings/activity/activity.csv"),
            "json": lambda: hers.get("/settings/activity/activity.json"),
            "copy": lambda: recent.post(f"/settings/integrations/{mine.integration}/export/"),
            "file": lambda: hers.get(
                f"/inbox/messages/{mine.message}/attachments/{mine.attachment}/"
            ),
            "api": lambda: hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}"),
        }

    @pytest.mark.parametrize("name", ["csv", "json", "copy", "file", "api"])
    def test_is_refused_until_one_of_two_has_ended_or_was_closed(self, begin, alice, name):
        first, second = begin["csv"](), begin["json"]()

        third = begin[name]()

        assert third.status_code == 429
        assert third["Retry-After"] == "5"
        assert "Start this download when one of them is finished." in third.text
        assert not Export.objects.exists()
        cast.go_away(first)
        fourth = begin[name]()
        assert fourth.status_code == 200
        second.getvalue()
        fourth.getvalue()
        assert STREAM_SLOTS.count_lent(alice.user.id) == 0

    @pytest.mark.parametrize("name", ["copy", "file", "api"])
    def test_is_not_used_up_by_clients_that_go_away(self, begin, alice, name):
        for _ in range(5):
            answer = begin[name]()
            assert answer.status_code == 200, answer
            next(iter(answer))
            cast.go_away(answer)

        assert STREAM_SLOTS.count_lent(alice.user.id) == 0

    def test_is_not_used_up_by_files_that_break_off(self, begin, alice, mailbox):
        def break_off_after_first_bytes():
            yield bytes(FIRST_BYTES)
            raise errors.Unavailable("Google stopped answering")

        mailbox.attached = lambda: FileDownload(break_off_after_first_bytes())
        for _ in range(5):
            answer = begin["api"]()
            assert answer.status_code == 200
            with pytest.raises(Exception, match=r"^$"):
                answer.getvalue()

        assert STREAM_SLOTS.count_lent(alice.user.id) == 0


class TestLargeFile:
    def test_is_sent_while_it_arrives(self, hers, mine, mailbox):
        arrived = []

        def pieces():
            for number in range(3):
                arrived.append(number)
                yield b"%d" % number * FIRST_BYTES

        mailbox.attached = lambda: FileDownload(pieces(), size=3 * FIRST_BYTES)

        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")
        parts = iter(answer)

        assert answer["Content-Length"] == str(3 * FIRST_BYTES)
        assert (next(parts), arrived) == (b"0" * FIRST_BYTES, [0])
        assert (next(parts), arrived) == (b"1" * FIRST_BYTES, [0, 1])
        assert b"".join(parts) == b"2" * FIRST_BYTES

    def test_of_a_size_that_nobody_said_has_no_length(self, hers, mine, mailbox):
        mailbox.attached = lambda: FileDownload(iter((b"one", b"two")))

        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        assert "Content-Length" not in answer
        assert answer.getvalue() == b"onetwo"


class TestQuota:
    @pytest.fixture(autouse=True)
    def limited(self, settings, alice):
        """Have workers use up the quota of Alice's mailbox."""
        settings.GMAIL_UNITS_PER_MINUTE = LIMIT
        limit = quota_buckets.MailboxRateLimit(LIMIT)
        for _ in range(2):
            quota_buckets.draw_quota_units(
                connection_id=alice.connection.id, units=5_000, least_units=1, limit=limit
            )

    def let_pass(self, seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE integrations_quotabucket"
                " SET counted_at = counted_at - %s * interval '1 second'",
                [seconds],
            )

    def test_is_waited_for_a_second_at_most_and_the_search_goes_on_by_itself(self, hers, mailbox):
        asked, began = len(mailbox.calls), monotonic()

        page = hers.post("/inbox/search/", {"words": cast.MARKER})

        assert monotonic() - began < person_slots.QUOTA_PATIENCE + 1
        assert page.status_code == 503
        assert 1 <= int(page["Retry-After"]) <= 10
        assert len(mailbox.calls) == asked
        (target,) = set(re.findall(r'hx-target="(#[^"]+)"', page.text))
        assert f'<section id="{target[1:]}"' in page.text
        (again,) = re.findall(r'hx-post="/inbox/search/" hx-trigger="every (\d+)s"', page.text)
        assert again == page["Retry-After"]
        self.let_pass(int(again))
        given = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
        found = hers.post("/inbox/search/", given)
        assert found.status_code == 200
        assert cast.MARKER in found.text
        assert f'<section id="{target[1:]}"' in found.text
        assert "automatically" not in found.text

    def test_that_is_used_up_has_a_message_asked_for_again(self, hers, place):
        page = hers.get(make_remote_file_path(place))

        assert page.status_code == 503
        assert (
            page["Refresh"] == f"{page['Retry-After']}; url={make_remote_file_path(place)}?again=1"
        )
        assert "This page tries again" in page.text
        self.let_pass(int(page["Retry-After"]))
        assert hers.get(f"{make_remote_file_path(place)}?again=1").status_code == 200

    def test_that_is_used_up_has_its_text_asked_for_again(self, hers, place):
        frame = hers.get(make_remote_file_path(place, "body/"))

        assert frame.status_code == 503
        assert frame["Refresh"].endswith(f"; url={make_remote_file_path(place, 'body/')}?again=1")
        assert frame["X-Frame-Options"] == "SAMEORIGIN"

    def test_that_is_used_up_has_a_file_begun_by_itself(self, hers, mine, alice):
        address = f"/inbox/messages/{mine.message}/attachments/{mine.attachment}/"

        page = hers.get(address)

        assert page.status_code == 503
        assert page["Refresh"] == f"{page['Retry-After']}; url={address}?again=1"
        assert "The download starts automatically." in page.text
        assert STREAM_SLOTS.count_lent(alice.user.id) == 0
        self.let_pass(int(page["Retry-After"]))
        assert hers.get(f"{address}?again=1").status_code == 200

    def test_that_is_used_up_is_said_by_the_api(self, hers, mine):
        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        said = schema.problem(answer, 503, "provider-rate-limited")
        assert said["limited_by"] == "self"
        assert 1 <= int(answer["Retry-After"]) <= 10

    def test_is_waited_for_one_second_by_all_calls_of_a_request_together(self, alice, monkeypatch):
        self.let_pass(quota_buckets.PATIENCE)
        slept: list[float] = []
        monkeypatch.setattr(admission_control.time, "sleep", slept.append)

        def call_often():
            with (
                person_slots.hold_wait_slot(),
                provider_calls.open_mailbox(alice.connection.id) as (_, call),
            ):
                for _ in range(100):
                    call(7, lambda adapter: adapter.get_label_names())

        with pytest.raises(errors.RateLimited):
            call_often()

        assert 3 < len(slept) < 100
        assert sum(slept) <= person_slots.QUOTA_PATIENCE


class TestAFileThatTheProviderCutsShort:
    """A short one, of which nothing has been answered when it is noticed."""

    @pytest.fixture
    def address(self, alice, mailbox):
        mine = cast.get_owned_ids(alice)
        mailbox.attached = lambda: FileDownload(iter([b"eight..."]), size=9)
        return f"{mine.message}/attachments/{mine.attachment}"

    def test_is_a_problem_of_the_api(self, hers, address):
        schema.problem(hers.get(f"{V1}/messages/{address}"), 503, "provider-unavailable")
