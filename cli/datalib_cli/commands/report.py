"""``datalib report``: a library as a page for people."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.law import LawOptions, law_options

if TYPE_CHECKING:
    from datalib.admission import Demand
    from datalib.publish.story import Story
    from datalib_cli.texts import Texts


@click.command("report", cls=Command)
@click.argument("library", type=options.FOLDER)
@click.option("-o", "--out", type=options.FILE, required=True, help="The page, one HTML file.")
@options.trust
@options.demands
@click.option("--scan", "scanned", type=options.FOLDER, help="A scan that is to be shown too, marked as not signed.")
@law_options
@options.now
def command(
    library: Path,
    out: Path,
    trust: options.TrustOptions,
    demand: "Demand",
    scanned: Path | None,
    law: LawOptions,
    now: str | None,
) -> Output:
    """Write a library as one page for people: the verdict, what was checked, where the data came from, what is missing.

    LIBRARY is a folder, or a library packed into one file, which then has to be verified.

    The page loads nothing, runs no script and prints. With --policy and --roots, or --key ID=PUB.pem, the library is
    verified first, and exit status 1 says that the verdict is no; the page is written all the same. Without, everything
    on it is marked as only declared.
    """
    from datalib.library.store import write_file
    from datalib.publish import report, story

    target = options.outside(out)
    moment = clock(now)
    asked = story.Question(trust=trust.asked(), demand=demand, law=law.request(moment), now=moment, scan=scanned)
    told = story.tell(library, asked)
    say = texts()
    write_file(target, report.write(told, say.lang))
    if told.report is not None:
        trust.remember(told.report)
    return _output(told, target, say)


def _output(told: "Story", out: Path, say: "Texts") -> Output:
    report, line = told.report, say("report: {path}", path=out)
    facts: dict[str, Any] = {"out": str(out), "verified": report is not None}
    if report is None:
        return Output(data=facts | {"accepted": None, "code": None}, lines=[line, say("nothing was verified")])
    code = report.refusal.code if report.refusal else None
    said = say("verdict: no, {code}", code=code) if code else say("verdict: yes")
    return Output(data=facts | {"accepted": report.accepted, "code": code}, lines=[line, said], status=1 if code else 0)
