"""Records and options of a writer, made at random: the same ones for the same state of RNG."""

from native import varint


def random_size(rng):
    return rng.choice([
        lambda: 0,
        lambda: 1,
        lambda: rng.randrange(2, 128),
        lambda: rng.randrange(128, 3000),
        lambda: 4096 + rng.randrange(-2, 3),
        lambda: rng.randrange(65536 - 100, 65536 + 100),
        lambda: rng.randrange(65537, 300_000),
        lambda: rng.randrange(1 << 20, 3 << 20)])


def random_record(rng, size):
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(size)
    if kind == 1:
        return rng.randbytes(size)
    piece = rng.randbytes(rng.randrange(1, 40)) + b" the quick brown fox \n"
    if kind == 2:
        return (piece * (size // len(piece) + 1))[:size]
    return b"".join(rng.choice([piece, b"0123", rng.randbytes(3)])
                    for _ in range(size // 3 + 1))[:size]


def random_message(rng, depth=3):
    """A protobuf message of a few fields."""
    out = b""
    for number in sorted(rng.sample(range(1, 20), rng.randrange(6))):
        kind = rng.randrange(4)
        if kind == 0:
            out += varint(number << 3) + varint(rng.randrange(1 << rng.randint(1, 64)))
        elif kind == 1:
            out += varint(number << 3 | 5) + rng.randbytes(4)
        else:
            inner = random_message(rng, depth - 1) if kind == 2 and depth > 0 else b"text %d" % rng.randrange(1000)
            out += varint(number << 3 | 2) + varint(len(inner)) + inner
    return out


def random_records(rng, sizes=(10_000, 200_000, 2_000_000, 6_000_000)):
    """Messages, or records of one kind of size, of a few kinds, or of all; at most one of SIZES bytes together, but for a
    single one."""
    if rng.random() < 0.2:
        return [random_message(rng) for _ in range(rng.choice([1, 10, 65, 300]))]
    kinds = [random_size(rng) for _ in range(rng.choice([1, 1, 2, 3, 8]))]
    records, left = [], rng.choice(sizes)
    for _ in range(rng.choice([0, 1, 2, 10, 63, 64, 65, 300, 1000])):
        record = random_record(rng, rng.choice(kinds)())
        left -= len(record)
        if left < 0 and records:
            break
        records.append(record)
    return records


def random_options(rng, codec=None):
    """An option string, of CODEC if that is given; "" is the default codec."""
    options = []
    if rng.random() < 0.9:
        options.append(f"group_size:{rng.choice([1, 1, 2, 3, 7, 10, 64, 100, 1000, 65536])}")
    drawn = rng.choice(["uncompressed", "brotli", "zstd", "snappy", ""])
    codec = drawn if codec is None else codec
    if codec == "brotli":
        options.append(rng.choice(["brotli", f"brotli:{rng.randrange(0, 12)}"]))
        if rng.random() < 0.5:
            options.append(f"window_log:{rng.randrange(10, 27)}")
    elif codec == "zstd":
        level = rng.choice([-50, -5, -1, 1, 2, 3, 5, 9, 15, 19])
        options.append(rng.choice(["zstd", f"zstd:{level}"]))
        if rng.random() < 0.5:
            options.append(f"window_log:{rng.choice(['auto', *range(10, 27)])}")
    elif codec == "snappy":
        options.append(rng.choice(["snappy", "snappy:1", "snappy:2"]))
    elif codec:
        options.append(codec)
    if rng.random() < 0.25:
        options.append("pad_to_block_boundary:true")
    if rng.random() < 0.3:
        options.append("transpose:true")
    rng.shuffle(options)
    return ",".join(options)
