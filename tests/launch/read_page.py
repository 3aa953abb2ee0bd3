"""Reads the page that report writes: well-formed, on its own, its pictures described."""

import html.parser
import re
import xml.etree.ElementTree

from program_bench import check


class Page(html.parser.HTMLParser):
    """A report: its text, its tags, and that every element that is opened is closed in its turn."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.open, self.text, self.attributes = [], [], "", []
        self.feed(content)
        check(self.open == [], f"never closed: {self.open}")
        self.pictures = [xml.etree.ElementTree.fromstring(svg)
                         for svg in re.findall(r"<svg.*?</svg>", content, re.DOTALL)]
        ids = re.findall(r"""\bid=["']([^"']*)""", content)
        check(len(ids) == len(set(ids)), f"ids are used twice: {sorted(ids)}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}")
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def check_page(content, *words):
    """Well-formed, on its own, its pictures described, and with these words in its text."""
    page = Page(content)
    for word in words:
        check(word in page.text, f"'{word}' is not in the page")
    for tag in ("script", "link", "img", "iframe", "object", "embed", "image", "foreignobject"):
        check(tag not in page.tags, f"<{tag}> in the page")
    for key, value in page.attributes:
        outside = key in ("src", "href", "xlink:href", "action") and not value.startswith("#")
        check(not outside and not key.startswith("on"), f"{key}={value}")
    check("url(" not in content and "@import" not in content, "the style asks for more")
    check(all(picture.get("aria-label") for picture in page.pictures), "a picture says nothing")
    return page
