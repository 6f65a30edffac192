"""What a scan must give, said slowly: one work at a time, by the reference readers and ``decide``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datalib.optout import agents
from datalib.optout.answers import ROBOTS, TDMREP, Answer, to_json_line
from datalib.optout.compiled import signal_id
from datalib.optout.decide import DAMAGED, NO_HOST, NO_SITE, NO_URL, Known, Profile, decide
from datalib.optout.judge import OriginJudge
from datalib.optout.model import CATEGORIES, Reading, Signal, State, Verdict
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.urls import Fault, Place, place_of

TABLE = agents.default()
AGENT = "datalib"
NOW = 1_800_000_000
FAULTS = {Fault.MISSING: NO_URL, Fault.NO_HOST: NO_HOST, Fault.SCHEME: NO_SITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One decision, however it was reached."""

    work: str
    url: str | None
    verdict: str
    reason: str
    states: tuple[str, ...]
    signals: frozenset[int]


def write_sites(path: Path, answers: Iterable[Answer]) -> Path:
    path.write_text("".join(to_json_line(answer) + "\n" for answer in answers), encoding="utf-8")
    return path


def make_works(root: Path, parts: int, rows: int) -> None:
    """Write tables of URLs (``works``) of seven sites, and what six of these refuse (``s.jsonl``)."""
    (root / "works").mkdir()
    for part in range(parts):
        urls = [f"https://h{n % 7}.kz/{'no' if n % 5 else 'yes'}/{n}" for n in range(rows)]
        pq.write_table(pa.table({"url": urls, "n": range(rows)}), root / "works" / f"{part}.parquet")
    bodies = [f"User-agent: *\nDisallow: /no/{n}\n".encode() for n in range(6)]
    write_sites(root / "s.jsonl", [Answer(origin=f"https://h{n}.kz", status=200, body=b) for n, b in enumerate(bodies)])


def read_decisions(out: Path) -> list[Row]:
    rows: list[dict[str, Any]] = []
    for path in sorted((out / "decisions").iterdir()):
        rows += pq.read_table(path).to_pylist()
    return [
        Row(
            work=row["work_id"], url=row["url"], verdict=row["verdict"], reason=row["reason"],
            states=tuple(row[name] for name in CATEGORIES), signals=frozenset(row["signal_ids"]),
        )
        for row in rows
    ]  # fmt: skip


class Reference:
    """Judges URLs by the answers of their origins, one answer for a path."""

    def __init__(self, answers: Iterable[Answer], profile: Profile = Profile.KZ) -> None:
        self._answers: dict[tuple[str, str], Answer] = {(a.origin, a.path): a for a in answers}
        self._judges: dict[str, OriginJudge] = {}
        self._profile = profile

    def judge(self, work: str, urls: Sequence[str | None], *, damaged: bool = False, basis: bool = False) -> Row:
        found: dict[int, Signal] = {}
        asked: frozenset[str] | None = None
        fault = DAMAGED if damaged else ""
        for url in [] if damaged else urls:
            place = place_of(url)
            if isinstance(place, Fault):
                fault = fault or FAULTS.get(place, "")
                asked = frozenset()
                continue
            judge = self._judge(place)
            asked = judge.asked if asked is None else asked & judge.asked
            found |= {signal_id(signal): signal for signal in judge.judge(place.target)}
        return self._row(
            work, urls, found, fault, Known(required=self._profile.required, asked=asked or frozenset(), basis=basis)
        )

    def _judge(self, place: Place) -> OriginJudge:
        if place.origin not in self._judges:
            answers = {key: replace(answer, origin="") for key, answer in self._answers.items()}
            own = {path: answer for (origin, path), answer in answers.items() if origin == place.origin}
            self._judges[place.origin] = OriginJudge(
                own.pop(ROBOTS, None), own.pop(TDMREP, None), AGENT, TABLE,
                files=[answer for path, answer in own.items() if path in CARRIER_OF],
                linked={origin + path: answer for (origin, path), answer in answers.items()}, origin=place.origin,
            )  # fmt: skip
        return self._judges[place.origin]

    def _row(self, work: str, urls: Sequence[str | None], found: Mapping[int, Signal], fault: str, known: Known) -> Row:
        decision = decide(found.values(), known, self._profile)
        verdict, reason = decision.verdict, decision.reason
        together = Reading()
        for signal in found.values():
            together |= signal.strict
        if fault and together.tested < State.DENY:
            verdict, reason = Verdict.HOLD, fault
        return Row(
            work=work, url=next((url for url in urls if url is not None), None), verdict=verdict, reason=reason,
            states=tuple(together[name].label for name in CATEGORIES), signals=frozenset(found),
        )  # fmt: skip


def scan_files(out: Path) -> dict[str, bytes]:
    """All bytes of a result that do not depend on where the sites were imported from."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "sites" not in path.relative_to(out).parts
    }


def facts(out: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((out / "scan.json").read_bytes())
    return value
