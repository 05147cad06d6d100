from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib import messages as page_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.embedded.demo_site import cast, messages, steps
from config.embedded.demo_site.cast import CastMember
from config.embedded.demo_site.folder import get_demo_folder
from config.embedded.demo_site.loopback import require_loopback
from config.embedded.demo_site.sign_in import SignInRefused, sign_in
from config.sites import STAFF


@never_cache
@require_loopback
@require_safe
def show_demo(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/start.html", _build_context(request))


@never_cache
@require_loopback
@require_safe
def show_changes(request: HttpRequest) -> HttpResponse:
    """Return the ticks and codes of the page, which asks for them every few seconds."""
    return render(request, "demo/_changes.html", _build_context(request))


@never_cache
@require_loopback
@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    member = cast.find_member(request.POST.get("person", ""))
    if member is None or member not in _list_people():
        raise Http404
    try:
        return sign_in(request, member, next_url=request.POST.get("next", ""))
    except SignInRefused:
        page_messages.error(request, messages.SIGN_IN_REFUSED % {"name": member.first_name})
        return redirect("demo")


def _list_people() -> list[CastMember]:
    """Return the people who can sign in at this site with one click."""
    return [member for member in cast.list_cast() if member.is_staff == _is_staff_site()]


def _build_context(request: HttpRequest) -> dict[str, Any]:
    now = time.time()
    listed_steps = [] if _is_staff_site() else steps.list_steps()
    signed_in_email = getattr(request.user, "email", "")
    people = cast.list_cast()
    return {
        "people": _list_people(),
        "people_elsewhere": [member for member in people if member.is_staff != _is_staff_site()],
        "signed_in": next((member.key for member in people if member.email == signed_in_email), ""),
        "codes": [
            (member, member.make_code(now), member.make_code(now, steps_ahead=1))
            for member in people
            if member.totp_secret
        ],
        # The first page for Alice, until she has connected mail.
        "start_url": next((step.url for step in listed_steps[:1] if not step.is_done), ""),
        "seconds_left": cast.count_seconds_left(now),
        "steps": listed_steps,
        "done_count": sum(step.is_done for step in listed_steps),
        "command": _build_feature_command("campaigns"),
        "feature_command": _build_feature_command("inbox-widget"),
        # The site for staff has no guides.
        "quick_start_url": f"{settings.PUBLIC_URL}/api/guides/quick-start/",
        "public_demo_url": f"{settings.PUBLIC_URL}/demo/",
        "support_page_url": f"{settings.PUBLIC_URL}/settings/support/",
        "staff_demo_url": f"{settings.STAFF_URL}/demo/",
    }


def _is_staff_site() -> bool:
    return bool(settings.SITE == STAFF)


def _build_feature_command(name: str) -> str:
    folder = get_demo_folder()
    default = settings.BASE_DIR / ".data" / "demo"
    option = "" if folder == default else f" --data {folder}"
    if not option:
        return f"make feature F={name}"
    return f".venv/bin/python -m config.embedded{option} feature {name}"
