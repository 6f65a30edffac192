"""A table of URLs and the robots.txt answers of its sites. Deterministic, written for this bench.

Hosts have a long tail; two of three sites answer 404, the others serve a robots.txt: one of a few dozen, or one each.
"""

import json
import random
from pathlib import Path
from typing import Any

CHUNK = 1_000_000
_ENDS = ("com", "org", "net", "kz", "de", "io")
_FOLDERS = ("/a/", "/images/", "/private/", "/wp-content/")
_AGENTS = ("GPTBot", "CCBot", "ClaudeBot", "Google-Extended", "Bytespider", "Googlebot", "bingbot", "AhrefsBot")
_PATHS = (
    "/admin", "/cgi-bin/", "/search", "/private/", "/wp-admin/", "/temp/", "/cart", "/*?s=", "/*.pdf$", "/images/old/",
    "/user/", "/api/",
)  # fmt: skip


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


def make(out: Path, *, rows: int, hosts: int, distinct: float) -> Path:
    """Write ``urls-*.parquet`` and ``sites.jsonl`` below ``out``; give the snapshot. ``distinct``: share of bodies."""
    rng = random.Random(7)
    bodies = [body(rng) for _ in range(48)]
    out.mkdir(parents=True)
    with (out / "sites.jsonl").open("w", encoding="utf-8") as sites:
        for number in range(hosts):
            found = number % 3 == 0
            text = (body(rng) if rng.random() < distinct else bodies[number // 3 % len(bodies)]) if found else ""
            answer = {"origin": f"https://{host(number)}", "status": 200 if found else 404, "body": text}
            sites.write(json.dumps(answer) + "\n")
    _make_rows(out, rows, hosts)
    return out / "sites.jsonl"


def _make_rows(out: Path, rows: int, hosts: int) -> None:
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
        pq.write_table(pa.table({"id": numbers, "url": urls}), out / f"urls-{part:05d}.parquet", compression="zstd")
