/* read_records FILE: the number and the size of each record, then a batch of three. */
#include <inttypes.h>
#include <stdio.h>

#include <arec/arec.h>

static bool
print_records (const char *path, GError **error)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (NULL);
    g_autoptr (ArecReader) reader = arec_reader_open (engine, path, NULL, error);
    const uint64_t batch[3] = {2, 0, 1};
    ArecView views[3] = {0};

    if (!reader) {
        return false;
    }
    for (uint64_t i = 0; i < arec_reader_n_records (reader); i++) {
        g_auto (ArecView) view = {0};

        if (!arec_reader_read (reader, i, &view, error)) {
            return false;
        }
        printf ("%" PRIu64 " %zu\n", i, view.size); /* the bytes are at view.data */
    }
    /* Several at once: each chunk is decoded once, on several threads. */
    if (!arec_reader_read_many (reader, batch, 3, views, error)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        printf ("%" PRIu64 " %zu\n", batch[i], views[i].size);
        arec_view_clear (&views[i]);
    }
    return true;
}

int
main (int argc, char **argv)
{
    g_autoptr (GError) error = NULL;

    if (argc == 2 && !print_records (argv[1], &error)) {
        fprintf (stderr, "%s\n", error->message);
        return arec_error_exit_code (error);
    }
    return argc == 2 ? 0 : 2;
}
