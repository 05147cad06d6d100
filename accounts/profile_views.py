from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import time_preferences
from accounts.models import DateFormat, User
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission


def _list_choices() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in time_preferences.list_time_zones()]


class ProfileForm(forms.Form):
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=lazy(_list_choices, list))
    date_format = forms.ChoiceField(
        label=_("Date format"), choices=DateFormat.choices, widget=forms.RadioSelect
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = user.time_zone
        if zone and zone not in time_preferences.list_time_zones():
            # An older name of a zone, guessed from the browser.
            field = self.fields["time_zone"]
            field.choices = [(zone, zone.replace("_", " ")), *_list_choices()]  # type: ignore[attr-defined]
        self.initial = {
            "time_zone": zone or "UTC",
            "date_format": user.date_format or DateFormat.DAY_FIRST,
        }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def edit_profile(request: HttpRequest) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - `require_permission` refuses others
    form = ProfileForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        time_preferences.save_time_preferences(
            user,
            time_zone=form.cleaned_data["time_zone"],
            date_format=DateFormat(form.cleaned_data["date_format"]),
        )
        messages.success(request, gettext("Saved."))
        return redirect("profile")
    return render(request, "account/profile.html", {"form": form, "now": timezone.now()})
