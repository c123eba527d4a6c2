#include "pack/form.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

typedef struct {
    ToolForm form;
    const char *name;
    uint8_t magic[6];
    size_t magic_size; /* 0: it has no magic */
    /* What must hold besides; NULL: nothing. */
    bool (*is_sound) (const uint8_t *front, size_t size);
} Row;

/* RFC 1950: method 8 and a window of at most 32 KiB. */
static bool
may_begin_zlib (uint8_t first)
{
    return (first & 0x0f) == 8 && first >> 4 <= 7;
}

/* Besides no dictionary, and a sum that 31 divides. */
static bool
is_zlib (const uint8_t *front, size_t size)
{
    static const uint8_t zeros[4];

    return size >= 8 && may_begin_zlib (front[0]) && !(front[1] & 0x20) &&
           (front[0] * 256 + front[1]) % 31 == 0 &&
           memcmp (front + 4, zeros, sizeof zeros) != 0;
}

/* After its mark the size of its blocks, and then the number that begins a block, or the one
 * that ends the stream: three letters alone may begin a text, or the name of a member. */
static bool
is_bzip2 (const uint8_t *front, size_t size)
{
    static const uint8_t block[] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
    static const uint8_t end[] = {0x17, 0x72, 0x45, 0x38, 0x50, 0x90};
    size_t n = size > 4 ? MIN (size - 4, sizeof block) : 0; /* fewer if it is cut off */

    return n >= 4 && front[3] >= '1' && front[3] <= '9' &&
           (memcmp (front + 4, block, n) == 0 || memcmp (front + 4, end, n) == 0);
}

static const Row rows[] = {
    {TOOL_FORM_GZIP, "gzip", {0x1f, 0x8b, 0x08}, 3, NULL},
    {TOOL_FORM_ZSTD, "zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, NULL},
    {TOOL_FORM_XZ, "xz", {0xfd, '7', 'z', 'X', 'Z', 0x00}, 6, NULL},
    {TOOL_FORM_BZIP2, "bzip2", {'B', 'Z', 'h'}, 3, is_bzip2},
    {TOOL_FORM_LZ4, "lz4", {0x04, 0x22, 0x4d, 0x18}, 4, NULL},
    {TOOL_FORM_ZLIB, "ZLIB", {0}, 0, is_zlib},
};

bool
tool_form_may_begin (unsigned forms, uint8_t first)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        if ((forms & rows[i].form) &&
            (rows[i].magic_size > 0 ? rows[i].magic[0] == first : may_begin_zlib (first))) {
            return true;
        }
    }
    return false;
}

ToolForm
tool_form_detect (unsigned forms, const uint8_t *front, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        const Row *row = &rows[i];
        bool matches = size >= row->magic_size &&
                       memcmp (front, row->magic, row->magic_size) == 0 &&
                       (!row->is_sound || row->is_sound (front, size));

        if (matches && (forms & row->form)) {
            return row->form;
        }
    }
    return TOOL_FORM_PLAIN;
}

const char *
tool_form_name (ToolForm form)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        if (rows[i].form == form) {
            return rows[i].name;
        }
    }
    return "plain";
}
