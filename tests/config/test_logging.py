import ast
import json
import logging
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.logging import FIELDS, JsonLineFormatter, convert_to_log_value, describe_exception
from config.request_log import RequestLogMiddleware, ResponseBroken, request_id

CANARY = "canary-7f3a91 alice@example.org ya29.secret"


def line_of(*args, level=logging.INFO, name="integrations.sync", exc_info=None, extra=None):
    """Return the parsed line that ``logger.log(level, *args, extra=extra)`` would write."""
    logger = logging.Logger(name)  # noqa: LOG001 - one of its own, with no other handler
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(JsonLineFormatter().format(record))
    logger.addHandler(handler)
    logger.log(level, *args, exc_info=exc_info, extra=extra)
    return json.loads(seen[0])


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestJsonLines:
    def test_keeps_an_events_name(self):
        assert line_of("purge.completed")["event"] == "purge.completed"

    def test_never_fills_in_arguments(self):
        line = line_of("Not Found: %s", CANARY, name="django.request")

        assert line["event"] == "Not Found: %s"
        assert CANARY not in json.dumps(line)

    def test_drops_sentences(self):
        line = line_of(f"could not parse {CANARY}")

        assert line["event"] == "library.logged"
        assert line["where"].endswith(str(line_of.__code__.co_firstlineno + 7))
        assert "canary" not in json.dumps(line)

    def test_drops_templates_of_libraries_that_are_not_trusted(self):
        assert line_of(CANARY + " %s", "x", name="httpx")["event"] == "library.logged"

    @pytest.mark.clause("OWN-LOGS")
    def test_drops_fields_that_are_not_listed(self):
        line = line_of("sync.failed", extra={"subject": "hello", "attempt": 3})

        assert "subject" not in line
        assert line["attempt"] == 3

    @pytest.mark.parametrize("value", [CANARY, "a b", "a@b", "x?code=1", ["a"], {"a": 1}, b"a"])
    def test_drops_listed_fields_whose_value_is_prose_an_address_or_a_structure(self, value):
        assert "code" not in line_of("sync.failed", extra={"code": value})

    def test_writes_exceptions_as_type_and_place_without_text_and_locals(self):
        secret = CANARY
        try:
            try:
                {}[secret]
            except KeyError as cause:
                raise ValueError(f"bad: {secret}") from cause
        except ValueError as error:
            line = line_of("task.failed", level=logging.ERROR, exc_info=error)

        assert [part.split(":")[0] for part in line["exception"]] == [
            "ValueError at test_logging.py",
            "KeyError at test_logging.py",
        ]
        assert "canary" not in json.dumps(line)

    @pytest.mark.scenario("O3")
    def test_says_which_connection_which_attempt_and_when_next(self):
        connection = uuid4()
        token = request_id.set("r1")

        line = line_of(
            "refresh.postponed",
            extra={"connection_id": connection, "attempt": 2, "next_try_at": "2026-11-25T01:00Z"},
        )
        request_id.reset(token)

        assert line["connection_id"] == str(connection)
        assert (line["attempt"], line["next_try_at"]) == (2, "2026-11-25T01:00Z")
        assert line["request_id"] == "r1"

    @given(
        message=st.text(),
        argument=st.text(),
        extra=st.dictionaries(
            st.sampled_from(sorted(FIELDS)),
            st.text(alphabet=st.characters(codec="utf-8")).map(lambda text: f"{text} {text}"),
        ),
    )
    def test_lets_no_text_with_a_space_through(self, message, argument, extra):
        line = line_of(f"{message} {CANARY} %%", argument, extra=extra)

        assert set(line) == {"at", "level", "logger", "event", "where"}
        assert line["event"] == "library.logged"


class TestPlain:
    @given(st.integers() | st.booleans() | st.floats(allow_nan=False) | st.uuids())
    def test_passes_numbers_and_ids(self, value):
        assert convert_to_log_value(value) in {value, str(value)}

    def test_passes_no_long_names(self):
        assert convert_to_log_value("a" * 121) is None


class TestDescribe:
    def test_ends_where_a_chain_turns_back_on_itself(self):
        first, second = ValueError(), KeyError()
        first.__cause__, second.__context__ = second, first

        assert len(describe_exception(first)) == 2


class TestRequestLog:
    @pytest.mark.control("2.1.1")
    @pytest.mark.control("6.5.1")
    def test_writes_the_route_and_neither_path_nor_query(self, caplog):
        caplog.set_level(logging.INFO, logger="config.request_log")
        request = RequestFactory().get("/callback/google?code=4/canary&state=canary")
        request.resolver_match = type("Match", (), {"route": "callback/<slug:provider>"})()

        RequestLogMiddleware(lambda _: HttpResponse(status=303))(request)

        line = json.loads(JsonLineFormatter().format(caplog.records[-1]))
        assert (line["route"], line["status"]) == ("callback/<slug:provider>", 303)
        assert "canary" not in json.dumps(line)

    def test_gives_each_request_an_id_that_the_client_cannot_choose(self):
        request = RequestFactory().get("/", headers={"X-Request-ID": "chosen"})

        first = RequestLogMiddleware(lambda _: HttpResponse())(request)["X-Request-ID"]
        second = RequestLogMiddleware(lambda _: HttpResponse())(request)["X-Request-ID"]

        assert len({first, second, "chosen"}) == 3

    def test_says_what_breaks_an_answer_off_and_lets_nothing_of_it_out(self, caplog):
        def stream_and_fail():
            yield b"the beginning"
            raise LookupError(CANARY)

        serve = RequestLogMiddleware(lambda _: StreamingHttpResponse(stream_and_fail()))
        answer = serve(RequestFactory().get("/"))
        with pytest.raises(ResponseBroken) as caught, caplog.at_level(logging.ERROR):
            list(answer)

        assert (caught.value.args, caught.value.__context__) == ((), None)
        (record,) = [one for one in caplog.records if one.msg == "response.broken"]
        assert CANARY not in JsonLineFormatter().format(record)
        assert "LookupError" in JsonLineFormatter().format(record)


class TestLoggedFields:
    def test_are_all_written(self):
        """A field that the list does not have is left out without a word."""
        fields = list(list_logged_fields("accounts", "config", "integrations", "limited_use"))

        assert len(fields) > 50
        assert [(place, name) for place, name in fields if name not in FIELDS] == []


def list_logged_fields(*packages):
    """Yield file and name of each field in a literal `extra={…}` of `logger`'s methods."""
    for package in packages:
        for path in (Path(settings.BASE_DIR) / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger."):
                    for keyword in call.keywords:
                        for key in getattr(keyword.value, "keys", []):
                            if isinstance(key, ast.Constant):
                                yield path.name, key.value
