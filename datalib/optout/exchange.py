"""One request and the response to it, octet for octet: what a web archive (WARC) keeps of a fetch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """``request`` and ``response`` as they went over the connection to ``address``, transfer and content codings kept.

    ``at`` is RFC 3339 in UTC to the second. ``cut``: the rest of the response was not read, since nothing depends on
    it. ``unchanged_since``: the response says "not modified" of the answer that was fetched then.
    """

    url: str
    request: bytes
    response: bytes
    address: str
    at: str
    cut: bool = False
    unchanged_since: str | None = None
