"""What Pub/Sub calls: proven before it is read, a hint and nothing more, answered at once."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from joserfc.jwk import RSAKey

from config.celery import app
from integrations import connections as operations
from integrations import purge
from integrations.access import permits
from integrations.models import SyncWork, Watch
from integrations.providers import provider_http
from integrations.providers.push import MailboxNotification
from limited_use.models import Leaf
from limited_use.vault.keyring.keyring_factory import _open_files
from tests.broker import broker_down, sync_message
from tests.integrations.webhooks.conftest import (
    ACCOUNT,
    KEY,
    PUBSUB,
    asked_of,
    message,
    postpone_sync,
    send_push,
    token,
)
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

# Of a header, as deep as the longest token lets it be.
NESTED = base64.urlsafe_b64encode(b"[" * 5_900 + b"]" * 5_900).rstrip(b"=").decode()
# Answers an exception with the page for it, as a server does.
SHOWING_ERRORS = Client(enforce_csrf_checks=True, raise_request_exception=False)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]


def is_due(house) -> bool:
    return house.work.next_sync_at <= timezone.now()


class TestANotification:
    def test_makes_the_mailbox_due_now_and_asks_a_worker(self, watched, queue):
        answer = send_push()

        assert (answer.status_code, answer.content) == (204, b"")
        assert is_due(watched)
        assert queue == [sync_message(watched.work)]
        assert Watch.objects.get().last_event_at is not None

    @pytest.mark.scenario("P5")
    def test_that_comes_ten_times_asks_once(self, watched, queue):
        with time_machine.travel(timezone.now(), tick=False):
            answers = {send_push().status_code for _ in range(10)}

        assert answers == {204}
        assert queue == [sync_message(watched.work)]

    @pytest.mark.scenario("P5")
    def test_that_comes_late_or_in_any_order_asks_the_same(self, watched, queue):
        for history in (9, 3, 1):
            data = json.dumps({"emailAddress": "alice@example.test", "historyId": str(history)})
            send_push(message(data=base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")))

        assert queue == [sync_message(watched.work)]

    def test_of_somebody_else_changes_nothing_and_is_told_the_same(self, watched, queue):
        before = SyncWork.objects.values().get()

        answer = send_push(message("mallory@example.test"))

        assert (answer.status_code, answer.content, queue) == (204, b"", [])
        assert SyncWork.objects.values().get() == before

    def test_during_a_run_makes_it_look_again_at_its_end(self, watched, mailbox, queue):
        told = []

        def tell() -> None:
            if not told:
                told.append(send_push().status_code)

        mailbox.meanwhile = tell
        again = watched.run()

        assert told == [204]
        assert queue == []
        assert again is True
        assert is_due(watched)

    @pytest.mark.scenario("P4")
    def test_hurries_nothing_that_backs_off(self, watched, queue):
        later = timezone.now() + timedelta(minutes=5)
        SyncWork.objects.update(failure_count=3, next_sync_at=later)

        assert send_push().status_code == 204
        assert queue == []
        assert watched.work.next_sync_at == later

    def test_is_not_lost_where_the_broker_is_down(self, watched, monkeypatch):
        # Send messages again; the fixture only records them.
        monkeypatch.delattr(app, "send_task")
        with broker_down():
            assert send_push().status_code == 204
        assert is_due(watched)

    @pytest.mark.scenario("P4")
    @pytest.mark.invariant(5)
    def test_about_what_is_purged_is_heard_and_dropped(self, watched, mailbox, queue):
        operations.disconnect_integration(
            integration_id=watched.integration.id,
            user_id=watched.user.id,
            organisation_id=watched.organisation.id,
            at=timezone.now(),
        )
        queue.clear()
        calls = list(mailbox.calls)

        fenced = send_push()
        Watch.objects.all().delete()
        SyncWork.objects.all().delete()
        emptied = send_push()

        assert (fenced.status_code, emptied.status_code, queue) == (204, 204, [])
        assert mailbox.calls == calls
        assert not SyncWork.objects.exists()
        assert not Watch.objects.exists()
        assert purge.count_purge_residue() == {}


@pytest.mark.scenario("P5")
class TestAToken:
    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "https://accounts.example.org"},
            {"iss": "https://accounts.google.com/"},
            {"iss": ["https://accounts.google.com"]},
            {"iss": ...},
            {"aud": "https://elsewhere.example/push"},
            {"aud": ["https://antares.example/webhooks/google/pubsub"]},
            {"aud": ...},
            {"email": "stranger@other.iam.gserviceaccount.com"},
            {"email": ACCOUNT.upper()},
            {"email": ...},
            {"email_verified": False},
            {"email_verified": "true"},
            {"email_verified": 1},
            {"email_verified": ...},
            {"exp": ...},
            {"exp": "9999999999"},
            {"iat": ...},
        ],
        ids=str,
    )
    def test_has_to_say_the_right_thing(self, watched, queue, changed):
        assert send_push(bearer=token(**changed)).status_code == 403
        assert queue == []

    @pytest.mark.parametrize(("off", "status"), [(-9, 204), (-11, 403)])
    def test_may_be_over_by_the_difference_of_two_clocks(self, watched, off, status):
        exp = int(timezone.now().timestamp()) + off

        assert send_push(bearer=token(exp=exp, iat=exp - 3600)).status_code == status

    @pytest.mark.parametrize(("off", "status"), [(9, 204), (15, 403)])
    def test_may_begin_ahead_by_as_much(self, watched, off, status):
        assert (
            send_push(bearer=token(iat=int(timezone.now().timestamp()) + off)).status_code == status
        )

    def test_may_write_the_issuer_without_its_scheme(self, watched):
        assert send_push(bearer=token(iss="accounts.google.com")).status_code == 204

    @pytest.mark.parametrize(
        "bearer",
        [
            "",
            "a.b.c",
            "x" * 20_000,
            pytest.param(token(key=RSAKey.generate_key(2048)), id="another key"),
            pytest.param(token({"kid": "two"}), id="no such key"),
            "e30.e30.",
            pytest.param(f"{NESTED}.e30.e30", id="nested header"),
            pytest.param(f"{'W1tb' * 3_000}.e30.e30", id="9,000 open brackets as the header"),
        ],
    )
    def test_has_to_be_signed_by_google(self, watched, queue, bearer):
        assert send_push(bearer=bearer).status_code == 403
        assert queue == []

    def test_is_refused_whatever_else_its_header_holds(self, watched):
        values = (5, None, True, [1], [None], [[]], {}, "", ["b64"], "\ud800")
        statuses = {}

        for name in ("crit", "b64", "typ", "zip", "x5c", "jwk"):
            for value in values:
                header = encoded({"alg": "RS256", "kid": "one", name: value})
                answer = send_push(bearer=f"{header}.e30.AAAA", client=SHOWING_ERRORS)
                statuses[name, str(value)] = answer.status_code

        assert set(statuses.values()) == {403}, statuses

    def test_is_not_signed_by_who_knows_the_public_key(self, watched):
        claims = token().split(".")[1]
        signed = f"{encoded({'alg': 'HS256', 'kid': 'one', 'typ': 'JWT'})}.{claims}"
        mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")

        assert send_push(bearer=f"{signed}.{encoded(mac)}").status_code == 403

    def test_comes_as_a_bearer_token(self, watched):
        client = Client()

        for header in ("", f"Basic {token()}", token()):
            headers = {"Authorization": header}
            answer = client.post(PUBSUB, b"{}", "application/json", headers=headers)
            assert answer.status_code == 403

    def test_is_for_us_only_where_the_settings_say_who_we_are(self, watched, settings):
        settings.PUSH = replace(settings.PUSH, pubsub_account="")

        assert send_push(bearer=token(email="")).status_code == 403

    def test_is_looked_at_before_anything_else(self, watched, queue):
        class Unread:
            def read(self, *_):
                raise AssertionError("read before it was proven")

            readline = read

        environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": "10"}
        with CaptureQueriesContext(connection) as queries:
            answer = Client().post(PUBSUB, headers={"Authorization": "Bearer a.b.c"}, **environ)

        assert answer.status_code == 403
        # The database counts the call and is not asked for anything else.
        assert asked_of(queries) == []


class TestPubsubBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b'{"message": {}}',
            b'{"message": {"data": 7}}',
            b'{"message": {"data": "!!!"}}',
            json.dumps(message(data=base64.b64encode(b"[]").decode())).encode(),
            json.dumps(message(data=base64.b64encode(b'{"emailAddress": 7}').decode())).encode(),
            json.dumps(message("x" * 300)).encode(),
            json.dumps(message("\ud800@example.test")).encode(),
            b"[" * 5000,
            b"x" * 200_000,
        ],
        ids=range(12),
    )
    def test_that_makes_no_sense_is_acknowledged_or_it_would_come_for_a_week(
        self, watched, queue, body
    ):
        assert send_push(body or b" ").status_code == 204
        assert queue == []

    @pytest.mark.invariant(4)
    def test_leaves_no_trace_in_the_log(self, watched, caplog, capsys):
        send_push(message("canary@example.test"))
        send_push(b'{"message": {"data": "canary"}}')

        assert "canary" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.invariant(1, 3)
class TestAskingWhetherAnAddressIsHere:
    def test_is_permitted_once_a_minute_however_many_come(self, watched):
        before = Leaf.objects.count()

        for number in range(20):
            send_push(message(f"{number}@example.test"))

        [asked] = Leaf.objects.order_by("id")[before:]
        said = json.loads(bytes(asked.payload))
        assert (said["rule"], said["class"], said["recipient"]) == (
            "match-what-provider-tells",
            "profile",
            "vault",
        )
        assert said["on_behalf_of"] is None

    def test_is_asked_again_in_the_next_minute(self, watched):
        at = timezone.now()
        first = permits.for_push_lookup(MailboxNotification("a@example.test"), at=at)

        assert (
            permits.for_push_lookup(
                MailboxNotification("b@example.test"), at=at + timedelta(seconds=59)
            )
            is first
        )
        assert (
            permits.for_push_lookup(
                MailboxNotification("b@example.test"), at=at + timedelta(seconds=60)
            )
            != first
        )


class TestKeysOutOfReach:
    def test_are_waited_for_by_who_calls(self, watched, settings, queue):
        folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
        folder.rename(away)
        _open_files.cache_clear()

        out = send_push()
        away.rename(folder)

        assert (out.status_code, queue) == (503, [])
        postpone_sync(watched)
        assert send_push().status_code == 204

    def test_of_google_are_fetched_once_for_all_who_knock(self, watched, google, monkeypatch):
        fetched = []
        monkeypatch.setattr(
            "integrations.providers.provider_http.fetch_document",
            lambda url: fetched.append(url) or _down(),
        )

        statuses = {send_push(bearer=token({"kid": f"made-up-{n}"})).status_code for n in range(30)}

        assert (statuses, len(fetched)) == ({403}, 1)
        google._keys = {}
        google._tried_at = None
        assert {send_push().status_code for _ in range(5)} == {503}
        assert len(fetched) == 2

    def test_of_google_that_are_new_are_fetched(self, watched, monkeypatch):
        newer = RSAKey.generate_key(2048, {"kid": "two"})
        page = json.dumps({"keys": [newer.as_dict(private=False)]}).encode()
        monkeypatch.setattr(
            "integrations.providers.provider_http.fetch_document",
            lambda _: provider_http.ProviderResponse(200, {}, page),
        )

        assert send_push(bearer=token({"kid": "two"}, newer)).status_code == 204
        # One that it took away is no good from then on.
        assert send_push(bearer=token()).status_code == 403


def encoded(part) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _down():
    raise provider_http.NoResponse


@pytest.mark.django_db(transaction=True)
@pytest.mark.scenario("P5")
def test_ten_at_the_same_time_ask_once(transactional_db, watched, queue):
    statuses = []

    def one():
        try:
            statuses.append(send_push().status_code)
        finally:
            connections.close_all()

    threads = [Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [204] * 10
    assert queue == [sync_message(watched.work)]
