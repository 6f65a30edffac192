"""What sections of a page are made of: headings that say how well something is known, tables, lists that end."""

from collections.abc import Iterable, Sequence
from html import unescape

from datalib.interop.known import DECLARED
from datalib.publish.bounds import OWN, Bound, fitting
from datalib.publish.markup import Markup, joined, tag
from datalib.publish.wording import Wording

#: How what stands in a section is known: read from signed data, computed for this page, or only declared.
SIGNED, COMPUTED = "signed", "computed"


def known_as(assurance: str) -> str:
    """Give the mark of what the library itself says."""
    return DECLARED if assurance == DECLARED else SIGNED


def mark(kind: str, say: Wording) -> Markup:
    """Write how something is known."""
    return tag("span", say(f"mark.{kind}"), class_=f"mark {kind}")


def section(name: str, marks: Iterable[str], say: Wording, *content: Markup | None) -> Markup:
    """Write a section; ``name`` is its key and its anchor."""
    heading = tag("h2", say(f"{name}.title"), id=f"{name}-title")
    pieces = [mark(one, say) for one in marks]
    known = tag("p", *pieces, class_="marks") if pieces else None
    return tag("section", heading, known, *content, id=name, aria_labelledby=f"{name}-title")


def paragraph(text: Markup, kind: str | None = None) -> Markup:
    """Write a paragraph."""
    return tag("p", text, class_=kind)


def more(count: int, bound: Bound, say: Wording) -> Markup | None:
    """Say how much was left out and where it stands, if anything was."""
    return say("more", count=count, where=tag("code", bound.rest)) if count else None


def bullets(items: Iterable[Markup], total: int, say: Wording, kind: str | None = None, bound: Bound = OWN) -> Markup:
    """Write a list of so many items, as far as there is room."""
    kept = fitting((tag("li", item) for item in items), bound)
    rest = more(total - len(kept), bound, say)
    return tag("ul", *kept, tag("li", rest) if rest else None, class_=kind)


def pairs(rows: Iterable[tuple[Markup, Markup | None]]) -> Markup:
    """Write names with what belongs to them; what is ``None`` is left out."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if value is not None))


def table(
    heads: Sequence[Markup],
    rows: Iterable[Sequence[Markup]],
    caption: Markup,
    say: Wording,
    *,
    total: int,
    bound: Bound,
) -> Markup:
    """Write a table of ``total`` rows, as far as there is room; its cells are named again where it is narrow."""
    names = [unescape(head) for head in heads]
    body = fitting(
        (tag("tr", *(tag("td", cell, data_head=name) for name, cell in zip(names, row, strict=True))) for row in rows),
        bound,
    )
    rest = more(total - len(body), bound, say)
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
    )
    return joined(whole, paragraph(rest, "note") if rest else None)


def digest(text: str) -> Markup:
    """Write a digest in groups, to be compared by eye; copied, it has no spaces."""
    groups = (text[start : start + 8] for start in range(0, len(text), 8))
    return tag("code", *(tag("span", group) for group in groups), class_="digest")
