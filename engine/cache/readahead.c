#include "cache/readahead.h"

#include <glib.h>

/* Steps alike before anything is announced: two can be chance. */
#define SURE_STEPS 2

/* Records of the first announcement. */
#define FIRST_WINDOW 4

/* Requests of one reader may come in another order than it made them: this many steps behind
 * the furthest one still belong to it. */
#define LATE_STEPS 4

/* Whether @record is the next step of @stream, or one that it skipped because what lies between
 * was announced, and needed no request. */
static bool
goes_on (const ArecStream *stream, uint64_t record)
{
    uint64_t furthest = MAX (stream->ahead_end, stream->last + stream->step);

    return stream->step > 0 && record > stream->last && record <= furthest &&
           (record - stream->last) % stream->step == 0;
}

static bool
is_late (const ArecStream *stream, uint64_t record)
{
    return record <= stream->last &&
           stream->last - record <= LATE_STEPS * MAX (stream->step, 1);
}

/* Whether @record may make @stream one of another step, or one at all. */
static bool
may_turn (const ArecStream *stream, uint64_t record)
{
    return stream->steps < SURE_STEPS && record > stream->last &&
           record - stream->last <= AREC_MAX_STEP;
}

/* The stream that @record belongs to, the surest way first; NULL: none. */
static ArecStream *
find (ArecStreams *streams, uint64_t record)
{
    static bool (*const ways[]) (const ArecStream *stream, uint64_t record) = {goes_on, is_late,
                                                                               may_turn};

    for (unsigned way = 0; way < G_N_ELEMENTS (ways); way++) {
        for (unsigned i = 0; i < AREC_MAX_STREAMS; i++) {
            ArecStream *stream = &streams->streams[i];

            if (stream->used > 0 && ways[way](stream, record)) {
                return stream;
            }
        }
    }
    return NULL;
}

static ArecStream *
begin (ArecStreams *streams, uint64_t record)
{
    ArecStream *oldest = &streams->streams[0];

    for (unsigned i = 1; i < AREC_MAX_STREAMS; i++) {
        if (streams->streams[i].used < oldest->used) {
            oldest = &streams->streams[i];
        }
    }
    *oldest = (ArecStream){.last = record};
    return oldest;
}

static void
advance (ArecStream *stream, uint64_t record)
{
    if (goes_on (stream, record)) {
        stream->steps++;
    } else {
        stream->step = record - stream->last;
        stream->steps = 1;
    }
    stream->last = record;
}

/* The end of the chunk that the record before @end lies in. */
static uint64_t
round_up_to_chunk (uint64_t end, const ArecSurroundings *around)
{
    uint64_t behind, part;

    if (end <= around->chunk_end) {
        return around->chunk_end;
    }
    behind = end - around->chunk_end;
    part = behind % around->group_size;
    return part == 0 ? end : end + (around->group_size - part);
}

/* Where the next announcement ends that begins at @first: so much behind the record's own
 * chunk, or behind what was announced beyond it. */
static uint64_t
end_of_window (ArecStream *stream, uint64_t first, const ArecSurroundings *around)
{
    if (stream->steps < SURE_STEPS || around->max_window == 0) {
        return around->chunk_end;
    }
    stream->window =
        MIN (stream->window > 0 ? 2 * stream->window : FIRST_WINDOW, around->max_window);
    first = MAX (first, around->chunk_end);
    if (stream->window >= (around->n_records - first) / stream->step) {
        return around->n_records;
    }
    return MIN (round_up_to_chunk (first + stream->window * stream->step, around),
                around->n_records);
}

/* What to announce now; the stream has just moved. */
static ArecAhead
announce (ArecStream *stream, const ArecSurroundings *around)
{
    uint64_t next = stream->last + stream->step;
    uint64_t first = MAX (stream->ahead_end, next), end;
    bool is_far = first > next && (first - next) / stream->step > stream->announced / 2;

    if (first >= around->n_records || is_far) {
        return (ArecAhead){0};
    }
    end = end_of_window (stream, first, around);
    if (end <= first) {
        return (ArecAhead){0};
    }
    stream->announced = (end - first + stream->step - 1) / stream->step;
    stream->ahead_end = first + stream->announced * stream->step;
    return (ArecAhead){.first = first, .end = end, .step = stream->step};
}

ArecAhead
arec_streams_note (ArecStreams *streams, uint64_t record, const ArecSurroundings *around)
{
    ArecStream *stream = find (streams, record);
    bool is_new = !stream;

    if (is_new) {
        stream = begin (streams, record);
    }
    stream->used = ++streams->clock;
    if (is_new || record <= stream->last) {
        return (ArecAhead){0};
    }
    advance (stream, record);
    return announce (stream, around);
}

void
arec_streams_retract (ArecStreams *streams, uint64_t record)
{
    for (unsigned i = 0; i < AREC_MAX_STREAMS; i++) {
        ArecStream *stream = &streams->streams[i];

        if (record < stream->ahead_end && goes_on (stream, record)) {
            stream->ahead_end = record;
        }
    }
}
