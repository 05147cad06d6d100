"""Guides for developers of features: pages beside the API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from integrations.web import problem_catalogue
from limited_use.policy.feature_registry import FEATURES

from .openapi import read_document
from .openapi_examples import read_examples
from .openapi_iteration import iterate_operations
from .operation_access import TOKEN_PURPOSES

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Guide(NamedTuple):
    """
    :param slug: the last part of the address, and the name of the template
    :param make_context: makes what the template shows
    """

    slug: str
    title: StrOrPromise
    summary: StrOrPromise
    make_context: Callable[[], dict[str, Any]]


def _explain_paging() -> dict[str, Any]:
    example = read_examples()["operations"]["list_messages"]
    page = {name: value for name, value in example["response"]["body"].items() if name != "data"}
    return {"page": _write_json({**page, "data": ["…"]})}


def _explain_errors() -> dict[str, Any]:
    refusals = [refusal["body"] for refusal in read_examples()["refusals"]]
    return {
        "problems": sorted(
            problem_catalogue.EXPLAINED.values(), key=lambda problem: (problem.status, problem.code)
        ),
        "example": _write_json(next(body for body in refusals if body["code"] == "not-found")),
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
        "person_only": [operation for operation in operations if not operation["x-purposes"]],
        "example": _write_json(
            next(body for body in refusals if body["code"] == "limited-use-refused")
        ),
    }


def _explain_stability() -> dict[str, Any]:
    return {}


#: In the order of the table of contents.
GUIDES: Final[tuple[Guide, ...]] = (
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
