/* How the output of a command is to be written: the options that several commands have, as
 * typed, and what they mean. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/arec.h>

/* As typed. What GOption sets; NULL and FALSE: not given. */
typedef struct {
    char *profile;
    char *options;
    char *group_size;
    char *codec;
    gboolean transpose;
    char *threads;
    char *limit_memory;
} ToolPackText;

void tool_pack_options_clear (ToolPackText *text);

/* What @text means. Errors: INVALID; for the parts of an option string with the reference's
 * words. */
bool tool_pack_options_parse (const ToolPackText *text, ArecWriterOptions *options,
                              GError **error);

/* Whether @text says everything: an option string or a profile does. */
bool tool_pack_options_are_whole (const ToolPackText *text);

/* For a command that writes what was written before: replaces in @options, which are those of
 * @text, what it does not name by that of @old. */
void tool_pack_options_inherit (const ToolPackText *text, const ArecWriterOptions *old,
                                ArecWriterOptions *options);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolPackText, tool_pack_options_clear)
