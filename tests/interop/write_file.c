/* Writes an ArrayRecord file by libarec, for tests against the reference.
 *
 *   interop.write_file OUT OPTIONS     OPTIONS is a writer's option string; OUT is replaced
 *
 * Takes records from standard input: the size (8 bytes, little endian) and the bytes of each.
 * Exits with 0, or with 1 and a line on standard error.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include <arec/arec.h>

/* The next record, at *data, which grows. false: there is none. */
static bool
next_record (uint8_t **data, size_t *size)
{
    uint64_t length;

    if (fread (&length, sizeof length, 1, stdin) != 1) {
        return false;
    }
    *size = GUINT64_FROM_LE (length);
    *data = g_realloc (*data, *size + 1);
    if (fread (*data, 1, *size, stdin) != *size) {
        fprintf (stderr, "a record of %zu bytes is not there\n", *size);
        exit (1);
    }
    return true;
}

static bool
write_all (ArecWriter *writer, GError **error)
{
    g_autofree uint8_t *data = NULL;
    size_t size;

    while (next_record (&data, &size)) {
        if (!arec_writer_write (writer, data, size, error)) {
            return false;
        }
    }
    return arec_writer_finish (writer, error);
}

int
main (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecWriter) writer = NULL;
    ArecWriterOptions options;

    g_assert (argc == 3);
    if (arec_writer_options_parse (argv[2], &options, &error)) {
        options.output.replace = true;
        writer = arec_writer_new (argv[1], &options, &error);
    }
    if (!writer || !write_all (writer, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return 1;
    }
    return 0;
}
