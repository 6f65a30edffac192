"""Fetch from a local server and read what was written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from datalib.optout.answers import Answer, read_jsonl_file
from datalib.optout.fetch import FetchResult, fetch

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ROBOTS = b"User-agent: GPTBot\nDisallow: /\n"
LIMIT = 512_000


def run(
    tmp_path: Path,
    origins: Sequence[str],
    *,
    hosts: Sequence[str] = (),
    timeout: float = 20.0,
    retries: int = 0,
    max_bytes: int = LIMIT,
    now: datetime = NOW,
    name: str = "sites.jsonl",
    **options: object,
) -> tuple[FetchResult, dict[tuple[str, str], Answer]]:
    out = tmp_path / name
    result = fetch(
        origins,
        out=out,
        now=lambda: now,
        timeout=timeout,
        retries=retries,
        max_bytes=max_bytes,
        resolve=dict.fromkeys(hosts, "127.0.0.1"),
        **options,  # type: ignore[arg-type]  # keywords of fetch, each of its own type
    )
    return result, {(answer.origin, answer.path): answer for answer in read_jsonl_file(out)}
