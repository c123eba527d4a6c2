#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#include "pack/window.h"

#include "sanitized.h"

/* Gives the bytes 0, 1, 2, ... modulo 251, @most_a_time at a time. */
typedef struct {
    size_t size;
    size_t given;
    size_t most_a_time;
    size_t fails_at; /* 0: never */
    unsigned n_calls;
} Numbers;

static bool
fill (void *source, uint8_t *data, size_t most, size_t *n, GError **error)
{
    Numbers *numbers = source;

    numbers->n_calls++;
    g_assert_cmpuint (most, >, 0);
    if (numbers->fails_at > 0 && numbers->given >= numbers->fails_at) {
        return arec_fail (error, AREC_ERROR_IO, "broken");
    }
    *n = MIN (MIN (most, numbers->most_a_time), numbers->size - numbers->given);
    for (size_t i = 0; i < *n; i++) {
        data[i] = (uint8_t)(numbers->given++ % 251);
    }
    return true;
}

static void
check_bytes (const uint8_t *data, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++) {
        g_assert_cmpuint (data[i], ==, (offset + i) % 251);
    }
}

static void
test_any_sizes (void)
{
    for (int round = 0; round < 20; round++) {
        Numbers numbers = {.size = (size_t)g_test_rand_int_range (0, 1500000),
                           .most_a_time = (size_t)g_test_rand_int_range (1, 70000)};
        ToolWindow window = {.fill = fill, .source = &numbers};
        uint64_t offset = 0;

        for (;;) {
            size_t least = (size_t)g_test_rand_int_range (1, 400000), size;
            size_t most = (size_t)g_test_rand_int_range (1, 500000);
            const uint8_t *data;

            g_assert_true (tool_window_peek (&window, least, &data, &size, NULL));
            g_assert_true (size >= least || numbers.given == numbers.size);
            g_assert_cmpuint (window.offset, ==, offset);
            if (size == 0) {
                break;
            }
            size = MIN (size, most);
            /* Good until the next peek, also after the skip. */
            tool_window_skip (&window, size);
            check_bytes (data, size, offset);
            offset += size;
        }
        g_assert_cmpuint (offset, ==, numbers.size);
        tool_window_clear (&window);
    }
}

/* What is there is not asked for again, and memory follows what came, not what is wanted. */
static void
test_grows_with_what_comes (void)
{
    Numbers numbers = {.size = 1000, .most_a_time = 100};
    ToolWindow window = {.fill = fill, .source = &numbers};
    const uint8_t *data;
    size_t size;

    g_assert_true (tool_window_peek (&window, 1, &data, &size, NULL));
    g_assert_cmpuint (size, ==, 100);
    g_assert_true (tool_window_peek (&window, 100, &data, &size, NULL));
    g_assert_cmpuint (numbers.n_calls, ==, 1);
    g_assert_true (tool_window_peek (&window, SIZE_MAX, &data, &size, NULL));
    g_assert_cmpuint (size, ==, 1000);
    g_assert_cmpuint (window.capacity, <=, 256 * 1024);
    tool_window_clear (&window);
}

static void
test_failure_and_end (void)
{
    Numbers numbers = {.size = 1000, .most_a_time = 300, .fails_at = 600};
    ToolWindow window = {.fill = fill, .source = &numbers};
    g_autoptr (GError) error = NULL;
    const uint8_t *data;
    size_t size;

    g_assert_false (tool_window_peek (&window, 601, &data, &size, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    tool_window_clear (&window);

    numbers = (Numbers){0};
    window = (ToolWindow){.fill = fill, .source = &numbers};
    for (int i = 0; i < 3; i++) {
        g_assert_true (tool_window_peek (&window, 5, &data, &size, NULL));
        g_assert_nonnull (data);
        g_assert_cmpuint (size, ==, 0);
    }
    /* The end is not read past again: a terminal would wait for more. */
    g_assert_cmpuint (numbers.n_calls, ==, 1);
    tool_window_clear (&window);
}

/* A huge capacity stands for bytes that fill it, so that twice as much cannot be had. */
static void
test_no_memory_names_the_input (void)
{
#ifdef SANITIZED
    g_test_skip ("the sanitizer ends the program");
#else
    Numbers numbers = {.size = 1000};
    const size_t full = (size_t)1 << 60;
    ToolWindow window = {
        .fill = fill, .source = &numbers, .name = "x.txt", .end = full, .capacity = full};
    g_autoptr (GError) error = NULL;
    const uint8_t *data;
    size_t size;

    g_assert_false (tool_window_peek (&window, full + 1, &data, &size, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOMEM);
    g_assert_cmpstr (error->message, ==,
                     "x.txt: no memory for 2305843009213693952 bytes of it");
#endif
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/window/any_sizes", test_any_sizes);
    g_test_add_func ("/window/grows_with_what_comes", test_grows_with_what_comes);
    g_test_add_func ("/window/failure_and_end", test_failure_and_end);
    g_test_add_func ("/window/no_memory_names_the_input", test_no_memory_names_the_input);
    return g_test_run();
}
