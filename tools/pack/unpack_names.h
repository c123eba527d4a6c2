/* ToolUnpackNames: the names under which records leave a file; the one place where they are
 * made.
 *
 * Immutable after initialisation. The name of a number is one component of a path: it holds no
 * slash and begins with a digit. A stored one is a path that stays below its folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arec/arec.h>

#include "pack/unpack_plan.h"

typedef struct {
    ArecRecordNames numbers;
    bool adds_extension; /* to a number: the record's own, by its magic bytes */
    bool is_webdataset;
    size_t max_part;            /* bytes of a part of a path */
    const ToolUnpackPlan *plan; /* of stored names; NULL: all records are named by numbers */
} ToolUnpackNames;

/* @n_records      of the reader, which all count for the width of names.
 * @suffix         of numbers, "" for none.
 * @is_webdataset  a name is a key and an extension, which readers of WebDataset need: where
 *                 it holds none it is that of the record's magic bytes, else `.bin`.
 * names->plan is the caller's to set; its paths have parts of at most @max_part bytes. */
void tool_unpack_names_init (ToolUnpackNames *names, uint64_t n_records, bool is_plain,
                             const char *suffix, bool is_webdataset, size_t max_part);

/* The name of @record, whose bytes are @data. Of two records with the same stored name the
 * later one gets its number as an extension. One whose stored name cannot be used gets its
 * number, with underscores if that is the name of another record.
 * @out  what it holds goes.
 * Returns whether the record has a stored name that cannot be used. */
bool tool_unpack_names_format (const ToolUnpackNames *names, uint64_t record,
                               const uint8_t *data, size_t size, GString *out);
