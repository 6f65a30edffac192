"""Libraries assembled from libraries in a log, made for tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datalib.assembly import assemble as assembly
from datalib.assembly.assemble import Assembled
from datalib.assembly.outlook import Outlook
from datalib.assembly.request import Joining, Order, Pattern, Wish
from datalib.assembly.trust import Trust
from datalib.chain.links import read_unverified
from datalib.library.describe import Statements
from datalib.trust.policy import Policy
from datalib.verify import Report, verify
from tests.libraries import DAY, MAKER, NOW, PERSONS, ROOTS, Library, Log, Person, draft_policy, sign_policy

POLICY = sign_policy(draft_policy())
LOGGED = Trust(policy=POLICY, roots=ROOTS)
VOUCHED = Trust(policy=Policy.vouch([(person.id, person.key.public) for person in PERSONS]))


def upstream(tmp_path: Path, log: Log | None, name: str = "grain", **options: Any) -> Library:
    """Make a library of three files that an assembly may take from; unpublished."""
    files = {f"{name}.csv": b"region,tonnes\nAqmola,5\n", "a/1.txt": f"{name} 1\n".encode(), "a/2.txt": b"2\n"}
    return Library(folder=tmp_path / name, log=log, name=name, **{"files": files, **options}).genesis().attest()


def publish(*libraries: Library, time: int = NOW - DAY) -> None:
    """Let the registry publish the heads of these libraries."""
    for one in libraries:
        one.publish(time=time, others=[other for other in libraries if other is not one])


def order(
    out: Path,
    *inputs: str | Path,
    take: Sequence[str] = (),
    joins: Sequence[str] = (),
    data: Path | None = None,
    **said: Any,
) -> Order:
    """Ask for an assembly by the maker of the tests."""
    statements = {"producer": MAKER.producer.to_dict(), "purposes": ["train:asr"], **said}
    return Order(
        out=out,
        inputs=tuple(Wish.parse(str(text)) for text in inputs),
        take=tuple(map(Pattern.parse, take)),
        joins=tuple(map(Joining.parse, joins)),
        data=data,
        statements=Statements(**statements),
    )


def assemble(
    out: Path,
    *inputs: str | Path,
    trust: Trust = LOGGED,
    now: int = NOW,
    by: Sequence[Person] = (MAKER,),
    reason: str | None = None,
    actor: Person | None = None,
    **asked: Any,
) -> Assembled:
    """Assemble as `order` says."""
    keys = [person.key for person in by]
    party = actor.party if actor else None
    return assembly.assemble(order(out, *inputs, **asked), trust, now=now, keys=keys, reason=reason, actor=party)


def preview(out: Path, *inputs: str | Path, trust: Trust = LOGGED, **asked: Any) -> Outlook:
    """Lay out an assembly as `order` says."""
    return assembly.preview(order(out, *inputs, **asked), trust, now=NOW)


def check(out: Path, *, trust: Trust = LOGGED, now: int = NOW, admission: bool = True, **options: Any) -> Report:
    """Verify an assembled library that no log holds yet; no attestation is asked for."""
    asked = {"require": (), **options}
    return verify(out, policy=trust.policy, roots=trust.roots, now=now, admission=admission, **asked)


def code(report: Report) -> str | None:
    """Give the code of the first answer that is no."""
    return report.refusal.code if report.refusal else None


def as_library(out: Path, log: Log | None, now: int = NOW) -> Library:
    """Log the events of an assembled library that are not logged yet, so that tests go on with it."""
    library = Library(folder=out, log=log, name=out.name, day=(now - NOW) // DAY + 41)
    for link in read_unverified((out / "chain.jsonl").read_bytes()):
        library.lines.append(link.envelope.line)
        proof = library.path(f"proofs/{link.id}.tlog-proof")
        if log is not None and not proof.exists():
            leaf = {"event": link.id, "lib": library.lib, "prev": link.event.prev, "seq": link.event.seq}
            proof.write_text(log.proof(log.append(leaf), time=link.event.time + 60))
    library.files = {
        line[66:]: (out / line[66:]).read_bytes() for line in (out / "files.sha256").read_text().splitlines()
    }
    return library
