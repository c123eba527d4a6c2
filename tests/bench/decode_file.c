/* Decodes all records of a file through the library, by a cursor.
 *
 *   decode_file PASSES THREADS FILE
 *
 * THREADS is the engine's max_parallelism: 1 decodes in the scanning thread. Output: measure.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include <arec/arec.h>

#include "measure.h"

static void
die (const GError *error)
{
    fprintf (stderr, "decode_file: %s\n", error->message);
    exit (1);
}

static uint64_t
scan_all (void *data, uint64_t *bytes)
{
    ArecReader *reader = data;
    ArecCursor *cursor = arec_cursor_new (reader, 0, arec_reader_n_records (reader));
    GError *error = NULL;
    uint64_t records = 0;

    *bytes = 0;
    for (;;) {
        const uint8_t *record;
        size_t size;

        if (!arec_cursor_next (cursor, NULL, &record, &size, &error)) {
            die (error);
        }
        if (!record) {
            break;
        }
        records++;
        *bytes += size;
    }
    arec_cursor_free (cursor);
    return records;
}

int
main (int argc, char **argv)
{
    ArecEngineOptions options = {0};
    ArecEngine *engine;
    ArecReader *reader;
    GError *error = NULL;

    if (argc != 4) {
        fprintf (stderr, "usage: decode_file PASSES THREADS FILE\n");
        return 2;
    }
    options.max_parallelism = (unsigned)strtoul (argv[2], NULL, 10);
    engine = arec_engine_new (&options);
    reader = arec_reader_open (engine, argv[3], NULL, &error);
    if (!reader) {
        die (error);
    }
    measure ((unsigned)strtoul (argv[1], NULL, 10), scan_all, reader);
    arec_reader_unref (reader);
    arec_engine_unref (engine);
    return 0;
}
