"""``datalib check-page``: the page that checks libraries in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts

if TYPE_CHECKING:
    from datalib.publish.checking import SiteTrust


@click.command("check-page", cls=Command)
@click.option("-o", "--out", type=options.FILE, required=True, help="The page, one HTML file.")
@click.option("--policy", type=options.FILE, help="A policy that the page brings with it.")
@click.option("--roots", type=options.FILE, help="Its root keys, which readers then believe on your word.")
@options.now
def command(out: Path, policy: Path | None, roots: Path | None, now: str | None) -> Output:
    """Write the page that checks libraries where the reader is, without installing anything.

    The reader drops a library on it, and a policy with root keys. It is one HTML file with one script, in three
    languages, works from a disk as from a web server, and sends nothing. What it does not check it says.
    """
    from datalib.library.store import write_file
    from datalib.publish import checking

    target, say = options.outside(out), texts()
    site = site_trust(policy, roots, clock(now))
    write_file(target, checking.write(say.lang, site))
    return Output(data={"out": str(target), "trust": site is not None}, lines=[say("page: {path}", path=target)])


def site_trust(policy: Path | None, roots: Path | None, now: int) -> "SiteTrust | None":
    """Read what a page brings for those who give no root keys of their own; both files, or neither."""
    from datalib.publish.checking import SiteTrust

    if policy is None and roots is None:
        return None
    if policy is None or roots is None:
        raise Misuse("E-USAGE", "--roots", "--policy and --roots go together")
    return SiteTrust.parse(options.read_file(policy), options.read_file(roots), now=now)
