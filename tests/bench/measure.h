/* Passes over a file and the best of them, for the programs that decode whole files. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
    double user, system, wall; /* seconds */
} Times;

static inline double
seconds_of (struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* The times of all threads of this process until now. */
static inline Times
times_now (void)
{
    struct rusage usage;
    struct timespec now;

    getrusage (RUSAGE_SELF, &usage);
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (Times){seconds_of (usage.ru_utime), seconds_of (usage.ru_stime),
                   (double)now.tv_sec + (double)now.tv_nsec * 1e-9};
}

/* Calls @pass @n times, at least once, and prints `RECORDS BYTES USER SYSTEM WALL`: the
 * records that it returned, the bytes that it counted, the CPU seconds of the pass that took
 * the fewest, and the fewest wall seconds of all passes. */
static inline void
measure (unsigned n, uint64_t (*pass) (void *data, uint64_t *bytes), void *data)
{
    Times best = {1e9, 1e9, 1e9};
    uint64_t records = 0, bytes = 0;

    for (unsigned i = 0; i == 0 || i < n; i++) {
        Times before = times_now(), after;
        double user, system, wall;

        records = pass (data, &bytes);
        after = times_now();
        user = after.user - before.user;
        system = after.system - before.system;
        wall = after.wall - before.wall;
        if (user + system < best.user + best.system) {
            best.user = user;
            best.system = system;
        }
        best.wall = wall < best.wall ? wall : best.wall;
    }
    printf ("%llu %llu %.6f %.6f %.6f\n", (unsigned long long)records,
            (unsigned long long)bytes, best.user, best.system, best.wall);
}
