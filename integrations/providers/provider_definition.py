"""A provider as data: scopes, and how its adapters are opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from .calendars import CalendarAdapter
from .errors import ProviderError
from .files import FileAdapter, FolderChoice
from .mail import MailAdapter, MailUnits
from .outgoing_mail import OutgoingMailLimits
from .provider_access import ProviderAccess
from .push import CalendarWatch, MailWatch, PushSubscriptions


@dataclass(frozen=True, slots=True)
class ProviderScope:
    """
    :param reason: shown before consent, on the data-use page and in the evidence
    :param methods: the API methods called with the scope; empty if it only changes the tokens
    """

    scope: str
    reason: str
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderCapability:
    key: str
    permissions: tuple[ProviderScope, ...]

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(permission.scope for permission in self.permissions)

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(method for permission in self.permissions for method in permission.methods)


@dataclass(frozen=True, slots=True)
class Provider:
    """
    - `issuer`: the provider's own; the issuer of the `OAuthEndpoints` is checked.
    - `identity_permissions`: requested with every product.
    - `scope_aliases`: from names in responses to the requested names.
    - `revocation_pages`: by kind of account.
    - `webmail_url`: the provider's own mail pages.
    - `subject_claims`: together name an account for ever; `address_claims`: its address.
    - `errors_by_number`: numbers in token responses that say more than the code.
    - `rate_setting_prefix`: for the quota, counted over `rate_window_minutes`.
    - `most_at_once`: concurrent requests of one mailbox over all processes; 0: no limit.
    """

    key: str
    label: str
    issuer: str
    authorize_params: Mapping[str, str]
    identity_permissions: tuple[ProviderScope, ...]
    scope_aliases: Mapping[str, str]
    capabilities: Mapping[str, ProviderCapability]
    revocation_pages: tuple[str, ...]
    webmail_url: str = ""
    subject_claims: tuple[str, ...] = ("sub",)
    address_claims: tuple[str, ...] = ("email",)
    # Removed before scopes are compared, in lower case.
    scope_prefix: str = ""
    # Requested scopes that responses never name; their effect shows whether they were granted.
    unlisted_scopes: frozenset[str] = frozenset()
    errors_by_number: Mapping[int, type[ProviderError]] = field(default_factory=dict)
    # Whether guests are notified of every change, even against `notify`.
    always_notifies_guests: bool = False
    # Whether a moved event is a copy, with new invitations for its guests.
    moves_by_copy: bool = False
    # Whether the later part of a split series gets another online meeting.
    splits_meetings: bool = False
    # Whether an administrator may have to approve at the provider. For Antares that looks like a
    # refusal, or an abandoned connect.
    asks_administrators: bool = False
    # Whether a connection takes a grant. Antares calendars take none.
    grants: bool = True
    # Whether Antares can revoke a grant; otherwise the person does, on a page of the provider.
    revokes: bool = True
    # Whether a person may deny single permissions.
    has_single_permissions: bool = True
    rate_setting_prefix: str = ""
    rate_window_minutes: int = 1
    most_at_once: int = 0
    mail_units: MailUnits | None = None
    outgoing_mail: OutgoingMailLimits | None = None
    open_mail: Callable[[ProviderAccess], AbstractContextManager[MailAdapter]] | None = None
    watch_mail: Callable[[ProviderAccess], AbstractContextManager[MailWatch]] | None = None
    watch_calendars: Callable[[ProviderAccess], AbstractContextManager[CalendarWatch]] | None = None
    # For providers that send all notifications by subscriptions, instead of the two above.
    subscriptions: Callable[[ProviderAccess], AbstractContextManager[PushSubscriptions]] | None = (
        None
    )
    open_calendars: Callable[[ProviderAccess], AbstractContextManager[CalendarAdapter]] | None = (
        None
    )

    open_files: Callable[[ProviderAccess], AbstractContextManager[FileAdapter]] | None = None
    # How a person chooses a folder on the provider's own page.
    folder_choice: FolderChoice | None = None

    @property
    def identity_scopes(self) -> frozenset[str]:
        return frozenset(permission.scope for permission in self.identity_permissions)

    @property
    def products(self) -> frozenset[str]:
        openers = {
            "mail": self.open_mail,
            "calendar": self.open_calendars,
            "drive": self.open_files,
        }
        return frozenset(product for product, opener in openers.items() if self.grants and opener)

    def list_scopes_for(self, capabilities: frozenset[str]) -> frozenset[str]:
        if not self.grants:
            return frozenset()
        scopes = set(self.identity_scopes)
        for key in capabilities:
            scopes |= self.capabilities[key].scopes
        return frozenset(scopes)

    def normalise_scopes(self, scopes: str) -> frozenset[str]:
        """Return a token response's scopes under the requested names."""
        names = (self.scope_aliases.get(scope, scope) for scope in scopes.split())
        if not self.scope_prefix:
            return frozenset(names)
        # Known scopes as Antares writes them, for any case and prefix in the response.
        known = {
            scope.lower(): scope for scope in self.list_scopes_for(frozenset(self.capabilities))
        }
        prefix = self.scope_prefix.lower()
        bare = {scope.lower().removeprefix(prefix): scope for scope in names}
        return frozenset(known.get(name, scope) for name, scope in bare.items())
