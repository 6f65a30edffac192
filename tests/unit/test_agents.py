import json
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.optout import agents


def named(name: Any) -> bytes:
    value = json.loads(table())
    value["agents"][0]["token"] = name
    return json.dumps(value).encode()


def table(**changes: Any) -> bytes:
    agent = {
        "token": "X-Bot",
        "operator": None,
        "role": "training",
        "reserves_training": True,
        "source": "https://e.x/bots",
        "date": "2026-11-22",
    }
    return json.dumps({"format": agents.FORMAT, "updated": "2026-11-22", "agents": [agent | changes]}).encode()


def test_the_table_that_ships_is_complete() -> None:
    shipped = agents.default()
    gpt = shipped.get("gptbot")
    assert gpt is not None
    assert gpt is shipped.agents[[a.token for a in shipped.agents].index("GPTBot")]
    assert gpt.operator == "OpenAI"
    assert len(shipped.training) > 35
    assert {"GPTBot", "CCBot", "Google-Extended", "Applebot-Extended", "AI2Bot", "Kangaroo Bot"} <= set(
        shipped.training
    )
    assert not {"OAI-SearchBot", "ChatGPT-User", "PerplexityBot", "Applebot", "Googlebot"} & set(shipped.training)
    google = shipped.get("Google-Extended")
    assert google is not None
    assert google.reserves_ai_input
    assert google.role == "product-token"
    assert shipped.get("nobody") is None
    assert len(shipped.sha256) == 64


def test_a_users_table_is_read() -> None:
    read = agents.read(table(reserves_ai_input=True, documentation="http://e.x/doc"))
    assert read.training == ("X-Bot",)
    assert read.agents[0].documentation == "http://e.x/doc"
    assert read.updated == "2026-11-22"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"{", "t.json"),
        (b"\xff", "t.json"),
        (b"[" * 100_000, "t.json"),
        (b"[]", "t.json"),
        (b'{"format": "other", "agents": []}', "t.json"),
        (b" " * (agents.MAX_BYTES + 1), "t.json"),
        (json.dumps({"format": agents.FORMAT, "agents": [], "updated": "soon"}).encode(), "t.json#/updated"),
        (json.dumps({"format": agents.FORMAT, "agents": [7]}).encode(), "t.json#/agents/0"),
        (named(" X"), "t.json#/agents/0/token"),
        (named("a\nb"), "t.json#/agents/0/token"),
        (named(7), "t.json#/agents/0/token"),
        (table(operator=7), "t.json#/agents/0/operator"),
        (table(role="king"), "t.json#/agents/0/role"),
        (table(role=[]), "t.json#/agents/0/role"),
        (table(source="ftp://e.x"), "t.json#/agents/0/source"),
        (table(source="https://[e.x"), "t.json#/agents/0/source"),
        (table(documentation=1), "t.json#/agents/0/documentation"),
        (table(reserves_training=1), "t.json#/agents/0/reserves_training"),
        (table(date=20261122), "t.json#/agents/0/date"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(data: bytes, place: str) -> None:
    with pytest.raises(Refused) as refused:
        agents.read(data, "t.json")
    assert refused.value.code == "E-AGENTS-FORMAT"
    assert refused.value.where == place


def test_a_token_stands_once() -> None:
    value = json.loads(table())
    value["agents"].append(value["agents"][0] | {"token": "x-bot"})
    with pytest.raises(Refused, match="twice"):
        agents.read(json.dumps(value).encode())
