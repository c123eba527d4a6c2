/* When one try of a request has waited long enough. Pure: the clock is an argument. One thread
 * at a time. Times are microseconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Until a connection stands; that to a metadata server is near or absent. */
#define AREC_STALL_CONNECT INT64_C (5000000)
#define AREC_STALL_CONNECT_METADATA INT64_C (1000000)

/* Until the first byte of an answer: 4 x the 99th percentile of the last answers, within these
 * bounds; the longest before there are any. */
#define AREC_STALL_MIN_FIRST_BYTE INT64_C (1500000)
#define AREC_STALL_MAX_FIRST_BYTE INT64_C (20000000)

/* A body of which fewer than 1024 bytes a second arrive for 10 s. */
#define AREC_STALL_BODY_TIME INT64_C (10000000)
#define AREC_STALL_BODY_BYTES UINT64_C (10240)

#define AREC_STALL_KEPT 100

/* ---- times to the first byte, of one host ---- */

typedef struct {
    int64_t times[AREC_STALL_KEPT]; /* the last ones, in a ring */
    size_t n, next;
} ArecFirstBytes;

/* @time  from the end of the request to the first byte. */
void arec_stall_note_first_byte (ArecFirstBytes *first_bytes, int64_t time);

/* The smallest of the kept times that @percent of them, in [1, 100], do not exceed; 0: none is
 * kept. */
int64_t arec_stall_percentile (const ArecFirstBytes *first_bytes, unsigned percent);

int64_t arec_stall_first_byte_limit (const ArecFirstBytes *first_bytes);

/* ---- a body on its way ---- */

typedef struct {
    int64_t since;
    uint64_t bytes; /* that had arrived then */
} ArecBodyWatch;

/* The first byte arrived at @now. */
void arec_stall_watch_begin (ArecBodyWatch *watch, int64_t now);

/* Whether the body stalls; ask once a second or so.
 * @bytes  of the body that have arrived by @now. */
bool arec_stall_watch (ArecBodyWatch *watch, int64_t now, uint64_t bytes);

/* The same with another time than AREC_STALL_BODY_TIME. */
bool arec_stall_watch_for (ArecBodyWatch *watch, int64_t now, uint64_t bytes, int64_t time);
