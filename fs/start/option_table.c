#include "start/option_table.h"

#include <inttypes.h>
#include <string.h>

/* ---- values ------------------------------------------------------------------------------ */

bool
arecfs_option_parse_unsigned (const char *name, const char *value, unsigned base, uint64_t max,
                              uint64_t *out, GError **error)
{
    g_autoptr (GError) cause = NULL;

    if (g_ascii_string_to_unsigned (value, base, 0, max, out, &cause)) {
        return true;
    }
    if (base == 8) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "option %s: '%s' is not an octal number from 0 to %" PRIo64, name,
                          value, max);
    }
    return arec_fail (error, AREC_ERROR_INVALID,
                      "option %s: '%s' is not a number from 0 to %" PRIu64, name, value, max);
}

static bool
parse_size (const char *name, const char *value, uint64_t *out, GError **error)
{
    if (arec_size_parse (value, out, error)) {
        return true;
    }
    g_prefix_error (error, "option %s: ", name);
    return false;
}

/* An option of the reference's reader, in its own grammar. */
static bool
set_reader_option (ArecReaderOptions *reader, const char *key, const char *value,
                   GError **error)
{
    g_autofree char *text = g_strdup_printf ("%s:%s", key, value);

    if (strchr (value, ',')) {
        return arec_fail (error, AREC_ERROR_INVALID, "option %s: '%s' is not one value", key,
                          value);
    }
    return arec_reader_options_update (text, reader, error);
}

/* An option string of the reference may ask for more threads than there ever are; an option of
 * ours may not. */
static bool
set_parallelism (ArecfsOptions *options, const char *value, GError **error)
{
    ArecReaderOptions *reader = &options->reader;

    return set_reader_option (reader, "max_parallelism", value, error) &&
           (reader->max_parallelism <= AREC_MAX_PARALLELISM ||
            arec_fail (error, AREC_ERROR_INVALID,
                       "option max-parallelism: %s is too much, the largest allowed is %d",
                       value, AREC_MAX_PARALLELISM));
}

/* Several at once: what the string does not name stays as other options set it. */
static bool
set_reader_options (ArecfsOptions *options, const char *text, GError **error)
{
    return arec_reader_options_update (text, &options->reader, error);
}

static bool
set_suffix (ArecfsOptions *options, const char *value, GError **error)
{
    char suffix[AREC_MAX_SUFFIX + 1];

    if (!arec_suffix_parse (value, suffix, error)) {
        g_prefix_error (error, "option suffix: ");
        return false;
    }
    g_free (options->suffix);
    options->suffix = g_strdup (suffix);
    return true;
}

static bool
set_log_level (ArecfsOptions *options, const char *value, GError **error)
{
    static const struct {
        const char *name;
        GLogLevelFlags level;
    } levels[] = {{"error", G_LOG_LEVEL_CRITICAL},
                  {"warning", G_LOG_LEVEL_WARNING},
                  {"message", G_LOG_LEVEL_MESSAGE},
                  {"info", G_LOG_LEVEL_INFO},
                  {"debug", G_LOG_LEVEL_DEBUG}};

    for (size_t i = 0; i < G_N_ELEMENTS (levels); i++) {
        if (strcmp (value, levels[i].name) == 0) {
            options->log_level = levels[i].level;
            return true;
        }
    }
    return arec_fail (
        error, AREC_ERROR_INVALID,
        "option log-level: '%s' is not one of error, warning, message, info, debug", value);
}

static bool
set_kind (ArecfsOptions *options, const char *value, GError **error)
{
    return arec_kind_parse (value, &options->reader.kind) ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "option kind: '%s' is not one of array_record, riegeli", value);
}

static bool
set_profile (ArecfsOptions *options, const char *value, GError **error)
{
    options->profile = arec_profile_find (value, AREC_PROFILE_READER);
    if (!options->profile) {
        g_autofree char *names = arec_profile_names (AREC_PROFILE_READER);

        return arec_fail (error, AREC_ERROR_INVALID, "option profile: '%s' is not one of %s%s",
                          value, names,
                          arec_remote_is_aws_profile (value)
                              ? "; a profile of AWS's files is meant by --aws-profile"
                              : "");
    }
    return true;
}

static bool
set_names (ArecfsOptions *options, const char *value, GError **error)
{
    if (strcmp (value, "plain") != 0 && strcmp (value, "padded") != 0) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "option names: '%s' is not one of padded, plain", value);
    }
    options->plain_names = strcmp (value, "plain") == 0;
    return true;
}

static bool
set_cache_size (ArecfsOptions *options, const char *value, GError **error)
{
    if (strcmp (value, "auto") == 0) {
        options->engine.cache_size = 0;
        return true;
    }
    if (!parse_size ("cache-size", value, &options->engine.cache_size, error)) {
        return false;
    }
    /* To the engine 0 means auto; the least it can do is to keep what is in use. */
    options->engine.cache_size = MAX (options->engine.cache_size, 1);
    return true;
}

static bool
set_readahead (ArecfsOptions *options, const char *value, GError **error)
{
    ArecReaderOptions *reader = &options->reader;

    reader->has_readahead_buffer_size = strcmp (value, "auto") != 0;
    return !reader->has_readahead_buffer_size ||
           parse_size ("readahead-buffer-size", value, &reader->readahead_buffer_size, error);
}

static bool
set_index_storage (ArecfsOptions *options, const char *value, GError **error)
{
    return set_reader_option (&options->reader, "index_storage_option", value, error);
}

static bool
add_pattern (ArecfsOptions *options, const char *value, GError **error)
{
    (void)error;
    g_ptr_array_add (options->patterns, g_strdup (value));
    return true;
}

static bool
set_files_from (ArecfsOptions *options, const char *value, GError **error)
{
    (void)error;
    g_free (options->files_from);
    options->files_from = g_strdup (value);
    return true;
}

static bool
set_index_dir (ArecfsOptions *options, const char *value, GError **error)
{
    (void)error;
    g_free (options->index_dir);
    options->index_dir = g_canonicalize_filename (value, NULL);
    options->engine.index_dir = options->index_dir;
    return true;
}

/* @name  of an option of <arec/remote_options.h>. */
static bool
set_remote (const char *name, ArecfsOptions *options, const char *value, GError **error)
{
    if (arec_remote_option_set (arec_remote_option_find (name), value, &options->engine.remote,
                                error)) {
        return true;
    }
    g_prefix_error (error, "option %s: ", name);
    return false;
}

static bool
set_request_deadline (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("request-deadline", options, value, error);
}

static bool
set_max_requests (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("max-requests", options, value, error);
}

static bool
set_prefetch (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("prefetch", options, value, error);
}

static bool
set_endpoint_url (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("endpoint-url", options, value, error);
}

static bool
set_region (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("region", options, value, error);
}

static bool
set_addressing (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("addressing", options, value, error);
}

static bool
set_aws_profile (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("aws-profile", options, value, error);
}

static bool
set_billing_project (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("billing-project", options, value, error);
}

static bool
set_cache_dir (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("cache-dir", options, value, error);
}

static bool
set_cache_dir_size (ArecfsOptions *options, const char *value, GError **error)
{
    return set_remote ("cache-dir-size", options, value, error);
}

static bool
set_idle_unmount (ArecfsOptions *options, const char *value, GError **error)
{
    uint64_t number;

    if (!arecfs_option_parse_unsigned ("idle-unmount", value, 10, 365 * 86400, &number,
                                       error)) {
        return false;
    }
    options->idle_unmount = (unsigned)number;
    return true;
}

static bool
set_log_file (ArecfsOptions *options, const char *value, GError **error)
{
    (void)error;
    g_free (options->log_file);
    options->log_file = g_canonicalize_filename (value, NULL);
    return true;
}

/* ---- the table --------------------------------------------------------------------------- */

#define FLAG(member) .flag = offsetof (ArecfsOptions, member)

const ArecfsOption arecfs_option_table[ARECFS_N_OPTIONS] = {
    {.name = "cache-size",
     .value = "SIZE",
     .help = "memory for decoded chunks (default: an eighth of it)",
     .set = set_cache_size},
    {.name = "readahead-buffer-size",
     .value = "SIZE",
     .help = "decoded ahead of each reader in order (default: auto; 0: nothing)",
     .set = set_readahead},
    {.name = "max-parallelism",
     .value = "N|auto",
     .help = "chunks loaded at the same time, at most 1024; 0: no thread for it",
     .set = set_parallelism},
    {.name = "index-storage-option",
     .value = "in_memory|offloaded",
     .help = "where the index is kept; offloaded: in a file, for little memory",
     .set = set_index_storage},
    {.name = "reader-options",
     .value = "STRING",
     .help = "options as the reference's reader takes them",
     .set = set_reader_options},
    {.name = "profile",
     .value = "NAME",
     .help = "settings for a way of reading: random, low-memory, ... (see arecfs(1))",
     .set = set_profile},
    {.name = "merge", .help = "show all sources as one sequence of records", FLAG (merge)},
    {.name = "names",
     .value = "padded|plain",
     .help = "how record numbers are written",
     .set = set_names},
    {.name = "suffix",
     .value = ".EXT|auto",
     .help = "append to every record's name",
     .set = set_suffix},
    {.name = "files-from",
     .value = "FILE",
     .help = "more SOURCEs, one a line of FILE",
     .set = set_files_from},
    {.name = "pattern",
     .value = "GLOB",
     .help = "in directories, these files count too",
     .set = add_pattern},
    {.name = "recover",
     .help = "mount what a scan finds where an index is damaged or lost",
     FLAG (reader.recover)},
    {.name = "strict",
     .help = "what cannot be read or opened, or a shard that is missing, is an error",
     FLAG (strict)},
    {.name = "kind",
     .value = "array_record|riegeli",
     .help = "take the sources for this kind",
     .set = set_kind},
    {.name = "no-push",
     .help = "do not put what a reader in order will want next into the page cache",
     FLAG (no_push)},
    {.name = "index-dir",
     .value = "DIR",
     .help = "folder of the file for offloaded indexes (default: $TMPDIR)",
     .set = set_index_dir},
    {.name = "request-deadline",
     .value = "SECONDS",
     .help = "how long a server may take for a range (default: 60)",
     .set = set_request_deadline},
    {.name = "max-requests",
     .value = "N",
     .help = "requests to a server at the same time (default: 32)",
     .set = set_max_requests},
    {.name = "prefetch",
     .value = "SIZE",
     .help = "bytes that servers are asked for ahead of readers (default: auto)",
     .set = set_prefetch},
    {.name = "endpoint-url",
     .value = "URL",
     .help = "server of s3:// and gs:// (default: by scheme and region)",
     .set = set_endpoint_url},
    {.name = "region",
     .value = "NAME",
     .help = "region of S3 (default: as AWS's tools find it, else us-east-1)",
     .set = set_region},
    {.name = "addressing",
     .value = "auto|virtual|path",
     .help = "whether buckets stand in hosts or in paths",
     .set = set_addressing},
    {.name = "aws-profile",
     .value = "NAME",
     .help = "profile of AWS's files (default: AWS_PROFILE, else default)",
     .set = set_aws_profile},
    {.name = "anonymous",
     .help = "look for no credentials, and sign nothing",
     FLAG (engine.remote.anonymous)},
    {.name = "requester-pays",
     .help = "pay for requests to buckets of S3 whose owners do not",
     FLAG (engine.remote.requester_pays)},
    {.name = "billing-project",
     .value = "NAME",
     .help = "project of Google Cloud that pays for requests",
     .set = set_billing_project},
    {.name = "cache-dir",
     .value = "DIR",
     .help = "folder that keeps what servers give, or default for the usual one",
     .set = set_cache_dir},
    {.name = "cache-dir-size",
     .value = "SIZE",
     .help = "disk that it may use (default: 10G, at most half of the rest)",
     .set = set_cache_dir_size},
    {.name = "idle-unmount",
     .value = "SECONDS",
     .help = "unmount and exit after that long without use",
     .set = set_idle_unmount},
    {.name = "log-level",
     .value = "LEVEL",
     .help = "error, warning, message, info or debug",
     .set = set_log_level},
    {.name = "log-file",
     .value = "FILE",
     .help = "log there, not to syslog",
     .set = set_log_file},
};

const ArecfsOption *
arecfs_option_find (const char *name)
{
    g_autofree char *dashed = g_strdelimit (g_strdup (name), "_", '-');

    for (size_t i = 0; i < ARECFS_N_OPTIONS; i++) {
        if (strcmp (dashed, arecfs_option_table[i].name) == 0) {
            return &arecfs_option_table[i];
        }
    }
    return NULL;
}

bool
arecfs_option_set (const ArecfsOption *option, ArecfsOptions *options, const char *value,
                   GError **error)
{
    if (option->set) {
        return option->set (options, value, error);
    }
    *(bool *)((char *)options + option->flag) = true;
    return true;
}
