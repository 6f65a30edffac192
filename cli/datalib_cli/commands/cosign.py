"""``datalib cosign``: add a second signature."""

from pathlib import Path

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import act_data


@click.command("cosign", cls=Command)
@click.argument("event", type=options.FILE)
@click.option("--key", "key", type=options.FILE, required=True, help="Private key, a PEM file.")
@click.option("--into", type=options.FOLDER, help="Append the event, now fully signed, to this library's chain.")
@options.password_file
@options.now
def command(event: Path, key: Path, into: Path | None, password_file: Path | None, now: str | None) -> Output:
    """Add a second signature to an event.

    The file is rewritten with both signatures; with --into the event also becomes the next line of the library's chain.
    A hand-over is accepted with `datalib transfer accept`, which checks the library first.
    """
    from datalib import acts
    from datalib.chain.events import Transfer
    from datalib.library.store import write_file

    say = texts()
    (opened,) = options.load_keys((key,), password_file, say("Password of {key}"))
    data = options.read_file(event)
    sealed, said = acts.pending(data, str(event))
    if into is not None and isinstance(said, Transfer):
        raise Misuse("E-NO-TRUST", str(event), "a hand-over: datalib transfer accept")
    if all(signature.keyid != opened.public.keyid for signature in sealed.signatures):
        data = acts.cosign(data, opened, str(event)) + b"\n"
        write_file(event, data)
    if into is None:
        into_ = say("next: `datalib cosign {path} --key KEY.pem --into LIBRARY` puts it into the chain", path=event)
        return Output(data={"event": str(event)}, lines=[say("signed: {path}", path=event)], step=into_)
    done = acts.append(into, data, now=clock(now), where=str(event))
    return Output(data=act_data(done), lines=[f"{done.kind}: {done.event}"])
