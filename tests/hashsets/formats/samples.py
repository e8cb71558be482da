"""The generators of every list format. A format that is registered and stands not here fails the tests."""

from __future__ import annotations

from collections.abc import Mapping

from tests.hashsets.formats import samples_of_issuers as issuers
from tests.hashsets.formats import samples_of_nsrl as nsrl
from tests.hashsets.formats import samples_of_tools as tools
from tests.hashsets.formats.sample import FormatSamples

SAMPLES: Mapping[str, FormatSamples] = {
    "vics": FormatSamples(issuers.vics, issuers.vics_hostile, issuers.vics_broken()),
    "icse": FormatSamples(issuers.icse, issuers.icse_hostile),
    "ncmec": FormatSamples(issuers.ncmec, issuers.ncmec_hostile, issuers.ncmec_broken()),
    "nsrl": FormatSamples(nsrl.nsrl, nsrl.nsrl_hostile),
    "nsrl-text": FormatSamples(nsrl.nsrl_text, nsrl.nsrl_text_hostile),
    "nsrl-delta": FormatSamples(nsrl.nsrl_delta, nsrl.nsrl_delta_hostile, nsrl.nsrl_delta_broken()),
    "autopsy": FormatSamples(tools.autopsy, tools.autopsy_hostile),
    "iped": FormatSamples(tools.iped, tools.iped_hostile),
    "encase": FormatSamples(tools.encase, tools.encase_hostile, {"cut short": tools.encase_header()[:500]}),
    "hashkeeper": FormatSamples(tools.hashkeeper, tools.hashkeeper_hostile),
    "hashlookup": FormatSamples(tools.hashlookup, tools.hashlookup_hostile),
    "hashdeep": FormatSamples(tools.hashdeep, tools.hashdeep_hostile),
    "digest-list": FormatSamples(tools.digest_list, tools.digest_list_hostile),
    "vpdq": FormatSamples(tools.vpdq, tools.vpdq_hostile),
    "csv": FormatSamples(tools.csv, tools.csv_hostile),
}
