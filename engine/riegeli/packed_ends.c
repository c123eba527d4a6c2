#include "riegeli/packed_ends.h"

#include <string.h>

#include "base/checked.h"

#define FRAME_RECORDS 256

/* The words of a frame whose bits are @width wide. */
#define WORDS_PER_BIT (FRAME_RECORDS / 64)

typedef struct {
    uint64_t base;
    uint64_t words_at : 56; /* the first of its words */
    uint64_t width : 8;     /* bits for each record: 0 to 64 */
} Frame;

struct ArecPackedEnds {
    uint64_t n;
    uint64_t each; /* bytes of a record, if all are equally long */
    bool is_even;  /* as far as they are put */
    bool has_failed;
    Frame *frames;
    uint64_t *words;
    uint64_t n_words, words_room;
    uint64_t filling;  /* the frame that is being filled */
    uint64_t *pending; /* its ends; NULL once sealed */
};

static uint64_t
frames_of (uint64_t n)
{
    return n / FRAME_RECORDS + (n % FRAME_RECORDS > 0);
}

ArecPackedEnds *
arec_packed_ends_new (uint64_t n, uint64_t decoded_size)
{
    g_autoptr (ArecPackedEnds) ends = g_try_new0 (ArecPackedEnds, 1);
    uint64_t n_frames = frames_of (n);
    size_t size;

    if (!ends || !arec_mul_size (n_frames, sizeof (Frame), &size)) {
        return NULL;
    }
    ends->n = n;
    ends->each = decoded_size / n;
    ends->is_even = decoded_size % n == 0;
    ends->filling = n_frames;
    ends->frames = g_try_malloc0 (size);
    ends->pending = g_try_new (uint64_t, FRAME_RECORDS);
    return ends->frames && ends->pending ? g_steal_pointer (&ends) : NULL;
}

void
arec_packed_ends_free (ArecPackedEnds *ends)
{
    if (!ends) {
        return;
    }
    g_free (ends->frames);
    g_free (ends->words);
    g_free (ends->pending);
    g_free (ends);
}

/* ---- filling ---- */

static unsigned
bits_for (uint64_t value)
{
    return value == 0 ? 0 : (unsigned)(64 - __builtin_clzll (value));
}

/* Makes room for @more words, all 0. */
static bool
add_words (ArecPackedEnds *ends, uint64_t more)
{
    uint64_t n_words = ends->n_words + more;

    if (n_words > ends->words_room) {
        uint64_t room = MAX (n_words, ends->words_room + ends->words_room / 2);
        uint64_t *words = g_try_renew (uint64_t, ends->words, room);

        if (!words) {
            return false;
        }
        ends->words = words;
        ends->words_room = room;
    }
    memset (ends->words + ends->n_words, 0, more * sizeof (uint64_t));
    ends->n_words = n_words;
    return true;
}

static void
put_bits (uint64_t *words, uint64_t at, uint64_t value, unsigned width)
{
    unsigned shift = at % 64;

    words[at / 64] |= value << shift;
    if (shift + width > 64) {
        words[at / 64 + 1] |= value >> (64 - shift);
    }
}

/* Packs the frame that is being filled, if there is one. */
static void
flush (ArecPackedEnds *ends)
{
    uint64_t first = ends->filling * FRAME_RECORDS;
    unsigned n, width;
    Frame *frame;

    if (ends->has_failed || ends->filling == frames_of (ends->n)) {
        return;
    }
    frame = &ends->frames[ends->filling];
    n = (unsigned)MIN (ends->n - first, FRAME_RECORDS);
    width = bits_for (ends->pending[n - 1] - ends->pending[0]);
    *frame = (Frame){.base = ends->pending[0], .words_at = ends->n_words, .width = width};
    if (width == 0) {
        return;
    }
    if (!add_words (ends, (uint64_t)width * WORDS_PER_BIT)) {
        ends->has_failed = true;
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        put_bits (ends->words + frame->words_at, (uint64_t)i * width,
                  ends->pending[i] - frame->base, width);
    }
}

void
arec_packed_ends_put (ArecPackedEnds *ends, uint64_t i, uint64_t end)
{
    if (i / FRAME_RECORDS != ends->filling) {
        flush (ends);
        ends->filling = i / FRAME_RECORDS;
    }
    ends->pending[i % FRAME_RECORDS] = end;
    ends->is_even = ends->is_even && end == (i + 1) * ends->each;
}

bool
arec_packed_ends_seal (ArecPackedEnds *ends)
{
    uint64_t *words;

    flush (ends);
    g_clear_pointer (&ends->pending, g_free);
    words = ends->n_words > 0 ? g_try_renew (uint64_t, ends->words, ends->n_words) : NULL;
    if (words) {
        ends->words = words;
        ends->words_room = ends->n_words;
    }
    return !ends->has_failed;
}

/* ---- asking ---- */

bool
arec_packed_ends_are_even (const ArecPackedEnds *ends)
{
    return ends->is_even;
}

uint64_t
arec_packed_ends_get (const ArecPackedEnds *ends, uint64_t i)
{
    const Frame *frame = &ends->frames[i / FRAME_RECORDS];
    uint64_t at = i % FRAME_RECORDS * frame->width;
    unsigned width = frame->width, shift = at % 64;
    const uint64_t *words;
    uint64_t bits;

    if (width == 0) {
        return frame->base;
    }
    words = ends->words + frame->words_at + at / 64;
    bits = words[0] >> shift;
    if (shift + width > 64) {
        bits |= words[1] << (64 - shift);
    }
    return frame->base + (width == 64 ? bits : bits & ((UINT64_C (1) << width) - 1));
}

uint64_t
arec_packed_ends_memory (const ArecPackedEnds *ends)
{
    return sizeof *ends + frames_of (ends->n) * sizeof (Frame) +
           ends->words_room * sizeof (uint64_t);
}

uint64_t
arec_packed_ends_bound (uint64_t n, uint64_t decoded_size)
{
    uint64_t n_frames = frames_of (n);
    /* Frames that share the bytes evenly take most: log2 is concave. One bit for rounding. */
    unsigned width = MIN (bits_for (decoded_size / MAX (n_frames, 1) + 1) + 1, 64);
    uint64_t frame = sizeof (Frame) + (uint64_t)width * WORDS_PER_BIT * sizeof (uint64_t),
             bound;

    return arec_mul_u64 (n_frames, frame, &bound) &&
                   bound <= UINT64_MAX - sizeof (ArecPackedEnds)
               ? sizeof (ArecPackedEnds) + bound
               : UINT64_MAX;
}
