#include "pack/pack_notes.h"

#include <inttypes.h>

#include "pack/pack_report.h"

static void
on_note (void *data, const char *text)
{
    const ToolPackNotes *notes = data;

    if (!notes->quiet) {
        notes->tell (notes->data, text);
    }
}

static void
on_damage (void *data, const char *name, uint64_t offset, const char *reason)
{
    const ToolPackNotes *notes = data;
    g_autofree char *text = NULL;

    if (notes->damages) {
        tool_pack_damages_add (notes->damages, name, offset, reason);
        return;
    }
    text = g_strdup_printf ("%s: at %" PRIu64 ": %s; skipped", name, offset, reason);
    notes->tell (notes->data, text);
}

void
tool_pack_notes_take (ToolPackNotes *notes, ToolInputOptions *options)
{
    options->note = on_note;
    options->damage = on_damage;
    options->data = notes;
}

void
tool_pack_notes_move_damages (GArray *to, GArray *from)
{
    gsize n;
    gpointer damages = g_array_steal (from, &n);

    g_array_append_vals (to, damages, (guint)n);
    g_free (damages);
}
