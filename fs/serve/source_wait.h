/* A request whose own thread answers it and may wait for a source, in a system call that may
 * never end. When its caller is killed, the request gets its reply, EINTR, at once, so that the
 * caller can end. The thread goes on with its call, and then finds that the reply was sent. A
 * signal that the caller catches ends nothing.
 *
 *     begin -> calls that may wait for a source -> end -> the reply
 *       |                                           |
 *       +-> false                                   +-> false   the caller has its reply
 *
 * A request that the cache can answer does none of this, and has no cost from it.
 */
#pragma once

#include <stdbool.h>

#include "serve/parked.h"

/* On the stack of the thread. */
typedef struct {
    ArecfsParked parked;
    ArecCancel cancel; /* set when the caller is killed: waiting for a network ends then */
} ArecfsSourceWait;

/* Returns false if the caller is already killed, and replies then: the calls that would wait
 * for the source must be left out. */
bool arecfs_source_wait_begin (ArecfsSourceWait *wait, const ArecfsRequest *request);

/* Returns whether the reply is still to be sent. If not, libfuse's request is gone, and so may
 * be what the kernel keeps for the process: its open directory. */
bool arecfs_source_wait_end (ArecfsSourceWait *wait);

/* Threads that still wait although their request has its reply. */
unsigned arecfs_source_wait_n_late (void);
