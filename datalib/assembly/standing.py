"""What an assembly starts from: the library as it stands, and the inputs that were verified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datalib import unverified
from datalib.assembly.request import Wish
from datalib.assembly.upstream import Copy, read_copies
from datalib.chain import links
from datalib.errors import Refused
from datalib.library import describe
from datalib.library import manifest as manifests
from datalib.library.manifest import Input, Manifest
from datalib.library.store import Folder
from datalib.verify import Facts


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The library as it stands before: nothing, a draft, or a signed one with its last signed manifest."""

    path: Path
    document: Mapping[str, Any] = field(default_factory=dict)
    library: str | None = None
    manifest: Manifest | None = None
    copies: Mapping[str, Copy] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that the library was signed with."""
        return self.manifest.inputs if self.manifest else ()


@dataclass(frozen=True, kw_only=True)
class Given:
    """An input that was verified: what was asked, its facts, the chains it carries."""

    wish: Wish
    facts: Facts
    copies: Mapping[str, Copy]


def standing(path: Path) -> Standing:
    """Look at the folder that is to become, or is, the assembled library.

    Raises ``Refused``: ``E-CHAIN-AFTER-WITHDRAW`` for one that was withdrawn, the codes of its chain and manifest.
    """
    if not path.exists():
        return Standing(path=path)
    with Folder(path) as folder:
        found = describe.load(folder)
        document = found.document if found else {}
        if not folder.exists(links.NAME):
            return Standing(path=path, document=document)
        past = unverified.record(folder)
        if past.state.withdrawn:
            raise Refused("E-CHAIN-AFTER-WITHDRAW", f"{path}/{links.NAME}")
        signed = manifests.parse(unverified.version(folder, past.state.manifest))
    return Standing(
        path=path, document=document, library=past.library, manifest=signed, copies=read_copies(path, own=False)
    )
