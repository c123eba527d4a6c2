/* The credentials of one account: the one that requests are signed with now, which is fetched
 * when it is first wanted, renewed before it ends, and renewed when a server refuses it.
 *
 *     credentials_aws_new () or credentials_gcs_new ()
 *       get -> request, signed -> answer
 *                                   401, ExpiredToken: refuse -> get -> request, once more
 *
 * One thread fetches at a time, without a lock; others get the old credential meanwhile, or
 * wait if there is none that is good. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cancel.h>

#include "remote/credential.h"
#include "remote/patience.h"

/* How long before its end a credential is renewed, in seconds; a shorter one after half of its
 * time. */
#define AREC_CREDENTIALS_LEAD 300

/* After a failed renewal, or after a refused one, the next one is this much later. Until then
 * the old credential is used, or a failure stays. */
#define AREC_CREDENTIALS_PAUSE 5

/* How long a fetch may take, in microseconds: a program that gives credentials has a minute,
 * and servers half of one. */
#define AREC_CREDENTIALS_DEADLINE INT64_C (70000000)

typedef struct ArecCredentials ArecCredentials;

/* Where they come from. @data of each is the same. */
typedef struct {
    /* @out  (transfer full) NULL: requests are not signed.
     * Threads: any, one at a time. Blocks until @patience ends at most. */
    bool (*fetch) (void *data, const ArecPatience *patience, ArecCredential **out,
                   GError **error);
    void (*free) (void *data);   /* NULL: nothing to free */
    int64_t (*now) (void *data); /* unix seconds; NULL: the time */
} ArecCredentialsOrigin;

/* @data  (transfer full) by @origin's free (). */
ArecCredentials *arec_credentials_new (const ArecCredentialsOrigin *origin, void *data);

/* Takes NULL. Nobody is in a call, nor begins one. */
void arec_credentials_free (ArecCredentials *credentials);

/* Every call ends soon, and each one after it at once, with CANCELLED. Does not block. */
void arec_credentials_stop (ArecCredentials *credentials);

/* @cancel  nullable.
 * @out     (transfer full) NULL: requests are to be sent unsigned.
 * Errors: NOT_FOUND, there are none, or who gives them says no: the message says where was
 * looked, in order; INVALID, CORRUPT, LIMIT, a file or an answer is malformed; UNSUPPORTED;
 * CANCELLED; NOMEM. No message holds a secret. Blocks on I/O and requests, at most for
 * AREC_CREDENTIALS_DEADLINE; call with no lock held. */
bool arec_credentials_get (ArecCredentials *credentials, const ArecCancel *cancel,
                           ArecCredential **out, GError **error);

/* A server said of @credential that it is none: it is not given out again, unless the next
 * fetch brings the same.
 * @credential  NULL: the request was unsigned.
 * Returns whether the next get may give another one, so that it is worth asking again. */
bool arec_credentials_refuse (ArecCredentials *credentials, const ArecCredential *credential);

/* How often a credential took the place of another one. */
uint64_t arec_credentials_n_renewed (ArecCredentials *credentials);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCredentials, arec_credentials_free)
