/* A short request and its answer, whole: for credentials, which are rarely asked for. It works
 * in the thread of the caller, with a handle of its own, and follows no redirect.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "remote/patience.h"
#include "remote/secrets.h"

#define AREC_HTTP_EXCHANGE_MAX_BODY ((size_t)1 << 20)
#define AREC_HTTP_EXCHANGE_MAX_HEAD ((size_t)64 << 10)

typedef enum {
    /* Any server: by a proxy where there is one, at no link-local address. */
    AREC_HTTP_REACH_SERVERS,
    /* What gives this machine its credentials: by no proxy, at any address, 1 s to connect. */
    AREC_HTTP_REACH_METADATA,
} ArecHttpReach;

/* Nothing of it is owned. URL, headers and body may be secrets. */
typedef struct {
    const char *method; /* GET, POST, PUT */
    const char *url;
    const char *const *headers; /* `Name: value`, the last one is NULL; NULL: none */
    const char *body;           /* of POST */
    ArecHttpReach reach;
    int64_t limit;       /* of one try, in microseconds */
    const char *ca_file; /* NULL: by the environment, else the system's */
    /* A header without which the answer is from another server, `Name: value`; NULL: none. */
    const char *proof;
} ArecHttpExchange;

typedef struct {
    unsigned status;
    const char *text; /* the body, at most AREC_HTTP_EXCHANGE_MAX_BODY, and a NUL */
    size_t size;
    ArecSecrets memory;
} ArecHttpReply;

/* Asks; what fails on the way, 429 and 5xx are tried again, METADATA once, SERVERS twice.
 * @reply  (out) arec_http_reply_clear (); whatever the status is. Untouched on failure.
 * Errors: NOT_FOUND, there is no answer: the reason, without the URL; LIMIT, it is too long;
 * CANCELLED; UNSUPPORTED, there is no libcurl; NOMEM. Blocks until @patience ends at most. */
bool arec_http_exchange (const ArecHttpExchange *exchange, const ArecPatience *patience,
                         ArecHttpReply *reply, GError **error);

void arec_http_reply_clear (ArecHttpReply *reply); /* takes a zeroed one */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecHttpReply, arec_http_reply_clear)
