/* write_records OUT OPTIONS RECORD...: a file of these records. */
#include <stdio.h>
#include <string.h>

#include <arec/arec.h>

static bool
write_records (const char *out, const char *text, char **records, GError **error)
{
    g_autoptr (ArecWriter) writer = NULL;
    ArecWriterOptions options;

    if (!arec_writer_options_parse (text, &options, error)) {
        return false;
    }
    options.output.replace = true;
    writer = arec_writer_new (out, &options, error);
    if (!writer) {
        return false;
    }
    for (; *records; records++) {
        if (!arec_writer_write (writer, *records, strlen (*records), error)) {
            return false; /* nothing appears under the name @out */
        }
    }
    return arec_writer_finish (writer, error);
}

int
main (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;

    if (argc >= 3 && !write_records (argv[1], argv[2], argv + 3, &error)) {
        fprintf (stderr, "%s\n", error->message);
        return arec_error_exit_code (error);
    }
    return argc >= 3 ? 0 : 2;
}
