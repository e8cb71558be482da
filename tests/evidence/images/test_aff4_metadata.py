"""Turtle as AFF4 tools write it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ImageError
from forensics.evidence.images.aff4_metadata import AFF4, TYPE, Term, parse_turtle


def test_reads_what_tools_write() -> None:
    text = """
    # by hand
    @prefix aff4: <http://aff4.org/Schema#> .
    @prefix : <aff4://volume> .
    PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
    <aff4://a>
        a aff4:Image , aff4:DiskImage ;
        aff4:size "268435456"^^xsd:long ; aff4:count 12 ; aff4:ready true ;
        aff4:hash "ab"^^aff4:MD5 , 'cd'^^aff4:SHA1 ;
        aff4:note "two \\"words\\" \\u00e9\\n"@en, \"\"\"long
    text\"\"\" ;
        aff4:nested [ aff4:size 1 ; aff4:list (1 2 [ ]) ] ;
        aff4:stored : ;
    .
    : a aff4:ZipVolume .
    """
    found = parse_turtle(text.encode(), "image")
    disk = found["aff4://a"]
    assert disk[TYPE] == [Term(f"{AFF4}Image"), Term(f"{AFF4}DiskImage")]
    assert disk[f"{AFF4}size"] == [Term("268435456", "http://www.w3.org/2001/XMLSchema#long")]
    assert [disk[AFF4 + name] for name in ("count", "ready")] == [[Term("12")], [Term("true")]]
    assert disk[f"{AFF4}hash"] == [Term("ab", f"{AFF4}MD5"), Term("cd", f"{AFF4}SHA1")]
    assert disk[f"{AFF4}note"] == [Term('two "words" é\n'), Term("long\n    text")]
    assert disk[f"{AFF4}nested"] == []
    assert disk[f"{AFF4}stored"] == [Term("aff4://volume")]
    assert found["aff4://volume"] == {TYPE: [Term(f"{AFF4}ZipVolume")]}


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    data = f'<aff4://a> <aff4://b> "{escaped}" .'.encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    assert parse_turtle(data, "image") == {"aff4://a": {"aff4://b": [Term(text)]}}


@given(
    st.lists(
        st.sampled_from(
            ["<a>", "a", ":b", '"c"', "^^", "@en", "@prefix", ".", ";", ",", "[", "]", "(", ")", "1", "\x00"]
        )
    )
)
def test_anything_is_parsed_or_refused(tokens: list[str]) -> None:
    with contextlib.suppress(ImageError):
        parse_turtle(" ".join(tokens).encode(), "image")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ImageError, match="is damaged"):
        parse_turtle(b"\xff\xfe", "image")
