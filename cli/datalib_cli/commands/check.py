"""``datalib check``: what the law asks of a library."""

from pathlib import Path

import click

from datalib.errors import Misuse
from datalib_cli import codes, options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.checked import explained_data, explained_lines, result_data, result_lines
from datalib_cli.law import LawOptions, law_options
from datalib_cli.looked import looked_data, looked_lines


@click.command("check", cls=Command)
@click.argument("library", type=options.FOLDER, required=False)
@law_options
@options.purpose
@click.option(
    "--explain", metavar="RULE", shell_complete=codes.rules, help="Explain a rule, or a family of rules such as PD-08."
)
@options.believing
@options.now
def command(
    library: Path | None,
    law: LawOptions,
    purpose: str | None,
    explain: str | None,
    trust: options.TrustOptions,
    now: str | None,
) -> Output:
    """Say what the law asks of a library: findings with article and remedy.

    Reads drafts too. It never says that all is well: it says what was asked, what could not be, and what is not
    covered. Exit status 1 if there are errors.
    """
    from datalib.rules import checking, reading

    if explain is not None:
        return _explain(explain)
    if library is None:
        raise Misuse("E-USAGE", "LIBRARY", "which library? or give --explain RULE")
    moment = clock(now)
    request = law.request(moment)
    case = reading.open_case(library, request, now=moment, purpose=purpose, trust=trust.asked())
    result, duties = reading.answer(case, request), request.deadlines
    say = texts()
    return Output(
        data=result_data(result, duties, checking.NOT_COVERED, say.lang) | {"look": looked_data(case.found)},
        lines=[*looked_lines(case.found, say), *result_lines(result, duties, checking.NOT_COVERED, say)],
        status=1 if result.count(checking.ERROR) else 0,
    )


def _explain(wanted: str) -> Output:
    from datalib.rules.checking import RULES

    found = [rule for rule in RULES if wanted in {rule, rule.partition(".")[0]}]
    if not found:
        raise Misuse("E-USAGE", "--explain", f"there is no rule {wanted[:80]!r}")
    say = texts()
    return Output(data=explained_data(found, say.lang), lines=explained_lines(found, say))
