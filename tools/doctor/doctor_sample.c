#include "doctor/doctor_sample.h"

#include <string.h>

#define MAX_RECORD (UINT64_C (16) << 20)
#define MAX_RECORDS 100000

/* What is taken so far. */
typedef struct {
    GByteArray *bytes;
    GArray *sizes; /* of size_t */
    uint64_t most;
    size_t n_messages;
} Taking;

static bool
is_full (const Taking *taking, size_t size)
{
    bool is_first = taking->sizes->len == 0;

    return taking->sizes->len >= MAX_RECORDS ||
           size >
               (is_first ? MAX_RECORD : taking->most - MIN (taking->most, taking->bytes->len));
}

/* Returns whether there may be room for more. */
static bool
take_place (Taking *taking, ArecReader *reader, const ToolDoctorPlace *place)
{
    g_autoptr (ArecCursor) cursor = arec_cursor_new (reader, place->first, place->end);
    const uint8_t *data;
    size_t size;

    while (arec_cursor_next (cursor, NULL, &data, &size, NULL) && data) {
        if (is_full (taking, size)) {
            return false;
        }
        g_byte_array_append (taking->bytes, data, (guint)size);
        g_array_append_val (taking->sizes, size);
        taking->n_messages += arec_message_is_canonical (data, size);
    }
    return true;
}

/* How many of the places fit, at least one. */
static guint
count_places (const ToolDoctorLayout *layout, uint64_t most)
{
    uint64_t largest = 1;

    for (guint i = 0; i < layout->places->len; i++) {
        const ToolDoctorPlace *place = &g_array_index (layout->places, ToolDoctorPlace, i);

        largest = MAX (largest, place->decoded_size);
    }
    return (guint)CLAMP (most / largest, 1, layout->places->len);
}

/* Hands the bytes over to @data, with a pointer to each record. */
static void
give (Taking *taking, ToolBenchData *data)
{
    static const uint8_t nothing; /* where records of 0 bytes are, if there are no others */
    const uint8_t *at;

    data->n_records = taking->sizes->len;
    data->size = taking->bytes->len;
    data->records = g_new0 (ArecWriterRecord, MAX (data->n_records, 1));
    data->bytes = g_byte_array_free (taking->bytes, FALSE);
    at = data->bytes ? data->bytes : &nothing;
    for (size_t i = 0; i < data->n_records; i++) {
        size_t size = g_array_index (taking->sizes, size_t, i);

        data->records[i] = (ArecWriterRecord){at, size};
        at += size;
    }
}

void
tool_doctor_sample_take (ToolBenchData *data, ArecReader *reader,
                         const ToolDoctorLayout *layout, uint64_t most, double *messages)
{
    g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (size_t));
    Taking taking = {.bytes = g_byte_array_new(), .sizes = sizes, .most = most};
    guint n_places = layout->places->len > 0 ? count_places (layout, most) : 0;

    for (guint i = 0; i < n_places; i++) {
        /* The middle one of equal parts. */
        guint at = (guint)((2 * (uint64_t)i + 1) * layout->places->len / (2 * n_places));

        if (!take_place (&taking, reader,
                         &g_array_index (layout->places, ToolDoctorPlace, at))) {
            break;
        }
    }
    *messages = sizes->len > 0 ? (double)taking.n_messages / sizes->len : 0;
    give (&taking, data);
}
