"""What every importer makes: a draft descriptor, which `init` completes, and a list of what was lost on the way.

A foreign description is nobody's signed statement. What it says becomes a draft that its producer reads, completes and
signs; who is the producer and what the purposes are, only they can say.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from datalib.interop.known import lost
from datalib.library import paths
from datalib.library.mediatypes import mediatype_of
from datalib.library.names import slug, unique
from datalib.library.upgrade import PROFILE, Note

#: Most parts (files, sources, people) that are taken over from one description.
MAX_PARTS: Final = 1000
_PATTERN: Final = re.compile(r"[*?\[\]{}]")


class Draft:
    """A descriptor in the making. ``block`` is its block ``datalib``, ``notes`` say what was lost."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.block: dict[str, Any] = {}
        self.notes: list[Note] = []
        self._members: dict[str, Any] = {}
        self._resources: list[dict[str, Any]] = []
        self._sources: list[dict[str, Any]] = []
        self._people: list[dict[str, Any]] = []
        self._taken: set[str] = set()

    def set(self, member: str, value: Any) -> None:
        """Say a member, unless there is nothing to say."""
        if value:
            self._members[member] = value

    def lose(self, member: str, detail: str) -> None:
        """Say what was lost."""
        self.notes.append(lost(f"{self.where}#/{member}", detail))

    def add_source(self, title: str, **more: Any) -> None:
        """Name a source, once."""
        source = {"title": title[:2000], **{member: value for member, value in more.items() if value}}
        if source not in self._sources and self._room(self._sources, "sources"):
            self._sources.append(source)

    def add_person(self, title: str, role: str, **more: Any) -> None:
        """Name a contributor; the roles of the same person are joined."""
        for person in self._people:
            if person["title"] == title:
                person["roles"] = sorted({*person["roles"], role})
                return
        if self._room(self._people, "contributors"):
            said = {member: value for member, value in more.items() if value}
            self._people.append({"title": title, "roles": [role], **said})

    def add_resource(self, resource: Mapping[str, Any]) -> dict[str, Any] | None:
        """Describe a file that will lie in the folder; gives the resource, whose name may be another now."""
        if not self._room(self._resources, "resources"):
            return None
        known = next((each for each in self._resources if each["path"] == resource["path"]), None)
        if known is not None:
            return known
        own = {**resource, "name": unique(slug(str(resource["name"])), self._taken)}
        self._resources.append(own)
        return own

    def _room(self, parts: list[dict[str, Any]], called: str) -> bool:
        if len(parts) < MAX_PARTS:
            return True
        if not any(note.where.endswith(f"#/{called}") for note in self.notes):
            self.lose(called, f"more than {MAX_PARTS}: the rest was not read")
        return False

    def document(self) -> dict[str, Any]:
        """Give the descriptor."""
        parts = {"contributors": self._people, "sources": self._sources}
        said = {member: value for member, value in parts.items() if value}
        block = {"datalib": self.block} if self.block else {}
        return {"$schema": PROFILE, **self._members, **said, "resources": self._resources, **block}


def is_local(path: str) -> bool:
    """Tell whether a path names one file below the folder: no URL, no pattern, nothing that a library refuses."""
    return "://" not in path and not _PATTERN.search(path) and paths.fault(path.removeprefix("./")) is None


def as_pattern(path: str) -> str:
    """Write a path so that a pattern means just it."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def named_by(pattern: str) -> str | None:
    """Give the one local path that a pattern means, as `as_pattern` writes it; ``None`` for an address or many."""
    rest = pattern.replace("[[]", "")
    rest = rest if "[" in rest else rest.replace("]", "")  # with nothing open it closes nothing
    path = pattern.replace("[[]", "[")
    return path if is_local(rest) and paths.fault(path.removeprefix("./")) is None else None


def table_resource(name: str, path: str) -> dict[str, Any]:
    """Describe a file by its path."""
    path = path.removeprefix("./")
    ending = path.rpartition(".")[2].lower()
    return {"name": name, "path": path, "format": ending, "mediatype": mediatype_of(path)}
