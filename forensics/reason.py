"""Why something was not hashed, not decoded or not examined: the closed list of codes stored in a case.

Codes are stable: scripts and old cases rely on them. Free text that goes with a code (a library's own words) is kept
beside it as detail, never instead of it.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """A reason code, recorded with the locator of the item it concerns."""

    # Sources
    SOURCE_REFUSED = "source-refused"
    """A file given as evidence could not be opened or was not what it should be; listed until it has been examined."""
    EXHIBIT_WITHOUT_SOURCE = "exhibit-without-source"
    """An exhibit of the case of which no source has been examined."""

    # Volumes and file systems
    NO_FILE_SYSTEM = "no-file-system"
    """An allocated partition, or a whole image, in which no known file system was found."""
    FILE_SYSTEM_DAMAGED = "file-system-damaged"
    """A file system was recognised but cannot be opened."""
    VOLUME_ENCRYPTED = "volume-encrypted"
    """The volume carries the signature of an encryption scheme and was not unlocked."""
    SHADOW_COPIES_NOT_EXAMINED = "shadow-copies-not-examined"
    """The volume has shadow copies, and the scan's profile does not open them."""
    IMAGE_DAMAGED = "image-damaged"
    """The image is damaged, incomplete or holds sectors that were unreadable at acquisition; the rest was examined."""
    BEYOND_END_OF_IMAGE = "beyond-end-of-image"
    """The partition or file system is larger than the image: its end is missing."""
    DIRECTORY_UNREADABLE = "directory-unreadable"
    """A directory could not be listed, or not to its end."""
    OTHER_FILE_SYSTEM = "other-file-system"
    """Another file system is mounted inside a folder; it is not part of this source."""
    WALK_LIMIT = "walk-limit"
    """A directory lies deeper, or a file system holds more entries, than the walk follows."""

    # Streams
    REALLOCATED = "reallocated"
    """A deleted name whose metadata now belongs to another file; its content is gone from here."""
    NO_METADATA = "no-metadata"
    """A name that points at no metadata any more; nothing can be read."""
    NAME_ONLY = "name-only"
    """A deleted name whose metadata structure holds no content to read."""
    BAD_CLUSTER_FILE = "bad-cluster-file"
    """NTFS ``$BadClus:$Bad``: a sparse map of the whole volume, no content of its own."""
    IMPLAUSIBLE_SIZE = "implausible-size"
    """The metadata states a size that no file on this volume can have."""
    TOO_SPARSE = "too-sparse"
    """Nearly all of the stream is holes, beyond the limit for reading them; what it holds was not hashed."""
    SPARSE = "sparse"
    """A stream with no allocated block beyond the size limit for such streams."""
    ENCRYPTED = "encrypted"
    """Encrypted by the file system (NTFS EFS and its like)."""
    UNSUPPORTED_COMPRESSION = "unsupported-compression"
    """Compressed in a way this version cannot read (WOF, HFS+ zlib or LZVN)."""
    READ_ERROR = "read-error"
    """Bytes of the stream could not be read."""
    SHORT_READ = "short-read"
    """Fewer bytes than the stream's size could be read."""
    CRASHED = "crashed"
    """The worker died while the stream was being examined."""
    TIMED_OUT = "timed-out"
    """The stream was not examined within the time limit."""

    EXCLUDED_BY_PROFILE = "excluded-by-profile"
    """The scan's profile leaves such streams out."""
    EXCLUDED_BY_FILTER = "excluded-by-filter"
    """The scan was told to leave it out: by path, kind or size."""
    SIZE_NOT_LISTED = "size-not-listed"
    """A quick scan did not read it: no entry of the lists has its size, and none could match but by digest."""
    PRIVILEGED = "privileged"
    """Withheld by a privilege filter. It was not read, and the case does not hold its name."""

    # Pictures
    TOO_LARGE = "too-large"
    """More bytes than the limit for decoding."""
    TOO_MANY_PIXELS = "too-many-pixels"
    """More pixels than the limit for decoding (decompression bomb)."""
    UNDECODABLE = "undecodable"
    """The decoder does not accept it."""
    UNSUPPORTED_FORMAT = "unsupported-format"
    """A picture format this version does not decode."""
    OUT_OF_MEMORY = "out-of-memory"
    """Decoding asked for more memory than allowed."""
    TRUNCATED_PICTURE = "truncated-picture"
    """The picture breaks off or is damaged; as much as could be decoded was hashed."""
    VIEW_UNDECODABLE = "view-undecodable"
    """A further frame, page or layer of the picture cannot be decoded; the others were hashed."""
    FRAME_LIMIT = "frame-limit"
    """The picture or film has more frames or pages than the limit; the others were not hashed."""
    VIEW_TIME_LIMIT = "view-time-limit"
    """The time for one picture or film was over before all its frames were decoded; the others were not hashed."""
    TRUNCATED_FILM = "truncated-film"
    """The film breaks off or is damaged; the frames that could be decoded were hashed."""
    VIDEO_SUPPORT_MISSING = "video-support-missing"
    """A film, and tamiz is installed without its extra for films."""
    BENIGN = "benign"
    """Matched by digest in a benign set; perceptual hashing was not needed."""


NOTHING_TO_EXAMINE = frozenset(
    {Reason.REALLOCATED, Reason.NO_METADATA, Reason.NAME_ONLY, Reason.BAD_CLUSTER_FILE, Reason.SPARSE}
)
"""Reasons of streams that have no content of their own: not hashing them leaves nothing unexamined."""

LEFT_OUT = frozenset({Reason.EXCLUDED_BY_PROFILE, Reason.EXCLUDED_BY_FILTER, Reason.SIZE_NOT_LISTED, Reason.PRIVILEGED})
"""Reasons of streams that a scan was told not to examine. They are counted and make a case not complete; they are no
gaps, for nothing stood in the way. A later scan decides on them anew, but for what is privileged."""
