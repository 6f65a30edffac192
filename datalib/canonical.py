"""Strict JSON in, RFC 8785 bytes out.

    parse(data)             rules C1 to C7: one spelling-independent value, or a refusal that says which rule failed
    parse_canonical(data)   C8 too: the bytes are the RFC 8785 form of the value
    canonical(value)        the RFC 8785 form, for signing, hashing and comparing

A number that is integral becomes an ``int``, however it is spelt (``3.0``, ``2.0e1``): so a reader that wants an
integer asks for an ``int``. Source: datalib trust specification §3; RFC 8259; RFC 8785.
"""

import json
import re
from collections import Counter
from typing import Any, NoReturn

from datalib.errors import Refused
from datalib.repeating import repeated

#: Integers beyond this lose digits in the many readers that keep numbers as IEEE 754 doubles (RFC 8785 §3.2.2.3).
MAX_INTEGER = 2**53 - 1
#: ``-`` and 16 digits hold every allowed integer; longer literals are refused unread, they cost quadratic time.
MAX_INTEGER_CHARACTERS = 17
MAX_DEPTH = 32

_BOM = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"' + repeated(rb'[^"\\]++|\\.') + rb'(?:"|\Z)', re.DOTALL)
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
#: First bytes of the characters beyond the Basic Multilingual Plane in UTF-8.
_BEYOND_BMP = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")


class _NotPlainError(Exception):
    """A number with fraction or exponent: Python spells it otherwise than RFC 8785 does."""


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER_CHARACTERS or not -MAX_INTEGER <= (value := int(literal)) <= MAX_INTEGER:
        raise Refused("E-JSON-INT", "", f"integer of {len(literal)} characters is beyond 2^53-1")
    return value


def _number(literal: str) -> int | float:
    value = float(literal)
    if value in {float("inf"), float("-inf")}:
        raise Refused("E-JSON-NAN", "", f"number {literal[:40]} overflows")
    return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value


def _not_plain(_literal: str) -> NoReturn:
    raise _NotPlainError


def _constant(literal: str) -> NoReturn:
    raise Refused("E-JSON-NAN", "", f"{literal} is no JSON number")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise Refused("E-JSON-DUPKEY", "", f"member {name!r} occurs more than once")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
_PLAIN_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_not_plain, parse_constant=_constant
)
_PLAIN_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def parse(data: bytes, *, limit: int, where: str = "") -> dict[str, Any]:
    """Read one JSON object of at most ``limit`` bytes.

    Raises ``Refused`` with ``E-JSON-SIZE``, ``-BOM``, ``-UTF8``, ``-DEPTH``, ``-SYNTAX``, ``-DUPKEY``, ``-NAN``,
    ``-INT``, ``-SURROGATE``, or ``E-SCHEMA`` for a value that is no object.
    """
    return _object(_decode(_text(data, limit, where), _DECODER, where), where)


def parse_canonical(data: bytes, *, limit: int, where: str = "") -> dict[str, Any]:
    """Read one JSON object whose bytes are its RFC 8785 form (C8), else ``E-JSON-NONCANONICAL``."""
    text = _text(data, limit, where)
    try:
        value = _object(_decode(text, _PLAIN_DECODER, where), where)
    except _NotPlainError:
        value = _object(_decode(text, _DECODER, where), where)
        form = canonical(value)
    else:
        # The standard encoder in C writes what RFC 8785 asks for, save numbers with a fraction, which are not here, and
        # the order of names beyond the Basic Multilingual Plane, which UTF-16 puts elsewhere.
        special = any(lead in data for lead in _BEYOND_BMP)
        form = canonical(value) if special else _PLAIN_ENCODER.encode(value).encode()
    if form != data:
        raise Refused("E-JSON-NONCANONICAL", where, "the bytes are not the RFC 8785 form of the value")
    return value


def canonical(value: object) -> bytes:
    """Write a JSON value in the form of RFC 8785 (JCS).

    Raises ``Refused``: ``E-JSON-SURROGATE`` for a text that is no Unicode, ``E-JSON-NAN``, ``E-JSON-INT``,
    ``E-JSON-DEPTH`` for what no document could hold, ``E-SCHEMA`` for what is no JSON value at all.
    """
    import rfc8785

    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # what is no JSON value is refused below
    except rfc8785.IntegerDomainError as error:
        raise Refused("E-JSON-INT", "", str(error)) from error
    except rfc8785.FloatDomainError as error:
        raise Refused("E-JSON-NAN", "", str(error)) from error
    except UnicodeEncodeError as error:
        raise Refused("E-JSON-SURROGATE", "", "a member name holds a lone surrogate") from error
    except rfc8785.CanonicalizationError as error:
        code = "E-JSON-SURROGATE" if isinstance(error.__cause__, UnicodeEncodeError) else "E-SCHEMA"
        raise Refused(code, "", str(error)) from error
    except RecursionError as error:
        raise Refused("E-JSON-DEPTH", "", "the value is nested too deep") from error


def _text(data: bytes, limit: int, where: str) -> str:
    if len(data) > limit:
        raise Refused("E-JSON-SIZE", where, f"{len(data)} bytes, at most {limit}")
    if data.startswith(_BOM):
        raise Refused("E-JSON-BOM", where, "a byte-order mark stands before the text")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Refused("E-JSON-UTF8", where, f"byte {error.start}: {error.reason}") from error
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth_exceeds(data, MAX_DEPTH):
        raise Refused("E-JSON-DEPTH", where, f"nested deeper than {MAX_DEPTH}")
    return text


def _depth_exceeds(data: bytes, limit: int) -> bool:
    """Scan before the parser runs: a parser follows brackets with its stack.

    Up to the first syntax error this scan and a parser agree on what is text; after it a parser does not go.
    """
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            return True
    return False


def _decode(text: str, decoder: json.JSONDecoder, where: str) -> Any:
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise Refused("E-JSON-SYNTAX", where, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except Refused as error:
        raise Refused(error.code, where, error.detail) from error
    if _SURROGATE_ESCAPE.search(text):
        try:
            _PLAIN_ENCODER.encode(value).encode()
        except UnicodeEncodeError as error:
            raise Refused("E-JSON-SURROGATE", where, "a text holds a lone surrogate") from error
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("E-SCHEMA", where, "the outermost value is not an object")
    return value
