"""Options of the commands that ask what the law wants of a library: which rules, and what is at hand besides it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib_cli import codes, options

if TYPE_CHECKING:
    from datalib.rules.reading import Request

rules_option = click.option(
    "--rules",
    metavar="SETS",
    shell_complete=codes.words("kz", "eu", "kz,eu"),
    help="kz, eu or both: kz,eu. Default: by the producer's country.",
)
_OPTIONS = (
    rules_option,
    click.option(
        "--register", type=options.FILE, help="A private register of withdrawals, objections, incidents, reviews."
    ),
    click.option("--calendar", type=options.FILE, help="Days off and days worked. Default: Kazakhstan, 2025 and 2026."),
    click.option(
        "--profile-file", "profiles", type=options.FILE, multiple=True, help="What an act asks, as data; repeatable."
    ),
    click.option("--waive", multiple=True, metavar="RULE=REASON", help="Switch a rule off; the reason is shown."),
    click.option("--waivers", type=options.FILE, help="A file of rules that are switched off, each with its reason."),
    click.option(
        "--look",
        type=click.Choice(("sample", "full")),
        help="Search the data for personal data: a sample of it, or all.",
    ),
)


def sets(rules: str | None) -> tuple[str, ...]:
    """Give the sets that ``--rules`` names, each once; none if it was not given."""
    return tuple(dict.fromkeys(rules.split(","))) if rules is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LawOptions:
    """What the options say, as given on the command line."""

    rules: str | None
    register: Path | None
    calendar: Path | None
    profiles: tuple[Path, ...]
    waive: tuple[str, ...]
    waivers: Path | None
    look: str | None

    def request(self, moment: int) -> "Request":
        """Read the files that were named, as of a time in seconds since 1970.

        Raises ``Refused("E-RECORD-FORMAT")`` with the place, ``Misuse("E-USAGE")``, ``Unchecked("E-IO")``.
        """
        from datalib.rules import checking, reading, records
        from datalib.rules.profile import Profile

        profiles = tuple(Profile.parse(records.load(path), str(path)) for path in self.profiles)
        days = reading.calendar(self.calendar)
        register = options.private(self.register, "--register") if self.register else None
        kept = checking.read_waivers(records.load(self.waivers), str(self.waivers)) if self.waivers else ()
        return reading.Request(
            sets=sets(self.rules),
            deadlines=reading.register(register, days, moment) if register else None,
            look=self.look,
            profiles=profiles,
            waivers=(*kept, *map(checking.Waiver.parse, self.waive)),
        )


#: The options; the function gets them together, as ``law``.
law_options = options.together("law", LawOptions, *_OPTIONS)
