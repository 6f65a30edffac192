"""Collect a site snapshot: ask every origin for the files that hold its rules, and write the answers down.

The only part of datalib that goes to the network, and only to the origins it was given and where these redirect
(datalib opt-out specification §2, rule 10). Hosts are asked many at a time, each of them one request after the other.
"""

import asyncio
import hashlib
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import can_ada

from datalib import __version__
from datalib.errors import Misuse
from datalib.optout import robots, rsl
from datalib.optout.answers import MAX_BODY, PATH_FORM, ROBOTS, TDMREP, Answer, origin_of
from datalib.optout.decide import Profile
from datalib.optout.earlier import Earlier, open_earlier
from datalib.optout.exchange import Exchange
from datalib.optout.journal import Journal, open_journal
from datalib.optout.site_files import CARRIER_OF
from datalib.optout.warc_file import WarcFile, open_warc

if TYPE_CHECKING:
    from datalib.optout.ask import Asker

PATHS = (ROBOTS, TDMREP)
#: RFC 9309 §2.5: at least 500 KiB of a robots.txt are read.
MIN_BYTES = 500 << 10
MAX_CONCURRENCY = 1024
MAX_RETRIES = 10
MAX_PAUSE = 60.0
#: RFC 9309 §2.3.1.2: at least five redirects are followed.
MAX_REDIRECTS = 5


def paths_of(profile: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the paths to ask for so that a scan by a profile finds every file that it requires, and some more."""
    required = Profile(profile).required
    return tuple(dict.fromkeys((*PATHS, *(path for path, name in CARRIER_OF.items() if name in required), *more)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """What a snapshot holds: ``answers`` in all, ``asked`` in this run, and how many of each status or failure."""

    out: Path
    answers: int
    asked: int
    statuses: Mapping[str, int]


def fetch(
    origins: Iterable[str],
    *,
    out: Path,
    now: Callable[[], datetime],
    paths: Iterable[str] = PATHS,
    linked: bool = False,
    update: Path | None = None,
    max_age: timedelta | None = None,
    warc: Path | None = None,
    agent: str = "",
    concurrency: int = 64,
    timeout: float = 20.0,
    max_bytes: int = 2 << 20,
    max_redirects: int = MAX_REDIRECTS,
    retries: int = 2,
    pause: float = 0.0,
    allow_private: bool = False,
    resolve: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    chance: Callable[[], float] = random.random,
    progress: Callable[[int, int], None] | None = None,
) -> FetchResult:
    """Ask ``origins`` for ``paths`` and write the JSON Lines snapshot ``out``, sorted by origin and path.

    ``linked``: then also ask for the licence documents that the robots.txt files link, wherever these are.
    ``update``: an earlier snapshot. Its answers not older than ``max_age`` are taken over; others are asked for only if
    they have changed. ``warc``: also write this web archive (WARC) of what went over the network.
    ``timeout`` is in seconds, for one answer with its redirects; ``max_bytes`` bounds a body as received and as
    unpacked. What may pass (no connection, 429, 5xx) is asked again up to ``retries`` times; ``sleep`` and ``chance``
    (0 to 1) are for the wait before. Between two requests to one host there are ``pause`` seconds.
    ``agent`` precedes datalib's name in the User-Agent. Addresses outside the public Internet are not asked
    unless ``allow_private``; the hosts in ``resolve`` have the address given there, be it private. ``tls`` holds the
    trusted authorities. ``progress`` is told how many of how many requests are answered. A run after a kill asks only
    what is missing.
    Raises Misuse (E-USAGE, E-OUT-EXISTS), Unchecked (E-IO), Refused (E-SITES-FORMAT: the remains of an earlier run, or
    ``update``).
    """
    from datalib.optout.ask import Asker, Limits
    from datalib.optout.names import Names

    _check(agent, concurrency, timeout, max_bytes, max_redirects)
    _check_manners(retries, pause, update, max_age)
    limits = Limits(
        concurrency=concurrency, timeout=timeout, max_bytes=max_bytes, max_redirects=max_redirects, retries=retries,
        pause=pause,
    )  # fmt: skip
    with (
        open_earlier(update, max_age=max_age, now=now()) as earlier,
        open_journal(out) as journal,
        open_warc(warc, resumed=len(journal) > 0, now=now()) as archive,
        _threads(concurrency) as threads,
    ):
        asker = Asker(
            limits=limits,
            user_agent=f"{agent} datalib/{__version__}".strip(),
            now=now,
            tls=tls or ssl.create_default_context(),
            names=Names(threads=threads, allow_private=allow_private, fixed=resolve or {}),
            earlier=earlier.find if earlier else lambda _origin, _path: None,
            record=archive is not None,
            sleep=sleep,
            chance=chance,
        )
        asked = 0
        for requests in _rounds(origins, tuple(dict.fromkeys(paths)), journal, linked=linked):
            asked += _ask(asker, _not_young(requests, earlier, journal, now()), journal, archive, progress)
        answers = len(journal)
        if archive is not None:
            archive.finish()
        journal.finish(out)
    return FetchResult(out=out, answers=answers, asked=asked, statuses=dict(sorted(journal.statuses.items())))


@contextmanager
def _threads(concurrency: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads for name look-ups, some to spare: a look-up that was given up still holds its thread."""
    threads = ThreadPoolExecutor(2 * concurrency, "datalib-dns")
    try:
        yield threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _check(agent: str, concurrency: int, timeout: float, max_bytes: int, max_redirects: int) -> None:
    if not (agent.isascii() and agent.isprintable()):
        raise Misuse("E-USAGE", "--agent", "visible ASCII characters only")
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise Misuse("E-USAGE", "--concurrency", f"between 1 and {MAX_CONCURRENCY}")
    if not timeout > 0:
        raise Misuse("E-USAGE", "--timeout", "more than 0 seconds")
    if not MIN_BYTES <= max_bytes <= MAX_BODY:
        raise Misuse("E-USAGE", "--max-bytes", f"between {MIN_BYTES} and {MAX_BODY}")
    if max_redirects < 0:
        raise Misuse("E-USAGE", "max-redirects", "0 or more")


def _check_manners(retries: int, pause: float, update: Path | None, max_age: timedelta | None) -> None:
    if not 0 <= retries <= MAX_RETRIES:
        raise Misuse("E-USAGE", "--retries", f"between 0 and {MAX_RETRIES}")
    if not 0 <= pause <= MAX_PAUSE:
        raise Misuse("E-USAGE", "--pause", f"between 0 and {MAX_PAUSE:g} seconds")
    if max_age is not None and update is None:
        raise Misuse("E-USAGE", "--max-age", "only together with an earlier snapshot to update")
    if max_age is not None and max_age < timedelta():
        raise Misuse("E-USAGE", "--max-age", "0 or more")


def _rounds(
    origins: Iterable[str], paths: tuple[str, ...], journal: Journal, *, linked: bool
) -> Iterator[Iterable[tuple[str, str]]]:
    """Give what is to be asked, origins and paths: first of all origins, then what their answers link."""
    for path in paths:
        if not PATH_FORM.fullmatch(path):
            raise Misuse("E-USAGE", path, "a path begins with '/' and holds visible ASCII characters only")
    yield ((origin, path) for origin in sorted({_normal(origin) for origin in origins}) for path in paths)
    if linked:
        yield sorted(_links(journal))


def _links(journal: Journal) -> set[tuple[str, str]]:
    """Give the licence documents that the robots.txt files link."""
    found: set[tuple[str, str]] = set()
    for answer in journal.answers(ROBOTS):
        if b"license" in answer.body.lower():
            for link in rsl.robots_links(robots.parse(answer.body))[: rsl.MAX_LINKS]:
                url = rsl.resolve(link, answer.origin + ROBOTS)
                origin = origin_of(url) if url else None
                if url and origin and PATH_FORM.fullmatch(url[len(origin) :]):
                    found.add((origin, url[len(origin) :]))
    return found


def _ask(
    asker: "Asker",
    requests: Iterable[tuple[str, str]],
    journal: Journal,
    archive: WarcFile | None,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Ask and keep what comes; give the number of answers."""
    hosts = _by_host(requests, journal)
    keep = _Keeper(journal, archive, sum(map(len, hosts.values())), progress)
    asyncio.run(_ask_all(asker, hosts, keep))
    return keep.done


def _not_young(
    requests: Iterable[tuple[str, str]], earlier: Earlier | None, journal: Journal, now: datetime
) -> Iterator[tuple[str, str]]:
    """Take over what is young; give the rest."""
    for request in requests:
        young = earlier.young(*request, now) if earlier and request not in journal else None
        if young:
            journal.add(young)
        else:
            yield request


def _by_host(requests: Iterable[tuple[str, str]], journal: Journal) -> dict[str, list[tuple[str, str]]]:
    """Give what is still to be asked, by host; the hosts of one operator, which sort together, are spread."""
    hosts: dict[str, list[tuple[str, str]]] = {}
    names: dict[str, str] = {}
    for origin, path in requests:
        if (origin, path) not in journal:
            host = names.get(origin) or names.setdefault(origin, can_ada.parse(origin).hostname)
            hosts.setdefault(host, []).append((origin, path))
    return dict(sorted(hosts.items(), key=lambda item: hashlib.sha256(item[0].encode()).digest()))


def _normal(origin: str) -> str:
    found = origin_of(origin)
    if found is None:
        raise Misuse("E-USAGE", origin, "not an http or https origin")
    return found


class _Keeper:
    """Writes answers down as they come: first what went over the network, then the answer itself."""

    def __init__(
        self, journal: Journal, archive: WarcFile | None, total: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._journal = journal
        self._archive = archive
        self._progress = progress
        self.done, self._total = 0, total

    def __call__(self, answer: Answer, exchanges: Sequence[Exchange]) -> None:
        if self._archive is not None:
            self._archive.add(answer, exchanges)
        self._journal.add(answer)
        self.done += 1
        if self._progress is not None:
            self._progress(self.done, self._total)


async def _ask_all(asker: "Asker", hosts: Mapping[str, list[tuple[str, str]]], keep: _Keeper) -> None:
    waiting = iter(hosts.values())

    async def work() -> None:
        for requests in waiting:  # one iterator for all workers: each host goes to one of them
            await asker.ask_host(requests, keep)

    await asyncio.gather(*(work() for _ in range(min(asker.limits.concurrency, len(hosts)))))
