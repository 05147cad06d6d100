"""Serializers of connections and their integrations."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from integrations.models import LIVE, ConnectionStatus, StatusReason, SyncStage
from integrations.providers import PROVIDERS
from integrations.sync.check_intervals import IntervalReason
from integrations.web.api.serializers import make_page_serializer
from limited_use.policy.claims import claim

# An ending connection is not listed.
_STATUSES = [ConnectionStatus.ACTIVE.value, ConnectionStatus.REAUTH_REQUIRED.value]
_PRODUCTS = sorted({product for provider in PROVIDERS.values() for product in provider.products})
_CAPABILITIES = sorted({key for provider in PROVIDERS.values() for key in provider.capabilities})


@extend_schema_serializer(component_name="Sync")
class SyncSerializer(serializers.Serializer[None]):
    stage = serializers.ChoiceField(choices=SyncStage.values)
    done_count = serializers.IntegerField()
    expected_count = serializers.IntegerField(
        help_text="The number of messages. During an import it is an estimate, and 0 if there is"
        " none."
    )
    set_aside_count = serializers.IntegerField()
    delayed_count = serializers.IntegerField(
        help_text="Messages that the provider has not delivered yet. Antares fetches them again"
        " soon."
    )
    pause_reason = serializers.ChoiceField(
        choices=StatusReason.values,
        help_text="Why the sync waits until `next_sync_at`, as in `status_reason`. Empty if"
        " nothing is wrong.",
    )
    last_synced_at = serializers.DateTimeField(allow_null=True)
    next_sync_at = serializers.DateTimeField(allow_null=True)
    check_interval_seconds = serializers.IntegerField(
        allow_null=True,
        help_text="Seconds between two checks for new mail. Null while checks are irregular: during"
        " an import, after a failed sync, while the provider's limits or a lack of workers delay"
        " checks, and until the owner reconnects. Always null for calendars.",
    )
    check_interval_reason = serializers.ChoiceField(
        choices=[reason.value for reason in IntervalReason],
        allow_null=True,
        help_text="`usual`: the usual interval. `told`: checks are rare, because the provider sends"
        " push notifications. `not_looked_at`: checks are rare, because the mail was neither listed"
        " nor opened for about an hour. Null if `check_interval_seconds` is null.",
    )
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when syncs fail. Null if the last one succeeded."
    )
    last_event_at = serializers.DateTimeField(
        allow_null=True, help_text="When the provider last sent a push notification."
    )
    watch_expires_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the provider's push notifications end unless they are renewed. Null"
        " without push notifications.",
    )


@extend_schema_serializer(component_name="Integration")
class IntegrationSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    product = serializers.ChoiceField(choices=_PRODUCTS)
    status = serializers.ChoiceField(choices=[status.value for status in LIVE])
    status_reason = serializers.ChoiceField(
        choices=StatusReason.values,
        allow_blank=True,
        help_text="Empty for platform features that do not read the product.",
    )
    horizon_days = serializers.IntegerField(
        allow_null=True, help_text="Null for platform features that do not read the product."
    )
    sync = SyncSerializer(
        allow_null=True,
        help_text="Null for a Drive, and for platform features that do not read the product.",
    )


@extend_schema_serializer(component_name="Connection")
class ConnectionSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    provider = serializers.ChoiceField(choices=sorted(PROVIDERS))
    email = serializers.CharField(
        allow_null=True, help_text="Null for platform features, and for Antares calendars."
    )
    status = serializers.ChoiceField(choices=_STATUSES)
    capabilities = serializers.ListField(
        child=serializers.ChoiceField(choices=_CAPABILITIES),
        help_text="What the grant allows. For platform features, only capabilities that the"
        " feature declares.",
    )
    granted_scopes = serializers.ListField(
        child=serializers.CharField(), help_text="Empty for platform features."
    )
    missing_scopes = serializers.ListField(
        child=serializers.CharField(), help_text="Empty for platform features."
    )
    integrations = IntegrationSerializer(
        many=True,
        help_text="For platform features, only those of the product that the token's purpose"
        " covers.",
    )
    created_at = serializers.DateTimeField(allow_null=True, help_text="Null for platform features.")
    reconnect_before = serializers.DateTimeField(
        allow_null=True,
        help_text=claim(
            "api.reconnect-before",
            "Set only while the grant, or a permission that a product needs, is missing. After"
            " this time, the product that has waited longest is disconnected and its data"
            " removed.",
        ),
    )


ConnectionListSerializer = make_page_serializer("ConnectionList", ConnectionSerializer)
