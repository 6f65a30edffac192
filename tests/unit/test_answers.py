"""Answers of sites: lines of JSON and folders, read strictly."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from datalib.errors import Refused, Unchecked
from datalib.optout import answers
from datalib.optout.answers import MAX_BODY, Answer, origin_of, read_folder, read_jsonl, read_jsonl_file, to_json_line


def read(**members: object) -> Answer:
    (answer,) = read_jsonl([json.dumps(members).encode()])
    return answer


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.org/a?b#c", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("https://example.org:8443/", "https://example.org:8443"),
        ("http:\\\\example.com\\a", "http://example.com"),
        ("https://ex%61mple.com", "https://example.com"),
        ("https://example。com/", "https://example.com"),
        ("https://user:pass@example.org/", "https://example.org"),
        ("http://0x7f.1/", "http://127.0.0.1"),
        ("https://[::1]:443/", "https://[::1]"),
        ("https://пример.қаз/", "https://xn--e1afmkfd.xn--80ao21a"),
        ("UNLIKELY", None),
        ("ftp://example.org/", None),
        ("blob:https://example.org/x", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https://exa mple.org", None),
        ("https://\ud800.org", None),
        ("", None),
    ],
)
def test_the_origin_of_a_url_follows_the_whatwg_rules(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_a_line_gives_an_answer() -> None:
    answer = read(
        origin="HTTPS://E.x:443/",
        path="/.well-known/tdmrep.json",
        status=200,
        headers=[["Content-Type", "text/plain"], ["content-type", "b"]],
        body="ж",
        fetched_at="2026-11-22T15:00:00.5+05:00",
        final_url="https://www.E.x",
    )
    assert answer == Answer(
        origin="https://e.x",
        path="/.well-known/tdmrep.json",
        status=200,
        headers=(("Content-Type", "text/plain"), ("content-type", "b")),
        body="ж".encode(),
        fetched_at="2026-11-22T10:00:00Z",
        final_url="https://www.e.x/",
    )


def test_what_is_left_out_has_its_default() -> None:
    assert read(origin="https://e.x", status="dns") == Answer(origin="https://e.x", path="/robots.txt", status="dns")
    nothing = {"headers": None, "body": None, "body_b64": None, "fetched_at": None, "final_url": None}
    assert read(origin="https://e.x", status=404, **nothing) == Answer(origin="https://e.x", status=404)


@pytest.mark.parametrize("word", answers.FAILURES)
def test_each_failure_is_read_and_written(word: str) -> None:
    answer = Answer(origin="https://e.x", status=word)
    assert list(read_jsonl([to_json_line(answer).encode()])) == [answer]


def test_bytes_that_are_no_text_are_written_as_base64() -> None:
    line = to_json_line(Answer(origin="https://e.x", status=200, body=b"\xff\xfeU\0"))
    assert line == '{"origin":"https://e.x","path":"/robots.txt","status":200,"body_b64":"//5VAA=="}'
    assert read(**json.loads(line)).body == b"\xff\xfeU\0"


def test_empty_lines_and_a_byte_order_mark_are_passed_over() -> None:
    lines = [b'\xef\xbb\xbf{"origin":"https://e.x","status":404}\r\n', b"\n", b" \r\n"]
    assert len(list(read_jsonl(lines))) == 1


GOOD = {"origin": "https://e.x", "status": 200, "body": ""}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"origin": "https://e.x"},
        {"origin": "https://e.x", "status": 200},
        {"origin": "https://e.x", "status": 200, "boddy": ""},
        {**GOOD, "origin": None},
        {**GOOD, "origin": "e.x"},
        {**GOOD, "origin": "https://e.x/robots.txt"},
        {**GOOD, "origin": "https://e.x/?a"},
        {**GOOD, "origin": "https://e.x/#a"},
        {**GOOD, "origin": "https://u:p@e.x"},
        {**GOOD, "origin": "ftp://e.x"},
        {**GOOD, "path": "robots.txt"},
        {**GOOD, "path": "/a b"},
        {**GOOD, "path": "/ж"},
        {**GOOD, "path": "/robots.txt\n"},
        {**GOOD, "path": "/" + "a" * 2048},
        {**GOOD, "path": None},
        {**GOOD, "status": True},
        {**GOOD, "status": 200.0},
        {**GOOD, "status": 99},
        {**GOOD, "status": 600},
        {**GOOD, "status": "200"},
        {**GOOD, "status": "fine"},
        {**GOOD, "status": []},
        {**GOOD, "headers": {"a": "b"}},
        {**GOOD, "headers": "ab"},
        {**GOOD, "headers": ["ab"]},
        {**GOOD, "headers": [["a"]]},
        {**GOOD, "headers": [["a", 1]]},
        {**GOOD, "headers": [["a", "\ud800"]]},
        {**GOOD, "body": 1},
        {**GOOD, "body": "\udcff"},
        {**GOOD, "body": "", "body_b64": ""},
        {"origin": "https://e.x", "status": 200, "body_b64": 1},
        {"origin": "https://e.x", "status": 200, "body_b64": "a"},
        {"origin": "https://e.x", "status": 200, "body_b64": "ж"},
        {**GOOD, "body": "a" * (MAX_BODY + 1)},
        {**GOOD, "fetched_at": "2026-11-22"},
        {**GOOD, "fetched_at": "2026-11-22T10:00:00"},
        {**GOOD, "fetched_at": "yesterday"},
        {**GOOD, "fetched_at": 1},
        {**GOOD, "fetched_at": "0001-01-01T00:00:00+01:00"},
        {**GOOD, "final_url": "/elsewhere"},
        {**GOOD, "final_url": 1},
    ],
)
def test_a_line_that_is_no_answer_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        list(read_jsonl([b"\n", json.dumps(members).encode()], "sites.jsonl"))
    assert (caught.value.code, caught.value.where) == ("E-SITES-FORMAT", "sites.jsonl:2")
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"origin":"https://e.x","status":404,"status":404}',
        b'{"origin":"https://e.x","status":NaN}',
        b'{"origin":"https://e.x","status":' + b"4" * 5000 + b"}",
        b" " * (answers.MAX_LINE + 1),
    ],
)
def test_a_line_that_is_no_json_object_is_refused(line: bytes) -> None:
    with pytest.raises(Refused) as caught:
        list(read_jsonl([line]))
    assert (caught.value.code, caught.value.where) == ("E-SITES-FORMAT", "line 1")


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "sites.jsonl"
    file.write_text("".join(json.dumps({**GOOD, "origin": f"https://e{n}.x"}) + "\n" for n in range(3)))
    assert [answer.origin for answer in read_jsonl_file(file)] == ["https://e0.x", "https://e1.x", "https://e2.x"]


def test_a_file_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unchecked) as caught:
        list(read_jsonl_file(tmp_path / "sites.jsonl"))
    assert caught.value.code == "E-IO"


def test_a_moment_is_written_in_utc_to_the_second() -> None:
    moment = datetime(2026, 11, 22, 15, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=5)))
    assert answers.stamp(moment) == "2026-11-22T10:00:00Z"
    assert answers.stamp(datetime(33, 1, 2, tzinfo=UTC)) == "0033-01-02T00:00:00Z"


def write(root: Path, name: str, body: bytes = b"x") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def test_a_folder_gives_answers_in_order(tmp_path: Path) -> None:
    write(tmp_path, "example.org/robots.txt", b"a")
    write(tmp_path, "example.org/.well-known/tdmrep.json", b"b")
    write(tmp_path, "EXAMPLE.com_8080/a b/ж.txt", b"c")
    write(tmp_path, "a_b.example/robots.txt", b"d")
    assert [(a.origin, a.path, a.status, a.body) for a in read_folder(tmp_path)] == [
        ("https://example.com:8080", "/a%20b/%D0%B6.txt", 200, b"c"),
        ("https://a_b.example", "/robots.txt", 200, b"d"),
        ("https://example.org", "/.well-known/tdmrep.json", 200, b"b"),
        ("https://example.org", "/robots.txt", 200, b"a"),
    ]


def test_a_long_file_in_a_folder_is_too_large(tmp_path: Path) -> None:
    write(tmp_path, "example.org/robots.txt")
    os.truncate(tmp_path / "example.org/robots.txt", MAX_BODY + 1)
    assert [answer.status for answer in read_folder(tmp_path)] == ["too-large"]


@pytest.mark.parametrize(
    "name", ["a b", "a@b", "a\\b", "a#b", "a?b", "ex ample.org", "1.2.3.4.5", "a.org_99999", "a\tb"]
)
def test_a_folder_that_is_not_named_after_a_host_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, f"{name}/robots.txt")
    with pytest.raises(Refused) as caught:
        list(read_folder(tmp_path))
    assert (caught.value.code, caught.value.where) == ("E-SITES-FORMAT", str(tmp_path / name))


def test_files_beside_the_hosts_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "robots.txt")
    with pytest.raises(Refused, match="only folders named after hosts"):
        list(read_folder(tmp_path))


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "example.org").mkdir()
    (tmp_path / "example.org" / "robots.txt").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="links"):
        list(read_folder(tmp_path))
    (tmp_path / "example.com").symlink_to(tmp_path / "example.org")
    with pytest.raises(Refused, match="only folders"):
        list(read_folder(tmp_path))


def test_a_path_without_end_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "example.org/" + "/".join(["ж" * 120] * 4))
    with pytest.raises(Refused, match="2048"):
        list(read_folder(tmp_path))


def test_a_folder_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unchecked) as caught:
        list(read_folder(tmp_path / "none"))
    assert caught.value.code == "E-IO"
