"""Scopes and their descriptions on the consent page."""

from collections.abc import Iterable

AUTH = "https://www.googleapis.com/auth/"
ALIASES = {"email": f"{AUTH}userinfo.email", "profile": f"{AUTH}userinfo.profile"}
SIGN_IN = frozenset({"openid", *ALIASES.values()})
METADATA = f"{AUTH}gmail.metadata"
DRIVE_FILE = f"{AUTH}drive.file"
GMAIL_PREFIXES = (f"{AUTH}gmail.", "https://mail.google.com/")

DESCRIPTIONS = {
    "openid": "Associate you with your personal info on Google",
    ALIASES["email"]: "See your primary Google Account email address",
    ALIASES["profile"]: "See your personal info, including any personal info you've made public",
    f"{AUTH}gmail.readonly": "View your email messages and settings",
    METADATA: "View your email message metadata such as labels and headers, but not the body",
    f"{AUTH}gmail.send": "Send email on your behalf",
    f"{AUTH}gmail.compose": "Manage drafts and send emails",
    f"{AUTH}gmail.modify": "Read, compose, and send emails from your Gmail account",
    f"{AUTH}gmail.labels": "See and edit your email labels",
    f"{AUTH}calendar": "See, edit, share, and permanently delete all the calendars you can access",
    f"{AUTH}calendar.readonly": "See and download any calendar you can access",
    f"{AUTH}calendar.events": "View and edit events on all your calendars",
    f"{AUTH}calendar.events.readonly": "View events on all your calendars",
    f"{AUTH}calendar.calendarlist.readonly": "See the list of calendars you're subscribed to",
    f"{AUTH}calendar.freebusy": "View your availability in your calendars",
    DRIVE_FILE: "See, edit, create, and delete only the specific Google Drive files you use with "
    "this app",
    "https://mail.google.com/": "Read, compose, send, and permanently delete all your email",
}


def normalize_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Long names, without repetitions, in order."""
    return tuple(dict.fromkeys(ALIASES.get(scope, scope) for scope in scopes))


def is_known_scope(scope: str) -> bool:
    return scope in SIGN_IN or scope in ALIASES or scope.startswith((AUTH, "https://mail.google"))


def is_gmail_scope(scope: str) -> bool:
    return scope.startswith(GMAIL_PREFIXES)


def describe_scope(scope: str) -> str:
    return DESCRIPTIONS.get(scope, scope)
