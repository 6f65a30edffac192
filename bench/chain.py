"""A long chain against its parts: signatures, strict parsing, canonical form. A long listing in little memory."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.row import Row, bounded, compared
from bench.usage import measure
from datalib import acts, unverified
from datalib.canonical import parse_canonical
from datalib.chain import envelope, events, links
from datalib.chain.envelope import EVENT_TYPE, MAX_LINE
from datalib.chain.events import Attest, Claim
from datalib.library import describe, draft
from datalib.library.store import Folder
from datalib.trust.keys import Algorithm, PrivateKey
from datalib.trust.parties import Party
from datalib.trust.policy import Policy
from datalib.verify import verify

_NOW = 1_790_000_000
_PRODUCER, _ATTESTER = "x-bench:producer", "x-bench:attester"
_EVENTS = 10_000
_LINES, _FULL_LINES = 500_000, 10_000_000
_ROUNDS = 7
_EXAMINE = Path(__file__).with_name("examine.py")
#: How the files of a listing are named, and how much memory its check may take, in MB.
_NAMES = {"plain": ("part-{0:04d}/file-{1:06d}.wav", 60), "full rules": ("бөлім-{0:04d}/Дыбыс {1:06d}.WAV", 200)}


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Verify a chain of 10,000 events; examine listings of half a million lines, in full of ten million."""
    return [*_chain(tmp / "chain"), *_listings(tmp, _FULL_LINES if full else _LINES)]


def verified(folder: Path, count: int) -> float:
    """Give the CPU seconds in which a chain of so many events is verified, the least of several rounds."""
    policy, _ = _library(folder, count)
    (cpu,) = _cpu(lambda: verify(folder, policy=policy, now=_NOW + count, require=(), data="none").require())
    return cpu


def _chain(folder: Path) -> Iterator[Row]:
    policy, data = _library(folder, _EVENTS)

    def ours() -> None:
        verify(folder, policy=policy, now=_NOW + _EVENTS, require=(), data="none").require()

    lines = [envelope.parse(line, payload_type=EVENT_TYPE) for line in links.split(data)]

    def signatures() -> None:
        for line in lines:
            envelope.verify(line, policy.public_keys)

    def parsing() -> None:
        for line in lines:
            parse_canonical(line.line, limit=MAX_LINE)
            parse_canonical(line.payload, limit=MAX_LINE)

    whole, checked, parsed = _cpu(ours, signatures, parsing)
    note = f"{_EVENTS} events, {len(data) / 1e6:.1f} MB; signatures {checked:.2f} s, parsing {parsed:.2f} s"
    against = "signature check, strict parse and canonical form of every line and payload"
    yield compared("chain: verify", against, whole, checked + parsed, aim="<= 1.4", note=note)


def _library(folder: Path, count: int) -> tuple[Policy, bytes]:
    """Make a library with a long chain; give a policy that knows its signers, and the chain."""
    keys = {party: PrivateKey.new(Algorithm.ED25519) for party in (_PRODUCER, _ATTESTER)}
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    said = describe.Statements(
        producer={"id": _PRODUCER, "name": {"en": "Bench"}},
        purposes=["train:asr"],
        sources=[{"title": "made here"}],
    )
    with Folder(folder) as opened:
        opened.write("datapackage.json", draft.render(describe.describe(opened, said, now=_NOW).document))
    acts.sign(folder, keys=[keys[_PRODUCER]], now=_NOW)
    with Folder(folder) as opened:
        past = unverified.record(opened)
        lines, head = [past.data], past.head.id
        claim = Claim(type="quality", result="pass", note="measured again")
        by = Party(id=_ATTESTER, name={"en": "Attester"})
        for number in range(1, count):
            event = Attest(
                seq=number,
                time=_NOW + number,
                manifest=past.state.manifest,
                lib=past.library,
                prev=head,
                by=by,
                claim=claim,
            )
            sealed = envelope.sign(EVENT_TYPE, events.serialise(event), [keys[_ATTESTER]])
            lines.append(sealed.line + b"\n")
            head = sealed.id
        opened.write(links.NAME, lines)
    return Policy.vouch([(party, key.public) for party, key in keys.items()]), b"".join(lines)


def _cpu(*works: Callable[[], object]) -> list[float]:
    """Measure several works in turns; give the least CPU seconds of each."""
    best = [float("inf")] * len(works)
    for _ in range(_ROUNDS):
        for number, work in enumerate(works):
            start = time.process_time()
            work()
            best[number] = min(best[number], time.process_time() - start)
    return best


def _listings(tmp: Path, count: int) -> Iterator[Row]:
    for name, (form, memory) in _NAMES.items():
        folder = tmp / name.replace(" ", "-")
        folder.mkdir()
        measure([sys.executable, _EXAMINE, "write", folder, str(count), form])
        used = measure([sys.executable, _EXAMINE, "check", folder])
        size = (folder / "files.sha256").stat().st_size
        note = f"{count} lines, {size / 1e6:.0f} MB: {used.cpu:.1f} CPU s, digest, order, root, paths"
        yield bounded(f"listing, {name}: peak memory", used.peak, unit="MB", aim=f"<= {memory} MB", note=note)
        (folder / "files.sha256").unlink()
