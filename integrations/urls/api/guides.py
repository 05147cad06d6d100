"""Guides for developers of features: pages beside the API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts import route_limits
from accounts.models.client import USERS_PER_MINUTE
from accounts.oauth.authorization import MAX_STATE
from accounts.oauth.server import get_issuer, get_token_endpoint
from accounts.rate_limit_counters import Rate, RateLimitUsage
from accounts.request_limits import scale_rate
from integrations.calendar import free_busy_query, ics_export, ics_import, sharing
from integrations.drive.api import views as drive_views
from integrations.mail.api import proposal_views
from integrations.web import problem_catalogue, slow_routes
from integrations.web.api.api_rate_limits import make_headers
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Fact
from limited_use.policy.refusal_text import MISSING_FACT_TEXTS

from .openapi import read_document
from .openapi_examples import read_examples
from .openapi_iteration import iterate_operations
from .operation_access import TOKEN_PURPOSES

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_PERIODS: Final = {60: _("a minute"), 3_600: _("an hour"), 86_400: _("a day")}
_PROGRAM_FILE: Final = (
    Path(settings.BASE_DIR) / "templates" / "public" / "guides" / "quick_start.py"
)
_REQUEST_COMMAND: Final = """\
DELEGATION=...  # as printed
curl {endpoint} \\
  -d grant_type=client_credentials -d scope=purpose:inbox.display \\
  -d delegation=$DELEGATION \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d client_assertion=$(python quick_start.py assertion)"""
_REVOKE_COMMAND: Final = """\
curl {endpoint} -d token=$TOKEN \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d client_assertion=$(python quick_start.py assertion)"""
_CLIENT_GRANT_COMMAND: Final = """\
curl {endpoint} -d grant_type=client_credentials -d scope=client \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d client_assertion=$(python quick_start.py assertion)"""
_REMOVAL_COMMANDS: Final = f"""\
{_CLIENT_GRANT_COMMAND}

# With the access_token of the response:
curl "{{issuer}}/v1/removals" -H "Authorization: Bearer $CLIENT_TOKEN"

# Once your copies are deleted:
curl -X POST "{{issuer}}/v1/removals/$REMOVAL/acknowledge" \\
  -H "Authorization: Bearer $CLIENT_TOKEN\""""
_LIST_COMMAND: Final = """\
curl "{issuer}/v1/users/me/messages?limit=3" -H "Authorization: Bearer $TOKEN\""""
#: Of `DelegationCodeGrant`, with the ids of other examples.
_TOKEN_RESPONSE: Final = {
    "access_token": "…",
    "token_type": "Bearer",
    "expires_in": 600,
    "scope": "purpose:inbox.display",
    "delegation": "01980000-0000-7000-8000-000000000001",
    "user": "01980000-0000-7000-8000-000000000002",
    "platform_user": "platform-alice",
}
_TOKEN_RATES: Final[tuple[tuple[Rate, StrOrPromise], ...]] = (
    (route_limits.DELEGATION_READ, _("GET and HEAD requests with tokens of one delegation")),
    (route_limits.DELEGATION_WRITE, _("Other requests with tokens of one delegation")),
    (route_limits.CLIENT, _("All requests of the client")),
    (route_limits.USER, _("All requests for one person, by the person and all clients")),
    (route_limits.ORGANISATION, _("All requests for the people of one organisation")),
    (route_limits.CLIENT_TOKEN, _("Token requests of the client")),
    (route_limits.BAD_TOKEN, _("Requests of your network whose token is refused")),
    (
        route_limits.ANONYMOUS,
        _(
            "Requests of your network without a token, or with a refused one for an address that"
            " does not exist"
        ),
    ),
    (route_limits.TOKEN, _("Requests of your network to /oauth/token and /oauth/revoke")),
    (slow_routes.PROVIDER, _("Requests of one delegation that can ask Google or Microsoft")),
    (slow_routes.DOWNLOAD, _("Downloads of attachments for one delegation")),
    (slow_routes.UPLOAD, _("Requests of one delegation to the addresses of files for a Drive")),
    (free_busy_query.RATE, _("Requests for busy times and times for meetings, for one person")),
    (proposal_views.PROPOSALS, _("Proposed drafts for one person")),
    (drive_views.FEATURE_FILES, _("Files that features create for one person")),
)
_SESSION_RATES: Final[tuple[tuple[Rate, StrOrPromise], ...]] = (
    (route_limits.READ, _("GET and HEAD, by API and pages")),
    (route_limits.WRITE, _("Other methods, by API and pages")),
    (sharing.RATE, _("New shares of calendars")),
    (ics_import.RATE, _("Imports of iCalendar files")),
    (ics_export.RATE, _("Exports of calendars")),
)
#: Of single views: `RATE_LIMIT_SCALE` does not raise them.
_UNSCALED_RATES: Final = frozenset(
    {
        free_busy_query.RATE,
        proposal_views.PROPOSALS,
        drive_views.FEATURE_FILES,
        sharing.RATE,
        ics_import.RATE,
        ics_export.RATE,
    }
)
#: Rates of a client's request that neither writes nor asks a provider, in the order of the header.
_SAMPLE_RATES: Final = (
    route_limits.DELEGATION_READ,
    route_limits.CLIENT,
    route_limits.USER,
    route_limits.ORGANISATION,
)


class Guide(NamedTuple):
    """
    :param slug: the last part of the address, and the name of the template
    :param make_context: makes what the template shows
    """

    slug: str
    title: StrOrPromise
    summary: StrOrPromise
    make_context: Callable[[], dict[str, Any]]


def _explain_quick_start() -> dict[str, Any]:
    issuer = get_issuer()
    program = _PROGRAM_FILE.read_text(encoding="utf-8").replace("https://antares.example", issuer)
    return {
        "program": program,
        "start": "export ANTARES_CLIENT_ID=inbox-widget  # your client_id\npython quick_start.py",
        "operator": settings.SUPPORT_EMAIL,
        "request_command": _REQUEST_COMMAND.format(endpoint=get_token_endpoint()),
        "list_command": _LIST_COMMAND.format(issuer=issuer),
        "purposes_url": _get_guide_url("purposes"),
        "tokens_url": _get_guide_url("tokens"),
        "reference_url": reverse("api-reference"),
    }


def _explain_tokens() -> dict[str, Any]:
    issuer = get_issuer()
    return {
        "issuer": issuer,
        "token_endpoint": get_token_endpoint(),
        "authorization_endpoint": issuer + reverse("oauth_authorize"),
        "revocation_endpoint": issuer + reverse("oauth_revoke"),
        "metadata_url": reverse("oauth-metadata"),
        "response": _write_json(_TOKEN_RESPONSE),
        "client_token_command": _CLIENT_GRANT_COMMAND.format(endpoint=get_token_endpoint()),
        "revoke_command": _REVOKE_COMMAND.format(endpoint=issuer + reverse("oauth_revoke")),
        "removal_url": _get_guide_url("removal"),
        "longest_state": MAX_STATE,
    }


def _explain_limits() -> dict[str, Any]:
    usages = [RateLimitUsage(scale_rate(rate), 13, 42) for rate in _SAMPLE_RATES]
    headers = make_headers(usages)
    return {
        "rates": _present_rates(_TOKEN_RATES),
        "session_rates": _present_rates(_SESSION_RATES),
        "headers": "\n".join(f"{name}: {value}" for name, value in headers.items()),
        "users_per_minute": USERS_PER_MINUTE,
        "factor": route_limits.UNUSUAL_FACTOR,
        "floor": route_limits.LEAST_USUAL_REQUESTS * settings.RATE_LIMIT_SCALE,
    }


def _present_rates(rates: Sequence[tuple[Rate, StrOrPromise]]) -> list[dict[str, Any]]:
    return [
        {
            "name": rate.name,
            "limit": (rate if rate in _UNSCALED_RATES else scale_rate(rate)).limit,
            "period": _PERIODS[rate.seconds],
            "subject": subject,
        }
        for rate, subject in rates
    ]


def _explain_removal() -> dict[str, Any]:
    removal = read_examples()["operations"]["list_removals"]["response"]["body"]["data"][0]
    return {
        "features": [
            feature
            for feature in FEATURES.values()
            if feature.platform_client and feature.keeps is not None
        ],
        "commands": _REMOVAL_COMMANDS.format(endpoint=get_token_endpoint(), issuer=get_issuer()),
        "removals": _write_json(removal),
    }


def _get_guide_url(slug: str) -> str:
    return reverse("api-guide", args=[slug])


def _explain_paging() -> dict[str, Any]:
    example = read_examples()["operations"]["list_messages"]
    page = {name: value for name, value in example["response"]["body"].items() if name != "data"}
    return {
        "page": _write_json({**page, "data": ["…"]}),
        "operations": [
            operation
            for operation in iterate_operations(orjson.loads(read_document()))
            if any(parameter["name"] == "cursor" for parameter in operation["parameters"])
        ],
    }


def _explain_errors() -> dict[str, Any]:
    refusals = [refusal["body"] for refusal in read_examples()["refusals"]]
    return {
        "problems": sorted(
            problem_catalogue.EXPLAINED.values(), key=lambda problem: (problem.status, problem.code)
        ),
        "example": _write_json(next(body for body in refusals if body["code"] == "not-found")),
        "tokens_url": _get_guide_url("tokens"),
    }


def _explain_purposes() -> dict[str, Any]:
    operations = list(iterate_operations(orjson.loads(read_document())))
    refusals = [refusal["body"] for refusal in read_examples()["refusals"]]
    return {
        "purposes": [
            {
                "name": str(purpose),
                "features": [
                    feature
                    for feature in FEATURES.values()
                    if feature.platform_client and purpose in feature.purposes
                ],
                "operations": [
                    operation for operation in operations if purpose in operation["x-purposes"]
                ],
            }
            for purpose in TOKEN_PURPOSES
        ],
        "person_only": [
            operation
            for operation in operations
            if operation["x-person"] and not operation["x-purposes"]
        ],
        "client_only": [operation for operation in operations if operation["x-client"]],
        "example": _write_json(
            next(body for body in refusals if body["code"] == "limited-use-refused")
        ),
        "facts": [
            {"name": fact, "text": text}
            for fact, text in MISSING_FACT_TEXTS.items()
            if fact in _list_missing_facts()
        ],
    }


def _list_missing_facts() -> frozenset[Fact]:
    """Return the facts that a refusal for the purpose of a token can name."""
    return frozenset(
        fact
        for (_, purpose, _), cell in policy_evaluation.TABLE.items()
        if purpose in TOKEN_PURPOSES
        for needs, _ in cell.options
        # A refusal by a limit names its rule alone.
        for fact in needs.difference(*(unless for unless, _ in cell.limits))
    )


def _explain_stability() -> dict[str, Any]:
    return {}


#: In the order of the table of contents.
GUIDES: Final[tuple[Guide, ...]] = (
    Guide(
        "quick-start",
        _("Quick start"),
        _("From nothing to the first page of a person's mail, in Python and with curl."),
        _explain_quick_start,
    ),
    Guide(
        "tokens",
        _("Tokens"),
        _("How a client proves itself, how a person lets it in, and how access ends."),
        _explain_tokens,
    ),
    Guide("paging", _("Paging"), _("Read long lists page by page."), _explain_paging),
    Guide(
        "errors",
        _("Errors and retries"),
        _("What each problem means, and when to send a request again."),
        _explain_errors,
    ),
    Guide(
        "purposes",
        _("Purposes and refusals"),
        _("Which tokens may call which operations, and how a refusal looks."),
        _explain_purposes,
    ),
    Guide(
        "limits",
        _("Limits"),
        _("How many requests are allowed, and who limited one."),
        _explain_limits,
    ),
    Guide(
        "removal",
        _("Removal"),
        _("What your feature must do when a person's data has to go."),
        _explain_removal,
    ),
    Guide(
        "stability",
        _("Stability and changelog"),
        _("What can change without notice, and what has changed."),
        _explain_stability,
    ),
)

_BY_SLUG: Final[Mapping[str, Guide]] = {guide.slug: guide for guide in GUIDES}


@require_safe
def list_guides(request: HttpRequest) -> HttpResponse:
    return render(request, "public/guides/list.html", {"guides": GUIDES})


@require_safe
def show_guide(request: HttpRequest, slug: str) -> HttpResponse:
    if (guide := _BY_SLUG.get(slug)) is None:
        raise Http404
    context = {"guide": guide, "guides": GUIDES, **guide.make_context()}
    return render(request, f"public/guides/{guide.slug}.html", context)


def _write_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


# Public.
list_guides.permission = None  # type: ignore[attr-defined]
show_guide.permission = None  # type: ignore[attr-defined]
