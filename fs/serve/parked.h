/* A request that waits, without a thread or with one that cannot go on, and that ends at once
 * when its caller is killed: the kernel reports a signal, and keeps the caller until there is a
 * reply. It reports only the first signal, so a caller whose signal ended nothing is followed,
 * and a later signal that kills it is noticed within 0.1 s.
 *
 *     init -> arm -> begin -> claim -> disarm -> a reply   by the owner
 *                      |
 *                      +-> withdrawn, EINTR                by the thread that is told of an
 *                                                          interrupt, or follows the caller
 *
 * Embedded in what its owner queues. The owner's lock decides which thread replies. libfuse
 * holds a lock of its own, which comes before it, when it reports an interrupt. So arm and
 * disarm are called without the owner's lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "serve/caller.h"
#include "serve/request.h"

typedef struct ArecfsParked ArecfsParked;

typedef enum {
    ARECFS_STAYS,      /* it waits on */
    ARECFS_TAKEN,      /* it gets its reply now, and the owner keeps what it is embedded in */
    ARECFS_TAKEN_FREE, /* the same, and g_free () frees that: @parked is its first member */
} ArecfsWithdrawal;

/* The caller got a signal: takes the request out of where it waits, or lets it wait. The
 * owner's lock is held.
 * @is_killed  the caller cannot go on; else it may catch the signal, and meet EINTR where few
 * programs expect it. */
typedef ArecfsWithdrawal (*ArecfsWithdraw) (ArecfsParked *parked, bool is_killed);

struct ArecfsParked {
    ArecfsRequest request; /* its name is our own */
    ArecfsCaller caller;
    pthread_mutex_t *lock; /* the owner's, which guards what follows */
    bool waits;            /* no thread is about to reply */
    bool is_interrupted;   /* its caller got a signal */
    bool is_killed;        /* one that ends it */
    ArecfsWithdraw withdraw;
};

/* Copies @request. arecfs_parked_clear (). */
void arecfs_parked_init (ArecfsParked *parked, const ArecfsRequest *request,
                         pthread_mutex_t *lock, ArecfsWithdraw withdraw);
void arecfs_parked_clear (ArecfsParked *parked);

/* From now on interrupts are heard. */
void arecfs_parked_arm (ArecfsParked *parked);

/* It waits. false: its caller has been killed already, and the owner replies. */
bool arecfs_parked_begin_locked (ArecfsParked *parked);

/* The owner will reply. false: it is withdrawn, and the reply another one's. */
bool arecfs_parked_claim_locked (ArecfsParked *parked);

/* Of a request that the owner replies to, just before: nothing looks at @parked any more. */
void arecfs_parked_disarm (ArecfsParked *parked);
