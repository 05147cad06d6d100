"""Google's client library, made ours: where requests go, who gets which answer, what is called."""

from __future__ import annotations

import ast
import inspect
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from inspect import isfunction
from pathlib import Path

import pytest
from googleapiclient.discovery_cache import get_static_doc

from integrations.providers import PROVIDERS, errors
from integrations.providers.google import (
    discovery,
    gmail_adapter,
    gmail_message,
    gmail_sender,
    google_calendar_adapter,
    google_config,
    google_drive_adapter,
    history,
    sent_search,
    watch,
)
from integrations.providers.google.google_http import MAX_URL, prepare_request
from integrations.providers.mail import FetchTarget, MailAdapter
from integrations.providers.provider_definition import ProviderCapability, ProviderScope
from tests.contract.reading import fetch_message, whole_thread
from tests.factories import make_access
from tests.worlds.sandbox import GMAIL_READONLY

ALICE = "alice@example.com"
# The methods that a scope lets through do not say what it shows. These show no bodies or no titles,
# serve add-ons only, leave out calendars that somebody shared with the person, or put files where
# the person does not see them.
BLIND = (
    "gmail.metadata", "gmail.addons.", "calendar.events.freebusy", "calendar.events.owned",
    "calendar.events.public", "calendar.app.created", "drive.appdata",
)  # fmt: skip


# Functions of Google Calendar's adapters that read. All others write.
READING = {"list_calendars", "list_events", "watch_calendar_list", "watch_calendar", "stop_channel"}
RESOURCES = {
    "users": "gmail.users",
    "attachments": "gmail.users.messages.attachments",
    "labels": "gmail.users.labels",
    "messages": "gmail.users.messages",
    "threads": "gmail.users.threads",
    "history": "gmail.users.history",
    "drafts": "gmail.users.drafts",
    "send_as": "gmail.users.settings.sendAs",
}
CALENDAR_RESOURCES = {
    "calendar_list": "calendar.calendarList",
    "events": "calendar.events",
    "channels": "calendar.channels",
}
EACH_CAPABILITY = pytest.mark.parametrize(
    "capability", google_config.GOOGLE.capabilities.values(), ids=lambda capability: capability.key
)


@cache
def discovery_methods() -> dict[str, dict]:
    """Return every method of Gmail, Google Calendar and Google Drive, as Google describes it."""
    found: dict[str, dict] = {}

    def walk(node):
        for method in node.get("methods", {}).values():
            found[method["id"]] = method
        for resource in node.get("resources", {}).values():
            walk(resource)

    walk(json.loads(get_static_doc("gmail", "v1")))
    walk(json.loads(get_static_doc("calendar", "v3")))
    walk(json.loads(get_static_doc("drive", "v3")))
    return found


def get_accepted_scopes(method: str) -> set[str]:
    """Return the scopes that let a method through."""
    return set(discovery_methods()[method]["scopes"])


def called_methods(*sources, resources, functions=None) -> set[str]:
    """Return the API methods that the functions in `sources` build requests for."""
    trees = [ast.parse(inspect.getsource(source)) for source in sources]
    defined = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (functions is None or functions(node.name))
    ]
    names = {
        ast.unparse(node.func).removeprefix("self.api.")
        for function in defined
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self.api.")
    }
    return {f"{resources[name.partition('.')[0]]}.{name.partition('.')[2]}" for name in names}


def mentioned_methods(source) -> set[str]:
    """Return the API methods that a module's functions call or pass on, by their `api`."""
    names = {
        ast.unparse(node).removeprefix("api.")
        for node in ast.walk(ast.parse(inspect.getsource(source)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).startswith("api.")
    }
    return {f"{RESOURCES[name.partition('.')[0]]}.{name.partition('.')[2]}" for name in names}


def called_by(capability: str) -> set[str]:
    """Return the API methods that the code of one capability calls."""
    if capability == "mail.read":
        return called_methods(gmail_adapter, watch.GmailWatch, resources=RESOURCES)
    if capability == "mail.send":
        return mentioned_methods(gmail_sender) | mentioned_methods(sent_search)
    if capability == "drive.upload":
        called = called_methods(google_drive_adapter, resources={"files": "drive.files"})
        # The content of a file is a form of `get`.
        return {method.removesuffix("_media") for method in called}
    is_read = capability == "calendar.read"
    return called_methods(
        google_calendar_adapter,
        watch.GoogleCalendarWatch,
        resources=CALENDAR_RESOURCES,
        functions=lambda name: (name in READING) is is_read,
    )


def _because(reason: str) -> dict:
    return {"error": {"errors": [{"domain": "calendar", "reason": reason}]}}


class TestWhereGmailIs:
    @pytest.mark.scenario("O4")
    def test_is_googles_own_host_where_the_settings_name_none(self):
        given = make_access()

        with gmail_adapter.open_mail(given) as adapter:
            _, url, _, _ = prepare_request(
                adapter.api.users.getProfile(userId="me"), adapter.access
            )

        assert url.startswith("https://gmail.googleapis.com/gmail/v1/users/me/profile?")

    def test_is_not_wherever_a_request_happens_to_point(self):
        request = discovery.get_gmail_service("http://127.0.0.1:1/").users.getProfile(userId="me")

        with pytest.raises(errors.Unexpected):
            prepare_request(request, make_access())


@pytest.fixture
def adapter(sandbox):
    sandbox.seed(ALICE, size=40, seed=3)
    sandbox.dial(units_per_minute=0, concurrency=0)
    return open_adapter(sandbox)


def open_adapter(sandbox, scope: str = f"openid email {GMAIL_READONLY}"):
    token = sandbox.authorize(ALICE, scope)["access_token"]
    with gmail_adapter.open_mail(make_access(token, sandbox.url)) as adapter:
        return adapter


@pytest.mark.invariant(11)
@pytest.mark.scenario("A10")
class TestScopes:
    @EACH_CAPABILITY
    def test_declare_exactly_the_methods_that_are_called(self, capability):
        assert called_by(capability.key) == capability.methods

    @EACH_CAPABILITY
    def test_let_every_called_method_through(self, capability):
        for permission in capability.permissions:
            assert permission.methods
            for method in permission.methods:
                assert permission.scope in get_accepted_scopes(method), (permission.scope, method)

    @EACH_CAPABILITY
    def test_ask_for_nothing_that_is_not_needed(self, capability):
        for scope in capability.scopes:
            rest = capability.scopes - {scope}
            assert any(not rest & get_accepted_scopes(method) for method in capability.methods), (
                scope
            )

    @EACH_CAPABILITY
    def test_are_the_narrowest_that_show_what_is_shown(self, capability):
        for permission in capability.permissions:
            enough = set.intersection(*map(get_accepted_scopes, permission.methods))
            sighted = {scope for scope in enough if not any(blind in scope for blind in BLIND)}
            unlocked = {
                scope: sum(scope in method["scopes"] for method in discovery_methods().values())
                for scope in sighted
            }

            assert min(unlocked, key=unlocked.__getitem__) == permission.scope

    def test_join_identity_and_what_features_take(self):
        assert google_config.GOOGLE.list_scopes_for(frozenset()) == {"openid", "email"}
        assert google_config.GOOGLE.list_scopes_for(frozenset({"mail.read"})) == {
            "openid",
            "email",
            GMAIL_READONLY,
        }

    def test_of_several_capabilities_are_all_asked_for(self):
        send = "https://www.googleapis.com/auth/gmail.send"
        methods = frozenset({"gmail.users.messages.send"})
        sending = ProviderCapability("mail.send", (ProviderScope(send, "To send mail", methods),))
        provider = replace(
            google_config.GOOGLE,
            capabilities={**google_config.GOOGLE.capabilities, "mail.send": sending},
        )

        asked = provider.list_scopes_for(frozenset({"mail.read", "mail.send"}))

        assert len(asked) == 4

    def test_are_compared_in_the_names_that_are_asked_for(self):
        answered = "https://www.googleapis.com/auth/userinfo.email openid"

        assert google_config.GOOGLE.normalise_scopes(answered) == {"email", "openid"}


class TestSeveralScopes:
    @pytest.mark.scenario("A5")
    def test_granted_in_part_work_in_part(self, sandbox):
        sandbox.seed(ALICE, size=3)
        labels_only = open_adapter(
            sandbox, "openid email https://www.googleapis.com/auth/gmail.labels"
        )

        assert isinstance(labels_only.get_label_names(), dict)
        with pytest.raises(errors.ScopeMissing) as caught:
            fetch_message(labels_only, "1")

        assert caught.value.status == 403


class TestUnits:
    def test_are_what_the_provider_counts(self, adapter, sandbox):
        page = adapter.list_messages()
        message = next(
            found
            for found in (fetch_message(adapter, ref.message_id) for ref in page.refs)
            if found.mail.attachments and found.mail.attachments[0].size
        )
        calls = {
            "profile": adapter.get_profile,
            "labels": adapter.get_label_names,
            "list_page": adapter.list_messages,
            "fetch": lambda: fetch_message(adapter, message.message_id),
            "fetch_thread": lambda: whole_thread(adapter, message.thread_id),
            "changes": lambda: adapter.get_changes(adapter.get_profile().cursor),
            "attachment": lambda: list(
                adapter.open_attachment(message.message_id, message.mail.attachments[0].part)
            ),
        }
        spent = {}
        for name, call in calls.items():
            before = sandbox.units()
            call()
            spent[name] = sandbox.units() - before
        spent["changes"] -= google_config.UNITS.profile

        assert spent == {name: getattr(google_config.UNITS, name) for name in calls}


class TestCalls:
    @pytest.mark.scenario("O4")
    def test_leave_for_the_given_root_and_nowhere_else(self, adapter, sandbox):
        adapter.get_profile()
        with pytest.raises(errors.Unexpected):
            replace(
                adapter, access=replace(adapter.access, root_url="https://other.example")
            ).get_label_names()

        document = discovery.get_gmail_service(sandbox.url).users._rootDesc
        assert document["rootUrl"] == sandbox.url + "/"

    def test_cannot_leave_by_the_library_itself(self, sandbox):
        request = discovery.get_gmail_service(sandbox.url).users.getProfile(userId="me")

        with pytest.raises(AssertionError):
            request.execute()

    @pytest.mark.scenario("O5")
    def test_get_their_own_answers(self, adapter, sandbox):
        ids = [ref.message_id for ref in adapter.list_messages().refs]

        def is_own_answer(number: int) -> bool:
            wanted = ids[number % len(ids)]
            return fetch_message(adapter, wanted).message_id == wanted

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(is_own_answer, range(8 * 150)))

        assert answers == [True] * 1_200

    def test_go_as_a_post_when_their_address_is_too_long(self, adapter, sandbox):
        request = adapter.api.messages.list(userId="me", q="word " * (MAX_URL // 4))

        method, url, headers, body = prepare_request(request, adapter.access)

        assert (method, headers["x-http-method-override"]) == ("POST", "GET")
        assert len(url) < MAX_URL < len(body)
        assert adapter.list_messages(query="word " * (MAX_URL // 4)).refs == ()

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"problem": "user_rate_limited"}, errors.RateLimited),
            ({"problem": "user_quota_exceeded"}, errors.RateLimited),
            ({"problem": "too_many_concurrent"}, errors.RateLimited),
            ({"problem": "resource_exhausted"}, errors.RateLimited),
            ({"problem": "daily_limit_exceeded"}, errors.RateLimited),
            ({"problem": "access_not_configured"}, errors.InvalidClient),
            ({"problem": "domain_policy"}, errors.AdminBlocked),
            ({"problem": "failed_precondition"}, errors.MailboxMissing),
            ({"problem": "invalid_credentials"}, errors.TokenRejected),
            ({"problem": "backend_error"}, errors.Unavailable),
            ({"status": 500, "body": "<html>"}, errors.Unavailable),
            ({"status": 408, "body": ""}, errors.Unavailable),
            ({"status": 200, "body": "<html>portal</html>"}, errors.Unavailable),
            ({"status": 200, "body": [1]}, errors.Unexpected),
            ({"status": 400, "body": {"error": "text"}}, errors.Unexpected),
            ({"status": 403, "body": {"error": {"errors": "x"}}}, errors.Unexpected),
            ({"status": 418, "body": {}}, errors.Unexpected),
            # Over, but nobody knows what: nothing is taken for deleted.
            ({"status": 410, "body": {}}, errors.Unexpected),
            ({"status": 410, "body": _because("newReason")}, errors.Unexpected),
            ({"status": 410, "body": _because("deleted")}, errors.Gone),
            ({"status": 410, "body": _because("fullSyncRequired")}, errors.CursorExpired),
            ({"status": 410, "body": _because("updatedMinTooLongAgo")}, errors.CursorExpired),
            ({"status": 302, "body": ""}, errors.Unexpected),
            ({"drop": "before"}, errors.Unavailable),
            ({"drop": "after"}, errors.Unavailable),
        ],
    )
    def test_say_what_to_do_next(self, adapter, sandbox, fault, kind):
        sandbox.fail_next(path_prefix="/gmail", **fault)

        with pytest.raises(errors.ProviderError) as caught:
            adapter.get_profile()

        assert type(caught.value) is kind
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert "Gmail" not in str(caught.value)

    @pytest.mark.invariant(4)
    @pytest.mark.parametrize("field", ["errors", "details"])
    def test_pass_on_no_word_that_is_not_googles(self, adapter, sandbox, field):
        for reason, kept in (("cnry-anybodys-text", ""), ("domainPolicy", "domainPolicy")):
            body = {"error": {"status": "cnry-status", field: [{"reason": reason}]}}
            sandbox.fail_next(path_prefix="/gmail", status=403, body=body)

            with pytest.raises(errors.ProviderError) as caught:
                adapter.get_profile()

            assert caught.value.reason == kept

    def test_are_made_once(self, adapter, sandbox):
        sandbox.clear_journal()
        sandbox.fail_next(path_prefix="/gmail", problem="backend_error")

        with pytest.raises(errors.Unavailable):
            adapter.get_profile()

        assert len(sandbox.requests("/gmail")) == 1

    def test_break_no_rule_of_the_description(self, adapter, sandbox):
        sandbox.clear_journal()
        for ref in adapter.list_messages().refs:
            found = fetch_message(adapter, ref.message_id)
            for part in found.mail.attachments:
                assert (
                    len(b"".join(adapter.open_attachment(ref.message_id, part.part))) == part.size
                )
            whole_thread(adapter, ref.thread_id)
        adapter.get_label_names()

        assert sandbox.violations() == []


class TestBatches:
    @pytest.fixture
    def ids(self, adapter) -> list[str]:
        return [ref.message_id for ref in adapter.list_messages().refs]

    def test_take_one_round_trip_and_carry_the_token_once(self, adapter, ids):
        given: list[str] = []

        def token() -> str:
            given.append(adapter.access.token())
            return given[-1]

        counting = replace(adapter, access=replace(adapter.access, token=token))

        counting.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert len(ids) > 1
        assert len(given) == 1

    def test_answer_each_request_by_itself(self, adapter, ids):
        asked = [*ids, "0000000000000000"]

        *found, gone = adapter.fetch_messages([FetchTarget(message_id=one) for one in asked])

        assert [one.messages[0].message_id for one in found] == ids
        assert isinstance(gone, errors.Gone)

    def test_pass_on_what_one_part_met(self, adapter, sandbox, ids):
        sandbox.fail_next(path_contains=f"messages/{ids[1]}", problem="user_rate_limited")

        first, refused, *_ = adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert first.messages[0].message_id == ids[0]
        assert isinstance(refused, errors.RateLimited)

    def test_that_fail_as_a_whole_fail_each(self, adapter, sandbox, ids):
        sandbox.fail_next(path_prefix="/batch", problem="backend_error")

        found = adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert {type(one) for one in found} == {errors.Unavailable}
        assert len(found) == len(ids)

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("text/html", b"<p>Sign in to this network</p>"),
            (
                "multipart/mixed; boundary=x",
                b"--x\r\nContent-ID: <response-0>\r\n\r\nwhat?\r\n--x--",
            ),
            ("multipart/mixed; boundary=x", b""),
        ],
    )
    def test_that_nobody_can_read_leave_nothing_out(
        self, adapter, sandbox, ids, content_type, body
    ):
        sandbox.fail_next(
            path_prefix="/batch", status=200, body=body.decode(), content_type=content_type
        )

        found = adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert [type(one) for one in found] == [errors.Unavailable] * len(ids)


class TestHistory:
    def test_guesses_no_labels(self):
        entry = {"message": {"id": "1", "threadId": "2"}, "labelIds": ["STARRED"]}

        page = history.fold_history(
            [{"id": "9", "labelsAdded": [entry]}], cursor="9", has_more=False
        )

        assert [ref.message_id for ref in page.upserted] == ["1"]

    def test_brings_back_what_was_deleted_and_comes_again(self):
        message = {"id": "1", "threadId": "2", "labelIds": ["INBOX"]}
        records = [
            {"id": "8", "messagesDeleted": [{"message": message}]},
            {"id": "9", "messagesAdded": [{"message": message}]},
        ]

        page = history.fold_history(records, cursor="9", has_more=False)

        assert ([ref.message_id for ref in page.upserted], page.deleted) == (["1"], ())


class TestFiling:
    @pytest.mark.parametrize(
        ("label_ids", "folders", "labels"),
        [
            (["INBOX", "CATEGORY_UPDATES"], ("inbox", "category_updates"), ()),
            (["SENT"], ("sent",), ()),
            (["DRAFT"], ("drafts",), ()),
            (["Label_7"], ("archive",), ("Label_7",)),
            ([], ("archive",), ()),
        ],
    )
    def test_is_said_in_our_words(self, label_ids, folders, labels):
        filing = gmail_message.map_filing(label_ids)

        assert (filing.folders, filing.labels) == (folders, labels)


FRAMEWORK = ("django", "limited_use", "accounts", "integrations.models")


class TestPurity:
    def test_needs_no_framework(self):
        for package in ("providers", "mime"):
            for path in Path("integrations", package).rglob("*.py"):
                for node in ast.walk(ast.parse(path.read_text())):
                    names = []
                    if isinstance(node, ast.ImportFrom):
                        names = [node.module or ""]
                    elif isinstance(node, ast.Import):
                        names = [alias.name for alias in node.names]
                    assert not any(
                        name.startswith(
                            ("django", "limited_use", "accounts", "integrations.models")
                        )
                        for name in names
                    ), path

    def test_keeps_the_protocol_small(self):
        methods = [name for name, one in vars(MailAdapter).items() if isfunction(one)]
        assert sum(not name.startswith("_") for name in methods) <= 6
        assert set(PROVIDERS) == {"google", "microsoft", "offline"}
