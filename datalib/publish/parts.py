"""What sections of a page are made of: headings that say how well something is known, tables, lists that end."""

from collections.abc import Iterable, Sequence
from typing import Final

from datalib.interop.known import DECLARED
from datalib.publish.markup import Markup, joined, tag
from datalib.publish.wording import Wording

#: How what stands in a section is known: read from signed data, computed for this page, or only declared.
SIGNED, COMPUTED = "signed", "computed"
#: Most rows of a table or list; the signed files hold the rest.
ROWS: Final = 500


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


def bullets(items: Sequence[Markup], say: Wording, kind: str | None = None, limit: int = ROWS) -> Markup:
    """Write a list, as far as it is not too long."""
    more = tag("li", say("more", count=len(items) - limit)) if len(items) > limit else None
    return tag("ul", *(tag("li", item) for item in items[:limit]), more, class_=kind)


def pairs(rows: Iterable[tuple[Markup, Markup | None]]) -> Markup:
    """Write names with what belongs to them; what is ``None`` is left out."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if value is not None))


def table(
    heads: Sequence[Markup], rows: Sequence[Sequence[Markup]], caption: Markup, say: Wording, total: int
) -> Markup:
    """Write a table whose cells are named again where it is narrow; ``total`` rows there are, so many were left out."""
    names = [str(tag("span", head, class_="head", aria_hidden="true")) for head in heads]
    body = [
        tag("tr", *(tag("td", tag("div", Markup(name), cell)) for name, cell in zip(names, row, strict=True)))
        for row in rows
    ]
    more = paragraph(say("more", count=total - len(rows)), "note") if total > len(rows) else None
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
        tag("tbody", *body),
    )
    return joined(whole, more)


def digest(text: str) -> Markup:
    """Write a digest in groups, to be compared by eye; copied, it has no spaces."""
    groups = (text[start : start + 8] for start in range(0, len(text), 8))
    return tag("code", *(tag("span", group) for group in groups), class_="digest")
