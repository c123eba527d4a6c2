#include "remote/credentials.h"

#include <pthread.h>

#include "base/error.h"
#include "base/thread.h"

#define STEP_NS (AREC_PATIENCE_STEP * 1000)

struct ArecCredentials {
    ArecCredentialsOrigin origin;
    void *data;
    ArecCancel stop;

    pthread_mutex_t lock;
    pthread_cond_t fetched; /* a fetch has ended */
    ArecCredential *current;
    bool has_current;      /* it may be NULL */
    bool is_refused;       /* the current one */
    int64_t due;           /* when it is to be renewed; INT64_MAX: never */
    bool is_fetching;      /* a thread is */
    GError *failure;       /* of the last one; NULL: it did not fail */
    int64_t failed_until;  /* the failure stays until then */
    int64_t renewed_after; /* a refusal renews from then on */
    uint64_t n_renewed;
};

/* ---- made and freed ---- */

ArecCredentials *
arec_credentials_new (const ArecCredentialsOrigin *origin, void *data)
{
    ArecCredentials *credentials = g_new0 (ArecCredentials, 1);

    credentials->origin = *origin;
    credentials->data = data;
    pthread_mutex_init (&credentials->lock, NULL);
    arec_cond_init (&credentials->fetched);
    return credentials;
}

void
arec_credentials_free (ArecCredentials *credentials)
{
    if (!credentials) {
        return;
    }
    if (credentials->origin.free) {
        credentials->origin.free (credentials->data);
    }
    arec_credential_unref (credentials->current);
    g_clear_error (&credentials->failure);
    pthread_cond_destroy (&credentials->fetched);
    pthread_mutex_destroy (&credentials->lock);
    g_free (credentials);
}

void
arec_credentials_stop (ArecCredentials *credentials)
{
    arec_cancel_set (&credentials->stop);
}

/* ---- what the current one is good for ---- */

static int64_t
now_of (const ArecCredentials *credentials)
{
    return credentials->origin.now ? credentials->origin.now (credentials->data)
                                   : g_get_real_time() / G_USEC_PER_SEC;
}

/* What has ended by our clock just after it was fetched is used for a while: the clock may be
 * wrong. */
static bool
is_good_locked (const ArecCredentials *credentials, int64_t now)
{
    const ArecCredential *current = credentials->current;

    return credentials->has_current && !credentials->is_refused &&
           (!current || current->parts.ends == 0 || now < current->parts.ends ||
            now < credentials->due);
}

/* A fetch that failed is not tried again at once. */
static bool
wants_renewal_locked (const ArecCredentials *credentials, int64_t now)
{
    return now >= credentials->due && now >= credentials->failed_until;
}

/* When to renew: one that lasts only for a short while, or has ended by our clock, which may be
 * wrong, is not fetched all the time. */
static int64_t
due_of (const ArecCredential *credential, int64_t now)
{
    int64_t left;

    if (!credential || credential->parts.ends == 0) {
        return INT64_MAX;
    }
    left = credential->parts.ends - now;
    if (left <= 0) {
        return now + AREC_CREDENTIALS_PAUSE;
    }
    return credential->parts.ends - MIN (AREC_CREDENTIALS_LEAD, left / 2);
}

/* ---- fetching ---- */

static void
take_locked (ArecCredentials *credentials, ArecCredential *credential, int64_t now)
{
    credentials->n_renewed += credentials->has_current;
    arec_credential_unref (credentials->current);
    credentials->current = credential;
    credentials->has_current = true;
    credentials->is_refused = false;
    credentials->due = due_of (credential, now);
    credentials->renewed_after = now + AREC_CREDENTIALS_PAUSE;
}

/* Takes @failure. That of a caller who went away says nothing to others. */
static void
fail_locked (ArecCredentials *credentials, GError *failure, int64_t now)
{
    if (g_error_matches (failure, AREC_ERROR, AREC_ERROR_CANCELLED)) {
        g_error_free (failure);
        return;
    }
    credentials->failure = failure;
    credentials->failed_until = now + AREC_CREDENTIALS_PAUSE;
}

static void
fetch (ArecCredentials *credentials, const ArecPatience *patience)
{
    ArecCredential *credential = NULL;
    GError *failure = NULL;
    bool ok;
    int64_t now;

    credentials->is_fetching = true;
    pthread_mutex_unlock (&credentials->lock);
    ok = credentials->origin.fetch (credentials->data, patience, &credential, &failure);
    now = now_of (credentials);
    pthread_mutex_lock (&credentials->lock);
    credentials->is_fetching = false;
    g_clear_error (&credentials->failure);
    if (ok) {
        take_locked (credentials, credential, now);
    } else {
        fail_locked (credentials, failure, now);
    }
    pthread_cond_broadcast (&credentials->fetched);
}

static void
wait_locked (ArecCredentials *credentials)
{
    struct timespec until;

    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_nsec += STEP_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait (&credentials->fetched, &credentials->lock, &until);
}

static bool
fail_late (const ArecPatience *patience, GError **error)
{
    return arec_patience_is_cancelled (patience)
               ? arec_fail (error, AREC_ERROR_CANCELLED,
                            "cancelled while waiting for"
                            " credentials")
               : arec_fail (error, AREC_ERROR_NOT_FOUND,
                            "no credentials came within %d seconds",
                            (int)(AREC_CREDENTIALS_DEADLINE / G_USEC_PER_SEC));
}

/* Whether the failure of the last fetch is the answer. */
static bool
has_failed_locked (const ArecCredentials *credentials, int64_t now)
{
    return credentials->failure && now < credentials->failed_until;
}

/* Waits until there is a good one, or a failure. */
static bool
get_locked (ArecCredentials *credentials, const ArecPatience *patience, GError **error)
{
    while (!arec_patience_is_cancelled (patience) && arec_patience_left (patience, 1) > 0) {
        const int64_t now = now_of (credentials);
        const bool is_good = is_good_locked (credentials, now);

        if (is_good && (credentials->is_fetching || !wants_renewal_locked (credentials, now))) {
            return true;
        }
        if (credentials->is_fetching) {
            wait_locked (credentials);
        } else if (!is_good && has_failed_locked (credentials, now)) {
            g_propagate_error (error, g_error_copy (credentials->failure));
            return false;
        } else {
            fetch (credentials, patience);
        }
    }
    return fail_late (patience, error);
}

bool
arec_credentials_get (ArecCredentials *credentials, const ArecCancel *cancel,
                      ArecCredential **out, GError **error)
{
    const ArecPatience patience = {.deadline =
                                       g_get_monotonic_time() + AREC_CREDENTIALS_DEADLINE,
                                   .cancel = cancel,
                                   .stop = &credentials->stop};
    bool ok;

    pthread_mutex_lock (&credentials->lock);
    ok = get_locked (credentials, &patience, error);
    if (ok) {
        *out = credentials->current ? arec_credential_ref (credentials->current) : NULL;
    }
    pthread_mutex_unlock (&credentials->lock);
    return ok;
}

bool
arec_credentials_refuse (ArecCredentials *credentials, const ArecCredential *credential)
{
    const int64_t now = now_of (credentials);
    bool is_other;

    pthread_mutex_lock (&credentials->lock);
    is_other = credential != credentials->current;
    if (!is_other && credential && now >= credentials->renewed_after) {
        credentials->is_refused = true;
        is_other = true;
    }
    pthread_mutex_unlock (&credentials->lock);
    return is_other;
}

uint64_t
arec_credentials_n_renewed (ArecCredentials *credentials)
{
    uint64_t n;

    pthread_mutex_lock (&credentials->lock);
    n = credentials->n_renewed;
    pthread_mutex_unlock (&credentials->lock);
    return n;
}
