import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.client.antares_client import Antares, ProblemError, Retries, retries
from tests.client.scripted_server import BROKEN, TOKEN_PATH, Answer, problem

DELEGATION = UUID(int=7)
PATH = "/v1/users/me/messages"
DONE = Answer(200, {"done": True})
KEYED = {"Idempotency-Key": "one"}
# One minute is more than the deadline of these tests.
LONG_WAIT = {"Retry-After": "60"}


@pytest.fixture
def api(antares):
    return antares.act_for_person(DELEGATION, purpose="inbox.display")


class TestRepeatableRequest:
    @pytest.mark.parametrize(
        ("method", "headers"), [("GET", {}), ("POST", KEYED), ("PATCH", {"idempotency-key": "x"})]
    )
    @pytest.mark.parametrize(
        "fault",
        [
            BROKEN,
            Answer(200, {"done": True}, is_cut=True),
            problem(503, "provider-unavailable"),
            problem(429, "rate-limited", headers={"Retry-After": "0"}),
            Answer(502, b"<html>", media_type="text/html"),
        ],
        ids=["broken", "cut", "503", "429", "502"],
    )
    def test_is_sent_three_times_at_most(self, server, api, method, headers, fault):
        server.script(PATH, fault, fault, DONE)

        response = api.request(method, PATH, headers=headers)

        assert response.json() == {"done": True}
        assert server.count(PATH) == 3

    def test_with_a_file_is_sent_once(self, server, api, tmp_path):
        (tmp_path / "file").write_bytes(b"content")
        server.script(PATH, BROKEN, DONE)

        with (tmp_path / "file").open("rb") as file, pytest.raises(httpx.RemoteProtocolError):
            api.request("POST", PATH, headers=KEYED, content=file)

        assert [request.body for request in server.requests(PATH)] == [b"content"]

    def test_shares_its_deadline_with_the_requests_for_its_token(self, server, credentials):
        server.before_answer = lambda received: time.sleep(0.4 * (received.path == TOKEN_PATH))
        server.script(PATH, BROKEN, DONE)
        retries = Retries(deadline=0.6, first_wait=0.6)

        with Antares(credentials, retries=retries) as antares:
            api = antares.act_for_person(DELEGATION, purpose="inbox.display")
            with pytest.raises(httpx.RemoteProtocolError):
                api.request("GET", PATH)

        assert server.count(PATH) == 1

    def test_sends_the_same_key_and_body_each_time(self, server, api):
        server.script(PATH, BROKEN, DONE)

        api.request("POST", PATH, headers=KEYED, json={"text": "hello"})

        first, second = server.requests(PATH)
        assert first.body == second.body == b'{"text":"hello"}'
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "one"

    def test_raises_what_happened_last(self, server, api):
        server.script(PATH, BROKEN, BROKEN, problem(503, "provider-unavailable", detail="Later."))

        with pytest.raises(ProblemError, match=r"503 provider-unavailable: Later\."):
            api.request("GET", PATH)

        assert server.count(PATH) == 3

    def test_raises_the_last_broken_connection(self, server, api):
        server.script(PATH, BROKEN)

        with pytest.raises(httpx.RemoteProtocolError):
            api.request("GET", PATH)

        assert server.count(PATH) == 3

    def test_waits_for_a_request_with_the_same_key_that_is_in_progress(self, server, api):
        server.script(PATH, problem(409, "in-progress", headers={"Retry-After": "0"}), DONE)

        assert api.request("POST", PATH, headers=KEYED).json() == {"done": True}

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 422, 500])
    def test_is_not_repeated_after_an_answer(self, server, api, status):
        server.script(PATH, problem(status, "some-code"))

        with pytest.raises(ProblemError) as raised:
            api.request("GET", PATH)

        assert raised.value.status == status
        # A token that was not accepted is replaced once.
        assert server.count(PATH) == (2 if status == 401 else 1)

    def test_leaves_a_long_wait_to_the_caller(self, server, api):
        server.script(PATH, problem(429, "rate-limited", limited_by="self", headers=LONG_WAIT))
        began_at = time.monotonic()

        with pytest.raises(ProblemError) as raised:
            api.request("GET", PATH)

        assert (raised.value.retry_after, raised.value.limited_by) == (60.0, "self")
        assert server.count(PATH) == 1
        assert time.monotonic() - began_at < 5

    def test_ends_with_the_deadline_though_the_server_is_silent(self, server, credentials):
        server.before_answer = lambda received: time.sleep(0.4 * (received.path == PATH))
        server.script(PATH, DONE)
        retries = Retries(attempts=9, deadline=0.5, first_wait=0)

        with Antares(credentials, retries=retries, timeout=0.2) as antares:
            api = antares.act_for_person(DELEGATION, purpose="inbox.display")
            began_at = time.monotonic()
            with pytest.raises(httpx.ReadTimeout):
                api.request("GET", PATH)

        assert time.monotonic() - began_at < 1.5
        assert 2 <= server.count(PATH) <= 4


class TestOtherRequest:
    @pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
    @pytest.mark.parametrize("fault", [BROKEN, Answer(200, {}, is_cut=True)], ids=["broken", "cut"])
    def test_is_sent_once_though_the_connection_breaks(self, server, api, method, fault):
        server.script(PATH, fault, DONE)

        with pytest.raises(httpx.RemoteProtocolError):
            api.request(method, PATH)

        assert server.count(PATH) == 1

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_is_sent_once_though_the_server_is_busy(self, server, api, status):
        server.script(PATH, problem(status, "busy", headers={"Retry-After": "0"}), DONE)

        with pytest.raises(ProblemError):
            api.request("POST", PATH)

        assert server.count(PATH) == 1


class TestWait:
    @given(
        attempt=st.integers(1, 20),
        retry_after=st.none() | st.floats(0, 1e9),
        first_wait=st.floats(0, 1e3),
    )
    def test_is_never_shorter_than_the_server_asks_for(self, attempt, retry_after, first_wait):
        wait = Retries(first_wait=first_wait).compute_wait(attempt, retry_after)

        if retry_after is None:
            longest = first_wait * 2 ** (attempt - 1)
            assert longest / 2 <= wait <= longest
        else:
            assert retry_after <= wait <= retry_after + first_wait

    @given(
        outcomes=st.lists(
            st.none() | st.tuples(st.sampled_from([200, 429, 503]), st.integers(0, 50)),
            min_size=1,
            max_size=12,
        ),
        attempts=st.integers(1, 5),
        deadline=st.integers(1, 100),
    )
    def test_never_leads_past_the_deadline(self, outcomes, attempts, deadline):
        clock = _Clock()
        policy = Retries(attempts=attempts, deadline=deadline, first_wait=1)
        sent = []

        def send(remaining):
            sent.append(clock.now)
            assert 0 < remaining <= deadline
            outcome = outcomes[min(len(sent), len(outcomes)) - 1]
            if outcome is None:
                raise httpx.ConnectError("no")
            status, wait = outcome
            return httpx.Response(status, headers={"Retry-After": str(wait)})

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(retries, "time", clock)
            try:
                response = policy.run(send, ends_at=policy.compute_end())
            except httpx.ConnectError:
                response = None

        assert len(sent) <= attempts
        assert clock.now < deadline
        if response is not None and len(sent) < attempts and response.status_code != 200:
            # Given up early: the wait would have been too long.
            assert clock.now + float(response.headers["Retry-After"]) + 1 >= deadline


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class TestRetryAfter:
    def read(self, text):
        return retries.read_retry_after(httpx.Headers({"Retry-After": text}))

    def test_reads_seconds_and_dates(self):
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

        assert self.read(" 7 ") == 7.0
        assert 85 < self.read(later) <= 90
        assert self.read("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_reads_any_text(self, text):
        value = retries.read_retry_after(httpx.Headers({"Retry-After": text.encode()}))

        assert value is None or 0 <= value < 1e13

    @pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "٣", "9" * 4000])
    def test_ignores_what_is_no_time(self, text):
        value = retries.read_retry_after(httpx.Headers({"Retry-After": text.encode()}))

        assert value is None or value == 999_999_999_999

    @pytest.mark.parametrize(
        "text",
        [
            "Wed, 21 Oct 99999999999 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
            "Sat, 01 Jan 0001 00:00:00 +2359",
            "Fri, 31 Dec 9999 23:59:59 -2359",
        ],
    )
    def test_reads_dates_that_no_calendar_has(self, text):
        assert self.read(text) in {None, 0.0} or self.read(text) > 1e9

    def test_refuses_a_policy_that_sends_nothing(self):
        for values in ({"attempts": 0}, {"deadline": 0}, {"first_wait": -1}):
            with pytest.raises(ValueError, match="Retries need"):
                Retries(**values)
