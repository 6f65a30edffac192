"""Works that speak for themselves, written for this bench: pages, media, rows with every carrier. Deterministic."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import urls
from tests import media_files as made

_WORDS = (
    "data", "kitap", "дала", "өлең", "table", "көше", "жыл", "licence", "аудио",
    "model", "сөз", "river", "тау", "page", "steppe", "лента", "новость",
)  # fmt: skip
_METAS = (
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta property="og:title" content="TITLE"><meta property="og:type" content="article">',
    '<meta name="robots" content="index, follow, max-image-preview:large">',
    '<link rel="stylesheet" href="/static/site.css"><link rel="canonical" href="https://e.example/TITLE">',
    '<script>window.dataLayer = window.dataLayer || []; if (a < b && "</p>") { c("<meta>"); }</script>',
    '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "TITLE"}</script>',
    "<style>p > a { color: #123 } .x::after { content: '<' }</style>",
)
_FOOTERS = ("", "All rights reserved", "", "Барлық құқықтар қорғалған", "By train to the steppe")
_REFUSALS = ('<meta name="robots" content="noai, noimageai">', '<meta name="tdm-reservation" content="1">')
_HEADERS = "Content-Type: text/html\nServer: nginx\nX-Robots-Tag: {tag}\nCache-Control: max-age=60"


def page(chance: random.Random, number: int, size: int) -> str:
    """Write a page as news sites have them: scripts and meta elements, then about ``size`` characters of text."""
    title = f"{chance.choice(_WORDS)}-{number}"
    head = "\n".join(_METAS).replace("TITLE", title)
    refusal = chance.choice(_REFUSALS) if number % 10 == 0 else ""
    text: list[str] = []
    while size > 0:
        words = " ".join(chance.choices(_WORDS, k=60))
        text.append(f'<div class="block" data-id="{number}"><p>{words} <a href="/{title}?p=1&amp;q=2">{title}</a></p>'
                    f'<img src="/i/{number}.jpg" alt="{title}" loading="lazy"></div>')  # fmt: skip
        size -= len(text[-1])
    body = "\n".join(text)
    end = f"<footer>{chance.choice(_FOOTERS)}. {chance.choice(_FOOTERS)}</footer></body></html>"
    return f"<!doctype html><html lang=kk><head><title>{title}</title>{head}{refusal}</head><body>{body}{end}"


def pages(folder: Path, count: int) -> Path:
    """Write a table of pages of 5 to 60 thousand characters; give its path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = random.Random(17)
    folder.mkdir(parents=True)
    texts = [page(chance, number, chance.randrange(5_000, 60_000)) for number in range(count)]
    hosts = [f"https://{urls.host(number % 500)}/{number}" for number in range(count)]
    pq.write_table(pa.table({"url": hosts, "html": texts}), folder / "pages.parquet", compression="zstd")
    return folder / "pages.parquet"


def media(folder: Path, count: int) -> int:
    """Fill a folder with pictures, sound, documents; one of ten with XMP, one of twenty with a C2PA store.

    Gives the number of their bytes.
    """
    chance = random.Random(19)
    folder.mkdir(parents=True)
    credentials = made.signed(made.jpeg(), "image/jpeg", [made.training()])
    total = 0
    for number in range(count):
        name, data = _file(chance, number, credentials)
        (folder / f"{number:06d}.{name}").write_bytes(data)
        total += len(data)
    return total


def _file(chance: random.Random, number: int, credentials: bytes) -> tuple[str, bytes]:
    xmp = made.mining() if number % 10 == 0 else made.packet("<plus:Credit>steppe</plus:Credit>")
    noise = chance.randbytes(chance.randrange(20_000, 300_000))
    match number % 8:
        case 0 | 1 | 2 | 3 if number % 20 == 1:
            return "jpg", credentials + noise
        case 0 | 1 | 2 | 3:
            return "jpg", _picture(made.jpeg(made.app1(xmp)), noise)
        case 4 | 5:
            return "png", made.png(made.itxt(xmp), made.chunk(b"IDAT", noise))
        case 6:
            return "webp", made.webp((b"XMP ", xmp), (b"VP8 ", noise))
        case _:
            return "pdf", made.pdf(xmp, packed=True)


def _picture(data: bytes, noise: bytes) -> bytes:
    """Give a JPEG file a long scan: bytes that are no markers."""
    return data[:-2] + noise.replace(b"\xff", b"\xfe") + data[-2:]


def everything(folder: Path, rows: int) -> Path:
    """Write a table whose rows have all carriers, the answers of the sites and a list of refusals; give the table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = random.Random(23)
    folder.mkdir(parents=True)
    columns: dict[str, list[Any]] = {"url": [], "headers": [], "html": [], "content": []}
    pictures = [made.jpeg(made.app1(made.mining() if number == 0 else made.packet())) for number in range(8)]
    for number in range(rows):
        columns["url"].append(f"https://{urls.host(number % 2000)}/a/{number}.html")
        columns["headers"].append(
            _HEADERS.format(tag=("noai", "noarchive", "all", "index")[number % 4]) + f"\nAge: {number}"
        )
        columns["html"].append(page(chance, number, 4_000))
        columns["content"].append(_picture(pictures[number % len(pictures)], chance.randbytes(2_000)))
    pq.write_table(pa.table(columns), folder / "works.parquet", compression="zstd", row_group_size=2_000)
    with (folder / "sites.jsonl").open("w", encoding="utf-8") as sites:
        sites.writelines(json.dumps(answer) + "\n" for answer in _answers())
    (folder / "refusals.txt").write_text("".join(f"{urls.host(number)}\n" for number in range(0, 2000, 50)))
    return folder / "works.parquet"


def _answers() -> Iterator[dict[str, Any]]:
    chance = random.Random(29)
    for number in range(2000):
        origin = f"https://{urls.host(number)}"
        yield {"origin": origin, "status": 200, "body": urls.body(chance)}
        if number % 3 == 0:
            body = json.dumps([{"location": "/private/*", "tdm-reservation": 1}])
            yield {"origin": origin, "path": "/.well-known/tdmrep.json", "status": 200, "body": body}
        if number % 5 == 0:
            yield {"origin": origin, "path": "/ai.txt", "status": 200, "body": "User-Agent: *\nDisallow: *.jpg\n"}
