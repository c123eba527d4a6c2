/* The text of a remote SOURCE, taken apart. Pure functions, any thread; no host is looked up.
 *
 *     https://HOST:PORT/PATH?QUERY      http://...        one object, or shards
 *     s3://BUCKET/KEY                   gs://BUCKET/KEY   the same, a pattern, or a prefix
 *
 * The caller has cut off a trailing `[a:b]`, which every remote SOURCE may have. A query may be
 * a secret (signed URLs), and so may a password that does not belong here: no message and no
 * text but arec_url_whole () holds either.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* Bytes of a key in a bucket, of a host name, of a bucket's name, and of a name that a
 * directory of the mount can have. */
#define AREC_URL_MAX_KEY 1024
#define AREC_URL_MAX_HOST 253
#define AREC_URL_MAX_BUCKET 255
#define AREC_URL_MAX_NAME 255

#define AREC_URL_MAX_SHARDS 99999

typedef enum { AREC_URL_HTTP, AREC_URL_HTTPS, AREC_URL_S3, AREC_URL_GS } ArecUrlScheme;

typedef enum {
    AREC_URL_OBJECT, /* one object */
    AREC_URL_SHARDS, /* `NAME@8` or `NAME-?????-of-00008`: objects known without a listing */
    AREC_URL_GLOB,   /* a pattern with `*`, `?` or `[`, for the keys of a bucket */
    AREC_URL_PREFIX, /* every key that begins so: it is empty or ends in `/` */
} ArecUrlForm;

/* How a text is meant. */
typedef enum {
    AREC_URL_TYPED,    /* a SOURCE, in any form */
    AREC_URL_LITERAL,  /* one object, whatever characters its key has */
    AREC_URL_ENDPOINT, /* http or https, a server: its path is empty or does not end in `/` */
} ArecUrlUse;

typedef struct {
    ArecUrlScheme scheme;
    ArecUrlForm form;
    char *host;    /* http, https: lower case, an IPv6 address without brackets; else NULL */
    unsigned port; /* as typed, in [1, 65535]; 0: none was typed */
    char *bucket;  /* s3, gs; else NULL */
    /* s3, gs: bytes as typed. http, https: the path from its first `/` on, in which spaces and
     * bytes above 0x7f became %XX. It is sent as it stands: segments `.` and `..` stay. SHARDS:
     * without the numbers. */
    char *key;
    char *query;      /* http, https: what follows `?`; NULL: there is no `?`. A secret */
    size_t prefix;    /* GLOB: bytes of the key before its pattern. PREFIX: all of the key */
    unsigned shards;  /* SHARDS: how many, in [1, AREC_URL_MAX_SHARDS] */
    size_t number_at; /* SHARDS: where `-00003-of-00008` goes into the key */
} ArecUrl;

/* Whether @text is `scheme://...`, of any scheme: it is no path then. */
bool arec_url_is_url (const char *text);

/* @url  (out) clear it; untouched on failure.
 * Errors: INVALID. Its message begins with arec_url_redact () of @text. */
bool arec_url_parse (const char *text, ArecUrlUse use, ArecUrl *url, GError **error);
void arec_url_clear (ArecUrl *url); /* takes a zeroed one */

/* The object @key beside @url, with the same host, query or bucket: a shard, or a key of a
 * listing. Errors: INVALID, the key is empty or longer than AREC_URL_MAX_KEY in a bucket. */
bool arec_url_with_key (const ArecUrl *url, const char *key, ArecUrl *object, GError **error);

/* The name of the directory of an OBJECT: the last segment of its key; http and https: with
 * %XX decoded. Errors: INVALID, no directory can have it: empty, `.`, `..`, with `/` or NUL,
 * longer than AREC_URL_MAX_NAME. Returns (transfer full); NULL: the error is set. */
char *arec_url_name (const ArecUrl *url, GError **error);

/* `HOST` or `HOST:PORT` of http and https, as a `Host` header has it: without the port that is
 * the default of the scheme, an IPv6 address in brackets. Returns (transfer full). */
char *arec_url_authority (const ArecUrl *url);

/* The port of http and https to connect to. */
unsigned arec_url_port (const ArecUrl *url);

/* The URL without its query, for messages, logs and attributes. Returns (transfer full). */
char *arec_url_shown (const ArecUrl *url);

/* The URL with its query: a secret. It is parsed to an equal one. Returns (transfer full). */
char *arec_url_whole (const ArecUrl *url);

/* What may be shown of @text, which need not be right: a URL loses its query and fragment, all
 * behind `://` if its authority holds `@` or a port that is no number, and all that is no
 * remote URL stays. Returns (transfer full). */
char *arec_url_redact (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecUrl, arec_url_clear)
