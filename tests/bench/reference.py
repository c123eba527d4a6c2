"""Reads by the reference implementation alone, in a process whose start is not measured.

    reference.py inorder|all|random FILE COUNT SEED

Prints the seconds and the bytes. inorder: one read () after the other; all: read_all (), with all its threads; random:
read ([i]) for COUNT records in a random order. The time of the opening counts in the first two; it does not in random,
because a mount has read its index before its first READ.
"""

import json
import random
import sys
import time

import common


def measure(mode, path, count, seed=0, limit=900):
    """(seconds, bytes)"""
    return common.run_worker([sys.executable, __file__, mode, str(path), str(count), str(seed)], limit, f"reference, {mode}")


def main(mode, path, count, seed):
    from array_record.python.array_record_module import ArrayRecordReader

    begin = time.perf_counter()
    size = 0
    if mode == "all":
        # The records are counted after the clock has stopped.
        records = ArrayRecordReader(path).read_all()
        seconds = time.perf_counter() - begin
        size = sum(map(len, records))
    elif mode == "inorder":
        reader = ArrayRecordReader(path)
        for _ in range(int(count)):
            size += len(reader.read())
        seconds = time.perf_counter() - begin
    else:
        # The options that Grain uses for random access.
        reader = ArrayRecordReader(path, "readahead_buffer_size:0,max_parallelism:0")
        wanted = random.Random(int(seed)).sample(range(reader.num_records()), int(count))
        begin = time.perf_counter()
        for i in wanted:
            size += len(reader.read([i])[0])
        seconds = time.perf_counter() - begin
    print(json.dumps([seconds, size]))


if __name__ == "__main__":
    main(*sys.argv[1:])
