/* A sink around another one that fails at a given call. */
#pragma once

#include <stdint.h>

#include "source/sink.h"

/* Shared by a test and its sink. Calls are the writes and the commit. */
typedef struct {
    uint64_t calls;       /* so far */
    int64_t fail_at_call; /* this call, from 0, fails with IO; -1: none */
} TestSinkFaults;

/* Takes @inner over. @faults outlives the sink. */
ArecSink *test_faulty_sink_new (ArecSink *inner, TestSinkFaults *faults);
