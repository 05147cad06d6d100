"""What an OAuth endpoint answered, judged: tokens, or what to do next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from . import errors, http
from .identity import Identity
from .provider import Provider

# A token is treated as expired this early; of a very short life, half is used.
SKEW: Final = timedelta(seconds=60)
# Microsoft's longest live for 28 hours.
MAX_LIFE: Final = timedelta(hours=28)
# Microsoft writes groups and conditions into its own.
MAX_ACCESS_TOKEN: Final = 16 * 1024
MAX_REFRESH_TOKEN: Final = 8 * 1024
# A request for claims travels in addresses, too.
MAX_CLAIMS: Final = 4096


_OUR_REGISTRATION: Final = frozenset(
    {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"}
)
_ADMIN: Final = frozenset({"admin_policy_enforced", "org_internal", "access_denied"})
_ASK_AGAIN: Final = frozenset(
    {"invalid_grant", "interaction_required", "consent_required", "login_required"}
)
# What Microsoft adds where the person can do something about it.
_BY_PERSON: Final = frozenset({"basic_action", "additional_action"})
_LATER: Final = frozenset(
    {"temporarily_unavailable", "server_error", "slow_down", "rate_limit_exceeded"}
)
# What may be said of an answer. A code that nobody knows may be anybody's text.
_WORDS: Final = (
    _OUR_REGISTRATION
    | _ADMIN
    | _ASK_AGAIN
    | _LATER
    | {"invalid_request", "invalid_scope", "unsupported_grant_type", "invalid_token"}
    | {"invalid_rapt", "rapt_required"}
    | {"bad_token", "token_expired", "basic_action", "additional_action", "message_only"}
)


@dataclass(frozen=True, slots=True)
class TokenSet:
    """
    What the token endpoint gave.

    `refresh_token` is None where the answer had none: keep the old one.
    `expires_at` is already early by the skew; `refresh_expires_at` is there
    for time-limited grants only. `granted_scopes` is what the answer says, in
    the names that we ask for; None where it does not say.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime | None
    granted_scopes: frozenset[str] | None
    identity: Identity | None = None


def fields(response: http.Answer) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def meaning(
    response: http.Answer,
    rejected: type[errors.ProviderError],
    refusals: Mapping[int, type[errors.ProviderError]] = MappingProxyType({}),
) -> errors.ProviderError:
    """
    Return what a refusal stands for. Only codes decide, never the description.

    :param refusals: numbers of the provider's that say more than its `error`
    """
    status = response.status
    answer = fields(response)
    error = answer.get("error")
    said = (answer.get("error_subtype"), answer.get("suberror"), error)
    kind: type[errors.ProviderError] = errors.Unexpected
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = errors.RateLimited
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, str):
        # Not the token endpoint's words: whoever answered cannot say that a grant is gone.
        kind = errors.Unavailable
    elif error in _LATER:
        kind = errors.Unavailable
    elif (known := _numbered(answer, refusals)) is not None:
        kind = known
    elif error in _OUR_REGISTRATION:
        kind = errors.InvalidClient
    elif error in _ADMIN:
        kind = errors.AdminBlocked
    elif error in _ASK_AGAIN:
        kind = rejected
    message = f"the provider answered {status}"
    more: dict[str, Any] = {
        "status": status,
        "reason": next((one for one in said if isinstance(one, str) and one in _WORDS), ""),
        "retry_after": http.retry_after(response),
    }
    if kind is errors.GrantRevoked and (wanted := _step_up(answer)) is not None:
        return errors.StepUpWanted(message, claims=wanted, **more)
    return kind(message, **more)


def _step_up(answer: dict[str, Any]) -> str | None:
    """
    Return what the person is to meet on the consent page, as claims or "" if nothing names it.

    None if the answer speaks of nothing that they could do there.
    https://learn.microsoft.com/en-us/entra/msal/dotnet/advanced/exceptions/msal-error-handling
    """
    if found := usable_claims(answer.get("claims")):
        return found
    suberror = answer.get("suberror")
    if suberror == "message_only":
        return None
    is_theirs = suberror in _BY_PERSON or answer.get("error") == "interaction_required"
    return "" if is_theirs else None


def usable_claims(text: object) -> str:
    """Return what a provider wants tokens to be asked for with, if it is a JSON object; or ""."""
    if isinstance(text, str) and 0 < len(text) <= MAX_CLAIMS:
        with suppress(ValueError, RecursionError):
            if isinstance(json.loads(text), dict):
                return text
    return ""


def _numbered(
    answer: dict[str, Any], refusals: Mapping[int, type[errors.ProviderError]]
) -> type[errors.ProviderError] | None:
    numbers = answer.get("error_codes")
    given = numbers if isinstance(numbers, list) else []
    return next((refusals[one] for one in given if isinstance(one, int) and one in refusals), None)


def token_set(
    provider: Provider, answer: dict[str, Any], who: Identity | None, at: datetime
) -> TokenSet:
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        raise errors.Unexpected("not a bearer token")
    life = _life(answer.get("expires_in"))
    if life is None or life > MAX_LIFE:
        # Seconds read as milliseconds, or worse: every later call would be wrong.
        raise errors.Unexpected("an implausible expiry", reason="expires_in")
    grant_life = _life(answer.get("refresh_token_expires_in"))
    scope = answer.get("scope")
    has_refresh_token = bool(answer.get("refresh_token"))
    return TokenSet(
        access_token=text(answer, "access_token", MAX_ACCESS_TOKEN),
        refresh_token=(
            text(answer, "refresh_token", MAX_REFRESH_TOKEN) if has_refresh_token else None
        ),
        expires_at=at + max(life - SKEW, life / 2),
        refresh_expires_at=at + grant_life if grant_life else None,
        granted_scopes=provider.normalised(scope) if isinstance(scope, str) else None,
        identity=who,
    )


def _life(value: object) -> timedelta | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:  # noqa: PLR2004
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Ten years is longer than any grant, and fits a datetime.
    return timedelta(seconds=value) if 0 < value < 10 * 366 * 86_400 else None


def text(answer: dict[str, Any], name: str, limit: int) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= limit:
        raise errors.Unexpected("the answer lacks a usable token", reason=name)
    return value
