#include "arrayrecord/index_frames.h"

#include <string.h>

#define FRAME_CHUNKS 64

typedef struct {
    uint64_t base;  /* offset of the line at chunk 0 of the frame; with wrapping arithmetic */
    uint64_t slope; /* bytes from chunk to chunk */
    uint64_t least_size;   /* least decoded size */
    uint64_t first_record; /* of the frame */
    uint64_t record_slope; /* records from chunk to chunk; 0 if the bits say all */
    uint64_t bits_at;      /* where its packed bits begin, counted in bits */
    uint8_t offset_bits;   /* widths: 0 to 64 */
    uint8_t size_bits;
    uint8_t record_bits; /* 0 if the slope says all */
} Frame;

struct ArecIndexFrames {
    uint64_t n_rows;
    unsigned n_pending;
    ArecIndexRow *pending; /* of the frame that is being filled; NULL once sealed */
    Frame *frames;
    uint64_t n_frames, frames_room;
    uint64_t *words; /* packed bits, once sealed with a spare word after them */
    uint64_t n_bits, words_room;
};

ArecIndexFrames *
arec_index_frames_new (void)
{
    ArecIndexFrames *index = g_new0 (ArecIndexFrames, 1);

    index->pending = g_new (ArecIndexRow, FRAME_CHUNKS);
    return index;
}

void
arec_index_frames_free (ArecIndexFrames *index)
{
    if (!index) {
        return;
    }
    g_free (index->pending);
    g_free (index->frames);
    g_free (index->words);
    g_free (index);
}

/* ---- filling ---- */

static uint8_t
bits_for (uint64_t value)
{
    return value == 0 ? 0 : (uint8_t)(64 - __builtin_clzll (value));
}

/* Makes room for one more frame. */
static bool
reserve_frame (ArecIndexFrames *index)
{
    if (index->n_frames == index->frames_room) {
        uint64_t room = MAX (index->frames_room * 2, 16);
        Frame *frames = g_try_renew (Frame, index->frames, room);

        if (!frames) {
            return false;
        }
        index->frames = frames;
        index->frames_room = room;
    }
    return true;
}

/* Makes room for @n bits more. */
static bool
reserve_bits (ArecIndexFrames *index, uint64_t n)
{
    uint64_t needed = (index->n_bits + n) / 64 + 2;

    if (needed > index->words_room) {
        uint64_t room = MAX (MAX (index->words_room * 2, 256), needed);
        uint64_t *words = g_try_renew (uint64_t, index->words, room);

        if (!words) {
            return false;
        }
        memset (words + index->words_room, 0, (room - index->words_room) * sizeof (uint64_t));
        index->words = words;
        index->words_room = room;
    }
    return true;
}

/* Into room that is reserved. */
static void
push_bits (ArecIndexFrames *index, uint64_t value, unsigned width)
{
    uint64_t word = index->n_bits / 64;
    unsigned shift = index->n_bits % 64;

    if (width == 0) {
        return;
    }
    index->words[word] |= value << shift;
    if (shift + width > 64) {
        index->words[word + 1] |= value >> (64 - shift);
    }
    index->n_bits += width;
}

/* Records from chunk to chunk when that is the same all over the frame, else 0. */
static uint64_t
record_slope_of_pending (const ArecIndexFrames *index)
{
    uint64_t slope = 1; /* of a frame of one chunk: any will do */

    for (unsigned i = 1; i < index->n_pending; i++) {
        uint64_t step = index->pending[i].first_record - index->pending[i - 1].first_record;

        if (i > 1 && step != slope) {
            return 0;
        }
        slope = step;
    }
    return slope;
}

static inline unsigned
bits_per_chunk (const Frame *frame)
{
    return (unsigned)frame->offset_bits + frame->size_bits + frame->record_bits;
}

static bool
flush_frame (ArecIndexFrames *index)
{
    unsigned n = index->n_pending;
    uint64_t first = index->pending[0].offset;
    uint64_t slope = n > 1 ? (index->pending[n - 1].offset - first) / (n - 1) : 0;
    int64_t below =
        0; /* how far a chunk lies below the line; spans are below 2^63 as files are */
    uint64_t most_above = 0, least_size = UINT64_MAX, most_size = 0;
    uint64_t record_slope;
    Frame *frame;

    if (!reserve_frame (index)) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        int64_t off_line = (int64_t)(index->pending[i].offset - (first + i * slope));

        below = MIN (below, off_line);
        least_size = MIN (least_size, index->pending[i].decoded_size);
        most_size = MAX (most_size, index->pending[i].decoded_size);
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t above = index->pending[i].offset - (first + (uint64_t)below + i * slope);

        most_above = MAX (most_above, above);
    }

    record_slope = record_slope_of_pending (index);
    frame = &index->frames[index->n_frames];
    *frame = (Frame){
        .base = first + (uint64_t)below,
        .slope = slope,
        .least_size = least_size,
        .first_record = index->pending[0].first_record,
        .record_slope = record_slope,
        .bits_at = index->n_bits,
        .offset_bits = bits_for (most_above),
        .size_bits = bits_for (most_size - least_size),
        .record_bits = record_slope > 0 ? 0
                                        : bits_for (index->pending[n - 1].first_record -
                                                    index->pending[0].first_record),
    };
    if (!reserve_bits (index, (uint64_t)n * bits_per_chunk (frame))) {
        return false;
    }
    index->n_frames++;
    for (unsigned i = 0; i < n; i++) {
        push_bits (index, index->pending[i].offset - (frame->base + i * slope),
                   frame->offset_bits);
        push_bits (index, index->pending[i].decoded_size - least_size, frame->size_bits);
        push_bits (index, index->pending[i].first_record - frame->first_record,
                   frame->record_bits);
    }
    index->n_pending = 0;
    return true;
}

bool
arec_index_frames_add (ArecIndexFrames *index, const ArecIndexRow *row)
{
    if (index->n_pending == FRAME_CHUNKS && !flush_frame (index)) {
        return false;
    }
    index->pending[index->n_pending++] = *row;
    index->n_rows++;
    return true;
}

/* Gives back what follows the first @n elements of @memory; where that fails, it stays. */
static void *
trim (void *memory, size_t element, uint64_t n, uint64_t *room)
{
    void *trimmed = n > 0 ? g_try_realloc_n (memory, n, element) : NULL;

    if (n == 0) {
        g_free (memory);
    }
    if (n == 0 || trimmed) {
        *room = n;
        return trimmed;
    }
    return memory;
}

bool
arec_index_frames_seal (ArecIndexFrames *index)
{
    if (index->n_pending > 0 && !flush_frame (index)) {
        return false;
    }
    g_clear_pointer (&index->pending, g_free);
    index->frames = trim (index->frames, sizeof (Frame), index->n_frames, &index->frames_room);
    index->words = trim (index->words, sizeof (uint64_t),
                         index->n_bits > 0 ? index->n_bits / 64 + 2 : 0, &index->words_room);
    return true;
}

uint64_t
arec_index_frames_memory (const ArecIndexFrames *index)
{
    return sizeof *index + index->frames_room * sizeof (Frame) +
           index->words_room * sizeof (uint64_t);
}

/* ---- asking ---- */

static inline uint64_t
pull_bits (const ArecIndexFrames *index, uint64_t at, unsigned width)
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

/* The first record of chunk @i, whose packed bits begin at @bits. */
static inline uint64_t
first_record_at (const ArecIndexFrames *index, const Frame *frame, unsigned i, uint64_t bits)
{
    return frame->first_record + i * frame->record_slope +
           pull_bits (index, bits + frame->offset_bits + frame->size_bits, frame->record_bits);
}

static inline uint64_t
first_record_in (const ArecIndexFrames *index, const Frame *frame, unsigned i)
{
    return first_record_at (index, frame, i,
                            frame->bits_at + (uint64_t)i * bits_per_chunk (frame));
}

/* Rows of chunks [first, end) of a frame. */
static void
get_rows (const ArecIndexFrames *index, const Frame *from, unsigned first, unsigned end,
          ArecIndexRow *rows)
{
    const Frame frame = *from;
    unsigned step = bits_per_chunk (&frame);
    uint64_t bits = frame.bits_at + (uint64_t)first * step;

    for (unsigned i = first; i < end; i++, bits += step) {
        *rows++ = (ArecIndexRow){
            .offset = frame.base + i * frame.slope + pull_bits (index, bits, frame.offset_bits),
            .decoded_size =
                frame.least_size + pull_bits (index, bits + frame.offset_bits, frame.size_bits),
            .first_record = first_record_at (index, &frame, i, bits),
        };
    }
}

void
arec_index_frames_get (const ArecIndexFrames *index, uint64_t first, uint64_t n,
                       ArecIndexRow *rows)
{
    g_assert (first < index->n_rows && n <= index->n_rows - first);
    while (n > 0) {
        unsigned in_frame = first % FRAME_CHUNKS;
        unsigned here = (unsigned)MIN (n, FRAME_CHUNKS - in_frame);

        get_rows (index, &index->frames[first / FRAME_CHUNKS], in_frame, in_frame + here, rows);
        first += here;
        rows += here;
        n -= here;
    }
}

uint64_t
arec_index_frames_find (const ArecIndexFrames *index, uint64_t record)
{
    uint64_t low = 0, high = index->n_frames;
    const Frame *frame;
    unsigned first = 0, end;

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
    end = (unsigned)MIN (index->n_rows - low * FRAME_CHUNKS, FRAME_CHUNKS);
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
