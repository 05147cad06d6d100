"""users.settings.sendAs: the account's addresses, with their signatures."""

from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google.gmail import problems
from integrations.sandbox.google.gmail.request import GmailRequest

WRITABLE = frozenset({"displayName", "replyToAddress", "signature", "isDefault", "treatAsAlias"})


def list_addresses(account: SandboxAccount) -> list[dict[str, Any]]:
    """Gmail always lists the account's own address first."""
    if not account.send_as:
        account.send_as = [
            {
                "sendAsEmail": account.email,
                "displayName": account.name,
                "replyToAddress": "",
                "signature": "",
                "isPrimary": True,
                "isDefault": True,
            }
        ]
    return account.send_as


def _find_address(request: GmailRequest) -> dict[str, Any]:
    email = request.path["sendAsEmail"].lower()
    for address in list_addresses(request.account):
        if address["sendAsEmail"].lower() == email:
            return address
    raise problems.not_found()


def list_send_as(request: GmailRequest) -> dict[str, Any]:
    return {"sendAs": list_addresses(request.account)}


def get_send_as(request: GmailRequest) -> dict[str, Any]:
    return _find_address(request)


def update_send_as(request: GmailRequest) -> dict[str, Any]:
    address, body = _find_address(request), request.read_json()
    address |= {name: value for name, value in body.items() if name in WRITABLE}
    if body.get("isDefault"):
        for other in list_addresses(request.account):
            other["isDefault"] = other is address
    return address
