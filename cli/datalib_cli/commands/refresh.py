"""``datalib refresh``: what has happened upstream."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import report_data, report_lines


@click.command("refresh", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option(
    "--from",
    "sources",
    type=options.FOLDER,
    multiple=True,
    required=True,
    help="An upstream library as it is now, or a library that carries its chain. Repeatable.",
)
@options.trust
@options.now
def command(
    library: Path,
    sources: tuple[Path, ...],
    trust: options.TrustOptions,
    now: str | None,
) -> Output:
    """Bring newer chains and proofs of upstream libraries into a library that was assembled from them.

    They are checked first; an older copy never replaces a newer one. A withdrawal or an opt-out upstream then closes
    the gate. The data files are not touched: to follow, run `datalib assemble` again.
    """
    from datalib.assembly import refresh
    from datalib.assembly.trust import Trust

    policy, roots = trust.believed()
    done = refresh.refresh(library, sources, Trust(policy=policy, roots=roots, state=trust.state), now=clock(now))
    say = texts()
    lines = [
        say("{name}: {events} events", name=item.name, events=item.after)
        if item.before == item.after
        else say("{name}: {events} events, {new} new", name=item.name, events=item.after, new=item.after - item.before)
        for item in done.news
    ]
    data = {
        "upstream": [
            {"lib": item.lib, "name": item.name, "before": item.before, "after": item.after} for item in done.news
        ],
        "written": done.written,
        "report": report_data(done.report, say.lang),
    }
    gate = done.report.gate
    step = ""
    if gate is not None and gate.code == "E-INPUT-WITHDRAWN":  # final, and an input once named stays named
        step = say(
            "next: `datalib assemble OUT` of the other inputs, then `datalib withdraw {library}`", library=library
        )
    elif gate is not None and not gate.ok and gate.code.startswith("E-INPUT-"):
        step = say("next: `datalib assemble {library}` with --input takes over what has changed", library=library)
    return Output(data=data, lines=[*lines, *report_lines(done.report, say)[:2]], step=step)
