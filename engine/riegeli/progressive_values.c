#include "riegeli/progressive_values.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "codec/codec_stream.h"

/* Bytes that are decoded at once. Less wakes waiting threads too often, more lets them wait for
 * what they do not need; what a step has made still lies in the CPU's cache when it is copied.
 */
#define STEP (UINT64_C (256) << 10)

/* Larger windows take memory like that of another chunk: such a stream is decoded as a whole,
 * which needs none. */
#define MAX_WINDOW_LOG 23

G_STATIC_ASSERT ((UINT64_C (1) << MAX_WINDOW_LOG) == AREC_USUAL_WINDOW);

struct ArecProgressiveValues {
    uint8_t *decoded;
    uint64_t size;
    _Atomic uint64_t mark; /* grows with the lock held */
    pthread_mutex_t lock;
    pthread_cond_t stepped;
    bool is_stepping;    /* guarded by the lock, as the next four */
    const char *failure; /* NULL: none yet */
    uint64_t goal;
    bool has_thread;
    uint64_t held;
    uint8_t *memory; /* of the thread that makes a step, as the next two */
    ArecBytes stored;
    ArecCodecStream *stream;
};

/* The input of the stream: all at once. */
static bool
next_stored (void *data, const uint8_t **bytes, size_t *size)
{
    ArecProgressiveValues *values = data;

    *bytes = values->stored.at;
    *size = arec_bytes_left (&values->stored);
    values->stored = arec_bytes (*bytes + *size, 0);
    return true;
}

static void
free_input (ArecProgressiveValues *values)
{
    g_clear_pointer (&values->stream, arec_codec_stream_free);
    g_clear_pointer (&values->memory, g_free);
}

/* Decodes bytes [from, from + n). With the last byte comes the end of the stream, so that it is
 * not given before that is verified, too. */
static const char *
step (ArecProgressiveValues *values, uint64_t from, uint64_t n)
{
    size_t got;
    const char *reason =
        arec_codec_stream_read (values->stream, values->decoded + from, (size_t)n, &got);

    if (!reason && got < n) {
        reason = "the values are shorter than the records";
    }
    if (!reason && from + n == values->size) {
        uint8_t beyond;

        reason = arec_codec_stream_read (values->stream, &beyond, sizeof beyond, &got);
        if (!reason) {
            free_input (values);
        }
    }
    return reason;
}

/* Lets go of the lock for the step itself. */
static void
step_locked (ArecProgressiveValues *values, ArecDecodeTally *tally)
{
    uint64_t mark = atomic_load_explicit (&values->mark, memory_order_relaxed);
    uint64_t n = MIN (values->size - mark, STEP);
    const char *reason;

    values->is_stepping = true;
    pthread_mutex_unlock (&values->lock);
    reason = step (values, mark, n);
    pthread_mutex_lock (&values->lock);
    values->is_stepping = false;
    values->failure = reason;
    if (reason) {
        *tally->failures += 1;
    } else {
        *tally->made += n;
        atomic_store_explicit (&values->mark, mark + n, memory_order_release);
    }
    if (!reason && mark + n == values->size) {
        tally->freed += values->held;
        values->held = 0;
    }
    pthread_cond_broadcast (&values->stepped);
}

ArecProgressiveValues *
arec_progressive_values_new (ArecCompression compression, ArecBytes stored, uint8_t *memory,
                             uint8_t *decoded, uint64_t size, const char **reason)
{
    ArecProgressiveValues *values = g_new0 (ArecProgressiveValues, 1);
    ArecCodecStreamInput input = {next_stored, values};
    _Atomic uint64_t made = 0, failures = 0;
    ArecDecodeTally ignored = {&made, &failures, 0};

    pthread_mutex_init (&values->lock, NULL);
    pthread_cond_init (&values->stepped, NULL);
    values->decoded = decoded;
    values->size = size;
    values->stored = stored;
    values->held = arec_bytes_left (&stored);
    values->stream = arec_codec_stream_new (compression, size, &input);
    *reason = values->stream ? NULL : arec_codec_no_memory;
    if (!*reason) {
        arec_codec_stream_limit_window (values->stream, MAX_WINDOW_LOG);
        values->memory = memory;
        *reason = arec_progressive_values_need (values, 1, &ignored);
    }
    if (values->stream) {
        values->held += arec_codec_stream_memory (values->stream);
    }
    if (*reason) {
        values->memory = NULL; /* stays the caller's */
        g_clear_pointer (&values, arec_progressive_values_free);
    }
    return values;
}

void
arec_progressive_values_free (ArecProgressiveValues *values)
{
    if (!values) {
        return;
    }
    free_input (values);
    pthread_cond_destroy (&values->stepped);
    pthread_mutex_destroy (&values->lock);
    g_free (values);
}

uint64_t
arec_progressive_values_mark (const ArecProgressiveValues *values)
{
    return atomic_load_explicit (&values->mark, memory_order_acquire);
}

uint64_t
arec_progressive_values_held (ArecProgressiveValues *values)
{
    uint64_t held;

    pthread_mutex_lock (&values->lock);
    held = values->held;
    pthread_mutex_unlock (&values->lock);
    return held;
}

const char *
arec_progressive_values_need (ArecProgressiveValues *values, uint64_t end,
                              ArecDecodeTally *tally)
{
    const char *failure;

    if (arec_progressive_values_mark (values) >= end) {
        return NULL;
    }
    pthread_mutex_lock (&values->lock);
    while (arec_progressive_values_mark (values) < end && !values->failure) {
        if (values->is_stepping) {
            pthread_cond_wait (&values->stepped, &values->lock);
        } else {
            step_locked (values, tally);
        }
    }
    failure = arec_progressive_values_mark (values) < end ? values->failure : NULL;
    pthread_mutex_unlock (&values->lock);
    return failure;
}

bool
arec_progressive_values_aim (ArecProgressiveValues *values, uint64_t goal)
{
    bool needs_thread;

    pthread_mutex_lock (&values->lock);
    values->goal = MAX (values->goal, MIN (goal, values->size));
    needs_thread = !values->has_thread && !values->failure &&
                   arec_progressive_values_mark (values) < values->goal;
    values->has_thread = values->has_thread || needs_thread;
    pthread_mutex_unlock (&values->lock);
    return needs_thread;
}

void
arec_progressive_values_decode_to_goal (ArecProgressiveValues *values, ArecDecodeTally *tally)
{
    pthread_mutex_lock (&values->lock);
    while (arec_progressive_values_mark (values) < values->goal && !values->failure) {
        if (values->is_stepping) {
            pthread_cond_wait (&values->stepped, &values->lock);
        } else {
            step_locked (values, tally);
        }
    }
    values->has_thread = false;
    pthread_mutex_unlock (&values->lock);
}

void
arec_progressive_values_give_up (ArecProgressiveValues *values)
{
    pthread_mutex_lock (&values->lock);
    values->has_thread = false;
    pthread_mutex_unlock (&values->lock);
}
