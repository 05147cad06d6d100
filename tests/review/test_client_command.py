"""`manage.py clients`: an operator registers, changes, lists and retires service clients."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import api_tokens
from accounts.models import (
    Alarm,
    ClientHour,
    ServiceClient,
    ServiceClientChange,
    ServiceToken,
    User,
)
from limited_use.agreements.service_clients import hash_redirect_uri
from limited_use.ledger import entries
from tests.accounts.cast import EC
from tests.api import cast
from tests.review.client_world import (
    FEATURE,
    NEW,
    PURPOSE,
    URI,
    get_client,
    list_entries,
    owe_removal,
    run_worker,
    write_keys,
)
from tests.test_routes import staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keyring")]


def run_command(*arguments):
    output = StringIO()
    call_command("clients", *map(str, arguments), stdout=output)
    return output.getvalue()


def run_failing_command(*arguments):
    with pytest.raises(CommandError) as failed:
        run_command(*arguments)
    assert "\n" not in str(failed.value)
    return str(failed.value)


@pytest.fixture
def operator(alice):
    return staff("operator", alice.organisation)


@pytest.fixture
def by(operator):
    return "--by", operator.platform_id


@pytest.fixture
def both(by, alice):
    """Two operators, of whom the second approved it."""
    return *by, "--approved-by", staff("operator", alice.organisation).platform_id


@pytest.fixture
def keys(tmp_path):
    """Return a function that writes a key set to a file."""

    def write(*listed, private=False):
        file = tmp_path / "keys.json"
        file.write_text(write_keys(*listed, private=private))
        return file

    return write


class TestSteps:
    def test_register_change_and_retire_a_client(self, keys, by, both):
        said = run_command("register", FEATURE, keys(), PURPOSE, "--redirect-uri", URI, *both)
        client = get_client()
        run_command("rotate", FEATURE, keys(EC, NEW), *both)
        overlapping = get_client()
        run_command("redirects", FEATURE, f"{URI}/a", f"{URI}/b", *both)
        moved = get_client()
        run_command("redirects", FEATURE, *both)
        alone = get_client()
        run_command("retire", FEATURE, *by)

        assert said == f"{FEATURE} is registered for {PURPOSE}\n"
        assert (client.client_id, client.purposes) == (FEATURE, [PURPOSE])
        assert client.redirect_uris == [URI]
        assert [key["kid"] for key in overlapping.jwks["keys"]] == [EC.kid, "new"]
        assert moved.redirect_uris == [f"{URI}/a", f"{URI}/b"]
        assert alone.redirect_uris == []
        assert not ServiceClient.objects.live().exists()

    def test_are_entries_that_name_the_operators_and_the_keys_with_alarm_and_mail(
        self, keys, operator, by, both, mailoutbox
    ):
        run_command("register", FEATURE, keys(), PURPOSE, "--redirect-uri", URI, *both)
        run_command("rotate", FEATURE, keys(EC, NEW), *both)
        run_command("redirects", FEATURE, *both)
        run_command("retire", FEATURE, *by)

        common = {
            "client": FEATURE,
            "feature": FEATURE,
            "purposes": [PURPOSE],
            "channel": "command",
            "keys": [EC.thumbprint(), NEW.thumbprint()],
            "redirect_uris": [],
        }
        run_worker()

        written = list_entries()
        approver = entries.get_ledger_pseudonym(User.objects.get(platform_id=both[-1]).id)
        for entry in written[:-1]:
            assert entry["body"].pop("approved_by") == approver
        assert [(entry["event"], entry["body"]) for entry in written] == [
            (
                "client.registered",
                {
                    **common,
                    "keys": [EC.thumbprint()],
                    "redirect_uris": [hash_redirect_uri(URI)],
                },
            ),
            ("client.keys_replaced", {**common, "redirect_uris": [hash_redirect_uri(URI)]}),
            ("client.redirects_replaced", common),
            ("client.retired", {**common, "tokens": 0}),
        ]
        name, client = map(entries.get_ledger_pseudonym, (operator.id, get_client().id))
        for entry in written:
            assert (entry["actor_kind"], entry["actor"]) == ("person", name)
            assert entry["subject"] == client
            assert operator.platform_id not in json.dumps(entry)
        assert Alarm.objects.open().filter(kind="client.changed").count() == 4
        assert [set(mail.bcc) for mail in mailoutbox] == [
            set(User.objects.filter(role="operator").values_list("email", flat=True))
        ] * 4

    def test_after_a_retired_client_register_another_with_a_new_id(self, keys, by, both):
        for client_id in (FEATURE, f"{FEATURE}-2", f"{FEATURE}-3"):
            run_command("register", FEATURE, keys(), PURPOSE, *both)
            assert "has a client" in run_failing_command(
                "register", FEATURE, keys(), PURPOSE, *both
            )
            assert run_failing_command("rotate", f"{FEATURE}-9", keys(), *both)
            run_command("retire", client_id, *by)

        assert list(ServiceClient.objects.order_by("id").values_list("client_id", flat=True)) == [
            FEATURE,
            f"{FEATURE}-2",
            f"{FEATURE}-3",
        ]

    def test_register_a_client_that_owes_the_removals_of_its_feature(self, keys, both):
        at = timezone.now()
        owe_removal(due_at=at + timedelta(hours=2))
        owe_removal(due_at=at - timedelta(hours=1))
        owe_removal(due_at=at - timedelta(hours=9), acknowledged_at=at)
        owe_removal(due_at=at - timedelta(hours=9), feature="scheduler")

        run_command("register", FEATURE, keys(), PURPOSE, *both)

        assert get_client().removals_due_at == at - timedelta(hours=1)

    def test_retire_ends_the_tokens(self, keys, by, both, alice):
        run_command("register", FEATURE, keys(), PURPOSE, *both)
        client = get_client()
        cast.feature(client, cast.switch_on(alice, client))
        token = api_tokens.issue_client_token(client=client, at=timezone.now())

        run_command("retire", FEATURE, *by)

        assert not ServiceToken.objects.exists()
        assert api_tokens.find_client_token(token, at=timezone.now()) is None
        assert list_entries()[-1]["body"]["tokens"] == 2


class TestRefusals:
    @pytest.mark.clause("LU-1")
    def test_are_one_line_and_change_nothing(self, keys, by, both, tmp_path):
        register = ["register", FEATURE]

        assert "marketing" in run_failing_command(*register, keys(), "marketing", *both)
        assert "not a registered" in run_failing_command("register", "x", keys(), PURPOSE, *both)
        no_file = run_failing_command(*register, tmp_path / "none", PURPOSE, *both)
        assert "No such file" in no_file
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        assert "JSON" in run_failing_command(*register, tmp_path / "binary", PURPOSE, *both)
        uris = ("--redirect-uri", URI, "--redirect-uri", "http://widget.example/")
        refused = run_failing_command(*register, keys(), PURPOSE, *uris, *both)
        assert refused.startswith("redirect URI 2: ")
        assert "https://" in refused
        for step in (
            ["rotate", FEATURE, keys(), *both],
            ["redirects", FEATURE, *both],
            ["retire", FEATURE, *by],
        ):
            assert "unknown or retired" in run_failing_command(*step)

        assert not ServiceClient.objects.exists()
        assert list_entries() == []

    @pytest.mark.claim("clients.private-key-not-stored")
    def test_of_a_private_key_do_not_repeat_it(self, keys, both, caplog):
        refused = run_failing_command("register", FEATURE, keys(private=True), PURPOSE, *both)

        assert "Antares did not store it" in refused
        assert EC.as_dict(private=True)["d"] not in refused + caplog.text
        assert not ServiceClient.objects.exists()

    def test_are_for_anyone_but_two_active_operators(self, keys, operator, by, both, alice):
        register = ["register", FEATURE, keys(), PURPOSE]
        strangers = alice.user.platform_id, staff("support", alice.organisation).platform_id, "x"

        assert "--by" in run_failing_command(*register)
        assert "--approved-by" in run_failing_command(*register, *by)
        same = run_failing_command(*register, *by, "--approved-by", operator.platform_id)
        assert "another operator has to approve" in same
        for name in strangers:
            assert "no active operator" in run_failing_command(*register, "--by", name)
            refused = run_failing_command(*register, *by, "--approved-by", name)
            assert "no active operator" in refused
        User.objects.filter(id=operator.id).update(is_active=False, deactivated_at=timezone.now())
        assert "no active operator" in run_failing_command(*register, *both)
        assert not ServiceClient.objects.exists()
        assert not ServiceClientChange.objects.exists()


class TestList:
    def test_of_no_clients_says_so(self):
        assert run_command("list") == "no clients\n"

    def test_has_keys_uris_use_and_removals(self, keys, both):
        at = timezone.now()
        run_command("register", FEATURE, keys(), PURPOSE, "--redirect-uri", URI, *both)
        run_command("rotate", FEATURE, keys(EC, NEW), *both)
        owe_removal(due_at=at + timedelta(hours=1))
        owe_removal(due_at=at - timedelta(hours=1))
        hour = at.replace(minute=0, second=0, microsecond=0)
        ClientHour.objects.create(client=get_client(), hour_at=hour, request_count=3)

        first, *rest = run_command("list").splitlines()

        assert first.startswith(f"{FEATURE}  feature {FEATURE}  purposes {PURPOSE}  registered 2")
        assert f"last used {hour:%Y-%m-%d %H:%M} UTC" in first
        assert first.endswith("open removals 2, overdue 1")
        assert [line.split("  since")[0] for line in rest] == [
            f"    key {EC.kid}  P-256  {EC.thumbprint()}",
            f"    key new  P-256  {NEW.thumbprint()}",
            f"    redirect {URI}",
        ]

    def test_has_retired_clients_last(self, keys, by, both):
        run_command("register", FEATURE, keys(), PURPOSE, *both)
        run_command("retire", FEATURE, *by)
        run_command("register", "scheduler", keys(), "calendar.schedule", *both)

        lines = [line for line in run_command("list").splitlines() if not line.startswith(" ")]

        assert [line.split()[0] for line in lines] == ["scheduler", FEATURE]
        assert [" retired 2" in line for line in lines] == [False, True]
