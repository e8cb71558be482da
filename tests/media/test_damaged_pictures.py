"""No damaged picture ends the process that looks at it: each gives views, or a reason."""

from __future__ import annotations

import subprocess
import sys

import pytest

from forensics.media.views import views
from tests.media.damage import damaged, look_at, originals


def test_every_original_is_whole() -> None:
    for name, data in originals().items():
        iterator = views(data)
        assert [picture.truncated for picture in iterator].count(True) == 0, name
        assert iterator.reason is None, name


def test_damage_is_the_same_each_time_and_leaves_nothing_as_it_was() -> None:
    for number in range(0, 400, 7):
        name, data = damaged(number)
        assert (name, data) == damaged(number)
    changed = [damaged(number) for number in range(300)]
    assert sum(data != originals()[name] for name, data in changed) > 290


@pytest.mark.parametrize("first", [0, 150])
def test_damaged_pictures_give_views_or_a_reason(first: int) -> None:
    result = look_at(first, 150)
    assert result.exit_code == 0
    assert result.unexplained == []
    assert result.looked_at == 150
    assert 40 < result.hashed < 150
    assert result.peak < 1024


@pytest.mark.parametrize(("mebibytes", "expected"), [(12, "out-of-memory []"), (2000, "None ['original']")])
def test_memory_that_is_not_given_is_a_reason(mebibytes: int, expected: str) -> None:
    program = (
        "import resource\n"
        "from forensics.errors import PictureError\n"
        "from forensics.media.views import views\n"
        "from tests.pictures import encoded, gradient\n"
        "data = encoded(gradient(3000, 3000, 0.07, 0.05), 'PNG', compress_level=1)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        f"limit = used + {mebibytes} * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "iterator, found = views(data), []\n"
        "try:\n"
        "    found += [picture.view for picture in iterator]\n"
        "    print(iterator.reason, found)\n"
        "except PictureError as error:\n"
        "    print(error.reason, found)\n"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == expected
