"""Generated lists of INTERPOL, NCMEC and Project VIC."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hashsets.format import KnownEntry, KnownPerceptualHash
from tests.hashsets.formats.sample import HUGE, Chance, Hostile, Sample, photodna, triple
from tests.hashsets.invented import hexadecimal

# --- INTERPOL ICSE

ICSE_HEADER = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;"
    "Number of submissions;File Available;Media Type;Baseline"
)


def icse(chance: Chance, count: int) -> Sample:
    lines, entries = [ICSE_HEADER], []
    for number in range(2, count + 2):
        md5, sha1, _ = triple(chance)
        opaque = photodna(chance)
        flags = [chance.choice(["y", "No", "TRUE", "f"]) for _ in range(5)]
        series = chance.choice(["", "invented series"])
        lines.append(
            f"{md5.upper()};{sha1};{b64encode(opaque).decode()};{number * 7};{flags[0]};{flags[1]};{flags[2]};{series};"
            f"{number};{flags[3]};Image;{flags[4]}"
        )
        attributes = {
            "is_distributed": flags[0], "victim_identified": flags[1], "offender_identified": flags[2],
            "number_of_submissions": str(number), "file_available": flags[3], "media_type": "Image",
            "baseline": flags[4], **({"series_named": "true"} if series else {}),
        }  # fmt: skip
        known = (KnownPerceptualHash("photodna", opaque.hex()),)
        entries.append(
            KnownEntry(number, md5, sha1, perceptual=known, reference=str(number * 7), attributes=attributes)
        )
    return Sample(("\n".join(lines) + "\n").encode(), entries)


def icse_hostile(chance: Chance) -> Hostile:
    md5, sha1, _ = triple(chance)
    rest = ";1;y;y;y;s;1;y;Image;y"
    lines = [
        ICSE_HEADER + ";Extra",
        f"{md5};{sha1};{rest};x",  # one column too many by the empty PhotoDNA: see below
        f"{md5};{sha1};{rest[0:]}",
        f"{md5};{sha1};;1;maybe;who knows;y;s;{HUGE};y;a description;y;x",
        f"{md5};{sha1};;1;y;y;y;s;1;y;Image;y;x",
        f"{md5[:-1]}g;{sha1};;1;y;y;y;s;1;y;Image;y;x",
        f"{md5};{sha1};notphotodna;1;y;y;y;s;1;y;Image;y;x",
        f";;{photodna(chance).hex()};1;y;y;y;s;1;y;Image;y;x",
        f'"{md5};{sha1};;1;y;y;y;s;1;y;Image;y;x',
        f"{md5};{sha1};;{'9' * 300};y;y;y;s;1;y;Image;y;x",
        "x" * 70000,
    ]
    return Hostile("\n".join(lines).encode(), imported=4, rejected=6)


# --- NCMEC

NCMEC_NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"


def ncmec_document(inside: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{head}<queryResult xmlns="{NCMEC_NAMESPACE}">\n'
        f'<images count="1" maxTimestamp="2017-10-24T15:10:00Z">{inside}</images></queryResult>\n'
    ).encode()


def ncmec_entry(identifier: str, fingerprints: str, more: str = "", member: str = "42") -> str:
    return (
        f'<image>\n<member id="{member}">Invented Member</member><timestamp>2017-10-24T15:00:00Z</timestamp>'
        f"<id>{identifier}</id>{more}\n<fingerprints>{fingerprints}</fingerprints></image>\n"
    )


def ncmec(chance: Chance, count: int) -> Sample:
    texts, entries = [], []
    for number in range(1, count + 1):
        md5, sha1, pdq = triple(chance)
        opaque = photodna(chance)
        category = chance.choice([None, "A1", "A2", "B1", "B2"])
        more = f"<classification>{category}</classification>" if category else ""
        attributes = {"media_type": "image"}
        if number % 3 == 0:
            more += (
                '<feedback lastUpdateTimestamp="2023-06-01T12:48:14Z"><affirmativeFeedback type="Md5"><members><member '
                'id="9"/></members></affirmativeFeedback><negativeFeedback type="Sha1"><reasons><reason guid="0" '
                'name="Invented" type="Sha1"/><members><member id="5">A</member><member id="6"/></members></reasons>'
                '</negativeFeedback><negativeFeedback type="Md5"><reasons><members><member id="5"/></members></reasons>'
                "</negativeFeedback></feedback>"
            )
            attributes["disputed"] = "md5 (1 member); sha1 (2 members)"
        prints = f"<md5>{md5}</md5><sha1>{sha1.upper()}</sha1><pdna>{b64encode(opaque).decode()}</pdna><pdq>{pdq}</pdq>"
        texts.append(ncmec_entry(f"image{number}", prints + "<netclean>opaque</netclean>", more))
        known = (KnownPerceptualHash("pdq", pdq), KnownPerceptualHash("photodna", opaque.hex()))
        reference = f"42/image/image{number}"
        entries.append(KnownEntry(number, md5, sha1, None, None, known, category, reference, attributes))
    return Sample(ncmec_document("".join(texts)), entries)


def ncmec_hostile(chance: Chance) -> Hostile:
    md5, sha1, _ = triple(chance)
    good = f"<md5>{md5}</md5>"
    inside = [
        ncmec_entry("one", good),
        ncmec_entry("one", good),
        ncmec_entry("two", f"<md5>{sha1}</md5>"),
        ncmec_entry("three", "<md5><b>x</b></md5>"),
        ncmec_entry("four", f"<md5>{md5}</md5><md5>{md5[::-1]}x</md5>"),
        ncmec_entry("x" * 300, good),
        ncmec_entry("five", f"{good}<pdna>{HUGE}</pdna>"),
        ncmec_entry("six", f"{good}<tmk-pdqf rel='self' href='/v2/entries/1'/>"),
        "<deletedImage><member id='42'/><id>one</id></deletedImage>",
        "<deletedImage><member id='42'/><id>never seen</id></deletedImage>",
        "<deletedImage><member id='42'/></deletedImage>",
        "<surprise><id>7</id></surprise>text &amp; &#65;",
    ]
    return Hostile(ncmec_document("".join(inside)), imported=4, rejected=6)


def ncmec_broken() -> dict[str, bytes]:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE queryResult [<!ENTITY e0 "lol">{entities}]>'
    outside = '<!DOCTYPE queryResult SYSTEM "file:///etc/passwd">'
    return {
        "entity bomb": ncmec_document("<image><id>&e9;</id></image>", bomb),
        "external document type": ncmec_document("", outside),
        "deep nesting": ncmec_document("<a>" * 100_000),
        "endless tag": ncmec_document(f'<image a="{"x" * 3_000_000}"/>'),
        "endless text": ncmec_document(f"<image><id>{'x' * 3_000_000}</id></image>"),
        "cut short": ncmec_document(ncmec_entry("1", "<md5>0</md5>"))[:-40],
    }


# --- Project VIC

VICS_CONTEXT = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#Media"


def vics_document(media: str) -> bytes:
    return f'{{"@odata.context": "{VICS_CONTEXT}", "value": [{media}]}}'.encode()


def vics(chance: Chance, count: int) -> Sample:
    media, entries = [], []
    for number in range(1, count + 1):
        md5, sha1, pdq = triple(chance)
        opaque = photodna(chance)
        media.append(
            {
                "MediaID": number * 5, "Category": number % 4, "MD5": md5.upper(), "SHA1": sha1,
                "MediaSize": str(number),
                "VictimIdentified": "True", "IsDistributed": False, "DateUpdated": "2020-01-01T00:00:00-05:00",
                "Series": "an invented series", "Comments": "x", "Tags": None,
                "AlternativeHashes": [
                    {"HashName": "PDQ", "HashValue": pdq}, {"HashName": "PhotoDNA", "HashValue": opaque.hex()}
                ],
                "MediaFiles": [{"MD5": md5, "FileName": "x", "FilePath": "y"}],
            }
        )  # fmt: skip
        known = (KnownPerceptualHash("pdq", pdq), KnownPerceptualHash("photodna", opaque.hex()))
        attributes = {
            "victim_identified": "True", "is_distributed": "false", "date_updated": "2020-01-01T00:00:00-05:00"
        }  # fmt: skip
        entries.append(KnownEntry(number, md5, sha1, None, number, known, str(number % 4), str(number * 5), attributes))
    return Sample(vics_document(",".join(map(json.dumps, media))), entries)


def vics_hostile(chance: Chance) -> Hostile:
    md5 = hexadecimal(chance, 32)
    media: list[Any] = [
        {"MD5": md5}, {"MD5": md5}, {"MD5": md5[1:]}, {"MD5": 7}, {"MD5": [md5]}, {"MD5": {"a": md5}}, 5, [md5], None,
        {"MD5": md5, "MediaSize": -1}, {"MD5": md5, "MediaSize": "9" * 400}, {"MD5": md5, "Category": "x" * 300},
        {"MD5": md5, "PhotoDNA": "?"}, {"SHA1": ""}, {"MD5": md5, "Exifs": [[[[{}]]]]},
    ]  # fmt: skip
    return Hostile(vics_document(",".join(map(json.dumps, media))), imported=4, rejected=11)


def vics_broken() -> dict[str, bytes]:
    return {
        "huge number": vics_document('{"MD5": "0", "MediaSize": ' + HUGE + "}"),
        "endless value": vics_document('{"MD5": "' + "0" * 5_000_000 + '"}'),
        "deep nesting, cut short": vics_document('{"Exifs": ' + "[" * 200_000),
        "not a number": vics_document('{"MD5": NaN}'),
    }
