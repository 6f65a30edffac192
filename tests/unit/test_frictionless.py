"""Frictionless tools read what is written here: the program validates it, data and all."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from datalib.library import draft
from datalib.library.describe import describe
from datalib.library.draft import Listed, Tally
from datalib.library.hashing import hash_tree
from datalib.library.store import Folder
from tests import folders
from tests.folders import NOW, statements, write


def make(home: Path, **members: Any) -> None:
    """Describe a folder, complete the draft as signing does, and write the manifest."""
    with Folder(home) as folder:
        document = describe(folder, statements(license="CC-BY-4.0", members=members), now=NOW).document
        tally = Tally(document)
        for file in hash_tree(folder):
            tally.add(Listed(*file))
    content = {"files": 1, "bytes": tally.bytes, "sha256": "0" * 64, "root": "0" * 64}
    signed = draft.complete(document, tally.listed, tally.rest, content)
    (home / "datapackage.json").write_bytes(draft.render(signed))


def validate(home: Path) -> dict[str, list[str]]:
    """Run the program; give the errors of the package (under an empty name) and of each resource."""
    program = str(Path(sys.executable).with_name("frictionless"))
    command = [program, "validate", "datapackage.json", "--json"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    found = {task["name"]: [error["message"] for error in task["errors"]] for task in report["tasks"]}
    return {"": [error["message"] for error in report["errors"]], **found}


def test_tables_of_every_format(tmp_path: Path) -> None:
    russian = "имя;цена;дата;код\nмолоко;1,5;01.02.2020;007\nхлеб;2,5;31.12.2021;012\n"
    write(
        tmp_path,
        {
            "data/a-1.csv": "id,name,day\n1,Ә,2020-01-01\n2,,2021-01-01\n",
            "data/a-2.csv": "id,name,day\n3,x,2020-01-01\n",
            "ru.csv": russian.encode("cp1251"),
            "t.tsv": "a\tb\n1\tx\n",
            "n.csv": "1,2\n3,4\n",
            "title.csv": "Prices\na,b,c\n1,2,3\n4,5,6\n",
            "l.jsonl": '{"a": 1}\n{"a": 2, "b": []}\n',
            "img/x.png": b"x",
        },
    )
    folders.parquet(tmp_path / "p.parquet")
    folders.parquet(tmp_path / "many/m1.parquet")
    folders.parquet(tmp_path / "many/m2.parquet")
    folders.feather(tmp_path / "f.feather")
    folders.arrow_stream(tmp_path / "s.arrows")
    folders.xlsx(tmp_path / "w.xlsx", [["id", "day", "sum"], [1, date(2020, 1, 1), 2.5], [2, date(2020, 1, 2), 3]])
    make(tmp_path)
    found = validate(tmp_path)
    assert sorted(found) == ["", "a", "f", "l", "m", "n", "p", "ru", "s", "t", "title", "w"]
    assert not any(found.values()), found


def test_a_changed_byte_is_seen_also_above_a_megabyte(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "a\n1\n", "b.csv": "b\n1\n"})
    folders.parquet(tmp_path / "p.parquet")
    make(tmp_path, description="x" * 1_100_000)
    assert (tmp_path / "datapackage.json").stat().st_size > 1_100_000
    assert not any(validate(tmp_path).values())
    for name in ("b.csv", "p.parquet"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    found = validate(tmp_path)
    assert not found["a"]
    assert any("hash" in message for message in found["b"])
    assert any("hash" in message for message in found["p"])
