"""Every answer is what the OpenAPI document says, and the document is what the views are."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from jsonschema import Draft202012Validator

from integrations import connections
from integrations.models import PurgeTrigger
from integrations.urls.api import openapi
from tests.api import cast, schema

V1 = "/v1/users/me"


def ok(answer):
    assert answer.status_code == 200, answer.content
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return schema.check_answer(answer)


def list_routes(patterns, prefix: str = "") -> list[str]:
    """Return the routes of patterns and of what they include."""
    found = []
    for pattern in patterns:
        route = f"{prefix}{pattern.pattern}"
        inner = getattr(pattern, "url_patterns", None)
        found += [route] if inner is None else list_routes(inner, route)
    return found


class TestTheDocument:
    def test_is_current(self):
        generated = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True))

        assert orjson.loads(openapi.DOCUMENT_FILE.read_bytes()) == orjson.loads(generated), (
            "write it again: manage.py spectacular --format openapi-json"
            " --file integrations/urls/api/openapi.json"
        )

    def test_is_openapi_3_1_with_valid_schemas(self):
        described = schema.read_strict_document()

        assert described["openapi"].startswith("3.1")
        for one in described["components"]["schemas"].values():
            Draft202012Validator.check_schema(one)

    def test_has_examples_that_are_what_they_stand_for(self):
        shown = [
            (name, one, example)
            for name, one in schema.read_strict_document()["components"]["schemas"].items()
            for example in one.get("examples", ())
        ]

        assert {name for name, _, _ in shown} == {"Problem"}
        for _, one, example in shown:
            Draft202012Validator(one, format_checker=schema.FORMATS).validate(example)

    def test_describes_every_route_of_the_api_with_an_operation_id_of_its_own(self):
        found = list_routes(get_resolver().url_patterns)
        routes = {route for route in found if route.startswith("v1/")}
        operations = [
            one["operationId"]
            for methods in schema.read_strict_document()["paths"].values()
            for one in methods.values()
        ]

        assert len(schema.read_strict_document()["paths"]) == len(routes) > 0
        assert len(set(operations)) == len(operations)
        assert all("_" in one for one in operations)

    def test_says_how_to_sign_in_everywhere(self):
        for methods in schema.read_strict_document()["paths"].values():
            for one in methods.values():
                tokens = [{"serviceToken": [f"purpose:{name}"]} for name in one["x-purposes"]]
                session = [{"session": []}] if one["x-person"] else []
                own_token = [{"clientToken": ["client"]}] if one["x-client"] else []

                assert one["security"] == tokens + session + own_token != []

    @pytest.mark.django_db
    def test_is_served_as_it_is_and_as_a_page(self):
        served = Client().get("/openapi.json")
        page = Client().get("/api/plain/").content.decode()

        committed = openapi.DOCUMENT_FILE.read_text()
        assert served.content.decode() == committed.replace(
            "https://antares.example", settings.PUBLIC_URL.rstrip("/")
        )
        assert "list_messages" in page
        assert "<script" not in page.replace('<script src="/static', "")


class TestMessages:
    def test_are_listed(self, hers, alice):
        body = ok(hers.get(f"{V1}/messages"))

        assert len(body["data"]) == 7
        assert body["has_more"] is False
        assert body["data"][0]["connection_id"] == str(alice.connection.id)
        assert body["data"][0]["subject"] == cast.SUBJECT

    def test_are_read_one_by_one(self, hers, mine):
        body = ok(hers.get(f"{V1}/messages/{mine.message}"))

        assert body["attachments"][0]["id"] == mine.attachment
        assert body["provider_id"]

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("unread=true", 4), ("unread=false", 3), ("starred=true", 1), ("starred=false", 6),
            ("has_attachments=true", 1), ("has_attachments=false", 6), ("folder=inbox", 4),
            ("folder=sent", 3), ("folder=drafts", 0), ("folder=sent&unread=true", 0),
        ],
    )  # fmt: skip
    def test_are_narrowed(self, hers, query, count):
        assert len(ok(hers.get(f"{V1}/messages?{query}"))["data"]) == count

    def test_are_narrowed_by_time_exclusively(self, hers):
        dates = [one["date"] for one in ok(hers.get(f"{V1}/messages"))["data"]]

        after = ok(hers.get(f"{V1}/messages", {"received_after": dates[3]}))["data"]
        before = ok(hers.get(f"{V1}/messages", {"received_before": dates[3]}))["data"]

        assert [one["date"] for one in after] == dates[:3]
        assert [one["date"] for one in before] == dates[4:]

    def test_are_narrowed_by_thread_and_connection(self, hers, mine):
        by_thread = ok(hers.get(f"{V1}/messages", {"thread_id": mine.thread}))["data"]
        by_connection = ok(hers.get(f"{V1}/messages", {"connection_id": mine.connection}))["data"]

        assert [one["id"] for one in by_thread] == [mine.message]
        assert len(by_connection) == 7

    def test_are_there_under_her_id_as_under_me(self, hers, mine):
        by_id = ok(hers.get(f"/v1/users/{mine.user}/messages"))["data"]

        assert by_id == ok(hers.get(f"{V1}/messages"))["data"]

    def test_of_an_empty_mailbox_are_an_empty_page(self, bob):
        body = ok(cast.browser(bob.user).get(f"{V1}/messages"))

        assert (body["data"], body["next_cursor"]) == ([], None)

    def test_are_no_more_than_the_limit(self, hers):
        body = ok(hers.get(f"{V1}/messages?limit=2"))

        assert (len(body["data"]), body["has_more"]) == (2, True)
        assert body["next_cursor"]


class TestThreads:
    def test_are_listed(self, hers, mine):
        body = ok(hers.get(f"{V1}/threads"))

        assert len(body["data"]) == 6
        assert body["data"][0]["id"] == mine.thread

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("unread=true", 4), ("unread=false", 2), ("starred=true", 1),
            ("has_attachments=true", 1), ("folder=inbox", 4), ("folder=sent", 3),
        ],
    )  # fmt: skip
    def test_are_narrowed(self, hers, query, count):
        assert len(ok(hers.get(f"{V1}/threads?{query}"))["data"]) == count

    def test_are_read_with_their_messages(self, hers, mine):
        body = ok(hers.get(f"{V1}/threads/{mine.thread}"))

        assert [one["id"] for one in body["messages"]] == [mine.message]

    def test_are_in_the_order_that_the_reference_names(self, hers):
        threads = ok(hers.get(f"{V1}/threads"))["data"]
        newest = [one["latest_message_received_date"] for one in threads]
        [longest] = [one["id"] for one in threads if one["message_count"] > 1]
        dates = [one["date"] for one in ok(hers.get(f"{V1}/threads/{longest}"))["messages"]]

        assert newest == sorted(newest, reverse=True)
        assert len(dates) > 1
        assert dates == sorted(dates, reverse=True)


class TestConnections:
    def test_are_listed_with_how_they_stand(self, hers, mine):
        [one] = ok(hers.get(f"{V1}/connections"))["data"]

        assert (one["id"], one["email"]) == (mine.connection, "alice@gmail.example")
        assert one["capabilities"] == ["mail.read"]
        assert one["integrations"][0]["id"] == mine.integration
        assert one["integrations"][0]["sync"]["done_count"] == 7

    def test_are_read_one_by_one(self, hers, mine):
        body = ok(hers.get(f"{V1}/connections/{mine.connection}"))

        assert body == ok(hers.get(f"{V1}/connections"))["data"][0]

    def test_tell_a_feature_no_address(self, widget, mine):
        [one] = ok(widget.get(f"{V1}/connections"))["data"]

        assert (one["id"], one["email"]) == (mine.connection, None)
        assert b"alice@gmail" not in widget.get(f"{V1}/connections/{mine.connection}").content

    def test_that_were_disconnected_are_gone(self, hers, alice, mine):
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
            trigger=PurgeTrigger.OWNER,
        )

        assert ok(hers.get(f"{V1}/connections"))["data"] == []
        schema.problem(hers.get(f"{V1}/connections/{mine.connection}"), 404, "not-found")


class TestAttachmentApi:
    @pytest.mark.scenario("F3")
    @pytest.mark.control("5.2.1")
    def test_are_downloads_whatever_they_are(self, hers, mine):
        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        assert answer.status_code == 200
        assert cast.MARKER.encode() in answer.getvalue()
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert "/" not in answer.headers["Content-Disposition"].replace("%2F", "/").split("=")[-1]

    def test_of_another_message_are_not_there(self, hers, mine):
        others = ok(hers.get(f"{V1}/messages"))["data"][1:]

        answer = hers.get(f"{V1}/messages/{others[0]['id']}/attachments/{mine.attachment}")

        schema.problem(answer, 404, "not-found")

    @pytest.mark.scenario("X1")
    def test_of_a_provider_that_does_not_answer_are_a_503(self, hers, mine, mailbox):
        from integrations.providers import errors

        mailbox.refuse_next(
            errors.RateLimited("slow down", retry_after=timedelta(seconds=7).seconds)
        )

        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        said = schema.problem(answer, 503, "provider-rate-limited")
        assert answer.headers["Retry-After"] == "7"
        assert said["provider"] == {"status": None, "reason": None, "retry_after": 7}

    @pytest.mark.parametrize(("status", "whose"), [(429, "provider"), (None, "self")])
    def test_say_whose_limit_it_is(self, hers, mine, mailbox, status, whose):
        from integrations.providers import errors

        mailbox.refuse_next(
            errors.RateLimited("slow down", status=status, reason="rateLimitExceeded")
        )

        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        said = schema.problem(answer, 503, "provider-rate-limited")
        assert said["limited_by"] == whose
        assert said["provider"]["reason"] == "rateLimitExceeded"

    def test_deleted_at_the_provider_are_gone(self, hers, mine, mailbox):
        mailbox.messages.clear()

        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        schema.problem(answer, 410, "gone")
