#include "serve/parked.h"

#include <errno.h>

static void on_killed (ArecfsCaller *caller);

void
arecfs_parked_init (ArecfsParked *parked, const ArecfsRequest *request, pthread_mutex_t *lock,
                    ArecfsWithdraw withdraw)
{
    *parked = (ArecfsParked){
        .request = *request,
        .caller = {.thread = fuse_req_ctx (request->req)->pid, .on_killed = on_killed},
        .lock = lock,
        .withdraw = withdraw};
    parked->request.name = g_strdup (request->name);
}

void
arecfs_parked_clear (ArecfsParked *parked)
{
    g_free ((char *)parked->request.name);
    parked->request.name = NULL;
}

static ArecfsWithdrawal
interrupt_locked (ArecfsParked *parked, bool killed)
{
    ArecfsWithdrawal withdrawal = ARECFS_STAYS;

    parked->is_interrupted = true;
    parked->is_killed = killed;
    if (parked->waits) {
        withdrawal = parked->withdraw (parked, killed);
    }
    if (withdrawal != ARECFS_STAYS) {
        parked->waits = false;
    }
    return withdrawal;
}

/* Returns whether @parked, whose caller got a signal, is withdrawn and has its reply: it may be
 * gone then. */
static bool
interrupt (ArecfsParked *parked, bool killed)
{
    ArecfsWithdrawal withdrawal;
    ArecfsRequest request;

    pthread_mutex_lock (parked->lock);
    request = parked->request;
    withdrawal = interrupt_locked (parked, killed);
    pthread_mutex_unlock (parked->lock);
    switch (withdrawal) {
    case ARECFS_STAYS: return false;
    case ARECFS_TAKEN:
        request.name = NULL; /* its owner may have freed it by now */
        arecfs_reply_errno (&request, EINTR);
        return true;
    case ARECFS_TAKEN_FREE:
        arecfs_reply_errno (&request, EINTR);
        arecfs_parked_clear (parked);
        g_free (parked);
        return true;
    }
    g_assert_not_reached();
}

static void
on_killed (ArecfsCaller *caller)
{
    ArecfsParked *parked = (ArecfsParked *)((char *)caller - offsetof (ArecfsParked, caller));

    /* Waits for an interrupt that is being reported: its data may be freed then. */
    fuse_req_interrupt_func (parked->request.req, NULL, NULL);
    interrupt (parked, true);
}

static bool
is_interrupted (ArecfsParked *parked)
{
    bool is_interrupted;

    pthread_mutex_lock (parked->lock);
    is_interrupted = parked->is_interrupted;
    pthread_mutex_unlock (parked->lock);
    return is_interrupted;
}

/* Called with libfuse's lock of the request held, which exists until this returns, whatever
 * the reply frees. The kernel may report the same signal twice; then its caller is followed. */
static void
on_interrupt (fuse_req_t req, void *data)
{
    ArecfsParked *parked = data;
    bool is_killed;

    (void)req;
    if (is_interrupted (parked)) {
        return;
    }
    is_killed = arecfs_caller_is_killed (parked->caller.thread);
    /* What stays is there as long as libfuse's lock is held: disarming waits for that. */
    if (!interrupt (parked, is_killed) && !is_killed) {
        arecfs_caller_follow (&parked->caller);
    }
}

void
arecfs_parked_arm (ArecfsParked *parked)
{
    fuse_req_interrupt_func (parked->request.req, on_interrupt, parked);
}

bool
arecfs_parked_begin_locked (ArecfsParked *parked)
{
    parked->waits = !parked->is_killed;
    return parked->waits;
}

bool
arecfs_parked_claim_locked (ArecfsParked *parked)
{
    bool waited = parked->waits;

    parked->waits = false;
    return waited;
}

void
arecfs_parked_disarm (ArecfsParked *parked)
{
    /* Waits for an interrupt that is being reported. */
    fuse_req_interrupt_func (parked->request.req, NULL, NULL);
    arecfs_caller_leave (&parked->caller);
}
