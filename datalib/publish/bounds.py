"""How much of a page each list may take, so that the report about any library stays below ``PAGE`` bytes.

Numbers of rows are for readers. Bytes are for what others write: a text of a manifest may be 2,000 characters long, and
a character may take ten bytes once it is escaped. What is left out is counted on the page, and where it stands is said.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from datalib.publish.markup import Markup

#: In bytes. All lists below together leave room for what is no list; the test of the loudest library holds them to it.
PAGE: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """At most so many rows, in at most so many bytes of the page; ``rest``: the file or command that has all."""

    rows: int
    room: int
    rest: str = ""


_MANIFEST: Final = "datapackage.json"
_CHECK: Final = "datalib check"

PURPOSES: Final = Bound(rows=500, room=20_000, rest=_MANIFEST)
LICENCES: Final = Bound(rows=500, room=15_000, rest=_MANIFEST)
LANGUAGES: Final = Bound(rows=500, room=10_000, rest=_MANIFEST)
EVENTS: Final = Bound(rows=500, room=200_000, rest="chain.jsonl")
#: Hand-overs that are drawn; the time line has more.
STEPS: Final = 50
#: Libraries that are drawn, with their lines.
DRAWN: Final = Bound(rows=2000, room=400_000)
LIBRARIES: Final = Bound(rows=1000, room=700_000, rest="upstream/")
SOURCES: Final = Bound(rows=500, room=200_000, rest=_MANIFEST)
#: Bars of one chart; there are four of each scan, and two scans.
BARS: Final = Bound(rows=40, room=10_000, rest="scan.json")
FINDINGS: Final = Bound(rows=500, room=120_000, rest=_CHECK)
#: Places where one rule is broken.
PLACES: Final = Bound(rows=20, room=15_000, rest=_CHECK)
UNASKED: Final = Bound(rows=500, room=20_000, rest=_CHECK)
WAIVED: Final = Bound(rows=200, room=20_000, rest=_CHECK)
DEADLINES: Final = Bound(rows=200, room=30_000, rest=_CHECK)
FOUND: Final = Bound(rows=50, room=20_000, rest="datalib check --look")
PROFILES: Final = Bound(rows=50, room=10_000, rest=_CHECK)
#: Lists that their writer bounds.
ALL: Final = Bound(rows=sys.maxsize, room=sys.maxsize)
#: Lists of our own words.
OWN: Final = Bound(rows=500, room=20_000)


def fitting(items: Iterable[Markup], bound: Bound) -> list[Markup]:
    """Take items as long as there is room for them."""
    kept, used = list[Markup](), 0
    for item in items:
        used += len(item.encode())
        if len(kept) == bound.rows or used > bound.room:
            break
        kept.append(item)
    return kept
