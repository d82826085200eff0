"""A page of evidence: its type, its margins, its kinds of line."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import WrapMode

FONTS: Final = settings.BASE_DIR / "static" / "vendor" / "dejavu-fonts-2.37.0"
LEFT, WIDTH = 18, 174  # mm
GREY, BLACK = 110, 20


class Sheet(FPDF):
    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.set_margins(LEFT, 16, 18)
        self.set_auto_page_break(True, 16)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font("DejaVu", style, str(FONTS / name))
        self.set_title(title)
        self.set_creator("EVCMS")
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("DejaVu", "", 7)
        self.set_text_color(GREY)
        self.cell(WIDTH, 4, f"{self.title} · page {self.page_no()}", align="R")

    def say(self, text: str, size: float = 9, *, bold: bool = False, grey: bool = False) -> None:
        self.set_font("DejaVu", "B" if bold else "", size)
        self.set_text_color(GREY if grey else BLACK)
        self.multi_cell(
            WIDTH, size * 0.52, text, new_x="LMARGIN", new_y="NEXT", wrapmode=WrapMode.CHAR if grey else WrapMode.WORD
        )

    def part(self, title: str) -> None:
        self.ln(4)
        self.say(title, 12, bold=True)
        self.ln(1)

    def pair(self, name: str, value: str) -> None:
        self.set_font("DejaVu", "", 8.5)
        self.set_text_color(GREY)
        self.cell(46, 5, name)
        self.set_text_color(BLACK)
        self.multi_cell(WIDTH - 46, 5, value, new_x="LMARGIN", new_y="NEXT")

    def row(self, cells: Sequence[str], widths: Sequence[int], *, bold: bool = False) -> None:
        self.set_font("DejaVu", "B" if bold else "", 7.5)
        self.set_text_color(BLACK)
        for text, width in zip(cells, widths, strict=True):
            self.cell(width, 4.4, text)
        self.ln(4.4)
