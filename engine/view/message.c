#include <arec/message.h>

#include "riegeli/canonical_message.h"

bool
arec_message_is_canonical (const void *data, size_t size)
{
    g_auto (ArecOpenGroups) groups = {0};

    return arec_canonical_message_test (arec_bytes (data, size), &groups) == AREC_CANONICAL_YES;
}
