"""Settings of sign-in, passwords and second factors for every environment."""

from __future__ import annotations

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
ACCOUNT_ADAPTER = "accounts.allauth_adapter.AccountAdapter"
ACCOUNT_USER_DISPLAY = "accounts.allauth_adapter.display_name"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# The platform vouches for addresses and provisions people.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
# No mail to addresses without an account: their users asked for nothing.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# The adapter ends the other sessions.
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Not by a mailed code, the library's default.
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
# allauth would count in a cache, which evicts entries. `accounts.rate_limit_counters` uses rows.
ACCOUNT_RATE_LIMITS = False

ACCOUNT_FORMS = {
    "reset_password": "accounts.password_reset.ResetPasswordForm",
    "user_token": "accounts.sign_in.UserTokenForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.reset_tokens.ResetTokens"  # noqa: S105 - a class
PASSWORD_RESET_TIMEOUT = 24 * 3600

MFA_ADAPTER = "accounts.allauth_adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RATE_LIMITS = False
MFA_FORMS = {
    "add_webauthn": "accounts.credential_forms.AddSecurityKeyForm",
    "authenticate": "accounts.second_factor.AuthenticateForm",
    "reauthenticate": "accounts.second_factor.ReauthenticateForm",
    "authenticate_webauthn": "accounts.second_factor.AuthenticateKeyForm",
    "reauthenticate_webauthn": "accounts.second_factor.ReauthenticateKeyForm",
}
MFA_TOTP_ISSUER = "Antares Integrations"
# A code also works in the half minute before and after its own: clocks differ, and typing takes
# time (RFC 6238 section 5.2).
MFA_TOTP_TOLERANCE = 1
