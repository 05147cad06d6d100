"""Standing consents of features that save files in a Drive."""

from __future__ import annotations

from datetime import timedelta

import orjson
from django.urls import reverse

from accounts import delegations
from accounts.ids import uuid7
from integrations.models import DriveFolder, FileKind, Integration, StandingConsent
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import sealing
from tests import factories
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("standing-consents", "Standing consents")
LIST = "/files/standing-consents/"
NEW = f"{LIST}new/recordings/"


@GROUP.state()
def no_consent(stage):
    return stage.alice.get(LIST)


@GROUP.state()
def no_consent_of_a_feature_that_is_on(stage):
    _connect_drive(stage)
    _switch_on(stage)
    return stage.alice.get(LIST)


@GROUP.state()
def consents(stage):
    drive = _connect_drive(stage)
    _switch_on(stage)
    _add_consent(stage, drive, saved_count=12)
    _add_consent(stage, drive, ended_at=stage.at - timedelta(days=1), kinds=list(FileKind))
    _add_consent(stage, drive, "Retired feature", ended_at=stage.at - timedelta(days=30))
    return stage.alice.get(LIST)


@GROUP.state()
def consent_for_unnamed_folder(stage):
    drive = _connect_drive(stage)
    _add_consent(stage, drive, folder="")
    return stage.alice.get(LIST)


@GROUP.state()
def new_consent(stage):
    _connect_drive(stage)
    _switch_on(stage)
    return stage.alice.get(NEW)


@GROUP.state()
def new_consent_of_two_drives(stage):
    _add_folder(_connect_drive(stage), "Antares")
    other = _connect_drive(stage, email="alice.second@gmail.example")
    _add_folder(other, "")
    _switch_on(stage)
    return stage.alice.get(NEW)


@GROUP.state(status=400)
def new_consent_with_problems(stage):
    drive = _connect_drive(stage)
    other = _connect_drive(stage, email="alice.second@gmail.example")
    _switch_on(stage)
    values = {"version": "1", "max_megabytes": "0", "max_count": "x", "last_day": "2020-01-01"}
    folders = {f"folder_{drive.id}": "own", f"folder_{other.id}": "own"}
    data = {**values, **folders, "drive": str(uuid7()), "kinds": [str(drive.id)]}
    return stage.alice.post(NEW, data)


@GROUP.state(status=400)
def new_consent_to_a_folder_that_has_changed(stage):
    drive = _connect_drive(stage)
    _add_folder(drive, "Antares")
    _switch_on(stage)
    data = {"version": "1", "drive": str(drive.id), "kinds": ["audio"], "agree": "yes"}
    bounds = {"max_megabytes": "1", "max_count": "1", "last_day": stage.at.date().isoformat()}
    return stage.alice.post(NEW, {**data, **bounds, f"folder_{drive.id}": "other"})


@GROUP.state(status=400)
def new_consent_beside_another(stage):
    drive = _connect_drive(stage)
    _switch_on(stage)
    return stage.alice.post(
        NEW,
        {
            "version": "0",
            "drive": str(drive.id),
            f"folder_{drive.id}": "own",
            "kinds": ["audio"],
            "max_megabytes": "1",
            "max_count": "1",
            "last_day": stage.at.date().isoformat(),
            "agree": "yes",
        },
    )


@GROUP.state()
def access_of_a_feature_that_is_on(stage):
    _switch_on(stage)
    return stage.alice.get(reverse("settings-feature", args=["recordings"]))


@GROUP.state()
def access_with_a_feature_that_saves_files(stage):
    _switch_on(stage)
    return stage.alice.get(reverse("settings-access"))


def _connect_drive(stage, email: str = "alice.files@gmail.example") -> Integration:
    connection = rows.connect_google(stage, "drive", email=email)
    factories.make_consent(connection, feature="drive")
    return Integration.objects.select_related("connection").get(connection=connection)


def _switch_on(stage) -> None:
    delegations.switch_delegation_on(
        user_id=stage.user.id,
        organisation_id=stage.organisation.id,
        feature="recordings",
        feature_version=FEATURES["recordings"].version,
        at=stage.at,
    )


def _add_folder(drive: Integration, name: str) -> None:
    folder_id = uuid7()
    DriveFolder.objects.create(
        id=folder_id,
        integration=drive,
        user_id=drive.connection.user_id,
        organisation_id=drive.connection.organisation_id,
        changed_at=drive.switched_on_at,
        place=_seal_place(drive, DriveFolder, folder_id, name),
    )


def _add_consent(
    stage, drive: Integration, feature: str = "recordings", *, folder: str = "Antares", **values
) -> None:
    consent_id = uuid7()
    StandingConsent.objects.create(
        id=consent_id,
        integration=drive,
        user_id=drive.connection.user_id,
        organisation_id=drive.connection.organisation_id,
        feature=feature,
        place=_seal_place(drive, StandingConsent, consent_id, folder),
        **{
            "kinds": [FileKind.AUDIO, FileKind.TEXT],
            "max_bytes": 500 * 1024 * 1024,
            "max_count": 50,
            "created_at": stage.at - timedelta(days=40),
            "expires_at": stage.at + timedelta(days=50),
            **values,
        },
    )


def _seal_place(drive: Integration, model, row_id, name: str):
    sealer = sealing.get_sealer(holder=drive.id, epoch=drive.epoch)
    place = orjson.dumps({"folder_id": "folder-1", "name": name, "link": ""})
    return sealer.seal_value(model, "place", row=row_id, data=place)
