"""Code that sends the example of an operation: with curl, and with Python's httpx."""

from __future__ import annotations

import pprint
import shlex
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

ORIGIN: Final = "https://antares.example"
JSON: Final = "application/json"


def make_code_samples(
    path: str, operation: Mapping[str, Any], request: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return `x-codeSamples` of an operation."""
    url = f"{ORIGIN}{path.format(**request['path'])}"
    media_type = next(iter(operation.get("requestBody", {}).get("content", {})), "")
    headers = dict(request["headers"])
    token_name = _get_token_name(operation)
    if "body" in request and media_type != JSON:
        headers["Content-Type"] = media_type
    return [
        {
            "lang": "Shell",
            "label": "curl",
            "source": _write_curl(url, request, headers, token_name=token_name),
        },
        {
            "lang": "Python",
            "label": "httpx",
            "source": _write_python(url, request, headers, token_name=token_name),
        },
    ]


def _get_token_name(operation: Mapping[str, Any]) -> str:
    """Return the variable with the token; empty for the person's session."""
    if operation["x-client"]:
        return "client_token"
    return "token" if operation["x-purposes"] else ""


def _write_curl(
    url: str, request: Mapping[str, Any], headers: Mapping[str, str], *, token_name: str
) -> str:
    query = f"?{urlencode(request['query'])}" if request["query"] else ""
    first = "" if request["method"] == "GET" else f"-X {request['method']} "
    lines = [f"curl {first}{shlex.quote(url + query)}"]
    if token_name:
        lines.append(f'-H "Authorization: Bearer ${token_name.upper()}"')
    else:
        lines.append('-b "__Host-session=$SESSION; __Host-csrf=$CSRF"')
        if request["method"] != "GET":
            lines.append('-H "X-CSRFToken: $CSRF"')
            lines.append(f"-H {shlex.quote(f'Referer: {ORIGIN}/')}")
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if "body" in request:
        body = request["body"]
        if not isinstance(body, str):
            lines.append(f"--json {shlex.quote(orjson.dumps(body).decode())}")
        else:
            lines.append(f"--data-binary {shlex.quote(body)}")
    return " \\\n  ".join(lines) + "\n"


def _write_python(
    url: str, request: Mapping[str, Any], headers: Mapping[str, str], *, token_name: str
) -> str:
    arguments = [repr(request["method"]), repr(url)]
    if request["query"]:
        arguments.append(f"params={_write_value(request['query'])}")
    if headers:
        arguments.append(f"headers={_write_value(dict(headers))}")
    if "body" in request:
        name = "content" if isinstance(request["body"], str) else "json"
        arguments.append(f"{name}={_write_value(request['body'])}")
    call = "".join(f"    {argument},\n" for argument in arguments)
    if token_name:
        client = f'httpx.Client(headers={{"Authorization": f"Bearer {{{token_name}}}"}})'
    else:
        client = (
            'httpx.Client(\n    cookies={"__Host-session": session, "__Host-csrf": csrf},\n'
            f'    headers={{"X-CSRFToken": csrf, "Referer": "{ORIGIN}/"}},\n)'
        )
    names = f"{token_name} = ..." if token_name else "session, csrf = ..., ..."
    return (
        f"import httpx\n\n{names}\nclient = {client}\n"
        f"response = client.request(\n{call})\nresponse.raise_for_status()\n"
    )


def _write_value(value: Any) -> str:
    """Return a literal, indented as an argument of a call."""
    return pprint.pformat(value, width=72, sort_dicts=False).replace("\n", "\n    ")
