"""As much DER (X.690) as tells the type of a public key."""

from datalib.errors import Refused

_SEQUENCE = 0x30
_OBJECT_IDENTIFIER = 0x06
_BIT_STRING = 0x03
_LONG_FORM = 0x80


def public_key_type(der: bytes, where: str = "") -> tuple[bytes, bytes]:
    """Give algorithm identifier and its parameters, both encoded, of a SubjectPublicKeyInfo (RFC 5280 §4.1).

    Raises ``Refused("E-KEY-ENCODING")`` if the bytes are something else, or more than that.
    """
    body, rest = _take(der, _SEQUENCE, where)
    algorithm, key = _take(body, _SEQUENCE, where)
    oid, parameters = _take(algorithm, _OBJECT_IDENTIFIER, where)
    _, beyond = _take(key, _BIT_STRING, where)
    if rest or beyond:
        raise Refused("E-KEY-ENCODING", where, "bytes after the key")
    return oid, parameters


def _take(data: bytes, tag: int, where: str) -> tuple[bytes, bytes]:
    """Split off the content of the first element."""
    if len(data) >= 2 and data[0] == tag:  # noqa: PLR2004  # tag and length
        start, length = 2, data[1]
        if length >= _LONG_FORM:
            count = length - _LONG_FORM
            start, length = 2 + count, int.from_bytes(data[2 : 2 + count], "big")
            shortest = max(1, (length.bit_length() + 7) // 8)
            if count != shortest or length < _LONG_FORM:
                raise Refused("E-KEY-ENCODING", where, "a length is not in its shortest form")
        if start + length <= len(data):
            return data[start : start + length], data[start + length :]
    raise Refused("E-KEY-ENCODING", where, "not a SubjectPublicKeyInfo")
