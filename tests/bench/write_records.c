/* Writes the records of a file, which lie in memory, through the library's writer: what it
 * costs with all that belongs to a file.
 *
 *   write_records PASSES OPTIONS FILE OUT [RECORDS]
 *
 * OPTIONS is a writer's option string, OUT the file that every pass writes anew. Prints what
 * measure.h says; its bytes are those of the file.
 */
#include "groups.h"

typedef struct {
    Groups groups;
    ArecWriterOptions options;
    const char *out;
} Work;

static void
check (const Work *work, bool ok, const GError *error)
{
    if (!ok) {
        groups_die (&work->groups, error->message);
    }
}

static uint64_t
write_all (void *data, uint64_t *bytes)
{
    const Work *work = data;
    const uint8_t *record = work->groups.values;
    ArecWriterTotals totals;
    GError *error = NULL;
    ArecWriter *writer = arec_writer_new (work->out, &work->options, &error);

    check (work, writer != NULL, error);
    for (size_t i = 0; i < work->groups.n_records; i++) {
        size_t size = work->groups.record_sizes[i];

        check (work, arec_writer_write (writer, record, size, &error), error);
        record += size;
    }
    check (work, arec_writer_finish (writer, &error), error);
    arec_writer_get_totals (writer, &totals);
    arec_writer_free (writer);
    *bytes = totals.file_size;
    return totals.n_records;
}

int
main (int argc, char **argv)
{
    Work work = {.groups = {.program = "write_records"}};
    GError *error = NULL;

    if (argc != 5 && argc != 6) {
        fprintf (stderr, "usage: write_records PASSES OPTIONS FILE OUT [RECORDS]\n");
        return 2;
    }
    work.out = argv[4];
    check (&work, arec_writer_options_parse (argv[2], &work.options, &error), error);
    work.options.max_parallelism = 1;
    work.options.output.replace = true;
    work.options.output.no_sync = true;
    groups_read_file (&work.groups, argv[3], argc == 6 ? strtoull (argv[5], NULL, 10) : 0);
    measure ((unsigned)strtoul (argv[1], NULL, 10), write_all, &work);
    groups_clear (&work.groups);
    return 0;
}
