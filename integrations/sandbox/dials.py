"""
Every awkwardness that can be turned on, beside its default.

`PATCH /_control/dials` changes them by name; an unknown name is refused.
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
class Dials:
    """What a dial means is the comment above it. Defaults are Google's behaviour."""

    # Gmail units per user and minute (a bucket of this size that refills evenly); 0 = no limit.
    units_per_minute: int = 6_000
    # Gmail units of a whole project per minute; 0 = no limit.
    project_units_per_minute: int = 1_200_000
    # How a spent quota is refused: 429 (userRateLimit wording), or 403 (quota metric wording).
    quota_status: int = 429
    # Calendar requests per user and minute, whatever they ask; 0 = no limit.
    calendar_requests_per_minute: int = 600
    # Requests of one user that may be under way at once, parts of a batch included; 0 = no limit.
    concurrency: int = 25
    # Seconds added to every call of an API.
    latency_seconds: float = 0.0
    # Share of items that lists leave out, by id, always the same ones (0.1 = one in ten).
    list_omission: float = 0.0
    # Share of items that lists show twice, by id.
    list_repetition: float = 0.0
    # Share of listed messages that 404 when fetched, by id: deleted between list and get.
    vanish_after_list: float = 0.0
    # Attachment ids differ in every answer; all of them keep working.
    attachment_ids_change: bool = True
    # Days after which history records can no longer be asked for.
    history_days: float = 7.0
    # Days after which sync tokens of calendars, and `updatedMin`, lie too far back.
    sync_token_days: float = 28.0
    # Items of a page of events at most, whatever is asked; 0 = what is asked.
    event_page: int = 0
    # After each page of events comes an empty one before the next.
    empty_event_pages: bool = False
    # A conference that is asked for is pending until it is looked at, and then: success or failure.
    conference: str = "success"
    # Channels may have http addresses (Google wants https).
    http_channels: bool = True
    # Share of notifications that never come, and of those that come twice.
    push_loss: float = 0.0
    push_duplicates: float = 0.0
    # Seconds until a notification is sent, and up to how many more, each its own.
    push_delay_seconds: float = 0.0
    push_disorder_seconds: float = 0.0
    # A flaw in the token of each push: "" (none), iss, aud, email, unverified, expired, future_iat,
    # missing, alg_none, alg_hs256, kid, signature.
    push_flaw: str = ""
    # Text parts of `payload` come in UTF-8, whatever the charset in their own header says.
    payload_utf8: bool = True
    # Megabytes of rendered answers kept in memory.
    cache_megabytes: int = 96
    # Messages one user may send per day of the sandbox's clock.
    sends_per_day: int = 2_000

    # Seconds an access token lives.
    access_token_seconds: int = 3_599
    # Seconds a code can be exchanged.
    code_seconds: int = 600
    # Refuse authorization requests without a S256 challenge (Google takes them).
    require_pkce: bool = False
    # Live refresh tokens per account and client; one more silently kills the oldest.
    refresh_tokens_per_client: int = 100
    # Days a refresh token lives unused.
    refresh_idle_days: float = 180.0
    # Seconds a grant is limited to (0 = unlimited): adds `refresh_token_expires_in`, then kills it.
    grant_seconds: int = 0
    # The project is "External, Testing": refresh tokens die after 7 days, unless sign-in only.
    testing_project: bool = False
    # A refresh answers with a new refresh token, and the old one stops working.
    rotate_refresh_tokens: bool = False
    # Seconds until a revocation takes effect.
    revocation_lag_seconds: float = 0.0
    # openid, email and profile get a box on the consent page as well (Google grants them always).
    sign_in_scopes_tickable: bool = False
    # What the description of `invalid_grant` becomes "some hours later".
    invalid_grant_bad_request: bool = False
    # Refresh is refused by policy: "" (off), "invalid_rapt" or "admin_policy_enforced".
    refresh_refusal: str = ""

    # A flaw in each id_token: "" (none), iss, bare_iss (Google's second valid form), aud, azp,
    # nonce, missing_nonce, alg_none, alg_hs256, kid, signature, missing_sub, sub, expired,
    # future_iat, at_hash.
    id_token_flaw: str = ""
    # The `iss` parameter on the callback: right, wrong or missing.
    callback_iss: str = "right"
    # The `state` parameter on the callback: right, wrong or missing.
    callback_state: str = "right"
    # Answer the authorization request at once with this error, e.g. admin_policy_enforced.
    authorization_error: str = ""

    # Microsoft. Seconds an access token of Entra's lives (theirs: 60 to 90 minutes by chance).
    graph_access_seconds: int = 4_499
    # Days a refresh token of Entra's lives unused.
    graph_refresh_idle_days: float = 90.0
    # A refresh answers with a new refresh token (the old one keeps working all the same).
    graph_refresh_rotates: bool = True
    # Scopes that are not granted though asked for, and such that are though not (names, spaces).
    graph_withheld_scopes: str = ""
    graph_extra_scopes: str = ""
    # Answer each authorization, or each token request, with this AADSTS number; 0 = do not.
    graph_authorization_code: int = 0
    graph_token_code: int = 0
    # Requests of one mailbox under way at once, and in ten minutes; of an app in ten seconds.
    graph_concurrency: int = 4
    graph_requests_per_ten_minutes: int = 10_000
    # Accounts that none of these limits holds for: addresses, spaces between them.
    graph_unlimited: str = ""
    graph_app_requests_per_ten_seconds: int = 130_000
    # What `Retry-After` says of what was throttled; "" leaves it out.
    graph_retry_after: str = "2.128"
    # After each page of a delta comes an empty one before the next.
    graph_empty_pages: bool = False
    # How many of the last links of a delta are remembered; 0 = all. Every answer has a new link,
    # also where nothing changed.
    graph_links_kept: int = 3
    # Whether the delta of folders tells a folder of which only the counts of messages changed.
    graph_folder_counts: bool = True
    # Each delta begins with the last item of the one before, once more.
    graph_repetition: bool = False
    # What `@removed` calls a message that was moved: deleted (as seen), or changed.
    graph_move_reason: str = "deleted"
    # An item of a changed message has its id and what changed, and nothing else.
    graph_partial_changes: bool = False
    # Who leaves a folder and comes back between two rounds is told as removed, and not again.
    graph_round_trips_lost: bool = False
    # Seconds until a message that was sent lies in Sent Items, and whether under another id.
    graph_send_seconds: float = 0.0
    graph_sent_id_changes: bool = False
    # Messages that a mailbox may send in a minute.
    graph_sends_per_minute: int = 30
    # How a stale change key is refused: 412, or 409.
    graph_conflict_status: int = 412
    # How a transactionId is refused that stands for another event: 409, or 400.
    graph_duplicate_status: int = 409
    # Faults that last, out of `GRAPH_FAULTS`, spaces between them. The default are those that
    # Exchange always has.
    graph_faults: str = "delta_without_headers sent_items_without_headers"
    # Answers of a batch come in another order than its requests.
    graph_batch_shuffled: bool = True

    def change(self, values: dict[str, Any]) -> None:
        """:raises ValueError: unknown name or wrong type; nothing was changed."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"no dial is called {name!r}")
            wanted: tuple[type, ...] = (int, float) if kinds[name] is float else (kinds[name],)
            if not isinstance(value, wanted) or (
                isinstance(value, bool) and kinds[name] is not bool
            ):
                raise ValueError(f"dial {name!r} wants {kinds[name].__name__}")
        if unknown := set(str(values.get("graph_faults", "")).split()) - GRAPH_FAULTS:
            raise ValueError(f"no fault is called {sorted(unknown)}; there are {GRAPH_FAULTS}")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
