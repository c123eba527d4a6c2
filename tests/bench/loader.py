"""A reader like PyTorch's DataLoader with workers: plain Python processes that read batches in a random order.

    loader.py files|reference SOURCE RECORDS COUNT PROCESSES SEED

SOURCE is a directory of RECORDS files, or an ArrayRecord file that each worker opens with the reference. COUNT records
are read in batches of 32, dealt to the workers as they become free. Prints the seconds from the first batch to the last
and the bytes.
"""

import json
import multiprocessing
import os
import random
import sys
import time

import common

BATCH = 32


def measure(kind, source, records, count, processes, seed, limit=900):
    """(seconds, bytes)"""
    argv = [kind, source, records, count, processes, seed]
    return common.run_worker([sys.executable, __file__, *map(str, argv)], limit, f"loader of {source}")


class Files:
    def __init__(self, folder, records):
        self.folder, self.records = folder, records

    def read(self, batch):
        size = 0
        for i in batch:
            with open(os.path.join(self.folder, common.record_name(self.records, i)), "rb", buffering=0) as file:
                size += len(file.read())
        return size


class Reference:
    def __init__(self, path, _records):
        from array_record.python.array_record_module import ArrayRecordReader

        self.reader = ArrayRecordReader(path, "readahead_buffer_size:0,max_parallelism:0")

    def read(self, batch):
        return sum(map(len, self.reader.read(batch)))


_dataset = None


def _start(kind, source, records, ready):
    global _dataset
    _dataset = {"files": Files, "reference": Reference}[kind](source, records)
    ready.wait()


def _read(batch):
    return _dataset.read(batch)


def main(kind, source, records, count, processes, seed):
    records, count, processes = int(records), int(count), int(processes)
    order = random.Random(int(seed)).sample(range(records), count)
    batches = [order[i:i + BATCH] for i in range(0, count, BATCH)]
    ready = multiprocessing.Barrier(processes + 1)
    with multiprocessing.Pool(processes, _start, (kind, source, records, ready)) as pool:
        ready.wait()
        begin = time.perf_counter()
        size = sum(pool.imap_unordered(_read, batches))
        seconds = time.perf_counter() - begin
    print(json.dumps([seconds, size]))


if __name__ == "__main__":
    main(*sys.argv[1:])
