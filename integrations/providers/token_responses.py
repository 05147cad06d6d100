from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from . import errors, provider_http
from .id_tokens import Identity
from .provider_definition import Provider

# A token counts as expired this early, or after half of a very short life.
SKEW: Final = timedelta(seconds=60)
# Microsoft's longest lifetime is 28 hours.
MAX_LIFE: Final = timedelta(hours=28)
# Microsoft writes groups and conditions into access tokens.
MAX_ACCESS_TOKEN: Final = 16 * 1024
MAX_REFRESH_TOKEN: Final = 8 * 1024
# Claims requests are sent in URLs as well.
MAX_CLAIMS: Final = 4096


_CLIENT_ERRORS: Final = frozenset(
    {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"}
)
_ADMIN_ERRORS: Final = frozenset({"admin_policy_enforced", "org_internal", "access_denied"})
_GRANT_ERRORS: Final = frozenset(
    {"invalid_grant", "interaction_required", "consent_required", "login_required"}
)
# Microsoft's suberrors that the person can resolve.
_PERSON_SUBERRORS: Final = frozenset({"basic_action", "additional_action"})
_TEMPORARY_ERRORS: Final = frozenset(
    {"temporarily_unavailable", "server_error", "slow_down", "rate_limit_exceeded"}
)
# Codes that may be logged. An unknown code may be user content.
_KNOWN_CODES: Final = (
    _CLIENT_ERRORS
    | _ADMIN_ERRORS
    | _GRANT_ERRORS
    | _TEMPORARY_ERRORS
    | {"invalid_request", "invalid_scope", "unsupported_grant_type", "invalid_token"}
    | {"invalid_rapt", "rapt_required"}
    | {"bad_token", "token_expired", "basic_action", "additional_action", "message_only"}
)


@dataclass(frozen=True, slots=True)
class TokenSet:
    """
    Without a `refresh_token`, keep the old one. `expires_at` is early by the skew.
    `refresh_expires_at` is set for time-limited grants only. `granted_scopes` have the requested
    names; None if the response names none.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime | None
    granted_scopes: frozenset[str] | None
    identity: Identity | None = None


def parse_fields(response: provider_http.ProviderResponse) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def map_token_error(
    response: provider_http.ProviderResponse,
    rejection: type[errors.ProviderError],
    errors_by_number: Mapping[int, type[errors.ProviderError]] = MappingProxyType({}),
) -> errors.ProviderError:
    """
    Only codes decide, never the description.

    :param errors_by_number: the provider's numbers that say more than its `error`
    """
    status = response.status
    answer = parse_fields(response)
    error = answer.get("error")
    codes = (answer.get("error_subtype"), answer.get("suberror"), error)
    kind: type[errors.ProviderError] = errors.Unexpected
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = errors.RateLimited
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(error, str):
        # Not from the token endpoint, so it cannot say that a grant is gone.
        kind = errors.Unavailable
    elif error in _TEMPORARY_ERRORS:
        kind = errors.Unavailable
    elif (numbered_error := _find_numbered_error(answer, errors_by_number)) is not None:
        kind = numbered_error
    elif error in _CLIENT_ERRORS:
        kind = errors.InvalidClient
    elif error in _ADMIN_ERRORS:
        kind = errors.AdminBlocked
    elif error in _GRANT_ERRORS:
        kind = rejection
    message = f"the provider answered {status}"
    details: dict[str, Any] = {
        "status": status,
        "reason": next(
            (code for code in codes if isinstance(code, str) and code in _KNOWN_CODES), ""
        ),
        "retry_after": provider_http.parse_retry_after(response),
    }
    if kind is errors.GrantRevoked and (claims := _read_step_up_claims(answer)) is not None:
        return errors.StepUpWanted(message, claims=claims, **details)
    return kind(message, **details)


def _read_step_up_claims(answer: dict[str, Any]) -> str | None:
    """
    Return "" if the response names no claims, None if the person can do nothing about the
    refusal.

    Source:
    https://learn.microsoft.com/en-us/entra/msal/dotnet/advanced/exceptions/msal-error-handling
    """
    if claims := parse_claims(answer.get("claims")):
        return claims
    suberror = answer.get("suberror")
    if suberror == "message_only":
        return None
    is_for_person = suberror in _PERSON_SUBERRORS or answer.get("error") == "interaction_required"
    return "" if is_for_person else None


def parse_claims(text: object) -> str:
    if isinstance(text, str) and 0 < len(text) <= MAX_CLAIMS:
        with suppress(ValueError, RecursionError):
            if isinstance(json.loads(text), dict):
                return text
    return ""


def _find_numbered_error(
    answer: dict[str, Any], errors_by_number: Mapping[int, type[errors.ProviderError]]
) -> type[errors.ProviderError] | None:
    error_codes = answer.get("error_codes")
    numbers = error_codes if isinstance(error_codes, list) else []
    return next(
        (
            errors_by_number[number]
            for number in numbers
            if isinstance(number, int) and number in errors_by_number
        ),
        None,
    )


def build_token_set(
    provider: Provider, answer: dict[str, Any], identity: Identity | None, at: datetime
) -> TokenSet:
    if str(answer.get("token_type", "Bearer")).lower() != "bearer":
        raise errors.Unexpected("not a bearer token")
    lifetime = _parse_lifetime(answer.get("expires_in"))
    if lifetime is None or lifetime > MAX_LIFE:
        # Perhaps a change of units: every later call would be wrong.
        raise errors.Unexpected("an implausible expiry", reason="expires_in")
    grant_lifetime = _parse_lifetime(answer.get("refresh_token_expires_in"))
    scope = answer.get("scope")
    has_refresh_token = bool(answer.get("refresh_token"))
    return TokenSet(
        access_token=require_token_text(answer, "access_token", MAX_ACCESS_TOKEN),
        refresh_token=(
            require_token_text(answer, "refresh_token", MAX_REFRESH_TOKEN)
            if has_refresh_token
            else None
        ),
        expires_at=at + max(lifetime - SKEW, lifetime / 2),
        refresh_expires_at=at + grant_lifetime if grant_lifetime else None,
        granted_scopes=provider.normalise_scopes(scope) if isinstance(scope, str) else None,
        identity=identity,
    )


def _parse_lifetime(value: object) -> timedelta | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:  # noqa: PLR2004
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Ten years: longer than any grant, and within the range of datetime.
    return timedelta(seconds=value) if 0 < value < 10 * 366 * 86_400 else None


def require_token_text(answer: dict[str, Any], name: str, limit: int) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= limit:
        raise errors.Unexpected("the answer lacks a usable token", reason=name)
    return value
