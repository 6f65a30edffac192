"""What all commands share: ``--format``, ``--color``, ``--lang``, the result they return, the clock."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from datalib.errors import Misuse, Refused
from datalib.formats import parse_time
from datalib_cli.texts import LANGUAGES, Texts

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from datalib_cli.layout import Block

VERSION = 1  # of the JSON that every command prints
_LAST = 253_402_300_799  # the last second of the year 9999: no later one can be written as a time
_DIGITS = 20  # more than it takes, zeros in front included; Python reads no more than some thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a command found out: the JSON object, the same for people, and the exit status.

    ``step`` says to people what comes next, where that is plain; it is their last line. ``document`` is printed
    instead of all that, piece by piece, if the result is a document; ``aside`` then goes to stderr.
    """

    data: Mapping[str, Any]
    lines: "Sequence[Block]" = ()
    step: str = ""
    status: int = 0
    document: Iterable[bytes] | None = None
    aside: Sequence[str] = ()


def texts() -> Texts:
    """Texts of the language asked for."""
    return Texts(lang=click.get_current_context().find_root().obj)


def _option(name: str, choices: Sequence[str], text: str) -> click.Option:
    return click.Option([f"--{name}"], type=click.Choice(choices), expose_value=False, help=text)


def _row(option: click.Option, ctx: click.Context, say: Texts) -> tuple[str, str] | None:
    """Give an option with its text, translated; Click adds to it what is required and which numbers may stand."""
    record = option.get_help_record(ctx)
    if record is None:
        return None
    text = option.help or ""
    return record[0], say(text) + record[1].removeprefix(text).replace("required", say("required"))


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]


class Command(click.Command):
    """A command with the options that every command has; its texts follow the language."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Add ``--format``, ``--color`` and ``--lang``. ``run`` reads them from the arguments before Click does."""
        shared: list[click.Parameter] = [
            _option("format", ("text", "json"), "How the result is printed. Default: text."),
            _option(
                "color",
                ("auto", "always", "never"),
                "Colours, where stdout is a terminal; NO_COLOR turns them off. Default: auto.",
            ),
            _option("lang", LANGUAGES, "Language of texts; codes stay the same. Default: from the environment."),
        ]
        own = super().get_params(ctx)
        return [*own[:-1], *shared, *own[-1:]] if own and "--help" in own[-1].opts else [*own, *shared]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how the command is called, its heading translated."""
        say = Texts(lang=ctx.find_root().obj or "en")
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix=say("Usage:") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, translated."""
        say = Texts(lang=ctx.find_root().obj or "en")
        with formatter.indentation():
            for paragraph in _paragraphs(self):
                formatter.write_paragraph()
                formatter.write_text(say(paragraph))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, translated. Arguments stand in the usage, and in the text where they need words."""
        say = Texts(lang=ctx.find_root().obj or "en")
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        with formatter.section(say("Options")):
            formatter.write_dl([row for option in options if (row := _row(option, ctx, say))])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how the command is called, by example."""
        path = ctx.command_path.partition(" ")[2]
        if not path:
            return
        from datalib_cli.layout import command_lines
        from datalib_cli.overview import EXAMPLES

        examples = EXAMPLES.get(path, "").split("\n")
        if any(examples):
            with formatter.section(Texts(lang=ctx.find_root().obj or "en")("Examples")):
                for example in filter(None, examples):
                    formatter.write(
                        "".join(f"  {line}\n" for line in command_lines(f"$ {example}", formatter.width - 2))
                    )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Complete options; what a shell shows beside them follows the language."""
        say = Texts(lang=ctx.find_root().obj or "en")
        found = click.Command.shell_complete(self, ctx, incomplete)
        for item in found:
            item.help = say(item.help) if item.help else None
        return found


class Group(Command, click.Group):
    """A family of commands, such as ``datalib key``."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands, as Click's groups do."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its first sentence, translated."""
        say = Texts(lang=ctx.find_root().obj or "en")
        with formatter.section(say("Commands")):
            formatter.write_dl(self.described(say))

    def described(self, say: Texts) -> list[tuple[str, str]]:
        """Give each command with its first sentence, translated."""
        return [(name, say(_paragraphs(found)[0])) for name, found in self.commands.items()]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Complete commands, and options."""
        from click.shell_completion import CompletionItem

        say = Texts(lang=ctx.find_root().obj or "en")
        named = [CompletionItem(name, help=text) for name, text in self.described(say) if name.startswith(incomplete)]
        return named + super().shell_complete(ctx, incomplete)


def group(name: str, text: str) -> Group:
    """Make an empty family of commands."""
    return Group(name, help=text, no_args_is_help=True)


def command(name: str | None = None) -> Callable[[Callable[..., Output]], click.Command]:
    """Turn a function that returns an ``Output`` into a command."""
    return click.command(name, cls=Command)


def time_of(text: str, option: str) -> int:
    """Read the time of an option; ``Misuse("E-TIME-FORMAT")`` if it is none."""
    try:
        return parse_time(text, option)
    except Refused as error:
        raise Misuse(error.code, error.where, error.detail) from error


def clock(now: str | None) -> int:
    """Give the time in seconds since 1970: the option ``--now``, else SOURCE_DATE_EPOCH, else the clock."""
    if now is not None:
        return time_of(now, "--now")
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return int(time.time())
    if not epoch.isascii() or not epoch.isdigit():
        raise Misuse("E-USAGE", "SOURCE_DATE_EPOCH", "not a number of seconds")
    if len(epoch) > _DIGITS or int(epoch) > _LAST:
        raise Misuse("E-USAGE", "SOURCE_DATE_EPOCH", "later than the year 9999")
    return int(epoch)
