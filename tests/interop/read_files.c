/* Reads many whole ArrayRecord files, for the differential test.
 *
 * Takes paths from standard input, one a line, and answers each with one line:
 *
 *   ok COUNT SHA256        every record was read; the hash is over the size (8 bytes, little
 *                          endian) and the bytes of each
 *   no CODE MESSAGE        the file, or a record of it, was refused; CODE is an ArecError
 *   sizes RECORD TOLD REAL the size reported before the record was read was not its size
 *
 * Every file has an engine of its own, so no answer comes from a cache.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include <arec/arec.h>

#define MAX_CHUNK_SIZE (UINT64_C (64) << 20) /* decoded bytes; a larger chunk is a LIMIT */

/* Indexed by ArecError. */
static const char *const code_names[] = {"IO",          "CORRUPT", "FORMAT",
                                         "UNSUPPORTED", "LIMIT",   "NOMEM",
                                         "NOT_FOUND",   "CHANGED", "INVALID"};

static void
print_refusal (const GError *error)
{
    g_autofree char *message = g_strdup (error->message);

    g_assert (error->domain == AREC_ERROR && (size_t)error->code < G_N_ELEMENTS (code_names));
    g_strdelimit (message, "\r\n", ' ');
    printf ("no %s %s\n", code_names[error->code], message);
}

static void
add_record (GChecksum *hash, const ArecView *view)
{
    uint64_t size = GUINT64_TO_LE (view->size);

    g_checksum_update (hash, (const uint8_t *)&size, sizeof size);
    g_checksum_update (hash, view->data, (gssize)view->size);
}

/* false with *error unset: a wrong size was printed. */
static bool
read_records (ArecReader *reader, GChecksum *hash, GError **error)
{
    uint64_t n = arec_reader_n_records (reader);

    for (uint64_t i = 0; i < n; i++) {
        g_auto (ArecView) view = {0};
        g_autoptr (GError) no_size = NULL;
        uint64_t reported = 0;
        bool has_size = arec_reader_record_size (reader, i, &reported, &no_size);

        if (!arec_reader_read (reader, i, &view, error)) {
            return false;
        }
        if (!has_size) {
            g_propagate_prefixed_error (error, g_steal_pointer (&no_size), "size only: ");
            return false;
        }
        if (reported != view.size) {
            printf ("sizes %" PRIu64 " %" PRIu64 " %zu\n", i, reported, view.size);
            return false;
        }
        add_record (hash, &view);
    }
    return true;
}

static void
read_file (const char *path)
{
    const ArecEngineOptions engine_options = {.max_parallelism = 1,
                                              .max_chunk_size = MAX_CHUNK_SIZE};
    const ArecReaderOptions reader_options = {.kind = AREC_KIND_ARRAY_RECORD};
    g_autoptr (ArecEngine) engine = arec_engine_new (&engine_options);
    g_autoptr (ArecReader) reader = NULL;
    g_autoptr (GChecksum) hash = g_checksum_new (G_CHECKSUM_SHA256);
    g_autoptr (GError) error = NULL;

    reader = arec_reader_open (engine, path, &reader_options, &error);
    if (reader && read_records (reader, hash, &error)) {
        printf ("ok %" PRIu64 " %s\n", arec_reader_n_records (reader),
                g_checksum_get_string (hash));
    } else if (error) {
        print_refusal (error);
    }
}

int
main (void)
{
    char line[4096];

    while (fgets (line, sizeof line, stdin)) {
        line[strcspn (line, "\n")] = '\0';
        read_file (line);
        fflush (stdout);
    }
    return 0;
}
