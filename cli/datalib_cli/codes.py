"""The codes that options take, for shells that complete them: read when a shell asks, with labels in its language."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]


def _labelled(entries: Mapping[str, Any], lang: str) -> list[tuple[str, str]]:
    return [(code, entry["label"].get(lang, "")) for code, entry in entries.items()]


def _items(found: Iterable[tuple[str, str]], incomplete: str) -> "list[CompletionItem[str]]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(code, help=label or None) for code, label in found if code.startswith(incomplete)]


def of_list(name: str) -> Completer:
    """Complete the codes of a list of ``codelists.json``, several with commas between them."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
        import datalib_vocab

        before, comma, _ = incomplete.rpartition(",")
        entries = json.loads(datalib_vocab.read("codelists.json"))["lists"][name]["codes"]
        found = _labelled(entries, ctx.find_root().obj or "en")
        return _items(((f"{before}{comma}{code}", label) for code, label in found), incomplete)

    return complete


def purposes(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
    """Complete the purposes of the vocabulary."""
    import datalib_vocab

    known = json.loads(datalib_vocab.read("purposes.json"))["known"]
    return _items(_labelled(known, ctx.find_root().obj or "en"), incomplete)


def claims(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
    """Complete the one claim that gates know by themselves; where claims are demanded also the word for none."""
    from datalib.findings import OPTOUT

    known = (OPTOUT, "none") if "--require" in param.opts else (OPTOUT,)
    return _items(((claim, "") for claim in known), incomplete)


def carriers(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
    """Complete the carriers of opt-outs that a scan can demand."""
    from datalib_cli.explaining import CARRIERS
    from datalib_cli.texts import Texts

    say = Texts(lang=ctx.find_root().obj or "en")
    return _items(((name, say(text)) for name, text in CARRIERS.items()), incomplete)


def rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
    """Complete the rules of the law that can be explained."""
    import datalib_vocab

    lang = ctx.find_root().obj or "en"
    return _items(
        ((rule, entry["title"].get(lang, "")) for rule, entry in datalib_vocab.rules()["rules"].items()), incomplete
    )


def words(*known: str) -> Completer:
    """Complete words that need no label."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
        return _items(((word, "") for word in known), incomplete)

    return complete


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":  # noqa: ARG001 - Click's signature
    """Complete files, where an option takes more than a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
