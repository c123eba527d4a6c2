#include "bench/bench_number.h"

#include <inttypes.h>

#include <arec/arec.h>

bool
tool_bench_number_take (const char *option, const char *text, uint64_t least, uint64_t most,
                        uint64_t *number, GError **error)
{
    guint64 taken = *number;

    if (text && !g_ascii_string_to_unsigned (text, 10, least, most, &taken, NULL)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: invalid value: %s, expected a number in [%" PRIu64 "..%" PRIu64
                          "]",
                          option, text, least, most);
    }
    *number = taken;
    return true;
}
