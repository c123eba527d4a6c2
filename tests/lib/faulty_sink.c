#include "faulty_sink.h"

#include <inttypes.h>

#include "base/error.h"

typedef struct {
    ArecSink base;
    ArecSink *inner;
    TestSinkFaults *faults;
} FaultySink;

static bool
fails_now (FaultySink *faulty, GError **error)
{
    uint64_t call = faulty->faults->calls++;

    return (int64_t)call == faulty->faults->fail_at_call &&
           !arec_fail (error, AREC_ERROR_IO, "%s: at %" PRIu64 ": injected failure",
                       faulty->base.name, faulty->base.position);
}

static bool
faulty_write (ArecSink *sink, const void *data, size_t size, GError **error)
{
    FaultySink *faulty = (FaultySink *)sink;

    return !fails_now (faulty, error) && arec_sink_write (faulty->inner, data, size, error);
}

static bool
faulty_commit (ArecSink *sink, GError **error)
{
    FaultySink *faulty = (FaultySink *)sink;

    return !fails_now (faulty, error) && arec_sink_commit (faulty->inner, error);
}

static void
faulty_free (ArecSink *sink)
{
    FaultySink *faulty = (FaultySink *)sink;

    arec_sink_free (faulty->inner);
    g_free (faulty);
}

static const ArecSinkOps faulty_ops = {
    .write = faulty_write, .commit = faulty_commit, .free = faulty_free};

ArecSink *
test_faulty_sink_new (ArecSink *inner, TestSinkFaults *faults)
{
    FaultySink *faulty = g_new0 (FaultySink, 1);

    faulty->base.ops = &faulty_ops;
    faulty->base.name = g_strdup (inner->name);
    faulty->inner = inner;
    faulty->faults = faults;
    return &faulty->base;
}
