/* Values that are decoded as needed: in every order, by several threads, and from streams
 * whose fault comes late. */
#include "riegeli/progressive_values.h"

#include <pthread.h>
#include <string.h>

#include <zstd.h>

#include "base/limits.h"
#include "codec/codec_stream.h"
#include "forge.h"

enum { SIZE = 1300 * 1000 + 7, STEP = 256 << 10 };

static const ArecCompression streamed[] = {AREC_COMPRESSION_NONE, AREC_COMPRESSION_BROTLI,
                                           AREC_COMPRESSION_ZSTD};

typedef struct {
    _Atomic uint64_t made;
    _Atomic uint64_t failures;
} Counters;

typedef struct {
    GByteArray *plain;  /* what they are */
    GByteArray *stored; /* compressed */
    uint8_t *decoded;
    ArecProgressiveValues *values;
} Fixture;

/* Bytes that compress, but not to nothing. */
static GByteArray *
make_plain (size_t size)
{
    GByteArray *plain = g_byte_array_sized_new ((guint)size);

    while (plain->len < size) {
        uint8_t byte = (uint8_t) "etaoin shrdlu\n.,"[g_test_rand_int_range (0, 16)];

        g_byte_array_append (plain, &byte, 1);
    }
    return plain;
}

/* @reason (out): why there are no values. */
static void
begin (Fixture *fixture, ArecCompression compression, size_t size, const char **reason)
{
    /* Of exactly that many bytes, so that a sanitizer notices a read past them. */
    uint8_t *memory = g_memdup2 (fixture->stored->data, fixture->stored->len);

    g_free (fixture->decoded);
    fixture->decoded = g_malloc (size);
    fixture->values =
        arec_progressive_values_new (compression, arec_bytes (memory, fixture->stored->len),
                                     memory, fixture->decoded, size, reason);
    if (!fixture->values) {
        g_free (memory); /* still owned by the caller */
    }
}

static void
set_up (Fixture *fixture, ArecCompression compression)
{
    const char *reason;

    *fixture = (Fixture){.plain = make_plain (SIZE)};
    fixture->stored = test_forge_compress (compression, fixture->plain->data, SIZE);
    begin (fixture, compression, SIZE, &reason);
    g_assert_nonnull (fixture->values);
}

static void
tear_down (Fixture *fixture)
{
    arec_progressive_values_free (fixture->values);
    g_free (fixture->decoded);
    g_byte_array_unref (fixture->plain);
    g_byte_array_unref (fixture->stored);
}

static void
check_bytes (const Fixture *fixture, uint64_t begin_, uint64_t end)
{
    g_assert_cmpmem (fixture->decoded + begin_, end - begin_, fixture->plain->data + begin_,
                     end - begin_);
}

/* ---- as far as needed ---- */

static void
test_no_further_than_needed (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        Counters counters = {0};
        ArecDecodeTally tally = {&counters.made, &counters.failures, 0};
        Fixture fixture;

        set_up (&fixture, streamed[i]);
        g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, STEP);
        /* The stored bytes, and the codec's memory. */
        g_assert_cmpuint (arec_progressive_values_held (fixture.values), >=,
                          fixture.stored->len);
        g_assert_cmpuint (arec_progressive_values_held (fixture.values), <=,
                          fixture.stored->len + AREC_USUAL_WINDOW);
        g_assert_null (arec_progressive_values_need (fixture.values, STEP, &tally));
        g_assert_cmpuint (counters.made, ==, 0);
        g_assert_null (arec_progressive_values_need (fixture.values, STEP + 1, &tally));
        g_assert_cmpuint (counters.made, ==, STEP);
        g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, 2 * STEP);
        g_assert_cmpuint (tally.freed, ==, 0);
        check_bytes (&fixture, 0, 2 * STEP);
        tear_down (&fixture);
    }
}

typedef enum { ASCENDING, DESCENDING, RANDOM, N_ORDERS } Order;

static void
need_in_order (Fixture *fixture, Order order)
{
    enum { PIECES = 97 };
    Counters counters = {0};
    ArecDecodeTally tally = {&counters.made, &counters.failures, 0};
    uint64_t held = arec_progressive_values_held (fixture->values);

    for (int i = 0; i < PIECES; i++) {
        int which = order == ASCENDING    ? i
                    : order == DESCENDING ? PIECES - 1 - i
                                          : g_test_rand_int_range (0, PIECES);
        uint64_t from = (uint64_t)which * SIZE / PIECES;
        uint64_t end = (uint64_t)(which + 1) * SIZE / PIECES;

        g_assert_null (arec_progressive_values_need (fixture->values, end, &tally));
        g_assert_cmpuint (arec_progressive_values_mark (fixture->values), >=, end);
        check_bytes (fixture, from, end);
    }
    g_assert_null (arec_progressive_values_need (fixture->values, SIZE, &tally));
    check_bytes (fixture, 0, SIZE);
    g_assert_cmpuint (counters.made, ==, SIZE - STEP);
    g_assert_cmpuint (tally.freed, ==, held);
    g_assert_cmpuint (arec_progressive_values_held (fixture->values), ==, 0);
}

static void
test_any_order (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        for (Order order = ASCENDING; order < N_ORDERS; order++) {
            Fixture fixture;

            set_up (&fixture, streamed[i]);
            need_in_order (&fixture, order);
            tear_down (&fixture);
        }
    }
}

static void
test_less_than_a_step (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        Fixture fixture = {.plain = make_plain (1)};
        const char *reason;

        fixture.stored = test_forge_compress (streamed[i], fixture.plain->data, 1);
        begin (&fixture, streamed[i], 1, &reason);
        g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, 1);
        g_assert_cmpuint (arec_progressive_values_held (fixture.values), ==, 0);
        check_bytes (&fixture, 0, 1);
        tear_down (&fixture);
    }
}

/* ---- ahead ---- */

static void
test_goal (void)
{
    Counters counters = {0};
    ArecDecodeTally tally = {&counters.made, &counters.failures, 0};
    Fixture fixture;

    set_up (&fixture, AREC_COMPRESSION_ZSTD);
    g_assert_false (arec_progressive_values_aim (fixture.values, STEP)); /* is there */
    g_assert_true (arec_progressive_values_aim (fixture.values, STEP + 1));
    g_assert_false (arec_progressive_values_aim (fixture.values, 3 * STEP)); /* by the first */
    arec_progressive_values_decode_to_goal (fixture.values, &tally);
    g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, 3 * STEP);
    g_assert_cmpuint (counters.made, ==, 2 * STEP);
    g_assert_true (arec_progressive_values_aim (fixture.values, UINT64_MAX));
    arec_progressive_values_give_up (fixture.values);
    g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, 3 * STEP);
    g_assert_true (arec_progressive_values_aim (fixture.values, 0)); /* the goal stays */
    arec_progressive_values_decode_to_goal (fixture.values, &tally);
    g_assert_cmpuint (arec_progressive_values_mark (fixture.values), ==, SIZE);
    g_assert_false (arec_progressive_values_aim (fixture.values, UINT64_MAX));
    check_bytes (&fixture, 0, SIZE);
    tear_down (&fixture);
}

/* ---- streams that go wrong ---- */

/* Values before the failure can be had, before and after it was met; those after it cannot,
 * and the reason is that of decoding the whole. */
static void
check_failing (Fixture *fixture, ArecCompression compression, size_t size, const char *expected)
{
    Counters counters = {0};
    ArecDecodeTally tally = {&counters.made, &counters.failures, 0};
    const char *reason = NULL;
    uint64_t mark;

    begin (fixture, compression, size, &reason);
    g_assert_nonnull (fixture->values);
    g_assert_null (arec_progressive_values_need (fixture->values, STEP + 1, &tally));
    g_assert_cmpuint (counters.failures, ==, 0);
    g_assert_cmpstr (arec_progressive_values_need (fixture->values, size, &tally), ==,
                     expected);
    g_assert_cmpuint (counters.failures, ==, 1);
    mark = arec_progressive_values_mark (fixture->values);
    g_assert_cmpuint (mark, >=, 2 * STEP);
    g_assert_cmpuint (mark, <, size);
    g_assert_cmpuint (counters.made, ==, mark - STEP);
    g_assert_cmpuint (tally.freed, ==, 0);
    counters.made = 0;
    g_assert_null (arec_progressive_values_need (fixture->values, mark, &tally));
    check_bytes (fixture, 0, mark);
    g_assert_cmpstr (arec_progressive_values_need (fixture->values, mark + 1, &tally), ==,
                     expected);
    g_assert_false (arec_progressive_values_aim (fixture->values, size));
    g_assert_cmpuint (counters.failures, ==, 1); /* reported once */
    g_assert_cmpuint (counters.made, ==, 0);
    g_clear_pointer (&fixture->values, arec_progressive_values_free);
}

static const char *
reason_of_whole (const Fixture *fixture, ArecCompression compression, size_t size)
{
    g_autofree uint8_t *out = g_malloc (size);
    size_t out_size;

    return arec_decompress (compression, fixture->stored->data, fixture->stored->len, out, size,
                            &out_size);
}

static void
test_late_failures (void)
{
    static const char too_short[] = "the values are shorter than the records";

    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        ArecCompression compression = streamed[i];
        Fixture fixture = {.plain = make_plain (SIZE)};
        const char *reason;

        fixture.stored = test_forge_compress (compression, fixture.plain->data, SIZE);
        check_failing (&fixture, compression, SIZE + 1, too_short);
        reason = reason_of_whole (&fixture, compression, SIZE - 1);
        check_failing (&fixture, compression, SIZE - 1, reason ? reason : arec_codec_too_long);

        /* Cut off: the last byte is missing. */
        g_byte_array_set_size (fixture.stored, fixture.stored->len - 1);
        reason = reason_of_whole (&fixture, compression, SIZE);
        check_failing (&fixture, compression, SIZE, reason ? reason : too_short);

        /* Bytes left over. */
        g_byte_array_unref (fixture.stored);
        fixture.stored = test_forge_compress (compression, fixture.plain->data, SIZE);
        g_byte_array_append (fixture.stored, (const uint8_t *)"x", 1);
        reason = reason_of_whole (&fixture, compression, SIZE);
        check_failing (&fixture, compression, SIZE, reason ? reason : arec_codec_too_long);
        tear_down (&fixture);
    }
}

static void
test_not_a_stream (void)
{
    Fixture fixture = {.plain = make_plain (1), .stored = g_byte_array_new()};
    const char *reason = NULL;

    g_byte_array_append (fixture.stored, (const uint8_t *)"no zstd", 7);
    begin (&fixture, AREC_COMPRESSION_ZSTD, SIZE, &reason);
    g_assert_null (fixture.values);
    g_assert_cmpstr (reason, ==, "no Zstd frame");
    tear_down (&fixture);
}

/* A window that would be allocated beside the values is refused before anything is decoded. */
static void
test_window_that_needs_the_whole (void)
{
    Fixture fixture = {.plain = make_plain (SIZE)};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound (SIZE), size;
    ZSTD_inBuffer in = {fixture.plain->data, SIZE, 0};
    ZSTD_outBuffer out;
    const char *reason = NULL;

    ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, 28);
    fixture.stored = g_byte_array_new();
    g_byte_array_set_size (fixture.stored, (guint)bound);
    out = (ZSTD_outBuffer){fixture.stored->data, bound, 0};
    /* Without its size the frame announces the whole window. */
    g_assert_cmpuint (ZSTD_compressStream2 (context, &out, &in, ZSTD_e_continue), >=, 0);
    size = ZSTD_compressStream2 (context, &out, &in, ZSTD_e_end);
    g_assert_cmpuint (size, ==, 0);
    ZSTD_freeCCtx (context);
    g_byte_array_set_size (fixture.stored, (guint)out.pos);
    begin (&fixture, AREC_COMPRESSION_ZSTD, SIZE, &reason);
    g_assert_null (fixture.values);
    g_assert_true (reason == arec_codec_stream_needs_whole);
    tear_down (&fixture);
}

/* ---- threads ---- */

typedef struct {
    Fixture *fixture;
    uint32_t seed;
    ArecDecodeTally tally;
} Reader;

static void *
read_ranges (void *data)
{
    Reader *reader = data;
    g_autoptr (GRand) rand = g_rand_new_with_seed (reader->seed);

    for (int i = 0; i < 60; i++) {
        uint64_t a = (uint64_t)g_rand_int_range (rand, 0, SIZE / 60 * (i + 1));
        uint64_t end = MIN (a + 5000, SIZE);

        if (i % 7 == 0 && arec_progressive_values_aim (reader->fixture->values, end + STEP)) {
            arec_progressive_values_decode_to_goal (reader->fixture->values, &reader->tally);
        }
        g_assert_null (
            arec_progressive_values_need (reader->fixture->values, end, &reader->tally));
        check_bytes (reader->fixture, a, end);
    }
    g_assert_null (
        arec_progressive_values_need (reader->fixture->values, SIZE, &reader->tally));
    check_bytes (reader->fixture, 0, SIZE);
    return NULL;
}

static void
test_threads (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (streamed); i++) {
        enum { THREADS = 4 };
        Reader readers[THREADS];
        pthread_t threads[THREADS];
        Counters counters = {0};
        uint64_t freed = 0, held;
        Fixture fixture;

        set_up (&fixture, streamed[i]);
        held = arec_progressive_values_held (fixture.values);
        for (int t = 0; t < THREADS; t++) {
            readers[t] = (Reader){&fixture,
                                  (uint32_t)g_test_rand_int_range (0, 1 << 30),
                                  {&counters.made, &counters.failures, 0}};
            g_assert_cmpint (pthread_create (&threads[t], NULL, read_ranges, &readers[t]), ==,
                             0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join (threads[t], NULL);
            freed += readers[t].tally.freed;
        }
        g_assert_cmpuint (counters.made, ==, SIZE - STEP); /* each byte once */
        g_assert_cmpuint (freed, ==, held);
        tear_down (&fixture);
    }
}

/* The counter never lags behind the mark: a file system has counted all that it has handed
 * out. */
static void *
decode_to_goal (void *data)
{
    Reader *reader = data;

    arec_progressive_values_decode_to_goal (reader->fixture->values, &reader->tally);
    return NULL;
}

static void
test_counted_before_seen (void)
{
    Counters counters = {0};
    Fixture fixture;
    Reader reader = {&fixture, 0, {&counters.made, &counters.failures, 0}};
    pthread_t thread;
    uint64_t mark;

    set_up (&fixture, AREC_COMPRESSION_BROTLI);
    g_assert_true (arec_progressive_values_aim (fixture.values, SIZE));
    g_assert_cmpint (pthread_create (&thread, NULL, decode_to_goal, &reader), ==, 0);
    do {
        mark = arec_progressive_values_mark (fixture.values);
        g_assert_cmpuint (STEP + counters.made, >=, mark);
    } while (mark < SIZE);
    pthread_join (thread, NULL);
    tear_down (&fixture);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/progressive-values/no-further-than-needed", test_no_further_than_needed);
    g_test_add_func ("/progressive-values/any-order", test_any_order);
    g_test_add_func ("/progressive-values/less-than-a-step", test_less_than_a_step);
    g_test_add_func ("/progressive-values/goal", test_goal);
    g_test_add_func ("/progressive-values/late-failures", test_late_failures);
    g_test_add_func ("/progressive-values/not-a-stream", test_not_a_stream);
    g_test_add_func ("/progressive-values/window-that-needs-the-whole",
                     test_window_that_needs_the_whole);
    g_test_add_func ("/progressive-values/threads", test_threads);
    g_test_add_func ("/progressive-values/counted-before-seen", test_counted_before_seen);
    return g_test_run();
}
