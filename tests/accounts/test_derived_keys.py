"""Keys of single purposes: what is made for one is refused by every other, and secrets rotate."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from uuid import UUID

import pytest
from django.core import mail, signing
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import (
    keyed_hashes,
    known_origins,
    mfa_secrets,
    pending_posts,
    sign_in_links,
    signed_values,
)
from accounts.derived_keys import derive_django_key, derive_keys_from_secrets
from accounts.reset_tokens import ResetTokens
from accounts.sessions import SessionStore
from integrations.calendar import event_pagination
from integrations.web import page_cursors
from tests.accounts.cast import person, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.control("2.3.4")]

ROOT = Path(__file__).resolve().parents[2]
AT = timezone.now()
ROW = UUID(int=7)
BOUND = {"audience": "alice", "filters": "all"}


@pytest.fixture
def alice():
    return person("alice")


def rotate(settings, *, keeps_former=True):
    """Configure another secret, as an operator does, with the former one as a fallback or not."""
    former = settings.ROOT_SECRETS if keeps_former else []
    settings.ROOT_SECRETS = ["another", *former]
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = map(
        derive_django_key, settings.ROOT_SECRETS
    )


def request_with(cookie):
    request = RequestFactory().get("/")
    request.COOKIES["device"] = cookie
    return request


def make_cookie(user):
    response = HttpResponse()
    known_origins._mark_device(request_with(""), response, user.pk)
    return response.cookies["device"].value


def make_link(user):
    return (
        str(sign_in_links.make_sign_in_link(user, timezone.now())["link"])
        .rstrip("/")
        .rpartition("/")[2]
    )


def make_calendar_cursor():
    return event_pagination.EventPageRequest(**BOUND, after=None, limit=1, at=AT)._sign_cursor(
        event_pagination.OccurrencePosition(AT, "x")
    )


def is_opened(text, context):
    try:
        return mfa_secrets.decrypt_secret(text, context=context) == "secret"
    except (mfa_secrets.SecretUnreadable, ValueError):
        return False


def is_cursor(text):
    try:
        page_cursors.read(text, kind="messages", **BOUND, at=AT)
    except page_cursors.InvalidCursor:
        return False
    return True


def is_calendar_cursor(text):
    try:
        event_pagination.parse_page_request(text, **BOUND, limit=1, at=AT)
    except page_cursors.InvalidCursor:
        return False
    return True


#: Per purpose, as config/README.md names it: how a value is made, and whether it is accepted.
VALUES = {
    "cursor of mail": (
        lambda _: page_cursors.write(
            page_cursors.CursorPagePosition(AT, ROW), kind="messages", **BOUND, at=AT
        ),
        lambda _, text: is_cursor(text),
    ),
    "cursor of calendars": (
        lambda _: make_calendar_cursor(),
        lambda _, text: is_calendar_cursor(text),
    ),
    "sign-in link": (make_link, lambda _, text: sign_in_links.is_sign_in_link(text)),
    "known device": (
        make_cookie,
        lambda user, text: known_origins.find_known_device(request_with(text), user.pk) is not None,
    ),
    "password reset": (
        lambda user: ResetTokens().make_token(user),
        lambda user, text: ResetTokens().check_token(user, text),
    ),
    "session": (
        lambda _: SessionStore().encode({"a": "b"}),
        lambda _, text: SessionStore().decode(text) == {"a": "b"},
    ),
    "second factor": (
        lambda _: mfa_secrets.encrypt_secret("secret"),
        lambda _, text: is_opened(text, mfa_secrets._CONTEXT),
    ),
    "suspended request": (
        lambda _: mfa_secrets.encrypt_secret("secret", context=pending_posts._CONTEXT),
        lambda _, text: is_opened(text, pending_posts._CONTEXT),
    ),
}


@pytest.mark.parametrize("purpose", VALUES)
class TestAValueOfOnePurpose:
    def test_is_refused_by_every_other(self, alice, purpose):
        make, accepts = VALUES[purpose]
        value = make(alice)

        accepting = [other for other, (_, reads) in VALUES.items() if reads(alice, value)]

        assert accepts(alice, value)
        assert accepting == [purpose]

    def test_outlives_a_rotation_only_by_a_fallback(self, alice, settings, purpose):
        make, accepts = VALUES[purpose]
        value = make(alice)

        rotate(settings)
        assert accepts(alice, value)
        # Made anew, it needs the former secret no more.
        newer = make(alice)
        settings.ROOT_SECRETS = settings.ROOT_SECRETS[:1]
        settings.SECRET_KEY_FALLBACKS = []
        assert accepts(alice, newer)
        assert not accepts(alice, value)


def list_keys(settings):
    """Return every key that is derived from the secret, by purpose, and the secret itself."""
    infos = {
        **{
            purpose: f"antares signature {purpose} v1"
            for purpose in ("cursor of mail", "cursor of calendars", "sign-in link", "known device")
        },
        "password reset": "antares password reset v1",
        "second factor": "antares accounts second factor v1",
        "suspended request": "antares accounts suspended request v1",
        "rate counter": "antares hash rate counter v1",
    }
    keys = {purpose: derive_keys_from_secrets(info)[0] for purpose, info in infos.items()}
    return {**keys, "session": settings.SECRET_KEY, "the secret": settings.ROOT_SECRETS[0]}


def sign_again(value, key, bound_to):
    """Return a signed value with the signature that somebody can make who has this key."""
    body = value.rpartition(":")[0]
    return signing.Signer(key=key, salt=signed_values._make_salt(bound_to)).sign(body)


#: Per purpose: the value as somebody makes it who has a key.
FORGED = {
    "cursor of mail": lambda user, key: sign_again(
        VALUES["cursor of mail"][0](user), key, "messages\nalice\nall"
    ),
    "cursor of calendars": lambda _, key: sign_again(make_calendar_cursor(), key, "alice\nall"),
    "sign-in link": lambda user, key: sign_again(make_link(user), key, ""),
    "known device": lambda user, key: sign_again(make_cookie(user), key, ""),
    "password reset": lambda user, key: ResetTokens()._make_token_with_timestamp(
        user, ResetTokens()._num_seconds(ResetTokens()._now()), key
    ),
    "session": lambda _, key: signing.dumps({"a": "b"}, key=key, salt=SessionStore().key_salt),
}


@pytest.mark.parametrize("purpose", FORGED)
def test_a_key_makes_values_of_its_own_purpose_alone(alice, settings, purpose):
    _, accepts = VALUES[purpose]

    making = [
        name
        for name, key in list_keys(settings).items()
        if accepts(alice, FORGED[purpose](alice, key))
    ]

    assert making == [purpose]


def test_a_hash_is_found_under_a_former_secret(settings):
    (before,) = keyed_hashes.compute_keyed_hashes("text", purpose="known network")

    rotate(settings)

    assert keyed_hashes.compute_keyed_hash("text", purpose="known network") != before
    assert keyed_hashes.compute_keyed_hashes("text", purpose="known network")[1] == before
    assert before not in keyed_hashes.compute_keyed_hashes("text", purpose="rate counter")


class TestARotation:
    """On pages: what people hold goes on working."""

    def test_keeps_people_signed_in_as_long_as_there_is_a_fallback(self, alice, settings):
        browser = sign_in(alice)
        rotate(settings)
        kept = browser.get("/settings/integrations/").status_code
        # The session has been written again under the newer secret.
        settings.SECRET_KEY_FALLBACKS = []
        renewed = browser.get("/settings/integrations/").status_code
        rotate(settings, keeps_former=False)
        settings.SECRET_KEY = derive_django_key("a third")
        ended = browser.get("/settings/integrations/").status_code

        assert (kept, renewed, ended) == (200, 200, 302)

    @pytest.mark.parametrize("keeps_former", [True, False])
    def test_keeps_a_reset_link_as_long_as_there_is_a_fallback(
        self, alice, settings, workers, keeps_former
    ):
        Client().post("/accounts/password/reset/", {"email": alice.email})
        workers.run()
        link = re.search(rf"{re.escape(settings.PUBLIC_URL)}(/\S+)", mail.outbox[-1].body)[1]
        rotate(settings, keeps_former=keeps_former)

        page = Client().get(link, follow=True).text

        assert ('name="password1"' in page) is keeps_former
        assert ("no longer valid" in page) is not keeps_former


#: Functions that take the purpose of a derived key.
PURPOSEFUL = {
    "compute_keyed_hash",
    "compute_keyed_hashes",
    "signed_values.sign_value",
    "signed_values.read_signed_value",
}
PACKAGES = ("accounts", "config", "integrations", "limited_use")
#: Rows of the table whose values are made without the secret.
WITHOUT_A_KEY = {"session cookie", "form token (CSRF)"}
_INFO = re.compile(r"antares (?:accounts |limited use )?(.+) v1")


def list_sources():
    return [path for one in PACKAGES for path in sorted((ROOT / one).rglob("*.py"))]


def find_purposes(tree):
    """Yield the purposes of derived keys that a module names: by `purpose=`, or in full."""
    constants = {
        ast.unparse(target): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PURPOSEFUL:
            (value,) = [one.value for one in node.keywords if one.arg == "purpose"]
            value = constants.get(ast.unparse(value), value)
            if isinstance(value, ast.Constant):
                yield value.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if found := _INFO.fullmatch(text):
                yield found[1]


class TestTheDocumentation:
    def test_lists_every_purpose(self):
        text = (ROOT / "config" / "README.md").read_text()
        section = text.partition("## Secrets")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)

        found = {
            one for path in list_sources() for one in find_purposes(ast.parse(path.read_text()))
        }
        listed = {one for row in rows for one in row.split(", ")} - {"purpose"}

        assert listed - WITHOUT_A_KEY == found - {"django"} | {"session"}
        assert set(VALUES) <= listed

    def test_is_all_there_is(self):
        """Nobody else uses the secret, nor Django's key."""

        def list_files_using(name):
            found = [
                path
                for path in list_sources()
                if re.search(rf"settings\.{name}\b", path.read_text())
            ]
            return [str(path.relative_to(ROOT)) for path in found]

        assert list_files_using("ROOT_SECRETS") == ["accounts/derived_keys.py"]
        assert list_files_using("SECRET_KEY") == list_files_using("SECRET_KEY_FALLBACKS") == []
