"""Why a work got its verdict, told to its author: plain sentences first, then what was found, then how to check it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import datalib_vocab
from datalib_cli.texts import Texts

if TYPE_CHECKING:
    from datalib.optout.explain import Explanation, Statement

#: Categories, as an author would call them.
USES: Final = {
    "crawl": "collection by crawlers",
    "tdm": "text and data mining",
    "train_any": "training of AI models",
    "train_gen": "training of generative AI",
    "ai_input": "use in answers of AI",
    "ai_index": "an index for AI",
    "search": "search",
}
#: States, the strongest first.
STATES: Final = {
    "deny": "Refused: {uses}",
    "hold": "Cannot be read for certain: {uses}",
    "conditional": "Only with a licence: {uses}",
    "allow": "Not forbidden there: {uses}",
}
SILENT: Final = "Nothing said about: {uses}"
SPEAKERS: Final = {
    "location": "the site {host}",
    "transfer": "the server, in the headers of its answer",
    "page": "the web page, in its code",
    "unit": "the file itself",
    "registry": "a list of refusals (registry)",
}
#: Carriers that can be asked, as ``carriers_asked`` names them.
CARRIERS: Final = {
    "robots.txt": "robots.txt (the site's rules for crawlers)",
    "tdmrep.json": "tdmrep.json (what the site reserves of text and data mining)",
    "ai.txt": "ai.txt (what the site says about training of AI)",
    "well-known/ai.txt": ".well-known/ai.txt (the same, in another place)",
    "trust.txt": "trust.txt (what a publisher says about training)",
    "well-known/trust.txt": ".well-known/trust.txt (the same, in another place)",
    "license.xml": "license.xml (a licence of the site for machines)",
    "terms": "the terms of use of the site",
    "page": "the code of the web page",
    "registry": "lists of refusals (registries)",
    "transfer": "the headers of the server's answer",
    "unit": "the file itself",
}
#: Carriers that only a work with an address can have.
_OF_SITES: Final = tuple(name for name in CARRIERS if name not in {"page", "registry", "transfer", "unit"})
KEPT: Final = {
    "evidence.parquet": "the very bytes are kept in evidence.parquet of the scan",
    "sites": "the very bytes are kept in the scan's copy of the sites' answers (sites)",
    "": "the bytes are not at hand here; whoever ran the scan can show them",
}
PROFILES: Final = {
    "kz": "kz: training is allowed only without a prohibition of the author or rights holder in machine-readable form "
    "(Law of the Republic of Kazakhstan on AI, art. 23(5))",
    "eu": "eu: as kz, and tdmrep.json must have been asked and access must be lawful (Directive (EU) 2019/790, art. 4)",
    "strict": "strict: every place must have been asked, and a licence, public domain, own work or contract be named",
}
#: What readers note beside a statement; other notes name something, behind the words of ``_NAMING``.
NOTES: Final = {
    text: text
    for text in (
        "a file in it cannot be read",
        "a C2PA manifest store in a form of file that its reader does not know",
        "a C2PA manifest store stands where its reader does not look for it",
        "cannot be read",
        "commercial use or changes are forbidden; training is not spoken of",
        "its reader failed",
        "a linked document cannot be read",
        "an allowance of a manifest that is not valid does not count",
        "an answer, but not to the question",
        "an assertion that its manifest does not claim",
        "exceptions are offered (CC signals)",
        "its C2PA manifest stands elsewhere and is not fetched",
        "its reader came to no end, or to a bad one",
        "longer than the reader's bound",
        "not a document of RSL",
        "not in the form of ERC-7517",
        "not asked: not a public address",
        "the C2PA manifest store or the file round it cannot be read",
        "the JSON cannot be read, or is too large",
        "the XML cannot be read",
        "the body is a web page",
        "the file is damaged or in a form that is not read",
        "the file is larger than what is read",
        "the header has no specification; yes is sent by default and counts for nothing",
        "the site refuses this client; RFC 9309 §2.3.1.3 reads 'no rules'",
        "too long, or not the announced encoding",
        "unreachable: RFC 9309 §2.3.1.4",
    )
}
NAMING: Final = {
    "for ": "Concerns the crawlers: {names}",
    "a licence is offered: ": "A licence is offered: {names}",
    "declared by ": "Declared by: {names}",
}

#: What clears a work on hold where only those who keep the set can, by the reason.
KEEPERS: Final = {
    "not-a-file": "The work stays out until those who keep the set scan the file itself.",
    "other-scheme": "The work stays out until those who keep the set record an http or https address for it.",
}

_SITE: Final = "location"
_SHOWN: Final = 400  # characters of a line that is quoted; JSON has more
_HELD: Final = "-hold"
_LICENCE: Final = "-licence"
_NOT_ASKED: Final = "not-asked-"
_RECORDED: Final = "licence-covers"
#: A signal about the work that does not come from its file.
_NAMED: Final = "licence"


def explanation_lines(found: "Explanation", say: Texts) -> list[str]:
    """Write why a work got its verdict for people."""
    lines = [_plain(found.work), *([_plain(found.url)] if found.url else []), "", *_headline(found, say)]
    if found.statements:
        lines += ["", say("What was found:")]
        for number, statement in enumerate(found.statements, 1):
            lines += ["", *_statement(number, statement, found, say)]
    lines += ["", *_asked(found, say), "", *_check(found, say), "", *_author(found, say)]
    if found.others:
        lines += ["", say("{count} more works have this URL", count=found.others)]
        lines += [f"  {work}: {verdict}" for work, verdict in found.also]
        lines += [f"  … +{more}"] if (more := found.others - len(found.also)) else []
    return lines


def _headline(found: "Explanation", say: Texts) -> list[str]:
    """Say what becomes of the work and why, in one sentence; what follows from it in another."""
    reason, ground = found.reason, found.reason.removesuffix(_LICENCE).removesuffix(_HELD)
    why = datalib_vocab.reason(ground, say.lang)
    if found.verdict == "admit":
        follows = (
            say("That is what those who keep the set recorded; a refusal that is found later counts from then on.")
            if reason == _RECORDED
            else say("That is no permission of its author, and a refusal that is found later counts from then on.")
        )
        return [say("This work may be used for training, because {why}.", why=why), follows]
    if found.verdict == "refuse" and reason.endswith(_LICENCE):
        return [say("This work is not used for training: a licence is needed, and none is recorded ({why}).", why=why)]
    if found.verdict == "refuse":
        return [say("This work is not used for training, because {why}.", why=why)]
    if reason.startswith(_NOT_ASKED):
        what = _names(_missing(found), say)
        cause = say("Nobody knows yet whether its author forbids it, for this was not asked: {what}.", what=what)
    elif reason.endswith(_HELD):
        cause = say("Something was found that cannot be read for certain, and a person has to look: {why}.", why=why)
    else:
        cause = say("The cause: {why}.", why=why)
    return [say("This work is on hold: it is not used for training until this is clear."), cause]


def _missing(found: "Explanation") -> list[str]:
    """Name what had to be asked and was not: the carrier of the reason, and the others that works with a URL need."""
    named = {name for name in CARRIERS if found.reason == _NOT_ASKED + name.replace(".", "-").replace("/", "-")}
    needed = named | (set(found.required) if found.url else set())
    return [name for name in CARRIERS if name in needed and name not in found.carriers_asked]


def _statement(number: int, statement: "Statement", found: "Explanation", say: Texts) -> Iterator[str]:
    """Write one statement: what it is, who says it, where, in which words, and what that means."""
    yield f"{number}. {datalib_vocab.signal(statement.signal, say.lang)}"
    place, _, line = _plain(statement.where).partition("#L")
    host = place.partition("://")[2].partition("/")[0]
    who = say(SPEAKERS[statement.carrier], host=host) if host or statement.carrier != _SITE else say("the site")
    if statement.signal == _NAMED:
        named = place.startswith("#")
        who = say("what the table of the works says about this one") if named else say("the licence, as files state it")
    yield "   " + say("From: {who}", who=who)
    place = f"{_plain(found.work)}: {place[1:]}" if place.startswith("#") else place.removesuffix("#")
    where = say("{place}, line {line}", place=place, line=line) if line else place
    yield "   " + say("Where: {place}", place=where)
    if statement.quote:
        yield "   " + say("Found there:")
        yield from (f"     | {_plain(text)}" for text in statement.quote.splitlines())
    if statement.note:
        yield "   " + _note(_plain(statement.note), say)
    yield "   " + say("Read: {moment}", moment=_read(statement, found, say))
    yield from (f"   {text}" for text in _meaning(statement, say))


def _read(statement: "Statement", found: "Explanation", say: Texts) -> str:
    """Say when the bytes were read: files and lists are read by the scan itself."""
    if statement.observed_at:
        return _moment(statement.observed_at)
    if statement.carrier in {"unit", "registry"}:
        return say("by the scan, {moment}", moment=_moment(found.judged))
    return say("the time was not recorded")


def _meaning(statement: "Statement", say: Texts) -> Iterator[str]:
    """Write what a statement means use by use, and what the letter says where that differs."""
    yield from _uses(statement.strict, say)
    silent = [name for name in USES if name not in statement.strict]
    if silent:
        yield say(SILENT, uses=_uses_named(silent, say))
    if statement.spec == statement.strict:
        yield say("The letter of its standard says the same.")
        return
    letter = "; ".join(_uses(statement.spec, say)) or say("nothing is said about this work")
    yield say(
        "By the letter of its standard: {letter}. The careful reading above counts, so that no refusal is lost.",
        letter=letter,
    )


def _uses(reading: Mapping[str, str], say: Texts) -> Iterator[str]:
    for state, sentence in STATES.items():
        names = [name for name in USES if reading.get(name) == state]
        if names:
            yield say(sentence, uses=_uses_named(names, say))


def _uses_named(names: Iterable[str], say: Texts) -> str:
    return ", ".join(say(USES[name]) for name in names)


def _note(note: str, say: Texts) -> str:
    for words, sentence in NAMING.items():
        if note.startswith(words):
            return say(sentence, names=note.removeprefix(words))
    return say("Remark: {note}", note=say(note))


def _asked(found: "Explanation", say: Texts) -> Iterator[str]:
    """Say what was asked and is silent about the work, and what was not asked."""
    spoke = set(map(_carrier_of, found.statements))
    quiet = [name for name in CARRIERS if name in found.carriers_asked and name not in spoke]
    if quiet:
        yield say("Asked, and nothing is said there about this work: {what}.", what=_names(quiet, say))
    open_to_it = [name for name in CARRIERS if found.url or name not in _OF_SITES]
    rest = [name for name in open_to_it if name not in found.carriers_asked and name not in spoke]
    if rest:
        yield say("Not asked, so nobody knows what is said there: {what}.", what=_names(rest, say, short=True))


def _carrier_of(statement: "Statement") -> str:
    """Name the carrier of a statement as ``carriers_asked`` does; licences elsewhere are led to by robots.txt."""
    from datalib.optout.site_files import CARRIER_OF

    if statement.signal == _NAMED:
        return ""
    if statement.carrier != _SITE:
        return statement.carrier
    path = statement.where.partition("#L")[0].partition("://")[2].partition("/")[2]
    return CARRIER_OF.get("/" + path, "robots.txt")


def _names(carriers: Iterable[str], say: Texts, *, short: bool = False) -> str:
    """Name carriers; ``short`` without what they are for."""
    names = [say(CARRIERS[name]) for name in carriers]
    return ", ".join(name.partition(" (")[0] if short else name for name in names)


def _check(found: "Explanation", say: Texts) -> Iterator[str]:
    """Say how anybody can check: the digests of what was read, where the bytes are, the rules of the scan."""
    yield say("To check:")
    for number, statement in enumerate(found.statements, 1):
        yield f"  {number}. SHA-256 {statement.sha256}"
        yield "     " + say(KEPT[statement.kept])
    yield "  " + say("Judged: {moment}, by the rules of profile {profile}.", moment=_moment(found.judged),
                     profile=say(PROFILES.get(found.profile, found.profile)))  # fmt: skip
    yield "  " + say("scan.json of the scan holds the digests of everything that it read and wrote.")


def _author(found: "Explanation", say: Texts) -> Iterator[str]:
    """Say what the author can do; only what a scan would notice."""
    yield say("If you are the author or rights holder:")
    if found.verdict == "refuse" and not found.statements:
        yield "  " + say("The work stays out until those who keep the set record a ground for using it.")
        return
    if found.verdict == "refuse":
        yield "  " + say("You need not do anything while this stands. If it is a mistake, change it where it stands; "
                         "the next scan reads it anew.")  # fmt: skip
        yield "  " + _receipt(say)
        return
    if found.verdict == "hold" and found.reason in KEEPERS:
        yield "  " + say(KEEPERS[found.reason])
    if found.verdict == "hold" and found.reason not in KEEPERS:
        yield "  " + say("The work stays out until this is clear. Say in machine-readable form what you want:")
    else:
        yield "  " + say("If you do not want this use, say so in machine-readable form; the next scan finds it:")
    yield "  - " + say("on your site: in /.well-known/tdmrep.json, or in robots.txt with rules for the crawlers that "
                       "`datalib optout agents` lists;")  # fmt: skip
    yield "  - " + say("in the file: with the property Data Mining (IPTC, PLUS), which `datalib optout embed` writes, "
                       "or a C2PA/CAWG assertion;")  # fmt: skip
    yield "  - " + say("without a site of yours: sign a refusal with `datalib optout declare`, and give it to those "
                       "who keep the set for the list that they scan with (`datalib scan --registry`).")  # fmt: skip
    yield "  " + say("`datalib optout declare --publish` writes all these forms (docs/authors.md).")
    yield "  " + _receipt(say)


def _receipt(say: Texts) -> str:
    return say("Whoever keeps the set can give you this decision as a receipt (`datalib optout receipt`), to be "
               "checked without the set.")  # fmt: skip


def _moment(text: str) -> str:
    """Write a time of RFC 3339 in UTC as people read it."""
    return text.replace("T", " ").removesuffix("Z") + " UTC" if text.endswith("Z") else text


def _plain(text: str) -> str:
    """Show what others wrote: no control characters, which could write over other lines of a terminal."""
    shown = "".join(
        char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
