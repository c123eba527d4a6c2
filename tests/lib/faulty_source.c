#include "faulty_source.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

typedef struct {
    ArecSource base;
    ArecSource *inner;
    TestFaults *faults;
} FaultySource;

/* Replaces bytes that were read by those that have been written over them. */
static void
overwrite (const TestFaults *faults, const struct iovec *iov, int n_iov, uint64_t offset)
{
    for (int i = 0; i < n_iov; i++) {
        uint64_t begin = MAX (offset, faults->written_begin);
        uint64_t end = MIN (offset + iov[i].iov_len, faults->written_end);

        if (begin < end) {
            memcpy ((uint8_t *)iov[i].iov_base + (begin - offset), faults->written + begin,
                    end - begin);
        }
        offset += iov[i].iov_len;
    }
}

static bool
faulty_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
               GError **error)
{
    FaultySource *faulty = (FaultySource *)source;
    uint64_t call = faulty->faults->reads++;

    if (faulty->faults->cancel && call == faulty->faults->cancel_at) {
        arec_cancel_set (faulty->faults->cancel);
    }
    if ((int64_t)call == faulty->faults->fail_at_read) {
        return arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": read: injected failure",
                          source->name, offset);
    }
    for (int i = 0; i < n_iov; i++) {
        faulty->faults->bytes += iov[i].iov_len;
    }
    if (!arec_source_preadv (faulty->inner, iov, n_iov, offset, error)) {
        return false;
    }
    overwrite (faulty->faults, iov, n_iov, offset);
    return true;
}

static bool
faulty_check (ArecSource *source, uint64_t *stamp, GError **error)
{
    FaultySource *faulty = (FaultySource *)source;

    if (faulty->faults->changed) {
        return arec_fail (error, AREC_ERROR_CHANGED, "%s: injected change", source->name);
    }
    if (!arec_source_look (faulty->inner, stamp, error)) {
        return false;
    }
    *stamp += faulty->faults->stamps;
    return true;
}

static uint64_t
faulty_state (ArecSource *source)
{
    FaultySource *faulty = (FaultySource *)source;

    return faulty->faults->state + arec_source_state (faulty->inner);
}

static bool
faulty_is_being_written (ArecSource *source)
{
    FaultySource *faulty = (FaultySource *)source;

    return faulty->faults->being_written || arec_source_is_being_written (faulty->inner);
}

static uint64_t
faulty_next_data (ArecSource *source, uint64_t offset)
{
    const TestFaults *faults = ((FaultySource *)source)->faults;

    ((FaultySource *)source)->faults->n_asked_for_data++;
    return offset >= faults->hole_begin && offset < faults->hole_end ? faults->hole_end
                                                                     : offset;
}

static void
faulty_free (ArecSource *source)
{
    FaultySource *faulty = (FaultySource *)source;

    arec_source_free (faulty->inner);
    g_free (faulty);
}

static const ArecSourceOps faulty_ops = {.preadv = faulty_preadv,
                                         .check = faulty_check,
                                         .state = faulty_state,
                                         .is_being_written = faulty_is_being_written,
                                         .next_data = faulty_next_data,
                                         .free = faulty_free};

ArecSource *
test_faulty_source_new (ArecSource *inner, TestFaults *faults)
{
    FaultySource *faulty = g_new0 (FaultySource, 1);

    faulty->base.ops = &faulty_ops;
    faulty->base.name = g_strdup (inner->name);
    faulty->base.size = inner->size;
    faulty->base.identity = inner->identity;
    faulty->base.stamp = inner->stamp;
    faulty->base.st = inner->st;
    faulty->inner = inner;
    faulty->faults = faults;
    return &faulty->base;
}
