/* How long requests take: a histogram of buckets whose bounds double, from 250 ns to 16.8 s.
 *
 *     bucket    0        1             ...  26                 27
 *     holds     ..250    251..500           8.4 s .. 16.8 s    all above
 *
 * Any thread. Each number is exact, but they are not of one moment.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define ARECFS_LATENCY_BUCKETS 28

typedef struct {
    _Atomic uint64_t sum; /* nanoseconds */
    _Atomic uint64_t max;
    _Atomic uint64_t buckets[ARECFS_LATENCY_BUCKETS];
} ArecfsLatency;

/* The bucket, in [0, ARECFS_LATENCY_BUCKETS), for @ns nanoseconds. */
unsigned arecfs_latency_bucket (uint64_t ns);

/* The most nanoseconds that @bucket holds. Not for the last bucket, which has no bound. */
uint64_t arecfs_latency_bound (unsigned bucket);

void arecfs_latency_add (ArecfsLatency *latency, uint64_t ns);

/* Adds the counts and times of @other. */
void arecfs_latency_merge (ArecfsLatency *latency, const ArecfsLatency *other);

/* How many times arecfs_latency_add () was called. */
uint64_t arecfs_latency_count (const ArecfsLatency *latency);
