/* Ends of very many short records, in bits instead of bytes: frames of 256 records. A frame
 * keeps the end of its first record, and for each record the bits by which its end lies past
 * that; a frame of empty records has none.
 *
 *     end (i) = base + bits (i)        i = 0 .. 255 within the frame
 *
 * Filled by one thread, then immutable.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecPackedEnds ArecPackedEnds;

/* Of @n > 0 records that take @decoded_size bytes in all. NULL if out of memory. */
ArecPackedEnds *arec_packed_ends_new (uint64_t n, uint64_t decoded_size);
void arec_packed_ends_free (ArecPackedEnds *ends); /* takes NULL */

/* The end of record @i. All of them are put once, from the first to the last or the other way
 * round. Running out of memory is told at the end. */
void arec_packed_ends_put (ArecPackedEnds *ends, uint64_t i, uint64_t end);
/* All are put; now they can be asked for. Returns false if memory has run out. */
bool arec_packed_ends_seal (ArecPackedEnds *ends);

/* Whether all records are equally long. */
bool arec_packed_ends_are_even (const ArecPackedEnds *ends);

uint64_t arec_packed_ends_get (const ArecPackedEnds *ends, uint64_t i);

/* Bytes of memory: of these, and the most that @n records of @decoded_size bytes in all take.
 */
uint64_t arec_packed_ends_memory (const ArecPackedEnds *ends);
uint64_t arec_packed_ends_bound (uint64_t n, uint64_t decoded_size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecPackedEnds, arec_packed_ends_free)
