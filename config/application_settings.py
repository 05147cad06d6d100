"""Settings of Django and its apps for every environment."""

from __future__ import annotations

from pathlib import Path

_BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    "accounts",
    "limited_use",
    "integrations",
    "config.database",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "config.request_log.RequestLogMiddleware",
    "config.browser_headers.BrowserHeadersMiddleware",
    "accounts.middleware.ClearRowOwnerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Webhooks stop at this middleware: the rest is for people.
    "accounts.sessionless_requests.SessionlessMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sign_in.SessionUserMiddleware",
    # After the CSRF check: a foreign page uses up no limit of a sign-in page.
    "accounts.route_limits.RouteLimitMiddleware",
    "integrations.web.slow_route_limits.SlowRouteLimits",
    "accounts.pending_posts.PendingPostsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.NoStoreMiddleware",
    "accounts.middleware.StaffSecondFactorMiddleware",
    "accounts.middleware.StaffFactorChangesMiddleware",
    "accounts.middleware.LastSeenMiddleware",
    "accounts.middleware.TimeDisplayMiddleware",
    "integrations.urls.public_pages.error_middleware.ProblemPageMiddleware",
]

# Uploads stay in memory, never on a disk.
FILE_UPLOAD_HANDLERS = ["config.uploads.InMemoryUploadHandler"]

WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # In every template without `{% load %}`: `{% claim %}`, the filters for times, and the
            # tags for translation.
            "builtins": [
                "limited_use.templatetags.claims",
                "accounts.templatetags.times",
                "django.templatetags.i18n",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.current_organisation.add_memberships",
                "integrations.support.console.site_links.add_links",
                "integrations.settings.notices.bell.add_bell",
            ],
        },
    },
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# No cache: `accounts.rate_limit_counters` stores in rows what libraries would cache.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

LANGUAGE_CODE = "en"
# Texts are marked for translation, but there is only English.
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ServiceTokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    # Deny unless a view declares its permission.
    "DEFAULT_PERMISSION_CLASSES": ["accounts.role_permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["integrations.web.api.json_parser.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "integrations.urls.api.exception_handler.handle_exception",
}
