"""``datalib catalogue``: libraries as a static site for people."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse
from datalib_cli import law, options
from datalib_cli.base import Command, Output, clock, group, texts
from datalib_cli.commands.check_page import site_trust
from datalib_cli.layout import Block, Line
from datalib_cli.log.options import host, port, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datalib.admission import Demand
    from datalib.publish.catalogue.build import Built
    from datalib.trust.parties import Party
    from datalib_cli.texts import Texts

command = group("catalogue", "Make a static site of libraries, with search, for any web server.")


@command.command("build", cls=Command)
@click.argument("libraries", type=options.FOLDER, nargs=-1, required=True)
@click.option("-o", "--out", type=options.FOLDER, required=True, help="The folder of the site.")
@options.believing
@options.demands
@law.rules_option
@click.option("--title", "title", multiple=True, metavar="LANG=TEXT", help="What the catalogue is called.")
@click.option("--as", "publisher", metavar="ID", help="The party that publishes the catalogue.")
@click.option("--name", "names", multiple=True, metavar="LANG=TEXT", help="Name of the party that publishes it.")
@click.option("--url", default="", metavar="URL", help="Where the site will stand; for its feeds and its DCAT.")
@click.option("--order196", type=options.FILE, help="The list of Order 196, annex 2: a form file as for order196-2.")
@click.option("--with-data", is_flag=True, help="Offer the data too, of libraries whose gate is open.")
@options.progress
@options.now
def build(
    libraries: tuple[Path, ...],
    out: Path,
    trust: options.TrustOptions,
    demand: "Demand",
    rules: str | None,
    title: tuple[str, ...],
    publisher: str | None,
    names: tuple[str, ...],
    url: str,
    order196: Path | None,
    with_data: bool,
    progress: str,
    now: str | None,
) -> Output:
    """Make a catalogue of libraries, or bring one up to date; a folder that is no library stands for those in it.

    With --policy and --roots, or --key ID=PUB.pem, every library is verified, and one whose integrity does not hold is
    listed as refused, with exit status 1; the site is written all the same. Without, everything is only declared.

    The site loads nothing from elsewhere and works on any web server, or opened from the disk. It offers what is known
    of each library, its data only with --with-data. A library that has not changed is not read again.
    """
    from datalib.progress import nobody
    from datalib.publish.catalogue import build as building
    from datalib.publish.catalogue.site import Site
    from datalib.rules import records
    from datalib_cli.progress import meter

    systems = records.read("published", records.load(order196), str(order196)).get("systems", ()) if order196 else None
    site = Site(
        now=clock(now),
        title=options.names(title, "--title"),
        publisher=_publisher(publisher, names),
        url=_address(url),
        systems=systems,
        trust=site_trust(trust.policy, trust.roots, clock(now)) if trust.policy and trust.roots else None,
    )
    with meter(progress) as watch:
        built = building.build(
            libraries,
            options.outside(out),
            site=site,
            trust=trust.asked(),
            demand=demand,
            sets=law.sets(rules),
            clock=time.time_ns,
            with_data=with_data,
            watch=watch or nobody,
        )
    return _output(built, out, verified=trust.given, say=texts())


@command.command("serve", cls=Command)
@click.argument("site", type=options.FOLDER)
@host
@port
def serve(site: Path, host: str, port: int) -> Output:
    """Serve a catalogue over HTTP, for trying it. Any web server can do the same."""
    from datalib.library.store import Folder
    from datalib.publish.catalogue.shelf import check
    from datalib.site_server import serve_site

    check(site)
    with Folder(site) as folder:
        server = serve_site(folder, host, port)
        run(server)
    return Output(data={"url": server.url})


def _publisher(identifier: str | None, names: tuple[str, ...]) -> "Party | None":
    from datalib.trust.parties import Party, check_party_id

    if identifier is None:
        if names:
            raise Misuse("E-USAGE", "--name", "whose name is it? give --as too")
        return None
    if not names:
        raise Misuse("E-USAGE", "--as", f"how is {identifier} called? give --name LANG=TEXT")
    return Party(id=check_party_id(identifier), name=options.names(names, "--name"))


def _address(url: str) -> str:
    """Take the address of the site; ``Misuse("E-USAGE")`` for what is none."""
    from datalib.interop.triples import iri_of

    if not url:
        return ""
    if not url.startswith(("http://", "https://")) or iri_of(url) != url:
        raise Misuse("E-USAGE", "--url", f"{url[:80]!r} is no address such as https://data.example.kz/")
    return url if url.endswith("/") else f"{url}/"


def _output(built: "Built", out: Path, *, verified: bool, say: "Texts") -> Output:
    counts, total = built.counts, sum(built.counts.values())
    facts: dict[str, Any] = {
        "out": str(out),
        "verified": verified,
        "libraries": total,
        "states": counts,
        "made": built.made,
        "kept": built.kept,
        "gone": built.gone,
        "refused": [{"folder": folder, "code": code} for folder, code in built.refused],
        "contested": list(built.contested),
    }
    lines: list[Block] = [
        say("catalogue: {path}, libraries: {count}", path=out, count=total),
        say("made anew: {made}, unchanged: {kept}, gone: {gone}", made=built.made, kept=built.kept, gone=built.gone),
        *_refused(built.refused, counts.get("refused", 0), say),
        *(say("claims the id of another library in the catalogue: {folder}", folder=one) for one in built.contested),
    ]
    if not verified:
        lines.append(say("nothing was verified"))
    if counts.get("refused"):
        return Output(data=facts, lines=lines, status=1)
    step = say("next: `datalib catalogue serve {path}` shows it on this machine", path=out)
    return Output(data=facts, lines=lines, step=step)


def _refused(named: "Sequence[tuple[str, str]]", count: int, say: "Texts") -> list[Line]:
    lines = [
        Line(text=say("refused: {folder}, {code}", folder=folder, code=code), tone="bad") for folder, code in named
    ]
    if count > len(named):
        lines.append(Line(text=say("refused: {count} more", count=count - len(named)), tone="bad"))
    return lines
