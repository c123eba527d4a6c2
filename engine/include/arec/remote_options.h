/* How servers are asked, by options that both programs have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Where the name of a bucket stands in a request: `https://BUCKET.HOST/KEY` or
 * `https://HOST/BUCKET/KEY`. */
typedef enum {
    /* Virtual on AWS's own servers if the name holds [a-z0-9-] only, as a `.` in it would match
     * no certificate; else path. */
    AREC_ADDRESSING_AUTO,
    AREC_ADDRESSING_VIRTUAL,
    AREC_ADDRESSING_PATH,
} ArecAddressing;

/* Zero-initialised members are the defaults. Texts are not owned; an engine copies them. */
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
    /* Of s3:// and gs://: the server, `https://HOST[:PORT][/PATH]`; NULL: by the environment
     * and AWS's files, else the scheme and the region. */
    const char *endpoint_url;
    const char *region; /* NULL: by the environment and AWS's files, else us-east-1 */
    ArecAddressing addressing;
    const char *aws_profile;     /* NULL: by the environment, else `default` */
    bool anonymous;              /* no credentials are looked for, nothing is signed */
    bool requester_pays;         /* S3: who asks pays */
    const char *billing_project; /* GCS: which project pays; NULL: that of the credentials */
    /* The directory of the disk cache, absolute; NULL: none. Not owned: one that was parsed
     * lives as long as the program. */
    const char *cache_dir;
    /* Bytes of disk for it, over all processes that share it; 0: 10 GiB, at most half of what
     * is free. */
    uint64_t cache_dir_size;
} ArecRemoteOptions;

typedef struct {
    const char *name;  /* `max-requests` */
    const char *value; /* as help names it; NULL: it takes none */
    const char *help;
} ArecRemoteOption;

#define AREC_N_REMOTE_OPTIONS 12

/* @i in [0, AREC_N_REMOTE_OPTIONS). */
AREC_PUBLIC const ArecRemoteOption *arec_remote_option (size_t i);

/* The option of this name; there is one. */
AREC_PUBLIC size_t arec_remote_option_find (const char *name);

/* Takes the text @value of option @i; `auto` is the default of each. Of an option without a
 * value NULL sets it. Texts that @options points to then live as long as the process. Errors:
 * INVALID, without the option's name; then @options are untouched. */
AREC_PUBLIC bool arec_remote_option_set (size_t i, const char *value,
                                         ArecRemoteOptions *options, GError **error);

/* Whether AWS's files of this user have a profile of this name. Blocks on I/O. */
AREC_PUBLIC bool arec_remote_is_aws_profile (const char *name);

G_END_DECLS
