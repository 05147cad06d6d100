"""
Every setting, with defaults for production.

This module reads the settings that depend on the environment; `*_settings` modules hold the
others. An empty environment is production, which refuses to start without keys, secret, hosts and
servers, and reports all problems at once. ``ANTARES_ENV=development`` adds local defaults; `make
demo` and `make test` set it.
"""

from __future__ import annotations

import os
from pathlib import Path

from accounts.derived_keys import derive_django_key
from config import egress, evidence_sections
from config.address_checks import is_allowed_host, is_mail_address
from config.application_settings import *  # noqa: F403
from config.broker import read_broker_settings
from config.browser_settings import *  # noqa: F403
from config.celery_settings import *  # noqa: F403
from config.content_security import build_content_security_policy
from config.database.role_logins import read_production_login
from config.environment import Environment, is_strong_secret, read_token_hash
from config.keyring_settings import read_keyring
from config.logging import build_configuration
from config.mail_settings import read_mail_settings
from config.process_classes import OWNER, ProcessClass, read_process_class, read_role_prefix
from config.provider_settings import read_google, read_microsoft
from config.push_settings import read_push_settings
from config.reverse_proxies import read_trusted_proxies
from config.sign_in_settings import *  # noqa: F403
from config.sites import STAFF, choose_site, get_host, read_staff_url

BASE_DIR = Path(__file__).resolve().parent.parent
_env = Environment(os.environ)

ANTARES_ENV = _env.read_text("ANTARES_ENV", "production")
if ANTARES_ENV not in {"production", "development"}:
    _env.add_problem("ANTARES_ENV must be production or development")
PRODUCTION = ANTARES_ENV != "development"
# The class of this process; see `config/process_classes.py`. Empty: the tables' owner.
_class = read_process_class(_env, production=PRODUCTION)
PROCESS_CLASS = "" if _class == OWNER else _class
# Prefix of the login roles, which belong to the whole server.
DATABASE_ROLE_PREFIX = read_role_prefix(_env)

# Debug pages show locals, and locals hold mail: no setting enables them.
DEBUG = False

# --- Who we are -----------------------------------------------------------------------------

if PRODUCTION:
    _secret = _env.read_required("SECRET_KEY", "50 or more random characters")
    ALLOWED_HOSTS = _env.read_list("ALLOWED_HOSTS")
    PUBLIC_URL = _env.read_required("PUBLIC_URL", "the https:// address that people use")
    LEDGER_ORIGIN = _env.read_required(
        "LEDGER_ORIGIN", "name of the ledger, such as example.com/ledger"
    )
    _login, _database_url = read_production_login(_env, _class, prefix=DATABASE_ROLE_PREFIX)
    PRIVACY_NOTICE_URL = _env.read_required(
        "PRIVACY_NOTICE_URL", "the https:// address of the privacy notice"
    )
    SUPPORT_EMAIL = _env.read_required("SUPPORT_EMAIL", "the address that people write to for help")
    if SUPPORT_EMAIL and not is_mail_address(SUPPORT_EMAIL):
        _env.add_problem("SUPPORT_EMAIL must be a mail address")
    if _secret and not is_strong_secret(_secret):
        _env.add_problem("SECRET_KEY is too short or too plain: 50 or more random characters")
    if not ALLOWED_HOSTS or not all(map(is_allowed_host, ALLOWED_HOSTS)):
        _env.add_problem(
            "ALLOWED_HOSTS must be a comma-separated list of hosts; a host with a leading dot"
            " (all its subdomains) needs two labels or more"
        )
    if PUBLIC_URL and not PUBLIC_URL.startswith("https://"):
        _env.add_problem("PUBLIC_URL must begin with https://")
    if PRIVACY_NOTICE_URL and not PRIVACY_NOTICE_URL.startswith("https://"):
        _env.add_problem("PRIVACY_NOTICE_URL must begin with https://")
else:
    _secret = _env.read_text("SECRET_KEY", "development-only-" + "0123456789" * 4)
    ALLOWED_HOSTS = _env.read_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    PUBLIC_URL = _env.read_text("PUBLIC_URL", "http://localhost:8000")
    LEDGER_ORIGIN = _env.read_text("LEDGER_ORIGIN", "localhost/ledger")
    _login, _database_url = "DATABASE_URL", _env.read_text("DATABASE_URL", "postgresql:///antares")
    # By default the notice of this service itself.
    PRIVACY_NOTICE_URL = _env.read_text("PRIVACY_NOTICE_URL", f"{PUBLIC_URL.rstrip('/')}/privacy/")
    SUPPORT_EMAIL = _env.read_text("SUPPORT_EMAIL", "support@antares.example")

# Former secrets still verify for a while after a rotation.
_former_secrets = _env.read_list("SECRET_KEY_FALLBACKS")
if PRODUCTION and not all(map(is_strong_secret, _former_secrets)):
    _env.add_problem(
        "SECRET_KEY_FALLBACKS has a secret that is too short or too plain: 50 or more random"
        " characters"
    )
# The configured secrets, for `accounts.derived_keys` only. Django gets its own key.
ROOT_SECRETS = [_secret, *_former_secrets]
SECRET_KEY, *SECRET_KEY_FALLBACKS = map(derive_django_key, ROOT_SECRETS)
PUBLIC_URL = PUBLIC_URL.rstrip("/")
# The staff pages, served by other processes; see `config/sites.py`.
STAFF_URL = read_staff_url(_env, production=PRODUCTION, public_url=PUBLIC_URL)
STAFF_URLCONF = "config.staff_urls"
_site = choose_site(_class, public_url=PUBLIC_URL, staff_url=STAFF_URL)
# The site of this process and its sessions.
SITE = _site.name
# Staff set up and remove second factors at the staff site: a web process cannot write them.
STAFF_CHANGE_FACTORS_HERE = _class != ProcessClass.WEB
_https = _site.url.startswith("https://") or PRODUCTION

# --- Keys -----------------------------------------------------------------------------------

KEYRING = read_keyring(_env, production=PRODUCTION, default_folder=BASE_DIR / ".data" / "keyring")
KEY_EPOCH_HOURS = _env.read_number("KEY_EPOCH_HOURS", 24, maximum=24)
BACKUP_RETENTION_DAYS = _env.read_number("BACKUP_RETENTION_DAYS", 30, minimum=0)
# Append-only folder outside database and keys, for checkpoints and tombstones.
PUBLICATION_DIR = _env.read_text("PUBLICATION_DIR")
# File of published checkpoints, one line each; empty: beside a file keyring.
LEDGER_CHECKPOINTS = _env.read_text("LEDGER_CHECKPOINTS")
if KEYRING.url and not (LEDGER_CHECKPOINTS or _env.read_text("PUBLICATION_DIR")):
    _env.add_problem(
        "LEDGER_CHECKPOINTS is not set: the file to which signed checkpoints are appended"
    )

# --- Promises and rhythm (units are in the names) --------------------------------------------

REAUTH_GRACE_DAYS = _env.read_number("REAUTH_GRACE_DAYS", 14, maximum=30)
LEASE_SECONDS = _env.read_number("LEASE_SECONDS", 60)
# Wait for another worker's token refresh: its whole lease, and one call to the provider.
REFRESH_PATIENCE_SECONDS = _env.read_number("REFRESH_PATIENCE_SECONDS", LEASE_SECONDS + 15)
SWEEP_SECONDS = _env.read_number("SWEEP_SECONDS", 30)
SYNC_INTERVAL_SECONDS = _env.read_number("SYNC_INTERVAL_SECONDS", 60)
# Longest interval of a mailbox without readers and without push.
SYNC_LONGEST_INTERVAL_SECONDS = _env.read_number("SYNC_LONGEST_INTERVAL_SECONDS", 3600)
# The same while push notifications arrive.
PUSH_POLL_SECONDS = _env.read_number("PUSH_POLL_SECONDS", 600)
CALENDAR_INTERVAL_SECONDS = _env.read_number("CALENDAR_INTERVAL_SECONDS", 300)
GMAIL_UNITS_PER_MINUTE = _env.read_number("GMAIL_UNITS_PER_MINUTE", 6000)
GMAIL_CONCURRENCY = _env.read_number("GMAIL_CONCURRENCY", 10)
# A unit of Graph is a request; a mailbox accepts 10,000 in ten minutes, and four at once.
GRAPH_UNITS_PER_MINUTE = _env.read_number("GRAPH_UNITS_PER_MINUTE", 1000)
GRAPH_CONCURRENCY = _env.read_number("GRAPH_CONCURRENCY", 4)

# --- Providers ------------------------------------------------------------------------------

GOOGLE = read_google(_env, production=PRODUCTION)
MICROSOFT = read_microsoft(_env, production=PRODUCTION)
PUSH = read_push_settings(_env, production=PRODUCTION, public_url=PUBLIC_URL, hosts=ALLOWED_HOSTS)

if PRODUCTION and SITE == STAFF:
    # Providers and people call the ordinary site.
    ALLOWED_HOSTS = [get_host(STAFF_URL)]

# --- Web server -----------------------------------------------------------------------------

# Threads of one web process for pages and the API, for downloads and exports, and for uploads. The
# first two exceed the waits and streams that one person may have
# (`integrations.coordination.person_slots`).
WEB_THREADS = _env.read_number("WEB_THREADS", 8, minimum=3, maximum=64)
WEB_FILE_THREADS = _env.read_number("WEB_FILE_THREADS", 8, minimum=3, maximum=64)
WEB_UPLOAD_THREADS = _env.read_number("WEB_UPLOAD_THREADS", 2, maximum=64)
WEB_STREAM_THREADS = _env.read_number("WEB_STREAM_THREADS", 4, maximum=64)
# Django's default is smaller than the largest message (`config.route_limits`). The web server
# enforces the limit of each route.
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
# The proxy that reports a client's address and scheme.
_proxies = read_trusted_proxies(_env)
TRUSTED_PROXY = _proxies.name

# --- Application ----------------------------------------------------------------------------

# Providers call the ordinary site.
PATHS_WITHOUT_SESSION = () if SITE == STAFF else ("/webhooks/",)

ROOT_URLCONF = _site.urlconf
DATABASES = {
    "default": {
        **(_database := _env.read_database(_login, _database_url) if _database_url else {}),
        # An outer transaction would roll back refusals and fences when a page fails.
        "ATOMIC_REQUESTS": False,
        # The first request of a new connection takes 15 ms longer: PostgreSQL plans each statement.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Ciphertext travels as bytes, not as hexadecimal text.
            "server_side_binding": True,
            # Planning repeated statements once per connection saves a third of a page's database
            # time. Off behind a pooler without prepared statements.
            "prepare_threshold": 3 if _env.read_flag("DATABASE_PREPARED", default=True) else None,
            **_database.get("OPTIONS", {}),
        },
    },
}

# --- Sign-in --------------------------------------------------------------------------------

ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _https else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = _proxies.count

# Redirects by role.
LOGIN_REDIRECT_URL = _site.landing_path

# Multiplies the limits of route classes (`accounts.route_limits`), for large deployments.
RATE_LIMIT_SCALE = _env.read_number("RATE_LIMIT_SCALE", 1)

# WebAuthn needs a secure context, and browsers count http://localhost as one.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https

# --- Browser --------------------------------------------------------------------------------

# Chromium and Firefox keep Secure cookies over http://localhost; Safari and HTTP libraries do not.
# Cookies are Secure if the site's address is https, which production requires.
SESSION_COOKIE_NAME = _site.name_cookie("session", is_secure=_https)
SESSION_COOKIE_SECURE = _https
# Marks a known device; outlives the session (`accounts.known_origins`).
DEVICE_COOKIE_NAME = _site.name_cookie("device", is_secure=_https)
CSRF_COOKIE_NAME = _site.name_cookie("csrf", is_secure=_https)
# Signing out at this site keeps them.
FOREIGN_COOKIES = _site.list_foreign_cookies(("session", "device", "csrf"), is_secure=_https)
CSRF_COOKIE_SECURE = _https
CSRF_TRUSTED_ORIGINS = [_site.url] if _site.url else []

SECURE_SSL_REDIRECT = _https
# Only a trusted proxy sets this header, on every request.
SECURE_PROXY_SSL_HEADER = _proxies.scheme_header
SECURE_HSTS_SECONDS = 2 * 365 * 86400 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https

_form_targets = [GOOGLE.authorize_url, STAFF_URL]
if MICROSOFT.client_id:
    _form_targets.append(MICROSOFT.authorize_url)
CONTENT_SECURITY_POLICY = build_content_security_policy(_form_targets)

# Development serves files from their folders; Django warns of a missing folder.
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

SPECTACULAR_SETTINGS = {
    "TITLE": "Antares Integrations",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/v1",
    "DESCRIPTION": "One person's connected data, for that person or for a feature that the person"
    " has switched on.\n\nBegin with the [quick start](/api/guides/quick-start/). The guide"
    " [Tokens](/api/guides/tokens/) describes `/oauth/authorize`, `/oauth/token` and"
    " `/oauth/revoke`.",
    # Lists of choices repeat the schema's enum.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # The staff site has no API.
    "ENABLE_DJANGO_DEPLOY_CHECK": SITE != STAFF,
    "POSTPROCESSING_HOOKS": [
        "integrations.urls.api.openapi_responses.describe_operations",
        "integrations.urls.api.openapi_access.describe_access",
        "integrations.urls.api.openapi_responses.close_requests",
        "integrations.urls.api.openapi_responses.describe_responses",
        "integrations.web.api.api_rate_limits.describe_rate_limits",
        "integrations.urls.api.enumeration_texts.describe_enumerations",
        "integrations.urls.api.openapi_examples.add_examples",
    ],
}

# --- Mail of the platform itself: notices, receipts, passwords --------------------------------

_mail = read_mail_settings(_env, production=PRODUCTION, folder=str(BASE_DIR / ".data" / "mail"))
# Without EMAIL_URL production sends no mail, and the deployment check reports it.
MAIL_IS_SENT = _mail.is_sent
EMAIL_BACKEND = _mail.backend
EMAIL_FILE_PATH = _mail.folder
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.use_starttls, _mail.use_tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.read_text("DEFAULT_FROM_EMAIL", "Antares <no-reply@localhost>")

# --- Tasks ----------------------------------------------------------------------------------

_broker = read_broker_settings(_env, production=PRODUCTION)
CELERY_BROKER_URL = BROKER_URL = _broker.url
CELERY_BROKER_USE_SSL = _broker.tls

# --- Evidence -------------------------------------------------------------------------------

# Sections of this package, for the bundle that packages below make.
EVIDENCE_SECTIONS = evidence_sections.list_settings_evidence
# File with the results of a test run for `manage.py load_test_results`. In development, `make test`
# writes it.
TEST_RESULTS = _env.read_text(
    "TEST_RESULTS", "" if PRODUCTION else str(BASE_DIR / ".data" / "test-results.json")
)
# Token of the collector of `/metrics`; without one, operators only. The process stores its hash
# only.
METRICS_TOKEN_SHA256 = read_token_hash(_env, "METRICS_TOKEN")

# --- Egress ---------------------------------------------------------------------------------

# Proxy for all requests to providers, which allows their hosts only.
EGRESS_PROXY = egress.read_proxy_url(_env)
# Refuse and report connections to other endpoints; see `config/egress_tripwire.py`.
EGRESS_TRIPWIRE = _env.read_flag("EGRESS_TRIPWIRE")

# --- Logs -----------------------------------------------------------------------------------

LOGGING = build_configuration(level=_env.read_text("LOG_LEVEL", "INFO"))

_env.raise_problems()

# A process that queues a task (web, commands, tests) has read these settings, so that the task
# reaches our broker, not Celery's default. `config/__init__.py` does not import it: the launcher
# needs no Celery, and would start later.
import config.celery  # noqa: E402, F401 - it reads the settings above
