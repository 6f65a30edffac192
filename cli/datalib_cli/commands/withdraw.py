"""``datalib withdraw``: end a library for good."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import act_data, note_lines


@click.command("withdraw", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option("--reason", required=True, metavar="TEXT", help="Why, in words.")
@click.option("--key", "key", type=options.FILE, required=True, help="Private key, a PEM file.")
@options.actor
@options.actor_name
@options.password_file
@options.now
def command(
    library: Path,
    reason: str,
    key: Path,
    actor: str | None,
    actor_name: tuple[str, ...],
    password_file: Path | None,
    now: str | None,
) -> Output:
    """End a library for good: no gate opens it again, its chain stays readable."""
    from datalib import acts

    (opened,) = options.load_keys((key,), password_file, texts()("Password of {key}"))
    by = options.party(library, actor, actor_name)
    done = acts.withdraw(library, key=opened, reason=reason, now=clock(now), by=by)
    return Output(data=act_data(done), lines=[*note_lines(done.warnings, texts()), f"withdraw: {done.event}"])
