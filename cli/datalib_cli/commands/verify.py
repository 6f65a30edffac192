"""``datalib verify``: check a library from its first signature to its last byte."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import report_data, report_lines


@click.command("verify", cls=Command)
@click.argument("library", type=options.FOLDER)
@options.trust
@click.option("--purpose", metavar="CODE", help="The purpose that is asked for.")
@click.option(
    "--require",
    multiple=True,
    metavar="CLAIM",
    help="A claim that must have passed; repeatable. Default: optout. `none` asks for no attestation.",
)
@click.option("--data", default="full", metavar="MODE", help="full, sample:N or none. Default: full.")
@click.option("--require-evidence", is_flag=True, help="Evidence of attestations must be shipped.")
@options.now
def command(
    library: Path,
    policy: Path | None,
    roots: Path | None,
    state: Path | None,
    keys: tuple[str, ...],
    purpose: str | None,
    require: tuple[str, ...],
    data: str,
    require_evidence: bool,
    now: str | None,
) -> Output:
    """Check a library from its first signature to its last byte, offline.

    Two answers: integrity (is it what its producer and owners signed?) and the gate (may it be used, for this, now?).
    What was not checked is said.
    """
    from datalib.verify import load_state, save_state, verify

    trust = options.TrustOptions(policy=policy, roots=roots, state=state, vouched=options.vouched(keys))
    believed, pinned = trust.believed()
    report = verify(
        library,
        policy=believed,
        roots=pinned,
        now=clock(now),
        memory=load_state(state) if state else None,
        purpose=purpose,
        require=() if require == ("none",) else require or ("optout",),
        data=data,
        require_evidence=require_evidence,
    )
    if report.accepted and state is not None:
        save_state(state, report.memory)
    say = texts()
    return Output(
        data=report_data(report, say.lang), lines=report_lines(report, say), status=0 if report.accepted else 1
    )
