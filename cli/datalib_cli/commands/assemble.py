"""``datalib assemble``: a library made of libraries."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.assembled import outlook_data, outlook_lines, placed_data, plan_data, plan_lines
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.commands.init import source_value
from datalib_cli.render import COSIGN, act_data, note_data, note_lines
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.assembly.assemble import Assembled
    from datalib.assembly.request import Order


@click.command("assemble", cls=Command)
@click.argument("out", type=options.FOLDER)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="DIR[,mode=MODE][,prefix=P][,scan=OUT]",
    help="A library to take from: verbatim (all its files), subset (some), derived (others made from it). With a scan "
    "of it, what was admitted: rows (derived) or files (subset). Repeatable.",
)
@click.option(
    "--take",
    multiple=True,
    metavar="PREFIX/GLOB",
    help="Files of a subset, by their paths in OUT: * within a name, ** across folders, / at the end for a folder.",
)
@click.option(
    "--join",
    "joins",
    multiple=True,
    metavar="PATH=DIR/RESOURCE,DIR/RESOURCE[,source-column=NAME]",
    help="Tables of inputs with the same columns, as one file of OUT (CSV or Parquet) with one column more: the id of "
    "the library that a row is from. Repeatable.",
)
@click.option("--data", "data", type=options.FOLDER, help="A folder with OUT's own files. Default: they lie in OUT.")
@click.option("--producer-id", metavar="ID", help="Who assembles: kz-bin:…, lei:…, orcid:…, x-REGISTER:….")
@click.option("--producer-name", multiple=True, metavar="LANG=TEXT", help="The producer's name, once per language.")
@options.purposes
@click.option(
    "--source", "sources", multiple=True, metavar="TITLE[=URL]", help="A further source; those of the inputs are named."
)
@click.option("--license", "license_", default="", metavar="SPDX", help="Licence: an SPDX id or a URL.")
@click.option("--dry-run", is_flag=True, help="Check the inputs and show what would happen; write nothing.")
@options.reason
@click.option(
    "-o", "--out", "half", type=options.FILE, help="Where an event is written that wants the producer's signature too."
)
@options.trust_and_keys
@options.actor
@options.actor_name
@options.password_file
@options.progress
@options.now
def command(
    out: Path,
    inputs: tuple[str, ...],
    take: tuple[str, ...],
    joins: tuple[str, ...],
    data: Path | None,
    producer_id: str | None,
    producer_name: tuple[str, ...],
    purposes: tuple[str, ...],
    sources: tuple[str, ...],
    license_: str,
    dry_run: bool,
    reason: str | None,
    half: Path | None,
    trust: options.TrustOptions,
    actor: str | None,
    actor_name: tuple[str, ...],
    password_file: Path | None,
    progress: str,
    now: str | None,
) -> Output:
    """Make a library of libraries, and sign it; later: move its inputs to newer events, or add some.

    Every input is checked first. Its chain, proofs, manifests and evidence travel with OUT. An interrupted run can be
    repeated. --key is given more than once: the private key to sign with, and ID=PUB.pem for keys to believe in.
    """
    from datalib import acts
    from datalib.assembly import assemble as assembly
    from datalib.assembly.trust import Trust
    from datalib.progress import nobody
    from datalib_cli.progress import meter

    if reason is not None and reason not in acts.REASONS:
        raise Misuse("E-USAGE", "--reason", ", ".join(acts.REASONS))
    say, moment = texts(), clock(now)
    policy, roots = trust.believed()
    believed = Trust(policy=policy, roots=roots, state=trust.state)
    order = _order(out, inputs, take, joins, data, _statements(producer_id, producer_name, purposes, sources, license_))
    if dry_run:
        found = assembly.preview(order, believed, now=moment)
        return Output(
            data=outlook_data(found, say.lang), lines=outlook_lines(found, say), status=1 if found.stops else 0
        )
    if not trust.own:
        raise Misuse("E-USAGE", "--key", "a private key to sign with")
    opened = options.load_keys(trust.own, password_file, say("Password of {key}"))
    party = options.party(out, actor, actor_name) if actor or actor_name else None
    target = None if half is None else options.outside(half)
    with meter(progress) as watch:
        done = assembly.assemble(
            order, believed, now=moment, keys=opened, actor=party, reason=reason, watch=watch or nobody
        )
    return _done(done, out, target, say)


def _statements(
    producer_id: str | None,
    producer_name: tuple[str, ...],
    purposes: tuple[str, ...],
    sources: tuple[str, ...],
    license_: str,
) -> Any:
    from datalib.library.describe import Statements

    names = options.names(producer_name, "--producer-name")
    if bool(producer_id) != bool(names):
        raise Misuse("E-USAGE", "--producer-id", "--producer-id ID and --producer-name LANG=TEXT go together")
    return Statements(
        producer={"id": producer_id, "name": names} if producer_id else {},
        purposes=purposes,
        sources=[source_value(value) for value in sources],
        license=license_,
    )


def _order(
    out: Path,
    inputs: tuple[str, ...],
    take: tuple[str, ...],
    joins: tuple[str, ...],
    data: Path | None,
    statements: Any,
) -> "Order":
    from datalib.assembly.request import Joining, Order, Pattern, Wish

    return Order(
        out=out,
        inputs=tuple(map(Wish.parse, inputs)),
        take=tuple(map(Pattern.parse, take)),
        joins=tuple(map(Joining.parse, joins)),
        data=data,
        statements=statements,
    )


def _done(done: "Assembled", out: Path, half: Path | None, say: Texts) -> Output:
    from datalib.library.store import write_file

    act, placed = done.act, placed_data(done.placed)
    if act.pending is not None:
        if half is None:
            raise Misuse("E-SIG-PENDING", str(done.plan.standing.path))
        write_file(half, act.pending + b"\n")
    step = ""
    lines = [
        *note_lines(done.warnings, say),
        *plan_lines(done.plan, done.joined, say),
        say("files: {copied} copied, {removed} removed, {kept} there already", **placed),
    ]
    if act.kind == "none":
        lines.append(say("nothing has changed since the last signature"))
    elif act.event is None:
        lines.append(say("half signed: {path}", path=half))
        step = say(COSIGN, path=half, library=out)
    else:
        lines += [f"{act.kind}: {act.event}", say("library: {id}", id=act.library)]
        step = say("next: `datalib verify {library}` with --policy and --roots, or --key ID=PUB.pem", library=out)
    data = plan_data(done.plan, done.joined) | act_data(act) | {"placed": placed, "carried": done.carried}
    return Output(data=data | {"dry_run": False, "warnings": note_data(done.warnings)}, lines=lines, step=step)
