"""The profile and mailbox settings of an account."""

from typing import Any

from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest

COLOR_COUNT = 25
MAX_TRANSLATED_IDS = 1000


def get_profile(request: GraphRequest) -> dict[str, Any]:
    given_name, _, family_name = request.account.name.partition(" ")
    return {
        "@odata.context": f"{request.state.url}/v1.0/$metadata#users/$entity",
        "businessPhones": [],
        "displayName": request.account.name,
        "givenName": given_name,
        "jobTitle": None,
        "mail": request.account.email if request.account.outlook else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family_name or None,
        "userPrincipalName": request.account.email,
        "id": request.account.oid,
    }


def get_settings(request: GraphRequest) -> dict[str, Any]:
    return request.make_context("mailboxSettings") | {
        "archiveFolder": "",
        "timeZone": request.account.zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": request.account.zone},
        },
    }


def list_categories(request: GraphRequest) -> dict[str, Any]:
    custom = request.outlook.custom_folders
    names = sorted(
        label.name
        for label in request.outlook.store.labels.values()
        if not label.system and label.id not in custom
    )
    category_list = [
        {"id": f"00000000-0000-0000-0000-{index:012d}", "displayName": name,
         "color": f"preset{index % COLOR_COUNT}"}
        for index, name in enumerate(names)
    ]  # fmt: skip
    return request.make_context("outlook/masterCategories") | {"value": category_list}


def translate_ids(request: GraphRequest) -> dict[str, Any]:
    body = request.read_parameters()
    ids, target = body.get("inputIds") or [], body.get("targetIdType", "")
    if len(ids) > MAX_TRANSLATED_IDS or target.lower() not in ("restid", "restimmutableentryid"):
        raise problems.bad_request(
            "The sandbox translates between restId and restImmutableEntryId."
        )
    value = []
    for item_id in ids:
        entry = request.outlook.find_entry(str(item_id))
        if entry:
            immutable = target.lower() == "restimmutableentryid"
            value.append(
                {
                    "sourceId": item_id,
                    "targetId": request.outlook.make_id(entry.id, immutable=immutable),
                }
            )
    return {"value": value}
