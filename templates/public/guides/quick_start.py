"""
Ask a person for their mail, and print the newest messages.

Needs Python 3.11, httpx and joserfc. The first start writes a key and prints its public half for
the operator of Antares; `python quick_start.py assertion` prints an assertion for curl.
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
REDIRECT_URI = "http://127.0.0.1:8201/callback"
KEY_FILE = Path(os.environ.get("ANTARES_KEY_FILE", "antares-key.json"))


def read_or_create_key() -> ECKey:
    if not KEY_FILE.exists():
        key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})
        KEY_FILE.touch(mode=0o600)
        KEY_FILE.write_text(json.dumps(key.as_dict(private=True)))
        public = {"keys": [key.as_dict(private=False)]}
        print(f"For the operator of Antares: {REDIRECT_URI} and\n{json.dumps(public)}")
        raise SystemExit(0)
    return ECKey.import_key(json.loads(KEY_FILE.read_text()))


def sign_assertion(key: ECKey) -> str:
    """Return a JWT that authenticates the client once, within two minutes (RFC 7523)."""
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


def request_token(key: ECKey, **form: str) -> dict[str, Any]:
    form |= {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": sign_assertion(key),
    }
    response = httpx.post(f"{ANTARES}/oauth/token", data=form)
    body: dict[str, Any] = response.json()
    if response.status_code != 200:
        raise SystemExit(f"{body['error']}: {body['error_description']}")
    return body


def ask_person(verifier: str) -> str:
    """Send the person to Antares; return the code with which they come back."""
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
    print(f"Open {address}", flush=True)
    webbrowser.open(address)
    received = wait_for_callback()
    if (received.get("state"), received.get("iss")) != (state, ANTARES):
        raise SystemExit("The redirect is not the answer to this request.")
    if "code" not in received:
        raise SystemExit(f"{received['error']}: {received['error_description']}")
    return received["code"]


def wait_for_callback() -> dict[str, str]:
    received: dict[str, str] = {}

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            if address.path == "/callback":
                received.update(urllib.parse.parse_qsl(address.query))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Return to the terminal.")

    port = urllib.parse.urlsplit(REDIRECT_URI).port or 80
    with HTTPServer(("127.0.0.1", port), Callback) as server:
        while not received:
            server.handle_request()
    return received


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
    for message in response.raise_for_status().json()["data"]:
        print(message["date"], message["subject"])


if __name__ == "__main__":
    main()
