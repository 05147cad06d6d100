"""The service's own settings, with tables beside it that hold the same rows in plain."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES as _DATABASES
from config.settings import INSTALLED_APPS as _APPS

ROOT_URLCONF = "tests.bench.urls"
INSTALLED_APPS = [*_APPS, "tests.bench"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# One person asks more in a minute than any person does.
RATE_LIMIT_SCALE = 10_000
# With server-side binding Django's cascade of 100,000 rows fails: more parameters than the protocol
# has room for. So that baseline gets Django's default.
CASCADE = "cascade"
DATABASES = {
    **_DATABASES,
    CASCADE: {
        **_DATABASES["default"],
        "OPTIONS": {**_DATABASES["default"]["OPTIONS"], "server_side_binding": False},
    },
}
# django-fernet-encrypted-fields derives its key from SECRET_KEY and this.
SALT_KEY = "bench"
