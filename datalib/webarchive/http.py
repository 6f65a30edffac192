"""Stored HTTP responses: status, header lines, and the body with its codings undone (RFC 9110, RFC 9112)."""

import re
import zlib
from typing import Final, NamedTuple

#: A body that is larger when its codings are undone is not read; nor are more codings undone.
MAX_BODY: Final = 64 << 20
_MAX_CODINGS: Final = 4

_STATUS: Final = re.compile(rb"(?:HTTP/\d(?:\.\d)?|ICY)[ \t]+(\d{3})(?:[ \t\r]|$)")
_CHUNK: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_GZIP: Final = b"\x1f\x8b"
_NOTHING: Final = frozenset({"", "identity", "none"})
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_WORDS: Final = re.compile(r"[\s,]+")


class BodyError(Exception):
    """The codings of a body cannot be undone. ``large``: it is more than what is read."""

    def __init__(self, detail: str, *, large: bool = False) -> None:
        super().__init__(detail)
        self.large = large


class Response(NamedTuple):
    """A response as it was stored. ``head`` are the bytes of the header block, ``body`` those of the body.

    ``lines`` are its header lines, repeated ones apart; ``named`` the values by names in lower case, repeated ones
    joined by commas (RFC 9110 §5.3).
    """

    status: int
    lines: tuple[tuple[str, str], ...]
    named: dict[str, str]
    head: bytes
    body: bytes


def read_response(block: bytes) -> Response | None:
    """Read a response; None where its header block is none. A header line that is none makes it so."""
    first = block.find(b"\n")
    found = _STATUS.match(block, 0, first if first >= 0 else len(block))
    if not found:
        return None
    mark = b"\r\n\r\n" if block[first - 1 : first] == b"\r" else b"\n\n"
    end = block.find(mark)
    other = block.find(b"\n\r\n" if mark == b"\n\n" else b"\n\n", 0, end if end >= 0 else len(block))
    if other >= 0:  # line ends of two kinds
        end, mark = other, b"\n\r\n" if block.startswith(b"\n\r\n", other) else b"\n\n"
    head, body = (block, b"") if end < 0 else (block[:end], block[end + len(mark) :])
    lines = _lines(head)
    if lines is None:
        return None
    named: dict[str, str] = {}
    for name, value in lines:
        known = name.lower()
        named[known] = f"{named[known]}, {value}" if known in named else value
    return Response(int(found[1]), lines, named, head, body)


def _lines(head: bytes) -> tuple[tuple[str, str], ...] | None:
    """Read the lines behind the status line, repeated ones apart; octets beyond ASCII stand for themselves."""
    lines: list[tuple[str, str]] = []
    for line in head.decode("latin-1").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if line[:1] in {" ", "\t"} and lines:  # folded: RFC 9112 §5.2
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        elif colon:
            lines.append((name.strip(), value.strip()))
        elif line.strip():
            return None
    return tuple(lines)


def body_of(response: Response) -> bytes:
    """Undo the transfer and content codings of a body.

    Crawlers may have done so before they stored it, leaving the header: a body that does not begin as the coding does
    is taken as it is. Raises BodyError.
    """
    body, named = response.body, response.named
    transfer = _codings(named.get("transfer-encoding", ""))
    length = named.get("content-length", "")
    if not body:
        return body
    if "chunked" in transfer:
        transfer.remove("chunked")
        body = _dechunked(body)
    elif _LENGTH.fullmatch(length) and len(body) < int(length):
        raise BodyError("shorter than its announced length")
    codings = [*_codings(named.get("content-encoding", "")), *transfer]
    if len(codings) > _MAX_CODINGS:
        raise BodyError("too many codings")
    for coding in reversed(codings):
        body = _undone(body, coding)
    return body


def _codings(value: str) -> list[str]:
    return [coding for coding in _WORDS.split(value.lower()) if coding not in _NOTHING] if value else []


def _dechunked(body: bytes) -> bytes:
    """Put chunks together (RFC 9112 §7.1). What does not begin with the size of a chunk is no chunks."""
    found = _CHUNK.match(body)
    if found is None:
        return body
    parts: list[bytes] = []
    while found is not None:
        size, start = int(found[1], 16), found.end()
        if not size:
            return b"".join(parts)
        end = start + size
        if end > len(body):
            raise BodyError("ends within a chunk")
        parts.append(body[start:end])
        line_end = 2 if body.startswith(b"\r\n", end) else 1 if body.startswith(b"\n", end) else 0
        found = _CHUNK.match(body, end + line_end) if line_end else None
    raise BodyError("chunks that do not follow one another")


def _undone(body: bytes, coding: str) -> bytes:
    if coding in {"gzip", "x-gzip"}:
        return _inflated(body, zlib.MAX_WBITS | 16) if body.startswith(_GZIP) else body
    if coding == "deflate":  # RFC 9110 means zlib, and some servers send it bare
        try:
            return _inflated(body, zlib.MAX_WBITS)
        except BodyError as error:
            if error.large:
                raise
            return _inflated(body, -zlib.MAX_WBITS)
    if coding in {"br", "zstd"}:
        return _by_arrow(body, {"br": "brotli"}.get(coding, coding))
    raise BodyError(f"an unknown coding: {coding[:40]}")


def _inflated(data: bytes, form: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data:
        inflate = zlib.decompressobj(form)
        try:
            parts.append(inflate.decompress(data, MAX_BODY - size + 1))
        except zlib.error as error:
            raise BodyError(str(error)) from None
        size += len(parts[-1])
        if size > MAX_BODY:
            raise BodyError("too large", large=True)
        if not inflate.eof:
            raise BodyError("ends within its coding")
        data = inflate.unused_data if form > zlib.MAX_WBITS and inflate.unused_data.startswith(_GZIP) else b""
    return b"".join(parts)


def _by_arrow(data: bytes, codec: str) -> bytes:
    import pyarrow as pa

    parts: list[bytes] = []
    size = 0
    try:
        stream = pa.CompressedInputStream(pa.BufferReader(data), codec)
        while size <= MAX_BODY and (part := stream.read(1 << 20)):
            parts.append(part)
            size += len(part)
    except (pa.ArrowException, OSError) as error:
        raise BodyError(str(error).partition("\n")[0]) from None
    if size > MAX_BODY:
        raise BodyError("too large", large=True)
    return b"".join(parts)
