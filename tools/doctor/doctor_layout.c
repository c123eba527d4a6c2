#include "doctor/doctor_layout.h"

#include "doctor/doctor_rules.h"

/* A place ends with the chunk that makes it this large. */
#define PLACE_SIZE (UINT64_C (256) << 10)
#define PLACE_CHUNKS 64

#define READS_SIZE (8.0 * 1024 * 1024)
#define LEAST_READS 32
#define MOST_READS 1000

/* A walk: where it is. */
typedef struct {
    ToolDoctorLayout *layout;
    ArecReader *reader;
    ArecFileInfo info;
    uint64_t n_chunks; /* that it will pass */
    uint64_t n_places; /* that it will pick */
    uint64_t n_reads;
    uint64_t number; /* of the chunk among them */
    uint64_t record; /* its first one in the reader */
    ArecSpot spot;
} Walk;

void
tool_doctor_layout_clear (ToolDoctorLayout *layout)
{
    g_clear_pointer (&layout->places, g_array_unref);
    g_clear_pointer (&layout->reads, g_array_unref);
}

/* Records of the chunk that are in the reader. */
static uint64_t
count_of (const Walk *walk)
{
    uint64_t n = walk->spot.entry.n_records - walk->spot.place.chunk_record;

    return MIN (n, walk->layout->n_records - walk->record);
}

static void
add_up (Walk *walk)
{
    ToolDoctorLayout *layout = walk->layout;
    const ArecIndexEntry *entry = &walk->spot.entry;

    layout->n_chunks++;
    layout->decoded_size += entry->decoded_size;
    layout->max_records = MAX (layout->max_records, entry->n_records);
    layout->max_decoded = MAX (layout->max_decoded, entry->decoded_size);
    layout->n_uneven += tool_doctor_rules_is_uneven (entry->chunk, walk->info.n_chunks,
                                                     entry->n_records, walk->info.group_size);
}

/* Whether the next place begins here: place i of n with chunk i * (chunks - 1) / (n - 1). */
static bool
begins_place (const Walk *walk)
{
    uint64_t i = walk->layout->places->len, n = walk->n_places;
    uint64_t chunk =
        n > 1 ? (uint64_t)((unsigned __int128)i * (walk->n_chunks - 1) / (n - 1)) : 0;

    return i < n && walk->number == chunk;
}

/* Whether the next read is of this chunk: each is in the middle of its part of the chunks. */
static bool
begins_read (const Walk *walk)
{
    uint64_t i = walk->layout->reads->len, n = walk->n_reads;
    uint64_t chunk = (uint64_t)(((unsigned __int128)i * 2 + 1) * walk->n_chunks / (2 * n));

    return i < n && walk->number == chunk;
}

/* Whether the chunk belongs to the place before it. */
static bool
continues_place (const Walk *walk)
{
    const GArray *places = walk->layout->places;
    const ToolDoctorPlace *last =
        places->len > 0 ? &g_array_index (places, ToolDoctorPlace, places->len - 1) : NULL;

    return last && last->end == walk->record && last->decoded_size < PLACE_SIZE &&
           last->n_chunks < PLACE_CHUNKS;
}

/* Another record in each chunk, so that all parts of chunks have their turn. */
static void
pick_read (Walk *walk)
{
    const ArecIndexEntry *entry = &walk->spot.entry;
    uint64_t parts = 32, part = walk->layout->reads->len * 13 % parts;
    ToolDoctorRead read = {
        .record = walk->record + (uint64_t)((unsigned __int128)count_of (walk) * part / parts),
        .begin = entry->offset,
        .limit = entry->limit,
        .end = arec_reader_stored_end (walk->reader, &walk->spot),
    };

    g_array_append_val (walk->layout->reads, read);
}

static void
pick_place (Walk *walk)
{
    GArray *places = walk->layout->places;
    ToolDoctorPlace *place;

    if (begins_place (walk)) {
        const ToolDoctorPlace fresh = {.first = walk->record};

        g_array_append_val (places, fresh);
    } else if (!continues_place (walk)) {
        return;
    }
    place = &g_array_index (places, ToolDoctorPlace, places->len - 1);
    place->end = walk->record + count_of (walk);
    place->decoded_size += walk->spot.entry.decoded_size;
    place->n_chunks++;
}

/* Counts the chunks from the first record to the last, and plans what to pick. */
static bool
begin (Walk *walk, size_t most, GError **error)
{
    double chunk_size = (double)walk->info.decoded_size / (double)walk->info.n_chunks;
    ArecSpot first, last;

    if (!arec_reader_find (walk->reader, 0, &first, error) ||
        !arec_reader_find (walk->reader, walk->layout->n_records - 1, &last, error)) {
        return false;
    }
    walk->n_chunks = last.place.chunk - first.place.chunk + 1;
    walk->n_places = MIN (most, walk->n_chunks);
    walk->n_reads = (uint64_t)CLAMP (READS_SIZE / MAX (chunk_size, 1), LEAST_READS, MOST_READS);
    walk->n_reads = MIN (walk->n_reads, walk->n_chunks);
    walk->layout->stored_size = last.entry.limit - first.entry.offset;
    return true;
}

bool
tool_doctor_layout_walk (ToolDoctorLayout *layout, ArecReader *reader, size_t most,
                         GError **error)
{
    Walk walk = {.layout = layout, .reader = reader};

    layout->places = g_array_new (FALSE, FALSE, sizeof (ToolDoctorPlace));
    layout->reads = g_array_new (FALSE, FALSE, sizeof (ToolDoctorRead));
    layout->n_records = arec_reader_n_records (reader);
    arec_reader_file_info (reader, 0, &walk.info);
    if (layout->n_records == 0) {
        return true;
    }
    if (!begin (&walk, most, error)) {
        return false;
    }
    for (; walk.record < layout->n_records; walk.record += count_of (&walk), walk.number++) {
        if (!arec_reader_find (reader, walk.record, &walk.spot, error)) {
            return false;
        }
        add_up (&walk);
        pick_place (&walk);
        if (begins_read (&walk)) {
            pick_read (&walk);
        }
    }
    return true;
}

double
tool_doctor_layout_chunk_size (const ToolDoctorLayout *layout)
{
    double size = 0;

    for (guint i = 0; i < layout->reads->len; i++) {
        const ToolDoctorRead *read = &g_array_index (layout->reads, ToolDoctorRead, i);

        size += (double)(read->limit - read->begin) / layout->reads->len;
    }
    return size;
}

double
tool_doctor_layout_padding (const ToolDoctorLayout *layout)
{
    double size = 0, padding = 0;

    for (guint i = 0; i < layout->reads->len; i++) {
        const ToolDoctorRead *read = &g_array_index (layout->reads, ToolDoctorRead, i);

        size += (double)(read->limit - read->begin);
        padding += (double)(read->limit - read->end);
    }
    return size > 0 ? padding / size : 0;
}
