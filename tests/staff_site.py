"""To have a test's client answered by the staff site: its routes, cookies, sessions and rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as now

from config.process_classes import ProcessClass
from config.sites import STAFF, choose_site
from tests.walls import acting_as

STAFF_URL = "http://staff.testserver"
COOKIES = ("session", "device", "csrf")


def settings_of(process_class: ProcessClass | str) -> dict[str, Any]:
    """Return the settings that differ between the sites, as `config.settings` makes them."""
    site = choose_site(process_class, public_url=now.PUBLIC_URL, staff_url=STAFF_URL)
    names = {
        f"{name.upper()}_COOKIE_NAME": site.name_cookie(name, is_secure=False)
        for name in ("device", "csrf")
    }
    return {
        "STAFF_URL": STAFF_URL,
        "SITE": site.name,
        "STAFF_CHANGE_FACTORS_HERE": process_class != ProcessClass.WEB,
        "ROOT_URLCONF": site.urlconf,
        "LOGIN_REDIRECT_URL": site.landing_path,
        "SESSION_COOKIE_NAME": site.name_cookie("session", is_secure=False),
        "PATHS_WITHOUT_SESSION": () if site.name == STAFF else ("/webhooks/",),
        "FOREIGN_COOKIES": site.list_foreign_cookies(COOKIES, is_secure=False),
        **names,
    }


def use_site(settings: Any, process_class: ProcessClass | str) -> None:
    """Give pytest-django's `settings` those of a site."""
    for name, value in settings_of(process_class).items():
        setattr(settings, name, value)


@pytest.fixture
def staff_site(db, settings):
    """Serve the staff site, with the rights of its class."""
    use_site(settings, ProcessClass.STAFF)
    with acting_as(ProcessClass.STAFF):
        yield


@pytest.fixture
def ordinary_site(db, settings):
    """Serve the ordinary site, with the rights of its class."""
    use_site(settings, ProcessClass.WEB)
    with acting_as(ProcessClass.WEB):
        yield
