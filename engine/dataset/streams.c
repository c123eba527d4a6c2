#include "dataset/streams.h"

#include <glib.h>

/* Equal steps in a row before whole chunks are announced: one can be chance. */
#define SURE_STEPS 2

/* Records of the first announcement. */
#define FIRST_WINDOW 4

/* Requests of one reader may arrive out of order: this many steps before the furthest one still
 * belong to its stream. */
#define LATE_STEPS 4

/* Whether @record is the next step of @stream, or a later one up to the end of what was
 * announced: announced records may need no request. */
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

/* Whether @record may give @stream another step, or its first. */
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
    uint64_t past, part;

    if (end <= around->chunk_end) {
        return around->chunk_end;
    }
    past = end - around->chunk_end;
    part = past % around->group_size;
    return part == 0 ? end : end + (around->group_size - part);
}

/* Where the announcement that begins at @first ends: one window past the record's own chunk, or
 * past what was announced if that is further. */
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
static ArecUpcoming
announce (ArecStream *stream, const ArecSurroundings *around)
{
    uint64_t next = stream->last + stream->step;
    uint64_t first = MAX (stream->ahead_end, next), end;
    bool is_far = first > next && (first - next) / stream->step > stream->announced / 2;

    if (first >= around->n_records || is_far) {
        return (ArecUpcoming){0};
    }
    end = end_of_window (stream, first, around);
    if (end <= first) {
        return (ArecUpcoming){0};
    }
    stream->announced = (end - first + stream->step - 1) / stream->step;
    stream->ahead_end = first + stream->announced * stream->step;
    return (ArecUpcoming){.first = first, .end = end, .step = stream->step};
}

ArecUpcoming
arec_streams_note (ArecStreams *streams, uint64_t record, const ArecSurroundings *around)
{
    ArecStream *stream = find (streams, record);
    bool is_new = !stream;

    if (is_new) {
        stream = begin (streams, record);
    }
    stream->used = ++streams->clock;
    if (is_new || record <= stream->last) {
        return (ArecUpcoming){0};
    }
    advance (stream, record);
    return announce (stream, around);
}

/* The stream that has just moved to @record; NULL: none. */
static ArecStream *
moved_to (ArecStreams *streams, uint64_t record)
{
    for (unsigned i = 0; i < AREC_MAX_STREAMS; i++) {
        ArecStream *stream = &streams->streams[i];

        if (stream->used > 0 && stream->used == streams->clock && stream->last == record) {
            return stream;
        }
    }
    return NULL;
}

ArecUpcoming
arec_streams_name (ArecStreams *streams, uint64_t record, const ArecSurroundings *around)
{
    ArecStream *stream = around->fetch_window > 0 ? moved_to (streams, record) : NULL;
    uint64_t next, from, decoded, end, steps;

    if (!stream || stream->steps < SURE_STEPS) {
        return (ArecUpcoming){0};
    }
    next = stream->last + stream->step;
    from = MAX (stream->named_end, next);
    decoded = MAX (stream->ahead_end, next);
    if (from >= around->n_records ||
        (from > decoded && (from - decoded) / stream->step > stream->fetch / 2)) {
        return (ArecUpcoming){0};
    }
    steps = MAX (around->fetch_window / stream->step, 1);
    stream->fetch = MIN (stream->fetch > 0 ? 2 * stream->fetch : FIRST_WINDOW, steps);
    end = decoded >= around->n_records ||
                  stream->fetch >= (around->n_records - decoded) / stream->step
              ? around->n_records
              : MIN (round_up_to_chunk (decoded + stream->fetch * stream->step, around),
                     around->n_records);
    if (end <= from) {
        return (ArecUpcoming){0};
    }
    stream->named_end = from + (end - from + stream->step - 1) / stream->step * stream->step;
    return (ArecUpcoming){.first = from, .end = end, .step = stream->step};
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
