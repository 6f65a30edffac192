"""``datalib check``: what the law asks of a library."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib.errors import Misuse
from datalib_cli import options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.checked import explained_data, explained_lines, result_data, result_lines
from datalib_cli.looked import looked_data, looked_lines

if TYPE_CHECKING:
    from datalib.rules.reading import Trust


@click.command("check", cls=Command)
@click.argument("library", type=options.FOLDER, required=False)
@click.option("--rules", metavar="SETS", help="kz, eu or both: kz,eu. Default: by the producer's country.")
@click.option(
    "--register", type=options.FILE, help="A private register of withdrawals, objections, incidents, reviews."
)
@click.option("--calendar", type=options.FILE, help="Days off and days worked. Default: Kazakhstan, 2025 and 2026.")
@click.option(
    "--profile-file", "profiles", type=options.FILE, multiple=True, help="What an act asks, as data; repeatable."
)
@click.option("--waive", multiple=True, metavar="RULE=REASON", help="Switch a rule off; the reason is shown.")
@click.option("--waivers", type=options.FILE, help="A file of rules that are switched off, each with its reason.")
@click.option(
    "--look", type=click.Choice(("sample", "full")), help="Search the data for personal data: a sample of it, or all."
)
@click.option("--purpose", metavar="CODE", help="The purpose that is asked for.")
@click.option("--explain", metavar="RULE", help="Explain a rule, or a family of rules such as PD-08.")
@options.believing
@options.now
def command(
    library: Path | None,
    rules: str | None,
    register: Path | None,
    calendar: Path | None,
    profiles: tuple[Path, ...],
    waive: tuple[str, ...],
    waivers: Path | None,
    look: str | None,
    purpose: str | None,
    explain: str | None,
    policy: Path | None,
    roots: Path | None,
    keys: tuple[str, ...],
    now: str | None,
) -> Output:
    """Say what the law asks of a library: findings with article and remedy.

    Reads drafts too. It never says that all is well: it says what was asked, what could not be, and what is not
    covered. Exit status 1 if there are errors.
    """
    from datalib.rules import checking, reading, records
    from datalib.rules.profile import Profile

    if explain is not None:
        return _explain(explain)
    if library is None:
        raise Misuse("E-USAGE", "LIBRARY", "which library? or give --explain RULE")
    moment = clock(now)
    loaded = tuple(Profile.parse(records.load(path), str(path)) for path in profiles)
    days = reading.calendar(calendar)
    duties = reading.register(options.private(register, "--register"), days, moment) if register else None
    trust = _trust(options.TrustOptions(policy=policy, roots=roots, state=None, vouched=options.vouched(keys)))
    case = reading.open_case(
        library, now=moment, trust=trust, duties=duties, look=look, profiles=loaded, purpose=purpose
    )
    kept = checking.read_waivers(records.load(waivers), str(waivers)) if waivers else ()
    given = tuple(checking.Waiver.parse(text) for text in waive)
    sets = tuple(dict.fromkeys(rules.split(","))) if rules is not None else checking.sets_of(case)
    result = checking.check(case, sets=sets, waivers=(*kept, *given), profiles=loaded)
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


def _trust(trust: options.TrustOptions) -> "Trust | None":
    from datalib.rules.reading import Trust

    if not (trust.given or trust.roots):
        return None
    policy, roots = trust.believed()
    return Trust(policy=policy, roots=roots)
