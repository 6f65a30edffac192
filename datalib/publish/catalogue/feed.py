"""What is new in a catalogue, as RSS 2.0. Source: RSS 2.0.11, RSS Advisory Board."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Final

import datalib_vocab
from datalib.formats import format_time
from datalib.publish.catalogue.entry import Entry
from datalib.publish.catalogue.pages import title_of
from datalib.publish.catalogue.site import Site
from datalib.publish.markup import shown
from datalib.publish.wording import Wording

#: Most changes that are told.
ITEMS: Final = 100


def write(site: Site, say: Wording, entries: Iterable[Entry], gone: Sequence[Entry]) -> bytes:
    """Write the feed, the newest change first. ``entries``: those that changed last; ``gone``: those that left.

    Addresses are whole if the site has one, else relative to the feed.
    """
    told = sorted([*entries, *gone], key=lambda one: (-one.changed, one.key))[:ITEMS]
    here = f"{site.url}{say.lang}/" if site.url else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<rss version="2.0"><channel>',
        _line("title", site.name(say)),
        _line("link", f"{here}index.html"),
        _line("description", say.text("catalogue.changes")),
        _line("language", say.lang),
        *(_line("lastBuildDate", _date(told[0].changed)) for _ in told[:1]),
        *(_item(site, say, entry) for entry in told),
        "</channel></rss>",
        "",
    ]
    return "\n".join(lines).encode()


def gone(entry: Entry, now: int) -> Entry:
    """Make of the entry of a library the news that it left."""
    return replace(entry, news="gone", changed=now)


def read_gone(data: bytes | None) -> list[Entry]:
    """Read which libraries have left; none from a file that is damaged."""
    found = [Entry.parse(line) for line in (data or b"").splitlines()]
    return [entry for entry in found if entry is not None]


def write_gone(entries: Iterable[Entry]) -> bytes:
    """Write which libraries have left, a line each."""
    return b"".join(entry.serialise() for entry in entries)


def _item(site: Site, say: Wording, entry: Entry) -> str:
    page = f"library/{entry.key}/{say.lang}.html"
    link = "" if entry.news == "gone" else _line("link", f"{site.url}{page}" if site.url else f"../{page}")
    why = datalib_vocab.text(entry.code, say.lang) + f" ({entry.code})" if entry.code else ""
    about = ". ".join(one for one in (say.text(f"state.{entry.state}"), entry.maker.get(say.lang, ""), why) if one)
    title = f"{say.text(f'news.{entry.news}')}: {title_of(entry, say)}"
    name = f"{entry.key}/{entry.news}/{format_time(entry.changed)}"
    return "".join((
        "<item>",
        _line("title", title),
        link,
        _line("description", escape(about if entry.news != "gone" else title)),  # which is HTML by the standard
        f'<guid isPermaLink="false">{escape(name)}</guid>',
        _line("pubDate", _date(entry.changed)),
        "</item>",
    ))  # fmt: skip


def _line(name: str, text: str) -> str:
    """Write an element of plain text: what HTML would take for markup as numbers, as readers of feeds expect it."""
    return f"<{name}>{escape(shown(text), quote=False).replace('&lt;', '&#x3C;').replace('&amp;', '&#x26;')}</{name}>"


def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
