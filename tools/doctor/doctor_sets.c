#include "doctor/doctor_sets.h"

#include <string.h>

#define OF "-of-"

static void
set_free (void *data)
{
    ToolDoctorSet *set = data;

    g_free (set->pattern);
    g_free (set);
}

void
tool_doctor_sets_init (ToolDoctorSets *sets)
{
    sets->sets = g_ptr_array_new_with_free_func (set_free);
}

void
tool_doctor_sets_clear (ToolDoctorSets *sets)
{
    g_clear_pointer (&sets->sets, g_ptr_array_unref);
}

static ToolDoctorSet *
find (const ToolDoctorSets *sets, const char *pattern)
{
    for (guint i = 0; i < sets->sets->len; i++) {
        ToolDoctorSet *set = g_ptr_array_index (sets->sets, i);

        if (strcmp (set->pattern, pattern) == 0) {
            return set;
        }
    }
    return NULL;
}

/* @pattern  has a total. */
static ToolDoctorSet *
begin (ToolDoctorSets *sets, const char *pattern)
{
    ToolDoctorSet *set = g_new0 (ToolDoctorSet, 1);

    set->pattern = g_strdup (pattern);
    set->n_total = g_ascii_strtoull (g_strrstr (pattern, OF) + strlen (OF), NULL, 10);
    set->least = G_MAXUINT64;
    g_ptr_array_add (sets->sets, set);
    return set;
}

void
tool_doctor_sets_add (ToolDoctorSets *sets, const char *path, uint64_t size)
{
    g_autofree char *pattern = arec_source_shard_set (path);
    ToolDoctorSet *set = pattern ? find (sets, pattern) : NULL;

    if (!pattern) {
        return;
    }
    set = set ? set : begin (sets, pattern);
    set->n_there++;
    set->least = MIN (set->least, size);
    set->most = MAX (set->most, size);
}

void
tool_doctor_sets_check (ToolDoctorSets *sets, ArecSourceList *list)
{
    arec_source_list_check_shards (list);
    for (size_t i = 0; i < arec_source_list_n_notes (list); i++) {
        const ArecSourceNote *note = arec_source_list_note (list, i);
        ToolDoctorSet *set = note->kind == AREC_NOTE_SHARDS ? find (sets, note->path) : NULL;

        if (set) {
            set->reason = note->reason;
        }
    }
}
