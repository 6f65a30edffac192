"""Every case that is not run as it stands, and why: by suite and condition, by field."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Case = dict[str, Any]

#: Cases whose suite means something else than we do.
CONDITIONS: tuple[tuple[str, Callable[[Case], bool], str], ...] = (
    (
        "crawler_commons_simple",
        lambda case: urlsplit(case.get("url") or "").path == "/robots.txt",
        "RFC 9309 §2.2.2 lets everybody fetch /robots.txt itself; it is no work, and another suite applies rules to it",
    ),
    (
        "crawler_commons_simple",
        lambda case: case["id"].startswith("testBigCrawlDelay"),
        "a Crawl-delay above the patience of that crawler means no entry there; the delay of others is no reservation",
    ),
    (
        "crawler_commons_simple",
        lambda case: case["id"].startswith("testMatchingUserAgentNamesHttpHeader"),
        "a whole user-agent string in the file: the fail-closed reading takes the product it names for named",
    ),
    (
        "robots_fetch_status",
        lambda case: case["kind"] == "crawler_commons_failedFetch" and str(case["input"]).startswith("3"),
        "that parser treats endless redirects as a failure; RFC 9309 §2.3.1.2 lets them count as unavailable",
    ),
)

#: Fields of an expectation that describe somebody else's reading.
FIELDS: dict[tuple[str, str], str] = {
    ("robots_content_usage", "attach00"): "the first attach draft chose among groups by their longest Allow; no reader "
    "of a current draft does, and the strict reading denies all the same",
}


_WHOLE_STRING = (
    "the file names this product only inside a whole user-agent string, which neither parser behind the expectation "
    "reads; the fail-closed scan does, and denies"
)
#: Single cases of which one field is argued.
ONE_FIELD: dict[tuple[str, str], str] = {
    ("samber/www.wysokieobcasy.pl.robots.txt", "strict Amazonbot"): _WHOLE_STRING,
    ("samber/wyborcza.pl.robots.txt", "strict Amazonbot"): _WHOLE_STRING,
}


def argue_case(case: Case) -> str:
    """Say why a case is not run; nothing when it is."""
    return next((why for name, applies, why in CONDITIONS if name == case.get("suite") and applies(case)), "")


def argue_field(case: Case, field: str) -> str:
    """Say why a field of an expectation is not met; nothing when it has to be."""
    return FIELDS.get((case["kind"], field), "") or ONE_FIELD.get((case["id"], field), "")
