"""Word files as Markdown, by way of HTML."""

import io
import re

import mammoth

from services.knowledge.conversion import html
from services.knowledge.conversion.kinds import check_package
from services.knowledge.conversion.limits import Converted

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='caption'] => p.caption:fresh
p[style-name='Caption'] => p.caption:fresh
"""
"""What the library's own map of styles lacks; it knows the headings."""

_HEADING = re.compile("<h[1-6]>")
_BOLD_LINE = re.compile(r"<p><strong>((?:(?!</?p>|</?strong>).){1,60})</strong></p>")
_CAPTION = re.compile(r'<p class="caption">((?:(?!</p>).)*)</p>\s*<table>')


def convert(content: bytes) -> Converted:
    """Read a .docx file: headings, lists, tables and notes; no pictures, page headers, comments.

    Raises:
        UnreadableFile: it is no such file, or too large unpacked.
    """
    check_package(".docx", content)
    page = mammoth.convert_to_html(
        io.BytesIO(content),
        style_map=_STYLES,
        # Pictures would be copied into the text.
        convert_image=mammoth.images.img_element(lambda image: {}),
    ).value
    if not _HEADING.search(page):
        # Many authors mark headings as nothing but bold.
        page = _BOLD_LINE.sub(r"<h2>\1</h2>", page)
    page = _CAPTION.sub(r"<table><caption>\1</caption>", page)
    return Converted(html.markdown_of(page))
