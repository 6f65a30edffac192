"""The table of crawler names: whose ``Disallow`` is a reservation against training, whoever crawls.

The table that ships with datalib is ``agents.json`` in ``datalib_vocab``; a user can give a newer file of the same
format. A token is compared without case (RFC 9309 §2.2.1) and stands once.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import datalib_vocab
from datalib.errors import Refused
from datalib.optout.robots_lenient import asked_names

FORMAT: Final = "datalib-agents-1"
#: ``training`` collects for training; ``product-token`` fetches nothing and exists only to say no; ``data`` collects
#: for other ends; the others serve search, or a user who asked.
ROLES: Final = frozenset({"training", "product-token", "data", "search", "user-fetch", "unclear"})
MAX_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One crawler name.

    ``source`` is where the facts stand and ``date`` when they stood there so; ``documentation`` is the operator's page.
    """

    token: str
    operator: str | None
    role: str
    reserves_training: bool
    reserves_ai_input: bool
    documentation: str | None
    source: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTable:
    """All crawler names of one file, in its order, with the SHA-256 of its bytes.

    ``training_names`` maps every name under which a robots.txt may speak of a training token to that token.
    """

    agents: tuple[Agent, ...]
    updated: str
    sha256: str
    training_names: Mapping[str, str] = field(repr=False)
    _by_token: Mapping[str, Agent] = field(repr=False)

    def get(self, token: str) -> Agent | None:
        """Give what is known of a token, compared without case."""
        return self._by_token.get(token.casefold())

    @property
    def training(self) -> tuple[str, ...]:
        """The tokens whose ``Disallow`` reserves training, in the order of the file."""
        return tuple(agent.token for agent in self.agents if agent.reserves_training)


def read(data: bytes, where: str = "agents.json") -> AgentTable:
    """Read a table. Raises Refused (E-AGENTS-FORMAT) with the place in the file."""
    if len(data) > MAX_BYTES:
        raise Refused("E-AGENTS-FORMAT", where, f"longer than {MAX_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("E-AGENTS-FORMAT", where, f"not JSON: {error}") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("agents"), list):
        raise Refused("E-AGENTS-FORMAT", where, f"needs 'format': {FORMAT!r} and a list 'agents'")
    agents = tuple(_agent(item, f"{where}#/agents/{index}") for index, item in enumerate(value["agents"]))
    by_token = {agent.token.casefold(): agent for agent in agents}
    if len(by_token) != len(agents):
        raise Refused("E-AGENTS-FORMAT", where, "a token stands twice (case does not count)")
    return AgentTable(
        agents=agents,
        updated=_day(value.get("updated"), f"{where}#/updated"),
        sha256=hashlib.sha256(data).hexdigest(),
        training_names=MappingProxyType(
            {
                name: agent.token
                for agent in agents
                if agent.reserves_training
                for name in (agent.token.lower(), *asked_names(agent.token))
            }
        ),
        _by_token=MappingProxyType(by_token),
    )


def default() -> AgentTable:
    """Give the table that ships with datalib."""
    return read(datalib_vocab.read("agents.json"))


def _agent(item: Any, where: str) -> Agent:
    if not isinstance(item, dict):
        raise Refused("E-AGENTS-FORMAT", where, "an agent is an object")
    token, operator, role, source = (item.get(name) for name in ("token", "operator", "role", "source"))
    page = item.get("documentation")
    if not isinstance(token, str) or not token.strip() or token != token.strip() or not token.isprintable():
        raise Refused("E-AGENTS-FORMAT", f"{where}/token", "a name without surrounding blanks")
    if not (operator is None or isinstance(operator, str)):
        raise Refused("E-AGENTS-FORMAT", f"{where}/operator", "a string or null")
    if not isinstance(role, str) or role not in ROLES:
        raise Refused("E-AGENTS-FORMAT", f"{where}/role", f"one of {', '.join(sorted(ROLES))}")
    if not isinstance(source, str) or not _is_web(source):
        raise Refused("E-AGENTS-FORMAT", f"{where}/source", "an http or https URL")
    if not (page is None or (isinstance(page, str) and _is_web(page))):
        raise Refused("E-AGENTS-FORMAT", f"{where}/documentation", "an http or https URL, or null")
    return Agent(
        token=token,
        operator=operator,
        role=role,
        reserves_training=_flag(item.get("reserves_training"), f"{where}/reserves_training"),
        reserves_ai_input=_flag(item.get("reserves_ai_input", False), f"{where}/reserves_ai_input"),
        documentation=page,
        source=source,
        date=_day(item.get("date"), f"{where}/date"),
    )


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Refused("E-AGENTS-FORMAT", where, "true or false")
    return value


def _day(value: Any, where: str) -> str:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "").isoformat()
    except ValueError as error:
        raise Refused("E-AGENTS-FORMAT", where, "a day such as 2026-11-22") from error


def _is_web(source: str) -> bool:
    try:
        parts = urlsplit(source)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
