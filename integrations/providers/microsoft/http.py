"""Send requests to Graph, and say its errors in our words."""

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
from integrations.providers import errors, http
from integrations.providers.access import Access
from integrations.providers.token_responses import usable_claims

from .client import DEADLINE, client
from .graph_sdk import Call
from .mailbox_concurrency import AT_ONCE
from .session import NoAnswer

ROOT: Final = "https://graph.microsoft.com/v1.0"
# Without it an id changes when its item is moved. It is no part of a link: it is said each time.
IMMUTABLE: Final = 'IdType="ImmutableId"'
_LEADS_AWAY: Final = "a link points away from Graph"
# Seconds, where answers are few and short: somebody may be waiting.
PATIENCE: Final = 45.0

Outcome = dict[str, Any] | errors.ProviderError

# Graph's codes in lower case, because it writes them in more than one.
# https://learn.microsoft.com/en-us/graph/errors and
# https://learn.microsoft.com/en-us/dotnet/api/microsoft.exchange.webservices.data.serviceerror
_EXPIRED: Final = frozenset(
    {"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"}
)
_SCOPE: Final = frozenset(
    {"erroraccessdenied", "accessdenied", "authorization_requestdenied", "forbidden"}
)
_NO_MAILBOX: Final = frozenset(
    {"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errornonexistentmailbox"}
)
# What can be no item's id is an item that there is not.
_NO_SUCH: Final = frozenset(
    {
        "erroritemnotfound",
        "errorinvalididmalformed",
        "errorinvalididempty",
        "errorinvalididnotfound",
    }
)
_CHANGED: Final = frozenset({"errorirresolvableconflict", "errorchangekeyrequiredforwrite"})
_TAKEN: Final = frozenset({"errorduplicatetransactionid"})
# Of a write: it says what is wrong with it, and will say so again.
_REFUSED: Final = frozenset(
    {
        "errorpropertyvalidationfailure", "erroroccurrencecrossingboundary",
        "errorcalendarenddateisearlierthanstartdate", "errorcalendardurationistoolong",
        "errorcalendarinvalidrecurrence", "errorinvalidrecipients", "errorinvalidargument",
        "errorcalendarmeetingrequestisoutofdate", "errorcalendarisorganizerforaccept",
        "errorcalendarisorganizerfordecline", "errorcalendarisorganizerfortentative",
        "errorrecurrencehasnooccurrence", "errorinvalidrequest", "errormessagesizeexceeded",
    }
)  # fmt: skip
# Graph called our address for notifications, and was not answered as it wants to be.
_WEBHOOK: Final = "validationerror"
# An older code says the same of any request, so this one is told by how Graph's text begins.
_OLDER_WEBHOOK: Final = ("invalidrequest", "subscription validation request failed")
_LIMITS: Final = frozenset({"toomanyrequests", "applicationthrottled", "errorservererrorbusy"})
_WORDS: Final = (
    _EXPIRED | _SCOPE | _NO_MAILBOX | _NO_SUCH | _CHANGED | _TAKEN | _REFUSED | _LIMITS
    | {
        "invalidauthenticationtoken", "errorinvalidgrant", "badrequest", "erroraccountsuspend",
        "serviceunavailable", "generalexception", "internalservererror", "activitylimitreached",
        "quotalimitreached", "notallowed", "unauthenticated", "itemnotfound", "resourcenotfound",
        "errorquotaexceeded", "requestbroker--parseuri", "extensionerror", _WEBHOOK,
    }
)  # fmt: skip
_BY_CODE: Final[tuple[tuple[frozenset[str], type[errors.ProviderError]], ...]] = (
    (_EXPIRED, errors.CursorExpired),
    (_NO_MAILBOX, errors.MailboxMissing),
    (_TAKEN, errors.AlreadyThere),
    (_CHANGED, errors.ChangedMeanwhile),
    (_LIMITS, errors.RateLimited),
    (frozenset({_WEBHOOK}), errors.WebhookRejected),
)


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request. `path` is below the root, or a link that Graph gave us, which is followed as it is.

    `prefer` goes beside the wish for ids that stay. What is in `body` becomes JSON. `parts` are the
    requests that it is for Graph: a batch has several. An answer of more than `most_bytes` is too
    large; None: than `http.MAX_ANSWER`.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "GET"
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    prefer: tuple[str, ...] = ()
    if_match: str = ""
    accept: str = "application/json"
    parts: int = 1
    most_bytes: int | None = None


def segment(value: str) -> str:
    """Return an id as a part of a path: ids hold `/`, `+` and `=`."""
    return quote(value, safe="")


def query_of(request: Request) -> str:
    """Return the query of a request with its question mark; empty where it has none."""
    if not request.query:
        return ""
    return "?" + urlencode(request.query, quote_via=quote, safe="$,()':/")


def preferences(request: Request) -> str:
    """Return the value of the `Prefer` header of a request."""
    return ", ".join((IMMUTABLE, *request.prefer))


def root_of(root_url: str) -> str:
    """Return where Graph is: at `root_url`, or, if that is empty, where Microsoft has it."""
    return (root_url or ROOT).rstrip("/")


def call(
    request: Request, access: Access, *, not_found: type[errors.ProviderError] = errors.Gone
) -> dict[str, Any]:
    """
    Return the answer to `request`, a read.

    `not_found` says what a 404 means here.
    """
    (found,) = call_each([request], access, not_found=not_found)
    if isinstance(found, errors.ProviderError):
        raise found
    return found


def call_each(
    requests: Sequence[Request],
    access: Access,
    *,
    not_found: type[errors.ProviderError] = errors.Gone,
) -> list[Outcome]:
    """Return the answer to each of `requests`, reads all of them, in order."""
    if not requests:
        return []
    # Of what is under way at once, each has as long as one alone.
    deadline = PATIENCE if len(requests) <= AT_ONCE else DEADLINE
    return [_read(answer, not_found) for answer in _answers(requests, access, deadline)]


def contents(requests: Sequence[Request], access: Access) -> list[bytes | errors.ProviderError]:
    """Return what stands behind each of `requests`, in order, as bytes."""
    if not requests:
        return []
    return [
        answer.content
        if isinstance(answer, http.Answer) and answer.is_success
        else _failed(answer, errors.Gone)
        for answer in _answers(requests, access, DEADLINE)
    ]


def write(request: Request, access: Access) -> dict[str, Any]:
    """
    Return the answer to `request`, a write; empty where there is none to give.

    :raises OutcomeUnknown: if it was sent and no answer came, or one that leaves it open
    """
    (answer,) = _answers([request], access, PATIENCE)
    if not isinstance(answer, http.Answer):
        raise errors.OutcomeUnknown("Microsoft did not answer")
    if answer.is_success and not answer.content:
        return {}
    found = _read(answer, errors.Gone)
    if isinstance(found, dict):
        return found
    has_failed = isinstance(found, errors.Unavailable) and not isinstance(found, errors.RateLimited)
    # A success that cannot be read: it may be done.
    if has_failed or answer.is_success:
        raise errors.OutcomeUnknown("Microsoft failed", status=found.status, reason=found.reason)
    raise found


def _answers(
    requests: Sequence[Request], access: Access, deadline: float
) -> list[http.Answer | Exception]:
    ready = [prepared(one, access) for one in requests]
    try:
        return client().send(ready, deadline=deadline)
    except NoAnswer:
        return [NoAnswer() for _ in ready]


def relative_path(request: Request, access: Access) -> str:
    """
    Return the path of `request` below the root, as a part of a batch has it.

    :raises CursorExpired: if it is a link that leads elsewhere
    """
    if "://" not in request.path:
        return request.path
    root = root_of(access.root_url)
    beginning, path = request.path[: len(root)], request.path[len(root) :]
    if beginning.lower() != root.lower() or not path.startswith("/"):
        raise errors.CursorExpired(_LEADS_AWAY)
    return path


def prepared(request: Request, access: Access) -> Call:
    """Return `request` with a bearer token, if it stays where the token may go."""
    root = root_of(access.root_url)
    is_link = "://" in request.path
    url = request.path if is_link else root + request.path
    url += query_of(request)
    if urlsplit(url)[:2] != urlsplit(root)[:2]:
        # A link was handed to us and kept. It is followed only home.
        if is_link:
            raise errors.CursorExpired(_LEADS_AWAY)
        raise errors.Unexpected("a request would have left for another host")
    headers = {
        "authorization": f"Bearer {access.token()}",
        "accept": request.accept,
        "prefer": preferences(request),
    }
    if request.if_match:
        headers["if-match"] = request.if_match
    body = None
    if request.body is not None:
        body = json.dumps(request.body).encode()
        headers["content-type"] = "application/json"
    return Call(request.method, url, headers, body, request.parts, request.most_bytes)


def _read(answer: http.Answer | Exception, not_found: type[errors.ProviderError]) -> Outcome:
    if not isinstance(answer, http.Answer) or not answer.is_success:
        return _failed(answer, not_found)
    try:
        parsed = decode_json(answer.content)
    except RecursionError:
        return errors.Rejected("the answer nests too deeply", reason="too-deep")
    except ValueError:
        # Something between Microsoft and us answered in its place.
        return errors.Unavailable("the answer was not Microsoft's", status=answer.status)
    if isinstance(parsed, dict):
        return parsed
    return errors.Unexpected("the answer has another shape", status=answer.status)


def _failed(
    answer: http.Answer | Exception, not_found: type[errors.ProviderError]
) -> errors.ProviderError:
    if isinstance(answer, http.Answer):
        return meaning(answer, not_found)
    if isinstance(answer, http.TooLarge):
        return errors.Rejected("larger than we carry", reason="too-large")
    if isinstance(answer, NoAnswer):
        return errors.Unavailable("Microsoft did not answer")
    return errors.Unexpected("neither an answer nor none")


def meaning(response: http.Answer, not_found: type[errors.ProviderError]) -> errors.ProviderError:
    """Return the error that a refusal stands for, by its status and code."""
    status = response.status
    code = _code(response)
    kind = next((means for codes, means in _BY_CODE if code in codes), None)
    if kind is None:
        kind = _by_status(status, code, not_found)
    said: dict[str, Any] = {
        "status": status,
        "reason": code if code in _WORDS else "",
        "retry_after": http.retry_after(response),
    }
    message = f"Microsoft answered {status}"
    if kind is errors.TokenRejected and (claims := _claims(response)):
        return errors.ClaimsWanted(message, claims=claims, **said)
    return kind(message, **said)


def _by_status(  # noqa: PLR0911
    status: int, code: str, not_found: type[errors.ProviderError]
) -> type[errors.ProviderError]:
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.TokenRejected
    if status == HTTPStatus.NOT_FOUND or code in _NO_SUCH:
        return not_found
    if status == HTTPStatus.GONE:
        return errors.CursorExpired
    # Graph answers a stale change key with one or the other.
    if status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        return errors.ChangedMeanwhile
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.RateLimited
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.Unavailable
    if status == HTTPStatus.FORBIDDEN and (code in _SCOPE or not code):
        return errors.ScopeMissing
    if code in _REFUSED or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return errors.Rejected
    return errors.Unexpected


def _code(response: http.Answer) -> str:
    """Return the code of an error in lower case; empty where there is none."""
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
        return _WEBHOOK
    return code.lower()


def _claims(response: http.Answer) -> str:
    """
    Return what a challenge wants the next token to say, as JSON; empty where it wants nothing.

    https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge
    """
    challenge = response.headers.get("www-authenticate", "")
    _, found, rest = challenge.partition('claims="')
    encoded = rest.partition('"')[0]
    if not found:
        return ""
    with suppress(ValueError, binascii.Error):
        # With or without padding, in either alphabet.
        plain = encoded.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
        return usable_claims(decoded)
    return ""
