"""What stands in the log of a registry: events, heads, policies; digests only, no names and no envelopes.

    {"event":<id>,"lib":<library>,"prev":<id or null>,"seq":<n>}     an event was admitted
    {"at":<own index>,"heads":<root>,"size":<n>}                     the heads of all libraries at a publication
    {"policy":<sha256>,"version":<n>}                                a policy was in force

Each is in the form of RFC 8785, of which there is one spelling: so a pattern reads it, and no JSON parser is needed.
Source: datalib trust specification §9.
"""

import re
from dataclasses import dataclass

from datalib.canonical import MAX_INTEGER
from datalib.errors import Refused

CODE = "E-LOG-ENTRY"
_DIGEST, _NUMBER = rb'"([0-9a-f]{64})"', rb"(0|[1-9][0-9]{0,15})"
_EVENT = re.compile(rb'\{"event":%b,"lib":%b,"prev":(?:%b|null),"seq":%b\}' % (*[_DIGEST] * 3, _NUMBER))
_HEADS = re.compile(rb'\{"at":%b,"heads":%b,"size":%b\}' % (_NUMBER, _DIGEST, _NUMBER))
_POLICY = re.compile(rb'\{"policy":%b,"version":%b\}' % (_DIGEST, _NUMBER))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEntry:
    """An event of a library: its id, that of the event before it (``None`` at genesis), its position."""

    event: str
    lib: str
    prev: str | None
    seq: int

    def serialise(self) -> bytes:
        """Write the entry."""
        prev = "null" if self.prev is None else f'"{self.prev}"'
        return f'{{"event":"{self.event}","lib":"{self.lib}","prev":{prev},"seq":{self.seq}}}'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadsEntry:
    """The root of the heads of ``size`` libraries; ``at`` is the index of this entry itself."""

    at: int
    heads: str
    size: int

    def serialise(self) -> bytes:
        """Write the entry."""
        return f'{{"at":{self.at},"heads":"{self.heads}","size":{self.size}}}'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """A policy: the SHA-256 of its payload, its version."""

    policy: str
    version: int

    def serialise(self) -> bytes:
        """Write the entry."""
        return f'{{"policy":"{self.policy}","version":{self.version}}}'.encode()


Entry = EventEntry | HeadsEntry | PolicyEntry


def parse(data: bytes, where: str = "") -> Entry:
    """Read an entry; ``E-LOG-ENTRY`` for anything else, another spelling included."""
    if match := _EVENT.fullmatch(data):
        event, lib, prev, seq = match.groups()
        before = prev.decode() if prev else None
        return EventEntry(event=event.decode(), lib=lib.decode(), prev=before, seq=_integer(seq, where))
    if match := _HEADS.fullmatch(data):
        at, heads, size = match.groups()
        return HeadsEntry(at=_integer(at, where), heads=heads.decode(), size=_integer(size, where))
    if match := _POLICY.fullmatch(data):
        policy, version = match.groups()
        return PolicyEntry(policy=policy.decode(), version=_integer(version, where))
    raise Refused(CODE, where, "neither an event, nor heads, nor a policy")


def _integer(literal: bytes, where: str) -> int:
    if (value := int(literal)) > MAX_INTEGER:
        raise Refused(CODE, where, "an integer beyond 2^53-1")
    return value
