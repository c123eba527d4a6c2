/* Into how many files a command writes: the options that several commands have, as typed, and
 * what they mean. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

/* As typed. What GOption sets; NULL and FALSE: not given. */
typedef struct {
    char *shards;
    char *size;
    char *records;
    gboolean round_robin;
    gboolean before_extension;
} ToolShardText;

/* Rows of GOptionEntry that set @text, a ToolShardText. */
/* clang-format off */
#define TOOL_SHARD_ENTRIES(text)                                                               \
    {"shards", 0, 0, G_OPTION_ARG_FILENAME, &(text).shards,                                    \
     "Write N files, OUT-00000-of-0000N and so on", "N"},                                      \
    {"shard-size", 0, 0, G_OPTION_ARG_FILENAME, &(text).size,                                  \
     "Begin another such file when one has SIZE", "SIZE"},                                     \
    {"shard-records", 0, 0, G_OPTION_ARG_FILENAME, &(text).records,                            \
     "Begin another such file after N records", "N"},                                          \
    {"round-robin", 0, 0, G_OPTION_ARG_NONE, &(text).round_robin,                              \
     "Give each record to the next of the N files", NULL},                                     \
    {"shard-suffix", 0, 0, G_OPTION_ARG_NONE, &(text).before_extension,                        \
     "Put the numbers of the files before the extension", NULL}
/* clang-format on */

void tool_shard_options_clear (ToolShardText *text);

/* The option that was typed, as messages call it; NULL: none was. */
const char *tool_shard_options_typed (const ToolShardText *text);

/* What @text means; n_records stays 0. Errors: INVALID. */
bool tool_shard_options_parse (const ToolShardText *text, ArecSharding *sharding,
                               GError **error);

/* Sets how many records will come, where @sharding has to know. @n_records  UINT64_MAX: that is
 * not known. Errors: INVALID, with a hint at what does without. */
bool tool_shard_options_set_count (ArecSharding *sharding, uint64_t n_records, GError **error);

/* What to say of the shards of an earlier set that are left beside @writer's, which is
 * finished. Returns (transfer full); NULL: there are none. */
char *tool_shard_options_note (const ArecWriter *writer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolShardText, tool_shard_options_clear)
