#include "pack/shard_options.h"

#include <inttypes.h>

/* Names that a note gives. */
#define MAX_NAMED 5

void
tool_shard_options_clear (ToolShardText *text)
{
    g_free (text->shards);
    g_free (text->size);
    g_free (text->records);
}

const char *
tool_shard_options_typed (const ToolShardText *text)
{
    return text->shards             ? "--shards"
           : text->size             ? "--shard-size"
           : text->records          ? "--shard-records"
           : text->round_robin      ? "--round-robin"
           : text->before_extension ? "--shard-suffix"
                                    : NULL;
}

static bool
check_combination (const ToolShardText *text, GError **error)
{
    const char *second = text->records && (text->shards || text->size) ? "--shard-records"
                         : text->size && text->shards                  ? "--shard-size"
                                                                       : NULL;

    if (second) {
        return arec_fail (error, AREC_ERROR_INVALID, "%s: excludes %s", second,
                          tool_shard_options_typed (text));
    }
    if (text->round_robin && !text->shards) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--round-robin: has no meaning without --shards");
    }
    if (text->before_extension && !text->shards && !text->size && !text->records) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "--shard-suffix: has no meaning without --shards, --shard-size or "
                          "--shard-records");
    }
    return true;
}

static bool
parse_number (const char *option, const char *text, guint64 most, uint64_t *number,
              GError **error)
{
    guint64 parsed;

    if (!g_ascii_string_to_unsigned (text, 10, 1, most, &parsed, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: invalid value: %s, expected a number in [1..%" G_GUINT64_FORMAT
                          "]",
                          option, text, most);
    }
    *number = parsed;
    return true;
}

static bool
parse_size (const char *text, uint64_t *size, GError **error)
{
    if (!arec_size_parse (text, size, error)) {
        g_prefix_error (error, "--shard-size: ");
        return false;
    }
    *size = MAX (*size, 1); /* a group is in each file */
    return true;
}

bool
tool_shard_options_parse (const ToolShardText *text, ArecSharding *sharding, GError **error)
{
    *sharding = (ArecSharding){.before_extension = text->before_extension};
    if (!check_combination (text, error)) {
        return false;
    }
    if (text->shards) {
        sharding->rule = text->round_robin ? AREC_SHARDING_ROUND_ROBIN : AREC_SHARDING_EVEN;
        return parse_number ("--shards", text->shards, AREC_MAX_SHARDS, &sharding->n, error);
    }
    if (text->size) {
        sharding->rule = AREC_SHARDING_BY_SIZE;
        return parse_size (text->size, &sharding->n, error);
    }
    if (text->records) {
        sharding->rule = AREC_SHARDING_BY_RECORDS;
        return parse_number ("--shard-records", text->records, G_MAXUINT64, &sharding->n,
                             error);
    }
    return true;
}

bool
tool_shard_options_set_count (ArecSharding *sharding, uint64_t n_records, GError **error)
{
    if (sharding->rule != AREC_SHARDING_EVEN) {
        return true;
    }
    sharding->n_records = n_records;
    return n_records != UINT64_MAX ||
           arec_fail (error, AREC_ERROR_INVALID,
                      "--shards: how many records come is not known before the end; "
                      "--shard-size, --shard-records and --round-robin do without");
}

char *
tool_shard_options_note (const ArecWriter *writer)
{
    const char *const *others = arec_writer_other_shards (writer);
    GString *text;
    size_t n = 0;

    if (!others[0]) {
        return NULL;
    }
    text = g_string_new ("shards of an earlier set are still there: ");
    for (; others[n]; n++) {
        if (n < MAX_NAMED) {
            g_string_append_printf (text, "%s%s", n > 0 ? ", " : "", others[n]);
        }
    }
    if (n > MAX_NAMED) {
        g_string_append_printf (text, " and %zu more", n - MAX_NAMED);
    }
    return g_string_free (text, FALSE);
}
