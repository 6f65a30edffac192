"""A catalogue of ten thousand libraries: time for each, memory, what a reader loads first."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, bounded
from bench.usage import Usage, measure, program
from datalib import merkle
from datalib.chain import envelope, events
from datalib.chain.envelope import EVENT_TYPE
from datalib.chain.events import Attest, Claim, Event, Genesis
from datalib.formats import sha256_hex
from datalib.trust.keys import Algorithm, PrivateKey
from datalib.trust.parties import Party, Producer

_NOW = 1_790_000_000
_SMALL, _LARGE, _FULL = 1000, 4000, 10_000
_PRODUCERS = 50
_SCANNER = Party(id="x-bench:scanner", name={"en": "Scanner"})
_SEED = 20261126
_WORDS = {
    "en": "steppe river grain field speech archive letter map weather road school market song herd",
    "kk": "дала өзен астық егістік сөз мұрағат хат картасы жайы жол мектеп базар ән отар",
    "ru": "степь река зерно поле речь архив письмо карта погода дорога школа рынок песня стадо",
}
_SECTORS = ("Agriculture", "Culture", "Education", "Energy", "Health", "Transport")
_PURPOSES = ("train:asr", "train:forecasting", "train:translation", "eval")
_LICENCES = ("CC-BY-4.0", "CC0-1.0", "ODbL-1.0", "LicenseRef-own")


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Build catalogues of two sizes, and the larger one again; ``full``: of ten thousand libraries, else of four."""
    count = _FULL if full else _LARGE
    trust = make(tmp / "large", count)
    (tmp / "small").mkdir()
    for folder in sorted((tmp / "large").iterdir())[:_SMALL]:
        folder.rename(tmp / "small" / folder.name)
    less = _built(tmp / "small", tmp / "small-site", trust)
    for folder in (tmp / "small").iterdir():
        folder.rename(tmp / "large" / folder.name)
    more = _built(tmp / "large", tmp / "site", trust)
    again = _built(tmp / "large", tmp / "site", trust)
    return [
        bounded("catalogue: a library", more.cpu / count * 1e3, unit="CPU ms", aim="", note=_note(more, count)),
        bounded(
            "catalogue: an unchanged one", again.cpu / count * 1e3, unit="CPU ms", aim="", note=_note(again, count)
        ),
        Row(
            what="catalogue: peak memory",
            against=f"that of {_SMALL:,} libraries",
            ours=more.peak,
            theirs=less.peak,
            unit="MB",
            ratio=more.peak / less.peak,
            aim="<= 1.1",
            note=f"{count:,} libraries",
        ),
        *_loaded(tmp / "site"),
    ]


def _note(used: Usage, count: int) -> str:
    return f"{count:,} libraries in {used.wall:.0f} s, three languages"


def _built(libraries: Path, site: Path, trust: list[str]) -> Usage:
    return measure([program("datalib"), "catalogue", "build", libraries, "-o", site, *trust, "--lang", "en"])


def _loaded(site: Path) -> Iterator[Row]:
    """Weigh what a browser loads to show the first page, and what the first search needs besides; nothing is packed."""
    pages = {}
    for lang in _WORDS:
        html = (site / lang / "index.html").read_text(encoding="utf-8")
        assets = re.findall(r'"\.\./(assets/[^"]+)"', html)
        (head,) = re.findall(r'data-index="([^"]+)"', html)
        sizes = [len(html.encode()), *((site / name).stat().st_size for name in [*assets, f"index/{head}"])]
        pages[lang] = sum(sizes)
    worst = max(pages, key=lambda lang: pages[lang])
    index = sum(path.stat().st_size for path in (site / "index").glob(f"{worst}-*.js"))
    yield bounded(
        "catalogue: first page", pages[worst] / 1e3, unit="kB", aim="<= 100 kB", note=f"{worst}, with its files"
    )
    yield bounded(
        "catalogue: first search", index / 1e6, unit="MB", aim="", note=f"{worst}, the whole index, not packed"
    )


def make(folder: Path, count: int) -> list[str]:
    """Make signed and attested libraries, always the same; give the options that vouch for their keys."""
    folder.mkdir()
    keys = {f"x-bench:p{number}": _key(f"p{number}") for number in range(_PRODUCERS)} | {_SCANNER.id: _key("scanner")}
    trust = list[str]()
    for party, key in keys.items():
        path = folder.parent / f"{party.partition(':')[2]}.pub.pem"
        path.write_bytes(key.public.to_pem())
        trust += ["--key", f"{party}={path}"]
    lots = random.Random(_SEED)
    for number in range(count):
        _library(folder / f"library-{number:05d}", number, lots, keys)
    return trust


def _key(name: str) -> PrivateKey:
    return PrivateKey.new(Algorithm.ED25519, seed=bytes.fromhex(sha256_hex(name.encode())))


def _library(folder: Path, number: int, lots: random.Random, keys: dict[str, PrivateKey]) -> None:
    data = f"library {number}\n".encode()
    listing = f"{sha256_hex(data)}  data.txt\n".encode()
    place = lots.randrange(_PRODUCERS)
    names = {lang: f"{' '.join(lots.sample(words.split(), 3))} {number}" for lang, words in _WORDS.items()}
    producer = Producer(id=f"x-bench:p{place}", name={"en": f"Institute {place}", "ru": f"Институт {place}"})
    content = {
        "files": 1,
        "bytes": len(data),
        "sha256": sha256_hex(listing),
        "root": merkle.root(listing.splitlines()).hex(),
    }
    manifest = {
        "name": f"library-{number}",
        "title": names["en"],
        "licenses": [{"name": lots.choice(_LICENCES)}],
        "sources": [{"title": "Made for measuring", "path": "https://example.kz/"}],
        "resources": [{"name": "data", "path": "data.txt"}],
        "datalib": {
            "spec": "1",
            "title": names,
            "description": names,
            "producer": producer.to_dict(),
            "purpose": sorted(lots.sample(_PURPOSES, 2)),
            "languages": sorted(lots.sample(("en", "kk", "ru"), 2)),
            "sector": lots.choice(_SECTORS),
            "content": content,
        },
    }
    written = json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n"
    digest = sha256_hex(written)
    genesis = _sealed(Genesis(seq=0, time=_NOW, manifest=digest, producer=producer), keys[producer.id])
    lib = sha256_hex(genesis)
    claim = Claim(type="optout", result="pass")
    scanned = Attest(seq=1, time=_NOW + 60, manifest=digest, lib=lib, prev=lib, by=_SCANNER, claim=claim)
    (folder / "manifests").mkdir(parents=True)
    for name, content_ in {
        "data.txt": data,
        "files.sha256": listing,
        "datapackage.json": written,
        f"manifests/{digest}.json": written,
        "chain.jsonl": genesis + b"\n" + _sealed(scanned, keys[_SCANNER.id]) + b"\n",
    }.items():
        (folder / name).write_bytes(content_)


def _sealed(event: Event, key: PrivateKey) -> bytes:
    return envelope.sign(EVENT_TYPE, events.serialise(event), [key]).line
