"""The built client and its README's examples, at the service."""

from __future__ import annotations

import copy
import sys
from contextlib import ExitStack
from importlib import import_module
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings
from django.utils import timezone
from joserfc.jwk import ECKey

from accounts import delegations
from accounts.models import Delegation, ServiceToken
from integrations import connections
from integrations.models import FeatureRemoval, Message
from integrations.urls.api.openapi_examples import read_examples
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.accounts.cast import EC
from tests.api import cast
from tests.api.conftest import alice, keyring, mailbox, synced
from tests.api.generated.callers import make_application
from tests.client import wheel

__all__ = ["alice", "keyring", "mailbox", "synced"]

BOB = {"name": "", "address": "bob@example.test"}
REDIRECT_URI = "https://feature.example/antares"


@pytest.fixture
def package(monkeypatch):
    """Yield the package of the wheel. This process answers its requests."""
    service = httpx.WSGITransport(make_application())
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda _, request: service.handle_request(request)
    )
    with wheel.import_from_wheel():
        import antares_client
        import antares_client.api
        import antares_client.models

        yield antares_client


@pytest.fixture
def widget(alice):
    client = cast.widget()
    client.redirect_uris = [REDIRECT_URI]
    client.save(update_fields=["redirect_uris"])
    return SimpleNamespace(client=client, delegation=cast.switch_on(alice, client))


@pytest.fixture
def open_antares(package):
    """Return a function that opens the service for a client, with its key or another one."""
    with ExitStack() as stack:

        def open_antares(client, key=EC):
            credentials = package.Credentials(
                client_id=client.client_id,
                private_key=key.as_dict(private=True),
                base_url=settings.PUBLIC_URL,
            )
            return stack.enter_context(package.Antares(credentials))

        yield open_antares


@pytest.fixture
def antares(open_antares, widget):
    return open_antares(widget.client)


@pytest.fixture
def api(antares, widget):
    return antares.act_for_person(widget.delegation.id, purpose="inbox.display")


class TestClient:
    def test_reads_the_mail_of_the_person(self, package, api, alice):
        page = package.api.list_messages(api, "me", limit=2)

        assert len(page.data) == 2
        assert page.has_more
        assert isinstance(page, package.models.MessageList)
        ids = {row.id for row in Message.objects.filter(integration=alice.integration)}
        assert {message.id for message in page.data} <= ids

    def test_reads_a_value_that_is_newer_than_itself(self, package):
        body = read_examples()["operations"]["list_removals"]["response"]["body"]
        body = copy.deepcopy(body)
        body["data"][0]["reason"] = "of a later version"

        (removal,) = package.models.RemovalList.from_dict(body).data

        assert removal.reason == "of a later version"
        assert removal.reason not in list(package.models.RemovalReason)
        assert removal.to_dict()["reason"] == removal.reason

    def test_of_the_inbox_widget_shows_a_sender_without_a_name(self, package, api, monkeypatch):
        page = package.api.list_messages(api, "me", limit=1)
        page.data[0].from_[0].name = ""
        # Imported again, with the package that the fixture unpacked.
        for name in ("inbox_widget", "removal_replies", "feature_site", "feature_settings"):
            monkeypatch.delitem(sys.modules, f"config.embedded.programs.{name}", raising=False)
        inbox_widget = import_module("config.embedded.programs.inbox_widget")
        monkeypatch.setattr(inbox_widget, "list_messages", lambda *_, **__: page)

        (line,) = inbox_widget.list_newest_messages(api)

        assert page.data[0].from_[0].email in line

    def test_of_a_feature_site_finds_its_cookie_beside_those_of_other_programs(
        self, package, monkeypatch
    ):
        name = "config.embedded.programs.feature_site"
        monkeypatch.delitem(sys.modules, name, raising=False)
        site = import_module(name).FeatureSite(
            None, title="", purpose="", redirect_uri=REDIRECT_URI, list_lines=None
        )

        key, visitor = site.get_visitor("")

        cookie = f"@other/x=1; {site.cookie_name}={key}; last"
        assert site.get_visitor(cookie) == (key, visitor)
        assert site.get_visitor("@other/x=1")[0] != key

    def test_reads_a_whole_message(self, package, api):
        first = package.api.list_messages(api, "me", limit=1).data[0]

        response = package.api.get_message_response(api, "me", first.id)

        assert response.status == 200
        assert response.headers["cache-control"] == "no-store"
        assert response.body.subject == first.subject

    def test_gets_the_refusal_of_the_guard(self, package, open_antares, alice):
        campaigns = cast.campaigns()
        delegation = cast.switch_on(alice, campaigns)
        api = open_antares(campaigns).act_for_person(delegation.id, purpose="marketing")

        with pytest.raises(package.Refused) as raised:
            package.api.list_messages(api, "me")

        refusal = raised.value
        assert (refusal.status, refusal.purpose) == (403, "marketing")
        assert refusal.rule == "never-market"
        assert "LU-4" in refusal.clauses
        assert Leaf.objects.filter(id=refusal.ledger_entry).exists()

    def test_gets_the_problem_of_a_message_that_does_not_exist(self, package, api):
        with pytest.raises(package.ProblemError) as raised:
            package.api.get_message(api, "me", uuid4())

        assert raised.value.code == package.models.ProblemCode.NOT_FOUND
        assert raised.value.request_id

    def test_gets_the_problem_of_a_wrong_parameter(self, package, api):
        with pytest.raises(package.ProblemError) as raised:
            package.api.list_messages(api, "me", limit=100_000)

        assert [error["parameter"] for error in raised.value.errors] == ["limit"]

    def test_learns_that_the_person_switched_the_feature_off(self, package, antares, alice, widget):
        """At once, though the token would be valid for ten minutes."""
        api = antares.act_for_person(widget.delegation.id, purpose="inbox.display")
        package.api.list_messages(api, "me", limit=1)

        delegations.switch_delegation_off(
            delegation_id=widget.delegation.id, user_id=alice.user.id, at=timezone.now()
        )

        with pytest.raises(package.DelegationEnded):
            package.api.list_messages(api, "me", limit=1)

    @pytest.mark.parametrize(
        ("delegation", "purpose", "error"),
        [(UUID(int=1), "inbox.display", "invalid_grant"), (None, "marketing", "invalid_scope")],
    )
    def test_gets_no_token_for_anything_else(  # noqa: PLR0917 - fixtures
        self, package, antares, widget, delegation, purpose, error
    ):
        api = antares.act_for_person(delegation or widget.delegation.id, purpose=purpose)

        with pytest.raises(package.TokenRefused) as raised:
            package.api.list_messages(api, "me")

        assert raised.value.error == error

    def test_gets_no_token_with_another_key(self, package, open_antares, widget):
        other_key = ECKey.generate_key("P-256", {"kid": EC.kid})
        antares = open_antares(widget.client, other_key)
        api = antares.act_for_person(widget.delegation.id, purpose="inbox.display")

        with pytest.raises(package.TokenRefused) as raised:
            package.api.list_messages(api, "me")

        assert raised.value.error == "invalid_client"


class TestReadme:
    @pytest.fixture
    def examples(self, package, widget, monkeypatch, tmp_path):
        """Run the README's blocks one after the other; yield what they define."""
        key_file = tmp_path / "key.pem"
        key_file.write_bytes(EC.as_pem(private=True))
        monkeypatch.setenv("ANTARES_CLIENT_ID", widget.client.client_id)
        monkeypatch.setenv("ANTARES_KEY_FILE", str(key_file))
        monkeypatch.setenv("ANTARES_URL", settings.PUBLIC_URL)
        monkeypatch.setenv("ANTARES_REDIRECT_URI", REDIRECT_URI)
        with wheel.run_examples() as defined:
            yield defined

    def test_hands_a_person_over(self, examples, alice, widget):
        widget.delegation.delete()
        session = {"user_id": alice.user.platform_id}
        back = decide(alice.user, examples.start(session), "allow")

        assert back.startswith(f"{REDIRECT_URI}?")
        assert examples.come_back(session, urlsplit(back).query) == "Connected."

        delegation = Delegation.objects.live().get(user=alice.user)
        assert session["delegation"] == str(delegation.id)
        assert examples.find_delegations() == {alice.user.platform_id: delegation.id}
        # With the token that came with the code.
        assert ServiceToken.objects.filter(delegation=delegation).count() == 1
        assert next(examples.read_inbox(delegation.id)).subject
        assert ServiceToken.objects.filter(delegation=delegation).count() == 1

    def test_accepts_a_person_who_declines(self, examples, alice, widget):
        widget.delegation.delete()
        session = {"user_id": alice.user.platform_id}
        back = decide(alice.user, examples.start(session), "deny")

        said = examples.come_back(session, urlsplit(back).query)

        assert said == "Your mail stays with Antares."
        assert "delegation" not in session
        assert not Delegation.objects.live().filter(user=alice.user).exists()

    def test_refuses_the_redirect_of_another_session(self, examples, alice, widget):
        mine, theirs = {"user_id": alice.user.platform_id}, {"user_id": alice.user.platform_id}
        back = decide(alice.user, examples.start(mine), "allow")
        examples.start(theirs)

        assert examples.come_back(theirs, urlsplit(back).query) == "Please start again."
        assert examples.come_back(theirs, urlsplit(back).query) == "Please start again."
        assert examples.come_back(mine, urlsplit(back).query) == "Connected."

    def test_refuses_somebody_else_at_antares(self, examples, alice, widget):
        session = {"user_id": "platform-of-somebody-else"}
        back = decide(alice.user, examples.start(session), "allow")

        said = examples.come_back(session, urlsplit(back).query)

        assert said == "You are signed in to Antares as somebody else."
        assert "delegation" not in session

    def test_deletes_copies_and_acknowledges(self, examples, alice, widget):
        list(examples.read_inbox(widget.delegation.id))
        copies = {alice.integration.id}
        disconnect(alice)

        def delete(removal):
            assert removal.user.id == alice.user.id
            copies.remove(removal.integration)

        assert examples.delete_copies(delete) == 1
        assert copies == set()
        assert FeatureRemoval.objects.get().acknowledged_at is not None
        assert examples.delete_copies(delete) == 0

    def test_leaves_a_removal_open_that_it_could_not_delete(self, examples, alice, widget):
        list(examples.read_inbox(widget.delegation.id))
        disconnect(alice)

        def fail(_):
            raise OSError("the store is full")

        with pytest.raises(OSError, match="the store is full"):
            examples.delete_copies(fail)

        assert FeatureRemoval.objects.get().acknowledged_at is None

    def test_reads_the_whole_inbox_page_by_page(self, examples, alice, widget):
        found = [message.id for message in examples.read_inbox(widget.delegation.id)]

        inbox = Message.objects.filter(integration=alice.integration, folders__contains=["inbox"])
        assert len(found) > 3
        assert sorted(found) == sorted(inbox.values_list("id", flat=True))

    def test_reports_the_rule_that_refuses_a_proposal(self, package, examples, alice, widget):
        proposal = package.models.NewProposal.from_dict(
            {"mailbox": str(alice.integration.id), "to": [BOB], "subject": "x", "text": "x"}
        )

        said = examples.propose(widget.delegation.id, proposal)

        assert said.startswith("Refused by ")


def disconnect(house):
    connections.disconnect_integration(
        integration_id=house.integration.id,
        user_id=house.user.id,
        organisation_id=house.organisation.id,
        at=timezone.now(),
    )


def decide(user, address, decision):
    """Answer a feature's question as a person; return the address that the browser is sent to."""
    assert address.startswith(f"{settings.PUBLIC_URL}/oauth/authorize?")
    form = {"agree": "yes", "version": str(FEATURES["inbox-widget"].version)}
    path = address.removeprefix(settings.PUBLIC_URL)
    answer = cast.browser(user).post(path, form | {"decision": decision})
    assert answer.status_code == 302, answer.content
    return answer["Location"]
