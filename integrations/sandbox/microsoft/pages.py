"""How Entra's pages look, and what every one of them says to the browser."""

from html import escape

from integrations.sandbox.messages import Answer
from integrations.sandbox.microsoft import problems
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.world import World

HTML = "text/html; charset=utf-8"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def page(title: str, body: str, status: int = 200) -> Answer:
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
    return Answer(status, text.encode(), HEADERS, HTML)


class Refusal(Exception):
    """Shown on Microsoft's own page: the client never hears of it, and nobody comes back."""

    def __init__(self, world: World, number: int, status: int = 400) -> None:
        super().__init__(number)
        text = escape(problems.description(number, world.clock.now())).replace("\r\n", "<br>")
        self.page = page("We have trouble signing you in", f"<p>{text}</p>", status)


def accounts(found: list[Account], chosen: Account | None) -> str:
    """Radio buttons, or a hidden field when the account is known."""
    if chosen:
        email = escape(chosen.email)
        return (
            f'<p><strong>{email}</strong></p><input type="hidden" name="account" value="{email}">'
        )
    boxes = [
        f'<p><label><input type="radio" name="account" value="{escape(one.email)}"'
        f"{' checked' if not place else ''}> {escape(one.name)} ({escape(one.email)})</label></p>"
        for place, one in enumerate(found)
    ]
    return f"<fieldset><legend>Pick an account</legend>{''.join(boxes)}</fieldset>"


def button(value: str, text: str) -> str:
    return f'<button type="submit" name="decision" value="{value}">{text}</button> '


def form(action: str, key: str, *parts: str) -> str:
    hidden = f'<input type="hidden" name="request" value="{key}">'
    return f'<form method="post" action="{escape(action)}">{hidden}{"".join(parts)}</form>'
