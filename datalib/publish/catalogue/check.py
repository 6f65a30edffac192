"""The page of a catalogue on which its readers check libraries themselves: `datalib.publish.checking`."""

from functools import cache
from typing import Final

from datalib.publish import checking
from datalib.publish.catalogue.assets import FOLDER, Asset, asset, named
from datalib.publish.catalogue.site import Site
from datalib.publish.markup import Markup, tag
from datalib.publish.parts import paragraph
from datalib.publish.wording import Wording

#: Where the page stands in a site.
NAME: Final = "check.html"


@cache
def files() -> tuple[Asset, Asset]:
    """Give the script and the style that only this page has."""
    code = checking.script(*checking.CHECKS, *checking.PAGE).encode()
    return named(FOLDER, "check", "js", code), named(FOLDER, "check", "css", checking.own_style().encode())


def write(site: Site) -> bytes:
    """Write the page. It has all languages; who comes from a library's page sees it in the language of that."""
    script, style = files()
    return checking.linked("en", site.trust, script=script.path, styles=(asset("style.css").path, style.path))


def link(library: str, say: Wording) -> Markup:
    """Lead from the page of a library to the check of that library, and of no other."""
    address = f"../../{NAME}#library={library}&lang={say.lang}"
    return paragraph(tag("a", say("download.check"), href=address))
