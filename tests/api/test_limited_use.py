"""Limited Use as a client over HTTP meets it: what the policy says, said and recorded."""

from __future__ import annotations

from uuid import UUID, uuid4

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts import clients, delegations, memberships
from accounts.models import ServiceClient, ServiceToken
from integrations import connections
from integrations.grants import access_tokens
from integrations.models import IntegrationStatus, PurgeTrigger, SyncWork
from limited_use.agreements.service_clients import create_declared_client
from limited_use.ledger import entries
from limited_use.models import Leaf
from limited_use.policy import feature_registry
from tests.accounts.cast import EC, Asking, post_form
from tests.api import cast, schema
from tests.database_rows import TABLES_OF_A_FEATURE_READ, dump_tables, list_changed_tables
from tests.integrations import household as houses
from tests.walls import rows_are_not_hidden

__all__ = ["rows_are_not_hidden"]

V1 = "/v1/users/me"


def list_ledger_entries() -> list[dict]:
    return [orjson.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]


def list_entries_since(before: int) -> list[dict]:
    return list_ledger_entries()[before:]


def list_works_without_view() -> list[dict]:
    """Return the sync work without the columns that a view of the mailbox changes."""
    viewed = {"looked_at", "next_sync_at"}
    rows = SyncWork.objects.order_by("id").values()
    return [{name: row[name] for name in row.keys() - viewed} for row in rows]


def every_read(mine) -> list[str]:
    return [
        f"{V1}/messages",
        f"{V1}/threads",
        f"{V1}/messages/{mine.message}",
        f"{V1}/threads/{mine.thread}",
        f"{V1}/messages/{mine.message}/attachments/{mine.attachment}",
    ]


@pytest.mark.invariant(3)
@pytest.mark.clause("LU-1")
class TestARead:
    @pytest.mark.parametrize(
        ("where", "classes"),
        [
            ("messages", ["mail.metadata"]),
            ("threads", ["mail.metadata"]),
            ("threads/{thread}", ["mail.metadata"]),
            ("messages/{message}", ["mail.content", "mail.metadata"]),
            ("messages/{message}/attachments/{attachment}", ["mail.content", "mail.metadata"]),
        ],
    )
    @pytest.mark.parametrize("who", ["hers", "widget"])
    def test_leaves_one_entry_per_integration_and_class(self, request, mine, where, classes, who):
        client = request.getfixturevalue(who)
        # The attachment's own token is used as well: that is another entry, of the connection.
        before = Leaf.objects.count()

        assert client.get(f"{V1}/{where}".format(**vars(mine))).status_code == 200

        about = entries.get_ledger_pseudonym(UUID(mine.integration))
        found = [one for one in list_entries_since(before) if one["subject"] == about]
        assert sorted(one["class"] for one in found) == classes
        for one in found:
            assert one["event"] == "use.permitted"
            assert one["purpose"] == "inbox.display"
            assert one["recipient"] == ("owner" if who == "hers" else "platform_feature")
            assert one["feature"] == ("inbox" if who == "hers" else "inbox-widget")

    def test_of_two_mailboxes_leaves_one_for_each(self, alice, hers, mailbox):
        other = houses.household(who=(alice.user, alice.organisation, alice.membership))
        before = Leaf.objects.count()

        hers.get(f"{V1}/messages")

        # The second mailbox shows no row on this page.
        assert [one["subject"] for one in list_entries_since(before)] == [
            entries.get_ledger_pseudonym(alice.integration.id)
        ]
        other.settle()
        before = Leaf.objects.count()
        hers.get(f"{V1}/messages")
        assert len(list_entries_since(before)) == 2

    def test_holds_no_content_address_or_raw_id(self, alice, hers, mine):
        for path in every_read(mine):
            hers.get(path)
        hers.get(f"{V1}/connections")

        text = b"".join(bytes(leaf.payload) for leaf in Leaf.objects.all()).decode()

        ids = [*vars(mine).values(), str(alice.user.id), str(alice.organisation.id)]
        for secret in (cast.MARKER, "gmail.example", "example.test", *ids):
            assert secret not in text

    def test_that_finds_nothing_is_recorded_too(self, bob):
        before = Leaf.objects.count()

        cast.browser(bob.user).get(f"{V1}/messages")

        assert [one["count"] for one in list_entries_since(before)] == [0]


@pytest.mark.clause("LU-1", "AN-10")
class TestFeatureOverApi:
    def test_reads_for_the_person_who_switched_it_on(self, widget, mine):
        for path in every_read(mine):
            assert widget.get(path).status_code == 200, path

    @pytest.mark.claim("feature.widget", "stored.no-copy")
    def test_keeps_nothing_of_what_it_reads(self, widget, mine):
        before = dump_tables()
        works_before = list_works_without_view()

        for path in every_read(mine):
            assert widget.get(path).status_code == 200, path

        # The first view in two minutes is stored with the sync work.
        assert list_changed_tables(before) <= TABLES_OF_A_FEATURE_READ | {"integrations_syncwork"}
        assert list_works_without_view() == works_before

    def test_reads_through_the_token_endpoint(self, alice, mine):
        delegation = cast.switch_on(alice, cast.widget())
        asking = Asking(delegation, client_id="inbox-widget", alg="ES256", key=EC)

        token = post_form(asking.form()).json()["access_token"]

        body = schema.check_answer(cast.bearer(token).get(f"/v1/users/{mine.user}/messages"))
        assert len(body["data"]) == 7

    @pytest.mark.claim("feature.switched-off", "feature.widget", "uses.only-what-is-on")
    @pytest.mark.invariant(5)
    def test_reads_nothing_from_the_call_after_it_was_switched_off(self, alice, mine):
        client = cast.widget()
        delegation = cast.switch_on(alice, client)
        caller = cast.feature(client, delegation)
        assert caller.get(f"{V1}/messages").status_code == 200

        switched = cast.browser(alice.user).post(
            "/settings/features/inbox-widget/", {"switch": "off", "delegation": str(delegation.id)}
        )

        assert switched.status_code == 302
        for path in every_read(mine):
            schema.problem(caller.get(path), 401, "not-authenticated")

    @pytest.mark.invariant(5)
    def test_reads_nothing_by_an_old_token_after_it_was_switched_on_again(self, alice, mine):
        client = cast.widget()
        delegation = cast.switch_on(alice, client)
        old = cast.feature(client, delegation)
        # As if the deletion of tokens had been forgotten: the epoch stands by itself.
        kept = ServiceToken.objects.get(delegation=delegation)
        delegations.switch_delegation_off(
            delegation_id=delegation.id, user_id=alice.user.id, at=timezone.now()
        )
        kept.save(force_insert=True)
        cast.switch_on(alice, client)

        schema.problem(old.get(f"{V1}/messages"), 401, "not-authenticated")

    @pytest.mark.invariant(5)
    def test_ends_with_the_membership(self, alice, widget):
        memberships.end_membership(
            user_id=alice.user.id, organisation_id=alice.organisation.id, at=timezone.now()
        )

        schema.problem(widget.get(f"{V1}/messages"), 401, "not-authenticated")

    def test_ends_with_its_client(self, widget):
        clients.retire_service_client(client_id="inbox-widget", at=timezone.now())

        schema.problem(widget.get(f"{V1}/messages"), 401, "not-authenticated")

    @pytest.mark.claim("feature.needs-agreement")
    def test_agreed_to_in_other_words_is_refused(self, alice, widget):
        delegations.Delegation.objects.update(feature_version=0)

        body = schema.problem(widget.get(f"{V1}/messages"), 403, "limited-use-refused")

        assert list_ledger_entries()[-1]["id"] == body["ledger_entry"]
        assert list_ledger_entries()[-1]["missing"] == ["consent_current"]
        assert body["missing"] == ["consent_current"]
        assert "has not agreed to the current text in Settings" in body["detail"]

    def test_is_not_its_person_on_pages(self, widget):
        for path in ("/inbox/", "/settings/integrations/"):
            assert widget.get(path).headers["Location"].startswith("/accounts/login/")


@pytest.mark.clause("LU-4", "LU-4.1", "MS-ADS")
@pytest.mark.invariant(1)
class TestACampaign:
    @pytest.fixture
    def campaigns(self, alice):
        client = cast.campaigns()
        return cast.feature(client, cast.switch_on(alice, client), "marketing")

    @pytest.mark.claim("problem.refused")
    @pytest.mark.claim("home.refused", "data-use.refused", "feature.campaigns")
    @pytest.mark.parametrize(
        "where",
        [
            "messages", "threads", "messages/{message}", "threads/{thread}", "connections",
            "connections/{connection}", "messages/{message}/attachments/{attachment}",
            "messages/00000000-0000-7000-8000-000000000000", "messages?folder=nowhere",
        ],
    )  # fmt: skip
    def test_is_refused_with_rule_clauses_and_entry(self, campaigns, alice, mine, where):
        before = Leaf.objects.count()

        answer = campaigns.get(f"{V1}/{where}".format(**vars(mine)))

        body = schema.problem(answer, 403, "limited-use-refused")
        assert body["rule"] == "never-market"
        assert {"LU-4", "LU-4.1"} <= set(body["clauses"])
        assert (body["purpose"], body["recipient"]) == ("marketing", "platform_feature")
        assert "marketing" in body["detail"]
        [entry] = list_entries_since(before)
        assert entry["id"] == body["ledger_entry"]
        assert (entry["event"], entry["rule"]) == ("use.refused", "never-market")
        assert entry["feature"] == "campaigns"
        assert entry["subject"] == entries.get_ledger_pseudonym(alice.integration.id)
        assert cast.MARKER.encode() not in answer.content

    def test_is_refused_where_there_is_nothing_to_read(self, db, keyring):
        person, organisation, _ = houses.person("nemo", at=timezone.now())
        client = cast.campaigns()
        delegation = delegations.switch_delegation_on(
            user_id=person.id,
            organisation_id=organisation.id,
            feature="campaigns",
            feature_version=1,
            at=timezone.now(),
        )

        answer = cast.feature(client, delegation, "marketing").get(f"{V1}/messages")

        body = schema.problem(answer, 403, "limited-use-refused")
        assert list_ledger_entries()[-1]["id"] == body["ledger_entry"]

    def test_may_hold_no_other_purpose_either(self, alice, mine):
        client = clients.create_service_client(
            client_id="campaigns",
            feature="campaigns",
            purposes=["inbox.display"],
            jwks=cast.KEYS,
            at=timezone.now(),
        )

        answer = cast.feature(client, cast.switch_on(alice, client)).get(f"{V1}/messages")

        schema.problem(answer, 403, "limited-use-refused")

    @pytest.mark.parametrize("purpose", ["marketing", "advertising", "no.such.purpose", ""])
    def test_by_the_widget_itself_is_refused(self, alice, purpose):
        client = cast.widget()
        ServiceClient.objects.filter(id=client.id).update(purposes=[purpose])
        client.refresh_from_db()
        caller = cast.feature(client, cast.switch_on(alice, client), purpose)

        body = schema.problem(caller.get(f"{V1}/messages"), 403, "limited-use-refused")

        assert list_ledger_entries()[-1]["id"] == body["ledger_entry"]

    @pytest.mark.parametrize(
        ("purpose", "rule", "clause", "words"),
        [
            ("legal.obligation", "no-legal-case", "LU-2.3", "no way to open such a case"),
            ("security.investigation", "no-security-case", "LU-2.2", "no way to open such a case"),
            ("merger.transfer", "no-merger-case", "LU-2.4", "unless you agree first"),
            ("sentiment.owner", "never-read-moods", "AN-25", "never analysed for anyone's mood"),
            ("mail.send", "features-never-send", "AN-11", "never sends mail"),
            ("calendar.schedule", "scheduling-is-of-calendars", "AN-6", "only your calendars"),
            ("drive.upload", "features-save-own-files-only", "AN-7", "files that Antares made"),
        ],
    )
    def test_for_what_nothing_does_yet_is_told_the_clause_in_plain_words(
        self, alice, purpose, rule, clause, words
    ):
        client = cast.widget()
        ServiceClient.objects.filter(id=client.id).update(purposes=[purpose])
        client.refresh_from_db()
        caller = cast.feature(client, cast.switch_on(alice, client), purpose)

        body = schema.problem(caller.get(f"{V1}/messages"), 403, "limited-use-refused")

        assert (body["rule"], body["missing"]) == (rule, [])
        assert clause in body["clauses"]
        assert words in body["detail"]

    @pytest.mark.parametrize("feature", ["campaigns", "inbox-widget", "inbox", "unknown"])
    def test_cannot_be_registered(self, db, feature):
        with pytest.raises(feature_registry.UndeclaredUse):
            create_declared_client(
                feature=feature, purposes=["marketing"], jwks=cast.KEYS, at=timezone.now()
            )

        assert not ServiceClient.objects.exists()

    def test_gets_no_token_that_says_another_purpose(self, alice):
        client = cast.campaigns()
        delegation = cast.switch_on(alice, client)
        asking = Asking(delegation, client_id="campaigns", alg="ES256", key=EC)

        answer = post_form(asking.form(scope="purpose:inbox.display"))

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.invariant(1, 2)
@pytest.mark.control("3.1.3", "3.1.4")
@pytest.mark.urls("tests.api.planted")
@pytest.mark.usefixtures("rows_are_not_hidden")
class TestAViewThatForgetsTheOwner:
    @pytest.mark.parametrize("who", ["bob", "mallory"])
    def test_is_refused_by_the_guard_and_recorded(self, request, alice, mine, who):
        stranger = request.getfixturevalue(who)
        before = Leaf.objects.count()

        answer = cast.browser(stranger.user).get(f"{V1}/anybodys/{mine.message}")

        body = schema.problem(answer, 403, "limited-use-refused")
        assert cast.MARKER.encode() not in answer.content
        found = list_entries_since(before)
        assert body["ledger_entry"] in {one["id"] for one in found}
        assert {one["event"] for one in found} == {"use.refused"}
        assert {one["subject"] for one in found} == {
            entries.get_ledger_pseudonym(alice.integration.id)
        }
        assert {one["actor"] for one in found} == {entries.get_ledger_pseudonym(stranger.user.id)}
        assert "actor_owns" in found[0]["missing"]

    def test_of_pages_is_refused_in_words(self, mallory, mine):
        answer = cast.browser(mallory.user).get(f"/anybodys/{mine.message}/")

        assert answer.status_code == 403
        assert "no-store" in answer.headers["Cache-Control"]
        page = answer.content.decode()
        assert cast.MARKER not in page
        assert list_ledger_entries()[-1]["event"] == "use.refused"
        assert any(one["id"] in page for one in list_ledger_entries()[-2:])

    def test_serves_its_owner(self, hers, mine):
        assert cast.MARKER.encode() in hers.get(f"{V1}/anybodys/{mine.message}").content

    def test_is_refused_for_a_feature_of_somebody_else(self, mallory, mine):
        client = cast.widget()
        caller = cast.feature(client, cast.switch_on(mallory, client))

        schema.problem(caller.get(f"{V1}/anybodys/{mine.message}"), 403, "limited-use-refused")

    def test_and_asks_for_no_permit_opens_nothing(self, hers, mine):
        hers.raise_request_exception = False

        answer = hers.get(f"{V1}/unasked/{mine.message}")

        schema.problem(answer, 500, "unexpected")
        assert cast.MARKER.encode() not in answer.content

    @pytest.mark.claim("data-use.staff")
    @pytest.mark.parametrize("role", ["support", "reviewer", "operator"])
    def test_is_refused_for_staff(self, alice, mine, role):
        user, *_ = houses.person(role, alice.organisation, at=timezone.now())
        user.role = role
        user.save()

        answer = cast.browser(user, mfa=True).get(f"{V1}/anybodys/{mine.message}")

        schema.problem(answer, 403, "limited-use-refused")
        assert "actor_owns" in list_ledger_entries()[-1]["missing"]


@pytest.mark.control("4.1.1")
@pytest.mark.urls("tests.api.planted")
class TestTheSameViewBehindTheWall:
    """The database shows it no row to ask the guard about."""

    @pytest.mark.parametrize("who", ["bob", "mallory"])
    def test_finds_nothing_of_anybody_else(self, request, mine, who):
        browser = cast.browser(request.getfixturevalue(who).user)
        before = Leaf.objects.count()

        answers = [browser.get(f"{V1}/anybodys/{mine.message}")]
        answers.append(browser.get(f"{V1}/anybodys/{UUID(int=1)}"))

        assert [one.status_code for one in answers] == [404, 404]
        assert Leaf.objects.count() == before

    def test_finds_nothing_for_a_feature_of_somebody_else(self, mallory, mine):
        client = cast.widget()
        caller = cast.feature(client, cast.switch_on(mallory, client))

        assert caller.get(f"{V1}/anybodys/{mine.message}").status_code == 404

    @pytest.mark.parametrize("role", ["support", "reviewer", "operator"])
    def test_finds_nothing_for_staff(self, alice, mine, role):
        user, *_ = houses.person(role, alice.organisation, at=timezone.now())
        user.role = role
        user.save()

        answer = cast.browser(user, mfa=True).get(f"{V1}/anybodys/{mine.message}")

        assert answer.status_code == 404

    def test_serves_its_owner(self, hers, mine):
        assert cast.MARKER.encode() in hers.get(f"{V1}/anybodys/{mine.message}").content


class TestAfterTheGrantEnded:
    @pytest.fixture
    def ended(self, alice):
        access_tokens.record_grant_ended(
            connection_id=alice.connection.id, epoch=alice.connection.epoch, at=timezone.now()
        )
        alice.integration.refresh_from_db()
        assert alice.integration.status == IntegrationStatus.REAUTH_REQUIRED

    @pytest.mark.claim("inbox.reconnect")
    @pytest.mark.claim("integrations.only-you")
    @pytest.mark.claim("status.reauth")
    @pytest.mark.claim("data-use.grace", "mail.nothing-lost")
    @pytest.mark.invariant(6)
    def test_its_owner_still_reads(self, ended, hers, mine):
        assert len(schema.check_answer(hers.get(f"{V1}/messages"))["data"]) == 7
        assert cast.MARKER in schema.check_answer(hers.get(f"{V1}/messages/{mine.message}"))["body"]
        inbox = hers.get("/inbox/")
        assert inbox.status_code == 200
        assert "removes its copy 14 days after the access ended" in inbox.text
        assert hers.get(f"/inbox/messages/{mine.message}/body/").status_code == 200

    @pytest.mark.claim("integrations.only-you")
    @pytest.mark.claim("status.reauth")
    @pytest.mark.claim("data-use.grace", "mail.nothing-lost")
    @pytest.mark.invariant(6)
    def test_features_stop_at_once(self, widget, ended, mine):
        body = schema.problem(widget.get(f"{V1}/messages"), 403, "limited-use-refused")

        assert Leaf.objects.filter(id=body["ledger_entry"]).exists()
        answers = {path: widget.get(path) for path in every_read(mine)}
        assert {answer.status_code for answer in answers.values()} == {403}
        assert not any(cast.MARKER.encode() in answer.content for answer in answers.values())

    def test_the_api_says_until_when_to_reconnect(self, ended, hers, mine):
        body = schema.check_answer(hers.get(f"{V1}/connections/{mine.connection}"))

        assert body["status"] == "reauth_required"
        assert body["reconnect_before"] is not None

    def test_an_attachment_asks_to_reconnect(self, ended, hers, mine):
        answer = hers.get(f"{V1}/messages/{mine.message}/attachments/{mine.attachment}")

        schema.problem(answer, 409, "reconnect")


@pytest.mark.invariant(5)
@pytest.mark.scenario("X8")
class TestWhileAPurgeIsRunning:
    @pytest.fixture
    def purging(self, alice, mine):
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
            trigger=PurgeTrigger.OWNER,
        )
        assert alice.messages.exists()

    @pytest.mark.claim("status.purging")
    def test_nothing_opens_for_anybody(self, widget, hers, purging, mine):
        for client in (hers, widget):
            for where in ("messages", "threads", "connections"):
                assert schema.check_answer(client.get(f"{V1}/{where}"))["data"] == []
            for path in every_read(mine)[2:]:
                schema.problem(client.get(path), 404, "not-found")
        for path in (
            f"/inbox/threads/{mine.thread}/",
            f"/inbox/messages/{mine.message}/body/",
            f"/inbox/messages/{mine.message}/attachments/{mine.attachment}/",
            f"/settings/integrations/{mine.integration}/progress/",
        ):
            assert hers.get(path).status_code == 404, path

    def test_nothing_is_on_the_pages(self, hers, purging):
        for path in ("/inbox/", "/inbox/?folder=all", "/settings/integrations/"):
            answer = hers.get(path)

            assert answer.status_code == 200
            assert cast.MARKER.encode() not in answer.content
            assert b"alice@gmail" not in answer.content

    @pytest.mark.urls("tests.api.planted")
    def test_not_even_to_a_view_that_forgets_the_fence(self, hers, purging, mine):
        answer = hers.get(f"{V1}/anybodys/{mine.message}")

        body = schema.problem(answer, 403, "limited-use-refused")
        assert Leaf.objects.filter(id=body["ledger_entry"]).exists()

    def test_an_unknown_id_looks_the_same(self, hers, purging, mine):
        gone = hers.get(f"{V1}/messages/{mine.message}")
        unknown = hers.get(f"{V1}/messages/{uuid4()}")

        assert {**gone.json(), "request_id": "", "instance": ""} == {
            **unknown.json(),
            "request_id": "",
            "instance": "",
        }


class TestUnauthenticatedCaller:
    def test_is_told_whether_a_mail_exists(self, alice, mine):
        known = Client().get(f"{V1}/messages/{mine.message}")
        unknown = Client().get(f"{V1}/messages/{uuid4()}")

        schema.problem(known, 401, "not-authenticated")
        assert known.json() | {"request_id": "", "instance": ""} == unknown.json() | {
            "request_id": "",
            "instance": "",
        }
