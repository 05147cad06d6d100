"""A mail server (RFC 5321) with TLS from the first byte and a password; it keeps what it gets."""

from __future__ import annotations

import base64
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.egress_wall.edge import Listener

USER = "antares"


class MailServer:
    """`letters` are what arrived, each with the addresses of its envelope in `recipients`."""

    def __init__(self, context: ssl.SSLContext, password: str) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self._context = context
        self._credentials = base64.b64encode(f"\0{USER}\0{password}".encode()).decode()
        self._listener = Listener(("127.0.0.1", 0), self._serve)
        self.port = self._listener.port

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection) -> None:
        with (
            self._context.wrap_socket(connection, server_side=True) as secured,
            secured.makefile("rwb") as stream,
        ):
            Session(self, stream).run()

    def may_sign_in(self, credentials: str) -> bool:
        return credentials == self._credentials


class Session:
    """One connection: a command a line, answered each."""

    def __init__(self, server: MailServer, stream) -> None:
        self._server = server
        self._stream = stream
        self._is_known = False

    def run(self) -> None:
        self._answer("220 mail.example ESMTP")
        while line := self._stream.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if verb.upper() == "QUIT":
                self._answer("221 bye")
                return
            self._answer(self._obey(verb.upper(), rest))

    def _obey(self, verb: str, rest: str) -> str:
        if verb in {"EHLO", "HELO"}:
            return "250-mail.example\r\n250 AUTH PLAIN"
        if verb == "AUTH":
            self._is_known = self._server.may_sign_in(rest.partition(" ")[2])
            return "235 welcome" if self._is_known else "535 who is that?"
        if not self._is_known:
            return "530 sign in first"
        if verb == "RCPT":
            self._server.recipients.append(rest.partition("<")[2].partition(">")[0])
        return self._receive() if verb == "DATA" else "250 ok"

    def _receive(self) -> str:
        self._answer("354 go on")
        lines = []
        while (line := self._stream.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        self._server.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
        return "250 kept"

    def _answer(self, text: str) -> None:
        self._stream.write(f"{text}\r\n".encode())
        self._stream.flush()
