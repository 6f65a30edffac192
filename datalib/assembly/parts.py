"""The inputs of an assembly, one by one: at which event, in which mode, below which prefix, which of their files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from datalib.assembly import joining, scanned
from datalib.assembly.placing import former_lines, prefixed
from datalib.assembly.request import (
    DERIVED,
    SUBSET,
    VERBATIM,
    Order,
    Pattern,
    Wish,
    as_prefix,
    patterns_below,
)
from datalib.assembly.scanned import Record, Scanned
from datalib.assembly.standing import Given, Standing
from datalib.assembly.upstream import Supply
from datalib.errors import Misuse, Refused
from datalib.library import listing
from datalib.library.listing import Line
from datalib.library.manifest import Input, Manifest
from datalib.library.paths import fold, to_bytes
from datalib.library.store import Folder


class Change(StrEnum):
    """What becomes of an input."""

    NEW = "new"
    MOVED = "moved"
    SAME = "same"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One input of the assembled library; ``folder`` is ``None`` if it is not touched this time.

    ``files``, ``bytes``: how many are taken; ``described``: those that resources of the input name; ``lacking``: the
    purposes that the input does not grant; ``instead``: the prefix that it would have, were it not another's.
    ``scanned``: the scan that chose what is taken, ``rows`` the files that it wrote, if these are taken; ``record``:
    what the manifest keeps of the scan, or of an earlier one.
    """

    name: str
    item: Input
    change: Change
    manifest: Manifest
    folder: Path | None = None
    choose: Callable[[str], bool] | None = None
    files: int = 0
    bytes: int = 0
    described: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()
    instead: str = ""
    scanned: Scanned | None = None
    rows: tuple[Line, ...] = ()
    record: Record | None = None

    @property
    def placed(self) -> bool:
        """Whether what lies below its prefix is put there by assemblies: not if it is of one's own making."""
        return self.item.prefix is not None and (self.item.mode != DERIVED or self.record is not None)

    @property
    def source(self) -> Path | None:
        """The folder that is copied from, ``None`` if nothing is."""
        if self.item.mode != DERIVED:
            return self.folder
        return self.scanned.out / scanned.FOLDER if self.scanned and self.rows else None

    def lines(self) -> Iterator[Line]:
        """Yield the lines that are taken, by their paths in the new library."""
        if self.source is None or self.folder is None or self.item.prefix is None:
            return
        if self.item.mode == DERIVED:
            yield from prefixed(self.rows, self.item.prefix)
            return
        with Folder(self.folder) as folder:
            theirs = listing.lines(folder, sha256=self.manifest.bound.sha256)
            for line in prefixed(theirs, self.item.prefix):
                if self.choose is None or self.choose(line.path):
                    yield line


class Parts:
    """Makes the inputs of the library that is assembled."""

    def __init__(self, order: Order, before: Standing, supply: Supply, purposes: Sequence[str]) -> None:
        self._order = order
        self._before = before
        self._supply = supply
        self._purposes = purposes
        self._joined = joining.named(order)
        named = [wish.prefix for wish in order.inputs] + [item.prefix for item in before.inputs]
        self._prefixes = {fold(prefix) for prefix in named if prefix}
        self._records = {(record.prefix, record.lib): record for record in scanned.records(before.document)}

    def all(self, given: Sequence[Given]) -> tuple[Part, ...]:
        """Give all inputs: former ones where they stood, then new ones in the order asked for."""
        asked: dict[str, list[Part]] = {}
        for each in given:
            asked.setdefault(each.facts.library, []).append(self._moved(each))
        parts: list[Part] = []
        for item in self._before.inputs:
            if item.lib in asked:
                parts += asked.pop(item.lib)
            elif all(part.item.lib != item.lib for part in parts if part.change is not Change.KEPT):
                parts.append(self._kept(item))
        return (*parts, *(part for parts in asked.values() for part in parts))

    def _kept(self, item: Input) -> Part:
        found = self._supply.manifest(item.manifest, f"input {item.lib}")
        return Part(
            name=found.name,
            item=item,
            change=Change.KEPT,
            manifest=found,
            lacking=self._lacking(found.purpose),
            record=self._records.get((item.prefix or "", item.lib)),
        )

    def _lacking(self, granted: Sequence[str]) -> tuple[str, ...]:
        return tuple(code for code in self._purposes if code not in granted)

    def _moved(self, given: Given) -> Part:
        """Make one input of a verified library, at its last event."""
        facts, wish = given.facts, given.wish
        newest, own = self._supply.newest(facts.library), given.copies[facts.library]
        if own.ids[-1] != facts.head:
            raise Refused("E-FILE-CHANGED", own.where, "changed while it was read")
        if len(newest.ids) > len(own.ids):
            raise Refused("E-HEAD-ROLLBACK", own.where, f"{len(own.ids)} events, {newest.where} has {len(newest.ids)}")
        former = [item for item in self._before.inputs if item.lib == facts.library]
        like = _like(former, wish.prefix)
        mode, prefix = self._place(wish, like)
        instead = ""
        if prefix is None and (mode != DERIVED or wish.scan):
            prefix, instead = self._own_prefix(facts.manifest, wish)
        digest = own.chain[-1].event.manifest
        item = Input(lib=facts.library, head=facts.head, manifest=digest, mode=mode, prefix=prefix)
        change = _change(item, former)
        chosen = scanned.read(wish.scan, wish.folder, facts.manifest) if wish.scan else None
        part = Part(
            name=facts.manifest.name,
            item=item,
            change=change,
            manifest=facts.manifest,
            folder=wish.folder,
            choose=_choice(self._order.take, item, like, self._before.path, chosen) if mode == SUBSET else None,
            lacking=self._lacking(facts.purposes),
            instead=instead,
            scanned=chosen,
            rows=chosen.rows() if chosen and mode == DERIVED else (),
            record=self._record(item, change, chosen),
        )
        return part if part.source is None else _counted(part)

    def _place(self, wish: Wish, like: Input | None) -> tuple[str, str | None]:
        """Give mode and prefix of an input: those that it is asked for with, else those that it had."""
        derived = wish.scan is not None or wish.folder in self._joined
        mode = wish.mode or (like.mode if like else DERIVED if derived else VERBATIM)
        if wish.scan is not None and mode == VERBATIM:
            raise Misuse("E-USAGE", "--input", "scan= goes with mode=derived, its rows, or mode=subset, its files")
        if wish.prefix is not None or like is None:
            return mode, wish.prefix
        # What lies below the prefix of a derived input is one's own, unless a scan chose it.
        own = like.mode == DERIVED and (like.prefix or "", like.lib) not in self._records
        return mode, None if own and wish.scan else like.prefix

    def _record(self, item: Input, change: Change, chosen: Scanned | None) -> Record | None:
        """Give what is kept of the scan that chose, or has chosen: an older one says nothing of a newer state."""
        prefix = item.prefix or ""
        if chosen is not None:
            return Record(prefix=prefix, lib=item.lib, scan=chosen.sha256)
        known = self._records.get((prefix, item.lib))
        if known is not None and change is Change.MOVED:
            if item.mode == DERIVED:
                raise Misuse("E-USAGE", "--input", f"{prefix} is what a scan admitted: scan again, and give scan=OUT")
            return None
        return known

    def _own_prefix(self, manifest: Manifest, wish: Wish) -> tuple[str, str]:
        """Name a prefix after the input, with a number behind it if others are in the way of the first choice."""
        if "/" in manifest.name:
            raise Misuse("E-USAGE", "--input", f"{wish.folder}: its name {manifest.name!r} is no prefix: give prefix=")
        first = prefix = as_prefix(manifest.name)
        number = 2
        while any(fold(prefix).startswith(other) or other.startswith(fold(prefix)) for other in self._prefixes):
            prefix, number = as_prefix(f"{manifest.name}-{number}"), number + 1
        self._prefixes.add(fold(prefix))
        return prefix, "" if prefix == first else first


def _like(former: Sequence[Input], prefix: str | None) -> Input | None:
    """Find the input that this one goes on from: the one below its prefix, else the only one of its library."""
    return next((item for item in former if prefix and item.prefix == prefix), former[0] if len(former) == 1 else None)


def _change(item: Input, former: Sequence[Input]) -> Change:
    if not former:
        return Change.NEW
    return Change.SAME if item in former else Change.MOVED


def _choice(
    take: Sequence[Pattern], item: Input, like: Input | None, out: Path, verdicts: Scanned | None
) -> Callable[[str], bool]:
    """Choose the files of a subset: by a scan and patterns, else those that the library has from this input already."""
    prefix = item.prefix or ""
    chosen = patterns_below(take, prefix)
    if verdicts is not None:
        good = {prefix + path for path in verdicts.files()}
        return lambda path: path in good and (not chosen or any(pattern.matches(path) for pattern in chosen))
    if chosen:
        return lambda path: any(pattern.matches(path) for pattern in chosen)
    if like is None or like.mode != SUBSET or not like.prefix:
        raise Misuse("E-USAGE", "--take", f"no pattern chooses files below {prefix}")
    cut = len(like.prefix)
    with Folder(out) as folder:
        paths = (line.path for line in former_lines(folder))
        return {prefix + path[cut:] for path in paths if path.startswith(like.prefix)}.__contains__


def _counted(part: Part) -> Part:
    """Count the files that are taken, and see which of them the input describes."""
    prefix, described = part.item.prefix or "", part.manifest.paths if part.item.mode != DERIVED else frozenset()
    files, size, found = 0, 0, set[str]()
    whole = part.item.mode == VERBATIM
    with Folder(part.source or Path()) as folder, folder.descend() as way:
        for line in part.lines():
            files += 1
            path = line.path[len(prefix) :]
            if path in described:
                found.add(path)
            if not whole:
                status = way.status(to_bytes(path))
                size += status.st_size if status else 0
    if whole:
        size = part.manifest.bound.bytes
    if not files:
        why = "the scan admitted no whole file of it" if part.scanned else f"nothing of {part.name} is taken"
        raise Refused("E-TAKE-NONE", prefix, why)
    return replace(part, files=files, bytes=size, described=frozenset(found))
