"""Names of files in a Drive; those of attachments are tested with the parser."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from integrations.formats.mime import attachment_filenames
from integrations.formats.mime.attachment_filenames import MAX_LENGTH

UNSAFE = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x200E, 0x200F)}
UNSAFE |= {chr(code) for code in (*range(0x2028, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)}
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters=UNSAFE | set("/\\"))


def make_filename(name: str, content_type: str = "application/pdf") -> str:
    return attachment_filenames.make_drive_filename(name, content_type=content_type, position=1)


class TestDriveFilename:
    @given(name=st.text(CHARACTERS, min_size=1, max_size=MAX_LENGTH))
    def test_is_the_given_name(self, name):
        composed = unicodedata.normalize("NFC", name)
        assume(len(composed) <= MAX_LENGTH)
        assume(composed.replace(".", "").strip())

        assert make_filename(name) == composed

    @given(name=st.text(max_size=2 * MAX_LENGTH))
    def test_is_always_safe_to_show(self, name):
        filename = make_filename(name)

        assert 0 < len(filename) <= MAX_LENGTH
        assert not set(filename) & (UNSAFE | set("/\\"))
        assert filename.replace(".", "").strip()
        assert unicodedata.is_normalized("NFC", filename)

    @pytest.mark.parametrize(
        ("given", "filename"),
        [
            ("Minutes 10:30.docx", "Minutes 10:30.docx"),
            ("Why?.pdf", "Why?.pdf"),
            ('a "b" <c> | d*.txt', 'a "b" <c> | d*.txt'),
            (" two  spaces .txt", " two  spaces .txt"),
            (".gitignore", ".gitignore"),
            ("x\u00b2 \uff0f \u2460.txt", "x\u00b2 \uff0f \u2460.txt"),
            ("Gru\u0308\u00dfe.pdf", "Gr\u00fc\u00dfe.pdf"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("C:\\Windows\\system.ini", "C:_Windows_system.ini"),
            ("plan\u202efdp.exe", "planfdp.exe"),
            ("\ufeff\x00report\r\n.pdf\n", "report.pdf"),
        ],
    )
    def test_keeps_what_is_visible(self, given, filename):
        assert make_filename(given) == filename

    @pytest.mark.parametrize("given", ["", " ", ".", "..", "\u3000", "\u200b\n", ". ."])
    def test_replaces_an_empty_name(self, given):
        assert make_filename(given) == "attachment-1.pdf"

    def test_of_a_long_name_keeps_the_extension(self):
        assert make_filename("a" * 2000 + ".pdf") == "a" * (MAX_LENGTH - 4) + ".pdf"
