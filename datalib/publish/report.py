"""The report about a library: one HTML file that loads nothing, runs nothing, and prints.

What stands in it is read from signed data, or marked as computed; without trust it is marked as declared.
"""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Final

from datalib import __version__
from datalib.interop.known import Known
from datalib.publish import answers, duties, figures, origins, past
from datalib.publish.markup import Markup, plain, said, shown, tag
from datalib.publish.parts import SIGNED, digest, known_as, pairs, paragraph, section
from datalib.publish.story import Story
from datalib.publish.wording import Wording, moment

#: The sections after the verdict, by their anchors.
SECTIONS: Final = ("checks", "about", "past", "graph", "sources", "optout", "duties", "digests")


@cache
def style() -> str:
    """Give the style of pages."""
    return files("datalib.publish").joinpath("style.css").read_text(encoding="utf-8")


def write(story: Story, lang: str) -> bytes:
    """Give the bytes of the page in a language of ``datalib_vocab.LANGUAGES``; the same story gives the same bytes."""
    say = Wording(lang=lang)
    title = shown(heading(story, say), 200)
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{say.text('report')}: {title}"),
        Markup(f"<style>{style()}</style>"),
    )
    body = tag(
        "body",
        tag("a", say("skip"), href="#main", class_="skip"),
        tag("header", paragraph(say("report"), "kind"), tag("h1", said(title))),
        tag("main", *sections(story, say), id="main", tabindex="-1"),
        footer(story, say),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang=lang)}\n".encode()


def _policy() -> str:
    """Forbid everything but this one style, known by its digest."""
    own = b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{own}'; base-uri 'none'; form-action 'none'"


def heading(story: Story, say: Wording) -> str:
    """Give the title of the library, unescaped; that it is refused if what it says cannot be believed."""
    return say.title(story.told.known.manifest) if story.told else say.text("refused")


def sections(story: Story, say: Wording) -> list[Markup]:
    """Write what a report tells, the verdict first."""
    told = story.told
    verdict, checks = answers.verdict(story, say), answers.checks(story, say)
    if told is None:
        return [verdict, checks, paragraph(say("refused.rest"))]
    return [
        verdict,
        _contents(say),
        checks,
        past.particulars(told.known, say),
        past.time_line(told.known, say),
        origins.provenance(told, say),
        origins.sources(told.known, say),
        figures.figures(told, say),
        duties.duties(told.law, say),
        _digests(told.known, say),
    ]


def _contents(say: Wording) -> Markup:
    links = (tag("li", tag("a", say(f"{name}.title"), href=f"#{name}")) for name in SECTIONS)
    return tag("nav", tag("ul", *links), aria_label=say.text("contents"))


def _digests(known: Known, say: Wording) -> Markup:
    content, last = known.manifest.content, known.past.head.id if known.past else None
    rows = [
        (say("digests.library"), digest(known.library) if known.library else None),
        (say("digests.head"), digest(last) if last else None),
        (say("digests.manifest"), digest(known.sha256)),
        (say("digests.listing"), digest(content.sha256) if content else None),
        (say("digests.root"), digest(content.root) if content else None),
    ]
    command = tag("pre", tag("code", "sha256sum datapackage.json files.sha256"), tabindex="0")
    how = [paragraph(say("digests.how")), command] if content else []  # a draft has no listing yet
    return section("digests", (known_as(known.assurance),), say, pairs(rows), *how)


def footer(story: Story, say: Wording, *more: Markup | None) -> Markup:
    """Write how things are known, and by whom and when the page was made."""
    review = paragraph(say("review")) if say.lang != "en" else None
    legend = pairs(
        [
            (tag("span", say(f"mark.{kind}"), class_=f"mark {kind}"), say(f"legend.{kind}"))
            for kind in ((SIGNED, "computed") if story.report else ("declared", "computed"))
        ]
    )
    made = say("made", version=Markup(plain(__version__)), time=moment(story.now))
    return tag("footer", tag("h2", say("legend")), legend, paragraph(made), *more, review)
