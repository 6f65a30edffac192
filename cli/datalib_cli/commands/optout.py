"""``datalib optout``: ask sites, explain verdicts, remove refused works."""

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib_cli import options
from datalib_cli.base import Output, clock, group, texts
from datalib_cli.commands.author import declare, embed
from datalib_cli.commands.receipt import receipt, verify_receipt
from datalib_cli.explaining import explanation_lines
from datalib_cli.layout import Row, Table

if TYPE_CHECKING:
    from datalib.optout.fetch import FetchResult
    from datalib.optout.origins import Skipped

command = group("optout", "Ask sites, explain verdicts, remove refused works.")
for own in (declare, embed, receipt, verify_receipt):
    command.add_command(own)


@command.command("fetch")
@click.argument("works", type=options.FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=options.FILE, required=True, help="The snapshot: JSON Lines, one answer a line.")
@click.option("--url-column", "url_columns", multiple=True, metavar="C", help="Columns with URLs. Default: detected.")
@click.option(
    "--profile",
    type=click.Choice(["kz", "eu", "strict"]),
    default="kz",
    help="Ask for the files that it needs. Default: kz.",
)
@click.option("--path", "paths", multiple=True, metavar="/PATH", help="Ask for this path too, such as /ai.txt.")
@click.option("--linked", is_flag=True, help="Then ask for the RSL licences that robots.txt files link, on any site.")
@click.option("--update", type=options.FILE, help="An earlier snapshot: what has not changed since is taken over.")
@click.option(
    "--max-age",
    type=click.IntRange(0, 36500),
    metavar="DAYS",
    help="With --update: answers that are not older are taken over unasked.",
)
@click.option("--warc", type=options.FILE, help="Also write what went over the network: a web archive, .warc.gz.")
@click.option("--agent", default="", metavar="NAME", help="Who asks, named before datalib in the User-Agent header.")
@click.option("--concurrency", type=click.IntRange(1, 1024), default=64, help="Hosts asked at a time. Default: 64.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    help="Seconds for one answer with its redirects. Default: 20.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(512_000, 8 << 20),
    default=2 << 20,
    help="Largest answer in bytes. Default: 2 MiB.",
)
@click.option(
    "--retries", type=click.IntRange(0, 10), default=2, help="How often a site in trouble is asked again. Default: 2."
)
@click.option(
    "--pause", type=click.FloatRange(0, 60), default=0.0, help="Seconds between two requests to one host. Default: 0."
)
@click.option("--allow-private", is_flag=True, help="Ask addresses of private networks and of this machine too.")
@options.progress
@options.now
def fetch(
    works: tuple[Path, ...],
    out: Path,
    url_columns: tuple[str, ...],
    profile: str,
    paths: tuple[str, ...],
    linked: bool,
    update: Path | None,
    max_age: int | None,
    warc: Path | None,
    agent: str,
    concurrency: int,
    timeout: float,
    max_bytes: int,
    retries: int,
    pause: float,
    allow_private: bool,
    progress: str,
    now: str | None,
) -> Output:
    """Ask the sites of works for robots.txt and tdmrep.json, over the network.

    WORKS are tables, folders, libraries, or lists of URLs and origins. A run that was interrupted goes on where it
    stopped.
    """
    from datalib.optout.fetch import fetch as ask
    from datalib.optout.fetch import paths_of
    from datalib.optout.origins import origins_of
    from datalib_cli.progress import meter

    skipped: list[Skipped] = []
    fixed = clock(now) if now is not None or "SOURCE_DATE_EPOCH" in os.environ else None
    with meter(progress) as watch:
        result = ask(
            origins_of(works, url_columns, skipped.append),
            out=options.outside(out),
            paths=paths_of(profile, paths),
            linked=linked,
            update=update,
            max_age=None if max_age is None else timedelta(days=max_age),
            warc=warc and options.outside(warc),
            now=lambda: datetime.now(UTC) if fixed is None else datetime.fromtimestamp(fixed, UTC),
            agent=agent,
            concurrency=concurrency,
            timeout=timeout,
            max_bytes=max_bytes,
            retries=retries,
            pause=pause,
            allow_private=allow_private,
            progress=partial(watch, "ask") if watch else None,
        )
    return _fetched(result, skipped)


def _fetched(result: "FetchResult", skipped: "list[Skipped]") -> Output:
    from datalib_cli.render import skipped_lines

    say = texts()
    statuses = {str(name): count for name, count in sorted(result.statuses.items(), key=lambda item: str(item[0]))}
    return Output(
        data={
            "out": str(result.out),
            "answers": result.answers,
            "asked": result.asked,
            "statuses": statuses,
            "not_read": [each._asdict() for each in skipped],
        },
        lines=[
            say(
                "snapshot: {path}, {answers} answers ({asked} asked now)",
                path=result.out,
                answers=result.answers,
                asked=result.asked,
            ),
            *(f"  {name}: {count}" for name, count in statuses.items()),
            *skipped_lines(skipped, say),
        ],
        step=say("next: `datalib scan WORKS --sites {path} -o SCAN`", path=result.out),
    )


@command.command("agents")
@click.option("--file", "table", type=options.FILE, help="A table of your own, in the same format.")
@click.option("--all", "everything", is_flag=True, help="Also names that are no reservation against training.")
def agents(table: Path | None, everything: bool) -> Output:
    """List the crawler names whose Disallow counts as a reservation against training, with their sources."""
    from datalib.optout import agents as known

    found = known.read(options.read_file(table), str(table)) if table else known.default()
    shown = [agent for agent in found.agents if everything or agent.reserves_training]
    say = texts()
    return Output(
        data={
            "updated": found.updated,
            "sha256": found.sha256,
            "agents": [
                {
                    "token": agent.token,
                    "operator": agent.operator,
                    "role": agent.role,
                    "reserves_training": agent.reserves_training,
                    "reserves_ai_input": agent.reserves_ai_input,
                    "source": agent.source,
                    "date": agent.date,
                }
                for agent in shown
            ],
        },
        lines=[
            say("{count} names, as of {day}", count=len(shown), day=found.updated),
            Table(rows=[Row(cells=(agent.token, agent.role, agent.operator or "-")) for agent in shown], indent=0),
        ],
    )


@command.command("list")
@click.option("--scan", "scanned", type=options.FOLDER, required=True, help="The result of a scan.")
@click.option(
    "--verdict",
    "verdicts",
    type=click.Choice(["admit", "refuse", "hold"]),
    multiple=True,
    default=("refuse", "hold"),
    help="Works with this verdict, once for each. Default: refuse and hold.",
)
@click.option(
    "--reason", "reasons", multiple=True, metavar="CODE", help="Only works with this reason, as the scan has it."
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=100, metavar="N", help="How many are listed. Default: 100."
)
def works(scanned: Path, verdicts: tuple[str, ...], reasons: tuple[str, ...], limit: int) -> Output:
    """List works of a scan, with verdict, reason and URL: those that are not admitted, if nothing else is said."""
    from datalib.optout.listed import listed
    from datalib.optout.model import Verdict

    found, say = listed(scanned, verdicts=tuple(map(Verdict, verdicts)), reasons=reasons, limit=limit), texts()
    rows = [Row(cells=(each.verdict, each.reason, each.work, each.url or "")) for each in found.first]
    more = found.total - len(rows)
    return Output(
        data={"total": found.total, "works": [each._asdict() for each in found.first]},
        lines=[
            say("works: {count}", count=found.total),
            Table(rows=rows),
            *(
                [say("{count} more: --limit; all stand in {path}", count=more, path=scanned / "decisions")]
                if more
                else []
            ),
        ],
        step=say("next: `datalib optout explain WORK --scan {out}` says why a work is not admitted", out=scanned)
        if any(each.verdict != Verdict.ADMIT for each in found.first)
        else "",
    )


@command.command("explain")
@click.argument("work")
@click.option("--scan", "scanned", type=options.FOLDER, required=True, help="The result of a scan.")
def explain(work: str, scanned: Path) -> Output:
    """Tell an author why a work is used or not: what was found, where, what it means, how to check it.

    WORK is a work's id or its URL.
    """
    from datalib.optout.explain import explain as look_up

    found = look_up(work, scanned)
    return Output(data=found.to_dict(), lines=explanation_lines(found, texts()))


@command.command("apply")
@click.argument("library", type=options.FOLDER)
@click.option("--scan", "scanned", type=options.FOLDER, required=True, help="The result of a scan of this library.")
@click.option("--held", is_flag=True, help="Remove works on hold too.")
def apply(library: Path, scanned: Path, held: bool) -> Output:
    """Remove refused works from a library: rows from tables, files from the folder. Then sign with --reason optout."""
    from datalib.optout.apply import apply as remove

    done, say = remove(library, scanned, held=held), texts()
    return Output(
        data=done.to_dict(),
        lines=[
            *(
                say("{table}: {count} rows removed", table=table, count=count)
                for table, count in sorted(done.tables.items())
            ),
            *(say("{file}: removed", file=file) for file in done.files),
            *(
                say("{source} is refused; it stays named, what came from it is for people to judge", source=source)
                for source in done.sources
            ),
        ],
        step=say("next: `datalib sign {library} --reason optout --key KEY.pem`", library=library),
    )
