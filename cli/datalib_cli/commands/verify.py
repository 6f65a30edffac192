"""``datalib verify``: check a library from its first signature to its last byte."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import report_data, report_lines

if TYPE_CHECKING:
    from datalib.admission import Demand
    from datalib.engine import Engine
    from datalib.packed import Packed

_SEED = re.compile(r"([0-9A-Fa-f]{2}){1,32}")


@click.command("verify", cls=Command)
@click.argument("library", type=options.PLACE)
@options.trust
@options.demands
@click.option(
    "--seed",
    metavar="HEX",
    help="What the files of sample:N are drawn with, to repeat a draw. Default: fresh randomness.",
)
@click.option("--require-evidence", is_flag=True, help="Evidence of attestations must be shipped.")
@options.hashing
@options.progress
@options.now
def command(
    library: Path | str,
    trust: options.TrustOptions,
    demand: "Demand",
    seed: str | None,
    require_evidence: bool,
    engine: "Engine | None",
    progress: str,
    now: str | None,
) -> Output:
    """Check a library from its first signature to its last byte, offline.

    LIBRARY is a folder, or a library packed into one file: tar, tar.gz or zip; or s3://BUCKET/PREFIX, which is read
    where it is, over the network.

    Two answers: integrity (is it what its producer and owners signed?) and the gate (may it be used, for this, now?).
    What was not checked is said.
    """
    from datalib.packed import Options, is_packed, verify_packed
    from datalib.progress import adding
    from datalib.verify import verify
    from datalib_cli.progress import meter, size_of

    policy, roots = trust.believed()
    asked: Options = {
        "policy": policy,
        "roots": roots,
        "now": clock(now),
        "memory": trust.memory(),
        "purpose": demand.purpose,
        "require": demand.require,
        "data": demand.data,
        "seed": _seed(seed, demand.data),
        "require_evidence": require_evidence,
        "engine": engine,
    }
    here = library if isinstance(library, Path) else None
    with meter(progress) as watch:
        if watch:
            asked["progress"] = adding(watch, "check", size_of(here) if here and demand.data == "full" else None)
        packed = verify_packed(here, **asked) if here and is_packed(here) else None
        report = packed.report if packed else verify(library, **asked)
    trust.remember(report)
    say = texts()
    return Output(
        data=report_data(report, say.lang) | (_packed_data(packed) if packed else {}),
        lines=[*report_lines(report, say), *(_packed_lines(packed) if packed else ())],
        status=0 if report.accepted else 1,
    )


def _seed(seed: str | None, data: str) -> bytes | None:
    if seed is None:
        return None
    if not data.startswith("sample:"):
        raise Misuse("E-USAGE", "--seed", "only for --data sample:N")
    if not _SEED.fullmatch(seed):
        raise Misuse("E-USAGE", "--seed", f"{seed[:80]!r} is not 2 to 64 hex digits, two for each byte")
    return bytes.fromhex(seed)


def _packed_data(packed: "Packed") -> dict[str, Any]:
    found = packed.found
    sizes = {"entries": found.entries, "bytes": found.size + found.listing} if found else None
    return {"archive": {"kind": str(packed.kind), "sizes": sizes}}


def _packed_lines(packed: "Packed") -> list[str]:
    say, found = texts(), packed.found
    if found is None:
        return [say("archive: {kind}, not unpacked", kind=packed.kind)]
    return [say("archive: {kind}, {entries} entries", kind=packed.kind, entries=found.entries)]
