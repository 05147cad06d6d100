"""What is asked for follows from the registry; what was granted, from the answer."""

import ast
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.access import scopes
from integrations.providers import PROVIDERS, calendars, mail, outgoing_mail, push
from integrations.providers.provider_definition import ProviderCapability, ProviderScope
from limited_use.policy.feature_registry import FEATURES
from tests.factories import GMAIL_READONLY

GOOGLE = PROVIDERS["google"]
SEND = "https://www.googleapis.com/auth/gmail.send"
# A second capability and a feature that needs both, as a later product will have.
TWO = replace(
    GOOGLE,
    capabilities=MappingProxyType(
        {
            **GOOGLE.capabilities,
            "mail.send": ProviderCapability("mail.send", (ProviderScope(SEND, "To send mail"),)),
        }
    ),
)
WRITER = replace(
    FEATURES["inbox"], key="writer", capabilities=frozenset({"mail.read", "mail.send"})
)
EVERY_SCOPE = sorted({"openid", "email", GMAIL_READONLY, SEND, "calendar"})


# Names of the variables that the service keeps adapters in.
ADAPTERS = {"adapter", "mailbox", "watch", "channels", "subscriptions"}


def methods_used() -> set[str]:
    """Return the adapters' methods that the service uses, providers and sandbox left out."""
    package = Path(scopes.__file__).parents[1]
    files = (path.relative_to(package) for path in package.rglob("*.py"))
    return {
        node.attr
        for path in files
        if path.parts[0] not in {"providers", "sandbox"}
        for node in ast.walk(ast.parse((package / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] in ADAPTERS
    }


class TestAdapters:
    @pytest.mark.clause("SCOPE-MIN")
    @pytest.mark.invariant(11)
    @pytest.mark.parametrize(
        "adapter",
        [
            mail.MailAdapter,
            outgoing_mail.MailSender,
            calendars.CalendarAdapter,
            push.MailWatch,
            push.CalendarWatch,
            push.PushSubscriptions,
        ],
        ids=lambda adapter: adapter.__name__,
    )
    def test_have_no_method_that_the_service_does_not_call(self, adapter):
        # A scope that such a method alone takes would be asked for without a use.
        methods = {name for name in vars(adapter) if not name.startswith("_")}

        assert methods
        assert methods - methods_used() == set()


class TestWhatIsAsked:
    @pytest.mark.clause("SCOPE-MIN")
    @pytest.mark.scenario("A10")
    @pytest.mark.invariant(11)
    def test_is_identity_and_what_the_registered_features_need(self):
        assert scopes.get_product_scopes(GOOGLE, "mail") == {"openid", "email", GMAIL_READONLY}

    @pytest.mark.clause("SCOPE-MIN")
    def test_grows_with_a_feature_and_with_nothing_else(self):
        assert SEND not in scopes.get_product_scopes(TWO, "mail")
        assert SEND in scopes.get_product_scopes(TWO, "mail", [WRITER])

    def test_is_nothing_but_identity_for_a_product_that_no_feature_serves(self):
        assert scopes.get_product_scopes(GOOGLE, "fax") == GOOGLE.identity_scopes
        assert scopes.features_for("fax") == ()

    def test_leaves_platform_features_out_as_they_read_what_is_here(self):
        assert {feature.key for feature in scopes.features_for("mail")} == {"inbox"}


class TestWhatWasGranted:
    @pytest.mark.clause("SCOPE-GRANT")
    @pytest.mark.scenario("A5")
    @pytest.mark.invariant(11)
    @pytest.mark.parametrize(
        ("granted", "usable"),
        [
            ([], set()),
            (["openid", "email"], set()),
            ([GMAIL_READONLY], {"mail.read"}),
            ([SEND], {"mail.send"}),
            ([GMAIL_READONLY, SEND], {"mail.read", "mail.send"}),
        ],
    )
    def test_switches_on_what_it_is_enough_for(self, granted, usable):
        assert scopes.get_usable_capabilities(TWO, granted) == usable
        served = scopes.get_served_features(TWO, "mail", granted, [WRITER, FEATURES["inbox"]])
        assert {one.key for one in served} == {
            key
            for key, needs in {"inbox": {"mail.read"}, "writer": {"mail.read", "mail.send"}}.items()
            if needs <= usable
        }

    @pytest.mark.clause("SCOPE-GRANT")
    @given(st.sets(st.sampled_from(EVERY_SCOPE)))
    @pytest.mark.clause("SCOPE-DRIFT")
    def test_is_granted_missing_or_unused_and_nothing_else(self, granted):
        found = scopes.compare_scopes(TWO, "mail", granted, [WRITER])
        needed = scopes.get_product_scopes(TWO, "mail", [WRITER])

        assert found.granted == granted
        assert found.missing == needed - granted
        assert found.unused == granted - needed
        assert scopes.get_usable_capabilities(TWO, granted) <= set(TWO.capabilities)

    @pytest.mark.clause("MS-MIN")
    @given(st.sets(st.sampled_from(EVERY_SCOPE)))
    def test_is_gone_beyond_by_no_capability_of_any_provider(self, granted):
        for provider in (TWO, *PROVIDERS.values()):
            given_by_user = scopes.get_usable_capabilities(provider, granted)
            served = scopes.get_served_features(
                provider, "mail", granted, [WRITER, FEATURES["inbox"]]
            )

            assert all(provider.capabilities[one].scopes <= granted for one in given_by_user)
            assert all(feature.capabilities <= given_by_user for feature in served)
