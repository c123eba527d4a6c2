#include "frame/damage_text.h"

#include <inttypes.h>

/* `records 64:128 lost`, as a RANGE. */
static char *
loss_text (const ArecDamage *damage)
{
    if (!damage->knows_n_records && damage->length == 0) {
        return g_strdup_printf ("an unknown number of records from %" PRIu64 " on lost",
                                damage->first_record);
    }
    if (!damage->knows_n_records) {
        return g_strdup_printf ("an unknown number of records from %" PRIu64
                                " on lost, those after it are numbered from %" PRIu64,
                                damage->first_record, damage->first_record);
    }
    if (damage->n_records == 0) {
        return g_strdup ("no records lost");
    }
    return g_strdup_printf ("records %" PRIu64 ":%" PRIu64 " %s", damage->first_record,
                            damage->first_record + damage->n_records,
                            damage->is_restorable ? "cannot be read, a repair keeps them"
                                                  : "lost");
}

char *
tool_damage_text (const char *path, const ArecDamage *damage)
{
    g_autofree char *shown = arec_text_printable (path);
    g_autofree char *reason = arec_text_printable (damage->reason);
    g_autofree char *loss = loss_text (damage);

    if (damage->is_foreign) {
        return g_strdup_printf ("%s: at %" PRIu64 ": %s", shown, damage->offset, reason);
    }
    return g_strdup_printf ("%s: at %" PRIu64 ": %" PRIu64 " bytes damaged: %s; %s", shown,
                            damage->offset, damage->length, reason, loss);
}

static void
put_number_or_null (ToolOutput *out, bool is_known, uint64_t number)
{
    if (is_known) {
        tool_output_u64 (out, number);
    } else {
        tool_output_text (out, "null");
    }
}

void
tool_damage_text_put_json (ToolOutput *out, const ArecDamage *damage)
{
    tool_output_format (out, "{\"offset\": %" PRIu64 ", \"length\": %" PRIu64 ", \"reason\": ",
                        damage->offset, damage->length);
    tool_output_json_string (out, damage->reason);
    tool_output_text (out, ", \"first_record\": ");
    put_number_or_null (out, damage->knows_first_record, damage->first_record);
    tool_output_text (out, ", \"records\": ");
    put_number_or_null (out, damage->knows_n_records, damage->n_records);
    tool_output_text (out, damage->is_restorable ? ", \"restorable\": true}" : "}");
}
