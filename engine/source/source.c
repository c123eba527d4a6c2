#include "source/source.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/checked.h"
#include "base/error.h"

bool
arec_source_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
                    GError **error)
{
    uint64_t length = 0;

    for (int i = 0; i < n_iov; i++) {
        length += iov[i].iov_len;
    }
    if (!arec_range_within (offset, length, source->size)) {
        return arec_fail_place (error, AREC_ERROR_CORRUPT, source->name, offset,
                                "the file ends at %" PRIu64 ", expected %" PRIu64 " bytes here",
                                source->size, length);
    }
    if (G_UNLIKELY (arec_cancel_is_set (source->cancel))) {
        return arec_fail (error, AREC_ERROR_CANCELLED, "%s: at %" PRIu64 ": cancelled",
                          source->name, offset);
    }
    if (!source->ops->preadv (source, iov, n_iov, offset, error)) {
        return false;
    }
    if (source->counters) {
        source->counters->reads++;
        source->counters->bytes += length;
    }
    return true;
}

bool
arec_source_pread (ArecSource *source, void *buffer, size_t size, uint64_t offset,
                   GError **error)
{
    struct iovec iov = {buffer, size};

    return arec_source_preadv (source, &iov, 1, offset, error);
}

bool
arec_source_fail_changed (const ArecSource *source, GError **error)
{
    return arec_fail (error, AREC_ERROR_CHANGED, "%s", source->change);
}

/* The first change is the one that is told from now on, whatever happens to the file later. */
bool
arec_source_set_changed (ArecSource *source, const char *message)
{
    char *none = NULL, *copy = g_strdup (message);
    bool is_first = atomic_compare_exchange_strong (&source->change, &none, copy);

    if (!is_first) {
        g_free (copy);
    }
    return is_first;
}

bool
arec_source_look (ArecSource *source, uint64_t *stamp, GError **error)
{
    g_autoptr (GError) cause = NULL;

    if (source->change) {
        return arec_source_fail_changed (source, error);
    }
    *stamp = source->stamp;
    if (!source->ops->check || source->ops->check (source, stamp, &cause)) {
        return true;
    }
    if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_CHANGED)) {
        arec_source_set_changed (source, cause->message);
        return arec_source_fail_changed (source, error);
    }
    g_propagate_error (error, g_steal_pointer (&cause));
    return false;
}

uint64_t
arec_source_next_data (ArecSource *source, uint64_t offset)
{
    uint64_t next = source->ops->next_data ? source->ops->next_data (source, offset) : offset;

    return CLAMP (next, offset, source->size);
}

uint64_t
arec_source_window (ArecSource *source)
{
    return source->ops->window ? source->ops->window (source) : 0;
}

void
arec_source_will_need (ArecSource *source, const ArecRange *ranges, size_t n,
                       ArecUrgency urgency)
{
    if (source->ops->will_need && n > 0) {
        source->ops->will_need (source, ranges, n, urgency);
    }
}

bool
arec_source_check (ArecSource *source, GError **error)
{
    uint64_t stamp;

    return arec_source_look (source, &stamp, error);
}

uint64_t
arec_source_state (ArecSource *source)
{
    return source->ops->state ? source->ops->state (source) : 0;
}

bool
arec_source_is_being_written (ArecSource *source)
{
    return source->ops->is_being_written && source->ops->is_being_written (source);
}

void
arec_source_free (ArecSource *source)
{
    if (!source) {
        return;
    }
    g_free (g_steal_pointer (&source->name));
    g_free (source->change);
    g_free (g_steal_pointer (&source->etag));
    source->ops->free (source);
}
