"""The page that a person without permission gets: for whom the page is, and where to go."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import messages
from accounts.roles import Role


def show_forbidden_page(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - the shape of `handler403`
    """Name the people for whom the page is, from the permission of its route."""
    match = request.resolver_match
    permission = getattr(match.func, "permission", None) if match else None
    audience = messages.AUDIENCES.get(permission, "") if permission else ""
    return _render_page(request, {"audience": audience})


def show_second_factor_needed(request: HttpRequest) -> HttpResponse:
    """Refuse staff who have not shown a second factor in this session."""
    context = {"audience": messages.SECOND_FACTOR_NEEDED, "needs_second_factor": True}
    return _render_page(request, context)


def _render_page(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    role = getattr(request.user, "role", Role.MEMBER)
    context = {"needs_second_factor": False, "role": messages.ROLES.get(role, ""), **context}
    response = render(request, "403.html", context, status=403)
    response["Cache-Control"] = "no-store"
    return response
