#include "source/memory_source.h"

#include <string.h>

typedef struct {
    ArecSource base;
    uint8_t *data;
} MemorySource;

static bool
memory_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
               GError **error)
{
    const uint8_t *data = ((MemorySource *)source)->data; /* NULL when there are no bytes */

    (void)error;
    for (int i = 0; i < n_iov; i++) {
        if (iov[i].iov_len > 0) {
            memcpy (iov[i].iov_base, data + offset, iov[i].iov_len);
            offset += iov[i].iov_len;
        }
    }
    return true;
}

static void
memory_free (ArecSource *source)
{
    MemorySource *memory = (MemorySource *)source;

    g_free (memory->data);
    g_free (memory);
}

static const ArecSourceOps memory_ops = {.preadv = memory_preadv, .free = memory_free};

ArecSource *
arec_memory_source_new (const char *name, const void *data, size_t size)
{
    MemorySource *memory = g_new0 (MemorySource, 1);

    memory->base.ops = &memory_ops;
    memory->base.name = g_strdup (name);
    memory->base.size = size;
    memory->data = g_memdup2 (data, size);
    return &memory->base;
}
