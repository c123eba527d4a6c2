/* ArecWriter: records into a new ArrayRecord file, or the shards of one, which the reference
 * reads as its own.
 *
 *     g_autoptr (ArecWriter) writer = arec_writer_new ("x.array_record", NULL, &error);
 *
 *     for (...)
 *         if (!arec_writer_write (writer, record, size, &error))
 *             return false;
 *     return arec_writer_finish (writer, &error);
 *
 * One thread at a time; the writer's own threads encode. Records are grouped by their number
 * alone, and the bytes of a file depend on records, options and the versions of the codecs, not
 * on threads or time. The file appears under its name when it is finished and durable, never
 * before. Of shards all appear or none.
 *
 * A failure sticks: every later call returns it, and the file never appears. Errors of every
 * call: IO; LIMIT (a record, or its group, is larger than a chunk may be, or than its codec
 * takes); NOMEM; after a finish INVALID.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/sharding.h>
#include <arec/visibility.h>
#include <arec/writer_options.h>

G_BEGIN_DECLS

typedef struct ArecWriter ArecWriter;

typedef struct {
    const void *data; /* may be NULL if @size is 0 */
    size_t size;
} ArecWriterRecord;

/* What is in the file so far; of groups that are still in work nothing. */
typedef struct {
    uint64_t n_records;
    uint64_t n_chunks;     /* of records */
    uint64_t decoded_size; /* bytes of the records */
    uint64_t file_size;
} ArecWriterTotals;

/* Begins the file @out, as arec/outputs.h says.
 * @options  copied; NULL for the defaults. max_parallelism 0 stands for the CPUs.
 * Errors: INVALID (options, or a terminal), IO, NOMEM. */
AREC_PUBLIC ArecWriter *arec_writer_new (const char *out, const ArecWriterOptions *options,
                                         GError **error);

/* The same for the shards of @out, or as @sharding says one file. Any earlier file of their
 * names counts as an existing output before the first is written. Memory: with ROUND_ROBIN a
 * group that is being filled and an output buffer for each shard. Errors: also CHANGED, of a
 * write: more records than @sharding says. */
AREC_PUBLIC ArecWriter *arec_writer_new_sharded (const char *out,
                                                 const ArecWriterOptions *options,
                                                 const ArecSharding *sharding, GError **error);

/* Takes NULL. What is not finished is discarded. Waits for groups that are being encoded. */
AREC_PUBLIC void arec_writer_free (ArecWriter *writer);

/* Adds a record, which is copied. Blocks while as many groups are in work as may be, and on
 * I/O. */
AREC_PUBLIC bool arec_writer_write (ArecWriter *writer, const void *data, size_t size,
                                    GError **error);

/* Adds @n records, in order. */
AREC_PUBLIC bool arec_writer_write_many (ArecWriter *writer, const ArecWriterRecord *records,
                                         size_t n, GError **error);

/* As arec_writer_write (), with the name of the record, which its file then keeps: any bytes
 * but NUL; NULL or empty: it has none. A shard keeps those of its own records. Names are kept
 * in memory until their file is complete. All of a file, with a NUL byte after each, may have
 * 1 GiB; more is LIMIT. A file without names is what the reference writes; with them it still
 * reads the records. */
AREC_PUBLIC bool arec_writer_write_named (ArecWriter *writer, const void *data, size_t size,
                                          const char *name, GError **error);

/* Everything of the finish that takes its time: writes what is left and the index, and waits
 * until the bytes are durable. Nothing has its name yet. For a program that writes several
 * files at the same time, and gives them their names one after the other: it may be called in
 * another thread than the finish, which alone may follow. */
AREC_PUBLIC bool arec_writer_complete (ArecWriter *writer, GError **error);

/* Writes what is left and the index, unless that is done, and gives the file its name. Called
 * once, last; blocks until the file is durable. Without a record the file is one of 0 records.
 */
AREC_PUBLIC bool arec_writer_finish (ArecWriter *writer, GError **error);

/* Of all files together. */
AREC_PUBLIC void arec_writer_get_totals (const ArecWriter *writer, ArecWriterTotals *totals);

/* The files, of which there are as many as there will be only after the finish. Returns the
 * path of file @i, which is its last one after the finish, and lives until the next call. */
AREC_PUBLIC uint64_t arec_writer_n_files (const ArecWriter *writer);
AREC_PUBLIC const char *arec_writer_get_file (const ArecWriter *writer, uint64_t i,
                                              ArecWriterTotals *totals);

/* After the finish: the paths of shards of an earlier set of the same name that has another
 * number of shards. They are left alone. NULL-terminated, owned by the writer. */
AREC_PUBLIC const char *const *arec_writer_other_shards (const ArecWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecWriter, arec_writer_free)

G_END_DECLS
