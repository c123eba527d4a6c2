/* What a signal finds between the outputs of one command. */
#include <glib.h>

#include <arec/arec.h>

#include "frame/command.h"

static void
test_outputs (void)
{
    g_autoptr (GError) error = NULL;

    g_assert_null (tool_command_signal_note());
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf ("%u of 3 files are done", i);
        g_autofree char *line = g_strdup_printf ("arec: %s\n", text);

        g_assert_true (tool_command_begin_output (text, &error));
        g_assert_cmpstr (tool_command_signal_note(), ==, line);
    }
    g_assert_true (tool_command_begin_output (NULL, &error));
    g_assert_null (tool_command_signal_note());
    /* When an output was just complete, the next one is not begun. */
    tool_command_set_interrupted();
    g_assert_false (tool_command_begin_output (NULL, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpstr (error->message, ==, "interrupted");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/command/outputs", test_outputs);
    return g_test_run();
}
