/* ToolForm: how the bytes of an input are stored, found by its first bytes. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    TOOL_FORM_PLAIN = 0,
    TOOL_FORM_GZIP = 1 << 0,
    TOOL_FORM_ZLIB = 1 << 1,
    TOOL_FORM_ZSTD = 1 << 2,
    TOOL_FORM_XZ = 1 << 3,
    TOOL_FORM_BZIP2 = 1 << 4,
    TOOL_FORM_LZ4 = 1 << 5,
} ToolForm;

/* First bytes that are enough. */
enum { TOOL_FORM_FRONT = 16 };

/* Whether something of @forms may begin with the byte @first. If not, it is plain, and no
 * more bytes have to be waited for. */
bool tool_form_may_begin (unsigned forms, uint8_t first);

/* The form, of the set @forms or plain, of what begins with the @size bytes of @front.
 * ZLIB has next to no mark: a stream whose bytes 4 to 7 are zero is none, so that a TFRecord
 * file with a damaged front, which has the high half of a length there, stays plain. */
ToolForm tool_form_detect (unsigned forms, const uint8_t *front, size_t size);

/* As messages call it. */
const char *tool_form_name (ToolForm form);
