/* Record number <-> file name. Pure functions over an immutable description. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Longest suffix; with it a name stays far below NAME_MAX. */
#define ARECFS_MAX_SUFFIX 32

/* Room for any record name. */
#define ARECFS_NAME_SIZE (20 + ARECFS_MAX_SUFFIX + 1)

typedef struct {
    uint64_t n_records;
    unsigned width; /* digits that names are padded to; 1 with plain names */
    char suffix[ARECFS_MAX_SUFFIX + 1];
} ArecfsNames;

/* @plain   no padding.
 * @suffix  at most ARECFS_MAX_SUFFIX bytes. */
void arecfs_names_init (ArecfsNames *names, uint64_t n_records, bool plain, const char *suffix);

/* The listed name of @record < n_records. Returns its length. */
unsigned arecfs_names_format (const ArecfsNames *names, uint64_t record,
                              char name[ARECFS_NAME_SIZE]);

/* The record of @name, in the listed form or as a plain number without leading zeros, suffix
 * included. false when there is no such record or the name is not of either form. */
bool arecfs_names_parse (const ArecfsNames *names, const char *name, uint64_t *record);
