import json
import os
import subprocess
import sys

import httpx
import pytest

from integrations.sandbox import schemas
from integrations.sandbox.google.gmail.methods import HANDLERS
from integrations.sandbox.google.quota import UNITS_BY_METHOD
from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.validation import find_answer_complaints, find_request_complaints
from tests.sandbox.test_gmail import ME
from tests.worlds.sandbox import ROOT, run_sandbox


class TestProcess:
    def test_refuses_production(self):
        ended = subprocess.run(
            [sys.executable, "-m", "integrations.sandbox", "--port", "0"],
            cwd=ROOT,
            env={**os.environ, "ANTARES_ENV": "production"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 1
        assert "production" in ended.stderr

    def test_begins_with_a_seed(self, tmp_path):
        seed = tmp_path / "seed.json"
        seed.write_text(
            json.dumps({"accounts": [{"email": ME, "size": 10}], "dials": {"units_per_minute": 0}})
        )

        with run_sandbox("--seed", str(seed)) as sandbox:
            assert sandbox.mailbox(ME)["messagesTotal"] == 10
            assert sandbox.dial()["units_per_minute"] == 0

    def test_imports_nothing_of_the_service(self):
        code = (
            "import sys, integrations.sandbox.__main__; "
            "foreign = ('django', 'jsonschema', 'celery', 'config', 'limited_use', 'accounts', "
            "'googleapiclient', 'google'); "
            "print([m for m in sys.modules if m.split('.')[0] in foreign "
            "or m.startswith('integrations.') and not m.startswith('integrations.sandbox')])"
        )

        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert ended.stdout.strip() == "[]"

    def test_keeps_control_off_the_protocols_port(self, sandbox):
        assert httpx.post(f"{sandbox.url}/_control/reset").status_code == 404


class TestMethods:
    def test_that_are_played_exist_and_have_a_price(self):
        assert set(HANDLERS) <= set(schemas.get_methods())
        assert {each.removeprefix("gmail.users.") for each in HANDLERS} == set(UNITS_BY_METHOD)


class TestValidation:
    def complaints(self, method_id, value, **call):
        method = schemas.get_methods()[method_id]
        body = json.dumps(value).encode()
        return find_answer_complaints(HttpCall("GET", "/", **call), method, HttpAnswer(200, body))

    @pytest.mark.parametrize(
        "value",
        [
            {"emailAddress": "a", "messagesTotal": 1, "threadsTotal": 1},
            {"emailAddress": "a", "messagesTotal": 1, "threadsTotal": 1, "historyId": 7},
            {"emailAddress": "a", "messagesTotal": 1, "threadsTotal": 1, "historyId": "-7"},
            {"emailAddress": "a", "messagesTotal": 2**31, "threadsTotal": 1, "historyId": "7"},
            {"emailAddress": "a", "messagesTotal": 1, "threadsTotal": 1, "historyId": "7", "x": 1},
        ],
        ids=["missing", "number", "negative", "too large", "unknown"],
    )
    def test_finds_answers_that_differ(self, value):
        assert self.complaints("gmail.users.getProfile", value)

    def test_finds_content_that_is_not_base64url(self):
        value = {
            "id": "1", "threadId": "1", "labelIds": [], "snippet": "", "sizeEstimate": 1,
            "historyId": "1", "internalDate": "1", "raw": "a+b/",
        }  # fmt: skip

        assert self.complaints("gmail.users.messages.get", value, query_string="format=raw")
        value["raw"] = "a-b_"
        assert not self.complaints("gmail.users.messages.get", value, query_string="format=raw")

    @pytest.mark.parametrize(
        "query",
        [
            "nonsense=1",
            "maxResults=many",
            "maxResults=²",
            "includeSpamTrash=yes",
            "maxResults=1&maxResults=2",
        ],
    )
    def test_finds_requests_that_differ(self, query):
        method = schemas.get_methods()["gmail.users.messages.list"]

        assert find_request_complaints(HttpCall("GET", "/", query), method, {"userId": "me"})

    def test_finds_bodies_that_differ(self):
        method = schemas.get_methods()["gmail.users.messages.modify"]
        call = HttpCall(
            "POST", "/", "", {"content-type": "application/json"}, b'{"addLabels": ["INBOX"]}'
        )

        assert find_request_complaints(call, method, {"userId": "me", "id": "1"})

    def test_is_reported(self, sandbox_process):
        sandbox_process.reset()
        httpx.get(f"{sandbox_process.url}/gmail/v1/users/me/profile", params={"nonsense": "1"})

        found = sandbox_process.violations()

        assert [each["complaint"] for each in found] == ["query has unknown nonsense"]
        sandbox_process.clear_journal()
        assert sandbox_process.violations() == []


class TestRequestLog:
    def test_shows_what_was_asked(self, sandbox, users):
        users.messages().list(userId="me", q="subject:KANARI").execute()

        last = sandbox.requests("/gmail/")[-1]

        assert last["path"] == "/gmail/v1/users/me/messages"
        assert "KANARI" in last["query"]
        assert last["user"] == ME
        assert sandbox.calls("gmail.users.messages.list") == 1
