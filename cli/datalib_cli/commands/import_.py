"""``datalib import``: a foreign description, or a bag, becomes a draft."""

from pathlib import Path

import click

from datalib_cli import options
from datalib_cli.base import Command, Output, texts
from datalib_cli.render import lost_lines, note_data

FORMATS = ("bagit", "croissant", "dcat", "hf-card", "dta")


@click.command("import", cls=Command)
@click.argument("file", type=options.FILE)
@click.option("-o", "--out", type=options.FOLDER, required=True, help="The folder that gets the draft.")
@click.option("--from", "of", type=click.Choice(FORMATS), help="The format. Default: what the file looks like.")
@click.option("--dataset", metavar="IRI", help="Which data set of a DCAT record, where there are several.")
def command(file: Path, out: Path, of: str | None, dataset: str | None) -> Output:
    """Bring a foreign description into a folder, as a draft that `datalib init` completes.

    Croissant 1.0 and 1.1, DCAT (Turtle, RDF/XML, JSON-LD), Hugging Face dataset cards, BagIt, records of the Data
    Provenance Standards. Nothing is fetched. What could not be taken over is named. Who is the producer and what the
    purposes are, only the producer can say.

    A bag's files are checked and copied; a bag that was made of a library gives the library back.
    """
    from datalib.interop import formats

    done = formats.import_file(file, options.outside(out), of=of, dataset=dataset)
    say = texts()
    if done.restored:
        head, after = (
            say("library: {path} ({format})", path=out, format=done.format),
            say("next: datalib verify {path}", path=out),
        )
    else:
        head = say("draft: {path} ({format})", path=out / "datapackage.json", format=done.format)
        after = say("next: put the data beside it, then `datalib init {path}` with producer and purposes", path=out)
    return Output(
        data={"out": str(out), "from": done.format, "restored": done.restored, "lost": note_data(done.notes)},
        lines=[head, *lost_lines(done.notes, say)],
        step=after,
    )
