/* ToolInput: what is packed, one record at a time. It knows no writer.
 *
 * One thread at a time. Memory is bounded by the largest record, whatever the input claims.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "pack/name_list.h"

typedef struct {
    const void *data; /* good until the next call */
    size_t size;
    const char *name; /* the same; NULL: records of this kind have none */
} ToolInputRecord;

typedef enum {
    TOOL_INPUT_RECORD,
    TOOL_INPUT_END,
    TOOL_INPUT_FAILED,
} ToolInputStep;

/* All strings and lists outlive the input. */
typedef struct {
    const ToolNameList *names; /* of the inputs, in order; `-` is standard input */
    uint64_t max_record;       /* bytes of a record; a larger one is an error */
    /* Bytes that may be held of what may turn out to be no record; 0: max_record. */
    uint64_t max_memory;
    /* A damaged record whose end is known is skipped and reported. */
    bool recover;
    /* How many records come is found out before, where that can be: ToolInput.n_records. */
    bool counts_records;

    /* Of files, and members of archives: globs of those that are left out, NULL-terminated, or
     * NULL. */
    const char *const *excludes;

    /* Of lines. */
    bool keep_newline; /* the separator is a part of the record */
    bool split_at_nul; /* lines end with NUL, not with a newline */

    /* Of jsonl. */
    bool example; /* a tf.train.Example is made of each object */

    /* Of files. */
    bool dereference;      /* symbolic links are followed below directories, too */
    bool one_file_system;  /* directories of other ones are skipped */
    const char *out;       /* this file is no input; NULL: none */
    ArecSharding sharding; /* and none of its shards is */

    /* Called with a line about what is skipped by design; NULL: not reported. */
    void (*note) (void *data, const char *text);
    /* Called for each damage that `recover` skips, with the name of the input and the offset
     * in its bytes, decompressed. */
    void (*damage) (void *data, const char *name, uint64_t offset, const char *reason);
    void *data;
} ToolInputOptions;

/* How far it is. */
typedef struct {
    uint64_t done;      /* bytes of the inputs that were read, or records */
    uint64_t total;     /* the same of all; 0: not known before the end */
    uint64_t n_skipped; /* what was skipped by design */
    uint64_t n_damages;
    uint64_t n_lost; /* records that these cost: one each, where an input does not know more */
    bool counts_files; /* records, as each file is one; else bytes */
} ToolInputProgress;

typedef struct ToolInput ToolInput;

typedef struct {
    ToolInputStep (*next) (ToolInput *input, ToolInputRecord *record, GError **error);
    char *(*place) (const ToolInput *input);
    void (*free) (ToolInput *input);
} ToolInputOps;

/* Embedded as the first member by each implementation. */
struct ToolInput {
    const ToolInputOps *ops;
    ToolInputOptions options;
    ToolInputProgress progress; /* callers may read it */
    /* That will come, if none is damaged; UINT64_MAX: not known before the end. Set when the
     * input is made, with `counts_records`. */
    uint64_t n_records;
};

/* The next record, the end, or a failure, after which the input is of no more use. Blocks.
 * Errors: IO; NOT_FOUND, an input cannot be opened; CORRUPT; LIMIT, a record is too large;
 * CHANGED, a file is not what it was; FORMAT, an input is not of this kind; UNSUPPORTED,
 * NOMEM. */
ToolInputStep tool_input_next (ToolInput *input, ToolInputRecord *record, GError **error);

/* Where the last record came from, for messages. Returns (transfer full). */
char *tool_input_place (const ToolInput *input);

void tool_input_free (ToolInput *input); /* takes NULL */

/* For implementations: report what is skipped by design, and a damage. */
void tool_input_note (ToolInput *input, uint64_t n, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void tool_input_report_damage (ToolInput *input, const char *name, uint64_t offset,
                               const char *format, ...) G_GNUC_PRINTF (4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolInput, tool_input_free)
