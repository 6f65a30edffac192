import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from datalib.errors import Refused, Unchecked
from datalib.optout.answers import TDMREP, Answer
from datalib.optout.site import SiteStore, is_store, open_store
from datalib.optout.site_import import import_sites, read_answers, write_parquet
from datalib.optout.speaking import answers_that_count
from datalib.optout.urls import places_of
from tests.scanning import write_sites

LONG = "a-very-long-host-name.of-many-labels.example"
ANSWERS = (
    Answer(origin="https://e.x", status=200, body=b"User-agent: *\nDisallow: /p\n", fetched_at="2026-11-01T00:00:00Z"),
    Answer(origin="https://e.x", path=TDMREP, status=404),
    Answer(origin="http://e.x", status="timeout", fetched_at="2026-11-02T00:00:00Z"),
    Answer(origin="https://e.x:8443", status=200, body=b"\xff\xfe", headers=(("Age", "0"), ("age", "1"))),
    Answer(origin=f"https://{LONG}.org", status=200, body=b"User-agent: *\nDisallow: /p\n"),
    Answer(origin=f"https://{LONG}.net", status=410, final_url="https://e.x/gone"),
)  # fmt: skip


def store(folder: Path, answers: Sequence[Answer] = ANSWERS) -> SiteStore:
    folder.mkdir()
    return import_sites([write_sites(folder.parent / f"{folder.name}.jsonl", answers)], folder)


def test_every_origin_is_found_and_no_other(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    origins = sorted({answer.origin for answer in ANSWERS})
    assert sorted(made.origin(number) for number in range(made.size)) == origins
    for origin in origins:
        assert made.origin(made.find(origin)) == origin
    others = [
        "https://e.y",
        "http://e.x:8443",
        f"https://{LONG}.com",
        "https://e.x.",
    ]
    assert [made.find(origin) for origin in others] == [-1, -1, -1, -1]
    urls = pa.array([None, "https://e.x/a", "UNLIKELY", "HTTP://E.X:80/b", "https://e.x:8443"])
    known = [-1, made.find("https://e.x"), -1, made.find("http://e.x"), made.find("https://e.x:8443")]
    assert made.lookup(places_of(urls)).tolist() == known


def test_many_origins_are_found(tmp_path: Path) -> None:
    answers = [Answer(origin=f"https://h{n}.{'x' * (n % 40)}.kz", status=404) for n in range(3000)]
    made = store(tmp_path / "s", answers)
    found = made.lookup(places_of(pa.array([answer.origin + "/p" for answer in answers])))
    assert sorted(found.tolist()) == list(range(3000))
    assert [made.origin(number) for number in found] == [answer.origin for answer in answers]


def test_bodies_are_kept_once_and_checked(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    assert len(made.bodies) == 3
    contents = [made.content(number) for number in range(len(made.contents))]
    assert {(content.path, content.status) for content in contents} >= {
        ("/robots.txt", 200),
        ("/robots.txt", "timeout"),
    }
    body = made.find_body(contents[0].sha256)
    assert body == ANSWERS[0].body
    assert made.find_body("0" * 64) is None
    (made.folder / "bodies.bin").write_bytes(b"x" * 100)
    with pytest.raises(Refused, match="E-SITES-FORMAT"):
        made.content(0)


def test_all_forms_give_the_same_answers_and_the_same_digest(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    assert sorted(read_answers(made.folder), key=repr) == sorted(ANSWERS, key=repr)
    assert write_parquet(ANSWERS, tmp_path / "s.parquet") == len(ANSWERS)
    assert list(read_answers(tmp_path / "s.parquet")) == list(ANSWERS)
    other = tmp_path / "other"
    other.mkdir()
    assert import_sites([tmp_path / "s.parquet"], other).digest == made.digest
    backwards = store(tmp_path / "b", ANSWERS[::-1])
    assert backwards.digest == made.digest
    assert store(tmp_path / "c", ANSWERS[1:]).digest != made.digest


def test_a_folder_of_files_is_a_snapshot(tmp_path: Path) -> None:
    root = tmp_path / "sites"
    (root / "e.x" / ".well-known").mkdir(parents=True)
    (root / "e.x" / "robots.txt").write_bytes(b"User-agent: *\n")
    (root / "e.x" / ".well-known" / "tdmrep.json").write_bytes(b"[]")
    made = tmp_path / "store"
    made.mkdir()
    found = import_sites([root], made)
    assert found.paths == ("/.well-known/tdmrep.json", "/robots.txt")
    assert found.find("https://e.x") == 0


def test_no_answers_at_all_are_a_store_too(tmp_path: Path) -> None:
    made = store(tmp_path / "s", [])
    assert made.size == 0
    assert open_store(made.folder).lookup(places_of(pa.array(["https://e.x/"]))).tolist() == [-1]


def test_a_changed_store_is_refused(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    assert is_store(made.folder)
    assert open_store(made.folder).digest == made.digest
    np.save(made.folder / "first.npy", np.zeros(3, dtype=np.int64))
    with pytest.raises(Refused, match="changed since it was imported"):
        open_store(made.folder)
    (made.folder / "first.npy").unlink()
    with pytest.raises(Unchecked, match="E-IO"):
        open_store(made.folder)
    for text in ("{", "[]", '{"version": 1}', "{}"):
        (made.folder / "store.json").write_text(text, encoding="utf-8")
        with pytest.raises(Refused, match="E-SITES-FORMAT"):
            open_store(made.folder)


def test_a_parquet_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"url": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(Refused, match="columns must be of"):
        list(read_answers(tmp_path / "a.parquet"))
    pq.write_table(pa.table({"origin": ["x"], "status": ["200"]}), tmp_path / "a.parquet")
    with pytest.raises(Refused, match="'origin'"):
        list(read_answers(tmp_path / "a.parquet"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match="E-SITES-FORMAT"):
        list(read_answers(tmp_path / "a.parquet"))
    with pytest.raises(Unchecked, match="E-IO"):
        list(read_answers(tmp_path / "none.parquet"))


def count(made: SiteStore, since: int | None = None) -> list[tuple[str, int | str]]:
    first, content = answers_that_count(made, since)
    return [
        (made.origin(site), made.content(int(number)).status)
        for site in range(made.size)
        for number in content[first[site] : first[site + 1]]
    ]


def test_a_failure_counts_only_while_nothing_better_is_known(tmp_path: Path) -> None:
    down = Answer(origin="https://e.x", status="timeout")
    busy = Answer(origin="https://e.x", status=503)
    clear, closed = Answer(origin="https://e.x", status=404), Answer(origin="https://e.x", status=403)
    other = Answer(origin="https://e.y", status="dns")
    assert count(store(tmp_path / "a", [down, busy])) == [("https://e.x", "timeout"), ("https://e.x", 503)]
    assert sorted(count(store(tmp_path / "b", [down, clear, busy, other])), key=str) == [
        ("https://e.x", 404),
        ("https://e.y", "dns"),
    ]
    assert count(store(tmp_path / "c", [clear, closed, clear])) == [("https://e.x", 403), ("https://e.x", 404)]


def test_old_answers_do_not_count_when_an_age_is_asked_for(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    assert len(count(made)) == len(ANSWERS)
    dated = {("https://e.x", 200), ("http://e.x", "timeout")}
    assert count(made, since=1_793_491_200) == [found for found in count(made) if found in dated]
    assert count(made, since=1_793_500_000) == [("http://e.x", "timeout")]
    assert count(made, since=-1) == [found for found in count(made) if found in dated]


@pytest.mark.parametrize(
    "change",
    [
        {"paths": []}, {"paths": 5}, {"paths": ["/x"]}, {"paths": ["/robots.txt", TDMREP]},
        {"origins": 99}, {"origins": "x"}, {"digest": 7}, {"digest": "x"}, {"arrays": {}}, {"version": 99},
    ],
)  # fmt: skip
def test_a_damaged_description_of_a_store_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    store(tmp_path / "s", ANSWERS)
    meta = json.loads((tmp_path / "s" / "store.json").read_bytes())
    (tmp_path / "s" / "store.json").write_text(json.dumps(meta | change), encoding="ascii")
    with pytest.raises(Refused, match="E-SITES-FORMAT"):
        open_store(tmp_path / "s")
