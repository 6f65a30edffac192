"""The headers of records: of WARC (ISO 28500 §4, §5), lenient in how they are written, and of ARC."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

NO_FIELDS: Final[Mapping[bytes, bytes]] = MappingProxyType({})
_BLANK: Final = frozenset({b" ", b"\t"})
_ONCE: Final = frozenset({b"content-length", b"warc-type", b"warc-target-uri"})
_DATE: Final = re.compile(rb"\d{8,20}")
_DIGITS: Final = re.compile(rb"\d{1,18}")
_ARC_FIELDS: Final = 5
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")


class Head(NamedTuple):
    """A header of a record, as far as it can be read. ``length`` is None where it cannot be told."""

    kind: str = ""
    url: str = ""
    date: str = ""
    fields: Mapping[bytes, bytes] = NO_FIELDS
    length: int | None = None


def warc_head(text: bytes) -> Head:
    """Read the header of a WARC record. Of a field that stands twice, the first counts; two lengths are none."""
    fields, sure = _plain_fields(text), True
    if fields is None:
        fields, sure = _odd_fields(text)
    length = fields.get(b"content-length", b"").strip()
    return Head(
        fields.get(b"warc-type", b"").decode("latin-1").strip().lower(),
        _text(fields.get(b"warc-target-uri", b"").strip().removeprefix(b"<").removesuffix(b">")),
        _text(fields.get(b"warc-date", b"")),
        fields,
        int(length) if sure and _DIGITS.fullmatch(length) else None,
    )


def _plain_fields(text: bytes) -> dict[bytes, bytes] | None:
    """Read header fields as nearly all are written; None where they are written otherwise."""
    if b"\r\n " in text or b"\r\n\t" in text or b" :" in text or b"\t" in text:
        return None
    lines = text.split(b"\r\n")
    if text.count(b"\n") != len(lines) - 1:
        return None
    try:
        fields = {name.lower(): value for name, value in [line.split(b": ", 1) for line in lines[1:]]}
    except ValueError:
        return None
    return fields if len(fields) == len(lines) - 1 else None


def _odd_fields(text: bytes) -> tuple[dict[bytes, bytes], bool]:
    """Read header fields however they are written; say whether they are without doubt."""
    fields: dict[bytes, bytes] = {}
    sure = True
    name = b""
    for line in text.split(b"\n")[1:]:
        before = name
        name, colon, value = line.partition(b":")
        name = name.rstrip().lower()
        if colon and name not in fields and name[:1] not in _BLANK:
            fields[name] = value.strip()
        elif line[:1] in _BLANK and before in fields:
            name = before
            fields[name] += b" " + line.strip()
        else:
            sure = sure and bool(colon) and (name not in _ONCE or fields.get(name) == value.strip())
    return fields, sure


def arc_head(line: bytes) -> Head | None:
    """Read the line before a record of ARC: URL, address, date, type, and in version 2 more; at the end the length."""
    parts = line.rstrip(b"\r").split(b" ")
    if len(parts) < _ARC_FIELDS or not _SCHEME.match(parts[0]):
        return None
    dated = next((at for at in (len(parts) - 3, len(parts) - 8) if at > 1 and _DATE.fullmatch(parts[at])), None)
    if dated is None:
        return None
    length = parts[-1]
    url = b" ".join(parts[: dated - 1])
    return Head(
        kind="warcinfo" if url.startswith(b"filedesc:") else "response",
        url=_text(url),
        date=_text(parts[dated]),
        length=int(length) if _DIGITS.fullmatch(length) else None,
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
