"""The pages of Google's authorization endpoint: consent and errors."""

from dataclasses import dataclass
from html import escape

from integrations.sandbox.accounts import OAuthClient, SandboxAccount
from integrations.sandbox.google import scopes as scope_names
from integrations.sandbox.google.drive.picker import PickerOptions, render_choices
from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.state import SandboxState

HTML = "text/html; charset=utf-8"
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


@dataclass(frozen=True)
class GoogleConsentRequest:
    client: OAuthClient
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str
    challenge: str
    challenge_method: str
    offline: bool
    prompts: frozenset[str]
    login_hint: str
    include_granted: bool
    picker: PickerOptions | None = None


class GooglePageError(Exception):
    """Shown by Google; the client receives nothing."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.page = HttpAnswer(
            status,
            render_page("Access blocked", f"<p>{escape(description)}</p><p>Error {status}: "
                  f"<code>{escape(error)}</code></p>").encode(),
            PAGE_HEADERS,
            HTML,
        )  # fmt: skip


def render_consent_page(
    state: SandboxState, key: str, pending: GoogleConsentRequest, hinted: SandboxAccount | None
) -> str:
    name = escape(pending.client.name)
    body = [
        f"<p>{name} wants to access your Google Account</p>",
        '<form method="post" action="/o/oauth2/v2/auth/decision">',
        f'<input type="hidden" name="request" value="{key}">',
        _render_accounts(state, pending, hinted),
        _render_choices(state, pending, hinted),
        "<p>",
        '<button type="submit" name="decision" value="cancel">Cancel</button> ',
        '<button type="submit" name="decision" value="allow">Allow</button></p></form>',
    ]
    return render_page("Sign in - Google Accounts (sandbox)", "\n".join(body))


def _render_choices(
    state: SandboxState, pending: GoogleConsentRequest, hinted: SandboxAccount | None
) -> str:
    """Files in the picker, else scopes."""
    if pending.picker is None:
        return _render_scopes(state, pending)
    is_chosen = hinted and "select_account" not in pending.prompts
    accounts = [hinted] if hinted and is_chosen else state.accounts.list_all()
    return "".join(render_choices(account, pending.picker) for account in accounts)


def _render_scopes(state: SandboxState, pending: GoogleConsentRequest) -> str:
    boxes = [
        _render_scope(scope, tickable=state.knobs.sign_in_scopes_tickable)
        for scope in pending.scopes
    ]
    legend = f"<legend>Select what {escape(pending.client.name)} can access</legend>"
    return f"<fieldset>{legend}{''.join(boxes)}</fieldset>"


def _render_accounts(
    state: SandboxState, pending: GoogleConsentRequest, hinted: SandboxAccount | None
) -> str:
    if hinted and "select_account" not in pending.prompts:
        email = escape(hinted.email)
        return (
            f'<p><strong>{email}</strong></p><input type="hidden" name="account" value="{email}">'
        )
    chosen = hinted or next(iter(state.accounts.list_all()), None)
    boxes = [
        f'<p><label><input type="radio" name="account" value="{escape(account.email)}"'
        f"{' checked' if account is chosen else ''}> {escape(account.name)} "
        f"({escape(account.email)})</label></p>"
        for account in state.accounts.list_all()
    ]
    return f"<fieldset><legend>Choose an account</legend>{''.join(boxes)}</fieldset>"


def _render_scope(scope: str, *, tickable: bool) -> str:
    words = escape(scope_names.describe_scope(scope))
    if scope in scope_names.SIGN_IN and not tickable:
        return f"<p>{words}</p>"
    return (
        f'<p><label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"{words}</label></p>"
    )


def render_page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto }}
fieldset {{ border: 1px solid #ccc; border-radius: 8px; margin: 1rem 0 }}
button {{ font: inherit; padding: .5rem 1.5rem; border-radius: 4px; border: 1px solid #888 }}
</style></head><body><main><h1>{escape(title)}</h1>
{body}
</main></body></html>
"""
