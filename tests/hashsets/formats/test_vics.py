"""hashsets.formats.vics: every shape of VICS seen in the wild, and none that stops an import."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ListFormatError
from hashsets.format import KnownEntry, KnownPerceptualHash, ListFormat, ListHeader, RejectedEntry
from hashsets.formats.vics import LONGEST_VALUE, VicsFormat
from tests.hashsets.formats.contract import ListFormatContract, Repeated, entries_of, read, rejected_of
from tests.hashsets.invented import entries, hexadecimal, seeded

VICS = VicsFormat()
CHANCE = seeded(7)
MD5, OTHER_MD5 = hexadecimal(CHANCE, 32), hexadecimal(CHANCE, 32)
SHA1, SHA256 = hexadecimal(CHANCE, 40), hexadecimal(CHANCE, 64)
PDQ, PHASH = hexadecimal(CHANCE, 64), hexadecimal(CHANCE, 64)
PHOTODNA = CHANCE.randbytes(144)
CONTEXT_2 = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/{}/$metadata#{}"
CONTEXT_1 = "http://github.com/ICMEC/ProjectVic/DataModels/{}.xml#{}"


def hash_set(*media: Any, context: str = CONTEXT_2.format("US", "Media"), key: str = "@odata.context") -> bytes:
    return json.dumps({key: context, "value": media}).encode()


def alternative(name: str, value: str) -> dict[str, Any]:
    return {"MD5": MD5, "AlternativeHashes": [{"HashName": name, "HashValue": value}]}


def one(**media: Any) -> KnownEntry:
    (entry,) = entries_of(VICS, hash_set({"MD5": MD5, **media}))
    return entry


class TestContract(ListFormatContract):
    list_format: ClassVar[ListFormat] = VICS
    samples: ClassVar[list[bytes]] = [
        hash_set(
            {
                "MediaID": 1, "Category": 1, "MD5": MD5.upper(), "SHA1": SHA1, "MediaSize": "12",
                "AlternativeHashes": [{"HashName": "SHA256", "HashValue": SHA256, "MD5": MD5}],
                "MediaFiles": [{"MD5": MD5, "FileName": "ñandú.jpg", "FilePath": "a\\b"}],
            },
            {"MediaID": 2, "Category": None, "MD5": OTHER_MD5},
        ),
        hash_set({"MD5": MD5}, context=CONTEXT_1.format("1.1", "Media"), key="odata.metadata"),
        hash_set({"Media": [{"MD5": MD5}]}, context=CONTEXT_1.format("1.3", "Cases"), key="odata.metadata"),
        json.dumps({"value": [{"MD5": MD5}], "@odata.context": CONTEXT_2.format("UK", "Media")}).encode(),
    ]  # fmt: skip
    endless: ClassVar[tuple[bytes, bytes]] = (
        b'{"value": [',
        json.dumps({"MD5": MD5, "MediaFiles": [{"FileName": "x" * 100}]}).encode() + b",",
    )


@pytest.mark.parametrize(
    ("key", "context", "version", "scheme"),
    [
        ("@odata.context", CONTEXT_2.format("US", "Media"), "2.0", "vics-2.0-us"),
        ("@odata.context", CONTEXT_2.format("UK", "Media"), "2.0", "vics-2.0-uk"),
        ("@odata.context", CONTEXT_2.format("Default", "Media"), "2.0", "vics-2.0-default"),
        ("@odata.context", CONTEXT_2.format("CUSTOM", "Media"), "2.0", "vics-2.0-custom"),
        ("odata.metadata", CONTEXT_1.format("1.3", "Media"), "1.3", "vics-1.3"),
        ("odata.metadata", CONTEXT_1.format("1.1", "Media"), "1.1", "vics-1.1"),
        ("odata.metadata", "something else", None, None),
    ],
)
def test_version_and_scheme_come_from_the_context(
    key: str, context: str, version: str | None, scheme: str | None
) -> None:
    assert read(VICS, hash_set({"MD5": MD5}, context=context, key=key))[0] == ListHeader(version, scheme)


def test_a_context_after_the_entries_is_read_all_the_same() -> None:
    data = json.dumps({"value": [{"MD5": MD5}], "@odata.context": CONTEXT_2.format("US", "Media")}).encode()
    assert read(VICS, data)[-1] == ListHeader("2.0", "vics-2.0-us")


def test_all_digests_are_read_in_either_case() -> None:
    alternatives = [
        {"HashName": "MD5", "HashValue": MD5.upper(), "MD5": MD5},
        {"HashName": "SHA-256", "HashValue": SHA256.upper()},
        {"HashName": "Sha1", "HashValue": SHA1},
    ]
    entry = one(MD5=MD5.upper(), AlternativeHashes=alternatives)
    assert (entry.md5, entry.sha1, entry.sha256) == (MD5, SHA1, SHA256)


def test_perceptual_hashes_are_read_and_photodna_is_carried_unread() -> None:
    alternatives = [
        {"HashName": "PDQ", "HashValue": PDQ},
        {"HashName": "pHash", "HashValue": PHASH},
        {"HashName": "pHash", "HashValue": "0123456789abcdef"},
        {"HashName": "PhotoDNA", "HashValue": PHOTODNA.hex().upper()},
        {"HashName": "ssdeep", "HashValue": "3:abc:def"},
    ]
    entry = one(PhotoDNA=base64.b64encode(PHOTODNA).decode(), AlternativeHashes=alternatives)
    assert set(entry.perceptual) == {
        KnownPerceptualHash("pdq", PDQ),
        KnownPerceptualHash("phash", PHASH),
        KnownPerceptualHash("phash-64", "0123456789abcdef"),
        KnownPerceptualHash("photodna", PHOTODNA.hex()),
    }


def test_a_malformed_photodna_costs_the_entry_nothing_and_is_said() -> None:
    entry = one(PhotoDNA="AAAA")
    assert (entry.md5, entry.perceptual, entry.attributes["photodna"]) == (MD5, (), "malformed, left out")


@pytest.mark.parametrize(
    ("category", "raw"), [(0, "0"), (1, "1"), ("2", "2"), ("A", "A"), (None, None), ("", None), (5, "5")]
)
def test_a_category_is_kept_raw_and_never_inferred(category: object, raw: str | None) -> None:
    assert one(Category=category).category == raw
    assert one().category is None


@pytest.mark.parametrize(("size", "bytes_"), [(12, 12), ("12", 12), (12.0, 12), (None, None), ("", None), (0, 0)])
def test_a_size_may_be_a_number_or_a_text(size: object, bytes_: int | None) -> None:
    assert one(MediaSize=size).size == bytes_


def test_flags_are_kept_as_written() -> None:
    attributes = one(
        VictimIdentified="True", OffenderIdentified=False, IsDistributed="true", MimeType="image/jpeg"
    ).attributes
    assert attributes == {
        "victim_identified": "True",
        "offender_identified": "false",
        "is_distributed": "true",
        "mime_type": "image/jpeg",
    }


def test_names_and_remarks_are_never_imported() -> None:
    remark = "nobody must read this"
    entry = one(
        RelativeFilePath=remark, Series=remark, Tags=[remark], Comments=remark, MediaFiles=[{"FileName": remark}],
        Exifs=[{"PropertyName": "a", "PropertyValue": remark}], Unknown={"a": {"b": [remark]}},
    )  # fmt: skip
    assert remark not in repr(entry)


def test_media_of_several_cases_are_numbered_through() -> None:
    cases = [
        {"CaseID": 1, "Media": [{"MD5": MD5, "MediaID": 7}, {"MD5": OTHER_MD5}], "TotalMediaFiles": 99},
        {"Case No.": "x", "Agency": "y", "Media": []},
        {"CaseID": 3},
        {"CaseID": 4, "Media": [{"SHA1": SHA1}]},
    ]
    found = entries_of(VICS, hash_set(*cases, context=CONTEXT_2.format("UK", "Cases")))
    assert [(entry.position, entry.md5, entry.sha1) for entry in found] == [
        (1, MD5, None),
        (2, OTHER_MD5, None),
        (3, None, SHA1),
    ]
    assert found[0].reference == "7"


def test_several_media_of_one_md5_stay_several() -> None:
    found = entries_of(VICS, hash_set({"MD5": MD5, "Category": 1}, {"MD5": MD5, "Category": 2}))
    assert [(entry.position, entry.category) for entry in found] == [(1, "1"), (2, "2")]


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        ({"MD5": "xyz"}, "MD5 is not 32 hexadecimal digits"),
        ({"MD5": MD5[:-1]}, "MD5 is not 32 hexadecimal digits"),
        ({"MD5": MD5[:-2] + " 0"}, "MD5 is not 32 hexadecimal digits"),
        ({"MD5": 5}, "MD5 is not 32 hexadecimal digits"),
        ({"MD5": {"a": MD5}}, "MD5 is not 32 hexadecimal digits"),
        ({"MD5": MD5, "SHA1": "0"}, "SHA1 is not 40 hexadecimal digits"),
        ({"Category": 1}, "no hash that tamiz can match"),
        ({"MD5": None, "SHA1": ""}, "no hash that tamiz can match"),
        ({"PhotoDNA": base64.b64encode(PHOTODNA).decode()}, "no hash that tamiz can match"),
        ({}, "no hash that tamiz can match"),
        ("text", "not a JSON object"),
        (5, "not a JSON object"),
        (None, "not a JSON object"),
        ([{"MD5": MD5}], "not a JSON object"),
        ({"MD5": MD5, "MediaSize": -1}, "MediaSize is not a whole number"),
        ({"MD5": MD5, "MediaSize": 10**30}, "MediaSize is not a whole number"),
        ({"MD5": MD5, "MediaSize": True}, "MediaSize is not a whole number"),
        ({"MD5": MD5, "Category": "x" * 201}, "Category is longer than 200 characters"),
        (alternative("PDQ", PDQ[:32]), "pdq is not 64 hexadecimal digits"),
        (alternative("MD5", OTHER_MD5), "two different md5"),
    ],
)  # fmt: skip
def test_a_malformed_media_is_set_aside_and_the_rest_goes_on(media: object, reason: str) -> None:
    items = read(VICS, hash_set({"MD5": MD5}, media, {"MD5": OTHER_MD5}))[1:]
    assert [item.position for item in items if isinstance(item, KnownEntry)] == [1, 3]
    assert [item for item in items if isinstance(item, RejectedEntry)] == [RejectedEntry(2, reason)]


@pytest.mark.parametrize(
    "alternatives",
    [
        None,
        "text",
        5,
        {},
        [],
        [None, 5, "x", [1], {}],
        [{"HashName": None}],
        [{"HashName": "PDQ"}],
        [{"a": {"b": [1]}}],
    ],
)
def test_odd_alternative_hashes_are_passed_over(alternatives: object) -> None:
    assert one(AlternativeHashes=alternatives).perceptual == ()


@pytest.mark.parametrize("date", ["2019-03-01T10:00:00-05:00", "2019-03-01T10:00:00+02:00Z", "/Date(1551434400000)/"])
def test_a_date_is_kept_as_written(date: str) -> None:
    assert one(DateUpdated=date).attributes == {"date_updated": date}


@pytest.mark.parametrize("field", ["VictimIdentified", "IsSuspected", "SelfGenerated", "MimeType", "DateUpdated"])
def test_free_text_in_a_field_for_flags_and_codes_is_left_out(field: str) -> None:
    assert list(one(**{field: "Fulana de Tal"}).attributes.values()) == ["malformed, left out"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-20], "ends too early after entry 2"),
        (lambda data: data.replace(b"null", b"NaN"), "is broken after entry 1"),
        (lambda data: data + b"{}", "is broken after entry 3"),
        (lambda data: data.replace(b"null", b"9" * 5000), "a number is too large after entry"),
        (lambda data: data.replace(b"null", b"1e99999999999999999999"), "a number is too large after entry"),
        (lambda data: b"", "is empty"),
        (lambda data: b"[]", "root of a VICS list"),
        (lambda data: b"5", "root of a VICS list"),
        (lambda data: b"{}", "has none"),
        (lambda data: b'{"value": {"a": 1}}', "has none"),
        (lambda data: b'{"value": [{"a":' + b"[" * 500_000, "ends too early"),
    ],
)
def test_broken_json_is_said_in_one_line_with_its_place(damage: Callable[[bytes], bytes], said: str) -> None:
    data = hash_set({"MD5": MD5}, {"MD5": OTHER_MD5, "Category": None}, {"SHA1": SHA1})
    with pytest.raises(ListFormatError, match=said) as caught:
        read(VICS, damage(data))
    assert MD5 not in str(caught.value)


def test_deep_nesting_in_an_unknown_key_is_passed_over() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    data = hash_set({"MD5": MD5, "Odd": 0}).replace(b'"Odd": 0', b'"Odd": ' + deep)
    assert [entry.md5 for entry in entries_of(VICS, data)] == [MD5]


def test_huge_numbers_in_unknown_keys_are_passed_over() -> None:
    data = hash_set({"MD5": MD5, "Odd": 0}).replace(b'"Odd": 0', b'"Odd": [1e400, -1e-400, ' + b"9" * 400 + b"]")
    assert [entry.md5 for entry in entries_of(VICS, data)] == [MD5]


def test_a_value_without_end_is_refused_before_it_fills_the_memory() -> None:
    file = io.BufferedReader(Repeated(b'{"value": [{"MD5": "', b"0" * 65536, 10 * LONGEST_VALUE // 65536))
    with pytest.raises(ListFormatError, match="a single value is longer than"):
        list(VICS.read(file))


def test_wrong_bytes_in_a_file_name_do_not_cost_the_list() -> None:
    data = hash_set({"MD5": MD5, "RelativeFilePath": "NAME"}).replace(b"NAME", b"\xf1and\xfa")
    assert [entry.md5 for entry in entries_of(VICS, data)] == [MD5]


def test_control_characters_do_not_reach_a_terminal() -> None:
    entry = one(MediaID="\x1b[31m1", MimeType="image/jpeg\x00", Category="\ud800")
    assert (entry.reference, entry.category) == ("\ufffd[31m1", "?")
    assert entry.attributes["mime_type"] == "malformed, left out"


@given(st.lists(entries(has_quality=False), min_size=1, max_size=5))
def test_what_is_written_is_read(written: list[KnownEntry]) -> None:
    media = [
        {
            "MD5": entry.md5,
            "SHA1": entry.sha1,
            "MediaSize": entry.size,
            "Category": entry.category,
            "MediaID": entry.reference,
            "AlternativeHashes": [{"HashName": "SHA256", "HashValue": entry.sha256}]
            + [{"HashName": known.algorithm, "HashValue": known.value} for known in entry.perceptual],
        }
        for entry in written
    ]
    read_back = entries_of(VICS, hash_set(*media))
    assert [
        (each.md5, each.sha1, each.sha256, each.size, each.category, each.reference, set(each.perceptual))
        for each in read_back
    ] == [
        (each.md5, each.sha1, each.sha256, each.size, each.category, each.reference, set(each.perceptual))
        for each in written
    ]
    assert rejected_of(VICS, hash_set(*media)) == []
