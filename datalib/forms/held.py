"""A library as a form sees it: texts in the language of the form.

Nothing is verified here: a form says what the manifest declares, and who hands it in answers for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datalib.interop.known import know, pick
from datalib.rules.case import mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One library; ``library`` is its id, empty for a draft."""

    path: Path
    document: Mapping[str, Any]
    library: str = ""

    @property
    def block(self) -> Mapping[str, Any]:
        """The block ``datalib``."""
        return mapping(self.document["datalib"])

    @property
    def sources(self) -> Sequence[Mapping[str, Any]]:
        """The sources."""
        found: Sequence[Mapping[str, Any]] = self.document["sources"]
        return found

    def text(self, member: str, lang: str) -> str:
        """Give ``title`` or ``description`` in a language, else in another; empty if there is none."""
        return pick(mapping(self.block.get(member)), lang) or str(self.document.get(member) or "")

    def title(self, lang: str) -> str:
        """Give the title, or the name that every library has."""
        return self.text("title", lang) or str(self.document["name"])

    def producer(self, lang: str) -> str:
        """Give the name of the producer."""
        return pick(mapping(mapping(self.block["producer"]).get("name")), lang)


def read(path: Path) -> Held:
    """Read a library or a draft; raises what `know` raises."""
    known = know(path)
    return Held(path=path, document=known.document, library=known.library or "")
