/* Sources that count, fail or lie: wrapped around another one. */
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
    _Atomic bool being_written;   /* somebody has it open for writing */
} TestFaults;

/* Takes @inner over. @faults outlives the source. */
ArecSource *test_faulty_source_new (ArecSource *inner, TestFaults *faults);
