from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.models import ServiceClient
from limited_use import checks
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy import feature_registry
from limited_use.policy.feature_registry import FEATURES, Keeps, UndeclaredUse
from limited_use.policy.policy_vocabulary import DataClass, Purpose
from limited_use.policy.rules import RULES

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.clause("LU-1")
class TestRegistry:
    def test_says_what_where_and_why_of_each(self):
        for key, feature in FEATURES.items():
            assert feature.key == key
            assert all((feature.title, feature.where, feature.says, feature.disclosure))
            assert feature.version >= 1

    @pytest.mark.claim("feature.campaigns", "feature.campaigns-nothing", "stored.nothing")
    def test_lets_campaigns_declare_nothing(self):
        assert (FEATURES["campaigns"].purposes, FEATURES["campaigns"].data_classes) == (
            frozenset(),
            frozenset(),
        )

    def test_passes_the_system_checks(self):
        assert checks.check_policy() == []


@pytest.mark.invariant(1)
class TestRegisterClient:
    @pytest.mark.parametrize("purpose", ["marketing", "inbox.display", "no.such.purpose"])
    def test_refuses_campaigns_whatever_it_wants(self, purpose):
        with pytest.raises(UndeclaredUse):
            feature_registry.check_feature_purposes("campaigns", [purpose])

    @pytest.mark.clause("LU-4.2")
    def test_refuses_a_feature_that_declares_marketing(self, monkeypatch):
        marketing = replace(
            FEATURES["campaigns"],
            key="leads",
            purposes=frozenset({Purpose.MARKETING}),
            data_classes=frozenset({DataClass.MAIL_METADATA}),
            keeps=Keeps.NOTHING,
        )
        monkeypatch.setitem(FEATURES, "leads", marketing)

        with pytest.raises(UndeclaredUse, match="never allows marketing"):
            feature_registry.check_feature_purposes("leads", [])

        assert [error.id for error in checks.check_policy()] == ["limited_use.E006"]

    @pytest.mark.parametrize(
        "key",
        [key for key, feature in FEATURES.items() if feature.platform_client and feature.purposes],
    )
    def test_refuses_a_feature_that_does_not_say_what_it_keeps(self, monkeypatch, key):
        feature = FEATURES[key]
        (purpose,) = feature.purposes
        data_class = min(feature.data_classes)

        def is_registered():
            return feature_registry.is_feature_use_registered(
                key, purpose=purpose, data_class=data_class, client=True
            )

        assert feature_registry.check_feature_purposes(key, [purpose]) is feature
        assert is_registered()

        monkeypatch.setitem(FEATURES, key, replace(feature, keeps=None))

        with pytest.raises(UndeclaredUse, match="does not declare what it keeps"):
            feature_registry.check_feature_purposes(key, [purpose])
        # A client that was registered before is refused at each use.
        assert not is_registered()
        assert [error.id for error in checks.check_policy()] == ["limited_use.E021"]

    @pytest.mark.parametrize("feature", ["inbox", "unheard-of"])
    def test_refuses_what_is_no_platform_feature(self, feature):
        with pytest.raises(UndeclaredUse):
            feature_registry.check_feature_purposes(feature, ["inbox.display"])

    @pytest.mark.django_db
    def test_records_the_purposes_of_a_declared_client(self, client_keys):
        create_declared_client(
            feature="inbox-widget", purposes=["inbox.display"], jwks=client_keys, at=NOW
        )

        client = ServiceClient.objects.get()
        assert (client.feature, client.purposes) == ("inbox-widget", ["inbox.display"])


@pytest.fixture
def client_keys():
    from joserfc.jwk import ECKey

    public = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}).as_dict(private=False)
    return {"keys": [{**public, "kid": "widget-1"}]}


class TestChecks:
    def test_find_two_rules_of_one_name(self):
        assert [error.id for error in checks.find_rule_problems([*RULES, RULES[0]])] == [
            "limited_use.E001"
        ]

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"clauses": ()}, "limited_use.E002"),
            ({"says": "No."}, "limited_use.E003"),
            ({"allow": True}, "limited_use.E004"),
        ],
    )
    def test_find_a_rule_that_cannot_be_traced_or_read(self, change, error):
        assert [found.id for found in checks.find_rule_problems([replace(RULES[0], **change)])] == [
            error
        ]

    @pytest.mark.scenario("A1")
    def test_find_a_missing_keyring(self, settings, tmp_path):
        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "nowhere")

        assert [error.id for error in checks.find_keyring_problems()] == ["limited_use.E008"]

    @pytest.mark.invariant(3)
    def test_find_a_server_that_forgets_commits(self):
        assert [e.id for e in checks.find_durability_problems("fsync", "off")] == [
            "limited_use.E011"
        ]
        assert checks.find_durability_problems("synchronous_commit", "remote_apply") == []

    @pytest.mark.invariant(3)
    @pytest.mark.django_db
    def test_ask_the_server_itself(self):
        # The throwaway server of the tests is told to forget; that is found.
        found = checks.check_database_durability(databases=["default"])

        assert {error.id for error in found} <= {"limited_use.E011"}

    def test_find_a_line_without_a_key(self, ring):
        from limited_use.policy.key_lines import KeyLine

        ring.destroy_epoch(KeyLine.CREDENTIAL, 1)

        assert [error.id for error in checks.find_keyring_problems()] == ["limited_use.E009"]
