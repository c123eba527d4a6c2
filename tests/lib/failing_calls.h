/* Calls of the system that fail when a test says so. They stand in front of libc's in each test
 * that uses test_calls, for the calls of the engine too.
 *
 * One thread. Counted are openat, write, fsync, close, linkat, unlinkat, renameat, renameat2,
 * fchmod and fchown, while is_counting holds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    /* Of file systems that lack something. */
    bool without_tmpfile;  /* openat () knows no O_TMPFILE */
    bool without_exchange; /* renameat2 () knows no RENAME_EXCHANGE */
    bool without_owners;   /* fchown () is not permitted */
    bool short_writes;     /* write () takes 7 bytes at most */
    bool empty_writes;     /* write () takes none and says so */

    bool is_counting;
    int64_t n_calls;
    int64_t fail_at;    /* the number of the call that fails with EIO, from 0; -1: none */
    const char *failed; /* the name of the one that did; NULL: none yet */
    int64_t stop_at;    /* the number of the call after which `stop` is called; -1: none */
    void (*stop) (void);
} TestCalls;

extern TestCalls test_calls;

/* Counts from 0 on; nothing fails or stops unless it is set then. */
void test_calls_begin (void);
void test_calls_end (void);
