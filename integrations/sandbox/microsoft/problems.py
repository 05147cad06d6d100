"""Entra's errors: OAuth's `error`, the AADSTS number and the text."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpProblem, make_json_answer

UNAUTHORIZED = 401


@dataclass(frozen=True)
class AadstsError:
    """`error` is OAuth's; `suberror` is Microsoft's addition."""

    error: str
    text: str
    status: int = 400
    suberror: str = ""


# learn.microsoft.com/entra/identity-platform/reference-error-codes
AADSTS_ERRORS: dict[int, AadstsError] = {
    50011: AadstsError(
        "invalid_request",
        "The redirect URI specified in the request does not match the "
        "redirect URIs configured for the application.",
    ),
    50020: AadstsError(
        "invalid_grant", "User account from identity provider does not exist in tenant."
    ),
    50033: AadstsError(
        "temporarily_unavailable", "A transient error has occurred. Please try again.", 503
    ),
    50034: AadstsError("invalid_grant", "The user account does not exist in the directory."),
    50057: AadstsError("invalid_grant", "The user account is disabled."),
    50058: AadstsError(
        "login_required", "A silent sign-in request was sent but no user is signed in."
    ),
    50076: AadstsError(
        "interaction_required",
        "Due to a configuration change made by your administrator, "
        "or because you moved to a new location, you must use multi-factor authentication.",
        suberror="basic_action",
    ),
    50079: AadstsError(
        "interaction_required",
        "You must enroll in multi-factor authentication.",
        suberror="basic_action",
    ),
    50105: AadstsError(
        "access_denied",
        "Your administrator has configured the application to block users "
        "unless they are specifically granted ('assigned') access to the application.",
    ),
    50173: AadstsError(
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
        suberror="bad_token",
    ),
    50194: AadstsError(
        "unauthorized_client",
        "Application is not configured as a multi-tenant "
        "application. Usage of the /common endpoint is not supported.",
    ),
    50196: AadstsError(
        "invalid_grant",
        "The server terminated an operation because it encountered a loop "
        "while processing a request.",
    ),
    501481: AadstsError(
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in "
        "the authorization request for PKCE.",
    ),
    53000: AadstsError(
        "interaction_required", "Your device is required to be managed.", suberror="message_only"
    ),
    53003: AadstsError(
        "invalid_grant",
        "Access has been blocked by Conditional Access policies.",
        suberror="message_only",
    ),
    530032: AadstsError(
        "invalid_grant", "Access has been blocked by a security policy.", suberror="message_only"
    ),
    54005: AadstsError(
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry "
        "with a new valid code or use an existing refresh token.",
    ),
    65001: AadstsError(
        "invalid_grant",
        "The user or administrator has not consented to use the "
        "application. Send an interactive authorization request for this user.",
        suberror="consent_required",
    ),
    65004: AadstsError("access_denied", "User declined to consent to access the app."),
    70000: AadstsError("invalid_grant", "The provided value for the input parameter is not valid."),
    70003: AadstsError("unsupported_grant_type", "The app requested an unsupported grant type."),
    70008: AadstsError(
        "invalid_grant",
        "The provided authorization code or refresh token has expired due "
        "to inactivity. Send a new interactive authorization request.",
    ),
    70011: AadstsError(
        "invalid_scope", "The provided value for the input parameter 'scope' is not valid."
    ),
    70043: AadstsError(
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in "
        "frequency checks by conditional access.",
        suberror="bad_token",
    ),
    700005: AadstsError(
        "invalid_grant",
        "The provided Authorization Code is intended to use against other tenant, thus rejected.",
    ),
    700016: AadstsError("unauthorized_client", "Application was not found in the directory."),
    700022: AadstsError(
        "invalid_scope", "The scope is not valid because it contains more than one resource."
    ),
    700082: AadstsError(
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was "
        "issued on an earlier day and was inactive for 90.00:00:00.",
    ),
    700084: AadstsError(
        "invalid_grant",
        "The refresh token was issued to a single page app (SPA), and "
        "therefore has a fixed, limited lifetime of 1.00:00:00.",
    ),
    7000215: AadstsError("invalid_client", "Invalid client secret provided.", UNAUTHORIZED),
    7000218: AadstsError(
        "invalid_client",
        "The request body must contain the following parameter: "
        "'client_assertion' or 'client_secret'.",
        UNAUTHORIZED,
    ),
    7000222: AadstsError(
        "invalid_client", "The provided client secret keys for app are expired.", UNAUTHORIZED
    ),
    90002: AadstsError(
        "invalid_request", "Tenant not found. Check to make sure you have the correct tenant ID."
    ),
    90014: AadstsError("invalid_request", "The required field is missing from the credential."),
    90033: AadstsError(
        "temporarily_unavailable", "A transient error has occurred. Please try again.", 503
    ),
    90090: AadstsError(
        "temporarily_unavailable",
        "GraphRetryableError. The service is temporarily unavailable.",
        503,
    ),
    90094: AadstsError(
        "access_denied",
        "AdminConsentRequired. Admin consent is required for the "
        "permissions requested by this application.",
    ),
    90095: AadstsError(
        "access_denied",
        "AdminConsentRequiredRequestAccess. The admin consent is required "
        "for this request; the user may ask for it.",
    ),
    9002313: AadstsError("invalid_request", "Invalid request. Request is malformed or invalid."),
}


def describe_error(number: int, now: float) -> str:
    trace, correlation = uuid.uuid4(), uuid.uuid4()
    return (
        f"AADSTS{number}: {AADSTS_ERRORS[number].text}\r\nTrace ID: {trace}\r\n"
        f"Correlation ID: {correlation}\r\nTimestamp: {_format_timestamp(now)}"
    )


def _format_timestamp(now: float) -> str:
    return datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def make_aadsts_problem(
    number: int, now: float, *, error: str = "", claims: str = ""
) -> HttpProblem:
    """The next authorization must carry `claims`."""
    code = AADSTS_ERRORS[number]
    body: dict[str, Any] = {
        "error": error or code.error,
        "error_description": describe_error(number, now),
        "error_codes": [number],
        "timestamp": _format_timestamp(now),
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    if code.suberror:
        body["suberror"] = code.suberror
    if claims:
        body["claims"] = claims
    return HttpProblem(make_json_answer(body, code.status, **{"Cache-Control": "no-store"}))
