"""Changes of the settings for tests."""

import os
from dataclasses import replace
from typing import Any

# Set before the real settings are read: production refuses to start without its settings.
os.environ["ANTARES_ENV"] = "development"
# Tests do not touch the developer's keys.
os.environ.pop("KEYRING_URL", None)

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# An unknown variable in one of our templates is an error.
TEMPLATES = [
    {**TEMPLATES[0], "BACKEND": "tests.strict_templates.StrictTemplates", "NAME": "django"}  # noqa: F405
]
# A test of all routes makes more requests than a person; tests of limits set it back to 1.
RATE_LIMIT_SCALE = 100
# A test that needs tasks starts a worker or calls the function.
CELERY_BROKER_URL = BROKER_URL = os.environ.get("BROKER_URL", "memory://")
# No server listens on this port. A test that calls a provider replaces the addresses.
_NOWHERE = "http://127.0.0.1:1/"
_NO_PROVIDER: dict[str, Any] = {
    "token_url": _NOWHERE,
    "certs_url": _NOWHERE,
    "userinfo_url": _NOWHERE,
    "api_root_url": _NOWHERE,
}
GOOGLE = replace(GOOGLE, **_NO_PROVIDER, revoke_url=_NOWHERE)  # noqa: F405
MICROSOFT = replace(MICROSOFT, **_NO_PROVIDER)  # noqa: F405
# Ignore the results of an earlier run.
TEST_RESULTS = ""
# Each test client builds the middleware again, and listing all files takes longer than most tests.
WHITENOISE_AUTOREFRESH = True
