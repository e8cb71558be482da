"""forensics.case.set_account: what lists say against each other and themselves is counted, never resolved."""

from __future__ import annotations

from forensics.case.findings import FindingRecorder
from forensics.case.reader import CaseReader
from forensics.case.set_account import LEAST_PICTURES, MOST_CONTENTS, CrowdedEntry, Disagreement, Standing
from forensics.case.status import status, status_lines
from forensics.case.store import CaseStore
from forensics.outcome import ExaminedContent
from hashsets.match import EntryReference, Match, Tier
from tests.case.conftest import content, picture


def exact(set_uuid: str, position: int, category: str | None = None, **attributes: str) -> Match:
    entry = EntryReference(set_uuid, position, category=category, attributes=attributes)
    return Match(entry, "sha1", 0, Tier.EXACT, agreeing=("sha1",))


def near(position: int) -> Match:
    return Match(EntryReference("n", position), "pdq", 3, Tier.NEAR, "original")


def add(store: CaseStore, findings: FindingRecorder, *contents: ExaminedContent) -> CaseReader:
    """Put contents into the case as a scan does, without the streams that hold them."""
    with store.transaction():
        for each in contents:
            findings._add_contents([each])
    return CaseReader(store)


def give_scheme(store: CaseStore) -> None:
    store.connection.execute("UPDATE sets_used SET scheme = 's'")


def test_where_nothing_is_wrong_nothing_is_said(store: CaseStore, findings: FindingRecorder, recorder: object) -> None:
    give_scheme(store)
    case = add(store, findings, content(b"a", exact("n", 1, "1"), exact("n", 2, "1")), content(b"b", exact("b", 1)))
    document = status(case)
    assert (document["disagreements"], document["crowded_entries"], document["inconsistent"]) == ([], [], 0)
    assert document["standing"] == {"retracted": 0, "only_retracted": 0, "disputed": 0}
    said = "\n".join(status_lines(document))
    assert not any(word in said for word in ("disagree", "retracted", "disputed", "SUSPECT"))


def test_each_pair_of_sets_that_disagree_is_counted_by_content(
    store: CaseStore, findings: FindingRecorder, recorder: object
) -> None:
    give_scheme(store)
    case = add(
        store, findings,
        content(b"a", exact("n", 1, "1"), exact("n", 2, "2"), exact("n", 3, "2")),
        content(b"b", exact("n", 4, "1"), exact("n", 5, "0")),
        content(b"c", exact("n", 1, "1"), exact("b", 1, "9")),
        content(b"d", exact("n", 6, "1"), exact("n", 7)),
    )  # fmt: skip
    assert case.disagreements() == [
        Disagreement("category", ("list n", "list n"), ("n", "n"), 2),
        Disagreement("disposition", ("list b", "list n"), ("b", "n"), 1),
    ]
    assert case.conflicts() == 1
    said = "\n".join(status_lines(status(case)))
    assert "'list n' and 'list n': what has two categories: 2 contents" in said


def test_categories_without_a_scheme_cannot_disagree(
    store: CaseStore, findings: FindingRecorder, recorder: object
) -> None:
    case = add(store, findings, content(b"a", exact("n", 1, "1"), exact("n", 2, "2")))
    assert case.disagreements() == []


def test_retracted_and_disputed_entries_reach_the_hit(
    store: CaseStore, findings: FindingRecorder, recorder: object
) -> None:
    case = add(
        store, findings,
        content(b"a", exact("n", 1, retracted="true")),
        content(b"b", exact("n", 1, retracted="true"), exact("n", 2, disputed="md5 (1 member)")),
        content(b"c", exact("b", 1, retracted="true")),
    )  # fmt: skip
    assert case.standing() == Standing(retracted=2, only_retracted=1, disputed=1)
    said = "\n".join(status_lines(status(case)))
    assert "2 contents match an entry that its issuer has retracted, 1 of them no other" in said
    assert "1 contents match an entry that others dispute" in said


def test_an_entry_near_many_of_the_pictures_is_reported(
    store: CaseStore, findings: FindingRecorder, recorder: object
) -> None:
    flooded = [picture(b"p%d" % number, near(1)) for number in range(LEAST_PICTURES)]
    case = add(store, findings, *flooded[:-1], picture(b"q", near(2)))
    assert case.crowded_entries() == []
    case = add(store, findings, flooded[-1])
    assert case.crowded_entries() == [CrowdedEntry("list n", "n", 1, LEAST_PICTURES, LEAST_PICTURES)]
    assert "SUSPECT   entry 1 of 'list n' matches 25 contents" in "\n".join(status_lines(status(case)))
    many = [picture(b"other %d" % number) for number in range(100 * LEAST_PICTURES)]
    assert add(store, findings, *many).crowded_entries() == []  # one in a hundred is not more than that


def test_an_entry_that_matches_very_many_contents_by_digest_is_reported_as_well(
    store: CaseStore, findings: FindingRecorder, recorder: object
) -> None:
    case = add(store, findings, *(content(b"%d" % number, exact("n", 1)) for number in range(MOST_CONTENTS)))
    assert case.crowded_entries() == []
    (found,) = add(store, findings, content(b"one more", exact("n", 1))).crowded_entries()
    assert (found.contents, found.by_perceptual_hash) == (MOST_CONTENTS + 1, 0)
