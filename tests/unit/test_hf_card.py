"""Dataset cards, out and in."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalib.errors import Refused
from datalib.interop import hf_card
from datalib.interop.known import know
from tests.interop import describe, live


def front(card: bytes) -> Any:
    return yaml.safe_load(card.split(b"---\n")[1])


def read(text: str) -> tuple[dict[str, Any], str]:
    draft = hf_card.read(text.encode(), "README.md")
    return draft.document(), "\n".join(f"{note.where} {note.detail}" for note in draft.notes)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live(tmp_path_factory.mktemp("card"))


def test_a_card_has_front_matter_and_says_where_the_data_comes_from(library: Path) -> None:
    of = know(library)
    card = hf_card.write(of)
    value = front(card)
    assert value["pretty_name"] == "Speech of the steppe"
    assert value["license"] == ["cc-by-4.0", "other"]
    assert value["task_categories"] == ["automatic-speech-recognition"]
    assert value["configs"][0] == {"config_name": "part", "data_files": ["part-1.jsonl", "part-2.jsonl"]}
    text = card.decode()
    assert "- Own \\| recordings https://steppe.example/a b (method: own, basis: own, license: CC-BY-4.0)" in text
    assert of.library is not None
    assert of.library in text
    assert "were not verified" in text
    assert "train:house is no task" in " ".join(note.detail for note in hf_card.lacking(of))


def test_a_card_says_how_much_was_verified(library: Path) -> None:
    from dataclasses import replace

    assert "without reading all data" in hf_card.write(replace(know(library), assurance="signed")).decode()
    assert "every byte were verified" in hf_card.write(replace(know(library), assurance="verified")).decode()


def test_a_draft_with_a_licence_of_its_own(tmp_path: Path) -> None:
    path = describe(tmp_path) / "datapackage.json"
    document = json.loads(path.read_bytes())
    document["licenses"] = [{"name": "House", "path": "https://x.example/l"}]
    del document["description"], document["datalib"]["title"]
    path.write_text(json.dumps(document))
    value = front(hf_card.write(know(path.parent)))
    assert (value["license"], value["license_name"], value["license_link"]) == ("other", "House", "https://x.example/l")
    assert value["pretty_name"] == "Speech"
    del document["licenses"]
    document["datalib"]["description"] = {"ru": "Слова"}
    path.write_text(json.dumps(document))
    of = know(path.parent)
    assert "license" not in front(hf_card.write(of))
    assert "Слова" in hf_card.write(of).decode()
    assert "licenses" in {note.where for note in hf_card.lacking(of)}


def test_front_matter_becomes_a_draft() -> None:
    document, lost = read(
        "---\r\npretty_name: Name\nlicense: [mit, unknown, other]\nlicense_link: https://x.example/l\n"
        "language: [kk, en-GB, '!']\ntags: [a]\ntask_categories: [translation]\nannotations_creators: [nobody]\n"
        "configs:\n- config_name: default\n  data_files: data/a.csv\n- data_files:\n  - split: train\n"
        "    path: data/*.csv\n"
        "  - split: test\n    path: [t.jsonl]\n- data_files: https://x.example/far.csv\n- {}\n---\nA body.\n"
    )
    assert document["title"] == "Name"
    assert document["licenses"] == [{"name": "MIT"}, {"path": "https://x.example/l"}]
    assert document["datalib"] == {"languages": ["kk", "en-GB"]}
    assert [item["path"] for item in document["resources"]] == ["data/a.csv", "t.jsonl"]
    for part in ("'unknown'", "translation", "annotations_creators", "data/*.csv", "far.csv", "2 words"):
        assert part in lost, part


def test_the_hub_may_say_nothing() -> None:
    assert read("---\n{}\n---")[0]["resources"] == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"# no front matter", "E-FOREIGN-FORMAT"),
        (b"---\nopen: 1\n", "E-FOREIGN-FORMAT"),
        (b"---\n\xff\n---\n", "E-FOREIGN-FORMAT"),
        (b"---\n- a\n---\n", "E-FOREIGN-FORMAT"),
        (b"---\na: !!python/object:os.system x\n---\n", "E-FOREIGN-FORMAT"),
        (b"---\na: &a [*a]\n---\n", "E-FOREIGN-FORMAT"),
    ],
)
def test_what_is_no_card_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused, match=code):
        hf_card.read(data, "README.md")


def test_a_bracket_in_a_name_is_no_pattern(tmp_path: Path) -> None:
    path = describe(tmp_path) / "datapackage.json"
    document = json.loads(path.read_bytes())
    document["resources"] = [{"name": "odd", "path": ["a[1].csv", "b.csv"], "format": "csv"}]
    path.write_text(json.dumps(document))
    card = hf_card.write(know(path.parent))
    said = front(card)["configs"][0]["data_files"]
    assert said == ["a[[]1].csv", "b.csv"]
    assert fnmatchcase("a[1].csv", said[0])
    assert [item["path"] for item in hf_card.read(card, "README.md").document()["resources"]] == ["a[1].csv", "b.csv"]
    address = front(hf_card.write(know(path.parent, base="https://x.example/")))["configs"][0]["data_files"][0]
    assert address == "https://x.example/a%5B1%5D.csv"
