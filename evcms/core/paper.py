"""Paper: an A4 page of ours as PDF. DejaVu for every script and €. The same words and date give the same bytes."""

import logging
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from fpdf import FPDF

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each table of each subset
FONTS: Final = settings.BASE_DIR / "static" / "vendor" / "dejavu-fonts-2.37.0"
LEFT, RIGHT, WIDTH = 20, 190, 170  # mm
GREY, BLACK = 110, 20


class Paper(FPDF):
    """An A4 page in our type: lines, pairs, rows."""

    def __init__(self, number: str) -> None:
        super().__init__(format="A4")
        self.set_margins(LEFT, 18, 20)
        self.set_auto_page_break(True, 18)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font("DejaVu", style, str(FONTS / name))
        self.set_title(number)
        self.set_creator("EVCMS")
        self.add_page()

    def text_line(self, text: str, size: float = 9.5, *, bold: bool = False, grey: bool = False) -> None:
        self.set_font("DejaVu", "B" if bold else "", size)
        self.set_text_color(GREY if grey else BLACK)
        self.multi_cell(WIDTH, size * 0.52, text, new_x="LMARGIN", new_y="NEXT")

    def pair(self, name: str, value: str) -> None:
        self.set_font("DejaVu", "", 9)
        self.set_text_color(GREY)
        self.cell(48, 5.4, name)
        self.set_text_color(BLACK)
        self.multi_cell(WIDTH - 48, 5.4, value, new_x="LMARGIN", new_y="NEXT")

    def rule(self) -> None:
        self.ln(2)
        self.set_draw_color(200)
        self.line(LEFT, self.get_y(), RIGHT, self.get_y())
        self.ln(3)

    def row(self, left: str, middle: str, right: str, *, bold: bool = False) -> None:
        self.set_font("DejaVu", "B" if bold else "", 9.5)
        self.set_text_color(BLACK)
        self.cell(70, 6.4, left)
        self.cell(65, 6.4, middle)
        self.cell(35, 6.4, right, align="R", new_x="LMARGIN", new_y="NEXT")

    def columns(
        self, widths: Sequence[float], cells: Sequence[str], *, right: Sequence[int] = (), bold: bool = False
    ) -> None:
        """A line of a table; a cell that is too long for its width goes on in further lines. `right`: of figures."""
        self.set_font("DejaVu", "B" if bold else "", 7.5)
        self.set_text_color(GREY if bold else BLACK)
        pairs = list(zip(widths, cells, strict=True))
        height = 4 * max(self._lines(width, text) for width, text in pairs)
        if self.will_page_break(height):
            self.add_page()
        top, left = self.get_y(), self.l_margin
        for place, (width, text) in enumerate(pairs):
            self.set_xy(left, top)
            self.multi_cell(width, 4, text, align="R" if place in right else "L")
            left += width
        self.set_xy(self.l_margin, top + height + 0.6)

    def _lines(self, width: float, text: str) -> int:
        found = self.multi_cell(width, 4, text, dry_run=True, output="LINES")
        assert isinstance(found, list)
        return len(found)
