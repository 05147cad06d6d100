"""A call after authentication, scopes and quota."""

from dataclasses import dataclass

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google.grants import GoogleAccessToken
from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.schemas import ApiMethod
from integrations.sandbox.state import SandboxState


@dataclass(frozen=True)
class AuthorizedCall:
    state: SandboxState
    call: HttpCall
    method: ApiMethod
    path: dict[str, str]
    account: SandboxAccount
    access: GoogleAccessToken
