/* How servers are asked, by options that both programs have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Zero-initialised members are the defaults. */
typedef struct {
    /* Microseconds within which a server must have given a range of bytes, all tries included,
     * and half of it for each request that opens an object; 0: what AREC_REQUEST_DEADLINE says,
     * in seconds, else 60 s. */
    uint64_t request_deadline;
    /* Requests in flight for each host; 0: 32. */
    unsigned max_requests;
    /* Stored bytes on their way ahead of readers, all together; without has_prefetch a quarter
     * of the cache. 0: none, but for a chunk that a reader waits for a part of. */
    bool has_prefetch;
    uint64_t prefetch;
    /* The directory of the disk cache, absolute; NULL: none. Not owned: one that was parsed
     * lives as long as the program. */
    const char *cache_dir;
    /* Bytes of disk for it, over all processes that share it; 0: 10 GiB, at most half of what
     * is free. */
    uint64_t cache_dir_size;
} ArecRemoteOptions;

typedef struct {
    const char *name;  /* `max-requests` */
    const char *value; /* as help names it */
    const char *help;
} ArecRemoteOption;

#define AREC_N_REMOTE_OPTIONS 5

/* @i in [0, AREC_N_REMOTE_OPTIONS). */
AREC_PUBLIC const ArecRemoteOption *arec_remote_option (size_t i);

/* Takes the text @value of option @i; `auto` is the default of each. Errors: INVALID, without
 * the option's name; then @options are untouched. */
AREC_PUBLIC bool arec_remote_option_set (size_t i, const char *value,
                                         ArecRemoteOptions *options, GError **error);

G_END_DECLS
