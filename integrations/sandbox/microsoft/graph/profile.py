"""Who one is, and how one's mailbox is set up."""

from typing import Any

from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask

COLOURS = 25
LARGEST_TRANSLATION = 1000


def me(ask: Ask) -> dict[str, Any]:
    given, _, family = ask.account.name.partition(" ")
    return {
        "@odata.context": f"{ask.world.url}/v1.0/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": ask.account.name,
        "givenName": given,
        "jobTitle": None,
        "mail": ask.account.email if ask.account.outlook else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family or None,
        "userPrincipalName": ask.account.email,
        "id": ask.account.oid,
    }


def settings(ask: Ask) -> dict[str, Any]:
    return ask.context("mailboxSettings") | {
        "archiveFolder": "",
        "timeZone": ask.account.zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": ask.account.zone},
        },
    }


def categories(ask: Ask) -> dict[str, Any]:
    custom = ask.outlook.custom
    names = sorted(
        one.name
        for one in ask.outlook.box.labels.values()
        if not one.system and one.id not in custom
    )
    shown = [
        {"id": f"00000000-0000-0000-0000-{place:012d}", "displayName": name,
         "color": f"preset{place % COLOURS}"}
        for place, name in enumerate(names)
    ]  # fmt: skip
    return ask.context("outlook/masterCategories") | {"value": shown}


def translate(ask: Ask) -> dict[str, Any]:
    """Between the two forms of the REST ids."""
    body = ask.parameters()
    ids, target = body.get("inputIds") or [], body.get("targetIdType", "")
    if len(ids) > LARGEST_TRANSLATION or target.lower() not in ("restid", "restimmutableentryid"):
        raise problems.bad_request(
            "The sandbox translates between restId and restImmutableEntryId."
        )
    value = []
    for one in ids:
        entry = ask.outlook.entry(str(one))
        if entry:
            immutable = target.lower() == "restimmutableentryid"
            value.append(
                {"sourceId": one, "targetId": ask.outlook.id_of(entry.id, immutable=immutable)}
            )
    return {"value": value}
