"""
Knobs for every deviation that tests can switch on.

`POST /_control/dials` sets them by name.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

GRAPH_FAULTS = {
    "delta_ignores_nested_select",
    "delta_without_headers",
    "extended_properties_500",
    "sent_items_without_headers",
}


@dataclass
class Knobs:
    """The comment above a knob explains it. Defaults are Google's behaviour."""

    # Gmail units per user and minute (an evenly refilled bucket); 0 = no limit.
    units_per_minute: int = 6_000
    # Gmail units of a project per minute; 0 = no limit.
    project_units_per_minute: int = 1_200_000
    # For spent quota: 429 (userRateLimit wording), or 403 (quota metric wording).
    quota_status: int = 429
    # Calendar requests per user and minute; 0 = no limit.
    calendar_requests_per_minute: int = 600
    # Drive units per user and minute, and per project and minute; 0 = no limit.
    drive_units_per_minute: int = 325_000
    drive_project_units_per_minute: int = 1_000_000
    # Checksums of uploaded files, out of md5, sha1 and sha256. Others are missing in resources.
    drive_checksums: str = "md5 sha1 sha256"
    # Open requests per user, parts of a batch included; 0 = no limit.
    concurrency: int = 25
    # Seconds added to every API call.
    latency_seconds: float = 0.0
    # Share of items that lists omit, by id (0.1 = one in ten).
    list_omission: float = 0.0
    # Share of items that lists show twice, chosen by id.
    list_repetition: float = 0.0
    # Share of listed messages that 404 when fetched, by id.
    vanish_after_list: float = 0.0
    # Attachment ids differ in every answer; all stay valid.
    attachment_ids_change: bool = True
    # Days until history records expire.
    history_days: float = 7.0
    # Days until sync tokens and `updatedMin` are too old.
    sync_token_days: float = 28.0
    # Largest page of events; 0 = the requested size.
    event_page: int = 0
    # Put an empty page of events between two pages.
    empty_event_pages: bool = False
    # Outcome of a conference after the first read: success or failure.
    conference: str = "success"
    # Channels may have http addresses (Google: https).
    http_channels: bool = True
    # Shares of notifications that are lost, and that arrive twice.
    push_loss: float = 0.0
    push_duplicates: float = 0.0
    # Seconds before each notification, and the most random seconds more.
    push_delay_seconds: float = 0.0
    push_disorder_seconds: float = 0.0
    # Flaw in push tokens: "" (none), iss, aud, email, unverified, expired, future_iat, missing,
    # alg_none, alg_hs256, kid, signature.
    push_flaw: str = ""
    # Text parts of `payload` are UTF-8, even if their header names another charset.
    payload_utf8: bool = True
    # Megabytes of cached renderings.
    cache_megabytes: int = 96
    # Messages a user may send per day.
    sends_per_day: int = 2_000
    # Messages a user may send per minute; 0 = no limit.
    gmail_sends_per_minute: int = 0
    # Seconds until sent mail is in SENT. Its draft is gone at once.
    gmail_send_seconds: float = 0.0
    # An edit in Gmail's own client gives a draft another id.
    gmail_edits_change_draft_ids: bool = False

    access_token_seconds: int = 3_599
    code_seconds: int = 600
    # Refuse authorization requests without S256 (Google accepts them).
    require_pkce: bool = False
    # Live refresh tokens per account and client; one more ends the oldest.
    refresh_tokens_per_client: int = 100
    refresh_idle_days: float = 180.0
    # Lifetime of grants (0 = unlimited); adds `refresh_token_expires_in`.
    grant_seconds: int = 0
    # "External, Testing": refresh tokens end after 7 days, unless sign-in only.
    testing_project: bool = False
    # A refresh replaces the refresh token.
    rotate_refresh_tokens: bool = False
    revocation_lag_seconds: float = 0.0
    # openid, email and profile get boxes too (Google always grants them).
    sign_in_scopes_tickable: bool = False
    # Google's later description of `invalid_grant`.
    invalid_grant_bad_request: bool = False
    # Refuse refreshes: "" (off), "invalid_rapt" or "admin_policy_enforced".
    refresh_refusal: str = ""

    # Flaw in id_tokens: "" (none), iss, bare_iss (Google's second valid form), aud, azp, nonce,
    # missing_nonce, alg_none, alg_hs256, kid, signature, missing_sub, sub, expired, future_iat,
    # at_hash.
    id_token_flaw: str = ""
    # `iss` and `state` on the callback: right, wrong or missing.
    callback_iss: str = "right"
    callback_state: str = "right"
    # Answer authorization requests with this error, e.g. admin_policy_enforced.
    authorization_error: str = ""

    # Microsoft. Lifetime of access tokens (at Entra: random, 60 to 90 minutes).
    graph_access_seconds: int = 4_499
    graph_refresh_idle_days: float = 90.0
    # A refresh adds a refresh token (the old one keeps working).
    graph_refresh_rotates: bool = True
    # Requested scopes to withhold, and scopes to add (names, spaces).
    graph_withheld_scopes: str = ""
    graph_extra_scopes: str = ""
    # AADSTS number that answers authorizations, or token requests; 0 = off.
    graph_authorization_code: int = 0
    graph_token_code: int = 0
    # Per mailbox: open requests, and requests in ten minutes.
    graph_concurrency: int = 4
    graph_requests_per_ten_minutes: int = 10_000
    # Addresses of accounts without limits, separated by spaces.
    graph_unlimited: str = ""
    graph_app_requests_per_ten_seconds: int = 130_000
    # `Retry-After` of throttled requests; "" omits it.
    graph_retry_after: str = "2.128"
    # Put an empty page between two pages of a delta.
    graph_empty_pages: bool = False
    # Remembered links per delta; 0 = all. Every answer has a new link.
    graph_links_kept: int = 3
    # The delta of folders reports changed message counts too.
    graph_folder_counts: bool = True
    # Each delta repeats the last item of the previous one.
    graph_repetition: bool = False
    # `@removed` reason of a moved message: deleted (as observed), or changed.
    graph_move_reason: str = "deleted"
    # Changed messages have only their id and the changed properties.
    graph_partial_changes: bool = False
    # A message that leaves and returns between two rounds is reported only as removed.
    graph_round_trips_lost: bool = False
    # Seconds until a sent message is in Sent Items, whether it is in the Outbox until then (or
    # still in Drafts), and whether its id changes.
    graph_send_seconds: float = 0.0
    graph_outbox: bool = True
    graph_sent_id_changes: bool = False
    graph_sends_per_minute: int = 30
    # For a stale change key: 412, or 409.
    graph_conflict_status: int = 412
    # For a transactionId of another event: 409, or 400.
    graph_duplicate_status: int = 409
    # Out of `GRAPH_FAULTS`, separated by spaces. Exchange always has the default ones.
    graph_faults: str = "delta_without_headers sent_items_without_headers"
    # Batches answer their parts in another order.
    graph_batch_shuffled: bool = True

    def set_values(self, values: dict[str, Any]) -> None:
        """:raises ValueError: unknown name or wrong type; nothing changed"""
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
