"""Why a work got its verdict: the statements, the bytes they stand in, the rule that matched, and both readings."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datalib.errors import Misuse
from datalib.optout import robots, rsl
from datalib.optout.answers import ROBOTS
from datalib.optout.model import CATEGORIES, Verdict
from datalib.optout.reread import check, checked, opened, reading
from datalib.optout.result import ScanResult, read_scan
from datalib.optout.scan import SITES
from datalib.optout.site import SiteStore, is_store, open_store
from datalib.optout.urls import Place, place_of

_QUOTE = 2000
_ALSO = 11  # works with one URL that are named
_EVIDENCE = "evidence.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement about a work.

    ``where`` is the full address where one is known, else the place in the work. ``quote`` are the bytes it was read
    from, as text, at most 2000 characters; ``sha256`` is of the whole carrier; ``checked``: the bytes were at hand and
    have that digest, in ``kept``: a file or a folder of the scan. ``spec`` and ``strict`` are the two readings,
    categories without a word left out.
    """

    signal: str
    carrier: str
    where: str
    quote: str
    sha256: str
    checked: bool
    observed_at: str
    spec: Mapping[str, str]
    strict: Mapping[str, str]
    note: str
    kept: str

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        return {
            "carrier": self.carrier, "checked": self.checked, "note": self.note, "observed_at": self.observed_at,
            "quote": self.quote, "sha256": self.sha256, "signal": self.signal, "spec": dict(self.spec),
            "strict": dict(self.strict), "where": self.where,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The decision about one work, and its grounds.

    ``others``: how many works have the same URL besides this one, ``also`` some of them, each with its verdict.
    ``required``: carriers that works with a URL needed. ``judged``: the moment of the scan, ``profile`` the rules it
    went by.
    """

    work: str
    url: str | None
    verdict: str
    reason: str
    states: Mapping[str, str]
    carriers_asked: tuple[str, ...]
    statements: tuple[Statement, ...]
    required: tuple[str, ...]
    judged: str
    profile: str
    others: int = 0
    also: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        return {
            "also": [{"verdict": verdict, "work": work} for work, verdict in self.also],
            "carriers_asked": list(self.carriers_asked), "others": self.others, "reason": self.reason,
            "statements": [statement.to_dict() for statement in self.statements], "states": dict(self.states),
            "url": self.url, "verdict": self.verdict, "work": self.work,
        }  # fmt: skip


def explain(work: str, out: Path) -> Explanation:
    """Explain the verdict about a work, named by its id or its URL; of works with one URL, that of a refused one.

    Raises Misuse (E-USAGE) when the scan has no such work, Refused (E-SCAN-FORMAT) when its files are not what
    ``scan.json`` says, Unchecked (E-IO).
    """
    if not work:
        raise Misuse("E-USAGE", "WORK", "empty: give the id or the URL of a work")
    result = read_scan(out)
    for column in ("work_id", "url"):
        some, count = list[dict[str, Any]](), 0
        for row in _rows(out, result, column, work):
            some, count = sorted([*some, row], key=_leniency)[:_ALSO], count + 1
        if some:
            return _explanation(out, result, some, count)
    raise Misuse("E-USAGE", work, f"the scan in {out} has no work with this id or URL")


def _rows(out: Path, result: ScanResult, column: str, value: str) -> Iterator[dict[str, Any]]:
    """Find decisions by the value of a column; their files are checked where something is found."""
    import pyarrow.compute as pc

    for file in result.decisions:
        with opened(out, file) as table:
            for group in range(table.num_row_groups):
                names = table.read_row_group(group, columns=[column]).column(0)
                hits = pc.indices_nonzero(pc.fill_null(pc.equal(names, value), fill_value=False))
                if len(hits):
                    check(out, file)
                    yield from table.read_row_group(group).take(hits).to_pylist()


def _leniency(row: dict[str, Any]) -> int:
    return [Verdict.REFUSE, Verdict.HOLD, Verdict.ADMIT].index(row["verdict"])


def _explanation(out: Path, result: ScanResult, rows: Sequence[dict[str, Any]], count: int) -> Explanation:
    """Explain the first of the rows, which are some of ``count``."""
    row = rows[0]
    bodies = _Bodies(out, result)
    place = place_of(row["url"]) if row["url"] else None
    origin = place.origin if isinstance(place, Place) else ""
    wanted = {identity: order for order, identity in enumerate(row["signal_ids"])}
    signals = sorted(_lookup(out, result, "signals.parquet", "id", list(wanted)), key=lambda found: wanted[found["id"]])
    return Explanation(
        work=row["work_id"],
        url=row["url"],
        verdict=row["verdict"],
        reason=row["reason"],
        states={name: row[name] for name in CATEGORIES},
        carriers_asked=tuple(row["carriers_asked"].split()),
        statements=tuple(_statement(signal, origin, bodies) for signal in signals),
        required=result.required,
        judged=result.time,
        profile=result.profile,
        others=count - 1,
        also=tuple((other["work_id"], other["verdict"]) for other in rows[1:]),
    )


def _statement(signal: dict[str, Any], origin: str, bodies: "_Bodies") -> Statement:
    body = bodies.get(signal["sha256"])
    locator = signal["locator"]
    return Statement(
        signal=signal["signal"],
        carrier=signal["carrier"],
        where=_where(signal, origin, bodies),
        quote=_quote(body, locator) or signal["raw"],
        sha256=signal["sha256"],
        checked=body is not None,
        observed_at=signal["observed_at"],
        spec=_reading(signal, "spec"),
        strict=_reading(signal, "strict"),
        note=signal["note"],
        kept=bodies.kept_in[signal["sha256"]] if body is not None else "",
    )


def _where(signal: dict[str, Any], origin: str, bodies: "_Bodies") -> str:
    """Give the full address of a statement. A licence document may be that of another site, which links lead to."""
    locator: str = signal["locator"]
    if signal["carrier"] != "location":
        return locator
    if signal["signal"] == rsl.SIGNAL and "#L" not in locator:
        return bodies.origin_of(signal["sha256"], locator, origin) + locator
    return origin + locator


def _reading(signal: dict[str, Any], reading: str) -> dict[str, str]:
    states = {name: signal[f"{reading}_{name}"] for name in CATEGORIES}
    return {name: state for name, state in states.items() if state != "unknown"}


def _quote(body: bytes | None, locator: str) -> str:
    """Cut the line that a locator names out of the carrier."""
    _, mark, number = locator.rpartition("#L")
    if body is None or not mark or not number.isdecimal():
        return ""
    lines = body.splitlines()
    line = lines[int(number) - 1] if 0 < int(number) <= len(lines) else b""
    return line.decode("utf-8", "replace")[:_QUOTE]


class _Bodies:
    """The bytes of carriers: from the evidence of the scan, or from the site store that it refers to."""

    def __init__(self, out: Path, result: ScanResult) -> None:
        self._out, self._result = out, result
        self._known: dict[str, bytes | None] = {}
        self.kept_in: dict[str, str] = {}
        self._store: SiteStore | None = None

    def get(self, sha256: str) -> bytes | None:
        if sha256 not in self._known:
            body = self._read(sha256)
            self._known[sha256] = body if body is not None and hashlib.sha256(body).hexdigest() == sha256 else None
        return self._known[sha256]

    def _read(self, sha256: str) -> bytes | None:
        rows = list(_lookup(self._out, self._result, _EVIDENCE, "sha256", [sha256]))
        if not rows:
            return None
        data: bytes | None = rows[0]["bytes"]
        self.kept_in[sha256] = SITES if data is None else _EVIDENCE
        return data if data is not None else self._of_store(rows[0]["source"], sha256)

    def origin_of(self, sha256: str, path: str, own: str) -> str:
        """Give the origin that answered so for a path: the ``own`` one, or one that its robots.txt links.

        Nothing if the snapshot is not at hand.
        """
        store = self._sites(self._result.sites["sha256"]) if self._result.sites else None
        if store is None:
            return ""
        origins = list(store.origins_of(sha256, path))
        texts = [content.body for content in store.contents_of(own) if content.path == ROBOTS]
        links = {rsl.resolve(link, own + ROBOTS) for text in texts for link in rsl.robots_links(robots.parse(text))}
        return own if own in origins else next((origin for origin in origins if origin + path in links), "")

    def _of_store(self, source: str, sha256: str) -> bytes | None:
        kind, _, digest = source.partition(":")
        store = self._sites(digest) if kind == "sites" else None
        return store.find_body(sha256) if store else None

    def _sites(self, digest: str) -> SiteStore | None:
        folder = self._out / SITES
        if self._store is None and folder.is_dir():
            stores = (open_store(place, check=False) for place in sorted(folder.iterdir()) if is_store(place))
            self._store = next((store for store in stores if store.digest == digest), None)
        return self._store


def _lookup(out: Path, result: ScanResult, name: str, column: str, values: list[Any]) -> Iterator[dict[str, Any]]:
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    if not values:
        return
    path = checked(out, result, name)
    with reading(path):
        rows: list[dict[str, Any]] = (
            ds.dataset(path, format="parquet").to_table(filter=pc.field(column).isin(values)).to_pylist()
        )
    yield from rows
