"""A voicemail recording: three tones, as WAV (PCM, 8 kHz, mono, 8 bit)."""

from __future__ import annotations

import math
import struct
from typing import Final

_RATE: Final = 8000
_SECONDS: Final = 6
_TONES: Final = (440, 554, 659)  # Hz


def make_recording() -> bytes:
    length = _RATE * _SECONDS // len(_TONES)
    samples = b"".join(_make_tone(frequency, length) for frequency in _TONES)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, _RATE, _RATE, 1, 8,
        b"data", len(samples),
    )  # fmt: skip
    return head + samples


def _make_tone(frequency: int, length: int) -> bytes:
    """Repeat one period per tone, which starts and ends softly."""
    period = round(_RATE / frequency)
    wave = [math.sin(2 * math.pi * step / period) for step in range(period)]
    return bytes(
        128 + round(60 * wave[step % period] * min(1, step / 400, (length - step) / 4000))
        for step in range(length)
    )
