/* ToolByteInput: the bytes of one input, a file or standard input, decompressed if they are
 * compressed.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "pack/form.h"

typedef struct ToolByteInput ToolByteInput;

/* How the bytes of an input may be stored. */
typedef struct {
    unsigned forms; /* of ToolForm, besides plain */
    /* Whether what begins so is plain, whatever its first bytes look like; NULL: it never is
     * for sure. */
    bool (*is_plain) (const uint8_t *front, size_t size);
    size_t plain_front; /* bytes that it looks at, if there are as many */
} ToolByteForms;

/* @path  `-` is standard input. Blocks for the first bytes. Errors: NOT_FOUND (cannot be
 * opened, or is a directory), IO, UNSUPPORTED, NOMEM. */
ToolByteInput *tool_byte_input_open (const char *path, const ToolByteForms *forms,
                                     GError **error);
void tool_byte_input_free (ToolByteInput *input); /* takes NULL */

/* As tool_window_peek () and tool_window_skip (). Errors: IO, CORRUPT, NOMEM. */
bool tool_byte_input_peek (ToolByteInput *input, size_t least, const uint8_t **data,
                           size_t *size, GError **error);
void tool_byte_input_skip (ToolByteInput *input, size_t n);

/* The offset of the next byte, counted after decompressing. */
uint64_t tool_byte_input_offset (const ToolByteInput *input);

/* Bytes that were read, counted before. */
uint64_t tool_byte_input_raw_offset (const ToolByteInput *input);

/* As messages call it: the path, or `standard input`. */
const char *tool_byte_input_name (const ToolByteInput *input);

/* The place @offset as messages begin with it: `FILE: at OFFSET`, of decompressed bytes with a
 * word that says so. Returns (transfer full). */
char *tool_byte_input_place (const ToolByteInput *input, uint64_t offset);

/* As arec_fail (), with the place in front. */
bool tool_byte_input_fail (const ToolByteInput *input, uint64_t offset, GError **error,
                           ArecError code, const char *format, ...) G_GNUC_PRINTF (5, 6);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolByteInput, tool_byte_input_free)
