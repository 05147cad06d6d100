from uuid import UUID

import pytest

from config.client.antares_client import ProblemError, Refused, UnexpectedResponse
from integrations.urls.api.openapi_examples import read_examples
from tests.client.scripted_server import Answer, problem

PATH = "/v1/users/me/messages"
[REFUSAL] = [
    refusal["body"]
    for refusal in read_examples()["refusals"]
    if refusal["body"]["code"] == "limited-use-refused"
]


@pytest.fixture
def send(server, antares):
    def send(answer):
        server.script(PATH, answer)
        api = antares.act_for_person(UUID(int=1), purpose="inbox.display")
        return api.request("POST", PATH)

    return send


class TestProblem:
    def test_becomes_an_exception_with_its_members(self, send):
        answer = problem(
            400,
            "bad-request",
            headers={"Retry-After": "7"},
            detail="Wrong.",
            request_id="abc",
            errors=[{"parameter": "limit", "detail": "Too large."}],
        )

        with pytest.raises(ProblemError, match=r"400 bad-request: Wrong\.") as raised:
            send(answer)

        error = raised.value
        assert not isinstance(error, Refused)
        assert (error.status, error.code, error.request_id) == (400, "bad-request", "abc")
        assert (error.title, error.detail) == ("bad-request", "Wrong.")
        assert error.errors == [{"parameter": "limit", "detail": "Too large."}]
        assert (error.retry_after, error.limited_by) == (7.0, None)

    def test_may_have_members_of_other_types(self, send):
        with pytest.raises(ProblemError) as raised:
            send(Answer(400, {"code": 7, "errors": "x"}, media_type="application/problem+json"))

        assert (raised.value.code, raised.value.errors) == ("", [])

    def test_may_have_a_code_of_a_newer_service(self, send):
        with pytest.raises(ProblemError) as raised:
            send(problem(409, "new-code"))

        assert raised.value.code == "new-code"


class TestRefusal:
    def test_names_rule_and_clauses(self, send):
        with pytest.raises(Refused) as raised:
            send(Answer(403, REFUSAL, media_type="application/problem+json; charset=utf-8"))

        refusal = raised.value
        assert (refusal.rule, refusal.clauses) == (REFUSAL["rule"], REFUSAL["clauses"])
        assert (refusal.purpose, refusal.recipient) == ("marketing", "platform_feature")
        assert refusal.data_class == "mail.metadata"
        assert refusal.ledger_entry == UUID(REFUSAL["ledger_entry"])

    def test_may_lack_its_members(self, send):
        with pytest.raises(Refused) as raised:
            send(problem(403, "limited-use-refused", ledger_entry="x", clauses=None))

        refusal = raised.value
        assert (refusal.rule, refusal.clauses, refusal.ledger_entry) == ("", [], None)


class TestOtherResponse:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer(502, b"<html>Bad gateway", media_type="text/html"),
            Answer(500, {"code": "x"}),
            Answer(500, b"{", media_type="application/problem+json"),
            Answer(500, b"[]", media_type="application/problem+json"),
            Answer(500, b"[" * 100_000, media_type="application/problem+json"),
            Answer(500, b"\xff\xfe", media_type="application/problem+json"),
            Answer(304, b""),
        ],
        ids=["page", "other JSON", "cut", "list", "deep", "bytes", "redirect"],
    )
    def test_is_unexpected(self, send, answer):
        with pytest.raises(UnexpectedResponse) as raised:
            send(answer)

        assert raised.value.status == answer.status
