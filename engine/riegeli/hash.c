#include "riegeli/hash.h"

#include <highwayhash/c_bindings.h>

uint64_t
arec_hash (const void *data, size_t size)
{
    /* "Riegeli/records\n" twice, as little-endian lanes. */
    static const HHKey key = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                              0x0a7364726f636572};

    return HighwayHash64 (key, size > 0 ? data : "", size);
}
