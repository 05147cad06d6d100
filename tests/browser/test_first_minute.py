"""The README to the letter: its commands in a copy of the checkout, its labels in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import checkout_copy
from tests.browser.visitor import PATIENCE
from tests.config.running_demo import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough("the demo's first minute, by several people"),
]

README = (ROOT / "README.md").read_text(encoding="utf-8")
# `make help` tells of these; the README tells of them in sentences.
IN_SENTENCES = {"make demo", "make test"}


@dataclass(frozen=True, slots=True)
class ReadmeStep:
    """A numbered sentence of the README."""

    number: int
    text: str

    @property
    def labels(self) -> list[str]:
        """Labels in bold: buttons and links that a reader selects."""
        return re.findall(r"\*\*(.+?)\*\*", self.text)

    @property
    def names(self) -> list[str]:
        """Words in italics: pages and headings that a reader finds."""
        return re.findall(r"(?<!\*)\*([^*]+?)\*(?!\*)", self.text)

    @property
    def codes(self) -> list[str]:
        """Commands and values in backticks."""
        return re.findall(r"`(.+?)`", self.text)


@dataclass
class FirstMinute:
    """
    Somebody with the README, a browser and two terminals.

    :ivar selected: labels that were selected in the step so far
    """

    page: Page
    folder: Path
    start_page: str
    selected: list[str] = field(default_factory=list)

    def select(self, label: str, *, inside: Any = None) -> None:
        """Select the first button or link with that label."""
        place = inside or self.page
        named = re.compile(rf"^\s*{re.escape(label)}\b")
        button = place.get_by_role("button", name=named)
        button.or_(place.get_by_role("link", name=named)).first.click()
        self.selected.append(label)

    def open(self, name: str) -> None:
        """Open a page by its name, as the navigation or a link of the page has it."""
        self.page.get_by_role("link", name=name).first.click()

    def read_password(self, person: str) -> str:
        """Return the password that the demo page shows."""
        tab = self.page.context.new_page()
        tab.goto(self.start_page)
        password = tab.locator(f"#{person} .mono").nth(1).inner_text()
        tab.close()
        return password

    def run(self, command: str) -> str:
        """Run a command in the other terminal; return its output."""
        done = checkout_copy.run_command(self.folder, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


STEPS: dict[int, Callable[[FirstMinute, ReadmeStep], None]] = {}


def follow_step(number: int):
    def add(follow):
        STEPS[number] = follow
        return follow

    return add


def read_section(title: str) -> str:
    return re.split(r"(?m)^## ", README.partition(f"## {title}\n")[2])[0]


def read_steps() -> list[ReadmeStep]:
    """Return the numbered list of the first minute."""
    items = re.findall(r"(?ms)^(\d+)\. (.+?)(?=^\d+\. |^\s*$)", read_section("First minute"))
    return [ReadmeStep(int(number), " ".join(text.split())) for number, text in items]


def read_commands(title: str) -> list[str]:
    """Return the lines of the section's code blocks."""
    blocks = re.findall(r"(?s)```sh\n(.+?)```", read_section(title))
    return [line for block in blocks for line in block.splitlines()]


@follow_step(1)
def sign_in(minute, step):
    minute.page.goto(minute.start_page)
    (label,) = step.labels
    minute.select(label)
    expect(minute.page.locator(".site-user")).to_contain_text(label.removeprefix("Sign in as "))


@follow_step(2)
def connect_mail(minute, step):
    page, (connect, allow) = minute.page, step.labels
    settings, product = step.names
    (account,) = step.codes
    minute.open(settings)
    offer = page.locator(".offers > li", has_text=product)
    minute.select(connect, inside=offer)
    page.get_by_label("I agree").check()
    page.get_by_role("button", name="Continue").click()
    page.locator(f'input[name="account"][value="{account}"]').check()
    minute.select(allow)
    expect(page.locator("article.card", has_text=account).first).to_be_visible()


@follow_step(3)
def read_inbox(minute, step):
    (inbox,) = step.names
    minute.open(inbox)
    expect(minute.page.locator("h1")).to_have_text(inbox)
    expect(minute.page.locator(".mail-row").first).to_be_visible()


@follow_step(4)
def look_at_data_access(minute, step):
    settings, data_access = step.names
    minute.open(settings)
    named = re.compile(data_access, re.IGNORECASE)
    minute.page.locator("main").get_by_role("link", name=named).click()
    expect(minute.page.locator("h1")).to_have_text(data_access)
    expect(minute.page.locator("main")).to_contain_text("inbox")


@follow_step(5)
def let_features_ask(minute, step):
    (widget, campaigns), (ask, allow), (activity,) = step.codes, step.labels, step.names
    running = checkout_copy.start_command(minute.folder, widget, until="open http")
    with running as (process, printed), minute.page.context.new_page() as tab:
        tab.set_default_timeout(PATIENCE)
        beside = replace(minute, page=tab)
        tab.goto(re.search(r"open (http://\S+)", printed)[1])
        beside.select(ask)
        tab.get_by_label("I agree").check()
        beside.select(allow)
        expect(tab.locator("li").first).to_be_visible()
        assert "Traceback" not in checkout_copy.press_control_c(process)
    said = minute.run(campaigns)
    for word in ("rule", "clause", "entry"):
        assert word in said.lower(), said
    minute.open(activity)
    expect(minute.page.locator(".refusal").first).to_be_visible()


@follow_step(6)
def disconnect(minute, step):
    page, (disconnect,) = minute.page, step.labels
    minute.open(step.names[0])
    minute.select(disconnect)
    page.locator("main form").get_by_role("button", name=disconnect).click()
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(minute.read_password("alice"))
        page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("link", name="Download receipt")).to_be_visible()


def check_evidence(minute):
    """Follow the section for reviewers: the staff site, Rita, and the signed evidence."""
    section = read_section("For reviewers")
    step = ReadmeStep(0, " ".join(section.split()))
    page = minute.page
    page.goto(minute.start_page)
    page.get_by_role("link", name=re.compile("site for staff")).first.click()
    minute.select(step.labels[0])
    page.get_by_role("link", name="Evidence", exact=True).click()
    page.get_by_role("button", name=re.compile("evidence", re.IGNORECASE)).first.click()
    download = page.get_by_role("link", name=re.compile(r"^evidence-.+\.json$"))
    for _ in range(60):
        if download.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    with page.expect_download() as saved:
        download.first.click()
    saved.value.save_as(minute.folder / "evidence.json")
    published = page.request.get(f"{_find_site(minute.start_page)}/keys/?format=text")
    keys = iter(published.text().split())
    (command,) = read_commands("For reviewers")
    filled = re.sub(r"\bKEY\b", lambda _: f"'{next(keys)}'", command)
    said = minute.run(filled.replace("python -m", ".venv/bin/python -m", 1))
    assert said


def _find_site(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class TestReadme:
    def test_works_to_the_letter(self, page):
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        (start,) = read_commands("First minute")
        (while_running,) = [line for line in read_commands("Tests") if "verify_ledger" in line]
        with (
            checkout_copy.copy_checkout() as folder,
            checkout_copy.start_command(folder, start, until="Press Ctrl-C") as (demo, printed),
        ):
            start_page = re.search(r"Open +(http://localhost:\d+\S*)", printed)[1]
            minute = FirstMinute(page, folder, start_page)
            for step in read_steps():
                minute.selected.clear()
                STEPS[step.number](minute, step)
                assert minute.selected == step.labels, step.text
            minute.run(while_running)
            check_evidence(minute)
            last_lines = checkout_copy.press_control_c(demo)

        assert "Stopped." in last_lines
        assert "Traceback" not in printed + last_lines

    def test_has_a_function_for_each_step(self):
        assert [step.number for step in read_steps()] == sorted(STEPS)

    def test_lists_the_commands_of_make_help(self):
        done = checkout_copy.run_command(ROOT, "make --no-print-directory help")
        offered = set(re.findall(r"(?m)^ *(make [a-z-]+)", done.stdout))

        rows = re.findall(r"(?m)^\| (`make .+?) \|", read_section("Tests"))
        listed = {
            " ".join(command.split()[:2]) for row in rows for command in re.findall(r"`(.+?)`", row)
        }

        assert offered - IN_SENTENCES == listed - IN_SENTENCES
        assert all(f"{command}\n" in README for command in IN_SENTENCES)
