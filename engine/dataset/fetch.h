/* Tells sources that wait for a network which stored bytes a caller will come to, so that these
 * are on their way before they are decoded:
 *
 *     records   | decoded | being decoded | named: stored bytes under way | ...
 *               ^ handed out
 *
 * Decoding stays as near to the caller as over a local file. What is named runs ahead of it by
 * the window of the source. Any thread.
 */
#pragma once

#include <stdint.h>

#include <arec/reader.h>

#include "arrayrecord/shard.h"

/* Records of the file of @record whose stored bytes should be on their way; 0: naming them is
 * worth nothing. */
uint64_t arec_fetch_window (ArecReader *reader, uint64_t record);

/* Names the chunks of the records @first, @first + @step, ... below @end that the cache does
 * not have. Returns the record up to which all were named: @end, or one past the last chunk if
 * that is further; less if the index fails, which a read then reports. */
uint64_t arec_fetch_name (ArecReader *reader, uint64_t first, uint64_t end, uint64_t step);

/* Tells a source that waits for a network that the fronts of the chunks of @n @entries will be
 * read, their headers and what size lists mostly take, so that the requests for them do not
 * wait for each other. */
void arec_fetch_fronts (ArecShard *shard, const ArecIndexEntry *entries, size_t n);
