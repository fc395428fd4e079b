"""Base64 as Go reads it: line breaks are passed over, padding is a must."""

import base64
import re

from infra_assets.environments.language.golang import octets_of

_VALID = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_BREAKS = b"\r\n"
_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_PADDING = ord("=")


class Base64Error(Exception):
    """A text is no base64; the message is Go's."""


def decode(text: str) -> bytes:
    """Return what a text stands for.

    Raises:
        Base64Error: it is no base64.
    """
    octets = octets_of(text)
    joined = octets.translate(None, _BREAKS)
    if not _VALID.match(joined):
        raise Base64Error(f"illegal base64 data at input byte {_wrong(octets)}")
    return base64.b64decode(joined)


def _wrong(octets: bytes) -> int:
    at = count = 0
    while at < len(octets):
        octet = octets[at]
        at += 1
        if octet in _BREAKS:
            continue
        if octet in _ALPHABET:
            count = (count + 1) % 4
        elif octet != _PADDING:
            return at - 1
        else:
            return _wrong_padding(octets, at, count)
    return at - count


def _wrong_padding(octets: bytes, at: int, count: int) -> int:
    if count < 2:
        return at - 1
    if count == 2:
        at = _over_breaks(octets, at)
        if at == len(octets):
            return at
        if octets[at] != _PADDING:
            return at - 1
        at += 1
    return _over_breaks(octets, at)


def _over_breaks(octets: bytes, at: int) -> int:
    while at < len(octets) and octets[at] in _BREAKS:
        at += 1
    return at


def encode(octets: bytes) -> str:
    """Return octets as base64."""
    return base64.b64encode(octets).decode("ascii")
