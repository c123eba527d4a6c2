/* What libarec makes of option strings of a writer, many of them, for the differential test.
 *
 * Takes strings from standard input, each ended by NUL, and answers each with a text that is
 * ended so, too:
 *
 *   ok STRING    what a file keeps that one thread wrote with these options
 *   no MESSAGE   they were refused
 */
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include <arec/arec.h>

static void
answer (const char *text)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *kept = NULL;
    ArecWriterOptions options;

    if (!arec_writer_options_parse (text, &options, &error)) {
        printf ("no %s", error->message);
    } else {
        options.max_parallelism = 1;
        kept = arec_writer_options_to_string (&options);
        printf ("ok %s", kept);
    }
    putchar ('\0');
}

int
main (void)
{
    char *text = NULL;
    size_t size = 0;

    while (getdelim (&text, &size, '\0', stdin) > 0) {
        answer (text);
    }
    free (text);
    return 0;
}
