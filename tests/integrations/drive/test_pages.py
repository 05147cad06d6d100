"""The pages of files: the list, its buttons, and the way to a Drive."""

from __future__ import annotations

import pytest

from tests.integrations.drive.tus_files import make_file
from tests.integrations.pages.reading import text

pytestmark = pytest.mark.django_db

PAGE = "/files/"


class TestList:
    def test_without_a_drive_offers_to_connect_one(self, alices):
        page = alices.client.get(PAGE).text

        assert "No Drive connected" in text(page)
        assert "/settings/connect/google/?product=drive" in page

    def test_shows_a_file_in_the_drive(self, alices, files):
        files.upload(make_file(10), filename="Plan.pdf")

        page = alices.client.get(PAGE).text

        assert "Plan.pdf" in text(page)
        assert "In the Drive" in text(page)
        assert "https://drive.google.com/file/d/" in page
