"""hashsets.formats.vics_objects, vics_columns: the short way through a VICS list gives what the event parser gives."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import ListFormatError
from hashsets.formats import vics, vics_objects
from hashsets.formats.vics import ATTRIBUTES, VicsFormat
from hashsets.formats.vics_objects import MediaObjects

HASHES = ["", None, "a" * 32, "B" * 32, "c" * 40, "d" * 64, "x" * 32, 5, ["a" * 32], " ", "A" * 192, "e" * 288]
VALUES = [
    None,
    "",
    "1",
    7,
    -1,
    2.0,
    True,
    "x" * 201,
    " a ",
    "\ud800",
    {"a": 1},
    10**30,
    "image/jpeg",
    "no",
    "true",
    False,
    1,
    "  ",
]
ALTERNATIVES = st.lists(
    st.fixed_dictionaries(
        {
            "HashName": st.sampled_from(["MD5", "PDQ", "pHash", "SHA-1", "ssdeep", "PhotoDNA", None]),
            "HashValue": st.sampled_from(HASHES),
        },
        optional={"Quality": st.sampled_from([None, 50, "60", 101])},
    ),
    max_size=3,
)
MEDIA = st.fixed_dictionaries(
    {},
    optional={
        **{key: st.sampled_from(HASHES) for key in ("MD5", "SHA1", "SHA256", "PhotoDNA")},
        **{key: st.sampled_from(VALUES) for key in ("MediaID", "Category", "MediaSize", *ATTRIBUTES)},
        "AlternativeHashes": ALTERNATIVES | st.sampled_from(VALUES),
        "Media": st.just([{"MD5": "e" * 32}]),
        "MediaFiles": st.just([{"MD5": "e" * 32, "FileName": "ñ\\\n"}]),
    },
)


def outcome(data: bytes) -> object:
    """What a list gives, or the words that refuse it (without how far it was read, which differs)."""
    items: list[Any] = []
    try:
        items.extend(VicsFormat().read(io.BytesIO(data)))
    except ListFormatError as error:
        return items, error.what.partition(", within")[0]
    return items, None


@settings(deadline=None)
@given(st.lists(MEDIA | st.sampled_from([5, "text", None]), max_size=6), st.data())
def test_the_short_way_gives_what_the_parser_of_events_gives(media: list[object], data: st.DataObject) -> None:
    root = {"@odata.context": "x/DataModels/2.0.xml/US/$metadata#Media", "value": media, "after": [1]}
    text = json.dumps(root, indent=data.draw(st.sampled_from([None, 1])))
    cut = data.draw(st.integers(1, len(text)) | st.just(len(text)))
    encoded = text[:cut].encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vics_objects, "_READ_AT_ONCE", data.draw(st.sampled_from([50, 500, 1 << 16])))
        patch.setattr("hashsets.formats.text._CHUNK_SIZE", 50)
        patch.setattr(vics_objects, "WINDOW", 400)
        short = outcome(encoded)
        patch.setattr(MediaObjects, "_find_array", lambda _: False)
        assert short == outcome(encoded)


def test_plain_media_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vics, "_entry", None)
    alternatives = [{"HashName": "PDQ", "HashValue": "C" * 64}, {"HashName": "SHA1", "HashValue": "D" * 40}]
    media = [
        {
            "MD5": "A" * 32,
            "Category": 1,
            "MediaSize": number,
            "Exifs": [{"MD5": "b" * 32}, {"MD5": "b" * 32}],
            "PhotoDNA": "A" * 192,
            "AlternativeHashes": alternatives[: number % 3],
        }
        for number in range(2000)
    ]
    data = json.dumps({"value": media}).encode()
    assert [entry.size for entry in VicsFormat().read(io.BytesIO(data))] == list(range(2000))  # type: ignore[union-attr]


def test_media_are_decoded_some_hundred_at_a_time_whatever_stands_in_them() -> None:
    """Objects in them begin as they do themselves, and a text holds what looks like the end of one."""
    media = [
        {"MD5": "a" * 32, "Comments": '}, {"MD5": ', "MediaFiles": [{"MD5": ""}, {"MD5": ""}]} for _ in range(2000)
    ]
    objects = list(MediaObjects(io.BytesIO(json.dumps({"value": media}).encode())))
    assert [each for several in objects for each in several] == media
    assert len(objects) < 20
