"""``datalib attest``: sign a finding about a library."""

from pathlib import Path

import click

from datalib.errors import Misuse
from datalib_cli import codes, options
from datalib_cli.base import Command, Output, clock, texts, time_of
from datalib_cli.render import act_data, note_lines


@click.command("attest", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option("--as", "actor", required=True, metavar="ID", help="The party that attests.")
@options.actor_name
@click.option(
    "--claim",
    "claim_type",
    required=True,
    metavar="TYPE",
    shell_complete=codes.claims,
    help="What is claimed, such as optout or quality.",
)
@click.option("--key", "key", type=options.FILE, required=True, help="Private key, a PEM file.")
@click.option("--scan", "scanned", type=options.FOLDER, help="A scan of this library; it decides the result.")
@click.option("--result", type=click.Choice(["pass", "fail", "info"]), help="The result of another finding.")
@click.option("--until", metavar="TIME", help="When it ends. Default for a scan: 90 days from now.")
@click.option("--evidence", type=options.FILE, multiple=True, help="A file to ship with the library as evidence.")
@click.option("--ship-evidence", is_flag=True, help="Ship the scan's decisions, signals and evidence too.")
@click.option("--note", metavar="TEXT", help="A remark.")
@options.password_file
@options.now
def command(
    library: Path,
    actor: str,
    actor_name: tuple[str, ...],
    claim_type: str,
    key: Path,
    scanned: Path | None,
    result: str | None,
    until: str | None,
    evidence: tuple[Path, ...],
    ship_evidence: bool,
    note: str | None,
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Sign a finding about a library, such as a scan for opt-outs.

    With --scan nobody types the result: it is pass only if every work is admitted and every scanned file is the listed
    one.
    """
    from datalib import acts
    from datalib.findings import Finding, of_scan, stated

    say, moment = texts(), clock(now)
    if (scanned is None) == (result is None):
        raise Misuse("E-USAGE", "--scan", "either --scan OUT or --result pass|fail|info")
    ends = time_of(until, "--until") if until else None
    if ends is not None and ends <= moment:
        raise Misuse("E-USAGE", "--until", "is not later than now")
    finding: Finding
    if scanned is not None:
        finding = of_scan(library, scanned, claim_type, now=moment, until=ends, ship=ship_evidence)
    else:
        finding = stated(claim_type, str(result), until=ends)
    made, shipped = finding.with_files(evidence).claim(note)
    (opened,) = options.load_keys((key,), password_file, say("Password of {key}"))
    by = options.party(library, actor, actor_name)
    if by is None:
        raise Misuse("E-USAGE", "--as")
    done = acts.attest(library, key=opened, by=by, claim=made, now=moment, shipped=shipped)
    return Output(
        step=say("next: `datalib verify {library}` with --policy and --roots, or --key ID=PUB.pem", library=library),
        data={**act_data(done), "claim": made.to_dict(), "reasons": list(finding.reasons)},
        lines=[
            *note_lines(done.warnings, say),
            f"attest: {done.event}",
            f"{made.type}: {made.result}",
            *finding.reasons,
        ],
    )
