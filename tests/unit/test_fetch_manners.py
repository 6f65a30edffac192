"""How often and how fast sites are asked: repetitions, what they ask for, one request at a time."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from datalib.errors import Misuse
from datalib.optout.answers import Answer
from datalib.optout.patience import LONGEST, seconds_to_wait
from tests import local_sites as site
from tests.fetching import NOW, ROBOTS, run
from tests.local_sites import Behaviour, Request, Sites, serving


@pytest.fixture
def sites() -> Iterator[Sites]:
    with serving() as running:
        yield running


class Waits:
    """Notes the waits and does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave so at the first request, so at the second; at the end stay with the last."""
    left = list(behaviours)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return behave


def busy(code: int, wait: str) -> Behaviour:
    return site.answer(f"{code} Busy\r\nRetry-After: {wait}")


def ask(tmp_path: Path, sites: Sites, behaviour: Behaviour, *, timeout: float = 20.0) -> tuple[Answer, list[float]]:
    sites.behaviours["a.test"] = behaviour
    waits, origin = Waits(), f"http://a.test:{sites.port}"
    _, answers = run(
        tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"],
        timeout=timeout, retries=2, sleep=waits, chance=lambda: 1.0,
    )  # fmt: skip
    return answers[origin, "/robots.txt"], waits.seconds


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(site.status(503), id="503"),
        pytest.param(site.status(500), id="500"),
        pytest.param(site.status(429), id="429"),
        pytest.param(site.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nUser-agent: *"), id="truncated"),
    ],
)
def test_what_may_pass_is_asked_again(tmp_path: Path, sites: Sites, trouble: Behaviour) -> None:
    answer, waits = ask(tmp_path, sites, in_turn(trouble, trouble, site.status(200, ROBOTS)))
    assert (answer.status, answer.body, waits) == (200, ROBOTS, [1.0, 2.0])
    assert len(sites.requests) == 3


def test_a_silent_site_is_asked_again(tmp_path: Path, sites: Sites) -> None:
    answer, waits = ask(tmp_path, sites, in_turn(site.silent(), site.status(200, ROBOTS)), timeout=1.0)
    assert (answer.status, waits) == (200, [1.0])


def test_a_broken_connection_is_made_anew_once_at_once(tmp_path: Path, sites: Sites) -> None:
    """RFC 9112 §9.3.1: the site may just have closed a connection that was kept."""
    answer, waits = ask(tmp_path, sites, in_turn(*[site.raw(b"")] * 3, site.status(200, ROBOTS)))
    assert (answer.status, waits, len(sites.requests)) == (200, [1.0], 4)


def test_the_last_trouble_is_the_answer(tmp_path: Path, sites: Sites) -> None:
    answer, waits = ask(tmp_path, sites, in_turn(site.status(503), site.status(429), site.status(502)))
    assert (answer.status, waits) == (502, [1.0, 2.0])


@pytest.mark.parametrize(
    "final",
    [
        pytest.param(site.status(403), id="403"),
        pytest.param(site.status(404), id="404"),
        pytest.param(site.answer("200 OK\r\nContent-Encoding: br", ROBOTS), id="protocol"),
        pytest.param(site.redirect("/robots.txt"), id="loop"),
        pytest.param(site.answer("200 OK", b"#" * 600_000), id="too large"),
    ],
)
def test_what_will_not_pass_is_asked_once(tmp_path: Path, sites: Sites, final: Behaviour) -> None:
    _, waits = ask(tmp_path, sites, final)
    assert (waits, len(sites.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("wish", "waited"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("60", 60.0),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(days=3), usegmt=True), 1.0),
        ("Sun, 22 Nov 2026 10:00:09", 9.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("\xb2", 1.0),
        ("Sun, 22 Nov 99999999 10:00:09 GMT", 1.0),
    ],
)
def test_a_site_says_when_to_come_back(tmp_path: Path, sites: Sites, wish: str, waited: float) -> None:
    answer, waits = ask(tmp_path, sites, in_turn(busy(429, wish), site.status(200, ROBOTS)))
    assert (answer.status, waits) == (200, [waited])


@pytest.mark.parametrize("wish", ["61", "9" * 5000, format_datetime(NOW + timedelta(hours=2), usegmt=True)])
def test_a_site_that_wants_to_be_left_alone_is(tmp_path: Path, sites: Sites, wish: str) -> None:
    answer, waits = ask(tmp_path, sites, in_turn(busy(503, wish), site.status(200, ROBOTS)))
    assert (answer.status, waits, len(sites.requests)) == (503, [], 1)


def test_waits_grow_to_a_bound_and_are_spread() -> None:
    answer = Answer(origin="https://a.test", status="timeout")
    waits = [seconds_to_wait(answer, attempt, now=NOW, chance=0.0) for attempt in range(10)]
    assert waits[:3] == [0.5, 1.0, 2.0]
    assert max(wait or 0 for wait in waits) == LONGEST


def test_where_patience_was_in_vain_the_rest_is_asked_once(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = site.status(503)
    waits, origin = Waits(), f"http://a.test:{sites.port}"
    result, _ = run(tmp_path, [origin], hosts=["a.test"], paths=["/a", "/b", "/c"], retries=2, sleep=waits)
    assert result.statuses == {"503": 3}
    assert [request.path for request in sites.requests] == ["/a", "/a", "/a", "/b", "/c"]


def test_a_name_that_does_not_exist_is_asked_for_once(tmp_path: Path) -> None:
    waits = Waits()
    result, _ = run(tmp_path, ["https://nowhere.invalid"], retries=2, sleep=waits)
    assert (result.statuses, waits.seconds) == ({"dns": 2}, [])


def watching(now: list[int], most: list[int]) -> Behaviour:
    """Answer after a while; note how many requests there are at the same time."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.005)
        now[0] -= 1
        await site.status(200, request.path.encode())(request, writer)

    return behave


def test_a_host_that_many_redirect_to_is_asked_one_request_at_a_time(tmp_path: Path, sites: Sites) -> None:
    hosts, now, most = [f"h{number}.test" for number in range(30)], [0], [0]
    sites.behaviours = dict.fromkeys(hosts, site.redirect("http://hub.test:{port}/r"))
    sites.behaviours["hub.test"] = watching(now, most)
    origins = [f"http://{host}:{sites.port}" for host in hosts]
    result, answers = run(tmp_path, origins, hosts=[*hosts, "hub.test"], paths=["/robots.txt"], concurrency=30)
    assert (result.statuses, most) == ({"200": 30}, [1])
    assert {answer.final_url for answer in answers.values()} == {f"http://hub.test:{sites.port}/r"}


def test_there_is_a_pause_after_each_request(tmp_path: Path, sites: Sites) -> None:
    times: list[float] = []

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        times.append(asyncio.get_running_loop().time())
        await site.status(404)(request, writer)

    hosts = ["a.test", "b.test"]
    sites.behaviours = {"a.test": behave, "b.test": site.redirect("http://a.test:{port}/b")}
    origins = [f"http://{host}:{sites.port}" for host in hosts]
    result, _ = run(tmp_path, origins, hosts=hosts, paths=["/1", "/2"], pause=0.1)
    assert (result.statuses, len(times)) == ({"404": 4}, 4)
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(times))


def test_a_host_that_is_never_free_is_left(tmp_path: Path, sites: Sites) -> None:
    hosts = [f"h{number}.test" for number in range(4)]
    sites.behaviours = dict.fromkeys(hosts, site.redirect("http://hub.test:{port}/r"))
    sites.behaviours["hub.test"] = site.silent()
    origins = [f"http://{host}:{sites.port}" for host in hosts]
    result, _ = run(
        tmp_path, origins, hosts=[*hosts, "hub.test"], paths=["/robots.txt"], concurrency=4, timeout=0.2
    )  # fmt: skip
    assert result.statuses == {"timeout": 4}


@pytest.mark.parametrize(
    "options",
    [{"retries": -1}, {"retries": 11}, {"pause": -1}, {"pause": 61}, {"pause": float("nan")}],
)
def test_manners_have_bounds(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(Misuse) as caught:
        run(tmp_path, [], **options)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.code == "E-USAGE"
