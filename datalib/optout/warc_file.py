"""The web archive (WARC 1.1, ISO 28500:2017) of a fetch: what went over the network, octet for octet.

    FILE.partial   records in the order of arrival; each answer's reach the system before its line in the snapshot
    FILE           the same, once the run is complete

Each record is a gzip member of its own. After one ``warcinfo`` stands, for each answer:

- a ``request`` and a ``response`` for each hop, redirects included. The response of a site that confirms an earlier
  answer (304) is a ``revisit`` with the profile "server not modified" (§6.7.3); a response whose rest was not read,
  since nothing depends on it, has ``WARC-Truncated: length``;
- where a request ended without an answer (no address, no TLS, no answer in time, a body that is spoilt or too long) a
  ``metadata`` record with that request's URL: ``failure: WORD``, a word of ``answers.FAILURES``. What such an answer
  began with is not kept, so that nobody takes it for the whole.

Answers that were taken over from an earlier snapshot made no exchange and stand in the snapshot only.
"""

import gzip
import hashlib
import os
import uuid
import zlib
from base64 import b32encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from datalib import __version__
from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import Answer, stamp
from datalib.optout.exchange import Exchange
from datalib.optout.journal import BATCH, lock, open_partial, partial_of, sync_folder

SUFFIX = ".warc.gz"
_FIELDS = "application/warc-fields"
_UNCHANGED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_HTTP = "application/http; msgtype="
_STANDARD = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
_CHUNK = 1 << 20


class WarcFile:
    """A web archive while it is being written. Made by :func:`open_warc`."""

    def __init__(self, out: Path, file: BinaryIO | None) -> None:
        self._out = out
        self._file = file
        self._unsynced = 0

    def begin(self, moment: str) -> None:
        """Write the record about the file, if it is new."""
        if self._open().tell() == 0:
            about = f"software: datalib/{__version__}\r\nformat: WARC File Format 1.1\r\nconformsTo: {_STANDARD}\r\n"
            self._write([_record("warcinfo", _identity("0", moment), moment, _FIELDS, about.encode())])

    def add(self, answer: Answer, exchanges: Sequence[Exchange]) -> None:
        """Keep what led to an answer. Raises Misuse (E-OUT-EXISTS), OSError."""
        place = str(self._open().tell())
        records = [record for number, one in enumerate(exchanges) for record in _exchanged(one, f"{place} {number}")]
        if isinstance(answer.status, str):
            moment, url = answer.fetched_at or "", answer.origin + answer.path
            block = f"failure: {answer.status}\r\n".encode()
            identity = _identity(place, "metadata", url)
            records.append(_record("metadata", identity, moment, _FIELDS, block, ("WARC-Target-URI", url)))
        self._write(records)

    def finish(self) -> None:
        """Bring everything to the disk and give the file its name."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            partial_of(self._out).replace(self._out)
            sync_folder(self._out.parent)

    def _write(self, records: Sequence[bytes]) -> None:
        file = self._open()
        file.write(b"".join(records))
        file.flush()
        self._unsynced += 1
        if self._unsynced >= BATCH:
            os.fsync(file.fileno())
            self._unsynced = 0

    def _open(self) -> BinaryIO:
        if self._file is None:
            raise Misuse("E-OUT-EXISTS", str(self._out), "an archive is evidence: nothing is added; name another file")
        return self._file


def _exchanged(exchange: Exchange, place: str) -> tuple[bytes, bytes]:
    """Give the records of one hop: what was sent, what came."""
    request, response = (_identity(place, kind, exchange.url) for kind in ("request", "response"))
    where = [("WARC-Target-URI", exchange.url), ("WARC-IP-Address", exchange.address)]
    kind, more = "response", [("WARC-Concurrent-To", request)]
    if exchange.unchanged_since:
        kind = "revisit"
        more += [("WARC-Profile", _UNCHANGED), ("WARC-Refers-To-Target-URI", exchange.url)]
        more += [("WARC-Refers-To-Date", exchange.unchanged_since)]
    if exchange.cut:
        more += [("WARC-Truncated", "length")]
    return (
        _record("request", request, exchange.at, f"{_HTTP}request", exchange.request, *where),
        _record(kind, response, exchange.at, f"{_HTTP}response", exchange.response, *where, *more),
    )


def _identity(*parts: str) -> str:
    """Name a record: by its place in the file and what it is about, no randomness needed."""
    return f"<{uuid.UUID(bytes=hashlib.sha256(chr(0).join(parts).encode()).digest()[:16], version=4).urn}>"


def _record(kind: str, identity: str, moment: str, content: str, block: bytes, *fields: tuple[str, str]) -> bytes:
    digest = b32encode(hashlib.sha256(block).digest()).decode()
    lines = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", identity),
        ("WARC-Date", moment),
        *fields,
        ("WARC-Block-Digest", f"sha256:{digest}"),
        ("Content-Type", content),
        ("Content-Length", str(len(block))),
    ]
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    return gzip.compress(head.encode() + block + b"\r\n\r\n", 6, mtime=0)


@contextmanager
def open_warc(out: Path | None, *, resumed: bool, now: datetime) -> Iterator[WarcFile | None]:
    """Open the archive ``out`` for one process, with what an earlier run left; ``resumed``: that run had answers.

    Raises Misuse (E-USAGE: the name; or an earlier run that wrote no archive; E-OUT-EXISTS), Unchecked (E-IO),
    Refused (E-SITES-FORMAT: the remains of an earlier run).
    """
    if out is None:
        yield None
        return
    if not out.name.endswith(SUFFIX):
        raise Misuse("E-USAGE", str(out), f"the name of an archive ends in {SUFFIX}")
    partial, there = partial_of(out), os.path.lexists(out)
    if there and not resumed:
        raise Misuse("E-OUT-EXISTS", str(out), "an archive is evidence and is not written over; name another file")
    if resumed and not there and not partial.exists():
        raise Misuse("E-USAGE", str(out), "the run that was interrupted wrote no such archive; go on without --warc")
    if there:  # the earlier run was killed between the last two steps: all is asked, the snapshot lacks its name
        yield WarcFile(out, None)
        return
    try:
        with open_partial(partial) as file:
            lock(file, partial)
            file.truncate(_whole(file, partial) if resumed else 0)
            file.seek(0, os.SEEK_END)
            archive = WarcFile(out, file)
            archive.begin(stamp(now))
            yield archive
    except OSError as error:
        raise Unchecked("E-IO", str(error.filename or partial), error.strerror or str(error)) from error


def _whole(file: BinaryIO, path: Path) -> int:
    """Give the length of the gzip members that are whole; a kill can have torn the last one."""
    file.seek(0)
    whole, at, member = 0, 0, zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        while data := file.read(_CHUNK):
            at += len(data)
            out = b""
            while data or len(out) == _CHUNK:
                out = member.decompress(data, _CHUNK)
                data = member.unconsumed_tail
                if member.eof:
                    data, out = member.unused_data, b""
                    whole, member = at - len(data), zlib.decompressobj(16 + zlib.MAX_WBITS)
    except zlib.error as error:
        detail = f"damaged at byte {whole}; remove it and the snapshot's .partial to start anew"
        raise Refused("E-SITES-FORMAT", str(path), detail) from error
    return whole
