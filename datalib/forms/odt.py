"""Write a page as an OpenDocument text: a zip archive of XML, made with the standard library.

Source: OASIS OpenDocument 1.3, part 2 (packages) and part 3 (schema).
"""

import io
import zipfile
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from datalib.forms.page import Block, Cell, Heading, Page, Paragraph, Table, clean

MEDIATYPE: Final = "application/vnd.oasis.opendocument.text"
#: The first time that a zip archive can tell: the same page gives the same bytes.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_SPACES: Final = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("style", "style"),
        ("text", "text"),
        ("table", "table"),
        ("fo", "xsl-fo-compatible"),
        ("meta", "meta"),
    )
)
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MANIFEST: Final = (
    f'{_HEAD}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
    f'manifest:version="1.3">\n<manifest:file-entry manifest:full-path="/" manifest:version="1.3" '
    f'manifest:media-type="{MEDIATYPE}"/>\n'
    + "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="text/xml"/>\n'
        for name in ("content.xml", "styles.xml", "meta.xml")
    )
    + "</manifest:manifest>\n"
)
_PLAIN, _ASIDE, _NOTE, _HEADER, _TODO = "Text", "Aside", "Note", "Header", "Todo"
#: Width of the text on the page in centimetres, upright and across.
_WIDTH: Final = (18.0, 26.7)


def write(page: Page) -> bytes:
    """Give the bytes of the file; the same page gives the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        # The type stands first and unpacked, so that programs find it at a fixed place.
        _add(archive, "mimetype", MEDIATYPE, zipfile.ZIP_STORED)
        _add(archive, "META-INF/manifest.xml", _MANIFEST)
        _add(archive, "content.xml", _content(page))
        _add(archive, "styles.xml", _styles(page))
        _add(archive, "meta.xml", _meta(page))
    return target.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str, how: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = how
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, text.encode())


def _meta(page: Page) -> str:
    return (
        f'{_HEAD}<office:document-meta {_SPACES} xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.3">'
        f"<office:meta><dc:title>{_text(page.title)}</dc:title><dc:language>{_text(page.lang)}</dc:language>"
        "</office:meta></office:document-meta>\n"
    )


def _styles(page: Page) -> str:
    width, height = ("29.7cm", "21cm") if page.wide else ("21cm", "29.7cm")
    across = "landscape" if page.wide else "portrait"
    headings = "".join(
        _style(
            f"Heading_20_{level}",
            f'fo:keep-with-next="always" fo:text-align="{align}" fo:margin-top="0.4cm" fo:margin-bottom="0.2cm"',
            f'fo:font-size="{size}pt" fo:font-weight="bold"',
        )
        for level, size, align in ((1, 14, "center"), (2, 13, "start"), (3, 12, "start"))
    )
    plain = _style(_PLAIN, 'fo:margin-bottom="0.2cm"', "") + _style(_ASIDE, 'fo:text-align="end"', "")
    marked = _style(_NOTE, "", 'fo:font-size="10pt"') + _style(_HEADER, "", 'fo:font-weight="bold"')
    todo = _style(_TODO, "", 'fo:font-style="italic" fo:background-color="#ffefc0"')
    return (
        f'{_HEAD}<office:document-styles {_SPACES} office:version="1.3"><office:styles>'
        '<style:default-style style:family="paragraph"><style:text-properties fo:font-family="Liberation Serif, '
        f'Times New Roman, serif" fo:font-size="12pt" fo:language={quoteattr(page.lang)} fo:country="none"/>'
        '</style:default-style><style:style style:name="Standard" style:family="paragraph"/>'
        f"{headings}{plain}{marked}{todo}"
        '</office:styles><office:automatic-styles><style:page-layout style:name="Sheet"><style:page-layout-properties '
        f'fo:page-width="{width}" fo:page-height="{height}" style:print-orientation="{across}" fo:margin-top="2cm" '
        'fo:margin-bottom="2cm" fo:margin-left="1.5cm" fo:margin-right="1.5cm"/></style:page-layout>'
        '</office:automatic-styles><office:master-styles><style:master-page style:name="Standard" '
        'style:page-layout-name="Sheet"/></office:master-styles></office:document-styles>\n'
    )


def _style(name: str, paragraphs: str, letters: str) -> str:
    return (
        f'<style:style style:name="{name}" style:family="paragraph" style:parent-style-name="Standard">'
        f"<style:paragraph-properties {paragraphs}/><style:text-properties {letters}/></style:style>"
    )


def _content(page: Page) -> str:
    tables = [block for block in page.blocks if isinstance(block, Table)]
    columns = "".join(
        f'<style:style style:name="C{number}.{column}" style:family="table-column"><style:table-column-properties '
        f'style:column-width="{_WIDTH[page.wide] * width / sum(table.widths):.2f}cm"/></style:style>'
        for number, table in enumerate(tables)
        for column, width in enumerate(table.widths)
    )
    parts, number = list[str](), 0
    for block in page.blocks:
        parts.append(_block(block, number))
        number += isinstance(block, Table)
    return (
        f'{_HEAD}<office:document-content {_SPACES} office:version="1.3"><office:automatic-styles>{columns}'
        '<style:style style:name="Cell" style:family="table-cell"><style:table-cell-properties '
        'fo:border="0.5pt solid #000000" fo:padding="0.15cm"/></style:style></office:automatic-styles>'
        f"<office:body><office:text>\n{''.join(parts)}</office:text></office:body></office:document-content>\n"
    )


def _text(text: str) -> str:
    """Write a text; runs of spaces, tabs and line ends have elements of their own (part 3, 6.1.2 to 6.1.5)."""
    lines = ("<text:tab/>".join(map(_spaced, line.split("\t"))) for line in clean(text).replace("\r", "").split("\n"))
    return "<text:line-break/>".join(lines)


def _spaced(text: str) -> str:
    first, *rest = text.split("  ")
    return escape(first) + "".join(f" <text:s/>{escape(part)}" for part in rest)


def _block(block: Block, number: int) -> str:
    match block:
        case Heading(text=text, level=level):
            style = f"Heading_20_{level}"
            return f'<text:h text:style-name="{style}" text:outline-level="{level}">{_text(text)}</text:h>\n'
        case Paragraph(text=text, aside=aside, note=note):
            return _paragraph(text, _ASIDE if aside else _NOTE if note else _PLAIN)
        case Table():
            return _table(block, number)


def _paragraph(text: str, style: str) -> str:
    return f'<text:p text:style-name="{style}">{_text(text)}</text:p>\n'


def _table(table: Table, number: int) -> str:
    columns = "".join(f'<table:table-column table:style-name="C{number}.{one}"/>' for one in range(len(table.widths)))
    head, body = (table.rows[:1], table.rows[1:]) if table.head else ((), table.rows)
    top = (
        f"<table:table-header-rows>{''.join(_row(row, _HEADER) for row in head)}</table:table-header-rows>"
        if head
        else ""
    )
    rows = "".join(_row(row, "Standard") for row in body)
    return f'<table:table table:name="Table{number + 1}">{columns}{top}{rows}</table:table>\n'


def _row(row: tuple[Cell, ...], style: str) -> str:
    return f"<table:table-row>{''.join(_cell(cell, style) for cell in row)}</table:table-row>\n"


def _cell(cell: Cell, style: str) -> str:
    inner = _paragraph(cell.text, _TODO if cell.todo else style)
    return f'<table:table-cell table:style-name="Cell" office:value-type="string">{inner}</table:table-cell>'
