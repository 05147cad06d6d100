"""Layout and headers of Entra's pages."""

from html import escape

from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.state import SandboxState

HTML = "text/html; charset=utf-8"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def render_page(title: str, body: str, status: int = 200) -> HttpAnswer:
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto }}
fieldset {{ border: 1px solid #ccc; margin: 1rem 0 }}
button {{ font: inherit; padding: .5rem 1.5rem; border: 1px solid #888 }}
</style></head><body><main><h1>{escape(title)}</h1>
{body}
</main></body></html>
"""
    return HttpAnswer(status, text.encode(), HEADERS, HTML)


class EntraPageError(Exception):
    """Shown by Microsoft; the client receives nothing."""

    def __init__(self, state: SandboxState, number: int, status: int = 400) -> None:
        super().__init__(number)
        text = escape(problems.describe_error(number, state.clock.now())).replace("\r\n", "<br>")
        self.page = render_page("We have trouble signing you in", f"<p>{text}</p>", status)


def render_accounts(account_list: list[MicrosoftAccount], chosen: MicrosoftAccount | None) -> str:
    """A hidden field for a known account."""
    if chosen:
        email = escape(chosen.email)
        return (
            f'<p><strong>{email}</strong></p><input type="hidden" name="account" value="{email}">'
        )
    boxes = [
        f'<p><label><input type="radio" name="account" value="{escape(account.email)}"'
        f"{' checked' if not index else ''}> {escape(account.name)} "
        f"({escape(account.email)})</label></p>"
        for index, account in enumerate(account_list)
    ]
    return f"<fieldset><legend>Pick an account</legend>{''.join(boxes)}</fieldset>"


def render_button(value: str, text: str) -> str:
    return f'<button type="submit" name="decision" value="{value}">{text}</button> '


def render_form(action: str, key: str, *parts: str) -> str:
    hidden = f'<input type="hidden" name="request" value="{key}">'
    return f'<form method="post" action="{escape(action)}">{hidden}{"".join(parts)}</form>'
