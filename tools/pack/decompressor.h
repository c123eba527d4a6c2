/* ToolDecompressor: the bytes inside a compressed input.
 *
 * One thread at a time. Checksums of the form are compared: bytes that were given before such a
 * failure are to be thrown away. Which forms are there depends on the libraries of the build.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "pack/form.h"
#include "pack/window.h"

typedef struct ToolDecompressor ToolDecompressor;

typedef struct {
    bool (*read) (ToolDecompressor *decompressor, uint8_t *data, size_t most, size_t *n,
                  GError **error);
    void (*free) (ToolDecompressor *decompressor);
} ToolDecompressorOps;

/* Embedded as the first member by each implementation. */
struct ToolDecompressor {
    const ToolDecompressorOps *ops;
    ToolForm form;
    const char *name; /* of the input, for messages */
    ToolWindow *raw;  /* the compressed bytes */
};

/* Stands at the first byte of @raw. @name and @raw stay with the caller, and outlive it.
 * Errors: UNSUPPORTED in this build, NOMEM. */
ToolDecompressor *tool_decompressor_new (ToolForm form, const char *name, ToolWindow *raw,
                                         GError **error);
void tool_decompressor_free (ToolDecompressor *decompressor); /* takes NULL */

/* A ToolFillFunc. Errors: CORRUPT with the offset in the compressed bytes; LIMIT, it asks for
 * too much memory; those of `raw`. */
bool tool_decompressor_read (void *decompressor, uint8_t *data, size_t most, size_t *n,
                             GError **error);

/* The implementations, each in a file of its own: zlib for GZIP and ZLIB (of gzip libarchive
 * compares no checksum), liblzma for XZ (libarchive bounds no dictionary), libarchive for the
 * others. Same errors. */
ToolDecompressor *tool_decompressor_zlib_new (ToolForm form, const char *name, ToolWindow *raw,
                                              GError **error);
ToolDecompressor *tool_decompressor_lzma_new (ToolForm form, const char *name, ToolWindow *raw,
                                              GError **error);
ToolDecompressor *tool_decompressor_archive_new (ToolForm form, const char *name,
                                                 ToolWindow *raw, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolDecompressor, tool_decompressor_free)
