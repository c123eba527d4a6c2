/* The client for HTTP: one thread with a multi handle of libcurl, which works on all requests
 * of an engine.
 *
 *     reader: new request -> submit -> wait ---------------------------> result
 *     thread:                   queue of its host -> try -> judge -> done
 *                                     ^------ later ------'
 *
 * A client that is never asked has no thread, and libcurl is not loaded. It belongs to the
 * process that made it. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/cancel.h>

#include "remote/http_request.h"

typedef struct ArecHttpClient ArecHttpClient;

#define AREC_HTTP_DEFAULT_DEADLINE INT64_C (60000000)
#define AREC_HTTP_DEFAULT_REQUESTS 32

typedef struct {
    int64_t deadline;      /* of a range, in microseconds; 0: 60 s */
    unsigned max_requests; /* in flight for each host; 0: 32 */
    uint64_t max_ahead;    /* bytes on their way ahead of readers; 0: none */
} ArecHttpOptions;

ArecHttpClient *arec_http_client_new (const ArecHttpOptions *options);

/* Every request ends, and each one after it ends at once. Does not block. */
void arec_http_client_stop (ArecHttpClient *client);

/* Takes NULL. Nobody waits for a request any more. Blocks until the thread has ended, which
 * waits for nothing. */
void arec_http_client_free (ArecHttpClient *client);

/* Bytes that sources keep of what came with their openings, whether they were read or not.
 * Above AREC_HTTP_MAX_KEPT a source drops its own once they are read.
 * @change  added. Returns the new number. */
#define AREC_HTTP_MAX_KEPT ((int64_t)64 << 20)
int64_t arec_http_client_charge (ArecHttpClient *client, int64_t change);

/* At least so many: a reader may wait for a part of what was named. */
#define AREC_HTTP_MIN_AHEAD (UINT64_C (4) << 20)

/* Bytes of requests that are made before a reader asks: counted from when they are made until
 * they are read, or dropped. At most max_ahead, or AREC_HTTP_MIN_AHEAD if that is more.
 * @change  added. false: that would be too many; nothing was added. Fewer always are right. */
bool arec_http_client_take_ahead (ArecHttpClient *client, int64_t change);
uint64_t arec_http_client_max_ahead (const ArecHttpClient *client);

/* The same for those of them that are fetched since random reads wait for long (purchase.h): at
 * most half of max_ahead, so that readers in order find room. */
bool arec_http_client_take_bought (ArecHttpClient *client, int64_t change);
uint64_t arec_http_client_max_bought (const ArecHttpClient *client);

/* What is counted of its requests; sources add what they know. */
ArecRemoteCounters *arec_http_client_counters (ArecHttpClient *client);
void arec_http_client_get_stats (ArecHttpClient *client, ArecRemoteStats *stats);

/* How long a range may take, all tries included, in microseconds. */
int64_t arec_http_client_deadline (const ArecHttpClient *client);

/* Begins work on @request. Errors: UNSUPPORTED, there is no libcurl; IO, there is no thread.
 * Blocks on I/O the first time. */
bool arec_http_client_submit (ArecHttpClient *client, ArecHttpRequest *request, GError **error);

/* Waits until @request is done; false: @cancel is set, or the client has missed the deadline.
 * @cancel  nullable; looked at ten times a second. */
bool arec_http_client_wait (ArecHttpClient *client, ArecHttpRequest *request,
                            const ArecCancel *cancel);

/* Nobody wants the result any more: a request that is not done is cancelled. */
void arec_http_client_abandon (ArecHttpClient *client, ArecHttpRequest *request);
