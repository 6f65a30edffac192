"""Every real Croissant, DCAT and RO-Crate description: a draft that `init` would read, or a refusal that says why."""

from pathlib import Path

import pytest

from datalib.errors import Refused
from datalib.interop import formats
from datalib.library import draft
from datalib.library.upgrade import upgrade
from tests.shared import SHARED

REAL = SHARED / "real"
pytestmark = pytest.mark.shared

#: What is refused, and why. Everything else becomes a draft.
SEVERAL, NONE = "E-FOREIGN-DATASETS", "E-FOREIGN-DATASETS"
REFUSED = {
    "croissant/1.0/json-join/data/items.json": NONE,
    "croissant/1.0/json-join/data/prices.json": NONE,
    "dcat/de-govdata/dcat_ap_de-RefImp_JSONLD_ADVANCED.jsonld": SEVERAL,
    "dcat/de-govdata/dcat_ap_de-RefImp_RDF_ADVANCED.rdf": SEVERAL,
    "dcat/de-govdata/dcat_ap_de-RefImp_TTL_ADVANCED.ttl": SEVERAL,
    "dcat/es-datos.gob.es/E10_Data_Service_CSW_HVD.rdf": NONE,
    "dcat/es-datos.gob.es/E1_Catalog_Dataset-DataService-HVD.rdf": "E-FOREIGN-FORMAT",  # rdf:about where none may be
    "dcat/es-datos.gob.es/E_DCAT-AP-ES_full_optional.rdf": SEVERAL,
    **dict.fromkeys([f"dcat/w3c-dxwg/catalog-record{kind}" for kind in (".ttl", ".jsonld")], NONE),
    **dict.fromkeys([f"dcat/w3c-dxwg/catalog-record-schema{kind}" for kind in (".ttl", ".jsonld")], NONE),
    **dict.fromkeys([f"dcat/w3c-dxwg/csiro-dap-examples{kind}" for kind in (".ttl", ".jsonld")], SEVERAL),
    **dict.fromkeys([f"dcat/w3c-dxwg/csiro-stratchart{kind}" for kind in (".ttl", ".jsonld")], SEVERAL),
    **dict.fromkeys([f"dcat/w3c-dxwg/dataset-004-sdo{kind}" for kind in (".ttl", ".jsonld")], NONE),
    **dict.fromkeys([f"dcat/w3c-dxwg/ga-wms{kind}" for kind in (".ttl", ".jsonld")], NONE),
}


def files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in REAL.glob(pattern) if path.is_file())


def test_every_description_is_read_or_refused_with_a_code() -> None:
    found = files("croissant/**/*.json", "dcat/**/*.ttl", "dcat/**/*.rdf", "dcat/**/*.jsonld")
    assert len(found) >= 83
    refused = {}
    for path in found:
        try:
            made = formats.read(path, formats.format_of(path))
        except Refused as error:
            refused[str(path.relative_to(REAL))] = error.code
            continue
        document = made.document()
        draft.render(document)
        upgrade(document, path.name)
    assert refused == REFUSED


def test_contexts_of_ro_crates_are_not_fetched() -> None:
    for path in files("rocrate/**/ro-crate-metadata.json*"):
        with pytest.raises(Refused, match="E-FOREIGN-REMOTE"):
            formats.read(path, formats.format_of(path))


def test_a_real_description_keeps_its_facts() -> None:
    titanic = formats.read(REAL / "croissant/1.0/titanic/metadata.json", "croissant").document()
    assert titanic["licenses"] == [{"name": "AFL-3.0"}]
    assert {item["path"] for item in titanic["resources"]} == {
        "data/titanic.csv",
        "data/genders.csv",
        "data/embarkation_ports.csv",
    }
    chosen = "https://example.com/dataset/68180d85-df56-48e0-993e-b9da36103a72#dataset"
    path = REAL / "dcat/de-govdata/dcat_ap_de-RefImp_TTL_ADVANCED.ttl"
    assert formats.read(path, "dcat", chosen).document()["title"]
