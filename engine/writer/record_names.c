#include "writer/record_names.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

static size_t
left (const ArecRecordNames *names)
{
    return names->bytes.size - names->begin;
}

/* Gives back the room of names that were moved away, once they are half of the buffer. */
static void
compact (ArecRecordNames *names)
{
    size_t size = left (names);

    if (names->begin == 0 || names->begin < size) {
        return;
    }
    memmove (names->bytes.data, names->bytes.data + names->begin, size);
    names->bytes.size = size;
    names->begin = 0;
}

/* Makes room for names of @size bytes. */
static bool
reserve (ArecRecordNames *names, uint64_t size, GError **error)
{
    compact (names);
    if (size > AREC_MAX_NAMES_SIZE || left (names) > AREC_MAX_NAMES_SIZE - size) {
        return arec_fail (error, AREC_ERROR_LIMIT,
                          "the names of all records may have %" PRIu64 " bytes",
                          AREC_MAX_NAMES_SIZE);
    }
    return arec_buffer_reserve (&names->bytes, size) ||
           arec_fail (error, AREC_ERROR_NOMEM, "no memory for names");
}

/* Gives empty names to the records that have none. */
static bool
fill (ArecRecordNames *names, GError **error)
{
    uint64_t missing = names->n_records - names->n_named;

    if (missing == 0) {
        return true;
    }
    if (!reserve (names, missing, error)) {
        return false;
    }
    memset (names->bytes.data + names->bytes.size, '\0', missing);
    names->bytes.size += missing;
    names->n_named = names->n_records;
    return true;
}

bool
arec_record_names_add (ArecRecordNames *names, const char *name, GError **error)
{
    if (name && *name != '\0') {
        size_t size = strlen (name) + 1;

        if (!fill (names, error) || !reserve (names, size, error)) {
            return false;
        }
        arec_buffer_append (&names->bytes, name, size);
        names->n_named++;
    }
    names->n_records++;
    return true;
}

/* Bytes of the first @n names that are kept. */
static size_t
measure (const ArecRecordNames *names, uint64_t n)
{
    const uint8_t *begin = names->bytes.data + names->begin;
    const uint8_t *end = begin;

    for (; n > 0; n--) {
        end = (const uint8_t *)memchr (end, '\0', left (names) - (size_t)(end - begin)) + 1;
    }
    return (size_t)(end - begin);
}

bool
arec_record_names_move (ArecRecordNames *names, uint64_t n, ArecRecordNames *to, GError **error)
{
    uint64_t n_named = MIN (n, names->n_named);

    g_assert (n <= names->n_records);
    if (n_named > 0) {
        size_t size = measure (names, n_named);

        if (!fill (to, error) || !reserve (to, size, error)) {
            return false;
        }
        arec_buffer_append (&to->bytes, names->bytes.data + names->begin, size);
        names->begin += size;
        to->n_named += n_named;
    }
    names->n_records -= n;
    names->n_named -= n_named;
    to->n_records += n;
    return true;
}

/* A name is more than the NUL byte after it. */
bool
arec_record_names_has_any (const ArecRecordNames *names)
{
    g_assert (names->begin == 0);
    return names->bytes.size > names->n_named;
}

bool
arec_record_names_complete (ArecRecordNames *names, ArecBytes *out, GError **error)
{
    if (!fill (names, error)) {
        return false;
    }
    /* Without a byte there may be no buffer. */
    *out = left (names) > 0 ? arec_bytes (names->bytes.data + names->begin, left (names))
                            : arec_bytes ("", 0);
    return true;
}

void
arec_record_names_clear (ArecRecordNames *names)
{
    arec_buffer_clear (&names->bytes);
    *names = (ArecRecordNames){0};
}
