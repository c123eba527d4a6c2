#include "start/sources.h"

#include <inttypes.h>

#include "base/log.h"

/* On stderr, where the user who mounts reads it, and in the log. */
static void
warn (const ArecfsOptions *options, const char *message)
{
    g_warning ("%s", message);
    if (options->log_file) {
        arecfs_log_note (message);
    }
}

/* The line about @note. g_free (). */
static char *
text_of_note (const ArecSourceNote *note)
{
    return g_strdup_printf ("%s: %s%s", note->path, note->reason,
                            note->kind == AREC_NOTE_LEFT_OUT ? ", left out" : "");
}

void
arecfs_sources_log_again (const ArecSourceList *list)
{
    for (size_t i = 0; i < arec_source_list_n_notes (list); i++) {
        g_autofree char *message = text_of_note (arec_source_list_note (list, i));

        arecfs_log_repeat (message);
    }
}

static bool
warn_of_notes (const ArecfsOptions *options, const ArecSourceList *list, GError **error)
{
    size_t n = arec_source_list_n_notes (list);
    uint64_t n_more = arec_source_list_n_more_notes (list);

    for (size_t i = 0; i < n; i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);
        g_autofree char *message = text_of_note (note);

        if (options->strict) {
            arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: %s (option strict)", note->path,
                       note->reason);
            return false;
        }
        warn (options, message);
    }
    if (n_more > 0) {
        g_autofree char *message =
            g_strdup_printf ("%" PRIu64 " more such lines are left out", n_more);

        warn (options, message);
    }
    return true;
}

/* Adds source @i. What is wrong with one of a list is told with its line. */
static bool
add_source (ArecSourceList *list, const ArecfsOptions *options, size_t i, ArecSourceForm *form,
            GError **error)
{
    if (arec_source_list_add (list, options->sources[i], form, error)) {
        return true;
    }
    if (i >= options->n_typed) {
        g_prefix_error (error, "%s:%" PRIu64 ": ",
                        arec_source_names_shown (options->files_from),
                        g_array_index (options->list_lines, uint64_t, i - options->n_typed));
    }
    return false;
}

ArecSourceList *
arecfs_sources_list (const ArecfsOptions *options, ArecEngine *engine, bool *flat,
                     GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();
    g_autofree char *here = g_get_current_dir();
    ArecSourceForm form = AREC_SOURCE_LITERAL;
    guint n = g_strv_length (options->sources);

    arec_engine_list_buckets (engine, list, NULL); /* signals end the program until it mounts */
    arec_source_list_tell_absolute (list, here);
    for (guint i = 0; i < options->patterns->len; i++) {
        arec_source_list_add_pattern (list, g_ptr_array_index (options->patterns, i));
    }
    arec_source_list_exclude (list, options->mount_point);
    for (guint i = 0; i < n; i++) {
        if (!add_source (list, options, i, &form, error)) {
            return NULL;
        }
    }
    *flat = options->merge || (n == 1 && form == AREC_SOURCE_LITERAL);
    arec_source_list_check_shards (list);
    return warn_of_notes (options, list, error) ? g_steal_pointer (&list) : NULL;
}
