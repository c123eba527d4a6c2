/* The ring keeps the last whole lines, whatever their lengths. */
#include "base/log_ring.h"

#include <string.h>

#include <glib.h>

static ArecfsLogRing ring;

static void
check_text (const char *expected)
{
    g_autofree char *text = arecfs_log_ring_text (&ring);

    g_assert_cmpstr (text, ==, expected);
}

static void
test_few (void)
{
    memset (&ring, 0, sizeof ring);
    check_text ("");
    arecfs_log_ring_append (&ring, "one");
    arecfs_log_ring_append (&ring, "");
    arecfs_log_ring_append (&ring, "two");
    check_text ("one\n\ntwo\n");
}

/* Compared with all lines ever appended: the text is their end, and starts with a whole
 * line. */
static void
test_many (void)
{
    g_autoptr (GString) all = g_string_new (NULL);

    memset (&ring, 0, sizeof ring);
    for (int i = 0; i < 3000; i++) {
        g_autofree char *line = g_strdup_printf (
            "%d %.*s", i, (int)g_test_rand_int_range (0, 100),
            "----------------------------------------------------------------------------------"
            "------------------");
        g_autofree char *text = NULL;
        const char *begin;

        arecfs_log_ring_append (&ring, line);
        g_string_append_printf (all, "%s\n", line);
        text = arecfs_log_ring_text (&ring);
        g_assert_true (g_str_has_suffix (all->str, text));
        begin = all->str + all->len - strlen (text);
        g_assert_true (begin == all->str || begin[-1] == '\n');
        /* At most one line is missing. */
        g_assert_cmpuint (strlen (text), >=, MIN (all->len, ARECFS_LOG_RING_SIZE - 120));
    }
}

static void
test_a_line_that_is_too_long (void)
{
    g_autofree char *line = g_strnfill (3 * ARECFS_LOG_RING_SIZE, 'x');
    g_autofree char *text = NULL;

    memset (&ring, 0, sizeof ring);
    arecfs_log_ring_append (&ring, "before");
    arecfs_log_ring_append (&ring, line);
    text = arecfs_log_ring_text (&ring);
    g_assert_cmpuint (strlen (text), ==, ARECFS_LOG_RING_SIZE);
    arecfs_log_ring_append (&ring, "after");
    check_text ("after\n");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/log-ring/few", test_few);
    g_test_add_func ("/log-ring/many", test_many);
    g_test_add_func ("/log-ring/long", test_a_line_that_is_too_long);
    return g_test_run();
}
