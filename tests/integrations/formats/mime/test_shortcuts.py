"""The short way through parameters says what the standard library's long one says."""

from __future__ import annotations

from email.message import Message

from hypothesis import given
from hypothesis import strategies as st

from integrations.formats.mime import headers

TYPES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["text/plain", "TEXT/HTML", "multipart/mixed", "text", "a/b/c", "text/", ""]),
    st.sampled_from(["", "; ", ";", " ; "]),
    st.sampled_from(
        ["", "charset=utf-8", 'charset="iso-8859-1"', 'boundary="=_x y"', "boundary=abc", "name=x"]
    ),
    st.sampled_from(["", "; name=x", ";", " ", "; charset=x"]),
)


class TestParameters:
    @given(TYPES, st.sampled_from(["", "inline", "attachment", "attachment; filename=x.pdf"]))
    def test_are_what_the_message_class_reads(self, content_type, disposition):
        part = Message()
        if content_type:
            part["Content-Type"] = content_type
        if disposition:
            part["Content-Disposition"] = disposition

        found = headers.MimeParameters(content_type, disposition)

        assert found.content_type == part.get_content_type()
        assert found.charset == part.get_param("charset", "")
        assert found.filename == (
            part.get_param("filename", "", "Content-Disposition") or part.get_param("name", "")
        )
