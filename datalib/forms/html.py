"""Write a page as one HTML file: nothing is loaded from elsewhere, no script, prints on A4."""

from html import escape
from typing import Final

from datalib.forms.page import Block, Cell, Heading, Page, Paragraph, Table, clean

_STYLE: Final = """\
body { font: 12pt/1.4 "Times New Roman", "Liberation Serif", serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 14pt; text-align: center; } h2 { font-size: 13pt; } h3 { font-size: 12pt; }
h1, h2, h3 { break-after: avoid; }
p, td, th { white-space: pre-line; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin: 1em 0; }
td, th { border: 1px solid #000; padding: .3em .5em; text-align: left; vertical-align: top; }
thead { display: table-header-group; } tr { break-inside: avoid; }
.aside { text-align: right; } .note { font-size: 10pt; } .todo { background: #ffefc0; font-style: italic; }
@media print { body { max-width: none; margin: 0; padding: 0; } .todo { background: none; border: 2px dashed #000; } }
"""


def write(page: Page) -> bytes:
    """Give the bytes of the file; the same page gives the same bytes."""
    size = "A4 landscape" if page.wide else "A4"
    body = "".join(map(_block, page.blocks))
    return (
        f'<!DOCTYPE html>\n<html lang="{_text(page.lang)}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(page.title)}</title>\n<style>\n{_STYLE}@page {{ size: {size}; margin: 2cm 1.5cm; }}\n</style>\n"
        f"</head>\n<body>\n{body}</body>\n</html>\n"
    ).encode()


def _text(text: str) -> str:
    return escape(clean(text))


def _block(block: Block) -> str:
    match block:
        case Heading(text=text, level=level):
            return f"<h{level}>{_text(text)}</h{level}>\n"
        case Paragraph(text=text, aside=aside, note=note):
            kind = ' class="aside"' if aside else ' class="note"' if note else ""
            return f"<p{kind}>{_text(text)}</p>\n"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    total = sum(table.widths)
    columns = "".join(f'<col style="width: {100 * width / total:.1f}%">' for width in table.widths)
    head, body = (table.rows[:1], table.rows[1:]) if table.head else ((), table.rows)
    top = f"<thead>\n{''.join(_row(row, 'th') for row in head)}</thead>\n" if head else ""
    rows = "".join(_row(row, "td") for row in body)
    return f"<table>\n<colgroup>{columns}</colgroup>\n{top}<tbody>\n{rows}</tbody>\n</table>\n"


def _row(row: tuple[Cell, ...], tag: str) -> str:
    return "<tr>" + "".join(_cell(cell, tag) for cell in row) + "</tr>\n"


def _cell(cell: Cell, tag: str) -> str:
    kind = ' class="todo"' if cell.todo else ""
    scope = ' scope="col"' if tag == "th" else ""
    return f"<{tag}{scope}{kind}>{_text(cell.text)}</{tag}>"
