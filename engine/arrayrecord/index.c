#include "arrayrecord/index.h"

#include <string.h>

#define FRAME_CHUNKS 64

typedef struct {
    uint64_t base;  /* offset of the line at chunk 0 of the frame; with wrapping arithmetic */
    uint64_t slope; /* bytes from chunk to chunk */
    uint64_t least_size;   /* least decoded size */
    uint64_t first_record; /* of the frame */
    uint64_t record_slope; /* records from chunk to chunk; 0 where the bits tell */
    uint64_t bits_at;      /* where its packed bits begin, counted in bits */
    uint8_t offset_bits;   /* widths: 0 to 64 */
    uint8_t size_bits;
    uint8_t record_bits; /* 0 where the slope tells all */
} Frame;

struct ArecIndex {
    uint64_t n_chunks;
    uint64_t n_records;
    uint64_t decoded_size;
    uint64_t limit;
    uint64_t group_size; /* records of every chunk but the last; 0: they differ */
    uint64_t n_frames;
    uint64_t n_words;
    Frame *frames;
    uint64_t *words; /* packed bits, with a word to spare behind them */
};

struct ArecIndexBuilder {
    uint64_t n_chunks;
    uint64_t n_records;
    uint64_t decoded_size;
    uint64_t group_size; /* records of the first chunk */
    bool uniform; /* every chunk so far but the last has group_size records, the last at most
                     that */
    bool last_is_short;
    unsigned n_pending;
    struct {
        uint64_t offset, decoded_size, first_record;
    } pending[FRAME_CHUNKS];
    Frame *frames;
    uint64_t n_frames, frames_room;
    uint64_t *words;
    uint64_t n_bits, words_room;
};

ArecIndexBuilder *
arec_index_builder_new (void)
{
    ArecIndexBuilder *builder = g_new0 (ArecIndexBuilder, 1);

    builder->uniform = true;
    return builder;
}

void
arec_index_builder_free (ArecIndexBuilder *builder)
{
    if (!builder) {
        return;
    }
    g_free (builder->frames);
    g_free (builder->words);
    g_free (builder);
}

static uint8_t
bits_for (uint64_t value)
{
    return value == 0 ? 0 : (uint8_t)(64 - __builtin_clzll (value));
}

static void
push_bits (ArecIndexBuilder *builder, uint64_t value, unsigned width)
{
    uint64_t word = builder->n_bits / 64;
    unsigned shift = builder->n_bits % 64;

    if (width == 0) {
        return;
    }
    if (word + 2 > builder->words_room) {
        uint64_t room = MAX (builder->words_room * 2, 256);

        builder->words = g_renew (uint64_t, builder->words, room);
        memset (builder->words + builder->words_room, 0,
                (room - builder->words_room) * sizeof (uint64_t));
        builder->words_room = room;
    }
    builder->words[word] |= value << shift;
    if (shift + width > 64) {
        builder->words[word + 1] |= value >> (64 - shift);
    }
    builder->n_bits += width;
}

/* Records from chunk to chunk when that is the same all over the frame, else 0. */
static uint64_t
record_slope_of_pending (const ArecIndexBuilder *builder)
{
    uint64_t slope = 1; /* of a frame of one chunk: any will do */

    for (unsigned i = 1; i < builder->n_pending; i++) {
        uint64_t step = builder->pending[i].first_record - builder->pending[i - 1].first_record;

        if (i > 1 && step != slope) {
            return 0;
        }
        slope = step;
    }
    return slope;
}

static void
flush_frame (ArecIndexBuilder *builder)
{
    unsigned n = builder->n_pending;
    uint64_t first = builder->pending[0].offset;
    uint64_t slope = n > 1 ? (builder->pending[n - 1].offset - first) / (n - 1) : 0;
    int64_t below =
        0; /* how far a chunk lies below the line; spans are below 2^63 as files are */
    uint64_t most_above = 0, least_size = UINT64_MAX, most_size = 0;
    uint64_t record_slope;
    Frame *frame;

    for (unsigned i = 0; i < n; i++) {
        int64_t off_line = (int64_t)(builder->pending[i].offset - (first + i * slope));

        below = MIN (below, off_line);
        least_size = MIN (least_size, builder->pending[i].decoded_size);
        most_size = MAX (most_size, builder->pending[i].decoded_size);
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t above = builder->pending[i].offset - (first + (uint64_t)below + i * slope);

        most_above = MAX (most_above, above);
    }

    record_slope = record_slope_of_pending (builder);
    if (builder->n_frames == builder->frames_room) {
        builder->frames_room = MAX (builder->frames_room * 2, 16);
        builder->frames = g_renew (Frame, builder->frames, builder->frames_room);
    }
    frame = &builder->frames[builder->n_frames++];
    *frame = (Frame){
        .base = first + (uint64_t)below,
        .slope = slope,
        .least_size = least_size,
        .first_record = builder->pending[0].first_record,
        .record_slope = record_slope,
        .bits_at = builder->n_bits,
        .offset_bits = bits_for (most_above),
        .size_bits = bits_for (most_size - least_size),
        .record_bits = record_slope > 0 ? 0
                                        : bits_for (builder->pending[n - 1].first_record -
                                                    builder->pending[0].first_record),
    };
    for (unsigned i = 0; i < n; i++) {
        push_bits (builder, builder->pending[i].offset - (frame->base + i * slope),
                   frame->offset_bits);
        push_bits (builder, builder->pending[i].decoded_size - least_size, frame->size_bits);
        push_bits (builder, builder->pending[i].first_record - frame->first_record,
                   frame->record_bits);
    }
    builder->n_pending = 0;
}

void
arec_index_builder_add (ArecIndexBuilder *builder, uint64_t offset, uint64_t decoded_size,
                        uint64_t n_records)
{
    if (builder->n_pending == FRAME_CHUNKS) {
        flush_frame (builder);
    }
    builder->pending[builder->n_pending].offset = offset;
    builder->pending[builder->n_pending].decoded_size = decoded_size;
    builder->pending[builder->n_pending].first_record = builder->n_records;
    builder->n_pending++;

    if (builder->n_chunks == 0) {
        builder->group_size = n_records;
    }
    builder->uniform =
        builder->uniform && !builder->last_is_short && n_records <= builder->group_size;
    builder->last_is_short = n_records < builder->group_size;
    builder->n_chunks++;
    builder->n_records += n_records;
    builder->decoded_size += decoded_size;
}

ArecIndex *
arec_index_builder_finish (ArecIndexBuilder *builder, uint64_t limit)
{
    ArecIndex *index = g_new0 (ArecIndex, 1);

    if (builder->n_pending > 0) {
        flush_frame (builder);
    }
    index->n_chunks = builder->n_chunks;
    index->n_records = builder->n_records;
    index->decoded_size = builder->decoded_size;
    index->limit = limit;
    index->group_size = builder->uniform ? builder->group_size : 0;
    index->n_frames = builder->n_frames;
    index->frames = g_renew (Frame, g_steal_pointer (&builder->frames), builder->n_frames);
    index->n_words = builder->n_bits > 0 ? builder->n_bits / 64 + 2 : 0;
    index->words = g_renew (uint64_t, g_steal_pointer (&builder->words), index->n_words);
    arec_index_builder_free (builder);
    return index;
}

void
arec_index_free (ArecIndex *index)
{
    if (!index) {
        return;
    }
    g_free (index->frames);
    g_free (index->words);
    g_free (index);
}

uint64_t
arec_index_n_chunks (const ArecIndex *index)
{
    return index->n_chunks;
}

uint64_t
arec_index_n_records (const ArecIndex *index)
{
    return index->n_records;
}

uint64_t
arec_index_decoded_size (const ArecIndex *index)
{
    return index->decoded_size;
}

uint64_t
arec_index_memory (const ArecIndex *index)
{
    return sizeof *index + index->n_frames * sizeof (Frame) +
           index->n_words * sizeof (uint64_t);
}

static uint64_t
pull_bits (const ArecIndex *index, uint64_t at, unsigned width)
{
    uint64_t word = at / 64;
    unsigned shift = at % 64;
    uint64_t value;

    if (width == 0) {
        return 0;
    }
    value = index->words[word] >> shift;
    if (shift + width > 64) {
        value |= index->words[word + 1] << (64 - shift);
    }
    return width == 64 ? value : value & ((UINT64_C (1) << width) - 1);
}

static uint64_t
bits_of_chunk (const Frame *frame, unsigned i)
{
    return frame->bits_at +
           (uint64_t)i * ((unsigned)frame->offset_bits + frame->size_bits + frame->record_bits);
}

static uint64_t
offset_of (const ArecIndex *index, uint64_t chunk)
{
    const Frame *frame;
    unsigned i = chunk % FRAME_CHUNKS;

    if (chunk == index->n_chunks) {
        return index->limit;
    }
    frame = &index->frames[chunk / FRAME_CHUNKS];
    return frame->base + i * frame->slope +
           pull_bits (index, bits_of_chunk (frame, i), frame->offset_bits);
}

static uint64_t
first_record_in (const ArecIndex *index, const Frame *frame, unsigned i)
{
    return frame->first_record + i * frame->record_slope +
           pull_bits (index, bits_of_chunk (frame, i) + frame->offset_bits + frame->size_bits,
                      frame->record_bits);
}

static uint64_t
first_record_of (const ArecIndex *index, uint64_t chunk)
{
    if (chunk == index->n_chunks) {
        return index->n_records;
    }
    return first_record_in (index, &index->frames[chunk / FRAME_CHUNKS], chunk % FRAME_CHUNKS);
}

void
arec_index_get (const ArecIndex *index, uint64_t chunk, ArecIndexEntry *entry)
{
    const Frame *frame = &index->frames[chunk / FRAME_CHUNKS];

    g_assert (chunk < index->n_chunks);
    entry->offset = offset_of (index, chunk);
    entry->limit = offset_of (index, chunk + 1);
    entry->decoded_size =
        frame->least_size +
        pull_bits (index, bits_of_chunk (frame, chunk % FRAME_CHUNKS) + frame->offset_bits,
                   frame->size_bits);
    entry->first_record = first_record_of (index, chunk);
    entry->n_records = first_record_of (index, chunk + 1) - entry->first_record;
}

uint64_t
arec_index_find (const ArecIndex *index, uint64_t record)
{
    uint64_t low = 0, high = index->n_frames;
    const Frame *frame;
    unsigned first = 0, end;

    g_assert (record < index->n_records);
    if (index->group_size > 0) {
        return record / index->group_size;
    }
    /* The last frame that begins at or before the record, then the last such chunk in it. */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (index->frames[middle].first_record <= record) {
            low = middle;
        } else {
            high = middle;
        }
    }
    frame = &index->frames[low];
    end = (unsigned)MIN (index->n_chunks - low * FRAME_CHUNKS, FRAME_CHUNKS);
    while (end - first > 1) {
        unsigned middle = first + (end - first) / 2;

        if (first_record_in (index, frame, middle) <= record) {
            first = middle;
        } else {
            end = middle;
        }
    }
    return low * FRAME_CHUNKS + first;
}
