"""What a stranger may write into the headers of an upload."""

from __future__ import annotations

import pytest

from integrations.outbox import tus_headers
from integrations.outbox.tus_headers import FileDescription, InvalidHeader
from tests.integrations.uploads.tus import encode_metadata


def describe(**values: str) -> FileDescription:
    return tus_headers.read_file_description({"Upload-Metadata": encode_metadata(**values)})


class TestNumber:
    @pytest.mark.parametrize(("value", "number"), [("0", 0), ("35000000", 35_000_000), ("007", 7)])
    def test_is_read(self, value, number):
        assert tus_headers.read_number({"Upload-Length": value}, "Upload-Length") == number

    @pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", "1e3", " 1", "1\n", "٣", "9" * 16])
    def test_is_refused(self, value):
        with pytest.raises(InvalidHeader) as refusal:
            tus_headers.read_number({"Upload-Length": value}, "Upload-Length")

        assert refusal.value.name == "Upload-Length"

    def test_is_needed(self):
        with pytest.raises(InvalidHeader):
            tus_headers.read_number({}, "Upload-Length")


class TestFileDescription:
    def test_keeps_name_and_type(self):
        described = describe(filename="Plan für Mai.PDF", filetype="application/PDF; a=b")

        assert described == FileDescription("Plan für Mai.PDF", "application/pdf")

    def test_drops_other_keys(self):
        assert describe(filename="a.txt", path="/etc/passwd").filename == "a.txt"

    def test_of_no_metadata_has_a_name(self):
        described = tus_headers.read_file_description({})

        assert described == FileDescription("attachment-1.bin", "application/octet-stream")

    @pytest.mark.parametrize(
        "filetype",
        ["text", "text/", "text/html\r\nBcc: a@b", "text/html, x", "a" * 65 + "/b", "tëxt/html"],
    )
    def test_replaces_a_type_that_is_none(self, filetype):
        assert describe(filename="a", filetype=filetype).content_type == "application/octet-stream"

    @pytest.mark.scenario("F3")
    @pytest.mark.parametrize(
        ("filename", "shown"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("a\r\nContent-Type: text/html", "html"),
            ("plan\u202efdp.exe", "plan fdp.exe"),
            ("\x00\x1b[31m.txt", "[31m.txt"),
        ],
    )
    def test_makes_a_hostile_name_safe(self, filename, shown):
        described = describe(filename=filename).filename

        assert described == shown
        assert not set(described) & set("\r\n\x00\x1b\u202e/\\")

    def test_shortens_a_long_name(self):
        assert len(describe(filename="a" * 2000 + ".pdf").filename) <= 200

    @pytest.mark.parametrize(
        "value",
        [
            "filename !!!",
            "filename YQ",
            "filename /w==",
            "filename YQ==,filename Yg==",
            "filename YQ==,,",
            " ,",
            "filename " + "A" * 4096,
        ],
    )
    def test_refuses_what_is_no_metadata(self, value):
        with pytest.raises(InvalidHeader):
            tus_headers.read_file_description({"Upload-Metadata": value})

    def test_accepts_a_key_without_a_value(self):
        header = encode_metadata(filename="a.txt") + ",is_confidential"

        described = tus_headers.read_file_description({"Upload-Metadata": header})

        assert described.filename == "a.txt"
