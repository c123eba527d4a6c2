"""Records like those of a dataset of images: 20 to 500 KB, the mean 110 KB. Record i is a function of its number alone."""

import functools
import hashlib
import io
import pathlib

import common
import make_shard

SMALLEST, LARGEST, MEAN = 20_000, 500_000, 110_000
SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "sample/digits.array_record"
LABELS = 64  # digits of the sample that are drawn


def size_of(i):
    """SMALLEST + (LARGEST - SMALLEST) * u^p of an even spread u: p gives the MEAN, so most are small and few are large."""
    u = (i * make_shard.GOLDEN % 2**64) / 2**64
    power = (LARGEST - SMALLEST) / (MEAN - SMALLEST) - 1
    return SMALLEST + int((LARGEST - SMALLEST) * u**power)


def noise(seed, i, size):
    return hashlib.shake_128(b"%d/%d" % (seed, i)).digest(size)


class Noise:
    """@count records that do not compress."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        return noise(1, i, size_of(i))


class Jpegs(Noise):
    """@count JPEG files: digits of the sample drawn over a grainy background. Their sizes are about those of Noise."""

    BYTES_PER_PIXEL = 0.21  # of what is drawn here

    def __init__(self, count):
        super().__init__(count)
        try:
            import PIL.Image
        except ImportError:
            raise common.BenchError("Python package Pillow is not installed") from None
        self.images = PIL.Image

    @functools.cached_property
    def digits(self):
        from array_record.python.array_record_module import ArrayRecordReader

        records = ArrayRecordReader(str(SAMPLE)).read(range(LABELS))
        return [self.images.open(io.BytesIO(record)).convert("L") for record in records]

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        side = int((size_of(i) / self.BYTES_PER_PIXEL) ** 0.5)
        digit = self.digits[i % LABELS].resize((side, side), self.images.Resampling.BICUBIC)
        tinted = self.images.merge("RGB", [digit, self.digits[(i + 1) % LABELS].resize((side, side)), digit])
        grain = self.images.frombytes("RGB", (side, side), noise(2, i, 3 * side * side))
        out = io.BytesIO()
        self.images.blend(tinted, grain, 0.12).save(out, "JPEG", quality=85)
        return out.getvalue()


KINDS = {"noise": Noise, "jpeg": Jpegs}
