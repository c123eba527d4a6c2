/* Whether bytes are a protobuf message whose numbers all have their shortest form: then it can
 * be made again from its tags and values alone (FORMAT.md 7.9).
 *
 * One level is looked at: what a length-delimited field holds is not. Time is linear in the
 * bytes; one thread at a time for one ArecOpenGroups.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bytes.h"

/* The field numbers of groups that are open during a test; memory that is kept for the next
 * one. Zero-initialised is empty. */
typedef struct {
    uint32_t *numbers;
    size_t capacity;
} ArecOpenGroups;

typedef enum {
    AREC_CANONICAL_NO,
    AREC_CANONICAL_YES,
    AREC_CANONICAL_NOMEM,
} ArecCanonical;

/* No bytes are a message. */
ArecCanonical arec_canonical_message_test (ArecBytes bytes, ArecOpenGroups *groups);

void arec_open_groups_clear (ArecOpenGroups *groups);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecOpenGroups, arec_open_groups_clear)
