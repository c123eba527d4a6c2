/* Queues of bytes: in order, in segments that stay where they are and are freed one by one. */
#include "base/byte_queue.h"

#include <glib.h>

#include "failing_memory.h"

#define KIB ((size_t)1024)

/* What is left in @queue, and whether it adds up. */
static GByteArray *
bytes_in (const ArecByteQueue *queue)
{
    GByteArray *bytes = g_byte_array_new();
    uint64_t memory = 0;

    for (const ArecByteSegment *segment = queue->first; segment; segment = segment->next) {
        g_assert_cmpuint (segment->size, <=, segment->capacity);
        g_byte_array_append (bytes, segment->bytes, (guint)segment->size);
        memory += sizeof *segment + segment->capacity;
        g_assert_true (segment->next || segment == queue->last);
    }
    g_assert_cmpuint (bytes->len, ==, queue->size);
    g_assert_cmpuint (memory, ==, queue->memory);
    return bytes;
}

static void
check_bytes (const ArecByteQueue *queue, const void *expected, size_t size)
{
    g_autoptr (GByteArray) bytes = bytes_in (queue);

    g_assert_cmpmem (bytes->data, bytes->len, expected, size);
}

static void
append (ArecByteQueue *queue, GByteArray *expected, size_t size)
{
    g_autofree uint8_t *piece = g_malloc (size + 1);

    memset (piece, (int)expected->len, size);
    g_assert_true (arec_byte_queue_append (queue, piece, size));
    g_byte_array_append (expected, piece, (guint)size);
}

static void
test_order (void)
{
    g_auto (ArecByteQueue) queue = {0};
    g_autoptr (GByteArray) expected = g_byte_array_new();

    for (int i = 0; i < 2000; i++) {
        append (&queue, expected, (size_t)g_test_rand_int_range (0, i % 100 ? 300 : 300000));
    }
    check_bytes (&queue, expected->data, expected->len);
    while (queue.first) {
        g_byte_array_remove_range (expected, 0, (guint)queue.first->size);
        arec_byte_queue_drop_first (&queue);
        if (expected->len < 100000) {
            check_bytes (&queue, expected->data, expected->len);
        }
    }
    check_bytes (&queue, NULL, 0);
    append (&queue, expected, 10);
    check_bytes (&queue, expected->data, expected->len);
}

/* What one call appends lies in one segment, up to a unit. */
static void
test_units (void)
{
    g_auto (ArecByteQueue) queue = {0};
    size_t before = 0;

    for (int i = 0; i < 20000; i++) {
        static const uint8_t unit[AREC_BYTE_QUEUE_UNIT];
        size_t size = (size_t)g_test_rand_int_range (1, sizeof unit + 1);
        const ArecByteSegment *last = queue.last;

        before = last ? last->size : 0;
        g_assert_true (arec_byte_queue_append (&queue, unit, size));
        g_assert_cmpuint (queue.last->size, ==, queue.last == last ? before + size : size);
    }
}

/* A few bytes take little, many take themselves and a segment. */
static void
test_memory_of (void)
{
    g_auto (ArecByteQueue) queue = {0};
    g_autoptr (GByteArray) expected = g_byte_array_new();

    g_assert_cmpuint (queue.memory, ==, 0);
    append (&queue, expected, 1);
    g_assert_cmpuint (queue.memory, <=, 256);
    while (queue.size < 4096 * KIB) {
        append (&queue, expected, 1000);
        g_assert_cmpuint (queue.memory, <=,
                          queue.size + MIN (256 * KIB, 2 * queue.size + 256) + queue.size / 64);
    }
    while (queue.first) {
        uint64_t before = queue.memory;

        arec_byte_queue_drop_first (&queue);
        g_assert_cmpuint (queue.memory, <, before);
    }
    g_assert_cmpuint (queue.memory, ==, 0);
}

static void
test_move (void)
{
    g_auto (ArecByteQueue) from = {0}, to = {0};
    g_autoptr (GByteArray) first = g_byte_array_new(), second = g_byte_array_new();

    arec_byte_queue_move (&from, &to);
    check_bytes (&to, NULL, 0);
    append (&from, first, 1000);
    arec_byte_queue_move (&from, &to);
    check_bytes (&from, NULL, 0);
    check_bytes (&to, first->data, first->len);
    append (&from, second, 2000);
    arec_byte_queue_move (&from, &to);
    g_byte_array_append (first, second->data, second->len);
    append (&to, first, 3000);
    check_bytes (&to, first->data, first->len);
}

/* A call that fails at its last segment leaves nothing. */
static void
test_without_memory (void)
{
    g_auto (ArecByteQueue) queue = {0};
    g_autoptr (GByteArray) expected = g_byte_array_new();
    g_autofree uint8_t *much = g_malloc0 (2048 * KIB);

    for (int64_t at = 0; at < 12; at++) {
        test_memory_begin (at);
        g_assert_false (arec_byte_queue_append (&queue, much, 2048 * KIB));
        g_assert_true (test_memory_end());
        check_bytes (&queue, expected->data, expected->len);
        append (&queue, expected, (size_t)at * 10);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/byte-queue/order", test_order);
    g_test_add_func ("/byte-queue/units", test_units);
    g_test_add_func ("/byte-queue/memory", test_memory_of);
    g_test_add_func ("/byte-queue/move", test_move);
    g_test_add_func ("/byte-queue/no-memory", test_without_memory);
    return g_test_run();
}
