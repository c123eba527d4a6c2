/* An index in memory, in 4 to 8 bytes a chunk: frames of 64 chunks. A frame keeps a straight
 * line through the offsets of its chunks, and for each chunk the bits by which it lies above
 * that line, its decoded size above the least of the frame, and, only where chunks hold
 * different numbers of records, its first record:
 *
 *     offset (i) = base + i * slope + bits (i)        i = 0 .. 63 within the frame
 *
 * Filled by one thread, then immutable.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "arrayrecord/index_row.h"

typedef struct ArecIndexFrames ArecIndexFrames;

ArecIndexFrames *arec_index_frames_new (void);
void arec_index_frames_free (ArecIndexFrames *index); /* takes NULL */

/* Both return false if out of memory. */
bool arec_index_frames_add (ArecIndexFrames *index, const ArecIndexRow *row);
/* Packs what is left; then rows can be asked for. */
bool arec_index_frames_seal (ArecIndexFrames *index);

uint64_t arec_index_frames_memory (const ArecIndexFrames *index); /* bytes */

/* Rows [first, first + n), all of which there are. */
void arec_index_frames_get (const ArecIndexFrames *index, uint64_t first, uint64_t n,
                            ArecIndexRow *rows);

/* The last row that begins at or before @record, which is not before the first row's. */
uint64_t arec_index_frames_find (const ArecIndexFrames *index, uint64_t record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecIndexFrames, arec_index_frames_free)
