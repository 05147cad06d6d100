"""What may be asked, and what is said to everything else."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.mail.api.serializers import MailListQuerySerializer, MessageListQuerySerializer
from integrations.web.problem_catalogue import EXPLAINED
from tests.api import cast, schema

V1 = "/v1/users/me"
LISTS = ("messages", "threads")
UNKNOWN = str(UUID(int=7))


class TestAParameter:
    @pytest.mark.parametrize("where", LISTS)
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "0"), ("limit", "201"), ("limit", "-1"), ("limit", "many"), ("limit", ""),
            ("limit", "9" * 2000), ("limit", "1e2"), ("limit", "nan"),
            ("unread", "maybe"), ("starred", "2"), ("has_attachments", "None!"),
            ("unread", "yes"), ("starred", "1"), ("cursor", ""),
            ("connection_id", "1"), ("connection_id", "' OR 1=1 --"),
            ("folder", "x" * 33), ("folder", "a\0b"), ("folder", ""), ("folder", "nowhere"),
            ("received_after", "yesterday"), ("received_after", "2026-01-01T00:00:00"),
            ("received_after", "2026-13-01T00:00:00Z"),
            ("received_before", "0001-01-01T00:00:00+14:00"),
            ("received_before", "9999-12-31T23:59:59-14:00"),
            ("sort", "size"), ("q", "secret"), ("user_id", UNKNOWN), ("format", "xml"),
            ("organisation_id", UNKNOWN), ("limit[]", "5"), ("Limit", "5"),
            ("purpose", "marketing"),
        ],
    )  # fmt: skip
    @pytest.mark.control("5.1.8")
    def test_that_is_unknown_or_out_of_bounds_is_named(self, hers, where, name, value):
        body = schema.problem(hers.get(f"{V1}/{where}", {name: value}), 400, "bad-request")

        assert [one["parameter"] for one in body["errors"]] == [name]
        assert all(one["detail"] for one in body["errors"])

    @pytest.mark.parametrize("name", sorted(MessageListQuerySerializer().get_fields()))
    @pytest.mark.control("5.1.1")
    def test_given_twice_is_refused_not_chosen_from(self, hers, name):
        body = schema.problem(hers.get(f"{V1}/messages?{name}=1&{name}=2"), 400, "bad-request")

        assert [one["parameter"] for one in body["errors"]] == [name]

    @pytest.mark.control("5.1.8")
    def test_that_is_wrong_is_named_beside_every_other(self, hers):
        """A client mends all of them after one answer."""
        query = "limit=0&folder=nowhere&q=secret&starred=true&starred=false&unread=maybe"

        body = schema.problem(hers.get(f"{V1}/messages?{query}"), 400, "bad-request")

        assert {one["parameter"]: one["detail"] for one in body["errors"]} == {
            "limit": "Ensure this value is greater than or equal to 1.",
            "folder": "There is no such folder.",
            "unread": "Must be a valid boolean.",
            "starred": "This parameter is repeated.",
            "q": "This parameter is unknown.",
        }

    @pytest.mark.parametrize("where", ["messages/{message}", "threads/{thread}", "connections",
                                       "connections/{connection}",
                                       "messages/{message}/attachments/{attachment}"])  # fmt: skip
    def test_is_unknown_where_there_are_none(self, hers, mine, where):
        answer = hers.get(f"{V1}/{where}".format(**vars(mine)), {"limit": "5"})

        assert schema.problem(answer, 400, "bad-request")["errors"][0]["parameter"] == "limit"

    def test_of_a_list_of_threads_is_not_a_thread(self, hers, mine):
        schema.problem(hers.get(f"{V1}/threads", {"thread_id": mine.thread}), 400, "bad-request")

    @pytest.mark.parametrize("where", LISTS)
    def test_of_the_greatest_limit_is_taken(self, hers, where):
        assert schema.check_answer(hers.get(f"{V1}/{where}?limit=200"))["has_more"] is False

    @pytest.mark.parametrize(
        "given",
        [
            {"limit": "0"}, {"limit": "many"}, {"limit": "9" * 2000}, {"unread": "maybe"},
            {"cursor": ""}, {"connection_id": "1"}, {"folder": "nowhere"}, {"folder": ""},
            {"thread_id": "x"}, {"received_after": "yesterday"},
            {"received_before": "2026-01-01T00:00:00"},
            {"limit": "-1", "starred": "2", "connection_id": "x", "folder": "a\0b"},
        ],
    )  # fmt: skip
    def test_is_refused_in_the_words_of_a_serializer_of_its_own(self, hers, given):
        """One serializer checks all requests: neither is anything of the request before left."""
        alone = MessageListQuerySerializer(data=given)
        assert not alone.is_valid()
        expected = [
            {"parameter": name, "detail": " ".join(words)} for name, words in alone.errors.items()
        ]

        for _ in range(2):
            assert hers.get(f"{V1}/messages", given).json()["errors"] == expected
            assert hers.get(f"{V1}/messages", {"limit": "1"}).status_code == 200
            assert len(hers.get(f"{V1}/messages").json()["data"]) > 1

    @given(
        name=st.sampled_from(sorted(MailListQuerySerializer().get_fields())),
        value=st.text(max_size=40),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    @pytest.mark.control("5.1.8")
    def test_of_whatever_text_is_never_a_bug(self, hers, name, value):
        answer = hers.get(f"{V1}/messages", {name: value.encode(errors="replace")})

        assert answer.status_code in {200, 400}
        schema.check_answer(answer)


class TestAnAddress:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1/", "/v1", "/v1/nothing", "/v1/users/me", "/v1/users/me/messages/",
            "/v1/users/me/messages/1", "/v1/users/me/messages/../connections",
            "/v1/users//messages", "/v1/users/me/messages/%00", "/v1/users/me/nothing",
            "/v1/users/me/messages/%F0%9F%92%A9/<script>", "/v1/users/me/messages/%ff",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
    @pytest.mark.control("5.1.10")
    def test_that_is_none_is_a_problem_for_everybody(self, db, path, method):
        answer = getattr(Client(enforce_csrf_checks=True), method)(path)

        schema.problem(answer, 404, "not-found")

    @pytest.mark.parametrize("user", [UNKNOWN, "ME", "alice", "0", "me%20", "%2e%2e", "me;x"])
    def test_of_another_person_is_not_there(self, hers, user):
        schema.problem(hers.get(f"/v1/users/{user}/messages"), 404, "not-found")

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_says_which_methods_it_has(self, hers, method):
        answer = getattr(hers, method)(f"{V1}/messages")

        schema.problem(answer, 405, "method-not-allowed")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_answers_options_with_methods_alone(self, hers):
        answer = hers.options(f"{V1}/messages")

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert "no-store" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "*/*;q=0", "…"])
    def test_answers_json_whatever_is_preferred(self, hers, accept):
        schema.check_answer(hers.get(f"{V1}/messages", headers={"Accept": accept}))


class TestAProblem:
    def test_of_nobody_says_how_to_come_in(self, db):
        answer = Client().get(f"{V1}/messages")

        schema.problem(answer, 401, "not-authenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="antares"'

    @pytest.mark.parametrize(
        "header", ["Bearer x", "Bearer", "Basic YTpi", "Bearer a b", "bearer " + "x" * 600, "token"]
    )
    def test_of_a_token_that_is_none_says_so(self, db, header):
        answer = Client(headers={"Authorization": header}).get(f"{V1}/messages")

        schema.problem(answer, 401, "not-authenticated")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    def test_of_a_token_is_not_saved_by_a_session(self, alice):
        browser = cast.browser(alice.user)

        answer = browser.get(f"{V1}/messages", headers={"Authorization": "Bearer x"})

        schema.problem(answer, 401, "not-authenticated")

    @pytest.mark.parametrize("code", sorted(EXPLAINED))
    def test_has_a_page_that_explains_it(self, db, code):
        page = Client().get(f"/problems/{code}/")

        assert page.status_code == 200
        assert code in page.content.decode()

    def test_without_a_page_is_no_problem(self, db):
        assert Client().get("/problems/no-such-thing/").status_code == 404

    @pytest.mark.control("6.2.1")
    @pytest.mark.urls("tests.api.planted")
    def test_of_our_own_names_the_request_and_nothing_else(self, hers):
        hers.raise_request_exception = False

        answer = hers.get(f"{V1}/broken")

        body = schema.problem(answer, 500, "unexpected")
        assert cast.MARKER not in answer.content.decode()
        assert set(body) == {"type", "title", "status", "code", "instance", "request_id", "detail"}

    def test_takes_no_request_id_from_outside(self, hers):
        answer = hers.get(f"{V1}/nothing", headers={"X-Request-ID": "mine"})

        assert answer.headers["X-Request-ID"] != "mine"
        schema.problem(answer, 404, "not-found")

    @pytest.mark.parametrize("header", ["Server", "X-Powered-By", "Access-Control-Allow-Origin"])
    def test_and_an_answer_tell_nothing_of_us(self, hers, header):
        for path in ("messages", "nothing"):
            assert header not in hers.get(f"{V1}/{path}").headers
