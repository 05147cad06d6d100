"""
The files that the demo's messages carry, by name.

Documents are text in `documents/*.txt`: a block for each, `== file name`, with the marks of
`styled_text` and the placeholders of `timeline`. Pictures and sounds are drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.embedded.demo_mail import pdf_writer, pictures, sounds, styled_text
from config.embedded.demo_mail.timeline import Timeline

FOLDER: Final = Path(__file__).parent / "documents"
_BLOCK: Final = re.compile(r"^== ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    content_type: str
    content: bytes


class AttachmentStore:
    """Makes each file once."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._files: dict[str, AttachedFile] = {}
        self._documents = {
            name: text
            for path in sorted(FOLDER.glob("*.txt"))
            for block in _BLOCK.split(path.read_text(encoding="utf-8"))[1:]
            for name, _, text in [block.partition("\n")]
        }

    def get_file(self, name: str) -> AttachedFile:
        """:raises KeyError: no document, picture or sound has this name"""
        if name not in self._files:
            self._files[name] = self._make_file(name)
        return self._files[name]

    def _make_file(self, name: str) -> AttachedFile:
        if name.endswith(".png"):
            return AttachedFile("image/png", pictures.draw_picture(name))
        if name.endswith(".wav"):
            return AttachedFile("audio/wav", sounds.make_recording())
        text = self._timeline.fill_dates(styled_text.reflow(self._documents[name].strip()))
        if name.endswith(".csv"):
            return AttachedFile("text/csv", f"{text}\n".replace("\n", "\r\n").encode())
        return AttachedFile("application/pdf", pdf_writer.write_pdf(text))
