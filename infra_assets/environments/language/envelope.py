"""The envelope around a ciphertext: `escx`, a version, the ciphertext, a checksum; all of it in base64."""

import struct
import zlib

from infra_assets.environments.language import base64_text

_MAGIC = b"escx"
_VERSION = 1
_SHORTEST = 16


class EnvelopeError(Exception):
    """A text is no envelope; the message is the official evaluator's."""


def seal_envelope(ciphertext: bytes) -> str:
    """Return a ciphertext in an envelope."""
    held = _MAGIC + struct.pack(">I", _VERSION) + ciphertext
    return base64_text.encode(held + struct.pack(">I", zlib.crc32(held)))


def open_envelope(text: str) -> bytes:
    """Return the ciphertext that is in an envelope.

    Raises:
        EnvelopeError: it is none.
    """
    try:
        octets = base64_text.decode(text)
    except base64_text.Base64Error as problem:
        raise EnvelopeError(str(problem)) from None
    if len(octets) < _SHORTEST:
        raise EnvelopeError("EOF")
    held, checksum = octets[:-4], struct.unpack(">I", octets[-4:])[0]
    if held[:4] != _MAGIC:
        raise EnvelopeError("invalid header")
    if zlib.crc32(held) != checksum:
        raise EnvelopeError("invalid checksum")
    if struct.unpack(">I", held[4:8])[0] != _VERSION:
        raise EnvelopeError("unsupported version")
    return held[8:]
