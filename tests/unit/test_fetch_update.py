"""A second fetch asks for what is old, and takes over what has not changed."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datalib.errors import Misuse, Refused, Unchecked
from datalib.optout.answers import Answer, to_json_line
from datalib.optout.earlier import conditions, renewed
from datalib.optout.fetch import FetchResult
from tests import local_sites as site
from tests.fetching import NOW, ROBOTS, run
from tests.local_sites import Behaviour, Request, Sites, serving

LATER = NOW + timedelta(days=10)
ETAG, DATE = '"v1"', "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.fixture
def sites() -> Iterator[Sites]:
    with serving() as running:
        yield running


def versioned(body: bytes, *, etag: str = ETAG, date: str = DATE) -> Behaviour:
    """Answer with a body, or with 304 when the client has it."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        fresh = request.headers.get("if-none-match") == etag or request.headers.get("if-modified-since") == date
        head = f"ETag: {etag}\r\nLast-Modified: {date}\r\nX-Answered: {len(request.headers)}"
        shown = site.answer(f"304 Same\r\n{head}", length=False) if fresh else site.answer(f"200 OK\r\n{head}", body)
        await shown(request, writer)

    return behave


def again(tmp_path: Path, sites: Sites, **options: object) -> tuple[FetchResult, Answer]:
    """Fetch robots.txt of a.test, and ten days later once more."""
    origin = f"http://a.test:{sites.port}"
    given = {"hosts": ["a.test", "b.test"], "paths": ["/robots.txt"]}
    run(tmp_path, [origin], **given)  # type: ignore[arg-type]  # keywords, each of its own type
    sites.requests.clear()
    before = tmp_path / "sites.jsonl"
    result, answers = run(
        tmp_path, [origin], name="later.jsonl", now=LATER, update=before, **given, **options  # type: ignore[arg-type]  # as above
    )  # fmt: skip
    return result, answers[origin, "/robots.txt"]


def test_what_has_not_changed_is_taken_over_with_its_new_time(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = versioned(ROBOTS)
    result, answer = again(tmp_path, sites)
    assert (result.asked, answer.status, answer.body, answer.fetched_at) == (1, 200, ROBOTS, "2026-12-02T10:00:00Z")
    assert sites.requests[0].headers["if-none-match"] == ETAG
    assert sites.requests[0].headers["if-modified-since"] == DATE
    headers = dict(answer.headers)
    assert (headers["Content-Length"], headers["ETag"]) == (str(len(ROBOTS)), ETAG)
    assert headers["X-Answered"] == str(len(sites.requests[0].headers))


def test_what_has_changed_is_replaced(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = versioned(ROBOTS)
    run(tmp_path, [f"http://a.test:{sites.port}"], hosts=["a.test"], name="first.jsonl")
    sites.behaviours["a.test"] = versioned(b"", etag='"v2"', date="Sun, 22 Nov 2026 10:00:00 GMT")
    _, answers = run(
        tmp_path, [f"http://a.test:{sites.port}"], hosts=["a.test"], now=LATER, update=tmp_path / "first.jsonl"
    )
    assert {(answer.status, answer.body) for answer in answers.values()} == {(200, b"")}


@pytest.mark.parametrize(("days", "asked"), [(9, 1), (10, 0), (11, 0)])
def test_young_answers_are_not_asked_for(tmp_path: Path, sites: Sites, days: int, asked: int) -> None:
    sites.behaviours["a.test"] = site.status(200, ROBOTS)
    result, answer = again(tmp_path, sites, max_age=timedelta(days=days))
    assert (result.asked, len(sites.requests), result.answers, answer.body) == (asked, asked, 1, ROBOTS)
    assert answer.fetched_at == ("2026-12-02T10:00:00Z" if asked else "2026-11-22T10:00:00Z")


@pytest.mark.parametrize("trouble", [site.status(503), site.status(429), site.raw(b"SSH-2.0-x\r\n"), site.raw(b"")])
def test_failures_are_asked_for_at_any_age(tmp_path: Path, sites: Sites, trouble: Behaviour) -> None:
    sites.behaviours["a.test"] = trouble
    result, _ = again(tmp_path, sites, max_age=timedelta(days=99))
    assert result.asked == 1


def test_a_trouble_replaces_a_good_answer(tmp_path: Path, sites: Sites) -> None:
    origin = f"http://a.test:{sites.port}"
    sites.behaviours["a.test"] = versioned(ROBOTS)
    run(tmp_path, [origin], hosts=["a.test"], name="first.jsonl", paths=["/robots.txt"])
    sites.behaviours["a.test"] = site.status(503)
    result, _ = run(
        tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], now=LATER, update=tmp_path / "first.jsonl"
    )
    assert result.statuses == {"503": 1}


def test_a_redirected_answer_is_confirmed_where_it_came_from(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours = {"a.test": site.redirect("http://b.test:{port}/r"), "b.test": versioned(ROBOTS)}
    result, answer = again(tmp_path, sites)
    assert (result.statuses, answer.body, answer.final_url) == ({"200": 1}, ROBOTS, f"http://b.test:{sites.port}/r")
    assert [("if-none-match" in request.headers, request.host) for request in sites.requests] == [
        (False, "a.test"),
        (True, "b.test"),
    ]


def test_a_redirect_to_elsewhere_is_not_asked_about_the_old_place(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = versioned(ROBOTS)
    origin = f"http://a.test:{sites.port}"
    run(tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], name="first.jsonl")
    sites.behaviours = {"a.test": site.redirect("http://b.test:{port}/r"), "b.test": versioned(b"# other")}
    _, answers = run(
        tmp_path, [origin], hosts=["a.test", "b.test"], paths=["/robots.txt"], update=tmp_path / "first.jsonl"
    )
    assert answers[origin, "/robots.txt"].body == b"# other"


def test_not_modified_without_a_question_is_no_rule(tmp_path: Path, sites: Sites) -> None:
    sites.behaviours["a.test"] = site.status(200, ROBOTS)  # nothing to ask with
    origin = f"http://a.test:{sites.port}"
    run(tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], name="first.jsonl")
    sites.behaviours["a.test"] = site.answer("304 Same", length=False)
    result, _ = run(tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], update=tmp_path / "first.jsonl")
    assert result.statuses == {"304": 1}


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (200, {"ETag": 'W/"x"'}, {"If-None-Match": 'W/"x"'}),
        (200, {"ETag": '"a"\r\nX-Evil: 1'}, {}),
        (200, {"ETag": "unquoted", "last-modified": DATE}, {"If-Modified-Since": DATE}),
        (200, {"ETag": '"\xe9"'}, {}),
        (200, {"Last-Modified": "yesterday"}, {}),
        (200, {"Last-Modified": DATE + "\nX: y"}, {}),
        (203, {"ETag": ETAG}, {}),
        (404, {"ETag": ETAG}, {}),
        ("timeout", {"ETag": ETAG}, {}),
    ],
)
def test_only_sound_validators_are_sent(status: int | str, headers: dict[str, str], asked: dict[str, str]) -> None:
    assert conditions(Answer(origin="https://a.test", status=status, headers=tuple(headers.items()))) == asked


def test_a_confirmation_does_not_describe_the_body_anew() -> None:
    old = Answer(origin="https://a.test", status=200, body=b"x", headers=(("Content-Length", "1"), ("Age", "5")))
    new = renewed(old, (("content-length", "0"), ("AGE", "0"), ("Via", "b")), NOW)
    assert new.headers == (("Content-Length", "1"), ("AGE", "0"), ("Via", "b"))
    assert (new.body, new.fetched_at) == (b"x", "2026-11-22T10:00:00Z")


@pytest.mark.parametrize("fetched_at", [None, "2026-12-02T10:00:01Z"])
def test_what_has_no_sound_age_is_asked_for(tmp_path: Path, sites: Sites, fetched_at: str | None) -> None:
    origin = f"http://a.test:{sites.port}"
    old = Answer(origin=origin, status=404, fetched_at=fetched_at)
    (tmp_path / "first.jsonl").write_text("\n" + to_json_line(old) + "\n")
    result, _ = run(
        tmp_path, [origin], hosts=["a.test"], paths=["/robots.txt"], now=LATER,
        update=tmp_path / "first.jsonl", max_age=timedelta(days=20),
    )  # fmt: skip
    assert result.asked == 1


def test_only_what_the_works_need_is_taken_over(tmp_path: Path, sites: Sites) -> None:
    origins = [f"http://{host}.test:{sites.port}" for host in "ab"]
    run(tmp_path, origins, hosts=["a.test", "b.test"], name="first.jsonl")
    options = {"update": tmp_path / "first.jsonl", "max_age": timedelta(days=1)}
    result, answers = run(tmp_path, origins[:1], hosts=["a.test"], **options)  # type: ignore[arg-type]  # keywords, each of its own type
    assert (result.asked, {origin for origin, _ in answers}) == (0, {origins[0]})


def test_the_later_of_two_answers_counts(tmp_path: Path, sites: Sites) -> None:
    origin = f"http://a.test:{sites.port}"
    lines = [
        json.dumps({"origin": origin, "status": status, "fetched_at": "2026-11-22T10:00:00Z"}) for status in (404, 410)
    ]
    (tmp_path / "first.jsonl").write_text("\n".join(lines))
    result, _ = run(
        tmp_path, [origin], paths=["/robots.txt"], update=tmp_path / "first.jsonl", max_age=timedelta(days=1)
    )
    assert result.statuses == {"410": 1}


def test_an_earlier_snapshot_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n")
    with pytest.raises(Refused) as refused:
        run(tmp_path, [], update=tmp_path / "bad.jsonl")
    assert (refused.value.code, refused.value.where) == ("E-SITES-FORMAT", f"{tmp_path}/bad.jsonl:1")
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(Unchecked):
            run(tmp_path, [], update=path)
    assert not (tmp_path / "sites.jsonl.partial").exists()


@pytest.mark.parametrize("options", [{"max_age": timedelta(1)}, {"max_age": timedelta(-1), "update": "first.jsonl"}])
def test_an_age_needs_a_snapshot_and_sense(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(Misuse):
        run(tmp_path, [], **options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_moment_in_another_zone_is_the_same_moment(tmp_path: Path, sites: Sites) -> None:
    origin = f"http://a.test:{sites.port}"
    old = {"origin": origin, "status": 404, "fetched_at": "2026-11-22T15:00:00+05:00"}
    (tmp_path / "first.jsonl").write_text(json.dumps(old))
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    options = {"update": tmp_path / "first.jsonl", "paths": ["/robots.txt"], "now": now}
    result, _ = run(tmp_path, [origin], max_age=timedelta(days=1), **options)  # type: ignore[arg-type]  # as above
    assert result.asked == 0
