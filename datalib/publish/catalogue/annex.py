"""The list of Order 196/НҚ, annex 2, as a page and as data. Its columns are those of the order, in Kazakh."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from datalib.forms import order196
from datalib.forms.page import Block, Heading, Paragraph, Table
from datalib.publish.bounds import ALL
from datalib.publish.catalogue.site import Place, Site, foot, page
from datalib.publish.markup import Markup, plain, tag
from datalib.publish.parts import paragraph, table
from datalib.publish.wording import Wording

NAME: Final = "order196"
NAMES: Final = frozenset({f"{NAME}.html", f"{NAME}.json"})


def write(site: Site, say: Wording, today: date, systems: Sequence[Mapping[str, Any]]) -> bytes:
    """Write the page; raises what `order196.published` raises."""
    form = order196.published({"systems": systems}, "", today=today)
    place = Place(root="../", other=lambda lang: f"../{lang}/{NAME}.html")
    return page(
        site,
        say,
        place,
        say.text("annex.title"),
        paragraph(say("annex.about")),
        tag("section", *(_block(block, say) for block in form.blocks), lang=form.lang),
        paragraph(tag("a", f"{NAME}.json", href=f"../{NAME}.json")),
        footer=foot(site, say),
    )


def data(systems: Sequence[Mapping[str, Any]]) -> bytes:
    """Give the list as data: the members of the form, in its order."""
    keys = [key for key in order196.wording()["published"] if key != "no"]
    rows = [{key: system[key] for key in keys} for system in systems]
    columns = {key: order196.wording()["published"][key] for key in keys}
    value = {"version": 1, "columns": columns, "systems": rows}
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _block(block: Block, say: Wording) -> Markup:
    match block:
        case Heading(text=text):
            return tag("h2", plain(text))
        case Paragraph(text=text):
            return paragraph(_broken(text), "note")
        case Table(rows=rows):
            heads, *body = [[_broken(cell.text) for cell in row] for row in rows]
            return table(heads, body, say("annex.caption"), say, total=len(body), bound=ALL)


def _broken(text: str) -> Markup:
    """Write a text with its lines."""
    return Markup("<br>".join(plain(line, len(line)) for line in text.split("\n")))
