#include "arrayrecord/index_rows.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"

/* Rows that are written together: 96 KiB. */
#define BATCH_ROWS 4096

/* First records that are kept in memory where a division does not find the chunk: 32 KiB. */
#define MAX_SAMPLES 4096

/* Rows that one pread of a search fetches at most: 64 KiB. */
#define SEARCH_ROWS ((uint64_t)2730)

struct ArecIndexRows {
    ArecIndexFile *file;
    uint64_t begin; /* of the range in the file */
    uint64_t room;  /* rows */
    uint64_t n_rows;
    ArecIndexRow *pending; /* the last n_rows % BATCH_ROWS; NULL once sealed */
    uint64_t stride;       /* rows from sample to sample */
    uint64_t *samples;     /* first records of rows 0, stride, 2 * stride ... */
    uint64_t n_samples;
};

ArecIndexRows *
arec_index_rows_new (ArecIndexFile *file, uint64_t n_rows, GError **error)
{
    uint64_t begin = 0;
    size_t size;
    g_autoptr (ArecIndexRows) rows = NULL;

    if (!arec_mul_size (n_rows, sizeof (ArecIndexRow), &size)) {
        arec_fail (error, AREC_ERROR_LIMIT, "too many chunks for an offloaded index");
        return NULL;
    }
    if (!arec_index_file_reserve (file, size, &begin, error)) {
        return NULL;
    }
    rows = g_new0 (ArecIndexRows, 1);
    rows->file = file;
    rows->begin = begin;
    rows->room = n_rows;
    rows->stride = MAX ((n_rows + MAX_SAMPLES - 1) / MAX_SAMPLES, 1);
    rows->pending = g_try_new (ArecIndexRow, BATCH_ROWS);
    rows->samples = g_try_new (uint64_t, n_rows / rows->stride + 1);
    if (!rows->pending || !rows->samples) {
        arec_fail (error, AREC_ERROR_NOMEM, "out of memory for the index");
        return NULL;
    }
    return g_steal_pointer (&rows);
}

void
arec_index_rows_free (ArecIndexRows *rows)
{
    if (!rows) {
        return;
    }
    arec_index_file_release (rows->file, rows->begin, rows->room * sizeof (ArecIndexRow));
    g_free (rows->pending);
    g_free (rows->samples);
    g_free (rows);
}

/* ---- filling ---- */

static bool
write_pending (ArecIndexRows *rows, uint64_t n, GError **error)
{
    uint64_t first = rows->n_rows - n;

    return arec_index_file_write (rows->file, rows->pending, n * sizeof (ArecIndexRow),
                                  rows->begin + first * sizeof (ArecIndexRow), error);
}

bool
arec_index_rows_add (ArecIndexRows *rows, const ArecIndexRow *row, GError **error)
{
    g_assert (rows->n_rows < rows->room);
    if (rows->n_rows % rows->stride == 0) {
        rows->samples[rows->n_samples++] = row->first_record;
    }
    rows->pending[rows->n_rows % BATCH_ROWS] = *row;
    rows->n_rows++;
    return rows->n_rows % BATCH_ROWS > 0 || write_pending (rows, BATCH_ROWS, error);
}

bool
arec_index_rows_seal (ArecIndexRows *rows, bool for_search, GError **error)
{
    if (!write_pending (rows, rows->n_rows % BATCH_ROWS, error)) {
        return false;
    }
    g_clear_pointer (&rows->pending, g_free);
    if (!for_search) {
        g_clear_pointer (&rows->samples, g_free);
        rows->n_samples = 0;
    }
    return true;
}

uint64_t
arec_index_rows_memory (const ArecIndexRows *rows)
{
    return sizeof *rows + rows->n_samples * sizeof (uint64_t);
}

uint64_t
arec_index_rows_size (const ArecIndexRows *rows)
{
    return rows->room * sizeof (ArecIndexRow);
}

/* ---- asking ---- */

/* Rows [first, first + n). */
static bool
read_rows (ArecIndexRows *rows, uint64_t first, uint64_t n, ArecIndexRow *out, GError **error)
{
    return arec_index_file_read (rows->file, out, n * sizeof (ArecIndexRow),
                                 rows->begin + first * sizeof (ArecIndexRow), error);
}

/* Rows ascend. A page that the system lost while writing it back would read as zeros, and must
 * not be taken for a place in the file. */
static bool
check_pair (ArecIndexRows *rows, uint64_t i, const ArecIndexRow pair[2], GError **error)
{
    bool sound = pair[0].offset > 0 && (i == 0 || pair[0].first_record > 0) &&
                 (i + 1 == rows->n_rows || (pair[0].offset < pair[1].offset &&
                                            pair[0].first_record < pair[1].first_record));

    return sound || arec_index_file_fail_damaged (rows->file, error);
}

bool
arec_index_rows_get (ArecIndexRows *rows, uint64_t first, uint64_t n, ArecIndexRow *out,
                     GError **error)
{
    g_assert (first < rows->n_rows && n > 0 && n <= rows->n_rows - first);
    if (!read_rows (rows, first, n, out, error)) {
        return false;
    }
    /* A last row of several was looked at together with the one before it. */
    for (uint64_t i = 0; i + 1 < n || i == 0; i++) {
        if (!check_pair (rows, first + i, out + i, error)) {
            return false;
        }
    }
    return true;
}

static uint64_t
sample_before (const ArecIndexRows *rows, uint64_t record)
{
    uint64_t low = 0, high = rows->n_samples;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (rows->samples[middle] <= record) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Halves [*low, *high) by preads until one fetches the rest. */
static bool
narrow (ArecIndexRows *rows, uint64_t record, uint64_t *low, uint64_t *high, GError **error)
{
    while (*high - *low > SEARCH_ROWS) {
        uint64_t middle = *low + (*high - *low) / 2;
        ArecIndexRow row;

        if (!read_rows (rows, middle, 1, &row, error)) {
            return false;
        }
        if (row.first_record <= record) {
            *low = middle;
        } else {
            *high = middle;
        }
    }
    return true;
}

bool
arec_index_rows_find (ArecIndexRows *rows, uint64_t record, uint64_t *i, ArecIndexRow pair[2],
                      GError **error)
{
    uint64_t low = sample_before (rows, record) * rows->stride;
    uint64_t high = MIN (low + rows->stride, rows->n_rows);
    g_autofree ArecIndexRow *stretch = NULL;
    uint64_t first, n, found = 0;

    if (!narrow (rows, record, &low, &high, error)) {
        return false;
    }
    first = low;
    n = MIN (high + 1, rows->n_rows) - first; /* and the row after the last one */
    stretch = g_try_new (ArecIndexRow, n);
    if (!stretch) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory to search an offloaded index");
    }
    if (!read_rows (rows, first, n, stretch, error)) {
        return false;
    }
    for (uint64_t end = high - first; end - found > 1;) {
        uint64_t middle = found + (end - found) / 2;

        if (stretch[middle].first_record <= record) {
            found = middle;
        } else {
            end = middle;
        }
    }
    *i = first + found;
    memcpy (pair, stretch + found, MIN (n - found, 2) * sizeof *pair);
    return check_pair (rows, *i, pair, error);
}
