#include "naming/name_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

G_STATIC_ASSERT (AREC_MAX_NAMES_SIZE <= UINT32_MAX);

struct ArecNameTable {
    char *names;
    size_t size;
    uint64_t n;
    uint32_t *begins; /* of each name in @names */
};

/* Fills @begins as far as there are names, and returns how many there are. */
static uint64_t
find_begins (ArecNameTable *table)
{
    uint64_t n = 0;

    for (size_t at = 0; at < table->size; n++) {
        const char *end = memchr (table->names + at, '\0', table->size - at);

        if (!end) {
            return UINT64_MAX; /* the last one has no end */
        }
        if (n < table->n) {
            table->begins[n] = (uint32_t)at;
        }
        at = (size_t)(end - table->names) + 1;
    }
    return n;
}

static bool
fail_count (uint64_t found, uint64_t n, GError **error)
{
    return found == UINT64_MAX
               ? arec_fail (error, AREC_ERROR_CORRUPT, "the last name has no end")
               : arec_fail (error, AREC_ERROR_CORRUPT,
                            "%" PRIu64 " names for %" PRIu64 " records", found, n);
}

ArecNameTable *
arec_name_table_new (char *names, size_t size, uint64_t n, GError **error)
{
    g_autoptr (ArecNameTable) table = g_new0 (ArecNameTable, 1);
    uint64_t found;

    table->names = names;
    table->size = size;
    /* A name takes a byte at least. More of them are refused without memory for them. */
    table->n = MIN (n, size);
    if (size > AREC_MAX_NAMES_SIZE) {
        arec_fail (error, AREC_ERROR_LIMIT, "%zu bytes of names, the limit is %" PRIu64, size,
                   AREC_MAX_NAMES_SIZE);
        return NULL;
    }
    table->begins = g_try_new (uint32_t, table->n);
    if (!table->begins && table->n > 0) {
        arec_fail (error, AREC_ERROR_NOMEM, "no memory for %" PRIu64 " names", n);
        return NULL;
    }
    found = find_begins (table);
    if (found != n) {
        fail_count (found, n, error);
        return NULL;
    }
    return g_steal_pointer (&table);
}

void
arec_name_table_free (ArecNameTable *table)
{
    if (table) {
        g_free (table->names);
        g_free (table->begins);
        g_free (table);
    }
}

uint64_t
arec_name_table_n (const ArecNameTable *table)
{
    return table->n;
}

const char *
arec_name_table_get (const ArecNameTable *table, uint64_t record)
{
    g_assert (record < table->n);
    return table->names + table->begins[record];
}

const char *
arec_name_table_get_many (const ArecNameTable *table, uint64_t first, uint64_t n, size_t *size)
{
    size_t begin, end;

    g_assert (first <= table->n && n <= table->n - first);
    begin = first < table->n ? table->begins[first] : table->size;
    end = first + n < table->n ? table->begins[first + n] : table->size;
    *size = end - begin;
    return *size > 0 ? table->names + begin : "";
}

uint64_t
arec_name_table_memory (const ArecNameTable *table)
{
    return arec_name_table_cost (table->n, table->size);
}

uint64_t
arec_name_table_cost (uint64_t n, uint64_t size)
{
    return sizeof (ArecNameTable) + size + n * sizeof (uint32_t);
}
