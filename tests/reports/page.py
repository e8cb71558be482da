"""Reads a page the way a strict checker would: every element closed in order, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})


@dataclass
class Element:
    """An element with its attributes and children."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, spaces joined."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, tag: str) -> list[Element]:
        """Elements of a tag below it, in order."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if child.tag == tag else []
                found += child.all(tag)
        return found

    def everything(self) -> list[Element]:
        """All elements below it, in order."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child, *child.everything()]
        return found

    def by_id(self, identity: str) -> Element:
        """The element of an id."""
        return next(element for element in self.everything() if element.attributes.get("id") == identity)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}> at {self.getpos()}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment in the page: {data}")

    def done(self) -> Element:
        assert len(self._open) == 1, f"<{self._open[-1].tag}> is never closed"
        return self.root


def parse(text: str) -> Element:
    """Parse a page; fails the test if its elements are not properly nested."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.done()


def check_valid(page: Element) -> None:
    """What validators and screen readers ask for."""
    identities = [element.attributes["id"] for element in page.everything() if "id" in element.attributes]
    assert len(identities) == len(set(identities))
    for link in page.all("a"):
        target = link.attributes["href"] or ""
        assert target.startswith("#")
        assert target[1:] in identities
    levels = [
        int(element.tag[1]) for element in page.everything() if element.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}
    ]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in page.all("table"):
        _check_table(table)
    for listing in page.all("ul") + page.all("ol"):
        assert {child.tag for child in listing.children if isinstance(child, Element)} == {"li"}
    for paragraph in page.all("p"):
        assert not {element.tag for element in paragraph.everything()} & {"p", "ul", "ol", "table", "div", "dl"}


def _check_table(table: Element) -> None:
    assert next(child.tag for child in table.children if isinstance(child, Element)) == "caption"
    assert all(heading.attributes.get("scope") in {"col", "row"} for heading in table.all("th"))
    widths = set()
    for row in table.all("tr"):
        cells = [cell for cell in row.children if isinstance(cell, Element)]
        assert {cell.tag for cell in cells} <= {"th", "td"}
        widths.add(sum(int(cell.attributes.get("colspan") or 1) for cell in cells))
    assert len(widths) == 1, f"rows of different widths in the table '{table.all('caption')[0].text}'"
