"""The list of workloads, in the order in which they run."""

import collections

import decoding
import images
import listings
import peers
import small_files

# run (bench) measures; bases are the places that others are compared with.
Workload = collections.namedtuple("Workload", "run about bases")

ALL = {
    "inorder": Workload(
        small_files.inorder, "4 KiB files in order, cold after three kinds of listing, then warm",
        [peers.SQUASHFUSE, peers.EXT4, peers.NULL, peers.NULL_PUSH]),
    "random": Workload(
        small_files.randomly, "4 KiB files in a random order, cold, beside the reference's read ([i])",
        [peers.SQUASHFUSE, peers.EXT4, peers.NULL, peers.REFERENCE1]),
    "overhead": Workload(
        small_files.overhead, "4 KiB files in a random order on a fresh mount, without the time of the device, beside "
        "reading and decoding the chunks in a bare program",
        [peers.NULL, decoding.BOUND]),
    "readers": Workload(
        small_files.readers, "1, 2 and 4 readers on disjoint parts in order, cold",
        [peers.SQUASHFUSE, peers.NULL_PUSH]),
    "crowd": Workload(
        small_files.crowd, "1, 4 and 8 readers on disjoint parts of a random order, names unknown to the kernel, "
        "without the time of the device",
        [peers.SQUASHFUSE, peers.NULL]),
    "loader": Workload(
        small_files.loader, "4 processes that read batches of a random order, as PyTorch's loader does, cold",
        [peers.SQUASHFUSE, peers.EXT4, peers.REFERENCE1]),
    "images": Workload(
        images.images, "records of 20 to 500 KB that do not compress, and JPEG files: in order, and random by 1, 4 and 8 "
        "processes, cold and without the time of the device",
        [peers.EXT4, peers.SQUASHFUSE, peers.EROFS, peers.NULL, images.REFERENCE, images.BARE, images.BOUND]),
    "sizes": Workload(
        small_files.sizes, "records of 100 B, 4 KiB, 100 KiB and 10 MiB in order, cold and warm",
        [peers.SQUASHFUSE, peers.EXT4, peers.NULL, peers.NULL_PUSH]),
    "codecs": Workload(
        small_files.codecs, "each codec, groups of 1, 64 and 1024, in order, cold and warm",
        [peers.ARECFS64, peers.NULL_PUSH]),
    "tools": Workload(
        listings.tools, "ls -U, ls -lU, find, tar, grep -r, rsync, each on a fresh mount",
        [peers.SQUASHFUSE, peers.EXT4, peers.NULL]),
    "listing": Workload(
        listings.listing, "ls -U and ls -lU of a directory of 1M records, with the kernel's memory",
        [peers.NULL_READDIR, peers.NULL]),
    "large": Workload(
        decoding.large, "dd of a record of 1 GiB, first and second pass, uncompressed and zstd",
        [decoding.BOUND, peers.NULL, peers.EXT4]),
    "decode": Workload(
        decoding.decode, "whole files through the library, beside the bare codec and hash, and the reference",
        [decoding.BARE, decoding.BARE_ALL, decoding.REFERENCE_ALL]),
    "memory": Workload(
        decoding.memory, "peak memory while 8 readers go over a file of 4 times the cache", []),
}
