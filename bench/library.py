"""``datalib sign`` and ``verify`` against bare hashing, bagit and model-signing, on the same files."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import corpus
from bench.machine import release
from bench.row import Row, bounded, compared
from bench.usage import Usage, measure, program

_ROUNDS = 3
_THREADS = 2
PARTY = "x-bench:producer"
_YARDSTICK = Path(__file__).with_name("reference_hash.py")

Step = Callable[[], Usage]


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Let every program sign and verify its own copy of the corpus, in turns, and take the best of its rounds."""
    source = tmp / "corpus"
    size = corpus.make(source, corpus.FULL if full else corpus.USUAL)
    best = {"init": _prepare(tmp, source)}
    for number in range(_ROUNDS):
        for name, step in _steps(tmp, tmp / f"round-{number}").items():
            found = step()
            best[name] = best[name] | found if name in best else found
    count = sum(1 for path in source.rglob("*") if path.is_file())
    return list(_rows(best, f"{count} files, {size / 1e6:.0f} MB"))


def _prepare(tmp: Path, source: Path) -> Usage:
    """Make keys, and a described library for us; give what describing took: the peers do nothing of the kind."""
    datalib = program("datalib")
    measure([datalib, "key", "new", "-o", tmp / "ours.pem", "--no-password"])
    measure([datalib, "key", "new", "-o", tmp / "p256.pem", "--alg", "p256", "--no-password"])
    described = tmp / "described"
    _copy(source, described)
    return measure([datalib, "init", described, *about()])


def about() -> list[str]:
    """Give what ``datalib init`` is told of a library."""
    said = {"producer-id": PARTY, "producer-name": "en=Bench", "purpose": "train:asr", "source": "made here"}
    return [word for name, value in said.items() for word in (f"--{name}", value)]


def _steps(tmp: Path, folder: Path) -> Mapping[str, Step]:
    ours, bag, model = folder / "ours", folder / "bag", folder / "model"
    _copy(tmp / "described", ours)
    _copy(tmp / "corpus", bag)
    _copy(tmp / "corpus", model)
    datalib, python, bagit = program("datalib"), Path(sys.executable), program("bagit.py")
    key, signature = tmp / "p256.pem", folder / "model.sig"
    signing: list[Path | str] = [python, "-m", "model_signing"]
    bagging: list[Path | str] = [python, bagit, "--quiet", "--processes", str(_THREADS)]
    return {
        "hash": lambda: measure([python, _YARDSTICK, tmp / "corpus", str(_THREADS)]),
        "sign": lambda: measure([datalib, "sign", ours, "--key", tmp / "ours.pem"]),
        "verify": lambda: measure(
            [datalib, "verify", ours, "--key", f"{PARTY}={tmp / 'ours.pub.pem'}", "--require", "none"]
        ),
        "bagit sign": lambda: measure([*bagging, "--sha256", bag]),
        "bagit verify": lambda: measure([*bagging, "--validate", bag]),
        "model-signing sign": lambda: measure(
            [*signing, "sign", "key", "--private_key", key, "--signature", signature, model]
        ),
        "model-signing verify": lambda: measure(
            [*signing, "verify", "key", "--public_key", tmp / "p256.pub.pem", "--signature", signature, model]
        ),
    }


def _rows(best: Mapping[str, Usage], size: str) -> list[Row]:
    rows = [bounded("datalib init", best["init"].cpu, unit="CPU s", aim="", note=f"{size}; describes every table")]
    for verb in ("sign", "verify"):
        ours, hashing = best[verb], best["hash"]
        what = f"datalib {verb}"
        against = f"SHA-256 alone, {_THREADS} threads"
        rows += [
            compared(what, against, ours.cpu, hashing.cpu, aim="<= 1.25", note=size),
            compared(what, against, ours.wall, hashing.wall, unit="s"),
            bounded(f"{what}: peak memory", ours.peak, unit="MB", aim="<= 100 MB"),
        ]
        for peer in ("bagit", "model-signing"):
            theirs = best[f"{peer} {verb}"]
            named = f"{peer} {release(peer)}"
            rows += [
                compared(what, named, ours.wall, theirs.wall, unit="s", aim="< 1"),
                compared(what, named, ours.cpu, theirs.cpu, aim="< 1"),
            ]
    return rows


def _copy(source: Path, target: Path) -> None:
    """Copy a folder by hard links: the same bytes, in the page cache for everybody."""
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True)
        for name in names:
            os.link(Path(folder) / name, place / name)
