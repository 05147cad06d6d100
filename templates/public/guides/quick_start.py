"""
Ask a person for their mail, and print the newest messages.

Needs Python 3.11 or later, httpx and joserfc. The first start writes a private key, and the public
key for the operator of Antares. `python quick_start.py assertion` prints an assertion for curl.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
import time
import urllib.parse
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

ANTARES = os.environ.get("ANTARES_URL", "https://antares.example")
CLIENT_ID = os.environ.get("ANTARES_CLIENT_ID", "inbox-widget")
PURPOSE = os.environ.get("ANTARES_PURPOSE", "inbox.display")
REDIRECT_URI = os.environ.get("ANTARES_REDIRECT_URI", "http://127.0.0.1:8201/callback")
PRIVATE_KEY = Path("antares-private.json")
PUBLIC_KEYS = Path("antares-public.json")


def read_or_create_key() -> ECKey:
    if not PRIVATE_KEY.exists():
        key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})
        PRIVATE_KEY.touch(mode=0o600)
        PRIVATE_KEY.write_text(json.dumps(key.as_dict(private=True)))
        PUBLIC_KEYS.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        print(f"Send the operator of Antares {PUBLIC_KEYS} and {REDIRECT_URI}")
        raise SystemExit
    return ECKey.import_key(json.loads(PRIVATE_KEY.read_text()))


def sign_assertion(key: ECKey) -> str:
    """Return a JWT that authenticates the client once (RFC 7523)."""
    now = int(time.time())
    claims = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": f"{ANTARES}/oauth/token",
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])


def read_answer(response: httpx.Response) -> dict[str, Any]:
    """Return the body, or stop with what Antares says about the request."""
    if not response.is_success:
        raise SystemExit(f"{response.status_code} {response.url}\n{response.text}")
    body: dict[str, Any] = response.json()
    return body


def request_token(key: ECKey, **form: str) -> dict[str, Any]:
    form |= {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": sign_assertion(key),
    }
    return read_answer(httpx.post(f"{ANTARES}/oauth/token", data=form))


def ask_person(verifier: str) -> str:
    """Send the person to Antares; return the code with which they come back."""
    received: dict[str, str] = {}
    state = secrets.token_urlsafe(16)
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": f"purpose:{PURPOSE}",
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    address = f"{ANTARES}/oauth/authorize?{urllib.parse.urlencode(parameters)}"
    with listen_for_callback(received) as server:
        print(f"Open {address}", flush=True)
        webbrowser.open(address)
        while not received:
            server.handle_request()
    if (received.get("state"), received.get("iss")) != (state, ANTARES):
        raise SystemExit("The redirect is not the answer to this request.")
    if "code" not in received:
        raise SystemExit(f"{received['error']}: {received['error_description']}")
    return received["code"]


def listen_for_callback(received: dict[str, str]) -> HTTPServer:
    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            if address.path == urllib.parse.urlsplit(REDIRECT_URI).path:
                received.update(urllib.parse.parse_qsl(address.query))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Return to the terminal.")

        def log_message(self, *_: object) -> None:
            """Print nothing: the address holds the code."""

    return HTTPServer(("127.0.0.1", urllib.parse.urlsplit(REDIRECT_URI).port or 80), Callback)


def main() -> None:
    key = read_or_create_key()
    if sys.argv[1:] == ["assertion"]:
        print(sign_assertion(key))
        return
    verifier = secrets.token_urlsafe(32)
    token = request_token(
        key,
        grant_type="authorization_code",
        code=ask_person(verifier),
        redirect_uri=REDIRECT_URI,
        code_verifier=verifier,
    )
    print(f"Delegation of {token['platform_user']}: {token['delegation']}")
    response = httpx.get(
        f"{ANTARES}/v1/users/me/messages",
        params={"limit": 10},
        headers={"Authorization": f"Bearer {token['access_token']}"},
    )
    for message in read_answer(response)["data"]:
        print(message["date"], message["subject"])


if __name__ == "__main__":
    main()
