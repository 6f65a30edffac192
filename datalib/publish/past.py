"""Who and what a library is, and the time line of its chain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from datalib.chain.events import Amend, Attest, Event, Genesis, Transfer, Withdraw
from datalib.chain.links import Link
from datalib.interop.known import Known, objects_of, strings_of, text_of
from datalib.publish.bounds import EVENTS, LANGUAGES, LICENCES, PURPOSES, Bound, fitting
from datalib.publish.markup import Markup, said, tag
from datalib.publish.parts import bullets, known_as, more, pairs, paragraph, section
from datalib.publish.wording import Wording, moment


def particulars(known: Known, say: Wording) -> Markup:
    """Write who made the library, whose it is, what it is for and what it holds."""
    manifest, past = known.manifest, known.past
    described = known.description()
    description = said(described) if isinstance(described, str) else say.pick(described or {})
    licences = [one for one in map(_licence, objects_of(known.document, "licenses")) if one]
    purposes = (say.label("purposes", code) for code in manifest.purpose)
    content = manifest.content
    languages = strings_of(known.block, "languages") or strings_of(known.block, "language")
    rows: list[tuple[Markup, Markup | None]] = [
        (say("about.producer"), say.party(manifest.producer)),
        (say("about.owner"), say.party(past.parties[past.state.owner]) if past else None),
        (
            say("about.holder"),
            say.party(past.parties[past.state.possessor])
            if past and past.state.possessor != past.state.owner
            else None,
        ),
        (say("about.purposes"), bullets(purposes, len(manifest.purpose), say, "plain", PURPOSES)),
        (say("about.licences"), _listed(licences, say, LICENCES)),
        (say("about.languages"), _listed(languages, say, LANGUAGES)),
        (say("about.content"), say("about.files", files=content.files, bytes=content.bytes) if content else None),
        (say("about.resources"), say("about.named", count=len(manifest.resources))),
    ]
    return section(
        "about",
        (known_as(known.assurance),),
        say,
        paragraph(description) if description else None,
        pairs(rows),
    )


def _licence(value: Mapping[str, Any]) -> str | None:
    return text_of(value, "name") or text_of(value, "title") or text_of(value, "path")


def _listed(texts: Sequence[str], say: Wording, bound: Bound) -> Markup | None:
    """Write texts in a line, as far as there is room."""
    kept = fitting(map(said, texts), bound)
    rest = more(len(texts) - len(kept), bound, say)
    return Markup(", ".join((*kept, *([rest] if rest else [])))) if texts else None


def time_line(known: Known, say: Wording) -> Markup:
    """Write the events of the chain, oldest first; of a long chain the first and the last."""
    past = known.past
    if past is None:
        return section("past", (known_as(known.assurance),), say, paragraph(say("past.draft")))
    chain = past.chain
    middle = (len(chain) + 1) // 2
    half = replace(EVENTS, rows=EVENTS.rows // 2, room=EVENTS.room // 2)
    first = fitting((_event(link, known, say) for link in chain[:middle]), half)
    last = fitting((_event(link, known, say) for link in reversed(chain[middle:])), half)[::-1]
    left = more(len(chain) - len(first) - len(last), EVENTS, say)
    gap = tag("li", left, class_="gap") if left else None
    return section("past", (known_as(known.assurance),), say, tag("ol", *first, gap, *last, class_="time"))


def _event(link: Link, known: Known, say: Wording) -> Markup:
    event, trusted = link.event, known.times.get(link.id)
    when = say("past.claimed", time=moment(event.time))
    sure = "" if trusted is None else f" · {say('past.trusted', time=moment(trusted))}"
    return tag(
        "li",
        tag("p", tag("strong", say(f"event.{_kind(event)}")), Markup(f" {_who(event, say)}")),
        *_more(event, say),
        paragraph(Markup(f"{when}{sure}"), "note"),
        class_=_kind(event),
    )


def _kind(event: Event) -> str:
    return type(event).__name__.lower()


def _who(event: Event, say: Wording) -> Markup:
    match event:
        case Genesis(producer=producer):
            return say.party(producer)
        case Transfer(sender=sender, recipient=recipient):
            return Markup(f"{say.party(sender)} → {say.party(recipient)}")
        case Amend(by=by) | Attest(by=by) | Withdraw(by=by):
            return say.party(by)
    return Markup("")


def _more(event: Event, say: Wording) -> list[Markup]:
    match event:
        case Transfer(rights=rights, basis=basis):
            named = Markup(", ".join(say(f"right.{right}") for right in rights))
            return [paragraph(say("past.rights", rights=named)), paragraph(say("past.basis", basis=basis))]
        case Amend(reason=reason):
            return [paragraph(say("past.reason", reason=say.label("reason", reason)))]
        case Withdraw(reason=reason):
            return [paragraph(say("past.reason", reason=reason))]
        case Attest(claim=claim):
            result = say(f"result.{claim.result}")
            lines = [paragraph(say("past.claim", type=tag("code", said(claim.type)), result=result))]
            until = None if claim.until is None else say("past.until", time=moment(claim.until))
            tool = say("past.tool", tool=claim.tool) if claim.tool else None
            if facts := [one for one in (until, tool) if one]:
                lines.append(paragraph(Markup(" · ".join(facts))))
            if claim.note:
                lines.append(paragraph(said(claim.note)))
            if claim.evidence:
                names = Markup(", ".join(said(item.name, limit=80) for item in claim.evidence[:10]))
                lines.append(paragraph(say("past.evidence", count=len(claim.evidence), names=names)))
            return lines
    return []
