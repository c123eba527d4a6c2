/* A request that waits without a thread, and that ends at once when its caller is killed: the
 * kernel tells of any signal, and keeps the caller until there is a reply.
 *
 *     init -> arm -> begin -> claim -> disarm -> a reply          by the owner
 *                      |
 *                      +-> withdrawn, EINTR                       by whoever takes an interrupt
 *
 * Embedded in what its owner queues. It is the owner's lock that decides who replies; libfuse
 * holds one of its own, that comes before it, when it tells of an interrupt. So arm and disarm
 * are called without the owner's lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "request.h"

typedef struct ArecfsParked ArecfsParked;

typedef enum {
    ARECFS_STAYS,      /* it waits on */
    ARECFS_TAKEN,      /* it gets its reply now, and the owner keeps what it is embedded in */
    ARECFS_TAKEN_FREE, /* the same, and that is freed by g_free (): @parked is its first member
                        */
} ArecfsWithdrawal;

/* The caller got a signal: takes the request out of where it waits, or lets it wait. The
 * owner's lock is held.
 * @is_killed  the caller cannot go on; else it may catch the signal, and meet EINTR where few
 * programs expect it. */
typedef ArecfsWithdrawal (*ArecfsWithdraw) (ArecfsParked *parked, bool is_killed);

struct ArecfsParked {
    ArecfsRequest request; /* its name is our own */
    pthread_mutex_t *lock; /* the owner's, which guards the next three */
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

/* The owner will reply. false: it is interrupted, and the reply another one's. */
bool arecfs_parked_claim_locked (ArecfsParked *parked);

/* Of a request that the owner replies to, just before: nothing looks at @parked any more. */
void arecfs_parked_disarm (ArecfsParked *parked);
