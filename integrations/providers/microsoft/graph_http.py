from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from integrations.formats.mime.graph_message import decode_json
from integrations.providers import errors, provider_http
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.token_responses import parse_claims

from .graph_client import DEADLINE, get_graph_client
from .graph_sdk import GraphCall
from .graph_session import GraphNoResponse
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS

ROOT: Final = "https://graph.microsoft.com/v1.0"
# Without it, moving an item changes its id. Links do not include it: it is sent each time.
IMMUTABLE_IDS: Final = 'IdType="ImmutableId"'
_FOREIGN_LINK: Final = "a link points away from Graph"
# Seconds for few and short responses: a person may be waiting.
PATIENCE: Final = 45.0

GraphOutcome = dict[str, Any] | errors.ProviderError

# Graph's codes in lower case, because Graph varies their case.
# https://learn.microsoft.com/en-us/graph/errors and
# https://learn.microsoft.com/en-us/dotnet/api/microsoft.exchange.webservices.data.serviceerror
_EXPIRED_CODES: Final = frozenset(
    {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"}
)
_SCOPE_CODES: Final = frozenset(
    {"erroraccessdenied", "accessdenied", "authorization_requestdenied", "forbidden"}
)
_NO_MAILBOX_CODES: Final = frozenset(
    {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errornonexistentmailbox"}
)
# A malformed id counts as a missing item.
_NOT_FOUND_CODES: Final = frozenset(
    {
        "erroritemnotfound",
        "errorinvalididmalformed",
        "errorinvalididempty",
        "errorinvalididnotfound",
    }
)
_CONFLICT_CODES: Final = frozenset({"errorirresolvableconflict", "errorchangekeyrequiredforwrite"})
_TAKEN_CODES: Final = frozenset({"errorduplicatetransactionid"})
# Permanent refusals of a write.
_REJECTED_CODES: Final = frozenset(
    {
        "errorpropertyvalidationfailure", "erroroccurrencecrossingboundary",
        "errorcalendarenddateisearlierthanstartdate", "errorcalendardurationistoolong",
        "errorcalendarinvalidrecurrence", "errorinvalidrecipients", "errorinvalidargument",
        "errorcalendarmeetingrequestisoutofdate", "errorcalendarisorganizerforaccept",
        "errorcalendarisorganizerfordecline", "errorcalendarisorganizerfortentative",
        "errorrecurrencehasnooccurrence", "errorinvalidrequest", "errormessagesizeexceeded",
        "errorsendasdenied", "errormessagesubmissionblocked",
    }
)  # fmt: skip
# Graph called our webhook and did not get the expected response.
_WEBHOOK_CODE: Final = "validationerror"
# An older code covers any request, so only the start of Graph's text identifies this error.
_OLDER_WEBHOOK: Final = ("invalidrequest", "subscription validation request failed")
_RATE_CODES: Final = frozenset(
    {
        "toomanyrequests", "applicationthrottled", "errorservererrorbusy",
        # The day's recipients.
        "errorexceededmessagelimit",
    }
)  # fmt: skip
_KNOWN_CODES: Final = (
    _EXPIRED_CODES | _SCOPE_CODES | _NO_MAILBOX_CODES | _NOT_FOUND_CODES | _CONFLICT_CODES
    | _TAKEN_CODES | _REJECTED_CODES | _RATE_CODES
    | {
        "invalidauthenticationtoken", "errorinvalidgrant", "badrequest", "erroraccountsuspend",
        "serviceunavailable", "generalexception", "internalservererror", "activitylimitreached",
        "quotalimitreached", "notallowed", "unauthenticated", "itemnotfound", "resourcenotfound",
        "errorquotaexceeded", "requestbroker--parseuri", "extensionerror", "errorinvalidoperation",
        _WEBHOOK_CODE,
    }
)  # fmt: skip
_ERRORS_BY_CODE: Final[tuple[tuple[frozenset[str], type[errors.ProviderError]], ...]] = (
    (_EXPIRED_CODES, errors.CursorExpired),
    (_NO_MAILBOX_CODES, errors.MailboxMissing),
    (_TAKEN_CODES, errors.AlreadyThere),
    (_CONFLICT_CODES, errors.ChangedMeanwhile),
    (_RATE_CODES, errors.RateLimited),
    (frozenset({_WEBHOOK_CODE}), errors.WebhookRejected),
)


@dataclass(frozen=True, slots=True)
class GraphApiRequest:
    """
    `path` is below the root, or a link of Graph's, which is followed unchanged.

    `prefer` is added to the preference for immutable ids. `body` is sent as JSON. For
    `request_count` and `max_bytes` see `GraphCall`.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "GET"
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    prefer: tuple[str, ...] = ()
    if_match: str = ""
    accept: str = "application/json"
    request_count: int = 1
    max_bytes: int | None = None


def quote_segment(value: str) -> str:
    """Ids contain `/`, `+` and `=`."""
    return quote(value, safe="")


def format_query(request: GraphApiRequest) -> str:
    if not request.query:
        return ""
    return "?" + urlencode(request.query, quote_via=quote, safe="$,()':/")


def format_preferences(request: GraphApiRequest) -> str:
    return ", ".join((IMMUTABLE_IDS, *request.prefer))


def get_root_url(root_url: str) -> str:
    return (root_url or ROOT).rstrip("/")


def send_graph_read(
    request: GraphApiRequest,
    access: ProviderAccess,
    *,
    not_found: type[errors.ProviderError] = errors.Gone,
) -> dict[str, Any]:
    """:param not_found: the error for a 404"""
    (result,) = send_graph_reads([request], access, not_found=not_found)
    if isinstance(result, errors.ProviderError):
        raise result
    return result


def send_graph_reads(
    requests: Sequence[GraphApiRequest],
    access: ProviderAccess,
    *,
    not_found: type[errors.ProviderError] = errors.Gone,
) -> list[GraphOutcome]:
    if not requests:
        return []
    # Each concurrent request has the time of a single one.
    deadline = PATIENCE if len(requests) <= MAX_CONCURRENT_REQUESTS else DEADLINE
    return [_parse_answer(answer, not_found) for answer in _send_all(requests, access, deadline)]


def fetch_contents(
    requests: Sequence[GraphApiRequest], access: ProviderAccess
) -> list[bytes | errors.ProviderError]:
    if not requests:
        return []
    return [
        answer.content
        if isinstance(answer, provider_http.ProviderResponse) and answer.is_success
        else _map_failure(answer, errors.Gone)
        for answer in _send_all(requests, access, DEADLINE)
    ]


def send_graph_write(request: GraphApiRequest, access: ProviderAccess) -> dict[str, Any]:
    """:raises OutcomeUnknown: if the request was sent and the result is unknown"""
    (answer,) = _send_all([request], access, PATIENCE)
    if not isinstance(answer, provider_http.ProviderResponse):
        raise errors.OutcomeUnknown("Microsoft did not answer")
    if answer.is_success and not answer.content:
        return {}
    result = _parse_answer(answer, errors.Gone)
    if isinstance(result, dict):
        return result
    # Whatever the code in the body says, a failed server may have applied the write.
    has_failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or (
        isinstance(result, errors.Unavailable) and not isinstance(result, errors.RateLimited)
    )
    # An unreadable success: the write may have been applied.
    if has_failed or answer.is_success:
        raise errors.OutcomeUnknown(
            "Microsoft failed",
            status=result.status,
            reason=result.reason,
            retry_after=result.retry_after,
        )
    raise result


def _send_all(
    requests: Sequence[GraphApiRequest], access: ProviderAccess, deadline: float
) -> list[provider_http.ProviderResponse | Exception]:
    calls = [prepare_call(request, access) for request in requests]
    try:
        return get_graph_client().send(calls, deadline=deadline)
    except GraphNoResponse:
        return [GraphNoResponse() for _ in calls]


def get_relative_path(request: GraphApiRequest, access: ProviderAccess) -> str:
    """:raises CursorExpired: if the path is a link to another host"""
    if "://" not in request.path:
        return request.path
    root = get_root_url(access.root_url)
    beginning, path = request.path[: len(root)], request.path[len(root) :]
    if beginning.lower() != root.lower() or not path.startswith("/"):
        raise errors.CursorExpired(_FOREIGN_LINK)
    return path


def prepare_call(request: GraphApiRequest, access: ProviderAccess) -> GraphCall:
    """Add a bearer token, if the host may receive it."""
    root = get_root_url(access.root_url)
    is_link = "://" in request.path
    url = request.path if is_link else root + request.path
    url += format_query(request)
    if urlsplit(url)[:2] != urlsplit(root)[:2]:
        # A stored link must lead to Graph's own host.
        if is_link:
            raise errors.CursorExpired(_FOREIGN_LINK)
        raise errors.Unexpected("a request would have left for another host")
    headers = {
        "authorization": f"Bearer {access.token()}",
        "accept": request.accept,
        "prefer": format_preferences(request),
    }
    if request.if_match:
        headers["if-match"] = request.if_match
    body = None
    if request.body is not None:
        body = json.dumps(request.body).encode()
        headers["content-type"] = "application/json"
    return GraphCall(request.method, url, headers, body, request.request_count, request.max_bytes)


def _parse_answer(
    answer: provider_http.ProviderResponse | Exception, not_found: type[errors.ProviderError]
) -> GraphOutcome:
    if not isinstance(answer, provider_http.ProviderResponse) or not answer.is_success:
        return _map_failure(answer, not_found)
    try:
        parsed = decode_json(answer.content)
    except RecursionError:
        return errors.Rejected("the answer nests too deeply", reason="too-deep")
    except ValueError:
        # A proxy answered instead of Microsoft.
        return errors.Unavailable("the answer was not Microsoft's", status=answer.status)
    if isinstance(parsed, dict):
        return parsed
    return errors.Unexpected("the answer has another shape", status=answer.status)


def _map_failure(
    answer: provider_http.ProviderResponse | Exception, not_found: type[errors.ProviderError]
) -> errors.ProviderError:
    if isinstance(answer, provider_http.ProviderResponse):
        return map_graph_error(answer, not_found)
    if isinstance(answer, provider_http.ResponseTooLarge):
        return errors.Rejected("larger than we carry", reason="too-large")
    if isinstance(answer, GraphNoResponse):
        return errors.Unavailable("Microsoft did not answer")
    return errors.Unexpected("neither an answer nor none")


def map_graph_error(
    response: provider_http.ProviderResponse, not_found: type[errors.ProviderError]
) -> errors.ProviderError:
    status = response.status
    code = _read_code(response)
    kind = next((error_class for codes, error_class in _ERRORS_BY_CODE if code in codes), None)
    if kind is None:
        kind = _map_status(status, code, not_found)
    details: dict[str, Any] = {
        "status": status,
        "reason": code if code in _KNOWN_CODES else "",
        "retry_after": provider_http.parse_retry_after(response),
    }
    message = f"Microsoft answered {status}"
    if kind is errors.TokenRejected and (claims := _read_claims(response)):
        return errors.ClaimsWanted(message, claims=claims, **details)
    return kind(message, **details)


def _map_status(  # noqa: PLR0911
    status: int, code: str, not_found: type[errors.ProviderError]
) -> type[errors.ProviderError]:
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.TokenRejected
    if status == HTTPStatus.NOT_FOUND or code in _NOT_FOUND_CODES:
        return not_found
    if status == HTTPStatus.GONE:
        return errors.CursorExpired
    # Graph answers a stale change key with either status.
    if status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        return errors.ChangedMeanwhile
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.RateLimited
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.Unavailable
    if status == HTTPStatus.FORBIDDEN and (code in _SCOPE_CODES or not code):
        return errors.ScopeMissing
    if code in _REJECTED_CODES or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return errors.Rejected
    return errors.Unexpected


def _read_code(response: provider_http.ProviderResponse) -> str:
    try:
        error = json.loads(response.content)["error"]
        code = error["code"]
        text = str(error.get("message"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    if not isinstance(code, str):
        return ""
    older_code, beginning = _OLDER_WEBHOOK
    if code.lower() == older_code and text.lower().startswith(beginning):
        return _WEBHOOK_CODE
    return code.lower()


def _read_claims(response: provider_http.ProviderResponse) -> str:
    """Source: https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge"""
    challenge = response.headers.get("www-authenticate", "")
    _, separator, rest = challenge.partition('claims="')
    encoded = rest.partition('"')[0]
    if not separator:
        return ""
    with suppress(ValueError, binascii.Error):
        # With or without padding, in either alphabet.
        plain = encoded.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
        return parse_claims(decoded)
    return ""
