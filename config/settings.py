"""
Every setting, from the environment, safe for production by default.

Nothing set means production, and production refuses to start without keys, secret, hosts and
servers: one line each, all at once. ``ANTARES_ENV=development`` fills in local defaults;
`make demo` and `make test` set it themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONE, SELF

from accounts.derived_keys import derive_django_key
from config import egress, evidence
from config.addresses import is_allowed_host
from config.broker import read_broker
from config.classes import OWNER, ROUTES, ProcessClass, process_class, role_prefix
from config.database.logins import read_production_login
from config.env import Environment, hashed_token, is_strong_secret, origin
from config.keys import key_folder, key_store
from config.logging import configuration
from config.mail import outgoing
from config.providers import google_urls, microsoft_endpoints, microsoft_urls
from config.proxies import read_proxies
from config.pushes import pushes
from config.schedule import SCHEDULE
from config.sites import STAFF, choose_site, host_of, read_staff_url

BASE_DIR = Path(__file__).resolve().parent.parent
_env = Environment(os.environ)

ANTARES_ENV = _env.text("ANTARES_ENV", "production")
if ANTARES_ENV not in {"production", "development"}:
    _env.problem("ANTARES_ENV must be production or development")
PRODUCTION = ANTARES_ENV != "development"
# Which part of the service this process is; see `config/classes.py`. Empty: the tables' owner.
_class = process_class(_env, production=PRODUCTION)
PROCESS_CLASS = "" if _class == OWNER else _class
# What the names of the login roles begin with, for they belong to the whole server.
DATABASE_ROLE_PREFIX = role_prefix(_env)

# Debug pages show locals, and locals hold mail: there is no setting that turns them on.
DEBUG = False

# --- Who we are -----------------------------------------------------------------------------

if PRODUCTION:
    _secret = _env.required("SECRET_KEY", "50 or more random characters")
    ALLOWED_HOSTS = _env.names("ALLOWED_HOSTS")
    PUBLIC_URL = _env.required("PUBLIC_URL", "the https:// address that people use")
    LEDGER_ORIGIN = _env.required("LEDGER_ORIGIN", "name of the ledger, such as example.com/ledger")
    _login, _database_url = read_production_login(_env, _class, prefix=DATABASE_ROLE_PREFIX)
    GOOGLE_CLIENT_ID = _env.required("GOOGLE_CLIENT_ID", "from Google's console")
    GOOGLE_CLIENT_SECRET = _env.required("GOOGLE_CLIENT_SECRET", "from Google's console")
    PRIVACY_NOTICE_URL = _env.required("PRIVACY_NOTICE_URL", "the https:// address of the notice")
    if _secret and not is_strong_secret(_secret):
        _env.problem("SECRET_KEY is too short or too plain: 50 or more random characters")
    if not ALLOWED_HOSTS or not all(map(is_allowed_host, ALLOWED_HOSTS)):
        _env.problem(
            "ALLOWED_HOSTS must name each host, comma-separated; a leading dot, for all names"
            " below, needs a domain of two labels or more"
        )
    if PUBLIC_URL and not PUBLIC_URL.startswith("https://"):
        _env.problem("PUBLIC_URL must begin with https://")
    if PRIVACY_NOTICE_URL and not PRIVACY_NOTICE_URL.startswith("https://"):
        _env.problem("PRIVACY_NOTICE_URL must begin with https://")
else:
    _secret = _env.text("SECRET_KEY", "development-only-" + "0123456789" * 4)
    ALLOWED_HOSTS = _env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    PUBLIC_URL = _env.text("PUBLIC_URL", "http://localhost:8000")
    LEDGER_ORIGIN = _env.text("LEDGER_ORIGIN", "localhost/ledger")
    _login, _database_url = "DATABASE_URL", _env.text("DATABASE_URL", "postgresql:///antares")
    GOOGLE_CLIENT_ID = _env.text("GOOGLE_CLIENT_ID", "sandbox-client.apps.example")
    GOOGLE_CLIENT_SECRET = _env.text("GOOGLE_CLIENT_SECRET", "sandbox-secret")
    # Where the platform's own privacy notice stands. Empty: the pages say that there is none.
    PRIVACY_NOTICE_URL = _env.text("PRIVACY_NOTICE_URL")

# Old secrets still verify for a while after a change.
_former_secrets = _env.names("SECRET_KEY_FALLBACKS")
if PRODUCTION and not all(map(is_strong_secret, _former_secrets)):
    _env.problem(
        "SECRET_KEY_FALLBACKS has a secret that is too short or too plain; what it signed counts"
    )
# What is configured; `accounts.derived_keys` alone uses it. Django gets a key of its own.
ROOT_SECRETS = [_secret, *_former_secrets]
SECRET_KEY, *SECRET_KEY_FALLBACKS = map(derive_django_key, ROOT_SECRETS)
PUBLIC_URL = PUBLIC_URL.rstrip("/")
# The pages of staff, which other processes serve; see `config/sites.py`.
STAFF_URL = read_staff_url(_env, production=PRODUCTION, public_url=PUBLIC_URL)
STAFF_URLCONF = "config.staff_urls"
_site = choose_site(_class, public_url=PUBLIC_URL, staff_url=STAFF_URL)
# Which of the two this process serves: the site of its sessions.
SITE = _site.name
# Staff set up and remove second factors at their site: a web process cannot write these.
STAFF_CHANGE_FACTORS_HERE = _class != ProcessClass.WEB
_https = _site.url.startswith("https://") or PRODUCTION

# --- Keys -----------------------------------------------------------------------------------

_key_store = key_store(_env, production=PRODUCTION)
KEYRING_URL = _key_store["KEYRING_URL"]
KEYRING_MOUNT = _key_store["KEYRING_MOUNT"]
KEYRING_PREFIX = _key_store["KEYRING_PREFIX"]
KEYRING_TOKEN = _key_store["KEYRING_TOKEN"]
KEYRING_ROLE_ID = _key_store["KEYRING_ROLE_ID"]
KEYRING_SECRET_ID = _key_store["KEYRING_SECRET_ID"]
KEYRING_CA = _key_store["KEYRING_CA"]
KEYRING_DIR = key_folder(
    _env, production=PRODUCTION, default=BASE_DIR / ".data" / "keyring", other=KEYRING_URL
)
KEY_EPOCH_HOURS = _env.number("KEY_EPOCH_HOURS", 24, most=24)
BACKUP_RETENTION_DAYS = _env.number("BACKUP_RETENTION_DAYS", 30, least=0)
# Days that copies of the key store are kept; empty: receipts say that nobody knows.
KEYRING_SNAPSHOT_RETENTION = (
    _env.number("KEYRING_SNAPSHOT_RETENTION", 0, least=0)
    if _env.text("KEYRING_SNAPSHOT_RETENTION")
    else None
)
# Folder outside the database and the keys, where checkpoints and tombstones are only added.
PUBLICATION_DIR = _env.text("PUBLICATION_DIR")
# The published checkpoints, one line each; empty: beside the keys, where those are files.
LEDGER_CHECKPOINTS = _env.text("LEDGER_CHECKPOINTS")
if KEYRING_URL and not (LEDGER_CHECKPOINTS or _env.text("PUBLICATION_DIR")):
    _env.problem("LEDGER_CHECKPOINTS is not set: file that signed checkpoints are appended to")

# --- Promises and rhythm (units are in the names) --------------------------------------------

REAUTH_GRACE_DAYS = _env.number("REAUTH_GRACE_DAYS", 14, most=30)
LEASE_SECONDS = _env.number("LEASE_SECONDS", 60)
# Somebody else's refresh is waited for as long as its lease may last, and one call to the provider.
REFRESH_PATIENCE_SECONDS = _env.number("REFRESH_PATIENCE_SECONDS", LEASE_SECONDS + 15)
SWEEP_SECONDS = _env.number("SWEEP_SECONDS", 30)
SYNC_INTERVAL_SECONDS = _env.number("SYNC_INTERVAL_SECONDS", 60)
# The longest interval of a mailbox that nobody looks at and that has no push.
SYNC_LONGEST_INTERVAL_SECONDS = _env.number("SYNC_LONGEST_INTERVAL_SECONDS", 3600)
# The same while the provider tells us of news by itself.
PUSH_POLL_SECONDS = _env.number("PUSH_POLL_SECONDS", 600)
CALENDAR_INTERVAL_SECONDS = _env.number("CALENDAR_INTERVAL_SECONDS", 300)
GMAIL_UNITS_PER_MINUTE = _env.number("GMAIL_UNITS_PER_MINUTE", 6000)
GMAIL_CONCURRENCY = _env.number("GMAIL_CONCURRENCY", 10)
# Of Graph a unit is a request; a mailbox takes 10,000 in ten minutes, and four at once.
GRAPH_UNITS_PER_MINUTE = _env.number("GRAPH_UNITS_PER_MINUTE", 1000)
GRAPH_CONCURRENCY = _env.number("GRAPH_CONCURRENCY", 4)

# --- Google: sandbox and the real thing are these addresses apart ----------------------------

_google = google_urls(_env, production=PRODUCTION)
GOOGLE_AUTHORIZE_URL = _google["GOOGLE_AUTHORIZE_URL"]
GOOGLE_TOKEN_URL = _google["GOOGLE_TOKEN_URL"]
GOOGLE_REVOKE_URL = _google["GOOGLE_REVOKE_URL"]
GOOGLE_CERTS_URL = _google["GOOGLE_CERTS_URL"]
GOOGLE_ISSUER = _google["GOOGLE_ISSUER"]
GOOGLE_USERINFO_URL = _google["GOOGLE_USERINFO_URL"]
GOOGLE_API_ROOT_URL = _google["GOOGLE_API_ROOT_URL"]
# Whether a callback must name its issuer (RFC 9207), as Google's does.
GOOGLE_ISSUER_REQUIRED = _env.flag("GOOGLE_ISSUER_REQUIRED", default=True)

# --- Microsoft: likewise ----------------------------------------------------------------------

_microsoft = microsoft_urls(_env, production=PRODUCTION)
MICROSOFT_AUTHORITY_URL = _microsoft["MICROSOFT_AUTHORITY_URL"]
MICROSOFT_GRAPH_URL = _microsoft["MICROSOFT_GRAPH_URL"]
_entra = microsoft_endpoints(_env, _microsoft)
MICROSOFT_AUTHORIZE_URL = _entra["AUTHORIZE_URL"]
MICROSOFT_ADMIN_CONSENT_URL = _entra["ADMIN_CONSENT_URL"]
MICROSOFT_TOKEN_URL = _entra["TOKEN_URL"]
MICROSOFT_REVOKE_URL = _entra["REVOKE_URL"]
MICROSOFT_CERTS_URL = _entra["CERTS_URL"]
MICROSOFT_USERINFO_URL = _entra["USERINFO_URL"]
MICROSOFT_API_ROOT_URL = _entra["API_ROOT_URL"]
MICROSOFT_ISSUER = _entra["ISSUER"]
# Microsoft documents no issuer in callbacks. One that is there has to be right all the same.
MICROSOFT_ISSUER_REQUIRED = _env.flag("MICROSOFT_ISSUER_REQUIRED")
# Empty: Microsoft 365 is offered to nobody.
MICROSOFT_CLIENT_ID = _env.text("MICROSOFT_CLIENT_ID")
MICROSOFT_CLIENT_SECRET = _env.text("MICROSOFT_CLIENT_SECRET")
if bool(MICROSOFT_CLIENT_ID) != bool(MICROSOFT_CLIENT_SECRET):
    _env.problem("MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET are set together, or neither is")

# --- Push: news that providers tell us of, instead of our asking ------------------------------

_push = pushes(_env, production=PRODUCTION, public_url=PUBLIC_URL, hosts=ALLOWED_HOSTS)
WEBHOOK_URL = _push["WEBHOOK_URL"]
GOOGLE_PUBSUB_TOPIC = _push["GOOGLE_PUBSUB_TOPIC"]
GOOGLE_PUSH_ACCOUNT = _push["GOOGLE_PUSH_ACCOUNT"]
GOOGLE_PUSH_AUDIENCE = _push["GOOGLE_PUSH_AUDIENCE"]
GOOGLE_CALENDAR_CHANNELS = _push["GOOGLE_CALENDAR_CHANNELS"]
MICROSOFT_SUBSCRIPTIONS = _push["MICROSOFT_SUBSCRIPTIONS"]

if PRODUCTION and SITE == STAFF:
    # Providers and people call the ordinary site.
    ALLOWED_HOSTS = [host_of(STAFF_URL)]

# --- Web server -----------------------------------------------------------------------------

# Threads of one web process: for pages and the API, for downloads and exports, for uploads. Of the
# first two, more than the waits and streams that one person may have (`integrations.concurrency`).
WEB_THREADS = _env.number("WEB_THREADS", 8, least=3, most=64)
WEB_FILE_THREADS = _env.number("WEB_FILE_THREADS", 8, least=3, most=64)
WEB_UPLOAD_THREADS = _env.number("WEB_UPLOAD_THREADS", 2, most=64)
# The proxy in front, by whose word a client's address and scheme are known.
_proxies = read_proxies(_env)
TRUSTED_PROXY = _proxies.name

# --- Application ----------------------------------------------------------------------------

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
    "config.requests.RequestLog",
    "config.browser_headers.BrowserHeaders",
    "accounts.middleware.ClearRowOwner",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Webhooks go no further: all that follows belongs to people.
    "accounts.sessionless.AnswerWithoutSession",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sign_in.SessionUserMiddleware",
    # After the check of the form token: a foreign page uses up no limit of a sign-in page.
    "accounts.route_limits.RouteLimits",
    "integrations.costly_limits.CostlyLimits",
    "accounts.pending_posts.PendingPosts",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.NoStore",
    "accounts.middleware.StaffSecondFactor",
    "accounts.middleware.StaffFactorChanges",
    "accounts.middleware.LastSeen",
    "integrations.public_pages.refusals.ProblemPages",
]

# Providers call the ordinary site.
PATHS_WITHOUT_SESSION = () if SITE == STAFF else ("/webhooks/",)

# What people choose is held in memory, and never written to a disk.
FILE_UPLOAD_HANDLERS = ["config.uploads.InMemory"]

ROOT_URLCONF = _site.urlconf
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # `{% claim %}`, in every template and without `{% load %}`.
            "builtins": ["limited_use.templatetags.claims"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.current_organisation.add_memberships",
                "integrations.staff_links.add_links",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **(_database := _env.database(_login, _database_url) if _database_url else {}),
        # An outer transaction would take refusals and fences back when a page fails.
        "ATOMIC_REQUESTS": False,
        # The first request of a new connection takes 15 ms more: PostgreSQL plans each statement.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Ciphertext travels as bytes rather than as hexadecimal text.
            "server_side_binding": True,
            # A statement is planned once per connection when it comes again: a third of a page's
            # time in the database. Off behind a pooler that does not keep prepared statements.
            "prepare_threshold": 3 if _env.flag("DATABASE_PREPARED", default=True) else None,
            **_database.get("OPTIONS", {}),
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Nothing is cached. What libraries would keep there, rows of ours keep (`accounts.rate_limits`).
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# --- Sign-in --------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.sign_in.SignInBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validation}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_validation}.CommonPasswordValidator"},
    {"NAME": f"{_validation}.NumericPasswordValidator"},
]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_DISPLAY = "accounts.adapter.display_name"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# The platform vouches for addresses; people are provisioned, and none signs up.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
# No mail to addresses that have no account: they asked for nothing.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# The adapter ends every other session.
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Not by a code that is mailed, which would be the library's default.
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _https else "http"
# allauth would count in a cache, which evicts entries. `accounts.rate_limits` counts in rows.
ACCOUNT_RATE_LIMITS = False
ALLAUTH_TRUSTED_PROXY_COUNT = _proxies.count

# Multiplies what route classes take in a minute (`accounts.route_limits`): for large deployments.
RATE_LIMIT_SCALE = _env.number("RATE_LIMIT_SCALE", 1)

ACCOUNT_FORMS = {
    "reset_password": "accounts.password_reset.ResetPasswordForm",
    "user_token": "accounts.sign_in.UserTokenForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.reset_tokens.ResetTokens"  # noqa: S105 - a class
PASSWORD_RESET_TIMEOUT = 24 * 3600

MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RATE_LIMITS = False
MFA_FORMS = {
    "add_webauthn": "accounts.credential_forms.AddKey",
    "authenticate": "accounts.second_factor.AuthenticateForm",
    "reauthenticate": "accounts.second_factor.ReauthenticateForm",
    "authenticate_webauthn": "accounts.second_factor.AuthenticateKeyForm",
    "reauthenticate_webauthn": "accounts.second_factor.ReauthenticateKeyForm",
}
MFA_TOTP_ISSUER = "Antares Integrations"
# WebAuthn needs a secure context, and browsers count http://localhost as one.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https

# --- Browser --------------------------------------------------------------------------------

# Secure cookies over http://localhost are kept by Chromium and Firefox, but not by Safari, and
# not by any HTTP library. So they are Secure exactly where people reach us over https, which
# production cannot be without.
# Sessions by person, under a hash of their key.
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = _site.name_cookie("session", is_secure=_https)
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from consent.
SESSION_COOKIE_AGE = 12 * 3600
# Marks a device that somebody signed in with; outlives the session (`accounts.known_origins`).
DEVICE_COOKIE_NAME = _site.name_cookie("device", is_secure=_https)
CSRF_COOKIE_NAME = _site.name_cookie("csrf", is_secure=_https)
# Signing out at this site leaves them alone.
FOREIGN_COOKIES = _site.list_foreign_cookies(("session", "device", "csrf"), is_secure=_https)
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [_site.url] if _site.url else []
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_SSL_REDIRECT = _https
# Asked on this machine or this network, in plain HTTP, by whoever starts and stops processes.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
# From a proxy alone, which sets it on every request.
SECURE_PROXY_SSL_HEADER = _proxies.scheme_header
SECURE_HSTS_SECONDS = 2 * 365 * 86400 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

_consent_pages = {origin(GOOGLE_AUTHORIZE_URL)}
if MICROSOFT_CLIENT_ID:
    _consent_pages.add(origin(MICROSOFT_AUTHORIZE_URL))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF],
        # Connecting is a form POST that is redirected to the provider's consent page, and
        # Chromium applies form-action to the redirect as well.
        "form-action": [SELF, *sorted(_consent_pages)],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

STATIC_URL = "static/"
# Development serves files from where they are; a folder that is not there would be warned of.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}

# --- API ------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ServiceTokenAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    # Deny unless a view says otherwise.
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["integrations.api.reading.Json"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "integrations.api.handler.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Antares Integrations",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    # The staff site has no API to describe.
    "ENABLE_DJANGO_DEPLOY_CHECK": SITE != STAFF,
    "POSTPROCESSING_HOOKS": [
        "integrations.api.document_responses.close_requests",
        "integrations.api.document_responses.describe_responses",
        "integrations.api.rate_limits.describe_rate_limits",
    ],
}

# --- Mail of the platform itself: notices, receipts, passwords --------------------------------

_mail = outgoing(_env, production=PRODUCTION, folder=str(BASE_DIR / ".data" / "mail"))
# Without EMAIL_URL production sends none, and says so when it is checked.
MAIL_IS_SENT = _mail["MAIL_IS_SENT"]
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
EMAIL_HOST = _mail["EMAIL_HOST"]
EMAIL_PORT = _mail["EMAIL_PORT"]
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.text("DEFAULT_FROM_EMAIL", "Antares <no-reply@localhost>")

# --- Tasks: ids only, JSON only, no results kept ----------------------------------------------

_broker = read_broker(_env, production=PRODUCTION)
CELERY_BROKER_URL = BROKER_URL = _broker.url
CELERY_BROKER_USE_SSL = _broker.tls
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A queued task is a hint: a broker that is down must not keep a disconnect waiting, which
# it would for six seconds. Workers reconnect by rules of their own.
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 2}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_RESULT_BACKEND = None
# Where every task goes is written down; the default has the fewer rights.
CELERY_TASK_DEFAULT_QUEUE = "sync"
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE

# --- Evidence -------------------------------------------------------------------------------

# What only this package knows, for the bundle that the packages below put together.
EVIDENCE_SECTIONS = evidence.sections
# File with the results of a test run, which `manage.py load_test_results` writes. In development,
# `make test` writes it.
TEST_RESULTS = _env.text(
    "TEST_RESULTS", "" if PRODUCTION else str(BASE_DIR / ".data" / "test-results.json")
)
# Whoever shows this token may read `/metrics`; without one, operators alone may. Only its hash
# is kept in the process.
METRICS_TOKEN_SHA256 = hashed_token(_env, "METRICS_TOKEN")

# --- Egress ---------------------------------------------------------------------------------

# Everything to providers goes through this proxy, which lets through their hosts alone.
EGRESS_PROXY = egress.proxy(_env)
# Refuse and report connections to what these settings do not name; see `config/tripwire.py`.
EGRESS_TRIPWIRE = _env.flag("EGRESS_TRIPWIRE")

# --- Logs -----------------------------------------------------------------------------------

LOGGING = configuration(level=_env.text("LOG_LEVEL", "INFO"))

_env.finish()

# A process that queues a task (web, commands, tests) has read these settings. So the task reaches
# our broker, not Celery's default one. `config/__init__.py` does not import it: the launcher needs
# no Celery, and would start later for it.
import config.celery  # noqa: E402, F401 - it reads the settings above
