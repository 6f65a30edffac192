"""A table of URLs and the robots.txt answers of its sites. Deterministic, written for this bench.

Hosts have a long tail; two of three sites answer 404, the others serve a robots.txt: one of a few dozen, or one each.
"""

import json
import random
from pathlib import Path
from typing import Any

from datalib.optout.site import is_store

CHUNK = 1_000_000
_ENDS = ("com", "org", "net", "kz", "de", "io")
_FOLDERS = ("/a/", "/images/", "/private/", "/wp-content/")
_AGENTS = ("GPTBot", "CCBot", "ClaudeBot", "Google-Extended", "Bytespider", "Googlebot", "bingbot", "AhrefsBot")
_PATHS = (
    "/admin", "/cgi-bin/", "/search", "/private/", "/wp-admin/", "/temp/", "/cart", "/*?s=", "/*.pdf$", "/images/old/",
    "/user/", "/api/",
)  # fmt: skip
_TAGS = tuple(f"X-Robots-Tag: {tag}\r\n" for tag in ("noindex", "noai, noimageai", "none", "max-image-preview:large"))


def host(number: int) -> str:
    return f"{('www.', '', 'img.')[number % 3]}d{(number * 2654435761) & 0xFFFFFFFF:x}.{_ENDS[number % len(_ENDS)]}"


def body(rng: random.Random) -> str:
    """Write a robots.txt as sites have them: a group for all, sometimes groups for crawlers that train."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in rng.sample(_PATHS, rng.randint(1, 6)))]
    if rng.random() < 0.3:
        lines.append("Allow: /private/open/")
    if rng.random() < 0.4:
        lines += ["", *(f"User-agent: {agent}" for agent in rng.sample(_AGENTS, rng.randint(1, 4))), "Disallow: /"]
    return "\n".join([*lines, "", f"Sitemap: https://example.org/{rng.random()}.xml", ""])


def imported(out: Path) -> Path:
    """Give the snapshot that a scan imported into its folder, without what it compiled from it."""
    return next(path for path in (out / "sites").iterdir() if is_store(path))


def make(out: Path, *, rows: int, hosts: int, distinct: float, headers: bool = False) -> Path:
    """Write ``urls-*.parquet`` and ``sites.jsonl`` below ``out``; give the snapshot.

    ``distinct``: share of sites with a body of their own. ``headers``: the rows have those of an answer each.
    """
    rng = random.Random(7)
    bodies = [body(rng) for _ in range(48)]
    out.mkdir(parents=True)
    with (out / "sites.jsonl").open("w", encoding="utf-8") as sites:
        for number in range(hosts):
            found = number % 3 == 0
            text = (body(rng) if rng.random() < distinct else bodies[number // 3 % len(bodies)]) if found else ""
            answer = {"origin": f"https://{host(number)}", "status": 200 if found else 404, "body": text}
            sites.write(json.dumps(answer) + "\n")
    _make_rows(out, rows, hosts, headers=headers)
    return out / "sites.jsonl"


def _make_rows(out: Path, rows: int, hosts: int, *, headers: bool) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    names: Any = pa.array([host(number) for number in range(hosts)])
    draw = np.random.default_rng(11)
    for part, start in enumerate(range(0, rows, CHUNK)):
        numbers = np.arange(start, min(start + CHUNK, rows))
        picked = names.take(pa.array((draw.random(len(numbers)) ** 2 * hosts).astype("int64")))
        folders = pa.array(np.array(_FOLDERS)[numbers % len(_FOLDERS)])
        ids = pc.cast(pa.array(numbers), pa.string())
        urls = pc.binary_join_element_wise("https://", picked, folders, ids, ".jpg", "")
        urls = pc.if_else(pa.array(numbers % 10_000 == 9_999), "UNLIKELY", urls)
        columns = {"id": numbers, "url": urls} | ({"headers": _headers(numbers)} if headers else {})
        pq.write_table(pa.table(columns), out / f"urls-{part:05d}.parquet", compression="zstd")


def _headers(numbers: Any) -> Any:
    """Write the headers of answers, no two alike, as servers of pictures send them; one of 100 speaks."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.cast(pa.array(numbers), pa.string())
    seconds = pc.cast(pa.array(10 + numbers % 50), pa.string())
    tag = np.where(numbers % 100 == 7, numbers // 100 % len(_TAGS), len(_TAGS))
    return pc.binary_join_element_wise(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Fri, 15 Jan 2027 08:00:", seconds,
        " GMT\r\nContent-Type: image/jpeg\r\nContent-Length: ", texts, '\r\nETag: "', texts,
        '"\r\nCache-Control: public, max-age=86400\r\n', pa.array([*_TAGS, ""]).take(pa.array(tag)), "",
    )  # fmt: skip
