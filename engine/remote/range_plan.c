#include "remote/range_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include "base/array.h"

/* At most one byte in so many is waste. */
#define WASTE_SHARE 4
/* So many parts of a window are under way. */
#define PARTS_OF_WINDOW 4

/* FORMAT.md 3 and 8: a block, and the postscript with the block header before it: 24 + 40 bytes
 * of headers, and at most 68 of three records. */
#define BLOCK_SIZE UINT64_C (65536)
#define POSTSCRIPT_SIZE UINT64_C (152)

typedef struct {
    ArecRange *items;
    size_t n, capacity;
} Spans;

static void
spans_clear (Spans *spans)
{
    g_free (spans->items);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Spans, spans_clear)

/* ---- sets of bytes: sorted spans that neither overlap nor touch ---- */

static bool
add_span (Spans *spans, ArecRange span)
{
    if (span.begin >= span.end) {
        return true;
    }
    if (!arec_array_reserve (&spans->items, &spans->capacity, spans->n + 1,
                             sizeof *spans->items)) {
        return false;
    }
    spans->items[spans->n++] = span;
    return true;
}

static int
compare_spans (const void *a, const void *b)
{
    const ArecRange *one = a, *other = b;

    return (one->begin > other->begin) - (one->begin < other->begin);
}

size_t
arec_range_unite (ArecRange *ranges, size_t n)
{
    size_t last = 0;

    if (n == 0) {
        return 0;
    }
    qsort (ranges, n, sizeof *ranges, compare_spans);
    for (size_t i = 1; i < n; i++) {
        if (ranges[i].begin <= ranges[last].end) {
            ranges[last].end = MAX (ranges[last].end, ranges[i].end);
        } else {
            ranges[++last] = ranges[i];
        }
    }
    return last + 1;
}

/* Makes a set of any spans. */
static void
unite (Spans *spans)
{
    spans->n = arec_range_unite (spans->items, spans->n);
}

/* The first span of @taken, from number @i on, that ends behind @position. */
static size_t
skip_to (const Spans *taken, size_t i, uint64_t position)
{
    while (i < taken->n && taken->items[i].end <= position) {
        i++;
    }
    return i;
}

/* @out  (out) the bytes of @wanted that are not in @taken. */
static bool
subtract (const Spans *wanted, const Spans *taken, Spans *out)
{
    size_t at = 0;

    for (size_t i = 0; i < wanted->n; i++) {
        ArecRange rest = wanted->items[i];

        at = skip_to (taken, at, rest.begin);
        for (size_t j = at; j < taken->n && taken->items[j].begin < rest.end; j++) {
            if (!add_span (out, (ArecRange){rest.begin, taken->items[j].begin})) {
                return false;
            }
            rest.begin = MIN (taken->items[j].end, rest.end);
        }
        if (!add_span (out, rest)) {
            return false;
        }
    }
    return true;
}

/* ---- packing ---- */

/* What goes into the requests of one urgency. */
typedef struct {
    ArecUrgency urgency;
    uint64_t part;  /* bytes of a part, and of what is merged */
    uint64_t whole; /* a range of so many bytes is not cut */
    const Spans *taken;
    size_t at; /* of `taken`: those before end before the request that is being made */
    ArecRangeRequest *requests;
    size_t n, capacity;
} Packing;

uint64_t
arec_range_plan_part (ArecUrgency urgency, uint64_t window)
{
    return urgency == AREC_URGENCY_IDLE
               ? AREC_RANGE_MAX_PART
               : CLAMP (window / PARTS_OF_WINDOW, AREC_RANGE_MIN_PART, AREC_RANGE_MAX_PART);
}

static uint64_t
length_of (ArecRange span)
{
    return span.end - span.begin;
}

static bool
emit (Packing *packing, ArecRange span, uint64_t waste)
{
    if (packing->n >= AREC_RANGE_MAX_REQUESTS ||
        !arec_array_reserve (&packing->requests, &packing->capacity, packing->n + 1,
                             sizeof *packing->requests)) {
        return false;
    }
    packing->requests[packing->n++] =
        (ArecRangeRequest){.span = span, .waste = waste, .urgency = packing->urgency};
    return true;
}

/* Whether taken bytes lie in the gap between @before and @next, which a request that spans it
 * would bring once more. */
static bool
is_gap_taken (Packing *packing, ArecRange before, ArecRange next)
{
    packing->at = skip_to (packing->taken, packing->at, before.end);
    return packing->at < packing->taken->n &&
           packing->taken->items[packing->at].begin < next.begin;
}

/* Makes @next a part of the last request, if it may be. */
static bool
merge (Packing *packing, size_t first, ArecRange next)
{
    ArecRangeRequest *last;
    uint64_t gap, length;

    if (packing->n == first) {
        return false;
    }
    last = &packing->requests[packing->n - 1];
    gap = next.begin - last->span.end;
    length = next.end - last->span.begin;
    if (gap > AREC_RANGE_MAX_GAP || length > packing->part ||
        last->waste + gap > length / WASTE_SHARE || is_gap_taken (packing, last->span, next)) {
        return false;
    }
    last->span.end = next.end;
    last->waste += gap;
    return true;
}

/* How many parts a range of @length bytes becomes: as many as have at most the size of a part,
 * but none below the least. */
static uint64_t
count_parts (const Packing *packing, uint64_t length)
{
    uint64_t n = length / packing->part + (length % packing->part > 0);
    uint64_t least = length / AREC_RANGE_MAX_PART + (length % AREC_RANGE_MAX_PART > 0);

    if (length <= packing->whole) {
        return 1;
    }
    return CLAMP (MIN (n, length / AREC_RANGE_MIN_PART), least, n);
}

/* Sizes of parts differ by a byte at most. */
static bool
cut (Packing *packing, ArecRange span)
{
    uint64_t n = count_parts (packing, length_of (span));
    uint64_t size = length_of (span) / n, n_longer = length_of (span) % n;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t end = span.begin + size + (i < n_longer);

        if (!emit (packing, (ArecRange){span.begin, end}, 0)) {
            return false;
        }
        span.begin = end;
    }
    return true;
}

static bool
pack (Packing *packing, const Spans *wanted)
{
    size_t first = packing->n;

    packing->at = 0;
    for (size_t i = 0; i < wanted->n; i++) {
        if (!merge (packing, first, wanted->items[i]) && !cut (packing, wanted->items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- the plan ---- */

static bool
take_wishes (const ArecRangeWants *wants, ArecUrgency urgency, Spans *out)
{
    for (size_t i = 0; i < wants->n_wishes; i++) {
        const ArecRangeWish *wish = &wants->wishes[i];
        ArecRange span = {wish->span.begin, MIN (wish->span.end, wants->size)};

        if (wish->urgency == urgency && !add_span (out, span)) {
            return false;
        }
    }
    unite (out);
    return true;
}

/* Plans one urgency, and takes its requests, so that the next ones leave them out. */
static bool
plan_urgency (Packing *packing, const ArecRangeWants *wants, ArecUrgency urgency, Spans *taken)
{
    g_auto (Spans) wanted = {0}, missing = {0};
    size_t first = packing->n;

    packing->urgency = urgency;
    packing->taken = taken;
    packing->part = arec_range_plan_part (urgency, wants->window);
    packing->whole = urgency == AREC_URGENCY_DEMAND ? MAX (packing->part, AREC_RANGE_MAX_WHOLE)
                                                    : packing->part;
    if (!take_wishes (wants, urgency, &wanted) || !subtract (&wanted, taken, &missing) ||
        !pack (packing, &missing)) {
        return false;
    }
    for (size_t i = first; i < packing->n; i++) {
        if (!add_span (taken, packing->requests[i].span)) {
            return false;
        }
    }
    unite (taken);
    return true;
}

bool
arec_range_plan (const ArecRangeWants *wants, ArecRangeRequest **requests, size_t *n_requests)
{
    g_auto (Spans) taken = {0};
    Packing packing = {0};
    bool ok = true;

    for (size_t i = 0; i < wants->n_taken && ok; i++) {
        ok = add_span (&taken, wants->taken[i]);
    }
    unite (&taken);
    for (int urgency = 0; urgency < AREC_N_URGENCIES && ok; urgency++) {
        ok = plan_urgency (&packing, wants, (ArecUrgency)urgency, &taken);
    }
    if (!ok) {
        g_free (packing.requests);
        return false;
    }
    *requests = packing.requests;
    *n_requests = packing.n;
    return true;
}

ArecRangeRequest
arec_range_plan_opening (uint64_t size)
{
    ArecRangeRequest request = {.urgency = AREC_URGENCY_DEMAND};

    if (size == AREC_RANGE_UNKNOWN_SIZE) {
        request.span.end = 2 * BLOCK_SIZE;
        request.is_suffix = true;
        return request;
    }
    request.span.begin = size > 2 * BLOCK_SIZE ? size - 2 * BLOCK_SIZE : 0;
    request.span.end =
        size > 0 && size % BLOCK_SIZE == 0 ? size - BLOCK_SIZE + POSTSCRIPT_SIZE : size;
    return request;
}

void
arec_range_plan_text (const ArecRangeRequest *request, char text[AREC_RANGE_TEXT_SIZE])
{
    if (request->is_suffix) {
        snprintf (text, AREC_RANGE_TEXT_SIZE, "bytes=-%" PRIu64, request->span.end);
    } else {
        snprintf (text, AREC_RANGE_TEXT_SIZE, "bytes=%" PRIu64 "-%" PRIu64, request->span.begin,
                  request->span.end - 1);
    }
}
