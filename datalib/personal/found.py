"""What a look for personal data found: kinds, places and counts; never a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was found: a file, or a resource and its column. ``counts`` by kind of identifier."""

    where: str
    column: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was looked at and what was found.

    ``read`` of ``files`` were read, ``bytes`` of them; ``full``: all of these to their end. ``unread`` counts what no
    detector reads, by reason: ``binary`` files, ``binary-column``, ``damaged``, ``link``. ``beyond``: places that are
    not told apart any more.
    """

    full: bool
    files: int
    read: int
    bytes: int
    counts: Mapping[str, int]
    places: tuple[Place, ...]
    beyond: int
    unread: Mapping[str, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in which something was found."""
        return tuple(dict.fromkeys(place.column for place in self.places if place.column))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {
            "full": self.full,
            "files": self.files,
            "read": self.read,
            "bytes": self.bytes,
            "counts": dict(self.counts),
            "places": [
                {"where": place.where, "column": place.column, "counts": dict(place.counts)} for place in self.places
            ],
            "beyond": self.beyond,
            "unread": dict(self.unread),
        }
