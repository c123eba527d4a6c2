#include "parked.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void
arecfs_parked_init (ArecfsParked *parked, const ArecfsRequest *request, pthread_mutex_t *lock,
                    ArecfsWithdraw withdraw)
{
    *parked = (ArecfsParked){.request = *request, .lock = lock, .withdraw = withdraw};
    parked->request.name = g_strdup (request->name);
}

void
arecfs_parked_clear (ArecfsParked *parked)
{
    g_free ((char *)parked->request.name);
    parked->request.name = NULL;
}

/* Whether SIGKILL, or what amounts to it, awaits the thread @thread. What we cannot see may be
 * gone. */
static bool
is_killed (pid_t thread)
{
    static const char pending[] = "\nSigPnd:\t";
    char path[32], text[4096];
    const char *at;
    ssize_t n;
    int fd;

    g_snprintf (path, sizeof path, "/proc/%d/status", (int)thread);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return true;
    }
    n = read (fd, text, sizeof text - 1);
    close (fd);
    text[MAX (n, 0)] = '\0';
    at = strstr (text, pending);
    return !at || g_ascii_strtoull (at + strlen (pending), NULL, 16) >> (SIGKILL - 1) & 1;
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

/* Called with libfuse's lock of the request held, which stays until this returns, whatever the
 * reply frees. */
static void
on_interrupt (fuse_req_t req, void *data)
{
    ArecfsParked *parked = data;
    bool killed = is_killed (fuse_req_ctx (req)->pid);
    ArecfsWithdrawal withdrawal;
    ArecfsRequest request;

    pthread_mutex_lock (parked->lock);
    request = parked->request;
    withdrawal = interrupt_locked (parked, killed);
    pthread_mutex_unlock (parked->lock);
    switch (withdrawal) {
    case ARECFS_STAYS: return;
    case ARECFS_TAKEN:
        request.name = NULL; /* its owner may have freed it by now */
        arecfs_reply_errno (&request, EINTR);
        return;
    case ARECFS_TAKEN_FREE:
        arecfs_reply_errno (&request, EINTR);
        arecfs_parked_clear (parked);
        g_free (parked);
        return;
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
    /* Waits for an interrupt that is being told. */
    fuse_req_interrupt_func (parked->request.req, NULL, NULL);
}
