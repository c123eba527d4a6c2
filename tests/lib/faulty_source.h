/* A source around another one that counts calls, fails or lies. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "source/source.h"

/* Shared by a test and its source. */
typedef struct {
    _Atomic uint64_t reads;       /* calls so far */
    _Atomic uint64_t bytes;       /* given so far */
    _Atomic int64_t fail_at_read; /* this call, from 0, fails with IO; -1: none */
    _Atomic bool changed;         /* from now on every check says CHANGED */
    _Atomic uint64_t stamps;      /* how often the source's stamp has moved */
    _Atomic uint64_t state;       /* what explains that the stamp has moved */
    _Atomic bool being_written;   /* a writer has it open */
    /* Bytes [written_begin, written_end) have been written: now they are those of another
     * source of the same size. No other thread reads while these change. */
    const uint8_t *written;
    uint64_t written_begin, written_end;
    uint64_t hole_begin; /* the hole that is reported; none if both are 0 */
    uint64_t hole_end;
    _Atomic uint64_t n_asked_for_data; /* calls for holes so far */
    ArecCancel *cancel;                /* set by call @cancel_at, from 0; NULL: none */
    uint64_t cancel_at;
} TestFaults;

/* Takes @inner over. @faults outlives the source. */
ArecSource *test_faulty_source_new (ArecSource *inner, TestFaults *faults);
