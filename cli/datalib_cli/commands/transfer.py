"""``datalib transfer``: hand a library over; both sides sign."""

from pathlib import Path

import click

from datalib.errors import Misuse
from datalib_cli import codes, options
from datalib_cli.base import Output, clock, group, texts
from datalib_cli.render import act_data

command = group("transfer", "Hand a library over; both sides sign.")


@command.command("offer")
@click.argument("library", type=options.FOLDER)
@click.option("--key", "key", type=options.FILE, required=True, help="Private key of the one who gives.")
@click.option("--to", "to", required=True, metavar="ID", help="The one who receives.")
@click.option("--to-name", multiple=True, metavar="LANG=TEXT", help="The receiver's name, once per language.")
@click.option(
    "--rights",
    default="ownership,possession",
    metavar="LIST",
    shell_complete=codes.of_list("right"),
    help="ownership, possession or both.",
)
@click.option("--basis", required=True, metavar="TEXT", help="The contract or act it rests on.")
@click.option("-o", "--out", type=options.FILE, required=True, help="Where the half-signed offer is written.")
@options.actor
@options.actor_name
@options.password_file
@options.now
def offer(
    library: Path,
    key: Path,
    to: str,
    to_name: tuple[str, ...],
    rights: str,
    basis: str,
    out: Path,
    actor: str | None,
    actor_name: tuple[str, ...],
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Write a half-signed offer; it stands for 30 days, or until the library moves on."""
    from datalib import acts
    from datalib.chain.events import OWNERSHIP, POSSESSION
    from datalib.library.store import write_file

    say = texts()
    (opened,) = options.load_keys((key,), password_file, say("Password of {key}"))
    recipient = options.party(library, to, to_name, option="--to-name")
    sender = options.party(library, actor, actor_name)
    if recipient is None:
        raise Misuse("E-USAGE", "--to")
    wanted = tuple(dict.fromkeys(part.strip() for part in rights.split(",")))
    if not set(wanted) <= {OWNERSHIP, POSSESSION}:
        raise Misuse("E-USAGE", "--rights", f"ownership, possession or both, not {rights[:80]!r}")
    line = acts.offer(library, key=opened, to=recipient, rights=wanted, basis=basis, now=clock(now), sender=sender)
    write_file(options.outside(out), line + b"\n")
    return Output(
        data={"offer": str(out), "to": recipient.id, "rights": list(wanted)},
        lines=[say("offer: {path}", path=out)],
        step=say(
            "next: the receiver runs `datalib transfer accept {library} --offer {path} --key KEY.pem`",
            library=library,
            path=out,
        ),
    )


@command.command("show")
@click.argument("offered", metavar="OFFER", type=options.FILE)
def show(offered: Path) -> Output:
    """Show what an offer says, before anything is believed or signed."""
    from datalib.formats import format_time
    from datalib.handover import read_offer

    say, found = texts(), read_offer(options.read_file(offered), str(offered))
    event, until = found.event, format_time(found.until)
    signed = say("by both sides") if found.signatures > 1 else say("by one side; the receiver's signature is missing")
    data = {
        "library": event.lib,
        "after": event.prev,
        "from": event.sender.to_dict(),
        "to": event.recipient.to_dict(),
        "rights": list(event.rights),
        "basis": event.basis,
        "made": format_time(event.time),
        "until": until,
        "signatures": found.signatures,
        "verified": False,
    }
    lines = [
        f"{event.sender.id} → {event.recipient.id}: {', '.join(event.rights)}",
        say("basis: {text}", text=event.basis),
        say("library: {id}", id=event.lib),
        say("follows event {number}: {id}", number=event.seq - 1, id=event.prev),
        say("made {made}; dies after {until}, or when another event comes first", made=data["made"], until=until),
        say("signed: {by}", by=signed),
        say("not checked: signatures; that is `datalib transfer accept`"),
    ]
    return Output(data=data, lines=lines)


@command.command("accept")
@click.argument("library", type=options.FOLDER)
@click.option("--offer", "offered", type=options.FILE, required=True, help="The half-signed offer.")
@click.option("-o", "--out", type=options.FILE, help="Where the signed line is written for the giver's own copy.")
@options.trust_and_keys
@options.password_file
@options.now
def accept(
    library: Path,
    offered: Path,
    out: Path | None,
    trust: options.TrustOptions,
    password_file: Path | None,
    now: str | None,
) -> Output:
    """Check the library, then add the receiver's signature to the offer and to the chain.

    --key is given more than once: the private key to sign with, and ID=PUB.pem for keys to believe in.
    """
    from datalib import handover
    from datalib.library.store import write_file

    say, moment = texts(), clock(now)
    if len(trust.own) != 1:
        raise Misuse("E-USAGE", "--key", "one private key to sign with")
    policy, roots = trust.believed()
    (key,) = options.load_keys(trust.own, password_file, say("Password of {key}"))
    target = None if out is None else options.outside(out)
    done, line = handover.accept(
        library,
        options.read_file(offered),
        key=key,
        policy=policy,
        roots=roots,
        state=trust.state,
        now=moment,
        where=str(offered),
    )
    step = ""
    if target is not None:
        write_file(target, line + b"\n")
        step = say("next: the giver runs `datalib transfer complete LIBRARY --line {path}`", path=out)
    return Output(data=act_data(done), lines=[f"transfer: {done.event}"], step=step)


@command.command("complete")
@click.argument("library", type=options.FOLDER)
@click.option("--line", "signed", type=options.FILE, required=True, help="The line that the receiver sent back.")
@options.trust
@options.now
def complete(
    library: Path,
    signed: Path,
    trust: options.TrustOptions,
    now: str | None,
) -> Output:
    """Check the line that came back from the receiver and put it into the giver's own copy of the library."""
    from datalib import handover

    policy, roots = trust.believed()
    done = handover.complete(
        library,
        options.read_file(signed),
        policy=policy,
        roots=roots,
        state=trust.state,
        now=clock(now),
        where=str(signed),
    )
    return Output(data=act_data(done), lines=[f"transfer: {done.event}"])
