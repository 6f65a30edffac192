"""``datalib scan``: judge works by what their authors said."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from datalib_cli import codes, options
from datalib_cli.base import Command, Output, clock, texts
from datalib_cli.render import scan_lines, scan_step

if TYPE_CHECKING:
    from datalib.engine import Engine


@click.command("scan", cls=Command)
@click.argument("works", type=options.PLACE, nargs=-1, required=True)
@click.option("--sites", type=options.FILE, multiple=True, help="Stored answers of sites: from `datalib optout fetch`.")
@click.option(
    "--registry",
    "registries",
    type=options.FILE,
    multiple=True,
    help="A list of refusals: domains, URLs, identifiers; a file or a folder of them.",
)
@click.option(
    "-o", "--out", type=options.FOLDER, required=True, help="Where decisions, signals and evidence are written."
)
@click.option("--profile", type=click.Choice(["kz", "eu", "strict"]), default="kz", help="Which rules. Default: kz.")
@click.option("--agent", default="datalib", metavar="TOKEN", help="Robots token of the collector. Default: datalib.")
@click.option("--url-column", "url_columns", multiple=True, metavar="C", help="Columns with URLs. Default: detected.")
@click.option("--header-column", metavar="C", help="Column with stored HTTP headers.")
@click.option("--html-column", metavar="C", help="Column with HTML.")
@click.option(
    "--bytes-column", metavar="C", help="Column with whole files: bytes, Base64, or records of bytes and path."
)
@click.option(
    "--id-column", metavar="C", help="Column with identifiers that registries may name: SHA-256, DOI, ISBN, ISCC."
)
@click.option("--license-column", metavar="C", help="Column with the licence of a work: a name, an address or a text.")
@click.option("--works-table", type=options.FILE, help="Where the files of a folder came from: path, url, license.")
@click.option("--licences", type=options.FILE, help="Records of licences that were granted: JSON Lines.")
@click.option("--basis-column", metavar="C", help="Column with the legal basis of a work (profile strict).")
@click.option(
    "--require-carrier",
    "require_carriers",
    multiple=True,
    metavar="C",
    shell_complete=codes.carriers,
    help="A site file that must have been asked.",
)
@click.option("--sites-max-age", type=click.IntRange(0), metavar="DAYS", help="Older answers count as not asked.")
@options.judging
@click.option("--receipts", is_flag=True, help="Also write the index by which `optout receipt` can show absence.")
@click.option(
    "--admitted", is_flag=True, help="Also write what is admitted: rows, records of archives; not whole files."
)
@options.progress
@options.now
def command(
    works: tuple[Path | str, ...],
    sites: tuple[Path, ...],
    registries: tuple[Path, ...],
    out: Path,
    profile: str,
    agent: str,
    url_columns: tuple[str, ...],
    header_column: str | None,
    html_column: str | None,
    bytes_column: str | None,
    id_column: str | None,
    license_column: str | None,
    works_table: Path | None,
    licences: Path | None,
    basis_column: str | None,
    require_carriers: tuple[str, ...],
    sites_max_age: int | None,
    engine: "Engine",
    receipts: bool,
    admitted: bool,
    progress: str,
    now: str | None,
) -> Output:
    """Judge works by what their authors said: admit, refuse or hold, with evidence for each.

    WORKS are tables, folders, libraries, web archives; tables in an object store too: s3://BUCKET/NAME, which are read
    where they are, over the network.
    """
    from datalib_cli.progress import meter

    with engine.begun("datalib.optout.shard") as ready, meter(progress) as watch:
        from datalib.library.manifest import NAME
        from datalib.optout.scan import scan  # while the workers do it too
        from datalib.optout.stored import StoredTable
        from datalib.progress import nobody

        result = scan(
            [StoredTable.find(work) if isinstance(work, str) else work for work in works],
            out=out,
            sites=sites,
            profile=profile,
            agent=agent,
            url_columns=url_columns,
            header_column=header_column,
            html_column=html_column,
            bytes_column=bytes_column,
            id_column=id_column,
            license_column=license_column,
            works_table=works_table,
            licences=licences,
            registries=registries,
            basis_column=basis_column,
            require_carriers=require_carriers,
            sites_max_age=sites_max_age,
            engine=ready,
            watch=watch or nobody,
            receipts=receipts,
            admitted=admitted,
            now=clock(now),
        )
    say, (first, *others) = texts(), works
    library = first if isinstance(first, Path) and not others and (first / NAME).is_file() else None
    return Output(data=result.to_dict(), lines=scan_lines(result, say), step=scan_step(result, library, out, say))
