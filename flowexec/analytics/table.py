"""A small table that prints well in a terminal, in a notebook and in the book."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from ..checks import check_text


@dataclass(frozen=True)
class Table:
    """Rows of text under named columns; the first column labels the row.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuple of str
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for name, cells in (("columns", self.columns), *(("rows", row) for row in self.rows)):
            for cell in cells:
                check_text(name, cell)
            if len(cells) != len(self.columns):
                raise ValueError(f"`rows` must have {len(self.columns)} cells each, got {cells!r}")

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(c)}</th>' for c in self.columns)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{_unbroken(c)}</td>" for c in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return f'<table class="flowexec-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _unbroken(cell: str) -> str:
    """A number and its error stay on one line, however narrow the page."""
    return escape(cell).replace(" ± ", "\u00a0±\u00a0")
