#include <arec/remote_options.h>

#include <string.h>
#include <unistd.h>

#include <arec/error.h>
#include <arec/text.h>

#include "remote/cache_dir.h"

#define MAX_DEADLINE 86400 /* seconds */
#define MAX_REQUESTS 1024

static bool
set_deadline (const char *value, ArecRemoteOptions *options, GError **error)
{
    char *end;
    double seconds = g_ascii_strtod (value, &end);

    if (end == value || *end || !(seconds >= 0.001 && seconds <= MAX_DEADLINE)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is not a number of seconds from 0.001 to %d", value,
                          MAX_DEADLINE);
    }
    options->request_deadline = (uint64_t)(seconds * 1e6 + 0.5);
    return true;
}

static bool
set_max_requests (const char *value, ArecRemoteOptions *options, GError **error)
{
    uint64_t n;

    if (!g_ascii_string_to_unsigned (value, 10, 1, MAX_REQUESTS, &n, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID, "'%s' is not a number from 1 to %d", value,
                          MAX_REQUESTS);
    }
    options->max_requests = (unsigned)n;
    return true;
}

static bool
set_prefetch (const char *value, ArecRemoteOptions *options, GError **error)
{
    uint64_t bytes;

    if (!arec_size_parse (value, &bytes, error)) {
        return false;
    }
    options->prefetch = MIN (bytes, (uint64_t)INT64_MAX);
    options->has_prefetch = true;
    return true;
}

/* ---- the disk cache ---- */

#define MIN_CACHE_DIR_SIZE (UINT64_C (1) << 20)

static bool
set_cache_dir (const char *value, ArecRemoteOptions *options, GError **error)
{
    const bool is_default = strcmp (value, "default") == 0;
    g_autofree char *found =
        is_default ? arec_cache_dir_default_path (geteuid(), g_getenv ("XDG_CACHE_HOME"),
                                                  g_getenv ("HOME"))
                   : g_strdup (value);
    g_autofree char *path = found && *found ? g_canonicalize_filename (found, NULL) : NULL;

    if (!path) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          is_default ? "neither XDG_CACHE_HOME nor HOME says where it would be"
                                     : "a directory is expected");
    }
    options->cache_dir = g_intern_string (path);
    return true;
}

static bool
set_cache_dir_size (const char *value, ArecRemoteOptions *options, GError **error)
{
    uint64_t bytes;

    if (!arec_size_parse (value, &bytes, error)) {
        return false;
    }
    if (bytes < MIN_CACHE_DIR_SIZE) {
        return arec_fail (error, AREC_ERROR_INVALID, "'%s' is not a size of at least 1 MiB",
                          value);
    }
    options->cache_dir_size = bytes;
    return true;
}

static void
unset_cache_dir (ArecRemoteOptions *options)
{
    options->cache_dir = NULL;
}

static void
unset_cache_dir_size (ArecRemoteOptions *options)
{
    options->cache_dir_size = 0;
}

/* ---- defaults ---- */

static void
unset_deadline (ArecRemoteOptions *options)
{
    options->request_deadline = 0;
}

static void
unset_max_requests (ArecRemoteOptions *options)
{
    options->max_requests = 0;
}

static void
unset_prefetch (ArecRemoteOptions *options)
{
    options->has_prefetch = false;
}

static const struct {
    ArecRemoteOption option;
    bool (*set) (const char *value, ArecRemoteOptions *options, GError **error);
    void (*unset) (ArecRemoteOptions *options);
} table[AREC_N_REMOTE_OPTIONS] = {
    {{"request-deadline", "SECONDS", "How long a server may take for a range (default: 60)"},
     set_deadline,
     unset_deadline},
    {{"max-requests", "N", "Requests to a server at the same time (default: 32)"},
     set_max_requests,
     unset_max_requests},
    {{"prefetch", "SIZE", "Bytes that servers are asked for ahead of readers (default: auto)"},
     set_prefetch,
     unset_prefetch},
    {{"cache-dir", "DIR", "Folder that keeps what servers give, or default for the usual one"},
     set_cache_dir,
     unset_cache_dir},
    {{"cache-dir-size", "SIZE",
      "Disk that it may use (default: 10G, at most half of the rest)"},
     set_cache_dir_size,
     unset_cache_dir_size},
};

const ArecRemoteOption *
arec_remote_option (size_t i)
{
    return &table[i].option;
}

bool
arec_remote_option_set (size_t i, const char *value, ArecRemoteOptions *options, GError **error)
{
    if (strcmp (value, "auto") == 0) {
        table[i].unset (options);
        return true;
    }
    return table[i].set (value, options, error);
}
