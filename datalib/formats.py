"""Small texts with a form and a code of their own: times, digests, base64.

Source: datalib trust specification §3, rules C10 to C12.
"""

import binascii
import hashlib
import re
from datetime import UTC, datetime

from datalib.errors import Refused

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # without a zone, like what it is taken from: UTC both


def parse_time(text: str, where: str = "") -> int:
    """Read ``YYYY-MM-DDThh:mm:ssZ`` as seconds since 1970 in UTC; else ``E-TIME-FORMAT``. Leap seconds do not exist."""
    if _TIME.fullmatch(text):
        # Long chains are full of times; this is a third of what it takes to convert the six numbers one by one.
        try:
            elapsed = datetime.fromisoformat(text[:-1]) - _EPOCH
        except ValueError:
            pass
        else:
            return elapsed.days * 86_400 + elapsed.seconds
    raise Refused("E-TIME-FORMAT", where, f"{text[:40]!r} is no time like 2026-09-23T14:13:20Z")


def format_time(seconds: int) -> str:
    """Write seconds since 1970 in UTC as ``YYYY-MM-DDThh:mm:ssZ``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%04Y-%m-%dT%H:%M:%SZ")


def check_digest(text: str, where: str = "") -> str:
    """Give back a SHA-256 digest of 64 characters ``0-9a-f``; else ``E-DIGEST-FORMAT``."""
    if _DIGEST.fullmatch(text):
        return text
    raise Refused("E-DIGEST-FORMAT", where, f"{text[:80]!r} is not 64 characters 0-9a-f")


def decode_base64(text: str, code: str, where: str = "") -> bytes:
    """Decode RFC 4648 §4 base64, padded and canonical: one spelling for one content; else ``code``."""
    try:
        # Strict mode refuses foreign characters and wrong padding, but not bits behind the end of the content.
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise Refused(code, where, f"not base64: {error}") from error
    # Only the last four characters can have such bits.
    last = len(data) % 3 or 3
    if binascii.b2a_base64(data[-last:], newline=False).decode() != text[-4:]:
        raise Refused(code, where, "base64 with bits behind the end of the content")
    return data


def encode_base64(data: bytes) -> str:
    """Write bytes as RFC 4648 §4 base64."""
    return binascii.b2a_base64(data, newline=False).decode()


def sha256_hex(data: bytes) -> str:
    """Name bytes by their SHA-256 digest."""
    return hashlib.sha256(data).hexdigest()
