"""The result of a scan as a value: ``scan.json``, which binds all other outputs by digest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from datalib.errors import Refused, Unchecked
from datalib.formats import check_digest, parse_time

NAME: Final = "scan.json"
FORMAT: Final = "datalib-scan-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFile:
    """A file that was read or written: its path in the works or in the result, its digest, its works or rows."""

    path: str
    sha256: str
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Write it as ``scan.json`` does."""
        return {"path": self.path, "rows": self.rows, "sha256": self.sha256}


class Unread(NamedTuple):
    """A column of a table that was not read though it looks as if it spoke of works; no name stands for all of them."""

    path: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan found and on what grounds (datalib opt-out specification §4).

    ``counts`` has works by ``verdict``, by ``reason`` and by the carriers ``asked``, and statements by ``signal`` (a
    statement counts once for each work), and by ``synthetic``: works that their own metadata calls generated or
    modified by machines, by the code of it. ``required``: carriers that works with a URL needed. ``sites``: digest and
    size of the site snapshot, or None. ``registries``: name, digest and entries of each list of refusals.
    ``synthetic_stated``: whether the scanned library itself says that it holds synthetic content, None where it says
    nothing. ``licences``: digest of the licence records, or None. ``root``: RFC 6962 root over the decisions,
    ``leaf_rows`` of one decisions file in a leaf; files in their order. ``index``: entries, leaves and root of the
    index that receipts of absence need, or None. ``time``: the moment given as now. ``unread``: what of tables was not
    read; a table of which that is all was judged as one file. ``sources``: the digest of the sources of
    a library that were judged, or None.
    """

    time: str
    tool: str
    profile: str
    agent: str
    agents_sha256: str
    required: tuple[str, ...]
    sites: Mapping[str, Any] | None
    works: int
    counts: Mapping[str, Mapping[str, int]]
    inputs: tuple[ScanFile, ...]
    outputs: tuple[ScanFile, ...]
    root: str
    leaves: int
    leaf_rows: int
    registries: tuple[Mapping[str, Any], ...] = ()
    licences: str | None = None
    synthetic_stated: bool | None = None
    index: Mapping[str, Any] | None = None
    unread: tuple[Unread, ...] = ()
    sources: str | None = None

    @property
    def decisions(self) -> tuple[ScanFile, ...]:
        """The outputs with the decisions, in their order."""
        return tuple(file for file in self.outputs if file.path.startswith("decisions/"))

    def to_dict(self) -> dict[str, Any]:
        """Write the result as ``scan.json`` holds it."""
        some: dict[str, Any] = {} if self.index is None else {"index": dict(self.index)}
        if self.sources is not None:
            some["sources"] = self.sources
        if self.unread:
            some["unread"] = [each._asdict() for each in self.unread]
        return some | {
            "agent": self.agent,
            "agents_sha256": self.agents_sha256,
            "counts": {kind: dict(sorted(found.items())) for kind, found in sorted(self.counts.items())},
            "decisions": {"leaf_rows": self.leaf_rows, "leaves": self.leaves, "root": self.root},
            "format": FORMAT,
            "inputs": [file.to_dict() for file in self.inputs],
            "licences": self.licences,
            "outputs": [file.to_dict() for file in self.outputs],
            "profile": self.profile,
            "registries": [dict(item) for item in self.registries],
            "required": list(self.required),
            "sites": dict(self.sites) if self.sites else None,
            "synthetic_stated": self.synthetic_stated,
            "time": self.time,
            "tool": self.tool,
            "works": self.works,
        }

    def to_bytes(self) -> bytes:
        """Give the bytes of ``scan.json``."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, sort_keys=True)
        return text.encode() + b"\n"


def read_scan(out: Path) -> ScanResult:
    """Read the result of a scan. Raises Refused (E-SCAN-FORMAT), Unchecked (E-IO)."""
    return parse_scan(read_bytes(out), str(out / NAME))


def read_bytes(out: Path) -> bytes:
    """Read the bytes of ``scan.json``. Raises Refused (E-SCAN-FORMAT) where no scan has finished, Unchecked (E-IO)."""
    path = out / NAME
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Refused("E-SCAN-FORMAT", str(path), "there is no finished scan here") from error
    except OSError as error:
        raise Unchecked("E-IO", str(path), error.strerror or str(error)) from error


def parse_scan(raw: bytes, where: str) -> ScanResult:
    """Read the bytes of ``scan.json``. Raises Refused (E-SCAN-FORMAT)."""
    try:
        return _parse(json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Refused) as error:
        raise Refused("E-SCAN-FORMAT", where, f"not a scan result: {error}") from error


def _parse(value: Any) -> ScanResult:
    if value["format"] != FORMAT:
        raise ValueError(f"format {value['format']!r}")
    parse_time(value["time"])
    decisions = value["decisions"]
    return ScanResult(
        time=value["time"],
        tool=_text(value["tool"]),
        profile=_text(value["profile"]),
        agent=_text(value["agent"]),
        agents_sha256=check_digest(_text(value["agents_sha256"])),
        required=tuple(map(_text, value["required"])),
        sites=dict(value["sites"]) if value["sites"] is not None else None,
        works=_count(value["works"]),
        counts={
            _text(kind): {_text(name): _count(number) for name, number in found.items()}
            for kind, found in value["counts"].items()
        },
        inputs=tuple(map(_file, value["inputs"])),
        outputs=tuple(map(_file, value["outputs"])),
        root=check_digest(_text(decisions["root"])),
        leaves=_count(decisions["leaves"]),
        leaf_rows=_count(decisions["leaf_rows"]),
        registries=tuple(map(_registry, value.get("registries", []))),
        licences=check_digest(_text(value["licences"])) if value.get("licences") else None,
        synthetic_stated=_answer(value.get("synthetic_stated")),
        index=_index(value["index"]) if "index" in value else None,
        sources=check_digest(_text(value["sources"])) if "sources" in value else None,
        unread=tuple(Unread(_text(each["path"]), _text(each["column"])) for each in value.get("unread", [])),
    )


def _answer(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither yes nor no")
    return value


def _index(value: Any) -> dict[str, Any]:
    numbers = {name: _count(value[name]) for name in ("entries", "leaf_entries", "leaves")}
    return numbers | {"root": check_digest(_text(value["root"]))}


def _registry(value: Any) -> dict[str, Any]:
    entries = {_text(kind): _count(number) for kind, number in value["entries"].items()}
    return {"entries": entries, "name": _text(value["name"]), "sha256": check_digest(_text(value["sha256"]))}


def _file(value: Any) -> ScanFile:
    path = _text(value["path"])
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise ValueError(f"{path!r} is no path in a folder")
    return ScanFile(path=path, sha256=check_digest(_text(value["sha256"])), rows=_count(value["rows"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
