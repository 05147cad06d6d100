"""An outside client: pages and forms over HTTP, as a browser without scripts sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from tests.smoke.walk import must

REDIRECTS = {301, 302, 303, 307, 308}


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    # Check boxes and submit buttons, sent only when chosen.
    boxes: list[tuple[str, str, bool]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def data(self, *, untick: tuple[str, ...] = (), button: str | None = None, **values: str):
        """Return the pairs to send; boxes whose value holds a part of `untick` are left out."""
        pairs = [(name, values.pop(name, value)) for name, value in self.fields]
        for name, value, ticked in self.boxes:
            if ticked and not any(part in value for part in untick):
                pairs.append((name, value))
        pairs += list(values.items())
        if button is not None:
            pairs += [pair for pair in self.buttons if button in pair]
        return pairs


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(at.get("action", ""), at.get("method", "get").lower()))
            self._in_form = True
        elif not self._in_form:
            return
        elif tag == "input" and "name" in at:
            self._input(at)
        elif tag == "button" and "name" in at:
            self.forms[-1].buttons.append((at["name"], at.get("value", "")))
        elif tag in {"select", "textarea"} and "name" in at:
            self.forms[-1].fields.append((at["name"], ""))

    def _input(self, at: dict[str, str]) -> None:
        form = self.forms[-1]
        kind = at.get("type", "text")
        if kind in {"checkbox", "radio"}:
            form.boxes.append((at["name"], at.get("value", "on"), "checked" in at))
        elif kind in {"submit", "image"}:
            form.buttons.append((at["name"], at.get("value", "")))
        else:
            form.fields.append((at["name"], at.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False


def forms(html: str) -> list[Form]:
    parser = _Forms()
    parser.feed(html)
    return parser.forms


@dataclass
class Page:
    response: httpx.Response

    @property
    def url(self) -> str:
        return str(self.response.url)

    @property
    def text(self) -> str:
        return self.response.text

    @property
    def status(self) -> int:
        return self.response.status_code

    def form(self, *parts: str) -> Form:
        """Return the first form whose action holds each of `parts`."""
        for form in forms(self.text):
            if all(part in form.action for part in parts):
                return form
        raise LookupError(f"no form to {parts} on {urlsplit(self.url).path} ({self.status})")

    def own_form(self) -> Form:
        """Return the last form that is posted to the page's own address: what the page is for."""
        own = [form for form in forms(self.text) if (form.action, form.method) == ("", "post")]
        if not own:
            raise LookupError(f"{urlsplit(self.url).path} ({self.status}) has no form of its own")
        return own[-1]


class SmokeBrowser:
    """
    Cookies per host, redirects followed by hand so that every hop can be looked at.

    Every answer of the service, also a download, must have the headers of every answer.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(
            timeout=30, follow_redirects=False, event_hooks={"response": [self._check_headers]}
        )
        self.hops: list[httpx.Response] = []

    def get(self, url: str) -> Page:
        return self._follow(self.http.get(urljoin(self.base_url, url)))

    def submit(self, page: Page, form: Form, data: list[tuple[str, str]]) -> Page:
        return self._follow(self.send_form(page, form, data))

    def send_form(self, page: Page, form: Form, data: list[tuple[str, str]]) -> httpx.Response:
        """Return the answer to the form itself, such as a redirect to another site."""
        url = urljoin(page.url, form.action)
        headers = {
            "referer": page.url,
            "origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url)),
        }
        body: dict[str, list[str]] = {}
        for name, value in data:
            body.setdefault(name, []).append(value)
        if form.method == "get":
            return self.http.get(url, params=body, headers=headers)
        return self.http.post(url, data=body, headers=headers)

    def _check_headers(self, response: httpx.Response) -> None:
        if not str(response.url).startswith(f"{self.base_url}/"):
            return
        headers, path = response.headers, response.url.path
        must("camera=()" in headers.get("Permissions-Policy", ""), f"{path} has no policy")
        must(headers.get("Cross-Origin-Resource-Policy") == "same-origin", f"{path} is for all")
        must(not headers.get("Server"), f"{path} names its server")

    def _follow(self, response: httpx.Response) -> Page:
        self.hops = [response]
        while response.status_code in REDIRECTS and len(self.hops) < 12:
            response = self.http.get(urljoin(str(response.url), response.headers["location"]))
            self.hops.append(response)
        return Page(response)
