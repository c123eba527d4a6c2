/* Ranges of a source's bytes, and how soon they are wanted. */
#pragma once

#include <stdint.h>

/* Bytes [begin, end); none if end <= begin. */
typedef struct {
    uint64_t begin, end;
} ArecRange;

typedef enum {
    AREC_URGENCY_DEMAND, /* a reader waits */
    AREC_URGENCY_FRONT,  /* a reader will look at its beginning, and perhaps at the rest */
    AREC_URGENCY_AHEAD,  /* a reader will probably come to it */
    AREC_URGENCY_IDLE,   /* worth having when nothing else is wanted; in the largest parts */
    AREC_N_URGENCIES,
} ArecUrgency;
