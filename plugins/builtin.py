"""Registers what ships with tamiz. Implementations are imported when asked for, so a command loads only its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from forensics.evidence.filesystem import FileSystemFormat
    from forensics.evidence.image import ImageFormat
    from forensics.evidence.layer import VolumeLayer
    from forensics.evidence.volume import VolumeSystem
    from forensics.hashing.perceptual import PictureHasher
    from forensics.reports.exporter import Exporter
    from hashsets.format import ListFormat


@hookimpl
def tamiz_image_formats() -> list[ImageFormat]:
    """EWF (E01, Ex01, L01), AFF4, AD1, virtual disks, Apple's disk images, archives, raw images, folders, devices."""
    from forensics.evidence.images import (
        ad1,
        aff4,
        apple_sparse,
        archive,
        ewf,
        ewf2,
        qcow2,
        raw,
        split_raw,
        udif,
        vhd,
        vhdx,
        vmdk,
    )
    from forensics.evidence.images.block_device import BlockDeviceFormat
    from forensics.evidence.images.folder import FolderFormat

    return [
        ewf.EwfFormat(),
        ewf2.Ewf2Format(),
        aff4.Aff4Format(),
        ad1.Ad1Format(),
        qcow2.Qcow2Format(),
        vmdk.VmdkFormat(),
        vhdx.VhdxFormat(),
        apple_sparse.SparseImageFormat(),
        apple_sparse.SparseBundleFormat(),
        # what is recognised by the start of the file comes before what is by its name or end
        split_raw.SplitRawFormat(),
        vhd.VhdFormat(),
        udif.UdifFormat(),
        archive.ZipFormat(),
        archive.TarFormat(),
        raw.RawFormat(),
        FolderFormat(),
        BlockDeviceFormat(),
    ]


@hookimpl
def tamiz_volume_systems() -> list[VolumeSystem]:
    """Partition tables, by The Sleuth Kit."""
    from forensics.evidence.volumes import tsk

    return [tsk.TskVolumeSystem()]


@hookimpl
def tamiz_volume_layers() -> list[VolumeLayer]:
    """LVM2, LUKS, BitLocker, FileVault 2, APFS containers, shadow copies."""
    from forensics.evidence.layers import apfs, bitlocker, filevault, luks, lvm, shadow_copies

    return [
        lvm.LvmLayer(), luks.LuksLayer(), bitlocker.BitlockerLayer(), filevault.FilevaultLayer(), apfs.ApfsLayer(),
        shadow_copies.ShadowCopyLayer(),
    ]  # fmt: skip


@hookimpl
def tamiz_file_systems() -> list[FileSystemFormat]:
    """File systems, by The Sleuth Kit; XFS; archives and logical images, which are sources of their own."""
    from forensics.evidence.filesystems import ad1, l01, tar, tsk, xfs
    from forensics.evidence.filesystems.folder import FolderFileSystemFormat
    from forensics.evidence.filesystems.zip import ZipFileSystemFormat

    return [
        ZipFileSystemFormat(), tar.TarFileSystemFormat(), ad1.Ad1FileSystemFormat(),
        l01.LogicalFileSystemFormat(), xfs.XfsFormat(),
        tsk.TskFileSystemFormat(), FolderFileSystemFormat(),
    ]  # fmt: skip


@hookimpl
def tamiz_picture_hashers() -> list[PictureHasher]:
    """PDQ and the 256-bit pHash."""
    from forensics.hashing import pdq, phash

    return [pdq.PdqHasher(), phash.PhashHasher()]


@hookimpl
def tamiz_list_formats() -> list[ListFormat]:
    """Every list a laboratory receives; the more particular before the more general, each recognised by content."""
    from hashsets.formats import (
        autopsy,
        csv,
        digest_list,
        encase,
        hashdeep,
        hashkeeper,
        hashlookup,
        icse,
        iped,
        ncmec,
        nsrl,
        nsrl_delta,
        nsrl_text,
        vics,
        vpdq,
    )

    return [
        nsrl.NsrlFormat(), autopsy.AutopsyFormat(), iped.IpedFormat(), encase.EncaseFormat(),
        vics.VicsFormat(), ncmec.NcmecFormat(), hashlookup.HashlookupFormat(),
        hashdeep.HashdeepFormat(), nsrl_text.NsrlTextFormat(), nsrl_delta.NsrlDeltaFormat(),
        hashkeeper.HashkeeperFormat(), icse.IcseFormat(), vpdq.VpdqFormat(), digest_list.DigestListFormat(),
        csv.CsvFormat(),
    ]  # fmt: skip


@hookimpl
def tamiz_exporters() -> list[Exporter]:
    """Hits in five formats, statistics, and the referral for victim identification."""
    from forensics.reports import case_uco, csv, dfxml, hashdeep, referral, statistics, vics

    return [
        csv.CsvExporter(), vics.VicsExporter(), case_uco.CaseUcoExporter(), dfxml.DfxmlExporter(),
        hashdeep.HashdeepExporter(), statistics.StatisticsExporter(), referral.ReferralExporter(),
    ]  # fmt: skip


@hookimpl
def tamiz_commands() -> list[click.Command]:
    """Making cases and stating things of them, custody, offences, approvals, links; sealing; ``demo``."""
    from plugins import (
        approval_commands,
        browse_command,
        case_commands,
        custody_commands,
        link_command,
        offence_commands,
        seal_commands,
    )
    from plugins.sample_evidence import command

    return [
        case_commands.case_group, case_commands.authority_group, case_commands.exhibit_group,
        custody_commands.custody_group, custody_commands.refer_command, offence_commands.offence_group,
        offence_commands.tag_command, approval_commands.approve_command, link_command.link_command,
        command.demo, browse_command.browse_command, seal_commands.seal_command, seal_commands.verify_command,
        seal_commands.key_group, seal_commands.timestamp_group,
    ]  # fmt: skip
