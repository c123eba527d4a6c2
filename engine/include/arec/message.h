/* Messages of Protocol Buffers among records of which nothing is known. Pure, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Whether @size bytes at @data read as a message whose numbers all have their shortest form:
 * such records are what a transposed chunk takes apart by their fields. Bytes that are none may
 * look like one by chance, short ones above all; 0 bytes are a message without fields. Time is
 * linear in the bytes. false also if there is no memory for the groups in it. */
AREC_PUBLIC bool arec_message_is_canonical (const void *data, size_t size);

G_END_DECLS
