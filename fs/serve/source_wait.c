#include "serve/source_wait.h"

#include <errno.h>
#include <stdatomic.h>

/* Decides which thread replies, for all requests that wait for a source. Each could not have
 * its own lock: it would lie in memory that may be freed while it is being unlocked. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_uint n_late;

/* A program expects neither a READ nor a look-up to fail because it catches a signal. */
static ArecfsWithdrawal
withdraw (ArecfsParked *parked, bool is_killed)
{
    ArecfsSourceWait *wait = (ArecfsSourceWait *)parked;

    if (!is_killed) {
        return ARECFS_STAYS;
    }
    arec_cancel_set (&wait->cancel);
    n_late++;
    return ARECFS_TAKEN;
}

bool
arecfs_source_wait_begin (ArecfsSourceWait *wait, const ArecfsRequest *request)
{
    bool waits;

    wait->cancel = (ArecCancel){0};
    arecfs_parked_init (&wait->parked, request, &lock, withdraw);
    arecfs_parked_arm (&wait->parked);
    pthread_mutex_lock (&lock);
    waits = arecfs_parked_begin_locked (&wait->parked);
    pthread_mutex_unlock (&lock);
    if (!waits) {
        arecfs_parked_disarm (&wait->parked);
        arecfs_parked_clear (&wait->parked);
        arecfs_reply_errno (request, EINTR);
        return false;
    }
    arec_cancel_bind (&wait->cancel);
    return true;
}

bool
arecfs_source_wait_end (ArecfsSourceWait *wait)
{
    bool is_ours;

    arec_cancel_bind (NULL);
    pthread_mutex_lock (&lock);
    is_ours = arecfs_parked_claim_locked (&wait->parked);
    pthread_mutex_unlock (&lock);
    if (is_ours) {
        arecfs_parked_disarm (&wait->parked);
    } else {
        n_late--;
    }
    arecfs_parked_clear (&wait->parked);
    return is_ours;
}

unsigned
arecfs_source_wait_n_late (void)
{
    return n_late;
}
