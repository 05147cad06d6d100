import json
import time

import httpx
import pytest
from googleapiclient.errors import HttpError

from tests.sandbox.conftest import EVERYTHING, gmail
from tests.sandbox.test_gmail import AUTH, ME, refused


def with_scopes(sandbox, *names):
    return gmail(sandbox, sandbox.authorize(ME, " ".join(names))["access_token"]).users()


def reason(error):
    return json.loads(error.content)["error"]["errors"][0]["reason"]


class TestGmailScopes:
    def test_are_those_of_each_method(self, sandbox, alice):
        reader = with_scopes(sandbox, f"{AUTH}gmail.readonly")
        first = reader.messages().list(userId="me").execute()["messages"][0]["id"]

        error = refused(reader.messages().trash(userId="me", id=first))

        assert error.status_code == 403
        assert "error=insufficient_scope" in error.resp["www-authenticate"]
        assert reason(error) == "insufficientPermissions"

    def test_to_send_cannot_even_see_the_profile(self, sandbox, alice):
        sender = with_scopes(sandbox, f"{AUTH}gmail.send")

        assert refused(sender.getProfile(userId="me")).status_code == 403

    def test_to_modify_cannot_delete_for_good(self, sandbox, alice):
        modifier = with_scopes(sandbox, f"{AUTH}gmail.modify")
        first = modifier.messages().list(userId="me").execute()["messages"][0]["id"]

        assert refused(modifier.messages().delete(userId="me", id=first)).status_code == 403

    def test_of_metadata_refuse_search_and_content(self, sandbox, alice):
        reader = with_scopes(sandbox, f"{AUTH}gmail.metadata")
        first = reader.messages().list(userId="me").execute()["messages"][0]["id"]

        assert refused(reader.messages().list(userId="me", q="x")).status_code == 403
        assert refused(reader.messages().get(userId="me", id=first)).status_code == 403
        assert (
            refused(reader.messages().get(userId="me", id=first, format="raw")).status_code == 403
        )
        reader.messages().get(userId="me", id=first, format="metadata").execute()

    def test_of_metadata_refuse_search_even_beside_reading(self, sandbox, alice):
        both = with_scopes(sandbox, f"{AUTH}gmail.metadata", f"{AUTH}gmail.readonly")

        assert refused(both.messages().list(userId="me", q="x")).status_code == 403

    def test_unticked_are_not_granted(self, sandbox, alice):
        users = with_scopes(sandbox, "openid", "email")

        assert refused(users.messages().list(userId="me")).status_code == 403


class TestAccessTokens:
    def test_expire(self, sandbox, users):
        sandbox.expire_access(ME)

        answer = httpx.get(
            f"{sandbox.url}/gmail/v1/users/me/profile", headers={"Authorization": "Bearer x"}
        )

        assert answer.status_code == 401
        assert answer.json()["error"]["errors"][0]["reason"] == "authError"
        assert answer.json()["error"]["status"] == "UNAUTHENTICATED"

    def test_expire_with_the_clock(self, sandbox, alice):
        token = sandbox.authorize(ME)["access_token"]
        sandbox.advance(3_600)

        answer = httpx.get(
            f"{sandbox.url}/gmail/v1/users/me/profile", headers={"Authorization": f"Bearer {token}"}
        )

        assert answer.status_code == 401

    def test_of_someone_without_gmail_fail_a_precondition(self, sandbox, alice):
        sandbox.seed("dora@example.com", gmail=False)
        users = gmail(sandbox, sandbox.authorize("dora@example.com")["access_token"]).users()

        assert refused(users.getProfile(userId="me")).status_code == 400


class TestGmailQuota:
    @pytest.mark.parametrize(
        ("status", "said"), [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded")]
    )
    def test_is_spent_by_the_unit_and_refills_with_time(self, sandbox, alice, status, said):
        sandbox.dial(units_per_minute=100, quota_status=status)
        users = gmail(sandbox, sandbox.authorize(ME)["access_token"]).users()
        listed = users.messages().list(userId="me").execute()["messages"]
        for each in listed[:4]:
            users.messages().get(userId="me", id=each["id"]).execute()

        error = refused(users.messages().get(userId="me", id=listed[5]["id"]))
        assert (error.status_code, reason(error)) == (status, said)
        assert sandbox.units() == 5 + 4 * 20

        sandbox.advance(60)
        users.messages().get(userId="me", id=listed[5]["id"]).execute()

    def test_is_googles_unless_dialled(self, sandbox):
        assert sandbox.dial()["units_per_minute"] == 6_000

    def test_is_counted_by_method(self, sandbox, users):
        thread = users.threads().list(userId="me").execute()["threads"][0]["id"]
        users.threads().get(userId="me", id=thread).execute()

        spent = sandbox.counters()["units"]["by_method"]

        assert spent == {"gmail.users.threads.list": 10, "gmail.users.threads.get": 40}


class TestGmailBatch:
    def run(self, service, requests):
        answers = {}

        def note(request_id, answer, error):
            answers[request_id] = error or answer

        batch = service.new_batch_http_request(callback=note)
        for request in requests:
            batch.add(request)
        batch.execute()
        return list(answers.values())

    @pytest.mark.scenario("O4")
    def test_answers_each_part_for_itself(self, sandbox, service):
        messages = service.users().messages()
        listed = messages.list(userId="me").execute()["messages"][:10]
        ids = [each["id"] for each in listed]

        answers = self.run(
            service,
            [messages.get(userId="me", id=each) for each in ids]
            + [messages.get(userId="me", id="123abc"), messages.trash(userId="me", id=ids[0])],
        )

        assert [answer["id"] for answer in answers[:10]] == ids
        assert answers[10].resp.status == 404
        assert "TRASH" in answers[11]["labelIds"]

    def test_trips_over_concurrency(self, sandbox, service):
        sandbox.dial(concurrency=5)
        messages = service.users().messages()
        ids = [each["id"] for each in messages.list(userId="me").execute()["messages"][:12]]

        answers = self.run(service, [messages.get(userId="me", id=each) for each in ids])

        turned_away = [a for a in answers if isinstance(a, HttpError)]
        assert 0 < len(turned_away) < 12
        assert {error.resp.status for error in turned_away} == {429}

    def test_has_at_most_a_hundred_parts(self, sandbox, service):
        profile = service.users().getProfile(userId="me")

        with pytest.raises(HttpError) as error:
            self.run(service, [profile] * 101)

        assert error.value.resp.status == 400

    def test_meets_failures_part_by_part(self, sandbox, service):
        messages = service.users().messages()
        ids = [each["id"] for each in messages.list(userId="me").execute()["messages"][:3]]
        sandbox.fail_next(path_contains=ids[1], problem="user_rate_limited")

        answers = self.run(service, [messages.get(userId="me", id=each) for each in ids])

        assert [isinstance(answer, HttpError) for answer in answers] == [False, True, False]


class TestFailures:
    @pytest.mark.parametrize(
        ("problem", "status", "said"),
        [
            ("backend_error", 503, "backendError"),
            ("domain_policy", 403, "domainPolicy"),
            ("access_not_configured", 403, "accessNotConfigured"),
            ("daily_limit_exceeded", 403, "dailyLimitExceeded"),
            ("too_many_concurrent", 429, "rateLimitExceeded"),
        ],
    )
    def test_have_googles_bodies_and_pass(self, sandbox, users, problem, status, said):
        sandbox.fail_next(path_prefix="/gmail/", problem=problem)

        error = refused(users.getProfile(userId="me"))

        assert (error.status_code, reason(error)) == (status, said)
        users.getProfile(userId="me").execute()

    def test_wait_for_the_call_that_is_meant(self, sandbox, users):
        sandbox.fail_next(path_contains="profile", skip=1, status=500, body="{}")

        users.getProfile(userId="me").execute()
        assert refused(users.getProfile(userId="me")).status_code == 500

    def test_of_hanging_calls_commit_all_the_same(self, sandbox, users):
        token = sandbox.authorize(ME, EVERYTHING)["access_token"]
        sandbox.fail_next(method="POST", path_contains="labels", hang_seconds=1)

        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{sandbox.url}/gmail/v1/users/me/labels",
                headers={"Authorization": f"Bearer {token}"},
                json={"name": "Late"},
                timeout=0.2,
            )

        give_up_at = time.monotonic() + 30
        while "Late" not in {label["name"] for label in self.labels(users)}:
            assert time.monotonic() < give_up_at, "the label was never made"
            time.sleep(0.05)

    def test_of_hanging_calls_have_no_effect_after_a_reset(self, sandbox):
        sandbox.fail_next(path_prefix="/token", hang_seconds=0.5)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{sandbox.url}/token", timeout=0.2)

        sandbox.reset()
        time.sleep(0.6)

        assert sandbox.calls("/token") == 0

    def labels(self, users):
        return users.labels().list(userId="me").execute()["labels"]

    def test_without_sense_are_refused(self, sandbox):
        with pytest.raises(RuntimeError, match="no problem is called"):
            sandbox.fail_next(problem="nonsense")
        with pytest.raises(RuntimeError, match="no dial is called"):
            sandbox.dial(nonsense=1)
