/* A READ of a record, and the reply to it, in whatever thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "serve/request.h"

/* A READ to be answered. A value: a copy may wait in any thread. */
typedef struct {
    ArecfsRequest request;
    ArecfsNode node; /* a record */
    size_t size;     /* bytes wanted, */
    uint64_t offset; /* from this one on */
} ArecfsRead;

/* Replies with the bytes wanted, as far as there are any, or with the error. Blocks on loading
 * the record's chunk; a caller that is killed meanwhile has its reply at once. */
void arecfs_read_answer (const ArecfsRead *read);

/* The same for a caller that has tried to get the bytes itself.
 * @view   meaningful without @error.
 * @error  nullable; freed. */
void arecfs_read_reply (const ArecfsRead *read, const ArecView *view, GError *error);
