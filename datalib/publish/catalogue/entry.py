"""What a catalogue says of one library in its lists, kept in the site as ``entry.json``: also the receipt of its pages.

Texts of others stand here as they were said, cut to a bound; whoever shows them escapes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from datalib.interop import names
from datalib.interop.known import Known, objects_of, strings_of, text_of
from datalib.interop.licences import spdx_of
from datalib.publish.story import Story
from datalib.publish.wording import Wording
from datalib_vocab import LANGUAGES

#: How a library may stand in a list, the best first, by its standing in a report.
STATES: Final = ("accepted", "sound", "declared", "barred", "refused")
_STATE: Final = {
    "accepted": "accepted",
    "vouched": "accepted",
    "partial": "sound",
    "unasked": "sound",
    "draft": "declared",
    "unverified": "declared",
    "barred": "barred",
    "broken": "refused",
}
#: What can be filtered by.
FACETS: Final = ("sector", "producer", "purpose", "language", "licence", "state")
#: What is counted with them.
CODE: Final = "code"
_TEXT: Final = 200  # characters of a text
_MANY: Final = 20  # values of one kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One library in lists.

    ``key`` names its folder in the site. ``state``: one of `STATES`; ``code``: why it is barred or refused. Of one that
    is refused only ``folder`` is known, the name of the folder it came in. ``head``: its last event; ``iri``: its name
    in RDF; ``names`` and ``maker``: by language. Digests: ``place``, where it came from; ``sight``, what its files
    looked like, empty if that cannot be relied on; ``outcome``, what their verification found. Times in seconds since
    1970: ``checked``, when it was verified; ``listed``, when it came; ``changed``, when it changed last in a way that
    readers want to hear of, ``news`` says which.
    """

    key: str
    folder: str
    state: str
    code: str = ""
    head: str = ""
    iri: str = ""
    names: Mapping[str, str]
    producer: str = ""
    maker: Mapping[str, str]
    sector: str = ""
    purposes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    withdrawn: bool = False
    place: str = ""
    sight: str = ""
    outcome: str = ""
    checked: int = 0
    listed: int = 0
    changed: int = 0
    news: str = ""

    def serialise(self) -> bytes:
        """Give the bytes of ``entry.json``, one line."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)}).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Read ``entry.json``; ``None`` for what is of another form, so that the library is done anew."""
        try:
            value: dict[str, Any] = json.loads(data)
            if not all(_fits(value[one.name], one.type) for one in fields(cls)):
                return None
            held: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
            return cls(**held)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def values(self, facet: str) -> tuple[str, ...]:
        """Give what stands under one of `FACETS`, or `CODE`."""
        found = {
            "sector": (self.sector,),
            "producer": (self.producer,),
            "purpose": self.purposes,
            "language": self.languages,
            "licence": self.licences,
            "state": (self.state,),
            CODE: (self.code,),
        }[facet]
        return tuple(one for one in found if one)


def of(story: Story, key: str, folder: str) -> Entry:
    """Make the entry of a library of which is told; what the site adds (times, digests, news) is left empty."""
    report, told = story.report, story.told
    state = _STATE[story.standing]
    if told is None:
        code = report.integrity.code if report else ""
        return Entry(key=key, folder=_cut(folder), state=state, code=code, names={}, maker={})
    known = told.known
    sector = known.block.get("sector")
    return Entry(
        key=key,
        folder=_cut(folder),
        state=state,
        code=report.gate.code if state == "barred" and report and report.gate else "",
        head=known.past.head.id if known.past else "",
        iri=str(names.library(known)),
        names={lang: _cut(Wording(lang=lang).title(known.manifest)) for lang in LANGUAGES},
        producer=_cut(known.manifest.producer.id),
        maker={lang: _maker(known, lang) for lang in LANGUAGES},
        sector=_cut(sector) if isinstance(sector, str) else "",
        purposes=_several(known.manifest.purpose),
        languages=_several(strings_of(known.block, "languages")),
        licences=_several(filter(None, map(_licence, objects_of(known.document, "licenses")))),
        keywords=_several(strings_of(known.document, "keywords")),
        withdrawn=known.past is not None and known.past.state.withdrawn,
    )


def unread(key: str, folder: str, code: str) -> Entry:
    """Make the entry of a library that could not be read, which is no better than one that is refused."""
    return Entry(key=key, folder=_cut(folder), state="refused", code=code, names={}, maker={})


def _fits(value: Any, kind: Any) -> bool:
    """Tell whether a value of JSON is one that a member of that type may have."""
    if kind == Mapping[str, str]:
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if kind == tuple[str, ...]:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return type(value) is kind


def _cut(text: str) -> str:
    return " ".join(text[:_TEXT].split()).encode("utf-8", "replace").decode()


def _several(texts: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_cut(one) for one in texts))[:_MANY]


def _maker(known: Known, lang: str) -> str:
    producer = known.manifest.producer
    return _cut(Wording(lang=lang).choose(producer.name)[0] or producer.id)


def _licence(value: Mapping[str, Any]) -> str | None:
    said = [found for member in ("name", "path", "title") if (found := text_of(value, member))]
    return next((spdx for one in said if (spdx := spdx_of(one))), said[0] if said else None)
