"""Libraries made for tests: signed by real keys, logged in a real log with witnesses, to be tampered with."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from datalib import merkle
from datalib.canonical import canonical
from datalib.chain import envelope, events
from datalib.chain.envelope import EVENT_TYPE, Envelope
from datalib.chain.events import Amend, Attest, Claim, Event, Genesis, Transfer, Withdraw
from datalib.formats import encode_base64, sha256_hex
from datalib.trust import drafting
from datalib.trust.drafting import Draft
from datalib.trust.keys import Algorithm, PrivateKey
from datalib.trust.parties import Party, Producer
from datalib.trust.policy import Role, Roots

#: 2026-09-21T14:13:20Z, and days after it. Events happen from day 0 on, and are verified on day 40.
START = 1_790_000_000
DAY = 86_400
NOW = START + 40 * DAY

ORIGIN = "registry.example/datalib"


def key(name: str, alg: Algorithm = Algorithm.ED25519) -> PrivateKey:
    """Make the key of that name; always the same."""
    return PrivateKey.new(alg, seed=hashlib.sha256(name.encode()).digest())


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person with one key."""

    id: str
    label: str
    roles: tuple[Role, ...]
    alg: Algorithm = Algorithm.ED25519

    @property
    def key(self) -> PrivateKey:
        return key(self.label, self.alg)

    @property
    def party(self) -> Party:
        return Party(id=self.id, name={"ru": self.label})

    @property
    def producer(self) -> Producer:
        return Producer(id=self.id, name={"ru": self.label})


HOLDS = (Role.PRODUCER, Role.HOLDER)
MAKER = Person(id="kz-bin:990140000384", label="maker", roles=HOLDS)
BUYER = Person(id="kz-bin:121040000125", label="buyer", roles=HOLDS, alg=Algorithm.P256)
SCANNER = Person(id="kz-bin:180540012343", label="scanner", roles=(Role.ATTESTER,))
MINISTRY = Person(id="kz-bin:971240000013", label="ministry", roles=(Role.AUTHORITY,), alg=Algorithm.P256)
STRANGER = Person(id="x-test:stranger", label="stranger", roles=())
PERSONS = (MAKER, BUYER, SCANNER, MINISTRY)

ROOT_KEYS = (key("root 1"), key("root 2", Algorithm.P256), key("root 3"))
ROOTS = Roots(threshold=2, keys=tuple(root.public.to_dict() for root in ROOT_KEYS))


def vkey(name: str, signer: PrivateKey, kind: int) -> str:
    data = bytes([kind]) + signer.public.raw
    return f"{name}+{_key_id(name, data).hex()}+{encode_base64(data)}"


def _key_id(name: str, data: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + data).digest()[:4]


WITNESSES = {name: key(name) for name in ("w1.example/w", "w2.example/w", "w3.example/w")}
LOG_POLICY = "".join(
    (
        f"log {vkey(ORIGIN, key('log'), 1)}\n",
        *(f"witness W{n} {vkey(name, signer, 4)}\n" for n, (name, signer) in enumerate(WITNESSES.items(), 1)),
        "group W 2 W1 W2 W3\nquorum W\n",
    )
)


def draft_policy(**changes: Any) -> Draft:
    """Make a policy of all persons; ``changes`` are members of its payload."""
    draft = drafting.new(
        roots=ROOTS,
        issued=START,
        expires=START + 90 * DAY,
        log_policy=LOG_POLICY,
        log_required=True,
        max_age=7 * DAY,
    )
    for person in PERSONS:
        draft = drafting.add_party(draft, person.id, {"ru": person.label}, person.roles)
        start, until = START - 365 * DAY, START + 365 * DAY
        draft = drafting.add_key(draft, person.id, person.key.public, start=start, until=until)
    return {**deepcopy(dict(draft)), **changes}


def sign_policy(draft: Draft, *roots: PrivateKey) -> bytes:
    """Sign a policy, with two roots if none are named; it need not be one that a reader accepts."""
    return envelope.sign(envelope.POLICY_TYPE, canonical(draft), roots or ROOT_KEYS[:2]).line


def note(text: bytes, time: int, witnesses: Sequence[str], signer: PrivateKey | None = None, name: str = ORIGIN) -> str:
    """Sign a checkpoint as its log does and as witnesses do."""
    log = signer or key("log")
    lines = [(name, _key_id(name, b"\1" + log.public.raw) + log.sign(text))]
    for witness in witnesses:
        by = WITNESSES[witness]
        stamp = time.to_bytes(8, "big") + by.sign(b"cosignature/v1\ntime %d\n%b" % (time, text))
        lines.append((witness, _key_id(witness, b"\4" + by.public.raw) + stamp))
    return text.decode() + "\n" + "".join(f"— {who} {encode_base64(sig)}\n" for who, sig in lines)


@dataclass(kw_only=True)
class Log:
    """A transparency log in memory."""

    origin: str = ORIGIN
    hashes: list[bytes] = field(default_factory=list)

    def append(self, leaf: Mapping[str, Any]) -> int:
        self.hashes.append(merkle.leaf_hash(canonical(leaf)))
        return len(self.hashes) - 1

    def proof(self, index: int, *, time: int, size: int | None = None, witnesses: int = 2) -> str:
        """Prove an entry against the tree of ``size`` entries, cosigned at ``time``."""
        size = len(self.hashes) if size is None else size
        tree = self.hashes[:size]
        root = encode_base64(merkle.root_of_hashes(tree))
        text = f"{self.origin}\n{size}\n{root}\n".encode()
        path = "".join(f"{encode_base64(item)}\n" for item in merkle.inclusion_path(tree, index))
        names = list(WITNESSES)[:witnesses]
        return f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note(text, time, names, name=self.origin)}"

    def heads(self, lines: Sequence[str]) -> tuple[int, str]:
        """Append the heads of all libraries; give the index of the entry and their root."""
        root = merkle.root([line.encode() for line in lines]).hex()
        return self.append({"at": len(self.hashes), "heads": root, "size": len(lines)}), root


@dataclass(kw_only=True)
class Library:
    """A library on disk that grows event by event, one a day."""

    folder: Path
    log: Log | None = field(default_factory=Log)
    lines: list[bytes] = field(default_factory=list)
    day: int = 0
    name: str = "l1"
    producer: Person = MAKER
    block: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=lambda: {"data/a.txt": b"alpha\n", "data/b.txt": b"beta\n"})

    @property
    def lib(self) -> str:
        return sha256_hex(self.lines[0])

    @property
    def head(self) -> str:
        return sha256_hex(self.lines[-1])

    @property
    def time(self) -> int:
        return START + self.day * DAY

    def path(self, name: str) -> Path:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def listing(self) -> bytes:
        ordered = sorted(self.files.items(), key=lambda item: item[0].encode())
        return "".join(f"{sha256_hex(data)}  {path}\n" for path, data in ordered).encode()

    def write_files(self) -> dict[str, Any]:
        for path, data in self.files.items():
            self.path(path).write_bytes(data)
        listing = self.listing()
        self.path("files.sha256").write_bytes(listing)
        return {
            "files": len(self.files),
            "bytes": sum(map(len, self.files.values())),
            "sha256": sha256_hex(listing),
            "root": merkle.root(listing.splitlines()).hex(),
        }

    def write_manifest(self) -> str:
        """Write the manifest as ``block`` and ``document`` say; give its digest."""
        own = {
            "spec": "1",
            "producer": self.producer.producer.to_dict(),
            "purpose": ["train:asr", "eval"],
            "content": self.write_files(),
        }
        first = min(self.files)
        value = {
            "name": self.name,
            "resources": [{"name": "r", "path": first}],
            "sources": [{"title": "Own recordings", "path": "https://example.kz/src"}],
            "datalib": own | self.block,
            **self.document,
        }
        data = json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
        self.path("datapackage.json").write_bytes(data)
        digest = sha256_hex(data)
        self.path(f"manifests/{digest}.json").write_bytes(data)
        return digest

    @property
    def manifest(self) -> str:
        return sha256_hex(self.path("datapackage.json").read_bytes())

    def common(self) -> dict[str, Any]:
        return {
            "seq": len(self.lines),
            "time": self.time,
            "manifest": self.manifest,
            "lib": self.lib,
            "prev": self.head,
        }

    def genesis(self, **changes: Any) -> "Library":
        event = Genesis(seq=0, time=self.time, manifest=self.write_manifest(), producer=self.producer.producer)
        return self.append(event, self.producer, **changes)

    def attest(self, by: Person = SCANNER, result: str = "pass", **claim: Any) -> "Library":
        said = Claim(**({"type": "optout", "result": result} | claim))
        return self.append(Attest(**self.common(), by=by.party, claim=said), by)

    def transfer(self, giver: Person = MAKER, taker: Person = BUYER, *rights: str, **changes: Any) -> "Library":
        event = Transfer(
            **self.common(),
            sender=giver.party,
            recipient=taker.party,
            rights=rights or ("ownership", "possession"),
            basis="contract 12/2026",
        )
        return self.append(event, giver, taker, **changes)

    def amend(self, by: Person = MAKER, *others: Person, reason: str = "correction") -> "Library":
        self.write_manifest()
        return self.append(Amend(**self.common(), by=by.party, reason=reason), by, *others)

    def withdraw(self, by: Person = MAKER) -> "Library":
        return self.append(Withdraw(**self.common(), by=by.party, reason="recalled"), by)

    def append(self, event: Event, *signers: Person, keys: Sequence[PrivateKey] = (), **changes: Any) -> "Library":
        """Sign and append an event, changed as the members of ``changes`` say; it need not be an allowed one."""
        changed = replace(event, **changes)
        sealed = envelope.sign(EVENT_TYPE, events.serialise(changed), [*(person.key for person in signers), *keys])
        return self.add(sealed)

    def add(self, sealed: Envelope) -> "Library":
        """Append a line, log it, and let a day pass."""
        self.lines.append(sealed.line)
        self.path("chain.jsonl").write_bytes(b"".join(line + b"\n" for line in self.lines))
        if self.log is not None:
            prev = sha256_hex(self.lines[-2]) if len(self.lines) > 1 else None
            leaf = {"event": sealed.id, "lib": self.lib, "prev": prev, "seq": len(self.lines) - 1}
            proof = self.log.proof(self.log.append(leaf), time=self.time + 60)
            self.path(f"proofs/{sealed.id}.tlog-proof").write_text(proof)
        self.day += 1
        return self

    def publish(self, time: int = NOW - DAY, others: Sequence["Library"] = ()) -> "Library":
        """Let the registry publish the heads of all libraries; keep the proof of this one."""
        publish_heads((self, *others), keep=(self,), time=time)
        return self

    def ship(self, upstream: "Library", *, listing: bool = False) -> "Library":
        """Put what upstream is now below ``upstream/``, and its manifests beside ours."""
        below = f"upstream/{upstream.lib}"
        self.path(f"{below}/chain.jsonl").write_bytes(upstream.path("chain.jsonl").read_bytes())
        for source in upstream.path("proofs").iterdir() if upstream.path("proofs").exists() else ():
            self.path(f"{below}/proofs/{source.name}").write_bytes(source.read_bytes())
        for source in upstream.path("manifests").iterdir():
            self.path(f"manifests/{source.name}").write_bytes(source.read_bytes())
        if listing:
            self.path(f"{below}/files.sha256").write_bytes(upstream.path("files.sha256").read_bytes())
        return self

    def input(self, upstream: "Library", mode: str = "verbatim", prefix: str | None = "in/") -> dict[str, Any]:
        """Describe the present state of a library as an input."""
        value = {"lib": upstream.lib, "head": upstream.head, "manifest": upstream.manifest, "mode": mode}
        return value if prefix is None else {**value, "prefix": prefix}


def publish_heads(libraries: Sequence[Library], *, keep: Sequence[Library], time: int = NOW - DAY) -> None:
    """Let the registry publish the heads of libraries of one log; keep the proofs of some."""
    log = libraries[0].log
    assert log is not None
    pairs = sorted((library.lib, library.head) for library in libraries)
    lines = [f"{head}  {lib}" for lib, head in pairs]
    index, _ = log.heads(lines)
    places = {lib: place for place, (lib, _) in enumerate(pairs)}
    hashes = [merkle.leaf_hash(line.encode()) for line in lines]
    proof = log.proof(index, time=time)
    for library in keep:
        at = places[library.lib]
        value = {
            "line": lines[at],
            "index": at,
            "size": len(lines),
            "path": [encode_base64(item) for item in merkle.inclusion_path(hashes, at)],
            "tlog": proof,
        }
        library.path("proofs/head.json").write_bytes(canonical(value))


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Replace the content of a file."""
    path.write_bytes(change(path.read_bytes()))


def sound(folder: Path) -> Library:
    """Make a library that is accepted: made, scanned, sold, published."""
    return Library(folder=folder).genesis().attest().transfer().publish()
