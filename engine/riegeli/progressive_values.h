/* The values of a simple chunk, decoded from front to end, as far as readers need them.
 *
 *     verified stored bytes -> codec/stream -> | decoded ....... | not yet ........ |
 *                                              0               mark             size
 *
 * Thread-safe. A thread that needs bytes past the mark decodes the next step, or waits for the
 * thread that does; neither holds the lock meanwhile. Bytes before the mark never change and
 * are read without a lock. The stored bytes are freed when all values are decoded. A failure is
 * final: no byte past the mark can be read after it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "codec/codec.h"

typedef struct ArecProgressiveValues ArecProgressiveValues;

/* What calls have done. The two counters are shared by threads and values; each is added to
 * before any thread can see what it counts. */
typedef struct {
    _Atomic uint64_t *made;     /* bytes decoded */
    _Atomic uint64_t *failures; /* 1 for each stream that fails */
    uint64_t freed;             /* bytes of memory that the calls have freed */
} ArecDecodeTally;

/* Decodes the first step.
 * @compression  one that can be streamed.
 * @stored   the codec's stream, without the size in front of it.
 * @memory   what holds @stored; taken over unless NULL is returned.
 * @decoded  room for @size bytes, at least 1; outlives the values.
 * @reason   (out) why NULL is returned: a static string, one of arec_codec_stream_read () or
 * one for values that end too early. */
ArecProgressiveValues *arec_progressive_values_new (ArecCompression compression,
                                                    ArecBytes stored, uint8_t *memory,
                                                    uint8_t *decoded, uint64_t size,
                                                    const char **reason);
/* No thread may use them any more. Takes NULL. */
void arec_progressive_values_free (ArecProgressiveValues *values);

/* Bytes [0, mark) are decoded, and can be read by the calling thread. */
uint64_t arec_progressive_values_mark (const ArecProgressiveValues *values);

/* Bytes of memory that are freed once all values are decoded. */
uint64_t arec_progressive_values_held (ArecProgressiveValues *values);

/* Decodes on until bytes [0, end) can be read, end <= size. Blocks on decoding only.
 * @tally  added to, also with a failure.
 * Returns NULL or the reason why not, as above. */
const char *arec_progressive_values_need (ArecProgressiveValues *values, uint64_t end,
                                          ArecDecodeTally *tally);

/* ---- decoding ahead of readers, by one thread at a time ---- */

/* Raises the goal to @goal; never lowers it. Returns whether no thread decodes to the goal yet
 * and one must: then the caller must see to it that one of the two below is called. */
bool arec_progressive_values_aim (ArecProgressiveValues *values, uint64_t goal);

/* Decodes up to the goal, which may move meanwhile, or to a failure. @tally as above. */
void arec_progressive_values_decode_to_goal (ArecProgressiveValues *values,
                                             ArecDecodeTally *tally);

/* Instead of decoding to the goal: the next aim may find a thread for it. */
void arec_progressive_values_give_up (ArecProgressiveValues *values);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecProgressiveValues, arec_progressive_values_free)
