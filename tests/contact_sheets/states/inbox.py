"""The inbox, conversations, search at the provider, and access for support."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage

from django.urls import reverse

from integrations.coordination import person_slots
from integrations.coordination.person_slots import TooManyWaits
from integrations.models import (
    Attachment,
    Integration,
    IntegrationStatus,
    ItemKind,
    Message,
    SyncStage,
    SyncWork,
    Thread,
)
from integrations.providers import errors
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("inbox", "Inbox, search, access for support")
FOLDERS = ("inbox", "sent", "drafts", "important", "all")
OLD = b"""From: Nadia Novak <nadia@workshop.example>
To: Alice Adler <alice@antares.example>
Cc: Bob Brandt <bob@antares.example>
Subject: Photos of the old harbour
Date: Fri, 14 Jun 2019 10:00:00 +0000
Message-ID: <old@workshop.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

The photos of the harbour are attached.
--b
Content-Type: application/pdf; name="harbour.pdf"
Content-Disposition: attachment; filename="harbour.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
"""


@GROUP.states(FOLDERS)
def folder(stage, key):
    return stage.alice.get("/inbox/", {"folder": key})


@GROUP.state()
def sent_mail_without_reply(stage):
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-last_received_at")[0]
    Message.objects.filter(id=thread.last_message_id).update(folders=["sent"])
    return stage.alice.get("/inbox/", {"folder": "sent"})


@GROUP.state()
def no_mailbox(stage):
    return stage.add_newcomer().get("/inbox/")


@GROUP.state()
def importing(stage):
    rows.set_status(stage.mail, IntegrationStatus.SYNCING)
    SyncWork.objects.filter(integration=stage.mail.integration).update(
        stage=SyncStage.SNAPSHOT, first_synced_at=None
    )
    return stage.alice.get("/inbox/")


@GROUP.state()
def importing_first_mail(stage):
    user = stage.add_person("Nora")
    connection = rows.connect_google(stage, "mail", email="nora@gmail.example", user=user)
    rows.agree(user, stage.organisation, "inbox")
    Integration.objects.filter(connection=connection).update(status=IntegrationStatus.SYNCING)
    return rows.browser(user).get("/inbox/")


@GROUP.state()
def empty_mailbox(stage):
    user = stage.add_person("Nora")
    rows.connect_google(stage, "mail", email="nora@gmail.example", user=user)
    rows.agree(user, stage.organisation, "inbox")
    return rows.browser(user).get("/inbox/")


@GROUP.state()
def access_ended(stage):
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED)
    return stage.alice.get("/inbox/")


@GROUP.state()
def many_pages(stage):
    _deliver_many(stage, 60)
    return stage.alice.get("/inbox/")


@GROUP.state()
def later_page(stage):
    _deliver_many(stage, 60)
    page = stage.alice.get("/inbox/").content.decode()
    (older,) = re.findall(r'<a class="button" rel="next" href="([^"]+)"', page)
    return stage.alice.get(older.replace("&amp;", "&"))


@GROUP.state()
def starred_conversation(stage):
    Thread.objects.filter(user_id=stage.user.id).update(is_starred=True)
    return stage.alice.get("/inbox/")


@GROUP.states(["sent", "all"])
def empty_folder(stage, key):
    user = stage.add_person("Nora")
    rows.connect_google(stage, "mail", email="nora@gmail.example", user=user)
    rows.agree(user, stage.organisation, "inbox")
    return rows.browser(user).get("/inbox/", {"folder": key})


@GROUP.state()
def sender_with_another_address(stage):
    _deliver_impostor(stage)
    return stage.alice.get("/inbox/")


@GROUP.state()
def conversation_with_another_address(stage):
    _deliver_impostor(stage)
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-last_received_at")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def conversation_of_sent_mail(stage):
    page = stage.alice.get("/inbox/", {"folder": "sent"}).content.decode()
    (address, *_) = re.findall(r'<a class="mail-row" href="([^"]+)"', page)
    return stage.alice.get(address.replace("&amp;", "&"))


@GROUP.state()
def conversation_without_recipient(stage):
    message = EmailMessage()
    message["From"] = "news@shop.example"
    message["Subject"] = "Sale"
    message.set_content("Everything must go.")
    stage.mailbox.names["Label_1"] = "Shops"
    stage.mailbox.deliver(
        bytes(message), at=stage.at, thread="sale", label_ids=("INBOX", "Label_1")
    )
    stage.mail.settle()
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-last_received_at")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def later_part_of_long_conversation(stage):
    page = long_conversation(stage).content.decode()
    (more,) = re.findall(r'rel="next" href="([^"]+)"', page)
    return stage.alice.get(more.replace("&amp;", "&"))


@GROUP.state(name="agreement-missing", status=403)
def without_agreement(stage):
    rows.reword(stage, "inbox")
    return stage.alice.get("/inbox/")


@GROUP.state(status=503)
def key_store_does_not_respond(stage):
    rows.stop_key_store(stage)
    return stage.alice.get("/inbox/")


@GROUP.state()
def conversation_of_many(stage):
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-message_count")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def conversation_of_one(stage):
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("message_count")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def conversation_with_files_and_labels(stage):
    message = Attachment.objects.filter(integration_id=stage.mail.integration.id)[0].message
    Message.objects.filter(id=message.id).update(is_starred=True, folders=["inbox", "important"])
    return _open_thread(stage, message.thread)


@GROUP.state()
def conversation_open_to_support(stage):
    message = _first_message(stage)
    _open_to_support(stage, message)
    return _open_thread(stage, message.thread)


@GROUP.state()
def conversation_of_hostile_mail(stage):
    stage.mailbox.deliver(cast.hostile_mail(), at=stage.at, thread="hostile")
    stage.mail.settle()
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-last_received_at")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def long_conversation(stage):
    _deliver_many(stage, 55, thread="long")
    thread = Thread.objects.filter(user_id=stage.user.id).order_by("-message_count")[0]
    return _open_thread(stage, thread)


@GROUP.state()
def text_alone(stage):
    return stage.alice.get(reverse("inbox-body", args=[_first_message(stage).id]))


@GROUP.state()
def text_at_provider_alone(stage):
    _deliver_old(stage)
    return stage.alice.get(f"{_find_remote(stage)}body/")


@GROUP.state(status=503)
def text_of_slow_provider(stage):
    _deliver_old(stage)
    address = _find_remote(stage)
    error = errors.RateLimited("slow down", retry_after=3)
    stage.patch.setattr(stage.mailbox, "refusals", [error] * 9)
    return stage.alice.get(f"{address}body/")


@GROUP.states(
    {
        "rate-limited": errors.RateLimited("slow down", retry_after=3),
        "unavailable": errors.Unavailable("away"),
        "gone": errors.Gone("deleted"),
        "revoked": errors.GrantRevoked("ended"),
        "rejected": errors.Rejected("no"),
    },
    status=503,
)
def attachment(stage, _, error):
    stage.patch.setattr(stage.mailbox, "refusals", [error] * 9)
    found = Attachment.objects.filter(integration_id=stage.mail.integration.id)[0]
    address = reverse("inbox-attachment", args=[found.message_id, found.id])
    response = stage.alice.get(address)
    stage.mailbox.refusals.clear()
    return response


@GROUP.state()
def support_form(stage):
    return stage.alice.get(reverse("inbox-support", args=[_first_message(stage).id]))


@GROUP.state()
def support_form_without_agreement(stage):
    address = reverse("inbox-support", args=[_first_message(stage).id])
    return stage.alice.post(address, {"hours": "24"}, follow=True)


@GROUP.state()
def support_allowed(stage):
    return _open_to_support(stage, _first_message(stage), follow=True)


@GROUP.state()
def support_form_outdated(stage):
    address = reverse("inbox-support", args=[_first_message(stage).id])
    return stage.alice.post(address, {"agree": "yes", "hours": "24", "version": "0"}, follow=True)


@GROUP.state()
def support_form_while_allowed(stage):
    message = _first_message(stage)
    _open_to_support(stage, message)
    return stage.alice.get(reverse("inbox-support", args=[message.id]))


@GROUP.state(ItemKind.MESSAGE)
def support_among_features(stage):
    _open_to_support(stage, _first_message(stage))
    return stage.alice.get(reverse("settings-access"))


@GROUP.state()
def support_stopped(stage):
    message = _first_message(stage)
    _open_to_support(stage, message)
    return stage.alice.post(reverse("inbox-support-close", args=[message.id]), follow=True)


@GROUP.state()
def search(stage):
    return stage.alice.get("/inbox/search/")


@GROUP.states({"none": "zeppelin", "many": "a", "too-long": "x" * 300})
def search_found(stage, _, words):
    return _search(stage, words)


@GROUP.state()
def search_without_mailbox(stage):
    return stage.add_newcomer().post("/inbox/search/", {"words": "harbour"})


@GROUP.state()
def search_found_at_provider(stage):
    _deliver_old(stage)
    return _search(stage, "harbour")


@GROUP.state()
def search_with_older_matches(stage):
    _deliver_old(stage, count=30)
    return _search(stage, "harbour")


@GROUP.state()
def search_later_page(stage):
    _deliver_old(stage)
    before = f"{stage.at - timedelta(days=900):%Y-%m-%dT%H:%M:%S}+0000"
    return stage.alice.post("/inbox/search/", {"words": "harbour", "before": before})


@GROUP.state(status=429)
def search_postponed_by_ourselves(stage):
    def refuse(*_, **__):
        raise TooManyWaits

    stage.patch.setattr(person_slots, "hold_wait_slot", refuse)
    before = f"{stage.at - timedelta(days=9):%Y-%m-%dT%H:%M:%S}+0000"
    return stage.alice.post("/inbox/search/", {"words": "harbour", "before": before})


@GROUP.states({"unavailable": errors.Unavailable("away"), "revoked": errors.GrantRevoked("ended")})
def search_failed(stage, _, error):
    stage.patch.setattr(stage.mailbox, "refusals", [error] * 9)
    response = _search(stage, "harbour")
    stage.mailbox.refusals.clear()
    return response


@GROUP.state(status=503)
def search_postponed(stage):
    error = errors.RateLimited("slow down", retry_after=3)
    stage.patch.setattr(stage.mailbox, "refusals", [error] * 9)
    response = _search(stage, "harbour")
    stage.mailbox.refusals.clear()
    return response


@GROUP.state()
def message_at_provider(stage):
    _deliver_old(stage)
    return stage.alice.get(_find_remote(stage))


@GROUP.state()
def message_gone_at_provider(stage):
    old = _deliver_old(stage)
    address = _find_remote(stage)
    stage.mailbox.delete(old)
    return stage.alice.get(address)


@GROUP.state()
def message_without_access(stage):
    _deliver_old(stage)
    address = _find_remote(stage)
    stage.patch.setattr(stage.mailbox, "refusals", [errors.GrantRevoked("ended")] * 9)
    return stage.alice.get(address)


@GROUP.state(status=503)
def message_at_slow_provider(stage):
    _deliver_old(stage)
    address = _find_remote(stage)
    error = errors.RateLimited("slow down", retry_after=3)
    stage.patch.setattr(stage.mailbox, "refusals", [error] * 9)
    response = stage.alice.get(address)
    stage.mailbox.refusals.clear()
    return response


def _open_thread(stage, thread):
    return stage.alice.get(reverse("inbox-thread", args=[thread.id]))


def _first_message(stage):
    messages = Message.objects.filter(integration_id=stage.mail.integration.id)
    return messages.order_by("-received_at")[0]


def _open_to_support(stage, message, *, follow=False):
    form = {"agree": "yes", "hours": "24", "version": FEATURES["support"].version}
    return stage.alice.post(reverse("inbox-support", args=[message.id]), form, follow=follow)


def _deliver_impostor(stage):
    message = EmailMessage()
    message["From"] = '"service@bank.example" <mallory@evil.example>, Bea <bea@work.example>'
    message["Sender"] = "mallory@evil.example"
    message["To"] = '"support@bank.example" <mallory@evil.example>'
    message["Subject"] = "Your account"
    message.set_content("Please sign in.")
    stage.mailbox.deliver(bytes(message), at=stage.at, thread="impostor")
    stage.mail.settle()


def _deliver_many(stage, count, *, thread=None):
    for number in range(count):
        stage.mailbox.deliver(at=stage.at - timedelta(minutes=number + 5), thread=thread)
    stage.mail.settle()


def _deliver_old(stage, *, count=1):
    for number in range(count):
        at = stage.at - timedelta(days=400 + number)
        delivered = stage.mailbox.deliver(OLD, at=at, label_ids=("INBOX",))
    return delivered


def _search(stage, words):
    return stage.alice.post("/inbox/search/", {"words": words})


def _find_remote(stage):
    page = _search(stage, "harbour").content.decode()
    return re.findall(r'href="(/inbox/elsewhere/[^"]+)"', page)[0]
