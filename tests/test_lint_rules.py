"""Rules that ruff states: each is planted once, to see that lint would notice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Per rule of ours: code that breaks it. The codes are those that ruff has to answer with.
PLANTED = {
    "makes code of data": (
        ("eval(text)", "S307"),
        ("exec(text)", "S102"),
        ("import pickle", "TID251"),
        ("from marshal import loads", "TID251"),
        ("import shelve", "TID251"),
        ("import dill", "TID251"),
        ("import cloudpickle", "TID251"),
        ("import jsonpickle", "TID251"),
        ("import yaml", "TID251"),
        ("import code", "TID251"),
    ),
    "starts processes or calls C": (
        ("import subprocess", "TID251"),
        ("from multiprocessing import Process", "TID251"),
        ("import pty", "TID251"),
        ("import os\nos.fork()", "TID251"),
        ("import os\nos.execv(path, arguments)", "S606"),
        ("import os\nos.spawnv(0, path, arguments)", "S606"),
        ("from os import posix_spawn", "TID251"),
        ("import ctypes", "TID251"),
        ("import cffi", "TID251"),
    ),
    "starts a shell": (
        ("import os\nos.system('ls')", "S605"),
        ("import os\nos.popen('ls')", "S605"),
        ("import subprocess\nsubprocess.getoutput(command)", "S605"),
        ("import subprocess\nsubprocess.getstatusoutput(command)", "S605"),
        ("import subprocess\nsubprocess.run(command, shell=True)", "S602"),
        ("from subprocess import run\nrun(command, shell=flag)", "S603"),
    ),
    "uses predictable randomness or a broken hash": (
        ("import random", "TID251"),
        ("from random import choice", "TID251"),
        ("import uuid\nuuid.uuid1()", "TID251"),
        ("import hashlib\nhashlib.md5(data)", "TID251"),
        ("from hashlib import sha1", "TID251"),
        ("import hashlib\nhashlib.new('md5')", "S324"),
    ),
    "signs under a key that all purposes share": (
        ("from django.core import signing", "TID251"),
        ("from django.core.signing import dumps", "TID251"),
        ("from django.utils.crypto import salted_hmac", "TID251"),
    ),
    "declares text safe": (
        ("from django.utils.safestring import mark_safe", "TID251"),
        ("from django.utils.safestring import SafeString", "TID251"),
        ("from django.utils.safestring import SafeText", "TID251"),
        ("from django.utils.html import format_html", "TID251"),
        ("from django.utils import html\nhtml.format_html_join('', '', [])", "TID251"),
    ),
    "shows models by their fields": (
        ("from rest_framework.serializers import ModelSerializer", "TID251"),
        ("from rest_framework.serializers import HyperlinkedModelSerializer", "TID251"),
        (
            "from rest_framework import serializers\nclass A(serializers.ModelSerializer): ...",
            "TID251",
        ),
        ("from django import forms\nclass A(forms.ModelForm): ...", "TID251"),
        ("from django.forms.models import ModelForm", "TID251"),
        ("from django.forms import modelform_factory", "TID251"),
        ("from django.contrib import admin", "TID251"),
        ("from django.contrib.admin import ModelAdmin", "TID251"),
    ),
    "speaks a protocol in clear": (("import telnetlib", "TID251"),),
    "speaks a protocol of mail": (
        ("import smtplib", "TID251"),
        ("from imaplib import IMAP4", "TID251"),
        ("import poplib", "TID251"),
        ("import imapclient", "TID251"),
        ("import aiosmtplib", "TID251"),
    ),
    "parses XML": (
        ("import xml.etree.ElementTree", "TID251"),
        ("from xml.sax import parse", "TID251"),
        ("from lxml import etree", "TID251"),
        ("import defusedxml.minidom", "TID251"),
    ),
    "connects a signal of Django": (
        ("from django.db.models.signals import post_save", "TID251"),
        ("from django.core import signals", "TID251"),
        ("from django.contrib.auth.signals import user_logged_in", "TID251"),
        ("from django.dispatch import receiver", "TID251"),
    ),
    "imports what allauth keeps to itself": (
        ("from allauth.core.internal import ratelimit", "TID251"),
        ("from allauth.account.internal.flows.login import record_authentication", "TID251"),
        ("from allauth.account.internal.flows import reauthentication", "TID251"),
        ("import allauth.account.internal.userkit", "TID251"),
        ("from allauth.mfa.internal.flows import trust", "TID251"),
        ("from allauth.mfa.base.internal.flows import check_rate_limit", "TID251"),
        ("from allauth.mfa.totp.internal.auth import TOTP", "TID251"),
        ("from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes", "TID251"),
        ("from allauth.mfa.webauthn.internal import flows", "TID251"),
        ("from allauth.core import ratelimit", "TID251"),
    ),
}
RULES = (
    pytest.param("makes code of data", marks=pytest.mark.control("5.1.3")),
    pytest.param("starts processes or calls C", marks=pytest.mark.control("5.1.9")),
    pytest.param("starts a shell", marks=pytest.mark.control("5.1.9")),
    pytest.param(
        "uses predictable randomness or a broken hash",
        marks=pytest.mark.control("1.3.3", "4.1.3"),
    ),
    pytest.param(
        "declares text safe", marks=[pytest.mark.control("5.1.7"), pytest.mark.invariant(12)]
    ),
    pytest.param("shows models by their fields", marks=pytest.mark.invariant(2)),
    pytest.param("signs under a key that all purposes share", marks=pytest.mark.control("2.3.4")),
    "speaks a protocol in clear",
    pytest.param("speaks a protocol of mail", marks=pytest.mark.scenario("M4")),
    pytest.param("parses XML", marks=pytest.mark.control("5.1.6")),
    "connects a signal of Django",
    "imports what allauth keeps to itself",
)


def run_ruff(folder):
    """Return the codes that ruff finds with the project's settings, by file name."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "json"),
            *("--config", ROOT / "pyproject.toml", folder),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    found = defaultdict(set)
    for problem in json.loads(run.stdout):
        found[Path(problem["filename"]).name].add(problem["code"])
    return found


@pytest.fixture(scope="module")
def lint(tmp_path_factory):
    """Return the codes that ruff finds, by rule and number of the planted code."""
    folder = tmp_path_factory.mktemp("planted")
    for name, cases in PLANTED.items():
        for number, (code, _) in enumerate(cases):
            (folder / f"{name.replace(' ', '_')}_{number}.py").write_text(f"{code}\n")
    return run_ruff(folder)


class TestLint:
    @pytest.mark.parametrize("name", RULES)
    def test_notices_a_module_that(self, lint, name):
        missed = [
            code
            for number, (code, expected) in enumerate(PLANTED[name])
            if expected not in lint[f"{name.replace(' ', '_')}_{number}.py"]
        ]

        assert missed == []

    def test_is_asked_for_every_rule(self):
        named = {one if isinstance(one, str) else one.values[0] for one in RULES}

        assert named == set(PLANTED)

    def test_notices_an_exception_that_is_not_needed(self, tmp_path):
        (tmp_path / "planted.py").write_text("import json  # noqa: TID251 - no need\n")

        assert "RUF100" in run_ruff(tmp_path)["planted.py"]

    def test_is_told_the_reason_of_each_exception(self):
        packages = ("accounts", "config", "integrations", "limited_use")
        lines = [
            (path.relative_to(ROOT), line)
            for package in packages
            for path in sorted((ROOT / package).rglob("*.py"))
            for line in path.read_text().splitlines()
            if "TID251" in line
        ]

        assert lines
        assert [one for one in lines if not re.search(r"# noqa: TID251 - \w+,? \w+", one[1])] == []
