"""Graph's limits and faults, as the facts describe them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest

from tests.worlds.microsoft import MicrosoftSandbox

ADA = "ada@contoso.example"
BOB = "bob@fabrikam.example"
INBOX_DELTA = "/me/mailFolders/inbox/messages/delta"


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA)
    return found


@pytest.fixture
def graph(microsoft):
    with microsoft.graph(microsoft.authorize(ADA)["access_token"]) as client:
        yield client


def batch(graph, count, **more):
    """Return the answers to `count` parts, by their ids."""
    parts = [{"id": str(one), "method": "GET", "url": "/me", **more} for one in range(count)]
    answer = graph.post("/$batch", json={"requests": parts})
    assert answer.status_code == 200, answer.text
    return {int(one["id"]): one for one in answer.json()["responses"]}


def statuses(answers):
    return [answers[one]["status"] for one in sorted(answers)]


def send_at_once(*requests):
    """Return the answers to requests of which each has arrived before the next is sent."""

    def send(request):
        time.sleep(0.15 * request[0])
        return request[1]()

    with ThreadPoolExecutor(len(requests)) as at_once:
        return list(at_once.map(send, enumerate(requests)))


class TestRequestsInTenMinutes:
    def test_are_ten_thousand_and_four_at_once_unless_dialled(self, sandbox):
        dials = sandbox.dial()

        assert dials["graph_requests_per_ten_minutes"] == 10_000
        assert dials["graph_concurrency"] == 4

    def test_count_each_part_of_a_batch_and_not_the_batch(self, microsoft, graph):
        microsoft.sandbox.dial(graph_requests_per_ten_minutes=5, graph_retry_after="2.128")

        answers = batch(graph, 7)

        assert statuses(answers) == [200] * 5 + [429] * 2
        assert answers[6]["headers"]["Retry-After"] == "2.128"
        assert answers[6]["body"]["error"]["code"] == "TooManyRequests"

    def test_count_what_is_refused(self, microsoft, graph):
        microsoft.sandbox.dial(graph_requests_per_ten_minutes=3)
        for _ in range(5):
            graph.get("/me")
            microsoft.sandbox.advance(100)
        microsoft.sandbox.advance(200)

        assert graph.get("/me").status_code == 429

    def test_of_another_mailbox_are_counted_apart(self, microsoft, graph):
        microsoft.seed(BOB)
        microsoft.sandbox.dial(graph_requests_per_ten_minutes=1)
        graph.get("/me")

        with microsoft.graph(microsoft.authorize(BOB)["access_token"]) as others:
            assert others.get("/me").status_code == 200
        assert graph.get("/me").status_code == 429

    def test_are_not_limited_for_an_account_that_a_dial_names(self, microsoft, graph):
        microsoft.sandbox.dial(graph_requests_per_ten_minutes=1, graph_unlimited=f"{BOB} {ADA}")

        assert {graph.get("/me").status_code for _ in range(4)} == {200}


class TestRequestsAtOnce:
    @pytest.fixture(autouse=True)
    def slow(self, microsoft):
        microsoft.sandbox.dial(latency_seconds=0.6)

    def test_of_a_batch_are_four(self, graph):
        started = time.monotonic()

        answers = batch(graph, 8)

        assert statuses(answers) == [200] * 8
        assert time.monotonic() - started >= 2 * 0.6

    def test_of_a_batch_beside_another_request_lacks_a_place(self, graph):
        alone, answers = send_at_once(lambda: graph.get("/me"), lambda: batch(graph, 8))

        assert alone.status_code == 200
        assert statuses(answers) == [200, 200, 200, 429] * 2

    def test_leave_no_place_for_a_batch_where_four_are_under_way(self, graph):
        found = send_at_once(lambda: batch(graph, 8), lambda: batch(graph, 5))

        assert [statuses(one) for one in found] == [[200] * 8, [429] * 5]
        refused = found[1][0]["body"]["error"]
        assert "MailboxConcurrency" in refused["message"]


class TestFaultsOfSingleRequests:
    @pytest.mark.parametrize(
        ("problem", "status", "retry_after"),
        [
            ("graph_access_denied", 403, ""),
            ("graph_unavailable_for_a_while", 503, "2.5"),
            ("graph_unavailable", 503, ""),
            ("graph_throttled", 429, "2.128"),
            ("graph_throttled_silently", 429, ""),
            ("graph_too_many", 429, "1"),
        ],
    )
    def test_befall_one_request_or_one_part_of_a_batch(
        self, microsoft, graph, problem, status, retry_after
    ):
        microsoft.sandbox.fail_next(path_contains="/me", problem=problem)
        alone = graph.get("/me")
        microsoft.sandbox.fail_next(path_contains="/me", skip=1, problem=problem)
        parts = batch(graph, 3)

        assert alone.status_code == status
        assert alone.headers.get("retry-after", "") == retry_after
        assert statuses(parts) == [200, status, 200]
        assert parts[1]["headers"].get("Retry-After", "") == retry_after
        assert graph.get("/me").status_code == 200

    def test_may_be_no_json(self, microsoft, graph):
        microsoft.sandbox.fail_next(path_contains="/me", problem="graph_html")

        answer = graph.get("/me")

        assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
        assert "<html>" in answer.text

    def test_fail_whatever_depends_on_a_part(self, microsoft, graph):
        microsoft.sandbox.fail_next(path_contains="/me", problem="graph_throttled")

        answers = batch(graph, 2)
        dependent = graph.post(
            "/$batch",
            json={
                "requests": [
                    {"id": "0", "method": "GET", "url": "/me/mailFolders/nowhere"},
                    {"id": "1", "method": "GET", "url": "/me", "dependsOn": ["0"]},
                ]
            },
        ).json()["responses"]

        assert statuses(answers) == [429, 200]
        assert {one["id"]: one["status"] for one in dependent}["1"] == 424


class TestFaultsThatLast:
    @pytest.fixture
    def message(self, microsoft):
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = BOB, ADA, "Plans"
        made["Message-ID"] = "<plans@fabrikam.example>"
        made.set_content("See the file.")
        made.add_attachment(b"bytes", maintype="application", subtype="pdf", filename="plan.pdf")
        microsoft.deliver(ADA, raw=made.as_bytes())

    def read(self, graph, path, **query):
        answer = graph.get(path, params={f"${name}": said for name, said in query.items()})
        return answer.raise_for_status().json()

    def test_are_known_by_name(self, sandbox):
        with pytest.raises(RuntimeError, match="no fault"):
            sandbox.dial(graph_faults="nonsense")

    @pytest.mark.parametrize("is_faulty", [False, True])
    def test_ignore_a_select_within_expand_in_deltas(self, microsoft, graph, message, is_faulty):
        microsoft.sandbox.dial(graph_faults="delta_ignores_nested_select" if is_faulty else "")

        page = self.read(graph, INBOX_DELTA, expand="attachments($select=name,size)")
        [item] = page["value"]
        [attachment] = item["attachments"]
        microsoft.deliver(ADA, subject="Later")
        later = graph.get(page["@odata.deltaLink"]).json()["value"]

        assert attachment["name"] == "plan.pdf"
        assert ("contentBytes" in attachment) == is_faulty
        assert [one["attachments"] for one in later] == [[]]

    def test_answer_500_where_extended_properties_are_expanded(self, microsoft, graph, message):
        microsoft.sandbox.dial(graph_faults="extended_properties_500")
        expand = "singleValueExtendedProperties($filter=id eq 'String 0x1042')"

        answer = graph.get("/me/messages", params={"$expand": expand})

        assert answer.status_code == 500
        assert self.read(graph, "/me/messages")["value"]

    @pytest.mark.parametrize("is_faulty", [False, True])
    def test_leave_internet_headers_out_of_deltas(self, microsoft, graph, message, is_faulty):
        microsoft.sandbox.dial(graph_faults="delta_without_headers" if is_faulty else "")
        wanted = "subject,internetMessageHeaders"

        [told] = self.read(graph, INBOX_DELTA, select=wanted)["value"]
        [listed] = self.read(graph, "/me/messages", select=wanted)["value"]

        assert ("internetMessageHeaders" not in told) == is_faulty
        assert listed["internetMessageHeaders"]

    @pytest.mark.parametrize("is_faulty", [False, True])
    def test_leave_internet_headers_out_of_sent_items(self, microsoft, graph, is_faulty):
        microsoft.sandbox.dial(graph_faults="sent_items_without_headers" if is_faulty else "")
        draft = {"subject": "Out", "toRecipients": [{"emailAddress": {"address": BOB}}]}
        graph.post("/me/sendMail", json={"message": draft}).raise_for_status()

        [sent] = self.read(
            graph, "/me/mailFolders/sentitems/messages", select="subject,internetMessageHeaders"
        )["value"]

        assert sent["subject"] == "Out"
        assert ("internetMessageHeaders" not in sent) == is_faulty
