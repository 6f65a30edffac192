"""``datalib optout receipt`` and ``verify-receipt``: what a set says of one work, proven to who has not the set."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import datalib_vocab
from datalib.errors import Misuse, Refused
from datalib.formats import format_time
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts

if TYPE_CHECKING:
    from datalib.optout.receipt import Attested, Receipt, Shown

#: What the check of a receipt leaves unchecked.
NOT_CHECKED = {
    "chain": "whether anybody attested this scan: give --chain",
    "signatures": "who signed: give --policy and --roots, or --key",
    "roots": "the policy: you vouch for the keys yourself",
    "log": "the log, and whether the chain is the newest: that is `datalib verify` of the library",
    "scan": "whether the scan saw all works: its attester says so",
}


@click.command("receipt", cls=Command)
@click.argument("work")
@click.option("--scan", "scanned", type=options.FOLDER, required=True, help="The result of a scan.")
@click.option("-o", "--out", type=options.FILE, required=True, help="Where the receipt is written.")
@click.option("--library", type=options.FOLDER, help="The library whose chain attests this scan.")
def receipt(work: str, scanned: Path, out: Path, library: Path | None) -> Output:
    """Write what a set says of a work, with a proof: present with its verdict, or absent.

    WORK is a work's id or its URL. Absence can be shown by scans that were made with --receipts. A receipt also shows
    the up to 63 decisions that stand beside that of the work.
    """
    from datalib.library.store import write_file
    from datalib.optout import receipt as receipts
    from datalib.optout.receipt_making import make
    from datalib.optout.result import read_bytes

    target = options.outside(out)
    made = make(work, scanned, library)
    data = made.serialise()
    if len(data) > receipts.MAX_BYTES:
        raise Misuse("E-USAGE", work[:200], "the receipt would be too large")
    shown = receipts.check(made, made.scan or read_bytes(scanned))
    write_file(target, data)
    say = texts()
    return Output(
        data={"receipt": str(out), **_data(shown)},
        lines=[*_lines(shown), *_statement_lines(made), say("receipt: {path}", path=out)],
        step=say("next: whoever receives it runs `datalib optout verify-receipt {path}`", path=out),
    )


@click.command("verify-receipt", cls=Command)
@click.argument("receipt", type=options.FILE)
@click.option("--work", help="The id or URL in question. Default: the one that the receipt was made for.")
@click.option("--scan-json", type=options.FILE, help="The scan.json, where it was too large for the receipt.")
@click.option("--chain", type=options.FILE, help="The chain of the library, chain.jsonl: who attested the scan.")
@click.option("--expect", type=click.Choice(["present", "absent"]), help="The answer that is exit 0; else both are.")
@options.trust
@options.now
def verify_receipt(
    receipt: Path,
    work: str | None,
    scan_json: Path | None,
    chain: Path | None,
    expect: str | None,
    trust: options.TrustOptions,
    now: str | None,
) -> Output:
    """Check a receipt, without the set. What was not checked is said."""
    from datalib.optout import receipt as receipts

    found = receipts.Receipt.parse(options.read_file(receipt), str(receipt))
    if work is not None and receipts.named(found.kind, work) != found.name:
        raise Refused(receipts.CODE, str(receipt), f"made for {found.name[:200]!r}")
    shown = receipts.check(found, options.read_file(scan_json) if scan_json else None, str(receipt))
    attested, unchecked = _attested(found, chain, trust, clock(now), str(receipt))
    say = texts()
    return Output(
        data={
            **_data(shown), "attested": attested.to_dict() if attested else None, "not_checked": unchecked,
            "signatures": trust.given,
        },
        lines=[
            *_lines(shown), *(_attested_lines(attested, signed=trust.given) if attested else ()), say("not checked:"),
            *(f"  - {say(NOT_CHECKED[code])}" for code in unchecked),
        ],
        status=1 if expect not in {None, str(shown.presence)} else 0,
    )  # fmt: skip


def _attested(
    found: "Receipt", chain: Path | None, trust: options.TrustOptions, now: int, where: str
) -> "tuple[Attested | None, list[str]]":
    from datalib.fileproof import read_chain
    from datalib.optout import receipt as receipts
    from datalib.verify import believe

    if chain is None:
        if trust.given:
            raise Misuse("E-USAGE", "--chain", "signatures are in the chain")
        return None, ["chain", "signatures", "log", "scan"]
    memory = trust.memory()
    believed = believe(*trust.believed(), now, memory) if trust.given else None
    event = receipts.attested(read_chain(options.read_file(chain), believed, now), found.scan_sha256, str(chain))
    for said, real in ((found.library, event.library), (found.event, event.event)):
        if said and said != real:
            raise Refused(receipts.CODE, where, f"made for {said[:64]}, not for {real}")
    doubts = ["signatures"] if believed is None else ["roots"] if believed.vouched else []
    return event, [*doubts, "log", "scan"]


def _data(shown: "Shown") -> dict[str, Any]:
    return {
        "about": {shown.kind: shown.name},
        "complete": shown.complete,
        "decisions": [
            {"work": d.work, "url": d.url or None, "verdict": d.verdict, "reason": d.reason} for d in shown.decisions
        ],
        "result": str(shown.presence),
        "scan": {"sha256": shown.scan_sha256, "time": shown.scan.time, "works": shown.scan.works},
    }


def _lines(shown: "Shown") -> list[str]:
    say = texts()
    if not shown.decisions:
        lines = [say("{name}: absent, in exactly this spelling", name=shown.name)]
    elif shown.complete:
        lines = [say("{name}: present; decisions: {count}, all of them", name=shown.name, count=len(shown.decisions))]
    else:
        lines = [say("{name}: present; there may be more decisions than these", name=shown.name)]
    for said in shown.decisions:
        meaning = datalib_vocab.reason(said.reason, say.lang)
        lines.append(f"  {said.work}: {said.verdict}: {said.reason}: {meaning}")
    return [*lines, say("scan: {count} works, {time}", count=shown.scan.works, time=shown.scan.time)]


def _statement_lines(made: "Receipt") -> list[str]:
    return [f"  {item['signal']} ({item['carrier']}) {item['where']}" for item in made.statements]


def _attested_lines(found: "Attested", *, signed: bool) -> list[str]:
    say = texts()
    lines = [
        say("attested by {party}, {time}: {result}", party=found.by, time=format_time(found.time), result=found.result),
        say("library: {id}", id=found.library),
        say("manifest: {sha256}", sha256=found.manifest),
        say("signatures: verified") if signed else say("signatures: not verified"),
    ]
    if not found.newest:
        lines.append(say("the chain goes on: the library was changed or attested again"))
    return lines
