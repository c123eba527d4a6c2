/* The inside of an ArecReader, for the files of this room that implement it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arec/reader.h>
#include <arec/sources.h>

#include "arrayrecord/shard.h"
#include "dataset/engine.h"

typedef struct {
    ArecShard *shard;
    uint64_t chunk_owner; /* of the file's chunks in the cache */
    uint64_t sizes_owner; /* of its size lists */
    uint64_t names_owner; /* of the names of its records */
    uint64_t first;       /* the file's records [first, end) are in the sequence */
    uint64_t end;
    uint64_t base; /* number in the sequence of record `first` */
    _Atomic bool is_in_size_work;
    _Atomic uint64_t failed_stamp; /* the source's stamp at the remembered failures */
    _Atomic bool was_retried;      /* failures were forgotten, so that chunks are tried again */
} ArecReaderFile;

struct ArecReader {
    _Atomic unsigned refs;
    ArecEngine *engine;
    ArecSourceList *list;
    unsigned parallelism;
    bool recovers;       /* opened with ArecReaderOptions.recover */
    uint64_t ahead_size; /* bytes */
    uint64_t n_records;
    _Atomic uint64_t size_work; /* bytes */
    size_t n_files;
    ArecReaderFile files[];
};
