"""What the browser gets from others is what we checked in, complete and with its licence."""

import hashlib
import re
from pathlib import Path

import pytest

from evcms.templatetags import icons, statuses

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static/vendor"
PAGES = [path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.parts]  # mails have no style sheet
OURS = [*(path for path in (ROOT / "static/evcms").glob("*.*") if path.suffix != ".png"), *PAGES]


def test_every_vendored_file_has_the_sum_that_is_written_down():
    listed = dict(reversed(line.split("  ./")) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    there = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert there == listed


def test_every_vendored_package_carries_its_version_and_licence():
    for folder in filter(Path.is_dir, VENDOR.iterdir()):
        assert re.search(r"-\d+\.\d+\.\d+$", folder.name), folder.name
        assert "copyright" in (folder / "LICENSE").read_text().lower()


def test_no_vendored_file_points_to_a_source_map_that_we_do_not_have():
    for path in VENDOR.rglob("*.*s"):
        assert "sourceMappingURL" not in path.read_text("utf-8", "ignore"), path


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_loads_from_elsewhere_or_runs_inline_code(path):
    text = path.read_text()
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", text)
    if path.suffix == ".html":
        assert not re.search(r"\sstyle\s*=", text)
        markup = re.sub(r"{%.*?%}", "", text)  # `{% blocktranslate with online=… %}` is no attribute
        assert not re.search(r"\son[a-z]+\s*=", markup)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def test_every_icon_that_a_template_or_a_status_names_is_in_the_sprite():
    named = {look.icon for look in statuses.LOOKS.values()}
    for path in PAGES:
        named |= set(re.findall(r"""\{%\s*icon\s+["']([a-z0-9-]+)["']""", path.read_text()))
    assert named <= set(icons.symbols())


def test_an_unknown_icon_is_an_error_that_says_where_to_add_it():
    with pytest.raises(KeyError, match=r"README\.md"):
        icons.svg("no-such-icon")
