/* ToolInputStream: an input whose records are cut out of streams of bytes, one input after the
 * other. What cuts them is given.
 */
#pragma once

#include "pack/byte_input.h"
#include "pack/input.h"

/* Cuts the next record out of @bytes; END is the end of @bytes. As ToolInputOps.next. */
typedef ToolInputStep (*ToolCutFunc) (ToolInput *input, ToolByteInput *bytes,
                                      ToolInputRecord *record, GError **error);

/* Checks that every input can be opened, and reads nothing yet.
 * @forms  (static) how inputs may be stored.
 * Errors: NOT_FOUND, IO. */
ToolInput *tool_input_stream_new (const ToolInputOptions *options, const ToolByteForms *forms,
                                  ToolCutFunc cut, GError **error);

/* What cuts records where it keeps something of an input. */
typedef struct {
    /* At the first byte of @bytes, which outlive it. NULL: it failed. */
    void *(*begin) (ToolInput *input, ToolByteInput *bytes, GError **error);
    /* As ToolCutFunc. */
    ToolInputStep (*cut) (void *cutter, ToolInputRecord *record, GError **error);
    /* As ToolInputOps.place. */
    char *(*place) (const void *cutter);
    void (*free) (void *cutter);
} ToolCutterOps;

/* As tool_input_stream_new (), with a cutter for each input. */
ToolInput *tool_input_stream_new_cutter (const ToolInputOptions *options,
                                         const ToolByteForms *forms, const ToolCutterOps *ops,
                                         GError **error);
