/* Records taken apart into symbols (FORMAT.md 7.9): messages into their fields, as deep as
 * messages nest, and anything else as it is.
 *
 * One thread at a time. Iterative: memory is linear in the depth of a record, and is kept for
 * the next record.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"
#include "riegeli/canonical_message.h"
#include "riegeli/transposed_symbols.h"

/* Submessages and groups within which a submessage is still taken apart; deeper ones stay
 * strings. */
#define AREC_MAX_SPLIT_DEPTH 100

/* An open submessage or group. */
typedef struct {
    const uint8_t *end; /* of the message around a submessage */
    uint32_t parent;    /* of the fields around it */
    uint32_t closing;   /* of a submessage: its closing symbol */
} ArecOpenMessage;

typedef struct {
    ArecOpenGroups groups;
    ArecOpenMessage *open;
    size_t capacity;
} ArecTransposedSplit;

typedef enum {
    AREC_SPLIT_OK,
    AREC_SPLIT_NOMEM,
    AREC_SPLIT_TOO_MANY, /* fields in the chunk */
    AREC_SPLIT_TOO_LONG, /* a record that is no message, or a string, of 4 GiB */
} ArecSplitResult;

/* Appends the symbols of @record to @symbols. After a failure these are of no use. */
ArecSplitResult arec_transposed_split_record (ArecTransposedSplit *split, ArecBytes record,
                                              ArecTransposedSymbols *symbols);

void arec_transposed_split_clear (ArecTransposedSplit *split);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecTransposedSplit, arec_transposed_split_clear)
