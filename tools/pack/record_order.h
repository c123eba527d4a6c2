/* ToolRecordOrder: the records of a reader in any order, in bounded memory.
 *
 * So many records as fit are read together, in the order of the file, so that each chunk is
 * decoded once for all of them; then they are given in the order that is wanted.
 *
 * One thread at a time; the reader has its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

typedef struct {
    uint64_t n; /* records to give */
    /* The number of the record at place @i of the order, i < n. Pure. */
    uint64_t (*at) (void *data, uint64_t i);
    /* Takes the next record. false ends the work, with @error set. */
    bool (*put) (void *data, uint64_t record, const void *bytes, size_t size, GError **error);
    /* Takes the @failure (transfer full) of reading @record, which is then left out; may be
     * called several times for one. false ends the work, with @error set. */
    bool (*skip) (void *data, uint64_t record, GError *failure, GError **error);
    void *data;
} ToolRecordOrder;

/* Gives all records of @order.
 * @max_memory  bytes for records and for chunks of which some are wanted; a single record, and
 *              a single chunk, may take more.
 * Errors: those of put and skip; NOMEM; of an offloaded index IO. Blocks on I/O. */
bool tool_record_order_give (const ToolRecordOrder *order, ArecReader *reader,
                             uint64_t max_memory, GError **error);
