"""The same records in every form that a peer needs. Each form is made when it is first needed, and kept."""

import os
import pathlib
import shutil
import subprocess

import common
import image_records
import make_shard


class Corpus:
    """@records records of @size bytes of text."""

    def __init__(self, folder, records, size):
        self.folder, self.records, self.size = pathlib.Path(folder), records, size
        self._known = None

    @property
    def bytes(self):
        return self.records * self.size

    def bytes_of(self, count):
        """Bytes of any @count records."""
        return count * self.size

    def name(self, i):
        return common.record_name(self.records, i)

    def __getitem__(self, i):
        self._known = self._known or make_shard.Records(self.records, self.size)
        return self._known[i]

    def shard(self, group, codec="zstd"):
        """An ArrayRecord file, written by the reference."""
        return common.shard(self.folder, self.records, self.size, f"group_size:{group},{codec}")

    def files(self):
        return common.plain_files(self.folder, self.records, self.size)

    def squashfs(self):
        return common.squashfs(self.folder, self.files())

    def erofs(self):
        return common.erofs(self.folder, self.files())

    def tar_zst(self):
        """A tar archive in many zstd frames, so that it can be read from the middle."""
        files = self.files()
        path = files.with_suffix(".tar.zst")
        if not path.exists():
            if not shutil.which("pzstd"):
                raise common.BenchError("pzstd is missing (Debian: zstd)")
            common.progress(f"writing {path.name}")
            partial = path.with_suffix(".partial-zst")
            tar = subprocess.Popen(["tar", "-C", files, "--sort=name", "-cf", "-", "."], stdout=subprocess.PIPE)
            packed = subprocess.run(["pzstd", "-q", "-f", "-3", "-o", partial], stdin=tar.stdout)
            tar.stdout.close()
            if tar.wait() != 0 or packed.returncode != 0:
                raise common.BenchError(f"{path.name}: tar or pzstd failed")
            partial.rename(path)
        return path


class Images(Corpus):
    """@records records of image_records.py, of the kind "noise" or "jpeg". `size` is their mean."""

    def __init__(self, folder, records, kind):
        super().__init__(folder, records, image_records.MEAN)
        self.stem = f"{kind}-{records}ximages"
        self._all = image_records.KINDS[kind](records)
        self._bytes = None

    @property
    def bytes(self):
        if self._bytes is None:
            with os.scandir(self.files()) as entries:
                self._bytes = sum(entry.stat().st_size for entry in entries)
        return self._bytes

    def bytes_of(self, count):
        if count != self.records:
            raise common.BenchError(f"{self.stem}: only all records together have a known size")
        return self.bytes

    def __getitem__(self, i):
        return self._all[i]

    def shard(self, group, codec="zstd"):
        name = f"{self.stem}-group_size{group}-{codec}.array_record"
        return common.made_shard(self.folder / name, lambda: self._all, f"group_size:{group},{codec}")

    def files(self):
        return common.made_files(self.folder / f"{self.stem}.files", lambda: self._all)
