"""
Knobs for every deviation that tests can switch on, with their defaults.

`POST /_control/dials` sets them by name and refuses unknown names.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

# See `microsoft/graph/faults.py`.
GRAPH_FAULTS = {
    "delta_ignores_nested_select",
    "delta_without_headers",
    "extended_properties_500",
    "sent_items_without_headers",
}


@dataclass
class Knobs:
    """The comment above a knob explains it. Defaults are Google's behaviour."""

    # Gmail units per user and minute (an evenly refilled bucket of this size); 0 = no limit.
    units_per_minute: int = 6_000
    # Gmail units of a whole project per minute; 0 = no limit.
    project_units_per_minute: int = 1_200_000
    # Status for spent quota: 429 (userRateLimit wording), or 403 (quota metric wording).
    quota_status: int = 429
    # Calendar requests per user and minute; 0 = no limit.
    calendar_requests_per_minute: int = 600
    # Open requests per user, parts of a batch included; 0 = no limit.
    concurrency: int = 25
    # Seconds added to every call of an API.
    latency_seconds: float = 0.0
    # Share of items that lists omit, chosen by id (0.1 = one in ten).
    list_omission: float = 0.0
    # Share of items that lists show twice, chosen by id.
    list_repetition: float = 0.0
    # Share of listed messages that 404 when fetched, by id: deleted between list and get.
    vanish_after_list: float = 0.0
    # Attachment ids differ in every answer; all of them keep working.
    attachment_ids_change: bool = True
    # Days until history records expire.
    history_days: float = 7.0
    # Days until calendar sync tokens and `updatedMin` are too old.
    sync_token_days: float = 28.0
    # Largest page of events; 0 = the requested size.
    event_page: int = 0
    # An empty page of events comes between two pages.
    empty_event_pages: bool = False
    # Outcome of a conference, which is pending until it is read: success or failure.
    conference: str = "success"
    # Channels may have http addresses (Google requires https).
    http_channels: bool = True
    # Share of notifications that are lost, and of those that arrive twice.
    push_loss: float = 0.0
    push_duplicates: float = 0.0
    # Seconds until a notification is sent, and the most seconds added to each at random.
    push_delay_seconds: float = 0.0
    push_disorder_seconds: float = 0.0
    # Flaw in the token of each push: "" (none), iss, aud, email, unverified, expired, future_iat,
    # missing, alg_none, alg_hs256, kid, signature.
    push_flaw: str = ""
    # Text parts of `payload` are UTF-8, even if their own header names another charset.
    payload_utf8: bool = True
    # Megabytes of rendered answers kept in memory.
    cache_megabytes: int = 96
    # Messages a user may send per day of the sandbox's clock.
    sends_per_day: int = 2_000

    # Lifetime of an access token in seconds.
    access_token_seconds: int = 3_599
    # Seconds during which a code can be exchanged.
    code_seconds: int = 600
    # Refuse authorization requests without an S256 challenge (Google accepts them).
    require_pkce: bool = False
    # Live refresh tokens per account and client; one more silently ends the oldest.
    refresh_tokens_per_client: int = 100
    # Days until an unused refresh token ends.
    refresh_idle_days: float = 180.0
    # Lifetime of a grant in seconds (0 = unlimited); adds `refresh_token_expires_in`.
    grant_seconds: int = 0
    # The project is "External, Testing": refresh tokens end after 7 days, unless sign-in only.
    testing_project: bool = False
    # A refresh returns a new refresh token and ends the old one.
    rotate_refresh_tokens: bool = False
    # Seconds until a revocation takes effect.
    revocation_lag_seconds: float = 0.0
    # openid, email and profile get a box on the consent page too (Google always grants them).
    sign_in_scopes_tickable: bool = False
    # Use the description of `invalid_grant` that Google gives "some hours later".
    invalid_grant_bad_request: bool = False
    # Policy that refuses refreshes: "" (off), "invalid_rapt" or "admin_policy_enforced".
    refresh_refusal: str = ""

    # Flaw in each id_token: "" (none), iss, bare_iss (Google's second valid form), aud, azp, nonce,
    # missing_nonce, alg_none, alg_hs256, kid, signature, missing_sub, sub, expired, future_iat,
    # at_hash.
    id_token_flaw: str = ""
    # The `iss` parameter on the callback: right, wrong or missing.
    callback_iss: str = "right"
    # The `state` parameter on the callback: right, wrong or missing.
    callback_state: str = "right"
    # Answer the authorization request at once with this error, e.g. admin_policy_enforced.
    authorization_error: str = ""

    # Microsoft. Lifetime of an Entra access token in seconds (at Entra: random, 60 to 90 minutes).
    graph_access_seconds: int = 4_499
    # Days until an unused Entra refresh token ends.
    graph_refresh_idle_days: float = 90.0
    # A refresh returns a new refresh token (the old one keeps working).
    graph_refresh_rotates: bool = True
    # Requested scopes that are not granted, and scopes granted without a request (names, spaces).
    graph_withheld_scopes: str = ""
    graph_extra_scopes: str = ""
    # AADSTS number that answers each authorization, or each token request; 0 = off.
    graph_authorization_code: int = 0
    graph_token_code: int = 0
    # Open requests of a mailbox, requests in ten minutes, and requests of an app in ten seconds.
    graph_concurrency: int = 4
    graph_requests_per_ten_minutes: int = 10_000
    # Addresses of accounts without these limits, separated by spaces.
    graph_unlimited: str = ""
    graph_app_requests_per_ten_seconds: int = 130_000
    # `Retry-After` of throttled requests; "" omits the header.
    graph_retry_after: str = "2.128"
    # An empty page comes between two pages of a delta.
    graph_empty_pages: bool = False
    # Number of remembered links of a delta; 0 = all. Every answer has a new link, even without
    # changes.
    graph_links_kept: int = 3
    # The delta of folders also reports folders whose message counts changed.
    graph_folder_counts: bool = True
    # Each delta begins with a repetition of the last item of the previous delta.
    graph_repetition: bool = False
    # `@removed` reason of a moved message: deleted (as observed), or changed.
    graph_move_reason: str = "deleted"
    # An item of a changed message has only its id and the changed properties.
    graph_partial_changes: bool = False
    # A message that leaves a folder and returns between two rounds is reported only as removed.
    graph_round_trips_lost: bool = False
    # Seconds until a sent message is in Sent Items, and whether it gets another id there.
    graph_send_seconds: float = 0.0
    graph_sent_id_changes: bool = False
    # Messages that a mailbox may send in a minute.
    graph_sends_per_minute: int = 30
    # Status for a stale change key: 412, or 409.
    graph_conflict_status: int = 412
    # Status for a transactionId that belongs to another event: 409, or 400.
    graph_duplicate_status: int = 409
    # Lasting faults out of `GRAPH_FAULTS`, separated by spaces. Exchange always has the default
    # ones.
    graph_faults: str = "delta_without_headers sent_items_without_headers"
    # A batch answers its parts in another order than it received them.
    graph_batch_shuffled: bool = True

    def set_values(self, values: dict[str, Any]) -> None:
        """:raises ValueError: unknown name or wrong type; no knob was changed"""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"no dial is called {name!r}")
            allowed_types: tuple[type, ...] = (
                (int, float) if kinds[name] is float else (kinds[name],)
            )
            if not isinstance(value, allowed_types) or (
                isinstance(value, bool) and kinds[name] is not bool
            ):
                raise ValueError(f"dial {name!r} wants {kinds[name].__name__}")
        if unknown := set(str(values.get("graph_faults", "")).split()) - GRAPH_FAULTS:
            raise ValueError(f"no fault is called {sorted(unknown)}; there are {GRAPH_FAULTS}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
