/* Names of records: record number <-> file name, and the suffix that its bytes suggest.
 * Pure functions over an immutable description, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Longest suffix; with it a name stays far below NAME_MAX. */
#define AREC_MAX_SUFFIX 32

/* Room for any record name. */
#define AREC_RECORD_NAME_SIZE (20 + AREC_MAX_SUFFIX + 1)

typedef struct {
    uint64_t n_records;
    unsigned width; /* digits that names are padded to; 1 with plain names */
    char suffix[AREC_MAX_SUFFIX + 1];
} ArecRecordNames;

/* @plain   no padding.
 * @suffix  at most AREC_MAX_SUFFIX bytes. */
AREC_PUBLIC void arec_record_names_init (ArecRecordNames *names, uint64_t n_records, bool plain,
                                         const char *suffix);

/* The listed name of @record < n_records. Returns its length. */
AREC_PUBLIC unsigned arec_record_names_format (const ArecRecordNames *names, uint64_t record,
                                               char name[AREC_RECORD_NAME_SIZE]);

/* The record of @name, in the listed form or as a plain number without leading zeros, suffix
 * included. false if there is no such record or the name is not of either form. */
AREC_PUBLIC bool arec_record_names_parse (const ArecRecordNames *names, const char *name,
                                          uint64_t *record);

/* The suffix that a user means by @text: `.png` for the word `png`, else @text itself. `auto`
 * stays a word: the caller takes arec_reader_suffix () then.
 * @suffix  (out) untouched on failure.
 * Errors: INVALID: a slash, more than AREC_MAX_SUFFIX bytes, a digit at the start. */
AREC_PUBLIC bool arec_suffix_parse (const char *text, char suffix[AREC_MAX_SUFFIX + 1],
                                    GError **error);

/* Bytes at the start of a record that are enough for its suffix. */
#define AREC_MAGIC_SIZE 64

/* The usual file name suffix of some bytes, from their magic numbers: ".png", ".jpg" ...;
 * "" if none is known. Static string. */
AREC_PUBLIC const char *arec_suffix_of (const uint8_t *data, size_t size);

G_END_DECLS
